//! The selected step: its pictures with marks, its log, the values it read with the place of each, page text, script.

use domain::{
    evidence::{EvidenceKind, Moment},
    id::EvidenceId,
    step::{Act, Bounds, Click, ReadValue, Step},
};
use maud::{Markup, html};

use super::{AttemptView, moment_name};
use crate::console::{icons::Icon, parts};

/// A picture of the step under its tab.
struct Shot {
    id: EvidenceId,
    tab: String,
    alt: String,
    click: Option<Click>,
    caption: Option<String>,
    caution: Option<String>,
}

/// The panel.
pub(super) fn panel(v: &AttemptView) -> Markup {
    let Some(step) = v.selected() else { return html! {} };
    html! {
        section.card.panel #picture aria-labelledby="step-title" {
            header {
                h2 #step-title { "Step " (step.index + 1) " · " (parts::visible(&step.name)) }
                (parts::effect(step.effect))
                span.grow {}
                (neighbours(v, step))
            }
            (pictures(v, step))
            (values(v, step))
            (log(step))
            (page_text(v, step))
            (script(v, step))
        }
    }
}

fn neighbours(v: &AttemptView, step: &Step) -> Markup {
    let here = v.steps.iter().position(|s| s.index == step.index).unwrap_or(0);
    let link = |to: Option<&Step>, word: &'static str| match to {
        Some(s) => html! { a.button.small href={ "?step=" (s.index) "#picture" } { (word) } },
        None => html! { span.button.small.off aria-disabled="true" { (word) } },
    };
    html! {
        (link(here.checked_sub(1).and_then(|i| v.steps.get(i)), "Previous"))
        (link(v.steps.get(here + 1), "Next"))
    }
}

fn act_words(act: &Act) -> String {
    let element =
        act.element.as_deref().map(|e| format!(" {}", parts::visible(e))).unwrap_or_default();
    format!("{}{element}", act.verb.replace('_', " "))
}

/// The step's pictures in the order of time: before, at each act, after.
fn shots(v: &AttemptView, step: &Step) -> Vec<Shot> {
    let of_step = |moment: Moment| {
        v.evidence.iter().filter(move |e| {
            e.step == step.index
                && e.moment == moment
                && matches!(e.kind, EvidenceKind::Screenshot | EvidenceKind::FullPage)
        })
    };
    let plain = |e: &domain::evidence::Evidence| Shot {
        id: e.id,
        tab: moment_name(e.moment).to_owned(),
        alt: format!(
            "Screenshot {} step '{}'",
            moment_name(e.moment).to_lowercase(),
            parts::visible(&step.name)
        ),
        click: None,
        caption: None,
        caution: None,
    };
    let mut out: Vec<Shot> = of_step(Moment::Before).map(plain).collect();
    for act in &step.acts {
        let Some(id) = act.picture else { continue };
        out.retain(|s| s.id != id);
        out.push(at_act(v, act, id));
    }
    for e in of_step(Moment::AtAct).chain(of_step(Moment::After)) {
        if out.iter().all(|s| s.id != e.id) {
            out.push(plain(e));
        }
    }
    out
}

fn at_act(v: &AttemptView, act: &Act, id: EvidenceId) -> Shot {
    let full = v.evidence.iter().any(|e| e.id == id && e.kind == EvidenceKind::FullPage);
    let click = act
        .click
        .and_then(|c| if full { on_full_page(c, v.pixels.get(&id).copied()) } else { Some(c) });
    let words = act_words(act);
    let caption = match (act.click, click) {
        (Some(c), Some(_)) => format!("{words}: pointer at {:.0}, {:.0}", c.x, c.y),
        (Some(c), None) => format!(
            "{words}: pointer at {:.0}, {:.0}; position not available on this picture",
            c.x, c.y
        ),
        (None, _) => format!("{words}: position not available"),
    };
    let caution = act.click.and_then(|c| {
        let (dx, dy) =
            (c.bounds.x + c.bounds.width / 2.0 - c.x, c.bounds.y + c.bounds.height / 2.0 - c.y);
        let off = dx.hypot(dy);
        (off > 10.0).then(|| format!("The pointer was {off:.0} px from the middle of the target."))
    });
    Shot {
        id,
        tab: format!("At {words}"),
        alt: format!("Screenshot before: {words}"),
        click,
        caption: Some(caption),
        caution,
    }
}

/// Moves a mark from the viewport to the picture of the whole page; impossible without the picture's size.
fn on_full_page(c: Click, pixels: Option<(u32, u32)>) -> Option<Click> {
    let (_, height) = pixels?;
    let ratio = if c.pixel_ratio > 0.0 { c.pixel_ratio } else { 1.0 };
    Some(Click {
        y: c.y + c.scroll_y,
        bounds: Bounds { y: c.bounds.y + c.scroll_y, ..c.bounds },
        viewport_height: f64::from(height) / ratio,
        ..c
    })
}

