//! P1 Crestline Connect: a multi-payer hub. A single-page application on one host, with the application proper inside a
//! frame from another host; two plans behind it (Crestline Mutual, Fernbrook Health).
//!
//! `signin` is the way in, `apps` the application, `submit` the one write that files a request, `status` what can be
//! read afterwards. No duplicate check of any kind: filing twice records two requests.

use std::sync::Arc;

use axum::Router;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Pace,
    accounts::SignInRules,
    decide::LineStatus,
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
};

/// Crestline Connect.
pub const PROFILE: Profile = Profile {
    slug: "crestline",
    code: "P1",
    hosts: &["hub.crestline.test", "apps.crestline.test"],
    sign_in: SignInRules {
        wrong_limit: 5,
        wrong_window: SignedDuration::from_mins(15),
        lock: Some(SignedDuration::from_mins(30)),
    },
    idle_min: 15,
    knobs,
    routers,
    draw_up,
    settle,
};

/// Plans behind the hub.
pub const PLANS: [(&str, &str); 2] = [("CLM", "Crestline Mutual"), ("FBH", "Fernbrook Health")];

fn knobs(pace: Pace) -> Value {
    let lifelike = pace == Pace::Lifelike;
    let ms = |quick: i64, slow: i64| if lifelike { slow } else { quick };
    json!({
        "dashboard_lag_s": 90,
        "search_lag_s": 0,
        "skeleton_ms": ms(30, 600),
        "hydrate_ms": ms(30, 400),
        "typeahead_pause_ms": ms(60, 350),
        "typeahead_answer_ms": ms(0, 250),
        "typeahead_noise": false,
        "scan_ms": ms(60, 1500),
        "stepup_every_min": 60,
        "confirm_once": true,
        "max_portal_sessions": 2,
        "email_reminder": true,
        "organizations": 0,
        "number_format": "a",
        "status_down": false,
        "search_empty": false,
        "pulse_ms": 500,
    })
}

fn routers(_sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    vec![("hub.crestline.test", Router::new()), ("apps.crestline.test", Router::new())]
}

/// Numbers of a kind, in one of two shapes.
fn number(sim: &Sim, kind: &str, odd_shape: bool) -> Number {
    let ordinal = sim.kept.next(&format!("number/{kind}"));
    let serial = 3000 + sim.seed % 997 + ordinal;
    let odd_shape = odd_shape || sim.knobs.text("number_format") == "b";
    let value = match (kind, odd_shape) {
        ("tracking", false) => format!("CL4026{serial:06}"),
        ("tracking", true) => format!("cl4026-{serial:07}"),
        ("authorization", false) => format!("C71{serial:07}"),
        ("authorization", true) => format!("c71-{serial:08}"),
        (_, false) => format!("U26{serial:06}"),
        (_, true) => format!("u26-{serial:07}"),
    };
    Number { kind: kind.to_owned(), value }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    file(sim, from, filing, false)
}

/// Makes a case of a filing, with its numbers in the usual or the odd shape.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, odd_shape: bool) -> Case {
    let tracking = number(sim, "tracking", odd_shape);
    let mut case = sim.store.draw_up(&sim.kept, from, filing, tracking);
    case.numbers.push(Number { kind: "transaction".to_owned(), value: sim.uuid("transaction") });
    settle(sim, &mut case);
    case
}

/// A first positive decision gives the certification number.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(number(sim, "authorization", false));
    }
}

/// The hub's words for a line.
pub fn line_words(status: LineStatus) -> &'static str {
    match status {
        LineStatus::NotRequired => "NO ACTION REQUIRED",
        LineStatus::Redirected => "REDIRECTED",
        LineStatus::Pended | LineStatus::InfoRequested => "PENDED",
        LineStatus::Approved => "CERTIFIED IN TOTAL",
        LineStatus::Modified => "MODIFIED",
        LineStatus::Denied | LineStatus::DeniedIncomplete => "NOT CERTIFIED",
        LineStatus::ContactPayer => "CONTACT PAYER",
        LineStatus::Cancelled => "CANCELLED",
    }
}

/// The hub's words for a whole request.
pub fn case_words(case: &Case) -> &'static str {
    let words: Vec<&str> = case.lines.iter().map(|line| line_words(line.status)).collect();
    let first = words.first().copied().unwrap_or("PENDED");
    if words.iter().all(|word| *word == first) {
        return first;
    }
    if words.contains(&"PENDED") {
        return "PENDED";
    }
    if words.contains(&"CONTACT PAYER") {
        return "CONTACT PAYER";
    }
    if case.lines.iter().any(|line| line.status.granted()) {
        "CERTIFIED - PARTIAL"
    } else {
        "NOT CERTIFIED"
    }
}
