//! The recording of docs/tutorial.md, made of post-back pages whose ids change with every answer and whose fields have no
//! labels; and what every kind of step becomes.

use std::collections::BTreeMap;

use agent::import::{Draft, import};
use domain::script::{Level, check_script};
use serde_json::{Value, json};

use crate::{has, read, shown};

fn draft() -> Draft {
    let values = json!({"member": {"id": "W100000002"}, "reference": "V0123456790"});
    import(&read("verity.json"), Some(values), "verity/auth_status").ok().unwrap()
}

fn recorded(steps: &Value) -> Draft {
    let recording = json!({"title": "", "steps": steps}).to_string();
    import(recording.as_bytes(), None, "briar/draft").ok().unwrap()
}

#[test]
fn changing_ids_are_found_by_their_ends() {
    let draft = draft();
    has(
        &draft,
        &[
            "secrets: {user: username, password: password, code: totp}\n",
            " {css: \"[id$=_chkAgree]\"}\n",
            " {css: \"[id$=_txtUser]\"}\n",
            "[{text: Log In}, {css: \"[id$=_btnLogIn]\"}]\n",
            "[{role: link, name: \"${reference}\"}, {css: \"[id$=_lnkCase]\"}]\n",
            "      user: {secret: user}\n      password: {secret: password}\n",
            "  - step: enter-code\n    effect: read\n    fill:\n      code: {otp: code}\n",
            "      number: \"${reference}\"\n",
        ],
    );
    for gone in ["ctl00", "g6DK3", "mdsgm", "field_2"] {
        assert!(!draft.yaml.contains(gone), "{gone} in\n{}", draft.yaml);
    }
}

#[test]
fn an_open_place_is_named_once() {
    let draft = draft();
    let open: Vec<_> = draft.findings.iter().filter(|f| f.level == Level::Error).collect();
    assert!(!open.is_empty());
    assert!(open.iter().all(|finding| finding.code == "to-do"), "{}", shown(&draft.findings));
    let mut places: Vec<_> = open.iter().map(|finding| (finding.line, finding.column)).collect();
    let count = places.len();
    places.dedup();
    assert_eq!(places.len(), count, "{}", shown(&draft.findings));
}

#[test]
fn the_finished_script_has_nothing_left_open() {
    let text = String::from_utf8(read("verity.yaml")).unwrap();
    let files = BTreeMap::from([("verity/auth_status.yaml".to_owned(), text)]);
    let findings = check_script(&files, "verity/auth_status");
    assert!(findings.is_empty(), "{}", shown(&findings));
}

#[test]
fn every_kind_of_step_has_its_mark() {
    let select = json!([["aria/Urgency[role=\"combobox\"]"], ["select#urgency"]]);
    let check = json!([["aria/Urgent[role=\"checkbox\"]"], ["#urgent"]]);
    let pierced = json!([["pierce/#inner"], ["xpath///*[@id=\"inner\"]"], ["text/Look up"]]);
    let draft = recorded(&json!([
        {"type": "setViewport", "width": 1, "height": 1, "deviceScaleFactor": 1, "isMobile": false,
            "hasTouch": false, "isLandscape": false},
        {"type": "navigate", "url": "https://portal.briar.example/form",
            "assertedEvents": [{"type": "navigation", "url": "https://portal.briar.example/form", "title": "Form"}]},
        {"type": "emulateNetworkConditions", "download": 1, "upload": 1, "latency": 1},
        {"type": "change", "selectors": select, "value": "2"},
        {"type": "change", "selectors": check, "value": "on"},
        {"type": "waitForElement", "selectors": [["#more"]], "count": 3},
        {"type": "click", "selectors": pierced, "offsetX": 1, "offsetY": 1, "frame": [0]},
        {"type": "keyDown", "key": "Shift"},
        {"type": "keyUp", "key": "Shift"},
        {"type": "customStep", "name": "other", "parameters": {}}
    ]));
    let asked = |path: &str| {
        let found = draft.questions.iter().find(|question| question.path == path);
        found.map(|question| question.question.as_str()).unwrap_or_else(|| panic!("{path}"))
    };
    assert!(asked("steps[2]").contains("slows the network"));
    assert!(asked("steps[3].value").contains("Which label"));
    assert!(asked("steps[4]").contains("ticked or unticked"));
    assert!(asked("steps[5]").contains("waits for something"));
    assert!(asked("steps[6].frame").contains("by number only"));
    assert!(asked("steps[9]").contains("step of an extension"));
    has(
        &draft,
        &[
            "    open: https://portal.briar.example/form\n",
            "      urgency: TODO\n",
            "      urgent: TODO\n",
            "[{text: {contains: Look up}, frame: TODO}, {css: \"#inner\", frame: TODO}]",
        ],
    );
    let notes = draft.notes.iter().map(|note| note.note.as_str()).collect::<Vec<_>>().join("\n");
    assert!(notes.contains("2 × key") && notes.contains("1 × setViewport"), "{notes}");
    let unknown = json!({"title": "", "steps": [{"type": "teleport"}]}).to_string();
    let refused = import(unknown.as_bytes(), None, "briar/draft").err().unwrap();
    assert_eq!(refused[0].path, "steps[0].type");
}
