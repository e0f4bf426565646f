//! `agent import`: a draft of a script from a recording of Chrome's Recorder.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use domain::script::Level;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{exit, print, tell};
use crate::import::{Draft, MAX_BYTES, Refusal, import};
use crate::scripts_on_disk::ScriptFolder;

/// Options of `agent import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: agent import recording.json --values request.json --id verity/submit --out scripts/verity/submit.yaml"
)]
pub struct Import {
    /// The recording, exported as JSON from Chrome's Recorder.
    pub recording: PathBuf,
    /// The input used while recording, JSON in the shape of `needs`: explains what was typed.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// The script's id, `payer/task` or `payer/group/task`; otherwise from `--out`.
    #[arg(long)]
    pub id: Option<String>,
    /// Where the draft goes; never overwritten. Otherwise standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// One JSON object on standard output, with the draft in it unless it goes to a file.
    #[arg(long)]
    pub json: bool,
}

/// Runs it; the exit code.
#[must_use]
pub fn run(options: &Import) -> u8 {
    match draft(options) {
        Ok(code) | Err(code) => code,
    }
}

fn usage(why: &str) -> u8 {
    tell(why);
    exit::USAGE
}

fn draft(options: &Import) -> Result<u8, u8> {
    let id = id(options)?;
    if options.out.as_ref().is_some_and(|out| out.exists()) {
        let out = options.out.as_deref().unwrap_or(Path::new("")).display();
        return Err(usage(&format!("{out}: there is such a file already; nothing is overwritten")));
    }
    let values = options.values.as_deref().map(values).transpose()?;
    let bytes = bytes(&options.recording)?;
    let draft = import(&bytes, values, &id).map_err(|refusals| refuse(options, &refusals))?;
    if let Some(out) = &options.out {
        write(out, &draft.yaml)?;
    }
    if options.json {
        report_json(options, &id, &draft);
    } else {
        if options.out.is_none() {
            print(draft.yaml.trim_end());
        }
        report(options, &draft);
    }
    Ok(exit::DONE)
}

/// The recording, at most one byte more than is read of it.
fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, u8> {
    let cannot = |error: std::io::Error| usage(&format!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

fn values(path: &Path) -> Result<Value, u8> {
    let text = std::fs::read(path).map(Zeroizing::new);
    let text = text.map_err(|error| usage(&format!("{}: {error}", path.display())))?;
    let read: Result<Value, _> = serde_json::from_slice(&text);
    let values = read.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        usage(&format!("{}: this is not JSON (line {line}, column {column})", path.display()))
    })?;
    if !values.is_object() {
        return Err(usage(&format!(
            "{}: must be an object in the shape of `needs`",
            path.display()
        )));
    }
    Ok(values)
}

/// The id asked for, or the one the place of the draft says.
fn id(options: &Import) -> Result<String, u8> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    let fits = |id: &str| (2..=3).contains(&id.split('/').count()) && id.split('/').all(part);
    let placed = options.out.as_deref().and_then(|out| {
        let below = out.iter().any(|part| part == "scripts");
        below.then(|| ScriptFolder::of(out)).flatten().map(|(_, id)| id)
    });
    let id = match (&options.id, placed) {
        (Some(id), Some(placed)) if *id != placed => {
            let why = format!("--id says {id}, but the place of --out says {placed}");
            return Err(usage(&why));
        }
        (Some(id), _) => id.clone(),
        (None, Some(placed)) => placed,
        (None, None) => "payer/draft".to_owned(),
    };
    if fits(&id) {
        Ok(id)
    } else {
        Err(usage("an id reads payer/task or payer/group/task, in small letters"))
    }
}

/// Writes the draft, unless something of that name has come about meanwhile.
fn write(out: &Path, yaml: &str) -> Result<(), u8> {
    let cannot = |error: std::io::Error| usage(&format!("{}: {error}", out.display()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(out);
    let mut file = file.map_err(cannot)?;
    file.write_all(yaml.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
}

fn refuse(options: &Import, refusals: &[Refusal]) -> u8 {
    if options.json {
        print(&json!({"refused": refusals}).to_string());
    } else {
        for refusal in refusals {
            let place = place(options, &refusal.path);
            tell(&format!("{place}: refused: {}", refusal.message));
        }
    }
    exit::CHECK_FAILED
}

/// The file, and the path in it.
fn place(options: &Import, path: &str) -> String {
    let file = options.recording.display();
    if path.is_empty() { file.to_string() } else { format!("{file}: {path}") }
}

fn report(options: &Import, draft: &Draft) {
    for question in &draft.questions {
        let (number, line) = (question.number, question.line);
        let place = place(options, &question.path);
        tell(&format!("{place}: question {number} (line {line}): {}", question.question));
    }
    for note in &draft.notes {
        tell(&format!("{}: note: {}", place(options, &note.path), note.note));
    }
    let open = draft.findings.iter().filter(|finding| finding.level == Level::Error).count();
    let count = draft.questions.len();
    tell(&format!("{count} question(s); `agent script check` will name {open} open place(s)"));
    let file = options.recording.display();
    tell(&format!(
        "{file} holds what was typed in clear, passwords too: delete it when the draft is good"
    ));
}

fn report_json(options: &Import, id: &str, draft: &Draft) {
    let mut object = json!({
        "id": id,
        "questions": draft.questions,
        "notes": draft.notes,
        "findings": draft.findings,
    });
    match &options.out {
        Some(out) => object["out"] = json!(out),
        None => object["yaml"] = json!(draft.yaml),
    }
    print(&object.to_string());
}
