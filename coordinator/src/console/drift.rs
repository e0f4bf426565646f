//! The Drift page: where payers' pages differ from scripts; and one item with both pictures, both fingerprints, the proposed change
//! and the two answers a person can give.

use domain::{
    drift::{Change, Drift, DriftKind, DriftState, Fingerprint},
    id::{AttemptId, DriftId},
    time::Timestamp,
};
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts, parts::Tone};

/// A row of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub id: DriftId,
    /// Kind.
    pub kind: DriftKind,
    /// State.
    pub state: DriftState,
    /// Payer's name.
    pub payer: String,
    /// `crestline/submit`.
    pub script: String,
    /// The element.
    pub element: String,
    /// Attempts that saw it.
    pub sightings: u32,
    /// Last seen.
    pub last_seen_at: Timestamp,
}

/// The list with its filters.
#[derive(Debug, Clone)]
pub struct List {
    /// Filter: state's word.
    pub state: String,
    /// Filter: kind's word.
    pub kind: String,
    /// Filter: payer id.
    pub payer: String,
    /// Payers to choose from: id and name.
    pub payers: Vec<(String, String)>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Query string of the next page.
    pub next: Option<String>,
}

/// One item.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Which.
    pub id: DriftId,
    /// Payer's name.
    pub payer: String,
    /// `crestline/submit`.
    pub script: String,
    /// Hash of the bundle.
    pub script_sha256: String,
    /// Why the script is held, if it is.
    pub held: Option<String>,
    /// What was seen.
    pub seen: Drift,
    /// State.
    pub state: DriftState,
    /// Name of the person who decided.
    pub person: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Attempts that saw it.
    pub sightings: u32,
    /// First seen.
    pub first_seen_at: Timestamp,
    /// Last seen.
    pub last_seen_at: Timestamp,
    /// Attempts by id, newest first.
    pub attempts: Vec<AttemptId>,
    /// The proposed change of the script.
    pub change: Option<Change>,
    /// Sizes of both pictures, when known: before, now.
    pub pixels: [Option<(u32, u32)>; 2],
    /// Rises with every change; an answer to an older one is refused.
    pub revision: i64,
    /// Why the last answer was refused.
    pub refused: Option<String>,
}

/// The chip of a kind.
#[must_use]
pub fn kind_chip(kind: DriftKind) -> Markup {
    let (tone, icon) = match kind {
        DriftKind::FallbackUsed => (Tone::Calm, Icon::Choose),
        DriftKind::Healed => (Tone::Warn, Icon::Changed),
        DriftKind::Suggested => (Tone::Bad, Icon::Changed),
        DriftKind::FormChanged => (Tone::Warn, Icon::Draft),
        DriftKind::FetchedDiffers => (Tone::Bad, Icon::Document),
        DriftKind::ScreenUnknown => (Tone::Bad, Icon::Changed),
        DriftKind::MeaningChanged => (Tone::Bad, Icon::Document),
    };
    parts::chip(tone, icon, kind_name(kind))
}

fn kind_name(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::FallbackUsed => "Later strategy",
        DriftKind::Healed => "Healed",
        DriftKind::Suggested => "Suggested",
        DriftKind::FormChanged => "Form changed",
        DriftKind::FetchedDiffers => "Fetched differs",
        DriftKind::ScreenUnknown => "Unknown page",
        DriftKind::MeaningChanged => "Unknown wording",
    }
}

fn state_chip(state: &DriftState) -> Markup {
    match state {
        DriftState::Open => parts::chip(Tone::Active, Icon::Person, "To look at"),
        DriftState::Accepted { .. } => parts::chip(Tone::Good, Icon::Check, "Accepted"),
        DriftState::Dismissed { .. } => parts::chip(Tone::Calm, Icon::Ban, "Dismissed"),
    }
}

