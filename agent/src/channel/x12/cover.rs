//! From a 271 to the outcome. A figure that is not returned is not there, and one that is said twice and differently is said to be
//! so; neither is ever nought.

use domain::outcome::{Answer, Fact, FailureKind, Outcome};
use exchange::x12::{
    parts::{Aaa, Dtp, Eb},
    t270::{Eligibility, Member},
};

use super::{
    super::talk::{Stop, failed},
    refuse,
};

/// The plan as a whole.
const PLAN: &str = "30";

/// What an amount is called: EB01, EB06, and the name of the fact.
const FIGURES: &[(&str, &[&str], &str)] = &[
    ("C", &["22", "23", "25"], "deductible"),
    ("C", &["29"], "deductible_left"),
    ("G", &["22", "23", "25"], "out_of_pocket_limit"),
    ("G", &["29"], "out_of_pocket_left"),
    ("A", &["", "23", "27"], "coinsurance"),
    ("B", &["", "27"], "copay"),
];

/// Whose an amount is (EB02), and how the name of the fact begins. What is said of others (a child, an employee only) is no figure of
/// this member's.
const WHOSE: &[(&[&str], &str)] = &[(&["IND", ""], ""), (&["FAM"], "family_")];

/// The outcome a 271 means.
pub(super) fn outcome(answer: &Eligibility) -> Result<Outcome, Stop> {
    let refusals = refusals(answer);
    if refuse::is_unknown_member(&refusals) {
        let raw_words = refuse::codes(&refusals);
        return Ok(said(Answer::NotFound, raw_words, Vec::new()));
    }
    if !refusals.is_empty() {
        return Err(refuse::stop(&refusals));
    }
    let unfit = |detail: &str| failed(FailureKind::PageChanged, "unmapped_answer", detail);
    let members: Vec<&Member> = members(answer).filter(|m| !m.benefits.is_empty()).collect();
    let [member] = members.as_slice() else {
        return Err(unfit(&format!("{} members with benefits in the answer", members.len())));
    };
    let rows: Vec<&Eb> = member.benefits.iter().map(|benefit| &benefit.eb).collect();
    let of_plan = |eb: &&&Eb| eb.service_types.iter().any(|t| t == PLAN);
    // The plan's own statement counts where there is one.
    let mut stated: Vec<&&Eb> = rows.iter().filter(|eb| is_state(&eb.what)).collect();
    if stated.iter().any(&of_plan) {
        stated.retain(of_plan);
    }
    let active = stated.iter().any(|eb| matches!(eb.what.as_str(), "1" | "2" | "3" | "4" | "5"));
    let inactive = stated.iter().any(|eb| matches!(eb.what.as_str(), "6" | "7" | "8"));
    let word = match (active, inactive) {
        (true, false) => Answer::CoverageActive,
        (false, true) => Answer::CoverageInactive,
        (true, true) => return Err(unfit("active and inactive are both said")),
        (false, false) => return Err(unfit("neither active nor inactive is said")),
    };
    let words: Vec<String> = stated
        .iter()
        .map(|eb| format!("EB {} {} {}", eb.what, eb.service_types.join("^"), eb.plan))
        .map(|text| text.trim_end().to_owned())
        .collect();
    let facts = facts(member, &rows, stated.first().map_or("", |eb| eb.plan.as_str()));
    Ok(said(word, words.join(", "), facts))
}

fn said(answer: Answer, raw_words: String, facts: Vec<Fact>) -> Outcome {
    Outcome { answer, raw_words, references: Vec::new(), facts, via: "agent".to_owned() }
}

fn is_state(code: &str) -> bool {
    matches!(code, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8")
}

fn members(answer: &Eligibility) -> impl Iterator<Item = &Member> {
    let receivers = answer.sources.iter().flat_map(|source| &source.receivers);
    receivers.flat_map(|receiver| &receiver.subscribers).flat_map(|subscriber| {
        subscriber.member.iter().chain(subscriber.dependents.iter().flat_map(|d| &d.member))
    })
}

fn refusals(answer: &Eligibility) -> Vec<&Aaa> {
    let mut all: Vec<&Aaa> = Vec::new();
    for source in &answer.sources {
        all.extend(&source.refusals);
        all.extend(source.payer.iter().flat_map(|payer| &payer.refusals));
        let askers = source.receivers.iter().filter_map(|receiver| receiver.asker.as_ref());
        all.extend(askers.flat_map(|asker| &asker.refusals));
    }
    for member in members(answer) {
        all.extend(&member.refusals);
        all.extend(member.benefits.iter().flat_map(|benefit| &benefit.refusals));
    }
    all
}

fn facts(member: &Member, rows: &[&Eb], plan: &str) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push(Fact { name: name.to_owned(), value: value.to_owned() });
        }
    };
    add("plan", plan);
    let day = |codes: &[&str]| {
        let found = member.dates.iter().find(|dtp| codes.contains(&dtp.of.as_str()));
        found.map(days).unwrap_or_default()
    };
    add("coverage_begins", &day(&["346", "356", "348"]).0);
    add("coverage_ends", &day(&["347", "357", "349"]).1);
    for (whose, prefix) in WHOSE {
        for (what, periods, name) in FIGURES {
            let fits = |eb: &&&Eb| {
                eb.what == *what
                    && whose.contains(&eb.coverage.as_str())
                    && periods.contains(&eb.period.as_str())
                    && matches!(eb.in_network.as_str(), "Y" | "W" | "")
                    && eb.service_types.iter().all(|t| t == PLAN || t == "98")
            };
            let mut figures: Vec<String> =
                rows.iter().filter(fits).filter_map(|eb| figure(eb)).collect();
            figures.dedup();
            let name = format!("{prefix}{name}");
            match figures.as_slice() {
                [] => {}
                [one] => add(&name, one),
                many => add(&name, &format!("conflicting: {}", many.join(", "))),
            }
        }
    }
    if rows.iter().any(|eb| eb.authorization == "Y") {
        add("authorization_needed", "yes");
    }
    out
}

