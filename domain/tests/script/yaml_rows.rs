//! Every trap of YAML is closed: each spelling two readers would read differently is refused.

use crate::support::{SUBMIT, SUBMIT_FILE, Spoiled, example, expect_all, shown};
use domain::script::check_script;

const fn row(from: &'static str, to: &'static str, code: &'static str) -> Spoiled {
    Spoiled { file: SUBMIT_FILE, from, to, code, at: "", back: false, editor_is_blind: false }
}

#[test]
fn texts_that_are_something_else_elsewhere() {
    expect_all(&[
        row("{label: Urgency}", "{label: 0123}", "quote-it"),
        row("{label: Urgency}", "{label: 12:30}", "quote-it"),
        row("{label: Urgency}", "{label: no}", "quote-it"),
        row("{label: Urgency}", "{label: on}", "quote-it"),
        row("{label: Urgency}", "{label: y}", "quote-it"),
        row("{label: Urgency}", "{label: 1e3}", "quote-it"),
        row("{label: Urgency}", "{label: 1_000}", "quote-it"),
        row("{label: Urgency}", "{label: 0x1F}", "quote-it"),
        row("{label: Urgency}", "{label: .inf}", "quote-it"),
        row("{label: Urgency}", "{label: 2026-01-02}", "quote-it"),
        row("{label: Urgency}", "{label: ~}", "quote-it"),
        row("{label: Urgency}", "{label: null}", "quote-it"),
        row("title: Submit a prior authorization request", "title:", "wrong-type"),
        row("[standard, expedited]", "[yes, no]", "quote-it"),
    ]);
}

#[test]
fn structure() {
    expect_all(&[
        row("{css: \"#memberId\"}", "{css: #memberId}", "syntax"),
        row("take: {reference: \"Ref #\"}", "take: {reference: Ref #}", "syntax"),
        row("url: \"/auth/new*\"}\n  review", "url: */new*}\n  review", "anchor"),
        row("{role: button, name: Add line}", "{role: button, name: Add, line}", "split-by-comma"),
        row("match: '\\b(PA-\\d{4}-\\d{6})\\b'", "match: \"(PA-\\d+)\"", "syntax"),
        row("revision: 7\n", "revision: 7\nrevision: 8\n", "duplicate-key").after("revision: 8"),
        row("  units:     {label: Units, ", "  units:     {<<: x, label: Units, ", "merge-key"),
        row("{label: Urgency}", "&a {label: Urgency}", "anchor"),
        row("{label: Urgency}", "{label: !!str Urgency}", "tag"),
        row("title: Submit", "title: !int Submit", "tag"),
        row("\nflow:", "\n---\nflow:", "second-document").after("---"),
        row("  units:     {label", "\tunits:     {label", "tab-indent"),
        row("title: Submit a", "title: Submit\u{a0}a", "invisible-character"),
    ]);
}

#[test]
fn bytes_that_are_no_text() {
    struct Raw(Vec<u8>);
    impl domain::script::Source for Raw {
        fn read(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.clone())
        }
    }
    let findings = check_script(&Raw(b"script: a/b\nrevision: \xff\n".to_vec()), "a/b");
    assert_eq!((findings[0].code, findings[0].line, findings[0].column), ("not-utf8", 2, 11));
    let findings = check_script(&Raw(vec![b'#'; 300_000]), "a/b");
    assert_eq!(findings[0].code, "too-large");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let findings = check_script(&files, SUBMIT);
    assert!(findings.iter().all(|finding| finding.code == "css-only"), "{}", shown(&findings));
}

#[test]
fn a_backspace_is_shown_where_it_is() {
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = text.replace("match: '\\b(PA-\\d{4}-\\d{6})\\b'", "match: \"\\b(PA-[0-9]+)\"");
    let findings = check_script(&files, SUBMIT);
    let finding = findings.iter().find(|f| f.code == "control-character").expect("found");
    let shown = finding.shown.as_deref().expect("the line is known");
    let at: String = shown.chars().skip(finding.column as usize - 1).take(2).collect();
    assert_eq!(at, "\\b");
    assert!(finding.render().contains("use single quotes"));
}

#[test]
fn what_a_person_did_is_said_beside_what_the_parser_met() {
    for (text, hint) in [
        ("a: 1\n b: 2\n", "indented as its neighbours"),
        ("a:\n  - b\n c: d\n", "bring it in line"),
        ("fill\n  a: b\n", "followed by `:` and a space"),
        ("a: {b: 1\nc: 2\n", "never closed"),
        ("a: {b:true}\n", "followed by `:` and a space"),
    ] {
        let mut files = example();
        files.insert(SUBMIT_FILE.to_owned(), format!("script: acme-health/submit\n{text}"));
        let report = shown(&check_script(&files, SUBMIT));
        assert!(report.contains(hint), "{text}{report}");
    }
}
