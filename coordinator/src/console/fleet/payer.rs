//! A payer's own page: what is leased and what is not, every rule of politeness as it stands on every channel, and the register.

use domain::{channel::Channel, fleet::Blocked, permission::Permission, time::Timestamp};
use maud::{Markup, html};

use super::{
    because, pause_form,
    payers::{PayerView, permission, proposal, refused, state},
};
use crate::{
    console::{frame::Frame, icons::Icon, parts, parts::Tone},
    flow::{
        lease::{RuleState, Stands, TaskStands},
        payers::{Account, Entry},
    },
};

/// The page.
#[derive(Debug, Clone)]
pub struct PayerPage {
    /// What the Fleet page knows of it.
    pub view: PayerView,
    /// Pool that serves it.
    pub pool: String,
    /// How everything stands, by the decision that leases.
    pub stands: Stands,
    /// Its entries in the register, portal first.
    pub register: Vec<Entry>,
    /// Channels that asked to be left alone, and until when.
    pub left_alone: Vec<(Channel, Timestamp)>,
}

/// The page's body.
#[must_use]
pub fn body(page: &PayerPage, frame: &Frame) -> Markup {
    let (v, p) = (&page.view, &page.view.payer);
    html! {
        div.title {
            h1 { (parts::visible(&p.name)) } (state(v))
            span.muted { (v.working) " at work · " (v.ready) " ready · pool " (parts::visible(&page.pool)) " · " (parts::visible(&p.time_zone)) }
        }
        div #payer data-live="fleet" {
            section.card aria-labelledby="leased" {
                header {
                    h2 #leased { "What is leased" }
                    (pause_form(&format!("/payers/{}", p.id), &p.name, v.paused.is_some(), frame))
                }
                @if let Some(reason) = &v.paused { p { "Paused: " (parts::visible(reason)) } }
                (tasks(&page.stands.tasks, frame))
                @if v.exceptions > 0 {
                    p { a href={ "/inbox?payer=" (p.id) } { (v.exceptions) @if v.exceptions == 1 { " question" } @else { " questions" } " in the inbox" } }
                }
                @for (account, since) in &v.refused { p { "Refused by the portal: " (refused(v, account, *since, frame)) } }
            }
            (politeness(page, frame))
            (register(page, frame))
        }
    }
}

fn tasks(all: &[TaskStands], frame: &Frame) -> Markup {
    html! {
        @if all.is_empty() { (parts::empty("No task of this payer has a script or a permission.")) }
        @else {
            table.list.cards {
                caption.hidden { "Tasks and what holds them back" }
                thead { tr { th scope="col" { "Task" } th scope="col" { "Leased" } th scope="col" { "Because" } th scope="col" { "Channels in order" } } }
                tbody { @for t in all { tr {
                    th scope="row" data-label="Task" { (parts::task(t.task)) }
                    td data-label="Leased" { (leased(t.blocked.as_ref())) }
                    td data-label="Because" { span { @match &t.blocked {
                        Some(blocked) => (because(blocked, frame.now)),
                        None => "nothing is in the way",
                    } } }
                    td data-label="Channels" { span { @for (i, channel) in t.channels.iter().enumerate() { @if i > 0 { ", then " } (channel.say()) } } }
                } } }
            }
        }
    }
}

fn leased(blocked: Option<&Blocked>) -> Markup {
    match blocked {
        None => parts::chip(Tone::Good, Icon::Check, "Yes"),
        // By itself: nobody has to do anything.
        Some(
            Blocked::SessionLimit { .. }
            | Blocked::LoginBudget { .. }
            | Blocked::LockoutBudget { .. }
            | Blocked::TooManyStarts { .. }
            | Blocked::PortalDown { .. }
            | Blocked::ChannelDown { .. }
            | Blocked::Closed { .. }
            | Blocked::Probing
            | Blocked::Slow { .. }
            | Blocked::NoFreeSlot,
        ) => parts::chip(Tone::Warn, Icon::Clock, "Later"),
        Some(_) => parts::chip(Tone::Bad, Icon::Ban, "No"),
    }
}

/// A rule's name for people.
fn named(rule: &str) -> &str {
    match rule {
        "calendar" => "Hours and maintenance",
        "breaker" => "Breaker",
        "sessions" => "Portal sessions at a time",
        "logins" => "Logins at this payer",
        "account_sessions" => "Portal sessions of the account",
        "account_logins" => "Logins of the account",
        "lockout" => "Lock-out budget",
        "starts" => "Visits begun",
        "submits" => "Submissions",
        "pages" => "Pages",
        "second_login" => "A second login",
        "calls" => "Calls at a time",
        other => other,
    }
}

