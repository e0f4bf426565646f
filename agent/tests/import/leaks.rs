//! Canaries: what was typed while recording shows up nowhere.

use std::fs;
use std::path::Path;

use agent::import::import;

use crate::{fixture, program, read, values};

/// Typed secrets: forbidden everywhere, in whole or in the parts the Recorder writes.
const SECRETS: [&str; 4] = ["Quill", "480213", "irowan", "Basin-77"];
/// A member's data, typed or shown.
const MEMBER: [&str; 9] = [
    "5520917",
    "Rowan",
    "Ines",
    "03/14/1957",
    "1957",
    "Fell twice",
    "1000000012",
    "97110",
    "fakepath",
];

/// What was typed into the simulated Verity Review, and the number it showed.
const VERITY: [&str; 5] = ["auto01", "Thistle", "5583", "623973", "0123456790"];

fn innocent(text: &str, canaries: &[&str], place: &str) {
    for canary in canaries {
        assert!(!text.contains(canary), "{canary} in {place}:\n{text}");
    }
}

#[test]
fn the_fixtures_hold_what_is_looked_for() {
    let text = String::from_utf8(read("walkthrough.json")).unwrap();
    let status = String::from_utf8(read("status.json")).unwrap();
    for canary in SECRETS.iter().chain(&MEMBER) {
        let escaped = canary.replace('\\', "\\\\");
        assert!(text.contains(&escaped) || *canary == "1957", "{canary}");
    }
    assert!(status.contains("5520917") && status.contains("Ines"));
}

#[test]
fn the_tutorial_s_recording_gives_nothing_away() {
    let text = String::from_utf8(read("verity.json")).unwrap();
    assert!(VERITY.iter().all(|canary| text.contains(canary)), "looked for in vain");
    let values = serde_json::json!({"member": {"id": "W100000002"}, "reference": "V0123456790"});
    for values in [Some(values), None] {
        let draft = import(text.as_bytes(), values, "verity/auth_status").ok().unwrap();
        let notes: Vec<&String> = draft.notes.iter().flat_map(|n| [&n.path, &n.note]).collect();
        let asked: Vec<&String> =
            draft.questions.iter().flat_map(|q| [&q.path, &q.question]).collect();
        innocent(&draft.yaml, &VERITY, "the draft");
        innocent(&format!("{notes:?} {asked:?} {:?}", draft.findings), &VERITY, "what is said");
    }
}

#[test]
fn drafts_hold_nothing_that_was_typed() {
    for (name, values) in [
        ("walkthrough.json", Some(values())),
        ("walkthrough.json", None),
        ("chromium156.json", Some(values())),
        ("chromium156.json", None),
        ("status.json", Some(values())),
        ("status.json", None),
    ] {
        let draft = import(&read(name), values, "briar/submit").ok().unwrap();
        let notes: Vec<&String> = draft.notes.iter().flat_map(|n| [&n.path, &n.note]).collect();
        let asked: Vec<&String> =
            draft.questions.iter().flat_map(|q| [&q.path, &q.question]).collect();
        let told = format!("{notes:?} {asked:?} {:?}", draft.findings);
        innocent(&draft.yaml, &SECRETS, name);
        innocent(&told, &SECRETS, name);
        innocent(&told, &MEMBER, name);
        // a name that was only shown, never typed, is known by the inputs alone; like this one it is dropped
        // because it stands behind a comma
        innocent(&draft.yaml, &MEMBER, name);
    }
}

fn everything_below(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything_below(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn the_program_leaves_no_trace() {
    let place = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let (recording, values) = (fixture("walkthrough.json"), fixture("walkthrough.values.json"));
    let (recording, values) = (recording.to_str().unwrap(), values.to_str().unwrap());
    let out = place.path().join("draft.yaml");
    let out = out.to_str().unwrap();
    // a truncated file, whose fault lies right behind the password
    let broken = place.path().join("broken.json");
    let text = String::from_utf8(read("walkthrough.json")).unwrap();
    let cut = text.find("Quill-Basin-77!\"").unwrap() + 16;
    fs::write(&broken, &text[..cut]).unwrap();
    // a password where a word of the format belongs
    let odd = place.path().join("odd.json");
    fs::write(&odd, text.replacen("\"type\": \"scroll\"", "\"type\": \"Quill-Basin-77!\"", 1))
        .unwrap();
    let (broken, odd) = (broken.to_str().unwrap().to_owned(), odd.to_str().unwrap().to_owned());
    let runs: [(&[&str], i32); 7] = [
        (&[recording, "--values", values], 0),
        (&[recording, "--values", values, "--json"], 0),
        (&[recording, "--out", out], 0),
        (&[recording], 0),
        (&[&broken], 7),
        (&[&odd], 7),
        (&[recording, "--values", &broken], 2),
    ];
    for (arguments, code) in runs {
        let done = program(arguments, temporary.path());
        let said = String::from_utf8(done.stderr).unwrap();
        let printed = String::from_utf8(done.stdout).unwrap();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}\n{said}");
        for canaries in [&SECRETS[..], &MEMBER[..]] {
            innocent(&said, canaries, "standard error");
            innocent(&printed, canaries, "standard output");
        }
    }
    let mut left = Vec::new();
    everything_below(temporary.path(), &mut left);
    assert!(
        left.is_empty(),
        "temporary files: {:?}",
        left.iter().map(|(p, _)| p).collect::<Vec<_>>()
    );
    let draft = fs::read_to_string(out).unwrap();
    innocent(&draft, &SECRETS, "the draft");
    innocent(&draft, &MEMBER, "the draft");
    let mut files = Vec::new();
    everything_below(place.path(), &mut files);
    assert_eq!(files.len(), 3, "the two spoiled files and the draft, nothing else");
}
