//! A payer on the Fleet page: state, work in hand and limit, permission, politeness, how a second login is taken, scripts.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    fleet::{Blocked, Payer},
    permission::{Permission, PermissionState},
    time::Timestamp,
};
use maud::{Markup, html};

use super::{because, pause_form, reason_form_with};
use crate::{
    console::{frame::Frame, icons::Icon, parts, parts::Tone},
    flow::lease::RuleState,
    store::proposals::Proposal,
};

/// A payer with what is going on there.
#[derive(Debug, Clone)]
pub struct PayerView {
    /// Profile.
    pub payer: Payer,
    /// The person's reason, when paused.
    pub paused: Option<String>,
    /// What holds the whole payer back now, if anything.
    pub held: Option<Blocked>,
    /// Jobs at work.
    pub working: u64,
    /// Ready jobs.
    pub ready: u64,
    /// Open exceptions.
    pub exceptions: u64,
    /// Logins within the last hour.
    pub logins_last_hour: u64,
    /// Whether an account is recorded.
    pub credential: bool,
    /// Accounts that the portal refused, and since when.
    pub refused: Vec<(String, Timestamp)>,
    /// Each rule of politeness and how it stands, by the decision that leases.
    pub rules: Vec<RuleState>,
    /// Permissions that wait for a second person.
    pub proposals: BTreeMap<Channel, Proposal>,
    /// Accounts with the program that signs in and who answers for it.
    pub accounts: Vec<(String, Option<String>, Option<String>)>,
    /// Live scripts: task word and hash.
    pub scripts: Vec<(String, String)>,
}

pub(super) fn state(p: &PayerView) -> Markup {
    match (&p.paused, &p.held) {
        (Some(_), _) => parts::chip(Tone::Warn, Icon::Pause, "Paused"),
        (None, Some(Blocked::PortalDown { .. })) => {
            parts::chip(Tone::Bad, Icon::Cross, "Portal down")
        }
        (None, Some(Blocked::ChannelDown { .. })) => {
            parts::chip(Tone::Bad, Icon::Cross, "Channel down")
        }
        (None, Some(Blocked::Slow { .. })) => parts::chip(Tone::Warn, Icon::Clock, "Slow"),
        (None, Some(Blocked::Documents | Blocked::NotDescribed | Blocked::NotWorked)) => {
            parts::chip(Tone::Bad, Icon::Ban, "No channel")
        }
        (None, Some(Blocked::Probing)) => parts::chip(Tone::Warn, Icon::Clock, "Trying again"),
        (None, Some(Blocked::Closed { maintenance: true, .. })) => {
            parts::chip(Tone::Warn, Icon::Clock, "Maintenance")
        }
        (None, Some(Blocked::Closed { .. })) => parts::chip(Tone::Warn, Icon::Clock, "Closed now"),
        (None, Some(Blocked::LockoutBudget { .. })) => {
            parts::chip(Tone::Warn, Icon::Key, "Account spared")
        }
        (None, Some(Blocked::Quarantine { .. })) => {
            parts::chip(Tone::Bad, Icon::Doubt, "Quarantine")
        }
        (None, Some(Blocked::AccountRefused)) => parts::chip(Tone::Bad, Icon::Key, "Login refused"),
        (None, Some(Blocked::NotPermitted { .. })) => {
            parts::chip(Tone::Bad, Icon::Ban, "Not permitted")
        }
        (None, Some(Blocked::LoginBudget { .. })) => {
            parts::chip(Tone::Warn, Icon::Clock, "Logins spent")
        }
        (None, Some(Blocked::ScriptHeld { .. })) => {
            parts::chip(Tone::Bad, Icon::Changed, "Script held")
        }
        (None, Some(Blocked::NoScript)) => parts::chip(Tone::Bad, Icon::Document, "No script"),
        (None, Some(Blocked::NoIdentity)) => parts::chip(Tone::Bad, Icon::Person, "No identity"),
        (None, Some(Blocked::NoCredential)) => parts::chip(Tone::Bad, Icon::Key, "No account"),
        (
            None,
            None
            | Some(
                Blocked::PayerPaused { .. }
                | Blocked::PoolPaused { .. }
                | Blocked::SessionLimit { .. }
                | Blocked::TooManyStarts { .. }
                | Blocked::NoAgent
                | Blocked::NoFreeSlot,
            ),
        ) => parts::chip(Tone::Good, Icon::Check, "Open"),
    }
}

pub(super) fn permission(rule: &Permission, frame: &Frame) -> Markup {
    let expired = rule.expires_at <= frame.now;
    let (tone, icon) = match rule.state {
        PermissionState::Permitted | PermissionState::Registered if !expired => {
            (Tone::Good, Icon::Check)
        }
        PermissionState::Permitted | PermissionState::Registered => (Tone::Bad, Icon::Clock),
        PermissionState::Unknown => (Tone::Bad, Icon::Choose),
        PermissionState::Prohibited => (Tone::Bad, Icon::Ban),
    };
    html! {
        (parts::chip(tone, icon, rule.state.word()))
        span.muted {
            " " (parts::visible(&rule.basis.replace('_', " "))) ", recorded by " (parts::visible(&rule.decided_by))
            @if expired { ", expired " } @else { ", until " } (parts::when(rule.expires_at, frame.now))
            @if let Some(paper) = &rule.document { "; paper: " (parts::visible(paper)) }
            @if let Some(reviewer) = &rule.reviewer { "; read by " (parts::visible(reviewer)) }
            @if let Some(second) = &rule.second { "; seconded by " (parts::visible(second)) }
        }
        @if let Some(why) = &rule.suspended { " " (parts::chip(Tone::Bad, Icon::Pause, "Suspended")) " " (parts::visible(why)) }
        @if let Some(days) = rule.ends_within_days(frame.now) {
            " " (parts::chip(Tone::Warn, Icon::Clock, &format!("Ends within {days} days")))
        }
    }
}

