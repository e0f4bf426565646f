//! Inputs, templates, dates and the matching of texts.

use std::collections::BTreeMap;

use domain::script::ast::{Node, TextMatch, Verb};
use domain::script::text::{normalise, normalise_label};
use domain::script::{Bundle, Inputs, Scope, TextKind, Value};
use domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{SUBMIT, SUBMIT_FILE, example, shown};

fn good() -> serde_json::Value {
    json!({
        "member": {"id": "W123", "dob": "1980-02-03"},
        "request": {
            "urgency": "expedited", "diagnosis": "M54.5", "provider_npi": "1234567890",
            "lines": [
                {"cpt": "97110", "units": 4, "from": "2026-03-02"},
                {"cpt": "97112", "units": 2, "from": "2026-03-03"},
            ],
        },
        "clinical": "notes.pdf",
    })
}

fn bundle() -> Bundle {
    Bundle::load(&example(), SUBMIT).unwrap_or_else(|findings| panic!("{}", shown(&findings)))
}

/// The example with `open-search` typing this template, and what it gives.
fn evaluate(template: &str) -> Result<Value, String> {
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    let quoted = template.replace('\'', "''");
    *text = text.replace("{member_id: \"${member.id}\"}", &format!("{{member_id: '{quoted}'}}"));
    let bundle = Bundle::load(&files, SUBMIT).map_err(|findings| shown(&findings))?;
    let inputs = bundle.script.parts.needs.check(&good()).expect("the inputs are good");
    let captured = BTreeMap::from([("reference".to_owned(), Value::Text("PA-1".to_owned()))]);
    let scope = scope(&bundle, &inputs, &captured);
    let template = bundle.script.flow.nodes.iter().find_map(|node| match node {
        Node::Step(step) if step.name.text == "find-member" => {
            step.verbs.iter().find_map(|verb| match verb {
                Verb::Fill(fields) => match &fields[0].value {
                    domain::script::ast::FillValue::Text(template) => Some(template.clone()),
                    _ => None,
                },
                _ => None,
            })
        }
        _ => None,
    });
    scope.value(&template.expect("the step fills")).map_err(|fault| fault.message)
}

fn scope<'a>(
    bundle: &'a Bundle,
    inputs: &'a Inputs,
    captured: &'a BTreeMap<String, Value>,
) -> Scope<'a> {
    let now = Timestamp::parse("2026-03-02T04:30:00Z").expect("an instant");
    let search_from = Some(Timestamp::parse("2026-03-01T15:04:00Z").expect("an instant"));
    Scope { bundle, inputs, variables: Vec::new(), captured, now, search_from }
}