/// The list's body.
#[must_use]
pub fn list(v: &List, now: Timestamp) -> Markup {
    html! {
        div.title { h1 { "Drift" } span.muted { "Where payers' pages differ from the scripts" } }
        (filters(v))
        section #list .card[v.rows.is_empty()] aria-label="Drift" data-live="scripts" {
            @if v.rows.is_empty() { (nothing(v)) }
            @else {
                table.list.cards data-keys="rows" {
                    caption.hidden { "Differences, the newest first" }
                    thead { tr { th scope="col" { "Element" } th scope="col" { "What" } th scope="col" { "Script" } th scope="col" { "Payer" }
                        th.num scope="col" { "Attempts" } th scope="col" { "State" } th.num scope="col" { "Last seen" } } }
                    tbody { @for r in &v.rows { tr {
                        th scope="row" data-label="Element" { a.row href={ "/drift/" (r.id) } { (parts::visible(&r.element)) } }
                        td data-label="What" { (kind_chip(r.kind)) }
                        td data-label="Script" { (parts::visible(&r.script)) }
                        td data-label="Payer" { (r.payer) }
                        td.num data-label="Attempts" { (r.sightings) }
                        td data-label="State" { (state_chip(&r.state)) }
                        td.num data-label="Last seen" { (parts::when(r.last_seen_at, now)) }
                    } } }
                }
            }
        }
        (parts::pager(None, v.next.as_ref().map(|n| format!("/drift?{n}")).as_deref()))
    }
}

fn nothing(v: &List) -> Markup {
    if v.state == "open" && v.kind.is_empty() && v.payer.is_empty() {
        return parts::empty("Nothing to look at: the payers' pages are as the scripts know them.");
    }
    parts::empty("Nothing matches the filter.")
}

fn filters(v: &List) -> Markup {
    html! {
        form.filters action="/drift" {
            label { "State"
                select name="state" {
                    option value="open" selected[v.state == "open"] { "To look at" }
                    option value="accepted" selected[v.state == "accepted"] { "Accepted" }
                    option value="dismissed" selected[v.state == "dismissed"] { "Dismissed" }
                    option value="all" selected[v.state.is_empty()] { "All" }
                }
            }
            label { "What"
                select name="kind" {
                    option value="" { "All" }
                    @for kind in DriftKind::ALL { option value=(kind.word()) selected[kind.word() == v.kind] { (kind_name(kind)) } }
                }
            }
            label { "Payer"
                select name="payer" {
                    option value="" { "All" }
                    @for (id, name) in &v.payers { option value=(id) selected[*id == v.payer] { (name) } }
                }
            }
            button { "Filter" }
        }
    }
}

