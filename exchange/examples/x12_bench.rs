//! How fast X12 is read and written, and in how much memory: `x12_bench PART FILE [MIB]` prints one line of JSON. Each part runs in a
//! process of its own, so that its peak is its own; `.ci/bench-exchange` runs them all beside other parsers.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    process::ExitCode,
    time::Instant,
};

use exchange::x12::{
    Decimal, Delimiters, Event, Reader, Severity,
    file::{File, Gs, Isa, Item, Walk},
    out::Out,
    part::Loop as _,
    stream::{Piece, Remittances},
    t835,
    transaction::Transaction,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["write835", path, mib] => write_835(path, mib.parse().unwrap_or(200)),
        ["write277", path, count] => write_277(path, count.parse().unwrap_or(100_000)),
        ["segments", path] => segments(path),
        ["claims", path] => claims(path),
        ["typed", path] => typed(path),
        _ => Err(io::Error::other(
            "x12_bench write835 FILE MIB | write277 FILE COUNT | segments FILE | claims FILE | typed FILE",
        )),
    };
    match done {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{{\"error\": \"{error}\"}}");
            ExitCode::FAILURE
        }
    }
}

/// The most memory this process ever held, in MiB.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

fn figures(part: &str, bytes: u64, things: u64, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    let mb_per_s = bytes as f64 / 1e6 / seconds;
    let per_s = things as f64 / seconds;
    let peak = peak_mib();
    format!(
        "{{\"part\": \"{part}\", \"bytes\": {bytes}, \"things\": {things}, \"seconds\": {seconds:.3}, \
         \"mb_per_s\": {mb_per_s:.1}, \"per_s\": {per_s:.0}, \"peak_mib\": {peak:.1}}}"
    )
}

fn pattern(name: &str) -> io::Result<(File, String)> {
    let path = format!("{}/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path)?;
    Ok((File::read(text.as_bytes())?.0, text))
}

fn sink(path: &str) -> io::Result<BufWriter<fs::File>> {
    Ok(BufWriter::with_capacity(1 << 20, fs::File::create(path)?))
}

/// Begins an interchange with one group and gives its writer.
fn begin(isa: &Isa, gs: &Gs) -> Out {
    let delimiters = Delimiters::default();
    let mut out = Out::new(delimiters, false);
    isa.write(delimiters, &mut out, &mut Vec::new());
    gs.write(&mut out);
    out
}

fn end(out: &mut Out, sets: u64, isa: &Isa, gs: &Gs) {
    let close = [("GE", sets.to_string(), &gs.control), ("IEA", "1".to_owned(), &isa.control)];
    for (id, count, control) in close {
        out.open(id);
        out.put(&count);
        out.put(control);
        out.close();
    }
}

/// Writes remittances of 1,000 claims each until the file has its size, from values, claim by claim.
fn write_835(path: &str, mib: u64) -> io::Result<String> {
    let (file, _) = pattern("835")?;
    let (isa, group) = (&file.interchanges[0].isa, &file.interchanges[0].groups[0]);
    let Transaction::Remittance(model) = &group.sets[0] else {
        return Err(io::Error::other("the corpus holds no remittance"));
    };
    let mut model: t835::Remittance = model.clone();
    model.adjustments.clear();
    let claim = model.groups[0].claims.remove(0);
    let paid = claim.clp.paid.unwrap_or_default();
    let (mut out, mut to) = (begin(isa, &group.gs), sink(path)?);
    let (mut written, mut sets, mut claims) = (0_u64, 0_u64, 0_u64);
    let began = Instant::now();
    while written < mib << 20 {
        sets += 1;
        let before = out.count();
        model.st.control = format!("{sets:04}");
        model.bpr.amount = Decimal::sum(std::iter::repeat_n(paid, 1000));
        model.write(&mut out);
        let mut one = claim.clone();
        for _ in 0..1000 {
            claims += 1;
            one.clp.patient_control = format!("PCN-{claims}");
            one.write(&mut out);
        }
        out.open("SE");
        out.put(&(out.count() - before + 1).to_string());
        out.put(&model.st.control);
        out.close();
        written += out.bytes().len() as u64;
        to.write_all(out.bytes())?;
        out.clear();
    }
    end(&mut out, sets, isa, &group.gs);
    to.write_all(out.bytes())?;
    to.flush()?;
    Ok(figures("write835", written, claims, began))
}

/// Writes answers on the status of claims, one claim each set.
fn write_277(path: &str, count: u64) -> io::Result<String> {
    let (file, _) = pattern("277")?;
    let (isa, group) = (&file.interchanges[0].isa, &file.interchanges[0].groups[0]);
    let mut set = group.sets[0].clone();
    let (mut out, mut to) = (begin(isa, &group.gs), sink(path)?);
    let mut written = 0_u64;
    let began = Instant::now();
    for n in 1..=count {
        let Transaction::ClaimStatus(model) = &mut set else {
            return Err(io::Error::other("the corpus holds no 277"));
        };
        model.st.control = format!("{n:04}");
        set.write(&mut out);
        if out.bytes().len() > 1 << 20 || n == count {
            written += out.bytes().len() as u64;
            to.write_all(out.bytes())?;
            out.clear();
        }
    }
    end(&mut out, count, isa, &group.gs);
    to.write_all(out.bytes())?;
    to.flush()?;
    Ok(figures("write277", written, count, began))
}

/// Segments, elements and envelopes: counts and control numbers compared, nothing typed.
fn segments(path: &str) -> io::Result<String> {
    let bytes = fs::metadata(path)?.len();
    let began = Instant::now();
    let mut reader = Reader::new(fs::File::open(path)?);
    let (mut segments, mut faults, mut elements) = (0_u64, 0_u64, 0_u64);
    while let Some(event) = reader.next()? {
        match event {
            Event::Fault(_) => faults += 1,
            Event::Segment(segment) => {
                segments += 1;
                elements += segment.len() as u64;
            }
            _ => segments += 1,
        }
    }
    if faults > 0 || elements < segments {
        return Err(io::Error::other(format!("{faults} faults in a file that has none")));
    }
    Ok(figures("segments", bytes, segments, began))
}

/// Claims of remittances, typed, every element judged, balanced.
fn claims(path: &str) -> io::Result<String> {
    let bytes = fs::metadata(path)?.len();
    let began = Instant::now();
    let mut reader = Remittances::new(fs::File::open(path)?);
    let (mut claims, mut faults) = (0_u64, 0_u64);
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Claim(_) => claims += 1,
            Piece::Fault(fault) if fault.severity == Severity::Error => faults += 1,
            _ => {}
        }
    }
    if faults > 0 {
        return Err(io::Error::other(format!("{faults} faults in a file that has none")));
    }
    Ok(figures("claims", bytes, claims, began))
}

/// Sets, typed, every element judged, with the rules of each.
fn typed(path: &str) -> io::Result<String> {
    let bytes = fs::metadata(path)?.len();
    let began = Instant::now();
    let mut walk = Walk::new(fs::File::open(path)?);
    let (mut sets, mut faults, mut version) = (0_u64, Vec::new(), String::new());
    while let Some(item) = walk.next()? {
        match item {
            Item::Group(gs, _) => version.clone_from(&gs.version),
            Item::Set => {
                sets += 1;
                drop(Transaction::read(walk.set(), &version, &mut faults));
            }
            Item::Fault(fault) => faults.push(fault),
            _ => {}
        }
    }
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(io::Error::other(format!("{} faults in a file that has none", faults.len())));
    }
    Ok(figures("typed", bytes, sets, began))
}
