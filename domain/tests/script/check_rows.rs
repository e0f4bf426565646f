//! The rules of meaning, each broken once in an otherwise good script.

use domain::script::{Bundle, check::check_against};

use crate::support::{SHELL_FILE, SUBMIT, example, expect_all, expect_code, row, shell};

#[test]
fn names() {
    expect_all(&[
        row("    click: find\n", "    click: fnid\n", "undefined-name"),
        row("    until: form\n", "    until: frm\n", "undefined-name"),
        row(
            "  - run: shell.login\n    until: shell.home\n  - step",
            "  - run: shell.logon\n    until: shell.home\n  - step",
            "undefined-name",
        ),
        row("none: member_not_found", "none: member_notfound", "undefined-name"),
        row("words(urgency)", "words(urgencies)", "undefined-name"),
        row(
            "${member.id}\"}\n    click: find",
            "${member.idd}\"}\n    click: find",
            "undefined-name",
        ),
        row("  add_line:  {", "  unused:    {label: Unused}\n  add_line:  {", "unused-name"),
        row(
            "  review:    {see: [submit]}",
            "  rows:      {see: [find]}\n  review:    {see: [submit]}",
            "reserved-name",
        ),
        row("  add_line:  {", "  shell:     {label: Shell}\n  add_line:  {", "shadowed-name"),
        row(
            "  portal_down: {retry",
            "  spare: {queue: review}\n  portal_down: {retry",
            "exception-unused",
        ),
        row("${line.units}", "${line.unit}", "undefined-name"),
        row("${line.units}", "${captured.referenc}", "undefined-name"),
    ]);
}

#[test]
fn places_left_to_a_person() {
    expect_all(&[
        shell("{secret: user}", "TODO", "to-do"),
        row("\"${member.id}\"}\n    click: find", "TODO}\n    click: find", "to-do"),
    ]);
}

#[test]
fn values() {
    expect_all(&[
        row(
            "${member.dob | date('MM/dd/yyyy')}",
            "${member.dob | dat('MM/dd/yyyy')}",
            "bad-filter",
        ),
        row(
            "${member.dob | date('MM/dd/yyyy')}",
            "${member.dob | date('MM/DD/yyyy')}",
            "bad-filter",
        ),
        row("${member.dob | date('MM/dd/yyyy')}", "${member.dob | digits}", "wrong-filter-type"),
        row("${member.dob | date('MM/dd/yyyy')}", "${member.dob}", "needs-filter"),
        row("${member.dob | date('MM/dd/yyyy')}", "${member.dob", "bad-filter"),
        row("${clinical}", "${member.id}", "needs-filter"),
        row("${line.units}", "${request.lines.units}", "needs-filter"),
        row(
            "{document: \"${clinical}\"}",
            "{document: \"${clinical | upper}\"}",
            "wrong-filter-type",
        ),
        row(
            "{standard: Standard, expedited: Expedited (72 hours)}",
            "{standard: Standard}",
            "words-not-total",
        )
        .after("urgency | words"),
        row(
            "provider_npi: {type: string, pattern: '\\d{10}', phi: false}",
            "provider_npi: string?",
            "optional-unguarded",
        )
        .after("{type: \"${request.provider_npi}"),
        row("label: Diagnosis (ICD-10)", "css: \"#${member.id}\"", "template-in-selector"),
        row("label: Diagnosis (ICD-10)", "xpath: /html/body/input", "absolute-xpath"),
        row("/auto-?approved/i", "/auto-?(approved/i", "bad-pattern"),
        row("/auto-?approved/i", "/(auto)?/i", "pattern-matches-empty"),
        row(", timezone: America/Chicago", "", "timezone-missing")
            .after("\"${commit.search_from}\", reads"),
        row(
            "${member.id}\"}\n    click: find",
            "${password}\"}\n    click: find",
            "secret-outside-fill",
        ),
        row(
            "say: More than one member matches; choose one in the portal.",
            "say: \"More than one ${member.id}\"",
            "phi-in-say",
        ),
        row("title: Submit a", "title: Submit ${member.id} a", "phi-in-say"),
    ]);
}

