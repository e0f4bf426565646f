//! Every kind of fault a script's author can make with the structure: refused at its line.

use crate::support::{self, Spoiled, expect_all_and_schema, row};

/// A fault found where this text stands.
const fn row_at(
    from: &'static str,
    to: &'static str,
    code: &'static str,
    at: &'static str,
) -> Spoiled {
    row(from, to, code).after(at)
}

const fn shell(
    from: &'static str,
    to: &'static str,
    code: &'static str,
    at: &'static str,
) -> Spoiled {
    support::shell(from, to, code).after(at)
}

const TOP: &str = "script: acme-health/prior-auth/submit";

#[test]
fn top_level() {
    expect_all_and_schema(&[
        row("revision: 7\n", "revision: 7\nrevison: 8\n", "unknown-key").after("revison"),
        row_at("hosts:\n", "hots:\n", "missing-key", TOP),
        row_at("\nneeds:", "\nnedes:", "missing-key", TOP),
        row_at("\nelements:", "\nelemnts:", "missing-key", TOP),
        row_at("\nscreens:", "\nscrens:", "missing-key", TOP),
        row_at("\nflow:", "\nflaw:", "missing-key", TOP),
        row_at("\nexceptions:", "\nexeptions:", "missing-key", TOP),
        row("revision: 7", "revision: 0", "wrong-type"),
        row("revision: 7", "revision: \"7\"", "wrong-type"),
        row("title: Submit a prior authorization request", "title: 12", "quote-it"),
        row("  find:      [", "  Find:      [", "wrong-type"),
        row("  add_line:  {", "  add-line:  {", "wrong-type"),
        row(TOP, "script: acme-health/prior-auth/other", "id-path-mismatch").blind(),
    ]);
}

#[test]
fn hosts_and_secrets() {
    expect_all_and_schema(&[
        row("portal.acme.example: pages", "'*.acme.example': pages", "wrong-type"),
        row("portal.acme.example: pages", "'https://portal.acme.example': pages", "wrong-type"),
        row("portal.acme.example: pages", "portal.acme.example/x: pages", "wrong-type"),
        row("portal.acme.example: pages", "Portal.acme.example: pages", "wrong-type"),
        row("portal.acme.example: pages", "portal.acme.example: page", "wrong-type"),
        row("code: totp}\nuse", "code: topt}\nuse", "wrong-type"),
        shell("{secret: user}", "{secret: user, text: b}", "unknown-key", ""),
        shell("{otp: code}", "{totp: code}", "unknown-key", ""),
        shell("{secret: user}", "{secret: user, keys: sign_in, place: sign_in}", "unknown-key", ""),
    ]);
}

#[test]
fn needs() {
    expect_all_and_schema(&[
        row("dob: date}", "dob: dates}", "wrong-type"),
        row_at("      max: 10\n", "", "missing-key", "").before("type: list"),
        row_at("      of: {cpt", "      fo: {cpt", "missing-key", "type: list"),
        row("accept: [pdf], ", "", "missing-key"),
        row(", max: 10MB", "", "missing-key"),
        row("urgency: [standard, expedited]", "urgency: []", "wrong-type"),
        row("member: {id: string, dob: date}", "member: {}", "wrong-type"),
    ]);
}

#[test]
fn elements() {
    expect_all_and_schema(&[
        row("{label: Urgency}", "{label: Urgency, css: select}", "wrong-type"),
        row("{label: Urgency}", "{nth: 1}", "missing-key"),
        row("{label: Urgency}", "{label: Urgency, name: x}", "wrong-type"),
        row("{label: Urgency}", "[]", "wrong-type"),
        row(
            "{label: Urgency}",
            "[{css: a}, {css: b}, {css: c}, {css: d}, {css: e}, {css: f}, {css: g}]",
            "wrong-type",
        ),
        row("{label: Urgency}", "{label: Urgency, nth: 0}", "wrong-type"),
        row("{label: Urgency}", "{label: Urgency, heal: always}", "wrong-type"),
    ]);
}

