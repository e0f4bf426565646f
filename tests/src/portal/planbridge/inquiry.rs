//! Questions that leave nothing behind: is a member covered on a day, and where does a claim for payment stand.

use axum::{Form, extract::Path, response::Response};

use super::{
    desk::{self, Desk, Fields, value},
    look,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        world::{ClaimStep, PayerClaim, world},
    },
};

/// A page with one question, as a form, and what was found.
struct Question<'a> {
    /// Where the form goes.
    action: &'a str,
    /// Heading of the page.
    title: &'a str,
    /// Word on the button.
    ask: &'a str,
    /// Words, name and kind of each field, and whether the words label it or only stand beside it.
    fields: &'a [(&'a str, &'a str, &'a str, bool)],
}

impl Question<'_> {
    fn page(&self, desk: &Desk, typed: &Fields, found: &str) -> Response {
        let look = desk.look;
        let input = |&(words, name, kind, labelled): &(&str, &str, &str, bool)| {
            look.input(words, name, kind, &value(typed, name), labelled)
        };
        let fields = self.fields.iter();
        let fields: String =
            if look.v2 { fields.rev().map(input).collect() } else { fields.map(input).collect() };
        let body = format!(
            "<form method=\"post\" action=\"{}\">{fields}{}</form>{found}{}",
            self.action,
            look.go(self.ask),
            look::overlays(desk)
        );
        desk.shown(look.hub(desk, self.title, &body))
    }
}

fn eligibility_page(desk: &Desk, typed: &Fields, found: &str) -> Response {
    let look = desk.look;
    let question = Question {
        action: "/eligibility",
        title: look.say("Eligibility", "Coverage"),
        ask: look.say("Check Eligibility", "Check"),
        fields: &[
            (look.say("Member ID", "Subscriber ID"), "memberId", "text", true),
            (look.say("Date of Birth", "Born on"), "dob", "date", true),
            (look.say("As of Date", "On"), "asOf", "date", false),
            (look.say("Service Code (optional)", "Service (optional)"), "service", "text", true),
        ],
    };
    question.page(desk, typed, found)
}

/// The empty question.
pub(super) async fn eligibility_form(desk: Desk) -> Response {
    desk.saw("eligibility");
    eligibility_page(&desk, &Fields::new(), "")
}

/// Is the member covered on that day, and on what terms?
pub(super) async fn eligibility(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let born = html::read_date(&value(&typed, "dob"));
    let Some(asked) = html::read_date(&value(&typed, "asOf")) else {
        return eligibility_page(&desk, &typed, &desk.look.alert("Enter dates as MM/DD/YYYY."));
    };
    let member = desk::member(&value(&typed, "memberId")).filter(|one| Some(one.dob) == born);
    let Some(member) = member else {
        return eligibility_page(&desk, &typed, &desk.look.alert("No member found."));
    };
    desk.works_on(&member.member_id);
    desk.note(
        Entry::new("eligibility").with("member", member.key.as_str()).with("on", asked.to_string()),
    );
    let covered = member.covered(asked, desk.sim.start_date()) && !desk.call.fires("not-active");
    let service = value(&typed, "service").to_uppercase();
    let words = world().procedure(&service).map(|one| format!("{} {}", one.code, one.text));
    let (status, only) = if covered { ("Active", true) } else { ("Inactive", false) };
    let when_covered = |text: &str| if only { text.to_owned() } else { String::new() };
    let found = format!(
        "<h2>{}</h2>{}",
        desk.look.say("Coverage", "Result"),
        desk.look.facts(&[
            ("Coverage Status", status.to_owned()),
            ("As of", html::us_date(asked)),
            ("Member", member.name()),
            ("Member ID", member.member_id.clone()),
            ("Plan", "PlanBridge Regional".to_owned()),
            ("Coverage Begins", "01/01/2020".to_owned()),
            ("Coverage Ends", member.active_to.map(html::us_date).unwrap_or_default()),
            ("Deductible Remaining", when_covered("$350.00")),
            ("Copay", when_covered("$25.00")),
            ("Coinsurance", when_covered("20%")),
            ("Service", words.unwrap_or_default()),
        ])
    );
    eligibility_page(&desk, &typed, &found)
}

fn claim_page(desk: &Desk, typed: &Fields, found: &str) -> Response {
    let look = desk.look;
    let question = Question {
        action: "/claims",
        title: look.say("Claim Status", "Claims"),
        ask: look.say("Find Claims", "Find"),
        fields: &[
            (look.say("Claim Number", "Number"), "claim", "text", true),
            (look.say("Member ID", "Subscriber ID"), "memberId", "text", true),
            (look.say("Date of Service", "Served on"), "serviceDate", "date", true),
        ],
    };
    question.page(desk, typed, found)
}

