//! The eligibility menu: is a member covered on a day, and must another insurer be billed first?

use axum::response::Response;

use super::{
    desk::{Desk, Fields, Typed, value},
    rules::{self, Edit},
};
use crate::{
    ledger::Entry,
    portal::{
        html,
        world::{Member, world},
    },
};

/// The empty form.
pub(super) async fn form(desk: Desk) -> Response {
    desk.saw("eligInquiry");
    page(&desk, &Fields::new(), &[], "")
}

fn page(desk: &Desk, typed: &Fields, edits: &[Edit], found: &str) -> Response {
    let look = desk.look();
    let fields = [
        look.field("Member ID", "memberId", &value(typed, "memberId"), 14),
        look.field("Date of Birth", "memberDob", &value(typed, "memberDob"), 12),
        look.field("Date of Service", "serviceDate", &value(typed, "serviceDate"), 12),
    ];
    let body = format!(
        "<form method=\"post\" action=\"{}\">{}<p>{}</p></form>{found}",
        desk.href("eligInquiry"),
        look.set(&fields, &[2, 0, 1]),
        look.send("Check Eligibility"),
    );
    desk.page("Eligibility Inquiry", edits, &body)
}

/// What is on file for a member on a day.
pub(super) async fn search(desk: Desk, Typed(typed): Typed) -> Response {
    let dates =
        rules::date(&value(&typed, "memberDob")).zip(rules::date(&value(&typed, "serviceDate")));
    let Some((born, day)) = dates else {
        return page(&desk, &typed, &[Edit::DateFormat], "");
    };
    let member = world().member_by_id(super::PROFILE.slug, &value(&typed, "memberId"));
    let Some(member) = member.filter(|member| member.dob == born) else {
        desk.note(Entry::new("eligibility").with("found", false));
        return page(&desk, &typed, &[Edit::MemberNotFound], "");
    };
    desk.works_on(&member.member_id);
    let covered = member.covered(day, desk.sim.start_date()) && !desk.call.fires("not-active");
    desk.note(
        Entry::new("eligibility").with("member", member.key.as_str()).with("covered", covered),
    );
    let begins = begins(&desk, member).filter(|from| day < *from);
    let found = desk.look().facts(&[
        ("Member ID", member.member_id.clone()),
        ("Member Name", member.name()),
        ("Date of Birth", html::us_date(member.dob)),
        ("Date of Service", html::us_date(day)),
        ("Eligibility Status", if covered { "ELIGIBLE" } else { "NOT ELIGIBLE" }.to_owned()),
        ("Program", if covered { "HARBOR STATE MEDICAID" } else { "" }.to_owned()),
        ("Coverage Begins", begins.map(html::us_date).unwrap_or_default()),
        ("Coverage Ended", member.active_to.map(html::us_date).unwrap_or_default()),
        ("Other Coverage", other(member, covered).to_owned()),
    ]);
    page(&desk, &typed, &[], &format!("{}{found}", desk.look().heading("Eligibility on File")))
}

/// The state pays last.
fn other(member: &Member, covered: bool) -> &'static str {
    match (covered, member.second_coverage_first) {
        (false, _) => "",
        (true, true) => "YES - BILL OTHER COVERAGE FIRST",
        (true, false) => "NONE ON FILE",
    }
}

fn begins(desk: &Desk, member: &Member) -> Option<jiff::civil::Date> {
    let next = desk.sim.start_date().first_of_month().saturating_add(jiff::Span::new().months(1));
    member.starts_next_month.then_some(next)
}