#[test]
fn screens_and_watchers() {
    expect_all_and_schema(&[
        row("review:    {see: [submit]}", "review:    {}", "wrong-type"),
        row("review:    {see: [submit]}", "review:    {see: []}", "wrong-type"),
        row(", raise: portal_down}", "}", "missing-key"),
        row(
            ", raise: portal_down}",
            ", raise: portal_down, click: find, then: go_on}",
            "wrong-type",
        ),
        row("run: shell.login, then: restart_from_safe_point,", "run: shell.login,", "missing-key"),
        row("name: Close}, then: go_on,", "name: Close},", "missing-key"),
        row(
            "then: restart_from_safe_point, at_most: 1}",
            "then: restart_from_safe_point, at_most: 0}",
            "wrong-type",
        ),
    ]);
}

#[test]
fn flow() {
    expect_all_and_schema(&[
        row(
            "  - step: open-search\n",
            "  - step: open-search\n    run: shell.login\n",
            "wrong-type",
        ),
        row("  - step: open-search\n", "  - stpe: open-search\n", "missing-key"),
        row("    click: find\n", "    clik: find\n", "unknown-key"),
        row("    click: find\n", "    click: find\n    sleep: 5s\n", "unknown-key").after("sleep"),
        row("    click: find\n", "    click: find\n    wait: 5s\n", "unknown-key").after("wait"),
        row("    click: find\n", "    click: find\n    js: alert()\n", "unknown-key").after("js"),
        row("    click: find\n", "    click: find\n    retry: 3\n", "unknown-key").after("retry"),
        row(
            "open: https://portal.acme.example/auth/search",
            "open: http://portal.acme.example/auth/search",
            "wrong-type",
        ),
        row(
            "open: https://portal.acme.example/auth/search",
            "open: 'javascript:alert(1)'",
            "wrong-type",
        ),
        row("    until: search\n", "    until:\n", "wrong-type"),
        row("    until: search\n", "    until: ~\n", "undefined-name"),
        row("    click: next\n", "    fill: {member_id: \"1\"}\n    press: Return\n", "wrong-type")
            .after("press"),
        row(
            "each: {line: request.lines}",
            "each: {line: request.lines, b: request.lines}",
            "wrong-type",
        ),
        row("    until: search\n", "    until: {}\n", "wrong-type"),
    ]);
}

#[test]
fn commit() {
    let commit = "- commit: submit-auth";
    expect_all_and_schema(&[
        row_at("    guard:\n", "    gard:\n", "missing-key", "").before(commit),
        row_at("      screen: review\n", "", "missing-key", "page_says"),
        row_at("      page_says: [", "      says: [", "missing-key", "").before("screen: review"),
        row_at("      once_per: \"", "      once: \"", "missing-key", "").before("screen: review"),
        row_at("    click: submit\n", "", "missing-key", "").before(commit),
        row_at("    sends: {method", "    send: {method", "missing-key", "").before(commit),
        row_at("    proof:\n", "    prof:\n", "missing-key", "").before(commit),
        row_at("      within: 60s\n", "", "missing-key", "").before("screen: confirmed"),
        row_at(
            "      capture:                               # read",
            "      captures:                              # read",
            "missing-key",
            "",
        )
        .before("screen: confirmed"),
        row_at("    unsure: find_by_member", "    unsur: find_by_member", "missing-key", "")
            .before(commit),
        row("method: POST", "method: GET", "wrong-type"),
        row(
            "    click: submit\n",
            "    when: {given: clinical}\n    click: submit\n",
            "unknown-key",
        ),
        row(
            "    click: submit\n",
            "    each: {line: request.lines}\n    click: submit\n",
            "unknown-key",
        ),
        row("    click: submit\n", "    retry: 3\n    click: submit\n", "unknown-key"),
        row("    click: submit\n", "    fill: {cpt: \"x\"}\n    click: submit\n", "unknown-key"),
        row("answer: accept}", "answer: okay}", "wrong-type"),
    ]);
}

