//! `agent import`: recordings in the form Chrome's Recorder exports become drafts that wait for a person at marked
//! places only, and nothing that was typed is ever shown.
#![expect(clippy::unwrap_used, reason = "tests")]

mod leaks;
mod oracle;
mod refusals;
mod verity;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use agent::import::{Draft, import};
use domain::script::{Finding, Level, check_script};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/import/fixtures").join(name)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

fn values() -> Value {
    serde_json::from_slice(&read("walkthrough.values.json")).unwrap()
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(Finding::render).collect()
}

/// The program itself, with a folder of its own for temporary files.
#[expect(clippy::disallowed_methods, reason = "the program under test; it ends by itself")]
fn program(arguments: &[&str], temporary: &std::path::Path) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_agent"))
        .arg("import")
        .args(arguments)
        .env("TMPDIR", temporary)
        .output()
        .unwrap()
}

fn walkthrough() -> Draft {
    import(&read("walkthrough.json"), Some(values()), "briar/submit").ok().unwrap()
}

fn has(draft: &Draft, lines: &[&str]) {
    let missing: Vec<&&str> = lines.iter().filter(|line| !draft.yaml.contains(**line)).collect();
    assert!(missing.is_empty(), "missing {missing:#?} in\n{}", draft.yaml);
}

#[test]
fn every_finding_is_at_a_question() {
    let status = import(&read("status.json"), None, "briar/status").ok().unwrap();
    let chromium = import(&read("chromium156.json"), Some(values()), "briar/submit").ok().unwrap();
    let bare = import(&read("walkthrough.json"), None, "briar/submit").ok().unwrap();
    let nothing = import(br#"{"title": "", "steps": []}"#, None, "briar/none").ok().unwrap();
    for draft in [walkthrough(), bare, status, chromium, nothing] {
        assert!(!draft.findings.is_empty(), "a draft never passes by itself");
        let stray: Vec<Finding> = draft
            .findings
            .iter()
            .filter(|finding| !draft.is_marked(finding.line as usize))
            .cloned()
            .collect();
        assert!(stray.is_empty(), "{}\n{}", shown(&stray), draft.yaml);
        for question in &draft.questions {
            let line = draft.yaml.lines().nth(question.line - 1).unwrap();
            assert!(!line.trim_start().starts_with('#'), "{question:?} stands over {line:?}");
        }
    }
}

#[test]
fn a_walk_through_becomes_steps() {
    let draft = walkthrough();
    has(
        &draft,
        &[
            "\nhosts:\n  review.briar.example: login\n",
            "  member: {id: string, last_name: string, first_name: string, dob: date}\n  urgency: [expedited]\n",
            "  lines: {type: list, max: 2, of: {code: string, units: integer, from: date}}\n",
            "  documents: {type: list, max: 1, of: {type: file, accept: [pdf], max: 10MB}}\n",
            "secrets: {user: username, password: password, code: mail_code}\n",
            "  urgency: {expedited: Expedited}\n",
            "    open: https://review.briar.example/login\n    until: login\n",
            "    fill:\n      user_name: {secret: user}\n      password: {secret: password}\n    click: log_in\n    until: code\n",
            "      enter_the_code_we_e_mailed: {otp: code}\n    press: Enter\n    until: home\n",
            "      expedited: \"${urgency | words(urgency)}\"\n",
            "      member_id: \"${member.id}\"\n      last_name: \"${member.last_name}\"\n      \
             date_of_birth: \"${member.dob | date('MM/dd/yyyy')}\"\n    verify: readback\n    click: find\n",
            "{type: \"${servicing.npi}\", pick: {contains: \"${servicing.npi}\"}}",
            "    each: {line: lines}\n    fill:\n      procedure_code: \"${line.code}\"\n      units: \"${line.units}\"\n",
            "      clinical_document: \"${documents}\"\n",
            "  - commit: submit-case\n",
            "    guard: {}\n    click: submit_case\n",
            "    sends: {}\n",
            "    proof: {}\n",
            "    unsure: TODO\n",
        ],
    );
    assert_eq!(draft.yaml.matches("click: add_line").count(), 1, "two lines are one loop");
    assert!(!draft.yaml.contains("click: log_off"), "nothing follows the submission");
    let after = draft.notes.iter().find(|note| note.note.contains("after the submission")).unwrap();
    assert_eq!(after.path, "steps[51]");
}

#[test]
fn alternatives_become_strategies_that_last() {
    let draft = walkthrough();
    has(
        &draft,
        &[
            "[{role: button, name: Next}, {text: Next}]\n",
            "[{text: Submit Case, heal: never}, {css: \"#submitCase\"}]\n",
            "[{label: Diagnosis code}, {css: \"#diagnosis\", inside: {css: briar-codes}}]\n",
            "link:                    [{role: link, name: \"${member.last_name}, ${member.first_name}\"}",
            "{css: \"#menu > a > span\"}, {xpath: '//*[@id=\"menu\"]/a/span'}]\n",
            "url: \"/case/*/codes\"",
        ],
    );
    let status = import(&read("status.json"), None, "briar/status").ok().unwrap();
    has(
        &status,
        &[
            "  \"status.briar.example:8443\": pages\n",
            "{role: link, name: '/Patient.s requests/i', frame: TODO}",
            "{css: \"[id$=_txtNumber]\", frame: TODO}",
            "{css: a.open, inside: {css: status-list, inside: {css: status-app}}}",
            "control:            {text: TODO}\n",
            "    open: https://status.briar.example:8443/portal\n",
            "      number: TODO\n    press: Enter\n",
        ],
    );
    for gone in ["ember412", "k7Qx2", "/html", "jsessionid", "tenant", "innerText"] {
        assert!(!status.yaml.contains(gone), "{gone} in\n{}", status.yaml);
    }
}

#[test]
fn what_chromium_writes_is_understood() {
    let draft = import(&read("chromium156.json"), Some(values()), "briar/submit").ok().unwrap();
    has(
        &draft,
        &[
            "      user_name: {secret: user}\n      password: {secret: password}\n    click: log_in\n    until: home\n",
            "{label: I agree to the disclosure}, {css: \"#agree\"}",
            "      i_agree_to_the_disclosure: TODO\n",
            "      expedited: \"${urgency | words(urgency)}\"\n",
            "  member:                  {css: \"[id$=_txtMember]\"}\n",
            "      member: \"${member.id}\"\n",
            "{type: \"${servicing.npi}\", pick: {contains: \"${servicing.npi}\"}}",
            "[{label: Diagnosis code}, {css: \"#diagnosis\", inside: {css: briar-codes}}]",
            "[{label: Reason, frame: TODO}, {css: \"#inner\", frame: TODO}]",
            "[{role: button, name: Submit Case, heal: never}, {text: Submit Case}]",
            "  - commit: submit-case\n",
        ],
    );
}

#[test]
fn without_values_every_typed_text_is_a_question() {
    let draft = import(&read("walkthrough.json"), None, "briar/submit").ok().unwrap();
    has(&draft, &["needs: {}\n", "      member_id: TODO\n", "      procedure_code: TODO\n"]);
    assert!(draft.findings.iter().any(|finding| finding.code == "to-do"));
    let asked = draft.questions.iter().find(|question| question.path == "steps[21].value").unwrap();
    assert_eq!(asked.question, "Which input is typed into “Member ID” (••••)?");
}

/// What a person writes at the marked places of the walk-through.
const ANSWERS: [(&str, &str); 12] = [
    ("drafts: {kept: TODO}", "drafts: {kept: false}"),
    ("i_agree_to_the_disclosure: TODO", "i_agree_to_the_disclosure: true"),
    ("place_of_service: TODO", "place_of_service: Office"),
    ("clinical_note: TODO", "clinical_note: See the attached notes."),
    (
        "guard: {}",
        "guard: {screen: summary, page_says: [\"${member.id}\"], once_per: \"${member.id}/${lines.code | join('+')}\"}",
    ),
    ("sends: {}", "sends: {method: POST, url: \"/case/*/submit\"}"),
    (
        "proof: {}",
        "proof: {screen: result, within: 60s, capture: {reference: {from: case_number, as: reference, kind: case}}}",
    ),
    ("unsure: TODO", "unsure: find_case"),
    ("received: {text: TODO}", "received: {text: Sent to clinical review}"),
    (
        "elements:\n",
        "elements:\n  case_number: [{text: '/Case V\\d+/'}, {css: .case-number}]\n  cases: {table: Cases}\n",
    ),
    ("screens:\n", "screens:\n  no_cases: {text: No cases}\n"),
    (
        "exceptions:\n",
        "reconcile:\n  find_case:\n    - step: open-cases\n      open: https://review.briar.example/cases\n    - rows:\n        \
         from: cases\n        empty: no_cases\n        where: {Member: \"${member.id}\", Started: {since: \
         \"${commit.search_from}\", reads: MM/dd/yyyy}}\n    - decide: {one: committed, none: {wait: 5m, tries: 3, then: \
         ask_staff}, many: ask_staff}\nexceptions:\n",
    ),
];

#[test]
fn an_answered_draft_is_clean() {
    let mut text = walkthrough().yaml;
    for (from, to) in ANSWERS {
        assert_eq!(text.matches(from).count(), 1, "{from} in\n{text}");
        text = text.replacen(from, to, 1);
    }
    text = text.replacen(
        "defaults: {within: 20s,",
        "defaults: {timezone: America/Chicago, within: 20s,",
        1,
    );
    let files = BTreeMap::from([("briar/submit.yaml".to_owned(), text.clone())]);
    let findings = check_script(&files, "briar/submit");
    assert!(findings.is_empty(), "{}\n{text}", shown(&findings));
}

#[test]
fn the_program_writes_once_and_says_what_is_open() {
    let place = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let folder = place.path().join("scripts/briar");
    fs::create_dir_all(&folder).unwrap();
    let out = folder.join("submit.yaml");
    let (recording, values) = (fixture("walkthrough.json"), fixture("walkthrough.values.json"));
    let arguments = [
        recording.to_str().unwrap(),
        "--values",
        values.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let first = program(&arguments, temporary.path());
    let said = String::from_utf8(first.stderr).unwrap();
    assert_eq!(first.status.code(), Some(0), "{said}");
    assert!(first.stdout.is_empty(), "the draft went to the file");
    assert!(fs::read_to_string(&out).unwrap().contains("script: briar/submit\n"));
    assert!(said.contains("steps[45].value: question"), "{said}");
    assert!(said.contains("delete it"), "{said}");

    let before = fs::read(&out).unwrap();
    let second = program(&arguments, temporary.path());
    assert_eq!(second.status.code(), Some(2), "nothing is overwritten");
    assert_eq!(fs::read(&out).unwrap(), before);

    let wrong = program(&[arguments[0], "--id", "Briar/submit"], temporary.path());
    assert_eq!(wrong.status.code(), Some(2));
    let elsewhere = [arguments[0], "--id", "other/submit", "--out", "scripts/briar/new.yaml"];
    assert_eq!(program(&elsewhere, temporary.path()).status.code(), Some(2));
    let missing = program(&["no-such.json"], temporary.path());
    assert_eq!(missing.status.code(), Some(2));
    let refused = program(&[values.to_str().unwrap()], temporary.path());
    assert_eq!(refused.status.code(), Some(7));

    let json = program(&[arguments[0], "--json"], temporary.path());
    let object: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json.stderr.is_empty());
    assert_eq!(object["id"], "payer/draft");
    assert!(object["yaml"].as_str().unwrap().starts_with("# yaml-language-server"));
    assert_eq!(object["questions"][0]["number"], 1);
}

#[test]
fn a_pointer_that_rests_before_a_click_is_a_hover() {
    let recording = serde_json::json!({"title": "", "steps": [
        {"type": "navigate", "url": "https://portal.briar.example/home"},
        {"type": "hover", "selectors": [["aria/Requests[role=\"menuitem\"]"]]},
        {"type": "click", "selectors": [["aria/New[role=\"menuitem\"]"]], "offsetX": 1, "offsetY": 1,
            "assertedEvents": [{"type": "navigation", "url": "https://portal.briar.example/new"}]}
    ]});
    let draft = import(recording.to_string().as_bytes(), None, "briar/new").ok().unwrap();
    has(&draft, &["    hover: requests\n    click: new\n    until: new\n"]);
}

/// The blocks of a page of the manual with this mark.
fn blocks(mark: &str) -> Vec<String> {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/import.md");
    let text = fs::read_to_string(page).unwrap();
    let open = format!("```yaml {mark}\n");
    text.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_manual_shows_what_is_written() {
    let draft = walkthrough();
    let shown = blocks("draft");
    assert!(shown.len() >= 5);
    for block in shown {
        assert!(draft.yaml.contains(&block), "not in the draft:\n{block}\n{}", draft.yaml);
    }
    let answers = blocks("answer");
    assert!(answers.len() >= 3);
    for block in answers {
        let known = ANSWERS.iter().any(|(_, answer)| block.trim() == *answer);
        assert!(known, "no answer of the test:\n{block}");
    }
    let json =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/import.md"))
            .unwrap();
    let json = json.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), values());
}

#[test]
fn warnings_are_marked_as_well() {
    let draft = import(&read("status.json"), None, "briar/status").ok().unwrap();
    let warnings = draft.findings.iter().filter(|finding| finding.level == Level::Warning);
    let codes: Vec<&str> = warnings.map(|finding| finding.code).collect();
    assert_eq!(codes, ["css-only", "css-only", "css-only"], "{}", draft.yaml);
}