/// A permission that waits for a second person, with the form that agrees.
pub(super) fn proposal(p: &Payer, channel: Channel, waiting: &Proposal, frame: &Frame) -> Markup {
    let path = format!("/payers/{}/second_permission", p.id);
    let after = "This replaces the prohibition; the first person cannot agree to it.";
    let proposed = &waiting.permission;
    html! {
        @if channel != Channel::Portal { (channel.say()) ": " }
        (proposed.state.word()) " on " (parts::visible(&proposed.basis.replace('_', " ")))
        ", by " (parts::visible(&proposed.decided_by)) ": " (parts::visible(&waiting.reason)) " "
        (reason_form_with("Agree", &path, ("channel", channel.word()), (&format!("Agree to automate {}", p.name), after), frame))
    }
}

/// How each rule stands: the same that the decision about leases reads.
fn rules(rules: &[RuleState], frame: &Frame) -> Markup {
    html! {
        ul.plain { @for rule in rules { li {
            strong { (rule.rule) } ": "
            @match &rule.blocked {
                Some(blocked) => { span.bad { (because(blocked, frame.now)) } }
                None => (parts::visible(&rule.says)),
            }
        } } }
    }
}

fn account(name: &str, identity: Option<&str>, owner: Option<&str>) -> Markup {
    html! {
        (parts::visible(name))
        span.muted { ": " @match (identity, owner) {
            (Some(identity), Some(owner)) => { (parts::visible(identity)) ", " (parts::visible(owner)) " answers for it" }
            _ => "nobody has said which program signs in and who answers for it",
        } }
    }
}

fn second_login(word: &str) -> &str {
    match word {
        "displaces" => "a second login ends the first",
        "refused" => "a second login is refused",
        "both_live" => "two logins may live side by side",
        other => other,
    }
}

/// A refused account, with the form that lets it be tried again.
pub(super) fn refused(v: &PayerView, account: &str, since: Timestamp, frame: &Frame) -> Markup {
    let path = format!("/payers/{}/clear_account", v.payer.id);
    let after = "The next job signs in with it again; if the portal refuses it once more, no login follows. \
                 Portals lock accounts after a few wrong passwords: look by hand first.";
    html! {
        (parts::visible(account)) span.muted { ", since " (parts::when(since, frame.now)) } " "
        (reason_form_with("Try again", &path, ("account", account), (&format!("Try {account} again"), after), frame))
    }
}

/// One payer.
pub(super) fn one(v: &PayerView, frame: &Frame) -> Markup {
    let p = &v.payer;
    html! {
        article.pool #{ "payer-" (p.id) } {
            header {
                h3 { a href={ "/payers/" (p.id) } { (parts::visible(&p.name)) } }
                span.big-number { (v.working) "/" (p.limits.sessions_max) }
                (state(v))
                span.muted { (v.ready) " ready" }
                @if v.exceptions > 0 {
                    a href={ "/inbox?payer=" (p.id) } { (v.exceptions) @if v.exceptions == 1 { " question" } @else { " questions" } }
                }
                span.grow {}
                (pause_form(&format!("/payers/{}", p.id), &p.name, v.paused.is_some(), frame))
            }
            @if let Some(reason) = &v.paused { p.muted { "Paused: " (parts::visible(reason)) } }
            @else if let Some(why) = &v.held { p.muted { "Held: " (because(why, frame.now)) } }
            dl.facts {
                (parts::fact("Automation", &permission(&p.permission, frame)))
                (parts::fact("Tasks permitted", &html! {
                    @for (i, t) in p.permission.tasks.iter().enumerate() { @if i > 0 { ", " } (parts::task(*t).to_lowercase()) }
                    @if p.permission.tasks.is_empty() { "none" }
                }))
                (parts::fact("Portal sessions", &html! { (v.working) " of " (p.limits.sessions_max) " at work; " (second_login(&p.second_login)) }))
                (parts::fact("Logins", &html! { (v.logins_last_hour) " of " (p.limits.logins_per_hour_max) " in the last hour" }))
                (parts::fact("Politeness", &html! { "at most " (p.limits.pages_per_minute) " pages a minute"
                    @if p.limits.gap_ms > 0 { ", " (parts::duration(i64::try_from(p.limits.gap_ms).unwrap_or(i64::MAX))) " apart" } }))
                (parts::fact("Status checks", &html! { "every " (parts::about(p.status_every_ms)) " while pended" }))
                (parts::fact("Account", &html! { @if v.credential { "recorded: " (p.secrets.join(", ")) " (names only)" } @else { "none recorded" } }))
                @for (account, since) in &v.refused { (parts::fact("Refused by the portal", &refused(v, account, *since, frame))) }
                (parts::fact("Live scripts", &html! {
                    @for (task, sha) in &v.scripts { a href={ "/scripts/" (sha) } { (task.replace('_', " ")) } " " }
                    @if v.scripts.is_empty() { "none" }
                }))
                @for (channel, waiting) in &v.proposals { (parts::fact("Waits for a second person", &proposal(p, *channel, waiting, frame))) }
                @if let Some(asked) = &p.permission.conditions { (parts::fact("Conditions", &html! { (parts::visible(asked)) })) }
                @for (name, identity, owner) in &v.accounts { (parts::fact("Identity", &account(name, identity.as_deref(), owner.as_deref()))) }
                (parts::fact("Rules now", &rules(&v.rules, frame)))
                (parts::fact("Portal time", &html! { (parts::visible(&p.time_zone)) }))
            }
        }
    }
}
