//! Files that are refused, with the place of the fault.

use agent::import::{MAX_BYTES, MAX_STEPS, import};
use serde_json::{Value, json};

use crate::read;

/// One recording of the table.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) recording: Value,
    pub(crate) refused_at: Option<String>,
}

/// Recordings on both sides of every rule of the format.
pub(crate) fn cases() -> Vec<Case> {
    let table: Vec<Value> = serde_json::from_slice(&read("cases.json")).unwrap();
    let case = |row: &Value| Case {
        name: row["name"].as_str().unwrap().to_owned(),
        recording: row["recording"].clone(),
        refused_at: row.get("refused_at").map(|path| path.as_str().unwrap().to_owned()),
    };
    table.iter().map(case).collect()
}

fn place(recording: &[u8]) -> Option<String> {
    import(recording, None, "payer/draft").err().map(|refusals| refusals[0].path.clone())
}

#[test]
fn the_table_is_judged_as_written() {
    let cases = cases();
    assert!(cases.iter().filter(|case| case.refused_at.is_some()).count() > 40);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let found = place(case.recording.to_string().as_bytes());
            (found != case.refused_at)
                .then(|| format!("{}: {found:?}, not {:?}", case.name, case.refused_at))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_json_is_refused() {
    let good = read("walkthrough.json");
    for bytes in [
        &b""[..],
        b"{",
        b"\xff\xfe",
        b"[[[[",
        &good[..good.len() / 2],
        b"{\"title\": \"t\", \"steps\": []} x",
    ] {
        let refusals = import(bytes, None, "payer/draft").err().unwrap();
        assert_eq!((refusals.len(), refusals[0].path.as_str()), (1, ""));
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(place(deep.as_bytes()).as_deref(), Some(""), "deep nesting ends no program");
}

#[test]
fn large_files_are_refused() {
    let padding = "x".repeat(2_000_000);
    let large = json!({"title": padding, "steps": []}).to_string();
    assert!(large.len() > MAX_BYTES);
    assert_eq!(place(large.as_bytes()).as_deref(), Some(""));

    let step = json!({"type": "scroll"});
    let many = |count: usize| json!({"title": "", "steps": vec![step.clone(); count]}).to_string();
    assert_eq!(place(many(MAX_STEPS + 1).as_bytes()).as_deref(), Some("steps"));
    assert_eq!(place(many(MAX_STEPS).as_bytes()), None);
}

#[test]
fn many_faults_are_told_up_to_a_limit() {
    let steps = vec![json!({"type": "drag"}); 100];
    let file = json!({"title": "", "steps": steps}).to_string();
    let refusals = import(file.as_bytes(), None, "payer/draft").err().unwrap();
    assert_eq!((refusals.len(), refusals[19].path.as_str()), (20, "steps[19].type"));
}

#[test]
fn a_full_recording_is_read_in_time() {
    let click = |n: usize| {
        json!({"type": "click", "selectors": [[format!("aria/Button {}", n % 90)], [format!("#b{}", n % 90)]],
            "offsetX": 1, "offsetY": 1})
    };
    let change = |n: usize| json!({"type": "change", "value": format!("value {n}"), "selectors": [[format!("aria/Field {}", n % 70)]]});
    let steps: Vec<Value> =
        (0..MAX_STEPS).map(|n| if n % 3 == 0 { click(n) } else { change(n) }).collect();
    let file = json!({"title": "", "steps": steps}).to_string();
    assert!(file.len() < MAX_BYTES);
    let began = std::time::Instant::now();
    let draft = import(file.as_bytes(), None, "payer/draft").ok().unwrap();
    // generous: what is quadratic in the steps takes minutes
    assert!(began.elapsed().as_secs() < 240, "{:?}", began.elapsed());
    assert!(draft.questions.len() > 1000);
}