/// The empty claim search.
pub(super) async fn claim_form(desk: Desk) -> Response {
    desk.saw("claims");
    claim_page(&desk, &Fields::new(), "")
}

/// The words for a claim's state; `None` while the plan knows nothing of it.
fn words(step: &ClaimStep) -> Option<&'static str> {
    Some(match step.state.as_str() {
        "received" | "accepted" => "Received",
        "in_process" => "In Process",
        "records_requested" => "Pended - Records Requested",
        "paid" => "Paid",
        "partial" => "Paid in Part",
        "denied" => "Denied",
        "rejected" => "Rejected",
        "adjusted" => "Adjusted",
        _ => return None,
    })
}

fn known(desk: &Desk) -> Vec<(&'static PayerClaim, &'static ClaimStep, &'static str)> {
    let claims = world().payer_claims.iter();
    claims
        .filter(|claim| claim.payer == super::PROFILE.slug)
        .filter_map(|claim| {
            let step = claim.at(desk.sim.now(), desk.sim.start)?;
            Some((claim, step, words(step)?))
        })
        .collect()
}

fn member_id(claim: &PayerClaim) -> &'static str {
    world().member(&claim.member).map_or("", |member| member.member_id.as_str())
}

/// Claims that fit every field that is filled in; the member must be.
pub(super) async fn claims(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let (number, member) = (value(&typed, "claim"), value(&typed, "memberId"));
    let typed_day = value(&typed, "serviceDate");
    let day = html::read_date(&typed_day);
    if !typed_day.is_empty() && day.is_none() {
        return claim_page(&desk, &typed, &desk.look.alert("Enter dates as MM/DD/YYYY."));
    }
    if desk::member(&member).is_none() {
        return claim_page(&desk, &typed, &desk.look.alert("No member found."));
    }
    desk.works_on(&member);
    let rows: Vec<Vec<String>> = known(&desk)
        .into_iter()
        .filter(|(claim, _, _)| {
            let served = claim.service_date(desk.sim.start);
            member_id(claim) == member
                && (number.is_empty() || claim.claim == number)
                && day.is_none_or(|day| day == served)
        })
        .map(|(claim, _, words)| {
            vec![
                format!("<a href=\"/claims/{0}\">{0}</a>", esc(&claim.claim)),
                esc(member_id(claim)),
                html::us_date(claim.service_date(desk.sim.start)),
                format!("${}", esc(&claim.billed)),
                words.to_owned(),
            ]
        })
        .collect();
    desk.note(Entry::new("list").with("search", "claims").with("rows", rows.len()));
    let found = if rows.is_empty() {
        "<p>No claims found.</p>".to_owned()
    } else {
        let headers = ["Claim Number", "Member ID", "Date of Service", "Billed", "Status"];
        desk.look.table("Claims found", &headers, &rows)
    };
    claim_page(&desk, &typed, &found)
}

/// One claim.
pub(super) async fn claim(desk: Desk, Path(number): Path<String>) -> Response {
    let title = desk.look.say("Claim Detail", "Claim");
    let Some((claim, step, words)) =
        known(&desk).into_iter().find(|(one, _, _)| one.claim == number)
    else {
        return desk.shown(desk.look.hub(&desk, title, "<p>No claims found.</p>"));
    };
    desk.note(Entry::new("status").with("claim", claim.key.as_str()));
    let money = |amount: &Option<String>| {
        amount.as_ref().map(|text| format!("${text}")).unwrap_or_default()
    };
    let reason: Vec<&str> =
        [step.reason.as_deref(), step.text.as_deref()].into_iter().flatten().collect();
    let body = desk.look.facts(&[
        ("Claim Number", claim.claim.clone()),
        ("Claim Status", words.to_owned()),
        ("Member ID", member_id(claim).to_owned()),
        ("Date of Service", html::us_date(claim.service_date(desk.sim.start))),
        ("Received", html::us_date(claim.received_date(desk.sim.start))),
        ("Billed Amount", format!("${}", claim.billed)),
        ("Paid Amount", money(&step.paid)),
        ("Member Amount", money(&step.patient)),
        ("Reason", reason.join(" ")),
    ]);
    desk.shown(desk.look.hub(&desk, title, &body))
}