/// One item's body.
#[must_use]
pub fn one(v: &Detail, frame: &Frame) -> Markup {
    let now = frame.now;
    html! {
        nav.crumbs aria-label="Where you are" { a href="/drift" { "Drift" } span { (parts::visible(&v.seen.element)) } }
        div.title { h1 { (parts::visible(&v.seen.element)) } (kind_chip(v.seen.kind)) (state_chip(&v.state)) }
        p.lead { (v.seen.kind.say()) @if !v.seen.detail.is_empty() { " " (parts::visible(&v.seen.detail)) "." } }
        @if let Some(reason) = &v.held {
            div.banner.bad { (Icon::Pause.svg()) div {
                strong { "The script is held: its jobs wait." }
                p { (parts::visible(reason)) }
            } }
        }
        @if let Some(sentence) = &v.refused {
            p.problem #refused role="alert" tabindex="-1" { (Icon::Cross.svg()) (parts::visible(sentence)) }
        }
        section.card aria-label="Facts" { (facts(v, now)) }
        (both(v))
        (proposal(v))
        section.card aria-labelledby="answer" { h2 #answer { "Your answer" } (answer(v, frame)) }
        @if !v.attempts.is_empty() {
            section.card aria-labelledby="seen" { h2 #seen { "Seen in" }
                ul.plain { @for a in &v.attempts { li.line { a href={ "/attempts/" (a) } { "Attempt " (parts::short(a)) } } } }
            }
        }
    }
}

fn facts(v: &Detail, now: Timestamp) -> Markup {
    let hundredths = |part: f64| format!("{:.0} %", part * 100.0);
    html! { dl.facts {
        (parts::fact("Payer", &html! { (v.payer) }))
        (parts::fact("Script", &html! { a href={ "/scripts/" (v.script_sha256) } { (parts::visible(&v.script)) } }))
        (parts::fact("Written at", &html! { (script_line(v)) }))
        @if let Some(score) = v.seen.score { (parts::fact("Likeness", &html! { (hundredths(score)) })) }
        @if let Some(margin) = v.seen.margin { (parts::fact("Lead over the second", &html! { (hundredths(margin)) })) }
        (parts::fact("Attempts", &html! { (v.sightings) }))
        (parts::fact("First seen", &parts::when(v.first_seen_at, now)))
        (parts::fact("Last seen", &parts::when(v.last_seen_at, now)))
    } }
}

fn script_line(v: &Detail) -> Markup {
    let source = &v.seen.source;
    let Some((file, line)) = source.rsplit_once(':') else {
        return html! { code { (parts::visible(source)) } };
    };
    let anchor = format!("{}.yaml-{line}", file.replace('/', "-"));
    html! { a href={ "/scripts/" (v.script_sha256) "#" (anchor) } { code { (parts::visible(source)) } } }
}

/// Before and now, side by side: the pictures, then what was read.
fn both(v: &Detail) -> Markup {
    let sides = [
        ("Before", &v.seen.before, v.seen.before_picture, v.pixels[0]),
        ("Now", &v.seen.now, v.seen.now_picture, v.pixels[1]),
    ];
    if sides.iter().all(|(_, print, picture, _)| print.is_none() && picture.is_none()) {
        return html! {};
    }
    html! { div.sides { @for (name, print, picture, pixels) in sides {
        section.card aria-label=(name) {
            h2 { (name) }
            @match picture {
                Some(id) => figure {
                    (parts::picture(&parts::Picture { id, alt: format!("{name}: the page around the element"), pixels, click: None, lit: None }))
                },
                None => (parts::empty("No picture of it was kept.")),
            }
            @match print {
                Some(print) => (reads(print)),
                None => (parts::empty("Nothing is known of it.")),
            }
        }
    } } }
}

fn reads(print: &Fingerprint) -> Markup {
    let texts = [
        ("Role", &print.role),
        ("Name", &print.name),
        ("Label", &print.label),
        ("Text", &print.text),
        ("Caption", &print.caption),
        ("Input type", &print.input_type),
        ("Test id", &print.test_id),
        ("Name attribute", &print.name_attr),
    ];
    let lists = [("Within", &print.group), ("Next to", &print.near)];
    html! { dl.facts.narrow {
        @for (name, text) in texts { @if !text.is_empty() { (parts::fact(name, &html! { (parts::visible(text)) })) } }
        @for (name, list) in lists { @if !list.is_empty() { (parts::fact(name, &html! { (parts::visible(&list.join(" · "))) })) } }
    } }
}

fn proposal(v: &Detail) -> Markup {
    if v.seen.proposal.is_empty() {
        return html! {};
    }
    html! { section.card aria-labelledby="change" {
        h2 #change { "Proposed change of the script" }
        @match &v.change {
            Some(change) => {
                p.muted { code { (parts::visible(&change.file)) } ", line " (change.line) ". The script is changed in version control and published." }
                pre.text.diff tabindex="0" {
                    @for line in &change.removed { del { "- " (parts::visible(line)) } "\n" }
                    @for line in &change.added { ins { "+ " (parts::visible(line)) } "\n" }
                }
            }
            None => {
                p.muted { "A first strategy that would find it:" }
                pre.text tabindex="0" { (parts::visible(&v.seen.proposal)) }
            }
        }
    } }
}

fn answer(v: &Detail, frame: &Frame) -> Markup {
    let (word, tone, by, reason) = match &v.state {
        DriftState::Open => return forms(v, frame),
        DriftState::Accepted { reason, .. } => ("Accepted", "good", &v.person, reason),
        DriftState::Dismissed { reason, .. } => ("Dismissed", "", &v.person, reason),
    };
    html! {
        div.banner.(tone) { (Icon::Check.svg()) div {
            strong { (word) " · " (by.as_deref().unwrap_or("a person")) }
            p { (parts::visible(reason)) @if let Some(at) = v.decided_at { " · " (parts::when(at, frame.now)) } }
        } }
    }
}

fn forms(v: &Detail, frame: &Frame) -> Markup {
    let kind = v.seen.kind;
    let choices = [
        ("accept", "Accept", kind.accepting(), "The same button under another name"),
        ("dismiss", "Dismiss", kind.dismissing(), "It is the search of another list"),
    ];
    html! { div.choices { @for (word, name, explain, placeholder) in choices {
        @if frame.may_settle {
            details.choice name="choice" {
                summary.button { (name) }
                form.stack method="post" action={ "/drift/" (v.id) "/" (word) } {
                    (parts::csrf(&frame.csrf))
                    input type="hidden" name="revision" value=(v.revision);
                    p.muted { (explain) }
                    (parts::reason_field(&format!("reason-{word}"), placeholder))
                    button.primary { (name) }
                }
            }
        } @else { (parts::refused_button(name, "Deciding on drift needs the role reviewer.")) }
    } } }
}