fn figure(eb: &Eb) -> Option<String> {
    let amount = eb.amount.as_ref().map(ToString::to_string);
    // A share is written as a part of one.
    amount.or_else(|| eb.fraction.as_ref().map(|fraction| format!("{fraction} of 1")))
}

/// First and last day of a date or a span, as people write them.
fn days(dtp: &Dtp) -> (String, String) {
    let written = |text: &str| match text.len() {
        8 if text.is_ascii() => format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]),
        _ => text.to_owned(),
    };
    match dtp.value.split_once('-') {
        Some((from, to)) => (written(from), written(to)),
        None => (written(&dtp.value), written(&dtp.value)),
    }
}

#[cfg(test)]
mod tests {
    use exchange::x12::{Decimal, t270};

    use super::*;

    fn eb(what: &str, types: &str, period: &str, cents: Option<i64>) -> t270::Benefit {
        t270::Benefit {
            eb: Eb {
                what: what.to_owned(),
                service_types: vec![types.to_owned()],
                period: period.to_owned(),
                amount: cents.map(Decimal::cents),
                in_network: if cents.is_some() { "Y" } else { "" }.to_owned(),
                ..Eb::default()
            },
            ..t270::Benefit::default()
        }
    }

    fn answer(benefits: Vec<t270::Benefit>, refusal: Option<&str>) -> Eligibility {
        let aaa = |reason: &str| Aaa { reason: reason.to_owned(), ..Aaa::default() };
        let member = Member {
            benefits,
            refusals: refusal.map(aaa).into_iter().collect(),
            ..Member::default()
        };
        let subscriber = t270::Subscriber { member: Some(member), ..t270::Subscriber::default() };
        let receiver =
            t270::Receiver { subscribers: vec![subscriber], ..t270::Receiver::default() };
        let source = t270::Source { receivers: vec![receiver], ..t270::Source::default() };
        Eligibility { sources: vec![source], ..Eligibility::default() }
    }

    fn read(answer: &Eligibility) -> Result<Outcome, String> {
        outcome(answer).map_err(|stop| match stop {
            Stop::Failed(failure) => failure.name,
            Stop::LeaseLost => panic!("a failure"),
        })
    }

    #[test]
    fn absent_is_not_zero_and_what_is_said_twice_is_told() {
        let rows = vec![
            eb("1", "30", "", None),
            eb("6", "35", "", None),
            eb("C", "30", "23", Some(200_000)),
            eb("G", "30", "29", Some(100)),
            eb("G", "30", "29", Some(200)),
        ];
        let Ok(said) = read(&answer(rows, None)) else { panic!("it can be read") };
        assert_eq!(said.answer, Answer::CoverageActive, "dental does not speak for the plan");
        let fact = |name: &str| said.facts.iter().find(|f| f.name == name).map(|f| f.value.clone());
        assert_eq!(fact("deductible").as_deref(), Some("2000.00"));
        assert_eq!(fact("deductible_left"), None);
        assert_eq!(fact("out_of_pocket_left").as_deref(), Some("conflicting: 1.00, 2.00"));
    }

    #[test]
    fn a_family_has_figures_of_its_own() {
        let of = |whose: &str, cents: i64| {
            let mut row = eb("C", "30", "23", Some(cents));
            whose.clone_into(&mut row.eb.coverage);
            row
        };
        let facts = |rows: Vec<t270::Benefit>| {
            let rows = std::iter::once(eb("1", "30", "", None)).chain(rows).collect();
            let Ok(said) = read(&answer(rows, None)) else { panic!("it can be read") };
            let facts = said.facts.into_iter().map(|fact| format!("{}={}", fact.name, fact.value));
            facts.collect::<Vec<_>>()
        };
        let both = facts(vec![of("FAM", 400_000), of("IND", 200_000)]);
        assert_eq!(both, ["deductible=2000.00", "family_deductible=4000.00"]);
        assert_eq!(facts(vec![of("FAM", 400_000)]), ["family_deductible=4000.00"]);
        assert_eq!(facts(vec![of("CHD", 100_000)]), [""; 0]);
    }

    #[test]
    fn nobody_found_is_an_answer_and_other_refusals_are_none() {
        let found = read(&answer(Vec::new(), Some("75"))).map(|said| said.answer);
        assert_eq!(found, Ok(Answer::NotFound));
        assert_eq!(read(&answer(Vec::new(), Some("72"))).err(), Some("member_refused".into()));
        assert_eq!(read(&answer(Vec::new(), Some("42"))).err(), Some("payer_later".into()));
        let both = vec![eb("1", "30", "", None), eb("6", "30", "", None)];
        assert_eq!(read(&answer(both, None)).err(), Some("unmapped_answer".into()));
        let inactive = read(&answer(vec![eb("6", "30", "", None)], None)).map(|said| said.answer);
        assert_eq!(inactive, Ok(Answer::CoverageInactive));
        assert_eq!(read(&answer(Vec::new(), None)).err(), Some("unmapped_answer".into()));
    }
}
