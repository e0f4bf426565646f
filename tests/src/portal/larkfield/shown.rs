//! What the portal says about a request, which is not what has been decided: a decision shows hours after it was made.
//! Every change of a case leaves a view of it; pages take the newest one old enough.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::number;
use crate::portal::{
    decide::LineStatus,
    mail::Draft,
    sim::Sim,
    store::{Case, CaseLine, Number},
};

/// How a request stood from a moment on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct View {
    /// When it became so.
    pub(super) at: Timestamp,
    /// Its lines.
    pub(super) lines: Vec<CaseLine>,
    /// Good from, once granted.
    pub(super) valid_from: Option<Date>,
    /// Good to, once granted.
    pub(super) valid_to: Option<Date>,
    /// Documents asked for.
    pub(super) wanted: Vec<String>,
    /// Number of the letter that tells it.
    pub(super) letter: Option<String>,
}

impl View {
    /// Nothing more is to be decided.
    pub(super) fn is_final(&self) -> bool {
        self.lines
            .iter()
            .all(|line| line.status.is_final() && line.status != LineStatus::ContactPayer)
    }

    /// The portal's word for the whole.
    pub(super) fn words(&self, received: Timestamp, now: Timestamp) -> &'static str {
        let all = |status: LineStatus| self.lines.iter().all(|line| line.status == status);
        if all(LineStatus::Cancelled) {
            "Cancelled"
        } else if all(LineStatus::NotRequired) {
            "Not required"
        } else if self.is_final() {
            self.decision()
        } else if now.duration_since(received) >= TAKEN_UP && self.wanted.is_empty() {
            "In review"
        } else {
            "Pended"
        }
    }

    /// The word of a decision that is whole.
    pub(super) fn decision(&self) -> &'static str {
        let fine =
            |line: &CaseLine| matches!(line.status, LineStatus::Approved | LineStatus::NotRequired);
        if self.lines.iter().all(fine) {
            "Approved"
        } else if self.lines.iter().any(|line| line.status.granted()) {
            "Approved with changes"
        } else {
            "Denied"
        }
    }
}

/// A request waits an hour before somebody takes it up.
const TAKEN_UP: SignedDuration = SignedDuration::from_hours(1);

fn key(case: &str) -> String {
    format!("shown/{case}")
}

/// All views of a case, oldest first.
pub(super) fn views(sim: &Sim, case: &str) -> Vec<View> {
    let kept = sim.kept.get(&key(case)).unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

/// Keeps the present view of a case; a whole decision gets a letter, whose number is returned.
pub(super) fn remember(sim: &Sim, case: &Case) -> Option<Number> {
    let mut views = views(sim, &case.id);
    if views.last().is_some_and(|last| last.lines == case.lines && last.wanted == case.wanted) {
        return None;
    }
    let mut view = View {
        at: case.changed_at,
        lines: case.lines.clone(),
        valid_from: case.valid_from,
        valid_to: case.valid_to,
        wanted: case.wanted.clone(),
        letter: None,
    };
    let told = |line: &CaseLine| {
        line.status.granted()
            || matches!(line.status, LineStatus::Denied | LineStatus::DeniedIncomplete)
    };
    let letter =
        (view.is_final() && view.lines.iter().any(told)).then(|| number(sim, "letter", false));
    view.letter = letter.as_ref().map(|number| number.value.clone());
    if letter.is_some() {
        notice(sim, case);
    }
    views.push(view);
    sim.kept.put(&key(&case.id), json!(views));
    letter
}

/// Tells the administrator of the account by mail, when the letter appears. The mail names nobody and no decision.
fn notice(sim: &Sim, case: &Case) {
    let Some(account) = sim.accounts.find(&case.account) else { return };
    let draft = Draft {
        to: account.email.clone(),
        from: "Larkfield National <no-reply@larkfield.test>".to_owned(),
        subject: "A new letter is in your Document Library".to_owned(),
        text: "Sign in to the Provider Workspace and open Prior Auth Letters to read it."
            .to_owned(),
        delay: hours(sim, "letter_delay_h"),
    };
    sim.mail.send(&sim.kept, case.changed_at, draft);
}

fn hours(sim: &Sim, knob: &str) -> SignedDuration {
    SignedDuration::from_hours(sim.knobs.number(knob))
}

/// The view the portal shows now. What is known at receipt shows at once; a later decision after the portal's lag, and
/// `more_h` hours if a fault says so.
pub(super) fn now(sim: &Sim, case: &Case, more_h: u64) -> View {
    let lag =
        hours(sim, "portal_lag_h") + SignedDuration::from_hours(i64::try_from(more_h).unwrap_or(0));
    let shows = |view: &View| {
        let late = view.is_final() && view.at > case.received_at;
        let from = if late { view.at + lag } else { view.at };
        from <= sim.now()
    };
    let mut views = views(sim, &case.id);
    let newest = views.iter().rposition(shows).unwrap_or(0);
    if newest < views.len() {
        return views.swap_remove(newest);
    }
    View {
        at: case.received_at,
        lines: case.lines.clone(),
        valid_from: None,
        valid_to: None,
        wanted: Vec::new(),
        letter: None,
    }
}

/// The letters of a case that have appeared by now, with the views they tell.
pub(super) fn letters(sim: &Sim, case: &Case) -> Vec<View> {
    let delay = hours(sim, "letter_delay_h");
    let mut views = views(sim, &case.id);
    views.retain(|view| view.letter.is_some() && view.at + delay <= sim.now());
    views
}

/// The portal's word for a line.
pub(super) fn line_words(status: LineStatus) -> &'static str {
    match status {
        LineStatus::NotRequired => "Not required",
        LineStatus::Redirected => "Managed by Verity Review",
        LineStatus::Pended => "Pended",
        LineStatus::InfoRequested => "Pended - documents needed",
        LineStatus::Approved => "Approved",
        LineStatus::Modified => "Approved with changes",
        LineStatus::Denied | LineStatus::DeniedIncomplete => "Denied",
        LineStatus::ContactPayer => "Pended - call us",
        LineStatus::Cancelled => "Cancelled",
    }
}