fn pictures(v: &AttemptView, step: &Step) -> Markup {
    let shots = shots(v, step);
    if shots.is_empty() {
        return parts::empty("No picture was taken in this step.");
    }
    let chosen = shots
        .iter()
        .position(|s| v.shot == Some(s.id))
        .or_else(|| shots.iter().rposition(|s| s.click.is_some()))
        .unwrap_or(shots.len() - 1);
    let shot = &shots[chosen];
    html! {
        nav.tabs.small aria-label="Pictures of this step" {
            @for (i, s) in shots.iter().enumerate() {
                a href={ "?step=" (step.index) "&shot=" (s.id) "#picture" } aria-current=[(i == chosen).then_some("true")] { (s.tab) }
            }
        }
        figure {
            (parts::picture(&parts::Picture {
                id: shot.id, alt: shot.alt.clone(), pixels: v.pixels.get(&shot.id).copied(), click: shot.click, lit: None,
            }))
            figcaption {
                @if let Some(c) = &shot.caption { span { (c) } }
                @if let Some(c) = &shot.caution { span.caution { (Icon::Warning.svg()) (c) } }
                a href={ "/evidence/" (shot.id) } { "Open the picture" }
            }
        }
    }
}

fn values(v: &AttemptView, step: &Step) -> Markup {
    html! { @if !step.values.is_empty() {
        h3 { "Values read" }
        ul.values { @for value in &step.values { li { (one_value(v, value)) } } }
    } }
}

fn one_value(v: &AttemptView, value: &ReadValue) -> Markup {
    html! {
        dl.facts.narrow {
            (parts::fact(&value.name.replace('_', " "), &parts::copyable(&value.value)))
            (parts::fact("Read from", &html! {
                (parts::read_by(&value.read_by))
                @if let Some(c) = value.confidence { ", " (format!("{c:.0}")) " % sure" }
            }))
        }
        @if let Some(id) = value.picture {
            (parts::cut(&parts::Picture {
                id,
                alt: format!("Where '{}' was read", value.name.replace('_', " ")),
                pixels: v.pixels.get(&id).copied(),
                click: None,
                lit: value.bounds,
            }))
        } @else { p.muted { "No picture of this value was kept." } }
    }
}

/// Log sentences and acts, in the order of time.
fn log(step: &Step) -> Markup {
    let mut lines: Vec<(i64, String, bool)> =
        step.log.iter().map(|l| (l.at_ms, parts::visible(&l.text), false)).collect();
    lines.extend(step.acts.iter().map(|a| {
        let place = a.click.map(|c| format!(" at {:.0}, {:.0}", c.x, c.y)).unwrap_or_default();
        (a.at_ms, format!("{}{place}", act_words(a)), true)
    }));
    lines.sort_by_key(|(at, _, act)| (*at, *act));
    html! {
        h3 { "Log" }
        @if lines.is_empty() { (parts::empty("Nothing was logged in this step.")) }
        @else { ol.log { @for (at, text, act) in lines { li.act[act] { span.at { (parts::stamp(at)) } span { (text) } } } } }
    }
}

fn page_text(v: &AttemptView, step: &Step) -> Markup {
    html! { @if let Some(text) = &v.page_text {
        details.fold {
            summary { "Page text" }
            pre.text tabindex="0" { (lit(&parts::visible(text), &step.values)) }
        }
    } }
}

/// The text with the values that were read lit where they stand.
fn lit(text: &str, values: &[ReadValue]) -> Markup {
    let mut places: Vec<(usize, usize)> = values
        .iter()
        .filter(|v| v.value.chars().count() >= 3)
        .filter_map(|v| text.find(&v.value).map(|at| (at, at + v.value.len())))
        .collect();
    places.sort_unstable();
    let mut from = 0;
    html! {
        @for (start, end) in places {
            @if start >= from {
                (text[from..start]) mark { (text[start..end]) }
                ({ from = end; "" })
            }
        }
        (text[from..])
    }
}

fn script(v: &AttemptView, step: &Step) -> Markup {
    html! {
        details.fold open[v.step.is_none() && v.page_text.is_none()] {
            summary { "Script " code { (parts::visible(&step.source)) } }
            @if v.script_lines.is_empty() { (parts::empty("The script's text is not kept for this step.")) }
            @else {
                ol.code tabindex="0" { @for l in &v.script_lines {
                    li.lit[l.lit] value=(l.number) { code { (parts::visible(&l.text)) } }
                } }
            }
        }
    }
}
