//! What staff read: explanations and differences.

use std::fs;

use domain::script::{Bundle, diff, explain};

use crate::support::{SHELL_FILE, SUBMIT, SUBMIT_FILE, example, folder, shown};

fn load(files: &std::collections::BTreeMap<String, String>) -> Bundle {
    Bundle::load(files, SUBMIT).unwrap_or_else(|findings| panic!("{}", shown(&findings)))
}

#[test]
fn the_explanation_reads_as_agreed() {
    let bundle = load(&example());
    let text = explain(&bundle).text().replace(bundle.hash(), "(hash)");
    let path = folder("explain.txt");
    let agreed = fs::read_to_string(&path).unwrap_or_default();
    if agreed != text {
        fs::write(&path, &text).expect("can be written");
        panic!("the explanation changed; explain.txt was rewritten: read it and run again");
    }
    let markdown = explain(&bundle).markdown();
    assert!(markdown.contains("| 7 | SUBMIT submit-auth |"), "{markdown}");
}

#[test]
fn comments_and_quoting_are_silent() {
    let old = load(&example());
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = text.replace("    click: find\n", "    'click': \"find\" # the button\n");
    assert_eq!(diff(&old, &load(&files)).text(), "touches commit: no\n");
}

#[test]
fn changes_are_named() {
    let old = load(&example());
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = text
        .replace("revision: 7", "revision: 8")
        .replace("name: Find member}", "name: Search}")
        .replace(
            "    verify: readback\n    click: add_line\n",
            "    click: add_line\n    verify: readback\n",
        )
        .replace(
            "      denied: {text: \"/not (authorized|covered)/i\"",
            "      denied: {text: \"/declined/i\"",
        )
        .replace("scope: payer}", "scope: job}");
    let report = diff(&old, &load(&files));
    assert!(!report.touches_commit);
    let text = report.text();
    for line in [
        "~ revision: 7 → 8",
        "Search",
        "~ flow: step add-line: verbs: order: fill, verify, click, until → fill, click, verify, until",
        "/declined/i",
        "~ exception portal_down: scope: payer → job",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_touched_commit_is_said_first() {
    let old = load(&example());
    for (file, from, to) in [
        (SUBMIT_FILE, "name: Submit request", "name: Send request"),
        (SUBMIT_FILE, "review:    {see: [submit]}", "review:    {see: [submit, next]}"),
        (SUBMIT_FILE, "within: 60s", "within: 90s"),
        (SUBMIT_FILE, "tries: 3", "tries: 4"),
        (SUBMIT_FILE, "Reference( number)?", "Number"),
    ] {
        let mut files = example();
        let text = files.get_mut(file).expect("a file of the example");
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
        assert!(diff(&old, &load(&files)).text().starts_with("touches commit: yes\n"), "{to}");
    }
    let mut files = example();
    let text = files.get_mut(SHELL_FILE).expect("a file of the example");
    *text = text.replace("label: User name", "label: User ID");
    let report = diff(&old, &load(&files)).text();
    assert!(report.starts_with("touches commit: no\n"), "{report}");
    assert!(report.contains("element shell.user"), "{report}");
}
