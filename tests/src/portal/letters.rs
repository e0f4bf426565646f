//! Letters a payer writes about a case: templates with fields (`tests/world/letters`), each with a twin in other words and
//! one that talks to machines. A fax is one of them, or two, or one that came in badly.

use super::{
    decide::LineStatus,
    html::us_date,
    pdf::{Sheet, rotated},
    store::{Case, Told},
};

const TEMPLATES: [(&str, &str); 6] = [
    ("determination", include_str!("../../world/letters/determination.txt")),
    ("determination_reworded", include_str!("../../world/letters/determination_reworded.txt")),
    ("determination_hostile", include_str!("../../world/letters/determination_hostile.txt")),
    ("request", include_str!("../../world/letters/request.txt")),
    ("request_reworded", include_str!("../../world/letters/request_reworded.txt")),
    ("request_hostile", include_str!("../../world/letters/request_hostile.txt")),
];

/// How a letter reaches whoever gets it by fax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paper {
    Plain,
    UpsideDown,
    /// One page fewer than announced.
    MissingPage,
    /// With a letter about somebody else behind it.
    TwoInOne,
}

/// A template's name with what may be wrong with the paper: `request`, `request+upside_down`.
fn named(name: &str) -> Option<(&'static str, Paper)> {
    let (template, paper) = name.split_once('+').unwrap_or((name, ""));
    let paper = match paper {
        "" => Paper::Plain,
        "upside_down" => Paper::UpsideDown,
        "missing_page" => Paper::MissingPage,
        "two_in_one" => Paper::TwoInOne,
        _ => return None,
    };
    let known = TEMPLATES.iter().find(|(known, _)| *known == template);
    known.map(|(_, text)| (*text, paper))
}

/// Is there a letter of this name?
pub(super) fn known(name: &str) -> bool {
    named(name).is_some()
}

/// The lines of a letter about a case; empty where there is no such letter.
pub(super) fn lines(name: &str, case: &Case) -> Vec<String> {
    let Some((template, _)) = named(name) else { return Vec::new() };
    let case = case.clone().told(Told::Letter);
    template.lines().flat_map(|line| filled(line, &case)).collect()
}

/// A line with its fields filled; none where its only field has no value, several where a field has more than one.
fn filled(line: &str, case: &Case) -> Vec<String> {
    let Some((before, rest)) = line.split_once('{') else { return vec![line.to_owned()] };
    let Some((field, after)) = rest.split_once('}') else { return vec![line.to_owned()] };
    let values = values(field, case);
    values.into_iter().map(|value| format!("{before}{value}{after}")).collect()
}

fn values(field: &str, case: &Case) -> Vec<String> {
    let one = |value: Option<String>| value.into_iter().collect();
    match field {
        "number" => vec![case.id.clone()],
        "authorization" => one(case.number("authorization").map(str::to_owned)),
        "member" => vec![case.filing.member_id.clone()],
        "date" => vec![us_date(case.changed_at.to_zoned(jiff::tz::TimeZone::UTC).date())],
        "decision" => vec![decision(case).to_owned()],
        "lines" => case
            .lines
            .iter()
            .map(|line| {
                let granted = line.granted.unwrap_or(0);
                format!("  {}: {} units asked, {granted} approved", line.code, line.units)
            })
            .collect(),
        "valid" => one(case
            .valid_from
            .zip(case.valid_to)
            .map(|(from, to)| format!("{} to {}", us_date(from), us_date(to)))),
        "reason" => case.lines.iter().filter_map(|line| line.text.clone()).collect(),
        "wanted" => case.wanted.iter().map(|one| format!("  - {one}")).collect(),
        _ => Vec::new(),
    }
}

fn decision(case: &Case) -> &'static str {
    let all = |check: fn(LineStatus) -> bool| case.lines.iter().all(|line| check(line.status));
    if all(|status| status == LineStatus::Approved) {
        "Approved"
    } else if case.lines.iter().any(|line| line.status.granted()) {
        "Approved in part"
    } else if all(|status| matches!(status, LineStatus::Denied | LineStatus::DeniedIncomplete)) {
        "Denied"
    } else {
        "No decision yet"
    }
}

/// A letter on paper: the document, and how many pages whoever sent it says it has.
pub(super) fn paper(name: &str, case: &Case, other: Option<&Case>) -> Option<(Vec<u8>, usize)> {
    let (_, how) = named(name)?;
    let first = lines(name, case);
    let second = match how {
        Paper::TwoInOne => other.map(|other| lines("request", other)),
        _ => None,
    };
    let title = "Fax from the review unit";
    let mut sheets = vec![Sheet { title, lines: &first, barcode: None }];
    sheets.extend(second.iter().map(|lines| Sheet { title, lines, barcode: None }));
    let told = sheets.len() + usize::from(how == Paper::MissingPage);
    let turn = if how == Paper::UpsideDown { 180 } else { 0 };
    Some((rotated(&sheets, turn), told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::{
        journal::Kept,
        store::{Filed, FiledLine, Filing, Number, Store},
    };

    fn case(code: &str) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        let day = jiff::civil::Date::constant(2026, 3, 9);
        let filing = Filing {
            member_id: "W100000002".to_owned(),
            lines: vec![FiledLine { code: code.to_owned(), units: 1, from: day, to: day }],
            ..Filing::default()
        };
        let from = Filed {
            payer: "verity",
            account: "auto01",
            origin: "fleet",
            received_seq: 1,
            now: "2026-03-02T14:00:00Z".parse().unwrap(),
            imaging_delegated: false,
        };
        let number = Number { kind: "case".to_owned(), value: "V0123456790".to_owned() };
        Store::open(&kept).draw_up(&kept, &from, filing, number)
    }

    #[test]
    fn every_letter_says_what_was_decided_and_its_twin_the_same_in_other_words() {
        let case = case("E0601");
        for name in ["determination", "determination_reworded", "determination_hostile"] {
            let text = lines(name, &case).join("\n");
            assert!(text.contains("V0123456790") && text.contains("Approved"), "{name}: {text}");
            assert!(text.contains("E0601: 1 units asked, 1 approved"), "{name}: {text}");
            assert!(!text.contains('{') && !text.contains("Reason:"), "{name}: {text}");
        }
        assert_ne!(lines("determination", &case), lines("determination_reworded", &case));
        let mut wrong = case;
        wrong.contradicted.push(Told::Letter);
        assert!(lines("determination", &wrong).join(" ").contains("Decision: Denied"));
    }

    #[test]
    fn paper_can_be_turned_short_or_hold_two_letters() {
        let (one, other) = (case("27447"), case("70551"));
        let has = |bytes: &[u8], words: &str| String::from_utf8_lossy(bytes).contains(words);
        let (plain, pages) = paper("request", &one, Some(&other)).unwrap();
        assert!(pages == 1 && has(&plain, "/Rotate 0") && has(&plain, "/Count 1"));
        let (turned, _) = paper("request+upside_down", &one, None).unwrap();
        assert!(has(&turned, "/Rotate 180"));
        let (short, pages) = paper("request+missing_page", &one, None).unwrap();
        assert!(pages == 2 && has(&short, "/Count 1"));
        let (two, pages) = paper("determination+two_in_one", &one, Some(&other)).unwrap();
        assert!(pages == 2 && has(&two, "/Count 2"));
        assert!(paper("postcard", &one, None).is_none() && !known("request+torn"));
    }
}