#[test]
fn rows_and_captures() {
    expect_all_and_schema(&[
        row_at("      none: member_not_found\n", "", "missing-key", "").before("from: hits"),
        row_at("      many: ambiguous_member\n", "", "missing-key", "").before("from: hits"),
        row("where: {DOB: \"${member.dob | date('MM/dd/yyyy')}\"}", "where: {}", "wrong-type"),
        row("receipt: {print: pdf}", "receipt: {print: pdf, shot: page}", "wrong-type"),
        row("receipt: {print: pdf}", "receipt: {optional: true}", "missing-key"),
        row("match: '\\b(PA-\\d{4}-\\d{6})\\b', ", "", "missing-key"),
        row("region: [0.05, 0.2, 0.6, 0.2]", "region: [0.05, 0.2, 0.6]", "wrong-type"),
        row("region: [0.05, 0.2, 0.6, 0.2]", "region: [0.05, 0.2, 1.6, 0.2]", "wrong-type"),
    ]);
}

#[test]
fn classify() {
    expect_all_and_schema(&[
        row_at("      else: {raise: unknown_outcome}\n", "", "missing-key", "")
            .before("from: status"),
        row("      denied: {text", "      refused: {text", "unknown-key"),
        row(
            "      from: status\n",
            "      from: status\n      rows: {from: lines, column: Code}\n",
            "wrong-type",
        )
        .after("rows"),
    ]);
}

#[test]
fn reconcile() {
    let first = "    - run: shell.open_history\n";
    expect_all_and_schema(&[
        row(
            first,
            "    - step: add\n      attach: {document: \"${clinical}\"}\n",
            "reconcile-not-read",
        ),
        row(first, "    - step: add\n      click: next\n", "reconcile-not-read"),
        row(
            first,
            "    - step: add\n      attest: {document: {says: yes I do}}\n",
            "reconcile-not-read",
        ),
        row_at("        empty: shell.no_history\n", "", "missing-key", "")
            .before("from: shell.history_table"),
        row("one: committed, ", "", "missing-key"),
        row("none: {wait: 5m, tries: 3, then: ask_staff}, ", "", "missing-key"),
        row(", many: ask_staff}", "}", "missing-key"),
        row("tries: 3", "tries: 1", "wrong-type"),
        row("many: ask_staff}", "many: committed}", "wrong-type"),
    ]);
}

#[test]
fn exceptions_and_values() {
    expect_all_and_schema(&[
        row(
            "unknown_outcome: {queue: review, hold: true, ",
            "unknown_outcome: {hold: true, ",
            "missing-key",
        ),
        row("{after: 15m, backoff: 2, at_most: 6}", "{backoff: 2, at_most: 6}", "missing-key"),
        row("{after: 15m, backoff: 2, at_most: 6}", "{after: 15m, backoff: 2}", "missing-key"),
        row("scope: payer", "scope: world", "wrong-type"),
        row("within: 60s", "within: 60", "wrong-type"),
        row("within: 60s", "within: 0s", "wrong-type"),
        row("within: 60s", "within: -5s", "wrong-type"),
        row("max: 10MB", "max: 10", "wrong-type"),
        row("match: '\\b(PA-\\d{4}-\\d{6})\\b'", "match: \"\\b(PA-[0-9]+)\"", "control-character"),
    ]);
}

#[test]
fn fragments() {
    expect_all_and_schema(&[
        shell("\nflows:", "\nflow: []\nflows:", "unknown-key", "flow: []"),
        shell("\nflows:", "\nhosts: {a.example: pages}\nflows:", "unknown-key", "hosts:"),
        shell("    - step: history\n", "    - commit: history\n", "wrong-type", ""),
        shell("\nflows:", "\nflaws:", "missing-key", "fragment: acme"),
    ]);
}