#[test]
fn pages_and_secrets() {
    expect_all(&[
        row("{label: Urgency}", "{label: Urgency, nth: 2}", "nth-used"),
        row("{label: Urgency}", "{css: select}", "css-only"),
        row("{label: Urgency}", "{xpath: .//select}", "xpath-only"),
        row("{label: Urgency}", "{label: Member ID}", "same-first-strategy"),
        row(
            "https://portal.acme.example/auth/search",
            "https://other.acme.example/auth/search",
            "host-not-listed",
        ),
        row("code: totp}\nuse", "pin: pin}\nuse", "alias-not-listed")
            .after("acme-health/fragments/shell}"),
        row("code: totp}\nuse", "code: mail_code}\nuse", "alias-kind")
            .after("acme-health/fragments/shell}"),
        shell("{run: enter_code, at_most: 2}", "{run: enter_code}", "otp-without-retry-bound"),
        shell("{secret: user}", "{otp: user}", "alias-kind"),
        shell("{secret: user}", "{secret: user, keys: sign_in}", "alias-kind"),
        row(
            "click: add_line\n    until: {rows",
            "click: submit\n    until: {rows",
            "submit-outside-commit",
        ),
        row("name: Close}, then", "name: Save and close}, then", "submit-outside-commit"),
        row(
            "      urgency: \"${request.urgency | words(urgency)}\"\n",
            "      certify: true\n",
            "undefined-name",
        ),
    ]);
}

#[test]
fn paths() {
    let classify = "  - classify:                                # first";
    expect_all(&[
        row("    until: search\n", "    until: search\n    click: find\n", "until-not-last")
            .after("click"),
        row("    click: next\n", "    press: Enter\n", "press-without-fill"),
        shell(
            "      click: verify_code\n",
            "      click: verify_code\n      until: {code: {run: login, at_most: 2}}\n",
            "recursive-run",
        )
        .after("login, at_most: 2"),
        row("      review: go_on\n", "", "unreachable-node").after("- commit: submit-auth"),
        row("drafts: {kept: true, clear: shell.discard_draft}\n", "", "drafts-missing")
            .after("find-member"),
        row(
            classify,
            "  - step: more\n    click: next\n  - classify:    # first",
            "draft-after-commit",
        ),
        row(
            "    attach: {document: \"${clinical}\"}\n",
            "    attach: {document: \"${clinical}\"}\n    effect: read\n",
            "read-claimed",
        )
        .before("header"),
    ]);
}

#[test]
fn commits() {
    expect_all(&[
        row(", inside: {region: Review}, heal: never}", ", inside: {region: Review}}", "commit-target-heals").after("submit\n    sends"),
        row(", inside: {region: Review}, heal: never}", ", heal: never}", "commit-one-anchor").after("submit\n    sends"),
        row("page_says: [\"${member.id}\", \"${request.diagnosis}\", \"${request.lines.cpt}\"]", "page_says: [Review your request]", "guard-without-identity").after("Review your"),
        row("once_per: \"${member.id}/${request.lines.cpt | join('+')}/${request.lines.from | first | date('yyyy-MM-dd')}\"", "once_per: \"${request.provider_npi}\"", "guard-without-identity"),
        row("/${request.lines.from | first | date('yyyy-MM-dd')}\"", "/${today | date('yyyy-MM-dd')}\"", "once-per-too-fine"),
        row("      screen: confirmed\n", "      screen: review\n", "proof-equals-guard"),
        row("confirmed: {see: [ref_line], gone: [submit]}", "confirmed: {see: [submit]}", "proof-equals-guard").after("confirmed\n      within"),
        row("as: reference, kind: tracking, ", "", "proof-without-reference").before("confirmed\n      within"),
        row("unsure: find_by_member", "unsure: find_by_name", "undefined-name"),
        row("    - decide: {one: committed, none: {wait: 5m, tries: 3, then: ask_staff}, many: ask_staff}\n", "", "unsure-missing").before("find_by_member "),
        row("          Submitted: {since: \"${commit.search_from}\", reads: \"MM/dd/yyyy h:mm a\"}\n", "", "reconcile-no-since").before("from: shell.history_table"),
        row("unknown_outcome: {queue: review, ", "unknown_outcome: {retry: {after: 5m, at_most: 2}, queue: review, ", "retry-after-commit").before("unknown_outcome}"),
    ]);
}

