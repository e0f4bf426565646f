//! Whole bundles: loading, the hash, names across files.

use domain::script::{Bundle, check_script, check_tree};

use crate::support::{Good, SHELL_FILE, SUBMIT, SUBMIT_FILE, example, shown};

fn hash(files: &std::collections::BTreeMap<String, String>) -> String {
    let bundle =
        Bundle::load(files, SUBMIT).unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    bundle.hash().to_owned()
}

#[test]
fn the_example_loads() {
    let bundle =
        Bundle::load(&Good, SUBMIT).unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    assert_eq!(bundle.script.payer(), "acme-health");
    assert_eq!(bundle.script.flow.nodes.len(), 8);
    assert!(bundle.element("shell.sign_in").is_some());
    assert!(bundle.flow("find_by_member").is_some());
    assert_eq!(bundle.watchers().count(), 3);
    assert!(bundle.exception("shell.account_locked").is_some());
}

#[test]
fn the_example_has_no_errors() {
    let findings = check_script(&Good, SUBMIT);
    let warnings: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    // the banner and the status line have nothing but a class
    assert_eq!(warnings, ["css-only", "css-only"], "{}", shown(&findings));
    assert_eq!(check_tree(&example()).expect("a map can be listed"), findings);
}

#[test]
fn comments_quoting_and_line_ends_do_not_change_the_hash() {
    let files = example();
    let before = hash(&files);
    let mut other = example();
    let text = other.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = text
        .replace("revision: 7", "revision: 7 # raised")
        .replace("    click: find\n", "    'click': \"find\"\n")
        .replace('\n', "\r\n");
    other.get_mut(SHELL_FILE).expect("a file of the example").push_str("# the end\n");
    assert_eq!(before, hash(&other));
}

#[test]
fn every_change_of_meaning_changes_the_hash() {
    let before = hash(&example());
    for (file, from, to) in [
        (SUBMIT_FILE, "revision: 7", "revision: 8"),
        (SUBMIT_FILE, "within: 60s", "within: 61s"),
        (
            SUBMIT_FILE,
            "    verify: readback\n    click: add_line\n",
            "    click: add_line\n    verify: readback\n",
        ),
        (SHELL_FILE, "label: User name", "label: User ID"),
    ] {
        let mut files = example();
        let text = files.get_mut(file).expect("a file of the example");
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
        assert_ne!(before, hash(&files), "{from} → {to}");
    }
}

#[test]
fn a_missing_fragment_is_an_error_at_its_use() {
    let mut files = example();
    files.remove(SHELL_FILE);
    let findings = Bundle::load(&files, SUBMIT).expect_err("the fragment is gone");
    let first = findings.iter().find(|finding| finding.code == "unreadable").expect("reported");
    assert_eq!(first.line, 21);
}

#[test]
fn a_finding_in_a_fragment_says_who_uses_it() {
    let mut files = example();
    let text = files.get_mut(SHELL_FILE).expect("a file of the example");
    *text = text.replace("click: sign_in", "click: sign_inn");
    let findings = check_script(&files, SUBMIT);
    let rendered = shown(&findings);
    assert!(
        rendered.contains("scripts/acme-health/fragments/shell.yaml:30:14: error[undefined-name]"),
        "{rendered}"
    );
    assert!(rendered.contains("did you mean `sign_in`? (declared at line 8)"), "{rendered}");
    assert!(
        rendered.contains("used by scripts/acme-health/prior-auth/submit.yaml:21:14"),
        "{rendered}"
    );
}
