//! The Recorder's own library as a judge: it and we take and refuse the same recordings.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use agent::import::import;
use serde_json::Value;

use crate::{read, refusals::cases};

#[test]
#[expect(clippy::disallowed_methods, reason = "the judge is a program that ends by itself")]
fn the_recorder_s_own_library_agrees() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/import");
    if !folder.join("node_modules/@puppeteer/replay").exists() {
        // set where all stages run: there a missing judge is a fault
        assert!(
            std::env::var_os("FLEET_ORACLE").is_none(),
            "run `make oracle`: the judge is missing"
        );
        return;
    }
    let mut names: Vec<String> = Vec::new();
    let mut recordings: Vec<Value> = Vec::new();
    for case in cases() {
        names.push(case.name);
        recordings.push(case.recording);
    }
    for name in ["walkthrough.json", "status.json", "chromium156.json", "verity.json"] {
        names.push(name.to_owned());
        recordings.push(serde_json::from_slice(&read(name)).unwrap());
    }
    let mut judge = std::process::Command::new("node")
        .arg("oracle.mjs")
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = judge.stdin.take().unwrap();
    input.write_all(Value::from(recordings.clone()).to_string().as_bytes()).unwrap();
    drop(input);
    let answered = judge.wait_with_output().unwrap();
    assert!(answered.status.success());
    let verdicts: Vec<bool> = serde_json::from_slice(&answered.stdout).unwrap();
    assert_eq!(verdicts.len(), names.len());
    let ours =
        |recording: &Value| import(recording.to_string().as_bytes(), None, "payer/draft").is_ok();
    let apart: Vec<&String> = names
        .iter()
        .zip(&recordings)
        .zip(&verdicts)
        .filter(|((_, recording), verdict)| ours(recording) != **verdict)
        .map(|((name, _), _)| name)
        .collect();
    assert!(apart.is_empty(), "judged otherwise: {apart:?}");
}
