//! `coordinator edi …`: X12 files read, written and checked on this machine; nothing is asked of a running coordinator.

use std::{
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use exchange::x12::{
    Fault,
    check::{Answering, Checked, check},
    fault::acceptable,
    file::File,
};
use serde_json::json;

use super::{
    client::{Done, Exit, Failed},
    print,
};
use crate::clock::Clock;

/// Verbs of `edi`. Exit status 0: nothing wrong; 1: errors were found and told; 2: the file cannot be read at all.
#[derive(Debug, Subcommand)]
pub enum Edi {
    /// Show what a file holds; with --json as values that `edi write` takes
    #[command(after_help = "Example: coordinator edi read remittance.835 --json")]
    Read {
        /// X12 file, - for standard input
        file: PathBuf,
    },
    /// Write a file from the values `edi read --json` shows; counts and trailers are made
    #[command(after_help = "Example: coordinator edi write remittance.json > remittance.835")]
    Write {
        /// JSON file, - for standard input
        file: PathBuf,
    },
    /// Tell every fault with its place, and the TA1 and 999 we would answer
    #[command(after_help = "Example: coordinator edi check remittance.835 --json")]
    Check {
        /// X12 file, - for standard input
        file: PathBuf,
        /// Control number of the answer
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=999_999_999))]
        control: u32,
    },
}

impl Edi {
    /// Runs the verb.
    ///
    /// # Errors
    /// When a file cannot be read or is not what the verb takes.
    pub fn run(self, json: bool) -> Done {
        match self {
            Self::Read { file } => read(&file, json),
            Self::Write { file } => write(&file),
            Self::Check { file, control } => tell(&file, control, json),
        }
    }
}

fn open(path: &Path) -> Done<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match fs::File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failed {
    Failed::new(Exit::Usage, format!("{} cannot be read: {why}", path.display()))
}

fn verdict(faults: &[Fault]) -> Exit {
    if acceptable(faults) { Exit::Done } else { Exit::Unexpected }
}

fn read(path: &Path, json: bool) -> Done {
    let (file, faults) = File::read(open(path)?).map_err(|error| unreadable(path, &error))?;
    if file.interchanges.is_empty() {
        return Err(unreadable(
            path,
            &faults.first().map_or_else(String::new, ToString::to_string),
        ));
    }
    let value = serde_json::to_value(&file).map_err(|error| unreadable(path, &error))?;
    print::thing(&value, json);
    faults.iter().for_each(|fault| print::note(&fault.to_string()));
    Ok(verdict(&faults))
}

fn write(path: &Path) -> Done {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    let file: File = serde_json::from_str(&text).map_err(|error| unreadable(path, &error))?;
    match file.write() {
        Ok(bytes) => {
            let mut out = io::stdout().lock();
            out.write_all(&bytes)
                .and_then(|()| out.flush())
                .map_err(|error| Failed::new(Exit::Usage, format!("standard output: {error}")))?;
            // What can be written may still be wrong: it is told as a reader would tell it.
            let (_, faults) =
                File::read(bytes.as_slice()).map_err(|error| unreadable(path, &error))?;
            faults.iter().for_each(|fault| print::note(&fault.to_string()));
            Ok(verdict(&faults))
        }
        Err(faults) => {
            faults.iter().for_each(|fault| print::note(&fault.to_string()));
            Ok(Exit::Unexpected)
        }
    }
}

fn tell(path: &Path, control: u32, json: bool) -> Done {
    let checked = check(open(path)?).map_err(|error| unreadable(path, &error))?;
    if checked.interchanges.is_empty() {
        let why = checked.faults.first().map_or_else(String::new, ToString::to_string);
        return Err(unreadable(path, &why));
    }
    let now = Clock::System.now().jiff();
    let (date, time) = (now.strftime("%Y%m%d").to_string(), now.strftime("%H%M").to_string());
    let answer = checked.answer(&Answering { date: &date, time: &time, control });
    let answered = match answer.write() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // A header so broken that its own names cannot be written back.
        Err(faults) => {
            print::note("no answer can be made from the file's own header");
            faults.iter().for_each(|fault| print::note(&fault.to_string()));
            String::new()
        }
    };
    if json {
        let value = json!({ "acceptable": checked.acceptable(), "faults": checked.faults,
            "more": checked.more, "interchanges": checked.interchanges, "answer": answered });
        print::thing(&value, true);
    } else {
        people(&checked, &answered);
    }
    Ok(if checked.acceptable() { Exit::Done } else { Exit::Unexpected })
}

fn people(checked: &Checked, answered: &str) {
    checked.faults.iter().for_each(|fault| print::line(&fault.to_string()));
    if checked.more > 0 {
        print::line(&format!("and {} faults more", checked.more));
    }
    let sets: usize = checked
        .interchanges
        .iter()
        .flat_map(|interchange| &interchange.groups)
        .map(|group| group.sets.len())
        .sum();
    print::note(&format!(
        "{} interchanges, {sets} transactions, {} faults",
        checked.interchanges.len(),
        checked.faults.len()
    ));
    if !answered.is_empty() {
        print::note("we would answer:");
        print::line(&answered.replace('~', "~\n"));
    }
}