fn politeness(page: &PayerPage, frame: &Frame) -> Markup {
    let portal = (Channel::Portal, &page.stands.rules);
    let beside = page.stands.channels.iter().map(|own| (own.channel, &own.rules));
    html! {
        section.card aria-labelledby="politeness" {
            h2 #politeness { "Politeness" }
            @for (channel, rules) in [portal].into_iter().chain(beside) {
                article.pool {
                    header { h3 { (channel.say()) } }
                    (rules_table(channel, rules, frame))
                    @for (_, until) in page.left_alone.iter().filter(|(of, _)| *of == channel) {
                        p { (parts::chip(Tone::Warn, Icon::Clock, "Retry-After")) " it asked to be left alone until " (parts::when(*until, frame.now)) }
                    }
                }
            }
        }
    }
}

fn rules_table(channel: Channel, rules: &[RuleState], frame: &Frame) -> Markup {
    html! {
        table.list.cards {
            caption.hidden { "Rules of politeness: " (channel.say()) }
            thead { tr { th scope="col" { "Rule" } th scope="col" { "Leases" } th scope="col" { "Stands at" } } }
            tbody { @for rule in rules { tr {
                th scope="row" data-label="Rule" { (named(rule.rule)) }
                td data-label="Leases" { @match &rule.blocked {
                    Some(_) => (parts::chip(Tone::Warn, Icon::Clock, "Held")),
                    None => (parts::chip(Tone::Good, Icon::Check, "Free")),
                } }
                td data-label="Stands at" { span {
                    (parts::visible(&rule.says))
                    @if let Some(blocked) = &rule.blocked { span.muted { " · " (because(blocked, frame.now)) } }
                } }
            } } }
        }
    }
}

fn register(page: &PayerPage, frame: &Frame) -> Markup {
    let p = &page.view.payer;
    html! {
        section.card aria-labelledby="register" {
            header { h2 #register { "Register of permissions" } a href={ "/register.csv?payer=" (p.id) } { "As CSV" } }
            @for entry in &page.register {
                article.pool {
                    header {
                        h3 { (entry.channel.say()) }
                        (may("Reading", entry.reads_not.as_deref()))
                        (may("Submitting", entry.submits_not.as_deref()))
                    }
                    dl.facts { (facts(&entry.permission, frame))
                        @for account in &entry.accounts { (parts::fact("Account", &one_account(account))) }
                        @if entry.accounts.is_empty() { (parts::fact("Account", &html! { "none recorded" })) }
                        @if let Some(waiting) = page.view.proposals.get(&entry.channel) {
                            (parts::fact("Waits for a second person", &proposal(p, entry.channel, waiting, frame)))
                        }
                    }
                }
            }
        }
    }
}

fn may(what: &str, not: Option<&str>) -> Markup {
    html! { @match not {
        None => (parts::chip(Tone::Good, Icon::Check, &format!("{what} allowed"))),
        Some(reason) => { (parts::chip(Tone::Bad, Icon::Ban, &format!("{what} not allowed"))) span.muted { (parts::visible(reason)) } }
    } }
}

fn facts(rule: &Permission, frame: &Frame) -> Markup {
    html! {
        (parts::fact("Recorded", &permission(rule, frame)))
        (parts::fact("Tasks", &html! {
            @for (i, t) in rule.tasks.iter().enumerate() { @if i > 0 { ", " } (parts::task(*t).to_lowercase()) }
            @if rule.tasks.is_empty() { "none" }
        }))
        @if let Some(asked) = &rule.conditions { (parts::fact("Conditions", &html! { (parts::visible(asked)) })) }
        @if !rule.accounts.is_empty() { (parts::fact("Only these accounts", &html! { (parts::visible(&rule.accounts.join(", "))) })) }
        @if rule.named_identity { (parts::fact("Identity", &html! { "every account names its program and who answers for it" })) }
    }
}

fn one_account(account: &Account) -> Markup {
    html! {
        (parts::visible(&account.account))
        span.muted { ": " @match (&account.identity, &account.owner) {
            (Some(identity), Some(owner)) => { (parts::visible(identity)) ", " (parts::visible(owner)) " answers for it" }
            _ => "nobody has said which program signs in and who answers for it",
        } }
        @if !account.may_be_used { " " (parts::chip(Tone::Bad, Icon::Ban, "Not covered")) }
    }
}