#[test]
fn filters() {
    for (template, wanted) in [
        ("${member.id}", "W123"),
        ("a ${member.id} $${b}", "a W123 ${b}"),
        ("${member.dob | date('MM/dd/yyyy')}", "02/03/1980"),
        ("${member.dob | date('M/d/yy')}", "2/3/80"),
        ("${member.dob | plus_days(30) | date('yyyy-MM-dd')}", "1980-03-04"),
        ("${request.diagnosis | alnum}", "M545"),
        ("${request.diagnosis | digits}", "545"),
        ("${request.diagnosis | lower}", "m54.5"),
        ("${request.urgency | words(urgency)}", "Expedited (72 hours)"),
        ("${request.lines.cpt | join(', ')}", "97110, 97112"),
        ("${request.lines.cpt | first}", "97110"),
        ("${request.lines.units | last | pad(3, '0')}", "002"),
        ("${request.lines.units | first | number(2)}", "4.00"),
        ("${request.provider_npi | mask}", "••••7890"),
        ("${member.id | mask}", "••••"),
        ("${request.provider_npi | start(3)}-${request.provider_npi | end(2)}", "123-90"),
        ("${captured.reference}", "PA-1"),
        // 04:30 UTC is still the evening before in Chicago
        ("${today | date('MM/dd/yyyy')}", "03/01/2026"),
        ("${now | date('MM/dd/yyyy h:mm a')}", "03/01/2026 10:30 PM"),
    ] {
        let value = evaluate(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(value.plain().as_deref(), Some(wanted), "{template}");
    }
}

#[test]
fn one_expression_keeps_its_type() {
    assert!(matches!(evaluate("${clinical}"), Ok(Value::File(_))));
    assert!(matches!(evaluate("${request.lines.cpt}"), Ok(Value::List(items)) if items.len() == 2));
    assert!(matches!(evaluate("${member.dob}"), Ok(Value::Date(_))));
    assert!(evaluate("x ${member.dob}").expect_err("needs a filter").contains("needs a filter"));
}

#[test]
fn inputs_are_checked_all_at_once() {
    let bundle = bundle();
    let needs = &bundle.script.parts.needs;
    let inputs = needs.check(&good()).expect("good inputs");
    assert!(!format!("{inputs:?}").contains("W123"), "inputs are never shown");

    let mut bad = good();
    bad["member"]["dob"] = json!("1980-02-30");
    bad["member"]["name"] = json!("x");
    bad["request"]["urgency"] = json!("soon");
    bad["request"]["lines"][1]["units"] = json!(0);
    bad["request"]["lines"][0]["cpt"] = json!("12");
    bad["clinical"] = json!(null);
    let faults = needs.check(&bad).expect_err("six faults");
    let mut paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    let wanted = [
        "clinical",
        "member.dob",
        "member.name",
        "request.lines[0].cpt",
        "request.lines[1].units",
        "request.urgency",
    ];
    assert_eq!(paths, wanted);
    assert!(faults.iter().all(|fault| !fault.to_string().contains("soon")));
}

#[test]
fn a_larger_document_is_cut_to_what_is_needed() {
    let bundle = bundle();
    let needs = &bundle.script.parts.needs;
    let mut large = good();
    large["kind"] = json!("prior_auth");
    large["member"]["last_name"] = json!("Doe");
    large["request"]["lines"][0]["to"] = json!("2026-03-02");
    large["clinical"] = json!({"id": "doc_1", "kind": "pdf", "sha256": "00", "size_bytes": 10});
    assert!(needs.check(&large).is_err());
    let inputs = needs.check(&needs.project(&large)).expect("cut to size");
    let Some(Value::File(file)) = inputs.fields.get("clinical") else { panic!("a file") };
    assert_eq!((file.reference.as_str(), file.kind.as_deref()), ("doc_1", Some("pdf")));
    large["clinical"]["kind"] = json!("jpg");
    assert!(needs.check(&needs.project(&large)).is_err());
}

#[test]
fn texts_match_as_people_read_them() {
    assert_eq!(normalise("  Mem\u{ad}ber\u{a0}\u{200b}ID\n"), "member id");
    assert_eq!(normalise("Straße ﬁne"), "strasse fine");
    assert_eq!(normalise_label("Member ID * (required):"), "member id");
    assert_eq!(normalise_label("*"), "*");

    let bundle = bundle();
    let inputs = bundle.script.parts.needs.check(&good()).expect("good inputs");
    let captured = BTreeMap::new();
    let scope = scope(&bundle, &inputs, &captured);
    let screen = bundle.screen("shell.wrong").expect("declared");
    let wanted = scope.wanted(screen.text.as_ref().expect("a text")).expect("no templates");
    assert!(wanted.matches("The Password\u{a0}you gave is  incorrect", TextKind::Plain));
    assert!(!wanted.matches("Welcome", TextKind::Plain));
    let screen = bundle.screen("shell.no_history").expect("declared");
    assert!(matches!(screen.text, Some(TextMatch::Equals(_))));
    let wanted = scope.wanted(screen.text.as_ref().expect("a text")).expect("no templates");
    assert!(wanted.matches("no requests\tfound ", TextKind::Plain));
    assert!(!wanted.matches("no requests found:", TextKind::Plain));
    assert!(wanted.matches("no requests found:", TextKind::Label));
}

#[test]
fn addresses_match_globs() {
    let bundle = bundle();
    let history = bundle.screen("shell.no_history").and_then(|s| s.url.clone()).expect("a glob");
    assert!(history.matches("https://portal.acme.example/history?page=2"));
    assert!(history.matches("https://portal.acme.example/history-all#x"));
    assert!(!history.matches("https://portal.acme.example/my/history"));
    let glob = |source: &str| domain::script::ast::UrlGlob {
        source: source.to_owned(),
        span: history.span.clone(),
    };
    assert!(glob("/auth/*/submit").matches("https://a.example/auth/42/submit"));
    assert!(!glob("/auth/*/submit").matches("https://a.example/auth/4/2/submit"));
    assert!(glob("/auth/**/submit").matches("https://a.example/auth/4/2/submit"));
    assert!(glob("a.example/x*").matches("https://a.example/xy"));
    assert!(!glob("a.example/x*").matches("https://b.example/xy"));
    assert!(glob("/find?id=*").matches("https://a.example/find?id=3"));
    assert!(!glob("/find?id=*").matches("https://a.example/find"));
}

#[test]
fn cells_since() {
    let bundle = bundle();
    let inputs = bundle.script.parts.needs.check(&good()).expect("good inputs");
    let captured = BTreeMap::new();
    let scope = scope(&bundle, &inputs, &captured);
    let flow = bundle.flow("find_by_member").expect("declared");
    let rows = flow.nodes.iter().find_map(|node| match node {
        Node::Rows(rows) => Some(rows),
        _ => None,
    });
    let cell = &rows.expect("there are rows").cells[2].1;
    // searched from 15:04 UTC, 9:04 in Chicago
    for (shown, fits) in [
        ("03/01/2026 9:04 AM", true),
        ("03/01/2026 9:03 AM", false),
        ("3/2/2026 12:00 AM", true),
        ("02/28/2026 11:59 PM", false),
        ("yesterday", false),
    ] {
        assert_eq!(scope.cell_fits(cell, shown), Ok(fits), "{shown}");
    }
}

fn date_form(source: &str) -> domain::script::ast::DateFormat {
    let mut files = example();
    let text = files.get_mut(SUBMIT_FILE).expect("a file of the example");
    *text = text.replace("reads: \"MM/dd/yyyy h:mm a\"", &format!("reads: '{source}'"));
    let bundle =
        Bundle::load(&files, SUBMIT).unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    let flow = bundle.flow("find_by_member").expect("declared");
    flow.nodes
        .iter()
        .find_map(|node| match node {
            Node::Rows(rows) => match &rows.cells[2].1 {
                domain::script::ast::Cell::Since { reads, .. } => Some(reads.clone()),
                domain::script::ast::Cell::Text(_) => None,
            },
            _ => None,
        })
        .expect("the search looks at dates")
}

#[test]
fn every_day_of_two_centuries_reads_back() {
    let forms = ["MM/dd/yyyy", "M/d/yyyy", "yyyyMMdd", "dd.MM.yyyy", "yyyy-MM-dd"].map(date_form);
    let mut day = jiff::civil::date(1900, 1, 1);
    let end = jiff::civil::date(2100, 12, 31);
    while day <= end {
        for form in &forms {
            let text = form.write(day.at(0, 0, 0, 0));
            assert_eq!(form.read(&text).map(|at| at.date()), Some(day), "{text}");
        }
        day = day.tomorrow().expect("far from the end of time");
    }
}

#[test]
fn every_minute_of_a_day_reads_back() {
    let forms = ["MM/dd/yyyy h:mm a", "yyyy-MM-dd HH:mm:ss", "M/d/yy hh:mm a"].map(date_form);
    for minute in 0..24 * 60_i8 as i32 {
        let (hour, minute) = ((minute / 60) as i8, (minute % 60) as i8);
        let at = jiff::civil::date(2026, 3, 2).at(hour, minute, 0, 0);
        for form in &forms {
            assert_eq!(form.read(&form.write(at)), Some(at));
        }
    }
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn reading_a_date_never_panics(text in "[0-9/: APM.é-]{0,24}") {
        let form = domain::script::ast::DateFormat {
            source: String::new(),
            tokens: date_tokens(),
        };
        let _ = form.read(&text);
    }

    #[test]
    fn globs_never_panic(glob in "[a-z*/?.]{1,20}", address in "\\PC{0,60}") {
        let at = bundle_span();
        let glob = domain::script::ast::UrlGlob { source: glob, span: at };
        let _ = glob.matches(&address);
    }
}

fn date_tokens() -> Vec<domain::script::ast::DateToken> {
    use domain::script::ast::{DateToken, Digits};
    vec![
        DateToken::Month(Digits::Two),
        DateToken::Literal('/'),
        DateToken::Day(Digits::Least),
        DateToken::Literal('/'),
        DateToken::Year,
        DateToken::Literal(' '),
        DateToken::Hour12(Digits::Least),
        DateToken::Literal(':'),
        DateToken::Minute,
        DateToken::Literal(' '),
        DateToken::HalfDay,
    ]
}

fn bundle_span() -> domain::script::Span {
    domain::script::Span::start_of(&std::sync::Arc::from("test"))
}

#[test]
fn exact_texts_keep_case_and_marks_and_verbatim_keeps_white_space() {
    use domain::script::ast::ReadAs;
    use domain::script::text::{TextKind, Wanted};
    use domain::script::value::Value;
    let exact = Wanted::Exact("Ok".to_owned());
    assert!(exact.matches(" Ok\n", TextKind::Label));
    assert!(!exact.matches("ok", TextKind::Label) && !exact.matches("Ok:", TextKind::Label));
    let zone = jiff::tz::TimeZone::UTC;
    let text = |read: Option<Value>| read.and_then(|value| value.plain());
    assert_eq!(text(ReadAs::Verbatim.read("a  b ", &zone)).as_deref(), Some("a  b "));
    assert_eq!(text(ReadAs::Text.read("a  b ", &zone)).as_deref(), Some("a b"));
}
