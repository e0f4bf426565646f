//! The call with a reviewer after a denial: slots and a deadline in Central time. Asking for one is a write of its own.

use axum::{extract::Request, response::Response};
use jiff::{Timestamp, ToSpan as _, Zoned, civil::Weekday};

use super::{
    central,
    desk::{Desk, to},
};
use crate::{
    ledger::Entry,
    portal::{call::WriteMode, decide::LineStatus, html::esc, store::Case, tls::Cut},
};

/// Working days after a denial within which a call can be asked for.
const DAYS: usize = 5;

fn working(day: &Zoned) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The moments so many working days after `from`, one a day.
fn working_days(from: Timestamp, days: usize) -> Vec<Zoned> {
    let mut day = central(from);
    let mut found = Vec::new();
    while found.len() < days {
        day = day.saturating_add(1.day());
        if working(&day) {
            found.push(day.clone());
        }
    }
    found
}

/// Until when a call can be asked for; `None` where nothing was denied or it is too late.
pub(super) fn deadline(desk: &Desk, case: &Case) -> Option<Zoned> {
    let denied = case.lines.iter().any(|line| line.status == LineStatus::Denied);
    let last = working_days(case.changed_at, DAYS).pop().filter(|_| denied)?;
    (desk.sim.now() < last.timestamp()).then_some(last)
}

fn slots(desk: &Desk) -> Vec<String> {
    let days = working_days(desk.sim.now(), 3);
    let hours = ["10:00 AM", "2:30 PM"];
    days.iter()
        .flat_map(|day| hours.map(|hour| format!("{} {hour} CT", day.strftime("%m/%d/%Y"))))
        .collect()
}

fn case_of(desk: &Desk) -> Option<(Case, Zoned)> {
    let id = desk.get("case");
    let case = desk.sim.store.get(id.as_str()?)?;
    let until = deadline(desk, &case)?;
    Some((case, until))
}

/// The form.
pub(super) async fn page(desk: Desk) -> Response {
    match case_of(&desk) {
        Some((case, until)) => show(&desk, &case, &until, "", ""),
        None => to("find.aspx"),
    }
}

fn show(desk: &Desk, case: &Case, until: &Zoned, message: &str, done: &str) -> Response {
    let ids = desk.ids();
    let slots = slots(desk);
    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
    let form = if done.is_empty() {
        format!(
            "{}{}",
            ids.form(
                &(ids.radios("Time of the call", "Slot", &slots, "")
                    + &ids.text("Phone", "Phone", ""))
            ),
            ids.buttons(&ids.button("Request", "Request a call", ""))
        )
    } else {
        ids.note(done)
    };
    let body = format!(
        "<p>Case {}. A call with a reviewer can be requested until {}.</p>{form}",
        esc(&case.id),
        until.strftime("%m/%d/%Y %I:%M %p CT")
    );
    desk.page(&ids, "p2p", "Request a call", message, body)
}

/// A call is asked for.
pub(super) async fn request(desk: Desk, request: Request) -> Response {
    let posted = match desk.posted("p2p", request).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let Some((case, until)) = case_of(&desk) else { return to("find.aspx") };
    let (slot, phone) = (posted.value("Slot"), posted.value("Phone"));
    let fields = serde_json::json!({"case": case.id, "slot": slot});
    let received = desk.note(Entry::new("p2p_received").fields(fields));
    if WriteMode::of(&desk.call) == WriteMode::CutBefore {
        return desk.call.cut(&desk.sim, Cut::Reset).await;
    }
    if slot.is_empty() || phone.is_empty() {
        let entry = Entry::new("p2p_refused").with("code", "incomplete");
        desk.note(entry.with("received_seq", received));
        return show(&desk, &case, &until, "Choose a time and enter a phone number.", "");
    }
    let entry = Entry::new("p2p_committed").with("effect", true).with("received_seq", received);
    desk.note(entry.with("case", case.id.as_str()).with("slot", slot.as_str()));
    if WriteMode::of(&desk.call) == WriteMode::CutAfter {
        return desk.call.cut(&desk.sim, Cut::Reset).await;
    }
    show(&desk, &case, &until, "", &format!("A reviewer will call on {slot}."))
}
