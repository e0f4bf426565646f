//! The rules of politeness at a payer's portal, each with what it stands at and whether it keeps jobs from being leased now.

use domain::{
    calendar::{Calendar, Standing},
    channel::{Channel, Way},
    fleet::Blocked,
    polite::{self, Breaker, Login, Pace},
    time::Timestamp,
};
use serde::Serialize;

use super::open::{Facts, Visit};
use crate::store::{
    credentials::{Credential, Tried},
    payers::Known,
};

/// A rule of politeness and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleState {
    /// `calendar`, `breaker`, `sessions`, `account_sessions`, `logins`, `account_logins`, `lockout`, `starts`, `submits`, `pages`, `second_login`; beside
    /// the portal `calls` in place of the sessions and logins.
    pub rule: &'static str,
    /// What it stands at, for people.
    pub says: String,
    /// Set when it keeps jobs from being leased now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

/// Every rule of politeness, in the order in which they are told.
pub(super) fn rules(
    facts: &Facts,
    credential: &Credential,
    visit: Visit,
    now: Timestamp,
) -> Vec<RuleState> {
    let payer = &facts.payer;
    let limits = &payer.profile.limits;
    let sessions = RuleState {
        rule: "sessions",
        says: format!("{} of {} at work", payer.sessions, limits.sessions_max),
        blocked: (payer.sessions >= limits.sessions_max)
            .then_some(Blocked::SessionLimit { limit: limits.sessions_max }),
    };
    let logins = logins_rule(facts, visit, now);
    let unclear = unclear_logins(facts, credential);
    let lockout = RuleState {
        rule: "lockout",
        says: format!("{} logins without a known end", unclear.iter().filter(|l| !l.good).count()),
        blocked: polite::lockout_until(&unclear, &payer.profile.pace, now)
            .filter(|_| !visit.warm)
            .map(|until| Blocked::LockoutBudget { until }),
    };
    let pace = &payer.profile.pace;
    let starts = RuleState {
        rule: "starts",
        says: per_minute(&facts.starts, pace.starts_per_minute, now),
        blocked: pace
            .starts_per_minute
            .map(|limit| if visit.work { polite::for_work(limit) } else { limit })
            .and_then(|limit| polite::full_until(&facts.starts, limit, polite::MINUTE_MS, now))
            .map(|until| Blocked::TooManyStarts { until }),
    };
    let submits = submits_rule(&facts.submits, pace.submits_per_minute, now);
    vec![
        calendar_rule(payer, now),
        breaker_rule(payer, now),
        sessions,
        account_sessions_rule(facts, credential),
        logins,
        account_logins_rule(facts, credential, visit, now),
        lockout,
        starts,
        submits,
        pages_rule(payer),
        second_login_rule(payer),
    ]
}

/// The rules of a channel beside the portal; `given`: when submissions by it were permitted lately.
pub(super) fn beside(
    facts: &Facts,
    way: &Way,
    given: &[Timestamp],
    now: Timestamp,
) -> Vec<RuleState> {
    let known = facts.ways.known.get(&way.channel).cloned().unwrap_or_default();
    let calls = RuleState {
        rule: "calls",
        says: format!("{} of {} at work", known.busy, way.calls_max),
        blocked: (known.busy >= way.calls_max)
            .then_some(Blocked::SessionLimit { limit: way.calls_max }),
    };
    let state = State { downs: known.downs, rests_until: known.rests_until, busy: known.busy };
    vec![
        calendar(&way.calendar, &facts.payer.profile.time_zone, now),
        breaker(&state, &way.pace, way.channel, now),
        calls,
        submits_rule(given, way.pace.submits_per_minute, now),
    ]
}

/// A full minute of submissions holds back permits, not visits.
fn submits_rule(given: &[Timestamp], limit: Option<u32>, now: Timestamp) -> RuleState {
    RuleState { rule: "submits", says: per_minute(given, limit, now), blocked: None }
}

/// What every slot keeps to by itself.
fn pages_rule(payer: &Known) -> RuleState {
    let limits = &payer.profile.limits;
    let says = format!(
        "at most {} pages a minute in each slot, at least {} ms apart",
        limits.pages_per_minute, limits.gap_ms
    );
    RuleState { rule: "pages", says, blocked: None }
}

/// How the portal takes a second login of an account, and what follows for the session of an agent that was lost.
fn second_login_rule(payer: &Known) -> RuleState {
    let says = match (payer.profile.second_login.as_str(), payer.profile.pace.idle_ends_after_min) {
        ("displaces", _) => "a second login ends the first".to_owned(),
        ("refused", Some(minutes)) => {
            format!("refused; after a lost agent nobody signs in for {minutes} minutes")
        }
        ("refused", None) => {
            "refused; how long a lost agent's session lives on is not recorded".to_owned()
        }
        _ => "two logins may live side by side".to_owned(),
    };
    RuleState { rule: "second_login", says, blocked: None }
}