#[test]
fn a_second_commit_is_refused() {
    expect_code(
        |text| {
            let begin = text.find("  - commit: submit-auth").expect("there is one");
            let end = text.find("  - classify:").expect("there is one");
            let again = text[begin..end].replace("submit-auth", "submit-again");
            text.insert_str(end, &again);
        },
        "two-commits",
    );
}

#[test]
fn a_secret_goes_to_login_hosts_only() {
    expect_code(
        |text| {
            *text = text.replace("sso.acme.example: login", "sso.acme.example: pages");
        },
        "secret-off-login",
    );
}

#[test]
fn a_statement_is_attested_not_chosen() {
    expect_code(
        |text| {
            *text = text
                .replace(
                    "  add_line:  {",
                    "  truth:     {label: I certify that this is true}\n  add_line:  {",
                )
                .replace("    choose:\n", "    choose:\n      truth: true\n");
        },
        "attest-as-choose",
    );
}

#[test]
fn a_flow_without_an_answer_is_refused() {
    expect_code(
        |text| {
            let begin = text.find("  - classify:").expect("there is one");
            let end = text.find("\nreconcile:").expect("there is one");
            text.replace_range(begin..end, "");
        },
        "no-outcome-path",
    );
}

#[test]
fn a_changed_file_raises_its_revision() {
    let old = Bundle::load(&example(), SUBMIT).expect("the example loads");
    let mut files = example();
    let text = files.get_mut(SHELL_FILE).expect("a file of the example");
    *text = text.replace("label: User name", "label: User ID");
    let new = Bundle::load(&files, SUBMIT).expect("still loads");
    let findings = check_against(&new, &old);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].file, "scripts/acme-health/fragments/shell.yaml");
    let text = files.get_mut(SHELL_FILE).expect("a file of the example");
    *text = text.replace("revision: 3", "revision: 4");
    let new = Bundle::load(&files, SUBMIT).expect("still loads");
    assert!(check_against(&new, &old).is_empty());
    assert!(check_against(&old, &old).is_empty());
}

/// A script that reads without rendering; `spoil` changes it.
fn fetching(spoil: impl Fn(String) -> String) -> Vec<&'static str> {
    let text = r#"script: acme/claim_status
revision: 1
hosts: {portal.acme.example: pages}
needs: {number: string}
elements:
  state: {label: State}
  button: {role: button, name: Go}
  rows_found: {table: rows}
screens:
  claim: {see: [state]}
watch:
  - {when: {text: /session expired/i}, raise: gone}
flow:
  - step: fetch-claim
    effect: read
    fetch:
      page: https://portal.acme.example/claim
      query: {number: "${number}"}
      as: json
      screens: [claim]
      instead_of: [open-claim, read-claim]
      capture: {state: {pointer: /state}}
  - step: open-claim
    effect: read
    open: https://portal.acme.example/claims
    until: claim
  - step: read-claim
    effect: read
    capture: {state: {from: state}}
  - classify:
      from: state
      claim_paid: {text: Paid}
      else: {raise: gone}
exceptions:
  gone: {queue: review}
"#;
    let shell = "fragment: acme/fragments/shell\nrevision: 1\nflows:\n  look:\n    - step: look\n      effect: read\n      open: https://portal.acme.example/\n";
    let files = std::collections::BTreeMap::from([
        ("acme/claim_status.yaml".to_owned(), spoil(text.to_owned())),
        ("acme/fragments/shell.yaml".to_owned(), shell.to_owned()),
    ]);
    let findings = domain::script::check_script(&files, "acme/claim_status");
    let errors = findings.iter().filter(|f| f.level == domain::script::Level::Error);
    errors.map(|f| f.code).collect()
}

