//! The hub's words for where a request and its lines stand. "Certified - see details" hides what was cut: only the lines
//! tell.

use crate::portal::{
    decide::LineStatus,
    store::{Case, CaseLine},
};

/// The words for a whole request.
pub(super) fn status(case: &Case) -> &'static str {
    let all = |wanted: LineStatus| case.lines.iter().all(|line| line.status == wanted);
    let any = |wanted: LineStatus| case.lines.iter().any(|line| line.status == wanted);
    if any(LineStatus::Pended) || any(LineStatus::InfoRequested) {
        "Pended"
    } else if any(LineStatus::ContactPayer) {
        "Contact Plan"
    } else if all(LineStatus::Approved) {
        "Certified"
    } else if case.lines.iter().any(|line| line.status.granted()) {
        "Certified - see details"
    } else if all(LineStatus::NotRequired) {
        "Auth Not Required"
    } else if all(LineStatus::Redirected) {
        "Referred to Vendor"
    } else if all(LineStatus::Cancelled) {
        "Cancelled"
    } else {
        "Not Certified"
    }
}

/// The words for one line.
pub(super) fn line(line: &CaseLine) -> &'static str {
    match line.status {
        LineStatus::NotRequired => "Auth Not Required",
        LineStatus::Redirected => "Referred to Vendor",
        LineStatus::Pended => "Pended",
        LineStatus::InfoRequested => "Pended - Information Requested",
        LineStatus::Approved => "Certified",
        LineStatus::Modified => "Certified - Reduced",
        LineStatus::Denied => "Not Certified",
        LineStatus::DeniedIncomplete => "Not Certified - Information Not Received",
        LineStatus::ContactPayer => "Contact Plan",
        LineStatus::Cancelled => "Cancelled",
    }
}

/// What a letter calls the decision.
pub(super) fn decision(case: &Case) -> &'static str {
    let all = |wanted: LineStatus| case.lines.iter().all(|line| line.status == wanted);
    let granted = |line: &CaseLine| line.status.granted();
    if all(LineStatus::Approved) {
        "Certified as requested"
    } else if case.lines.iter().all(granted) {
        "Certified with fewer units"
    } else if case.lines.iter().any(granted) {
        "Certified in part"
    } else {
        "Not certified"
    }
}

/// Why: reason code and text of a line, or nothing.
pub(super) fn reason(line: &CaseLine) -> String {
    match (line.reason.as_deref(), line.text.as_deref()) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}
