//! The Work page.

use coordinator::console::{
    frame::Section,
    work::{Row, Tab, Work, body, csv},
};
use domain::{case::CaseStatus, outcome::Answer};

use crate::fixture::{HOSTILE, ago, approve, case_id, frame, now, whole};

fn row(n: u128) -> Row {
    Row {
        case: case_id(n),
        kind: "prior_auth".into(),
        payer: if n.is_multiple_of(3) {
            "Harbor State Medicaid".into()
        } else {
            "Crestline".into()
        },
        member: format!("T. A. ••••{:04}", n),
        service: "70551 ×1, 97110 ×6".into(),
        status: CaseStatus::Working,
        answer: Some(Answer::PendedReview),
        reference: Some(format!("CRA-2603-{:06}", 4_400 + n)),
        next: "Status check".into(),
        due: Some(now().plus_ms(3_600_000 * i64::try_from(n).unwrap())),
        changed_at: ago(7 * i64::try_from(n).unwrap()),
    }
}

fn work(rows: Vec<Row>) -> Work {
    Work {
        tab: Some(Tab::AtThePayer),
        counts: [
            (Tab::NeedsUs, 2),
            (Tab::ToSubmit, 0),
            (Tab::AtThePayer, rows.len() as u64),
            (Tab::InDoubt, 1),
            (Tab::Done, 9),
        ],
        q: String::new(),
        payer: String::new(),
        kind: String::new(),
        payers: vec![
            ("crestline".into(), "Crestline".into()),
            ("harbor".into(), "Harbor State Medicaid".into()),
        ],
        rows,
        next: None,
        paged: false,
    }
}

#[test]
fn empty_one_and_many() {
    let f = frame(Section::Work);
    for (name, view) in [
        ("work_empty", work(vec![])),
        ("work_one", work(vec![row(1)])),
        (
            "work_many",
            Work {
                next: Some("tab=at_payer&after=k".into()),
                ..work((1..=14).map(many).collect())
            },
        ),
        ("work_search_found_nothing", Work { tab: None, q: "CRA-1 & co".into(), ..work(vec![]) }),
    ] {
        approve(name, &whole(name, &f, "Work", &body(&view, now())));
    }
}

fn many(n: u128) -> Row {
    let (status, answer) = match n % 5 {
        0 => (CaseStatus::Complete, Some(Answer::Approved)),
        1 => (CaseStatus::Attention, None),
        2 => (CaseStatus::Received, None),
        3 => (CaseStatus::Complete, Some(Answer::Denied)),
        _ => (CaseStatus::Working, Some(Answer::PendedInfo)),
    };
    Row { status, answer, ..row(n) }
}

#[test]
fn hostile_names_stay_text() {
    let mut r = row(1);
    r.member = HOSTILE.into();
    r.service = HOSTILE.into();
    r.reference = Some(HOSTILE.into());
    let html = body(&work(vec![r]), now()).into_string();
    assert!(!html.contains("<script>"), "{html}");
    assert!(html.contains("⟨U+202E⟩reversed⟨U+0007⟩"), "direction marks are made visible");
}

#[test]
fn csv_quotes_and_never_starts_a_formula() {
    let mut r = row(1);
    r.service = "=HYPERLINK(\"http://x\"), \"y\"".into();
    let text = csv(&[r]);
    assert!(text.contains("\"'=HYPERLINK(\"\"http://x\"\"), \"\"y\"\"\""), "{text}");
    assert_eq!(text.lines().count(), 2);
}