#[test]
fn a_template_in_a_fetched_path_is_one_whole_segment_and_never_the_host() {
    let none: [&str; 0] = [];
    let page = |page: &str| {
        fetching(|text| {
            text.replacen("https://portal.acme.example/claim\n", &format!("\"{page}\"\n"), 1)
        })
    };
    let host = "https://portal.acme.example";
    assert_eq!(page(&format!("{host}/api/${{number}}")), none);
    assert_eq!(page(&format!("{host}/api/${{number}}/lines?n=${{number}}&m=a-${{number}}")), none);
    for refused in [
        format!("{host}/api/claim-${{number}}"),
        format!("{host}/api/${{number}}.json"),
        format!("{host}/api/${{number}}${{number}}"),
        format!("{host}${{number}}/x"),
        "https://${number}.acme.example/x".to_owned(),
        "${number}".to_owned(),
    ] {
        assert_eq!(page(&refused), ["path-segment"], "{refused}");
    }
    assert_eq!(page("https://other.example/${number}"), ["host-not-listed"]);
}

#[test]
fn parts_are_for_pages_names_are_for_data_and_flows_are_stood_for_by_name() {
    let none: [&str; 0] = [];
    let add = |line: &str| {
        fetching(|text| text.replacen("      as: json\n", &format!("      {line}\n"), 1))
    };
    assert_eq!(add("as: json\n      names: {rows: Claims, rows.state: State}"), none);
    let part = "parts: [\"https://portal.acme.example/claim/${number}\"]";
    assert_eq!(add(&format!("as: json\n      {part}")), ["not-without-rendering"]);
    let html = |more: &str| {
        fetching(|text| {
            text.replacen("as: json", &format!("as: html\n      {more}"), 1).replacen(
                "{pointer: /state}",
                "{from: state}",
                1,
            )
        })
    };
    assert_eq!(html(part), none);
    assert_eq!(html("parts: [https://other.example/x]"), ["host-not-listed"]);
    assert_eq!(html("names: {rows: Claims}"), ["not-without-rendering"]);
    let run = |stands: &str| {
        fetching(|text| {
            text.replacen("[open-claim, read-claim]", stands, 1)
                .replacen("  - step: open-claim", "  - run: shell.look\n  - step: open-claim", 1)
                .replacen("elements:", "use: {shell: acme/fragments/shell}\nelements:", 1)
        })
    };
    assert_eq!(run("[shell.look, open-claim, read-claim]"), none);
    assert_eq!(run("[open-claim, read-claim]"), ["fetch-stands-for", "fetch-stands-for"]);
    assert_eq!(run("[shell.see, open-claim, read-claim]").first(), Some(&"undefined-name"));
}

#[test]
fn what_is_fetched_stands_for_the_steps_after_it_and_needs_no_page() {
    let none: [&str; 0] = [];
    assert_eq!(fetching(|text| text), none);
    let cases: [(&str, &str, &str); 7] = [
        ("[open-claim, read-claim]", "[read-claim]", "fetch-stands-for"),
        ("[open-claim, read-claim]", "[open-claim, classify-it]", "fetch-stands-for"),
        ("      instead_of: [open-claim, read-claim]\n", "", "fetch-stands-for"),
        ("{state: {pointer: /state}}", "{state: {from: button}}", "not-without-rendering"),
        ("{state: {pointer: /state}}", "{state: {shot: page}}", "not-without-rendering"),
        (
            "{pointer: /state}}\n",
            "{pointer: /state}}\n    click: button\n",
            "not-without-rendering",
        ),
        ("      from: state\n", "      from: button\n", "not-without-rendering"),
    ];
    for (from, to, code) in cases {
        assert_eq!(fetching(|text| text.replacen(from, to, 1)), [code], "{from} → {to}");
    }
}