fn per_minute(granted: &[Timestamp], limit: Option<u32>, now: Timestamp) -> String {
    let lately = granted.iter().filter(|at| now.since_ms(**at) < polite::MINUTE_MS).count();
    limit.map_or_else(
        || "not limited".to_owned(),
        |limit| format!("{lately} of {limit} within a minute"),
    )
}

pub(super) fn calendar_rule(payer: &Known, now: Timestamp) -> RuleState {
    calendar(&payer.profile.calendar, &payer.profile.time_zone, now)
}

fn calendar(calendar: &Calendar, time_zone: &str, now: Timestamp) -> RuleState {
    let standing = calendar.standing(time_zone, now);
    let blocked = match standing {
        Standing::Open { .. } => None,
        Standing::Closed { until, maintenance } => Some(Blocked::Closed { until, maintenance }),
    };
    let says = match (standing, &blocked) {
        (_, Some(blocked)) => blocked.say(),
        (Standing::Open { until: Some(until) }, None) => format!("open until {until}"),
        (_, None) => "open".to_owned(),
    };
    RuleState { rule: "calendar", says, blocked }
}

pub(super) fn breaker_rule(payer: &Known, now: Timestamp) -> RuleState {
    let state = State { downs: payer.downs, rests_until: payer.rests_until, busy: payer.sessions };
    breaker(&state, &payer.profile.pace, Channel::Portal, now)
}

/// What a breaker is judged by.
struct State {
    downs: u32,
    rests_until: Option<Timestamp>,
    busy: u32,
}

fn breaker(state: &State, pace: &Pace, channel: Channel, now: Timestamp) -> RuleState {
    let (says, blocked) = match polite::breaker(state.downs, state.rests_until, pace, now) {
        Breaker::Closed => ("closed".to_owned(), None),
        Breaker::Open(until) => {
            let blocked = match channel {
                Channel::Portal => Blocked::PortalDown { until },
                _ => Blocked::ChannelDown { until },
            };
            (format!("open until {until}"), Some(blocked))
        }
        // One visit at a time may try.
        Breaker::HalfOpen => ("half open".to_owned(), (state.busy > 0).then_some(Blocked::Probing)),
    };
    RuleState { rule: "breaker", says, blocked }
}

fn logins_rule(facts: &Facts, visit: Visit, now: Timestamp) -> RuleState {
    let limit = facts.payer.profile.limits.logins_per_hour_max;
    let lately = facts.logins.iter().filter(|l| now.since_ms(l.login.at) < polite::HOUR_MS).count();
    RuleState {
        rule: "logins",
        says: format!("{lately} of {limit} within an hour"),
        // A live portal session needs no login.
        blocked: login_budget_spent(&facts.logins, (limit, visit.work), now)
            .filter(|_| !visit.warm)
            .map(|until| Blocked::LoginBudget { until }),
    }
}

/// Whose account a session is that an agent keeps between jobs is not known: it counts for each.
fn account_sessions_rule(facts: &Facts, credential: &Credential) -> RuleState {
    let Some(limit) = facts.payer.profile.pace.account_sessions else {
        let says = "as many as the payer takes".to_owned();
        return RuleState { rule: "account_sessions", says, blocked: None };
    };
    let busy = facts.busy.get(&credential.id).copied().unwrap_or(0);
    RuleState {
        rule: "account_sessions",
        says: format!("{busy} of {limit} at work with {}", credential.account),
        blocked: (busy.saturating_add(facts.kept) >= limit)
            .then_some(Blocked::SessionLimit { limit }),
    }
}

fn account_logins_rule(
    facts: &Facts,
    credential: &Credential,
    visit: Visit,
    now: Timestamp,
) -> RuleState {
    let own: Vec<Tried> =
        facts.logins.iter().filter(|l| l.credential == credential.id).copied().collect();
    let lately = own.iter().filter(|l| now.since_ms(l.login.at) < polite::HOUR_MS).count();
    let account = &credential.account;
    let Some(limit) = facts.payer.profile.pace.account_logins_per_hour else {
        let says = format!("{lately} of {account} within an hour; not limited");
        return RuleState { rule: "account_logins", says, blocked: None };
    };
    RuleState {
        rule: "account_logins",
        says: format!("{lately} of {limit} within an hour by {account}"),
        blocked: login_budget_spent(&own, (limit, visit.work), now)
            .filter(|_| !visit.warm)
            .map(|until| Blocked::LoginBudget { until }),
    }
}

/// Logins of one account; what the portal refused clearly stops the account itself.
fn unclear_logins(facts: &Facts, credential: &Credential) -> Vec<Login> {
    let own = facts.logins.iter().filter(|l| l.credential == credential.id);
    own.map(|l| l.login).collect()
}

/// Until when no further login fits into the hour of a payer or an account, if none does. Work leaves one login of the hour for looks.
pub(in crate::flow) fn login_budget_spent(
    logins: &[Tried],
    (limit, work): (u32, bool),
    now: Timestamp,
) -> Option<Timestamp> {
    let at: Vec<Timestamp> = logins.iter().map(|l| l.login.at).collect();
    let limit = if work { polite::for_work(limit) } else { limit };
    polite::full_until(&at, limit, polite::HOUR_MS, now)
}
