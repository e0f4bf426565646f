//! What a reader's role may see of a filled view. The rule is `access::sight`; here is only where it applies on each page.

use domain::{attempt::AttemptState, exception::ExceptionState, intent::IntentState};

use crate::{
    access::{Role, sight},
    console::{
        attempt::AttemptView,
        case::{AttemptLine, CaseView},
        inbox::{Detail, Inbox},
        work::Row,
    },
};

fn state(role: Role, state: &mut AttemptState) {
    if let AttemptState::Failed { failure } = state {
        sight::failure(role, failure);
    }
}

fn attempts(role: Role, lines: &mut [AttemptLine]) {
    lines.iter_mut().for_each(|line| state(role, &mut line.state));
}

/// Rows of the Work page.
pub fn rows(role: Role, rows: &mut [Row]) {
    for number in rows.iter_mut().filter_map(|row| row.reference.as_mut()) {
        sight::number(role, number);
    }
}

/// A case's page.
pub fn case(role: Role, v: &mut CaseView) {
    for (reference, _) in &mut v.references {
        sight::number(role, &mut reference.value);
    }
    if let Some(outcome) = &mut v.outcome {
        sight::outcome(role, outcome);
    }
    v.jobs.iter_mut().for_each(|job| attempts(role, &mut job.attempts));
    v.life.iter_mut().for_each(|line| sight::sentence(role, &mut line.text));
}

/// An attempt's page.
pub fn attempt(role: Role, v: &mut AttemptView) {
    state(role, &mut v.state);
    sight::steps(role, &mut v.steps);
    if let Some(outcome) = &mut v.outcome {
        sight::outcome(role, outcome);
    }
    if let Some(IntentState::Confirmed { reference, .. }) = v.intent.as_mut().map(|i| &mut i.state)
    {
        sight::number(role, reference);
    }
    if !sight::whole(role) {
        v.page_text = None;
    }
}

/// The inbox, with the question that is open.
pub fn inbox(role: Role, v: &mut Inbox) {
    v.rows.iter_mut().for_each(|row| sight::sentence(role, &mut row.sentence));
    if let Some(detail) = &mut v.detail {
        question(role, detail);
    }
}

fn question(role: Role, v: &mut Detail) {
    if let Some(failure) = &mut v.failure {
        sight::failure(role, failure);
    }
    attempts(role, &mut v.tried);
    v.candidates.iter_mut().for_each(|number| sight::number(role, number));
    if !sight::whole(role)
        && let ExceptionState::Seconding { resolution, .. }
        | ExceptionState::Resolved { resolution, .. } = &mut v.state
        && let domain::exception::Resolution::GiveOutcome { outcome, .. } = resolution
    {
        sight::outcome(role, outcome);
    }
}
