//! The Fleet page: four numbers, pools with their agents and slots, payers, and why ready jobs are not leased.

pub mod payer;
mod payers;

pub use payers::PayerView;

use domain::{
    fleet::Blocked,
    id::{AgentId, AttemptId, CaseId},
    job::Task,
    time::Timestamp,
};
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts, parts::Tone};

/// How an agent's silence is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// Heard within twice the period.
    Well,
    /// Later than that.
    Late,
    /// Silent for a lease's length.
    Dead,
}

/// An agent.
#[derive(Debug, Clone)]
pub struct AgentView {
    /// Which.
    pub id: AgentId,
    /// Name.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Version of its browser.
    pub browser: String,
    /// Number of slots.
    pub slots: u32,
    /// Attempts at work here, with their cases.
    pub working: Vec<(AttemptId, CaseId)>,
    /// Last heard.
    pub seen_at: Timestamp,
    /// Judged.
    pub pulse: Pulse,
    /// Whether its browser answers.
    pub browser_ok: bool,
    /// Memory of agent and browser, MiB.
    pub memory_mib: u32,
    /// Takes no new leases.
    pub draining: bool,
}

/// A pool.
#[derive(Debug, Clone)]
pub struct PoolView {
    /// Name.
    pub name: String,
    /// The person's reason, when paused.
    pub paused: Option<String>,
    /// Agents.
    pub agents: Vec<AgentView>,
}

/// Ready jobs that are not leased, and why.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Payer's name.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// How many.
    pub count: u64,
    /// The oldest.
    pub oldest: Timestamp,
    /// Why.
    pub why: Blocked,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Ready jobs.
    pub ready: u64,
    /// Resting jobs.
    pub resting: u64,
    /// Jobs that wait for a person.
    pub waiting: u64,
    /// Jobs in doubt.
    pub in_doubt: u64,
    /// The oldest ready job.
    pub oldest_ready: Option<Timestamp>,
    /// Pools.
    pub pools: Vec<PoolView>,
    /// Payers.
    pub payers: Vec<PayerView>,
    /// Why nothing is running.
    pub blocked: Vec<Waiting>,
    /// Since when the fleet is in quarantine, and why.
    pub quarantine: Option<(Timestamp, String)>,
}

impl Fleet {
    fn slots(&self) -> (u32, u32) {
        let agents = self.pools.iter().flat_map(|p| &p.agents).filter(|a| a.pulse != Pulse::Dead);
        agents.fold((0, 0), |(busy, all), a| {
            (busy + u32::try_from(a.working.len()).unwrap_or(u32::MAX), all + a.slots)
        })
    }
}

/// The page's body.
#[must_use]
pub fn body(v: &Fleet, frame: &Frame) -> Markup {
    html! {
        div.title { h1 { "Fleet" } }
        div #fleet data-live="fleet" {
            @if let Some((since, reason)) = &v.quarantine { (quarantine(*since, reason, frame)) }
            (numbers(v, frame.now))
            section.card aria-labelledby="pools" {
                h2 #pools { "Pools" }
                @if v.pools.is_empty() { (parts::empty("No agent has begun yet. Start one with `agent work`.")) }
                @for pool in &v.pools { (one_pool(pool, frame)) }
            }
            (why(v, frame.now))
            section.card aria-labelledby="payers" {
                h2 #payers { "Payers" }
                @if v.payers.is_empty() { (parts::empty("No payer is recorded. The coordinator reads them from its payers file at start.")) }
                @for p in &v.payers { (payers::one(p, frame)) }
                @if !v.payers.is_empty() { p { a href="/register.csv" { "The register of permissions as CSV" } } }
            }
        }
    }
}

