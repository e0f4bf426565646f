//! What two other libraries say about what is written here (`.ci/judge x12`). A judge's own defect is waived by name, and the
//! waiver's test fails when the defect is gone.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use exchange::x12::{
    check::{Answering, check},
    file::File,
};
use serde_json::{Value, json};

use super::judges::judges;

/// A verdict with what was said: `(judge, text)` in, `(accepted, findings)` out. None without judges.
#[expect(clippy::disallowed_methods, reason = "a judge ends with its input, and is waited for")]
fn ask(all: &[(&str, String)]) -> Option<Vec<(bool, String)>> {
    let folder = judges("x12")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/x12/judges/judge.py");
    let mut child = Command::new("python3")
        .arg(script)
        .env("PYTHONPATH", folder.join("py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = all
        .iter()
        .map(|(judge, text)| format!("{}\n", json!({ "judge": judge, "text": text })))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the judges failed");
    let verdicts: Vec<(bool, String)> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let said: Value = serde_json::from_str(line).unwrap();
            (said["verdict"] == "ok", said["findings"].to_string())
        })
        .collect();
    assert_eq!(verdicts.len(), all.len(), "one verdict each");
    Some(verdicts)
}

fn corpus(name: &str) -> String {
    let path = format!("{}/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The corpus as this crate writes it.
fn written(name: &str) -> String {
    let (file, _) = File::read(corpus(name).as_bytes()).unwrap();
    String::from_utf8(file.write().unwrap()).unwrap()
}

/// Drops one segment and mends the count of the set.
fn without(text: &str, segment: &str, count: (&str, &str)) -> String {
    assert!(text.contains(segment) && text.contains(count.0));
    text.replace(segment, "").replace(count.0, count.1)
}

#[test]
fn judges_accept_what_is_written_here() {
    let mut all = Vec::new();
    for name in ["277ca", "835", "999", "ta1"] {
        all.push(("pyx12", written(name)));
    }
    for name in ["270", "276", "277", "835"] {
        all.push(("x12sdk", written(name)));
    }
    // Waiver W2: without the telephone of the payer, which this judge drops before it counts.
    let bare = without(&written("271"), "PER*IC**TE*8005550100~", ("SE*23*", "SE*22*"));
    all.push(("x12sdk", bare));
    for (said, (judge, text)) in ask(&all).into_iter().flatten().zip(&all) {
        assert!(said.0, "{judge} refuses {text}\n{}", said.1);
    }
}

#[test]
fn judges_accept_our_answers_to_faulty_files() {
    let when = Answering { date: "20261121", time: "0931", control: 900 };
    let broken = [
        corpus("276").replace("DMG*D8*19800214*F~", "DMG*D8*1980021*F~"),
        corpus("276").replace("REF*EJ*PCN-7781~", "XYZ*1~"),
        corpus("270").replace("SE*13*", "SE*14*"),
        corpus("270").replace("EQ*30~", ""),
        corpus("277").replace("GE*1*", "GE*7*"),
        corpus("278_request").replace("UM*HS*I*73*11:B*****Y~", "UM**I*73*11:B*****YES~"),
        corpus("270"),
    ];
    let all: Vec<(&str, String)> = broken
        .iter()
        .map(|text| {
            let answer = check(text.as_bytes()).unwrap().answer(&when);
            ("pyx12", String::from_utf8(answer.write().unwrap()).unwrap())
        })
        .collect();
    for (said, (_, text)) in ask(&all).into_iter().flatten().zip(&all) {
        assert!(said.0, "pyx12 refuses our answer {text}\n{}", said.1);
    }
}

/// A judge that accepts everything judges nothing.
#[test]
fn judges_refuse_what_is_broken_and_so_do_we() {
    let broken = [
        ("pyx12", corpus("835").replace("CLP*PCN-7781*1*", "CLP**1*")),
        ("pyx12", corpus("835").replace("SE*31*", "SE*32*")),
        ("pyx12", corpus("277ca").replace("DTP*050*D8*20261121~", "DTP*050*D8*20261321~")),
        ("x12sdk", corpus("270").replace("HL*3*2*22*0~", "")),
        ("x12sdk", corpus("276").replace("NM1*PR*2*ACME HEALTH PLAN*****PI*ACME1~", "")),
        ("x12sdk", corpus("277").replace("SE*16*", "SE*11*")),
    ];
    let all: Vec<_> = broken.iter().map(|(judge, text)| (*judge, text.clone())).collect();
    for (said, (judge, text)) in ask(&all).into_iter().flatten().zip(&all) {
        assert!(!said.0, "{judge} accepts {text}");
    }
    for (_, text) in &broken {
        assert!(!check(text.as_bytes()).unwrap().acceptable(), "we accept {text}");
    }
}

/// The waivers: each names a defect of a judge, and fails when the defect is gone.
#[test]
fn waivers_are_still_needed() {
    let refusal = corpus("271");
    let from = refusal.find("N3*1 MAIN").unwrap();
    let to = refusal.find("SE*23").unwrap();
    let not_found = format!("{}AAA*N**75*C~{}", &refusal[..from], &refusal[to..])
        .replace("PER*IC**TE*8005550100~", "")
        .replace("SE*23*", "SE*11*");
    assert!(check(not_found.as_bytes()).unwrap().acceptable());
    let waivers = [
        // W1: reasons that are legal for a subscriber are judged by the list of providers.
        ("W1", "x12sdk", not_found, "AAA"),
        // W2: the payer's telephone is dropped, then the segments are miscounted.
        ("W2", "x12sdk", corpus("271"), "segment count"),
        // W3: an interchange that holds a TA1 alone is not read.
        ("W3", "x12sdk", corpus("ta1"), "parser"),
        // There is no map for these, so nobody but our own rules judges a 278.
        ("W4", "pyx12", corpus("278_request"), "Map not found"),
        ("W4", "x12sdk", corpus("278_request"), "not supported"),
        ("W5", "x12sdk", corpus("275"), "not supported"),
    ];
    let all: Vec<_> = waivers.iter().map(|(_, judge, text, _)| (*judge, text.clone())).collect();
    for (said, (name, judge, _, words)) in ask(&all).into_iter().flatten().zip(&waivers) {
        assert!(!said.0, "{name}: {judge} has mended it, take the waiver away");
        let found = *words == "AAA" || said.1.contains(words);
        assert!(found, "{name}: {judge} refuses for another reason: {}", said.1);
    }
}