/// An older database was put in place: said before everything else.
fn quarantine(since: Timestamp, reason: &str, frame: &Frame) -> Markup {
    let after = "Ready jobs are leased again. Every submission looks for its request at the payer before it fills anything.";
    html! {
        section.card aria-labelledby="quarantine" {
            header { h2 #quarantine { "Quarantine" } (parts::chip(Tone::Bad, Icon::Doubt, "Only looks at payers are leased")) }
            p { (parts::visible(reason)) ", found " (parts::when(since, frame.now))
                ". Requests may be at payers of which this database knows nothing: settle what is in doubt, compare with the payers, then lift it." }
            (reason_form("Lift", "/quarantine/lift", "Lift the quarantine", after, frame))
        }
    }
}

fn numbers(v: &Fleet, now: Timestamp) -> Markup {
    let (busy, all) = v.slots();
    html! {
        ul.numbers {
            li { a href="#pools" { strong { (busy) span.of { " of " (all) } } span { "slots busy" } } }
            li { a href="#why" { strong { (v.ready) } span { "ready, " (v.resting) " resting" } } }
            li.alarm[v.waiting + v.in_doubt > 0] { a href="/inbox" { strong { (v.waiting) } span { "with people, " (v.in_doubt) " in doubt" } } }
            li { a href="#why" { strong { @match v.oldest_ready {
                Some(at) => (parts::about(now.since_ms(at))), None => "–" } }
                span { "oldest ready" } } }
        }
    }
}

fn one_pool(pool: &PoolView, frame: &Frame) -> Markup {
    let alive: Vec<&AgentView> = pool.agents.iter().filter(|a| a.pulse != Pulse::Dead).collect();
    let busy: usize = alive.iter().map(|a| a.working.len()).sum();
    let all: u32 = alive.iter().map(|a| a.slots).sum();
    let draining = alive.iter().filter(|a| a.draining).count();
    html! {
        article.pool {
            header {
                h3 { (parts::visible(&pool.name)) }
                span.big-number { (busy) "/" (all) }
                @if pool.paused.is_some() { (parts::chip(Tone::Warn, Icon::Pause, "Paused")) }
                @else if alive.is_empty() { (parts::chip(Tone::Bad, Icon::Lost, "No agent")) }
                @else if draining == alive.len() { (parts::chip(Tone::Warn, Icon::Pause, "Draining")) }
                @else if draining > 0 { (parts::chip(Tone::Warn, Icon::Pause, "Partly draining")) }
                @else { (parts::chip(Tone::Good, Icon::Check, "Accepting")) }
                span.grow {}
                (pause_form(&format!("/pools/{}", pool.name), &format!("pool {}", pool.name), pool.paused.is_some(), frame))
            }
            @if let Some(reason) = &pool.paused { p.muted { "Paused: " (parts::visible(reason)) } }
            ul.agents { @for a in &pool.agents { (one_agent(a, frame)) } }
        }
    }
}

fn one_agent(a: &AgentView, frame: &Frame) -> Markup {
    html! {
        li.agent {
            strong { (parts::visible(&a.name)) }
            (squares(a))
            span.big-number { (a.working.len()) "/" (a.slots) }
            @match a.pulse {
                Pulse::Well => (parts::chip(Tone::Good, Icon::Check, "Well")),
                Pulse::Late => (parts::chip(Tone::Warn, Icon::Clock, "Late")),
                Pulse::Dead => (parts::chip(Tone::Bad, Icon::Lost, "Gone")),
            }
            @if a.draining { (parts::chip(Tone::Warn, Icon::Pause, "Draining")) }
            @if !a.browser_ok && a.pulse != Pulse::Dead { (parts::chip(Tone::Bad, Icon::Cross, "Browser does not answer")) }
            span.muted {
                "heard " (parts::when(a.seen_at, frame.now)) " · " (parts::visible(&a.version)) " · " (parts::visible(&a.browser))
                @if a.memory_mib > 0 { " · " (a.memory_mib) " MiB" }
            }
            span.grow {}
            @if a.pulse != Pulse::Dead { (drain_form(a, frame)) }
        }
    }
}

/// Slots as squares: a list with text for whoever does not see them.
fn squares(a: &AgentView) -> Markup {
    let free = usize::try_from(a.slots).unwrap_or(0).saturating_sub(a.working.len());
    html! {
        ul.squares aria-label={ "Slots of " (parts::visible(&a.name)) } {
            @for (attempt, case) in &a.working {
                li { a.square.busy href={ "/attempts/" (attempt) } title={ "Working on case " (parts::short(case)) } {
                    span.hidden { "Working on case " (parts::short(case)) } } }
            }
            @for _ in 0..free {
                li { span.square.paused[a.draining].gone[a.pulse == Pulse::Dead] title="Free" { span.hidden { "Free slot" } } }
            }
        }
    }
}

fn drain_form(a: &AgentView, frame: &Frame) -> Markup {
    let (label, verb, button, after) = if a.draining {
        let after = "It asks for jobs again at its next heartbeat.".to_owned();
        ("Accept again", "resume", format!("Let {} accept again", a.name), after)
    } else {
        let after = format!(
            "{} at work now: it finishes them and takes nothing new. “Accept again” undoes it.",
            a.working.len()
        );
        ("Drain", "drain", format!("Drain {}", a.name), after)
    };
    reason_form(label, &format!("/agents/{}/{verb}", a.id), &button, &after, frame)
}

/// Pause or resume; says what it does and how it is undone.
pub(super) fn pause_form(path: &str, name: &str, paused: bool, frame: &Frame) -> Markup {
    let (label, verb, after) = if paused {
        ("Resume", "resume", "Ready jobs are leased again at once.")
    } else {
        let after = "Jobs at work are finished; nothing new is leased. “Resume” undoes it.";
        ("Pause", "pause", after)
    };
    reason_form(label, &format!("{path}/{verb}"), &format!("{label} {name}"), after, frame)
}

/// A dangerous action: it asks for a reason, names its object in the button, and says what follows.
fn reason_form(label: &str, path: &str, button: &str, after: &str, frame: &Frame) -> Markup {
    reason_form_with(label, path, ("", ""), (button, after), frame)
}

/// [`reason_form`] with a hidden field that names the object within the path's own.
pub(super) fn reason_form_with(
    label: &str,
    path: &str,
    (name, value): (&str, &str),
    (button, after): (&str, &str),
    frame: &Frame,
) -> Markup {
    if !frame.may_act {
        return parts::refused_button(label, "Your role may look but not act.");
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let field: String = format!("why{path}{value}").chars().map(plain).collect();
    parts::action(
        label,
        &html! {
            form.stack method="post" action=(path) {
                (parts::csrf(&frame.csrf))
                @if !name.is_empty() { input type="hidden" name=(name) value=(value); }
                (parts::reason_field(&field, "Why"))
                button.primary { (parts::visible(button)) }
                p.muted { (after) }
            }
        },
    )
}

fn why(v: &Fleet, now: Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="why" {
            h2 #why { "Why is nothing running?" }
            @if v.blocked.is_empty() {
                (parts::empty(if v.ready == 0 { "No job is ready." } else { "Nothing is held back: ready jobs are being leased." }))
            } @else {
                table.list.cards {
                    caption.hidden { "Ready jobs that are not leased" }
                    thead { tr { th scope="col" { "Payer" } th scope="col" { "Task" } th.num scope="col" { "Ready" } th scope="col" { "Because" } th.num scope="col" { "Oldest" } } }
                    tbody { @for w in &v.blocked { tr {
                        th scope="row" data-label="Payer" { (w.payer) }
                        td data-label="Task" { (parts::task(w.task)) }
                        td.num data-label="Ready" { (w.count) }
                        td data-label="Because" { span { (because(&w.why, now)) } }
                        td.num data-label="Oldest" { (parts::when(w.oldest, now)) }
                    } } }
                }
            }
        }
    }
}

/// A reason with its time told as everywhere on the pages.
pub(super) fn because(why: &Blocked, now: Timestamp) -> Markup {
    html! { @match why {
        Blocked::LoginBudget { until } => { "the login budget is spent; free again " (parts::when(*until, now)) }
        Blocked::PortalDown { until } => { "the portal is down; next try " (parts::when(*until, now)) }
        Blocked::LockoutBudget { until } => { "one more failed login might lock the account; the next may be tried " (parts::when(*until, now)) }
        Blocked::TooManyStarts { until } => { "as many visits as allowed were begun; the next " (parts::when(*until, now)) }
        Blocked::Closed { until: Some(until), maintenance } => {
            @if *maintenance { "the portal is under maintenance; open again " } @else { "the portal is outside its hours; open again " }
            (parts::when(*until, now))
        }
        other => (parts::visible(&other.say())),
    } }
}
