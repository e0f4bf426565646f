//! Verbs, waits and captures as sentences.

use super::Row;
use crate::script::ast::{
    BranchThen, CaptureSource, CaptureSpec, Cell, Choice, Classify, ClassifySource, Commit, Decide,
    DialogRule, Fetch, FillValue, Filter, Finder, NoneThen, Part, Reply, ShotOf, Side, Sign,
    Strategy, Target, Template, TextMatch, Until, UntilWhat, Verb, Verify, When, Words,
};
use crate::script::{Bundle, Name};

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(" · ")
}

/// A template without its signs: `line.from as MM/dd/yyyy`.
pub(super) fn said(template: &Template) -> String {
    let filter = |filter: &Filter| match filter {
        Filter::Date(form) => format!(" as {}", form.source),
        Filter::PlusDays(days) => format!(" {days:+} days"),
        Filter::First => " (the first)".to_owned(),
        Filter::Last => " (the last)".to_owned(),
        Filter::Join(_) => " (all)".to_owned(),
        Filter::Words(_) => " in the portal's words".to_owned(),
        Filter::Or(text) => format!(" or “{text}”"),
        Filter::Digits => " (digits only)".to_owned(),
        Filter::Start(n) => format!(" (first {n} characters)"),
        Filter::End(n) => format!(" (last {n} characters)"),
        Filter::YesNo(yes, no) => format!(" as {yes} or {no}"),
        Filter::Number(_)
        | Filter::Pad(..)
        | Filter::Mask
        | Filter::Alnum
        | Filter::Upper
        | Filter::Lower
        | Filter::Trim => String::new(),
    };
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Expr(expr) => {
            format!("{}{}", expr.path, expr.filters.iter().map(filter).collect::<String>())
        }
    };
    template.parts.iter().map(part).collect()
}

/// A text to be found; quoted when nothing in it is computed.
pub(super) fn text(wanted: &TextMatch) -> String {
    let quoted = |template: &Template| match template.literal() {
        Some(text) => format!("“{text}”"),
        None => said(template),
    };
    match wanted {
        TextMatch::Equals(template) => quoted(template),
        TextMatch::Exact(template) => format!("exactly {}", quoted(template)),
        TextMatch::Contains(template) => format!("something with {}", quoted(template)),
        TextMatch::Pattern(pattern) => format!("{pattern:?}"),
    }
}

/// A declared element by the words people see on it, else by its name.
pub(super) fn element(b: &Bundle, name: &Name) -> String {
    let strategies = b.element(name.as_str()).map(|element| element.strategies.as_slice());
    let seen = strategies.unwrap_or_default().iter().find_map(|strategy| {
        match strategy.finder.as_ref()? {
            Finder::Role { name: Some(text), .. }
            | Finder::Label(text)
            | Finder::Placeholder(text)
            | Finder::Text(text)
            | Finder::Table(text)
            | Finder::Title(text)
            | Finder::Alt(text)
            | Finder::Dialog(text)
            | Finder::Region(text) => match text {
                TextMatch::Equals(words) | TextMatch::Exact(words) => words.literal(),
                TextMatch::Contains(_) | TextMatch::Pattern(_) => None,
            },
            Finder::Role { name: None, .. }
            | Finder::TestId(_)
            | Finder::Css(_)
            | Finder::Xpath(_) => None,
        }
    });
    seen.map_or_else(|| name.text.clone(), |words| format!("“{words}”"))
}

/// A declared element by its words; one written in place by its first strategy.
pub(super) fn target(b: &Bundle, target: &Target) -> String {
    match target {
        Target::Named(name) => element(b, name),
        Target::Inline(element) => {
            element.strategies.first().map_or(String::new(), |first| strategy(b, first))
        }
    }
}

fn strategy(b: &Bundle, strategy: &Strategy) -> String {
    let found = strategy.finder.as_ref().map(|finder| match finder {
        Finder::Role { role, name: Some(name) } => format!("the {} {}", role.text, text(name)),
        Finder::Role { role, name: None } => format!("the {}", role.text),
        Finder::Label(label) => format!("the field {}", text(label)),
        Finder::Placeholder(label) => format!("the field showing {}", text(label)),
        Finder::Alt(label) => format!("the picture {}", text(label)),
        Finder::Title(label) => format!("the thing titled {}", text(label)),
        Finder::Text(label) => format!("the text {}", text(label)),
        Finder::TestId(id) | Finder::Css(id) | Finder::Xpath(id) => id.text.clone(),
        Finder::Table(label) => format!("the table {}", text(label)),
        Finder::Dialog(label) => format!("the dialog {}", text(label)),
        Finder::Region(label) => format!("the section {}", text(label)),
    });
    let near = strategy.relation.as_ref().map(|relation| {
        let side = match relation.side {
            Side::RightOf => "right of",
            Side::LeftOf => "left of",
            Side::Above => "above",
            Side::Below => "below",
        };
        format!("{side} {}", target(b, &relation.anchor))
    });
    let inside = strategy.inside.as_ref().map(|inside| format!("in {}", target(b, inside)));
    found.into_iter().chain(near).chain(inside).collect::<Vec<_>>().join(" ")
}

/// One verb as a sentence.
pub(super) fn sentence(b: &Bundle, verb: &Verb) -> String {
    match verb {
        Verb::Open(address) => format!("open {}", address.source),
        Verb::Fill(fields) => joined(fields.iter().map(|field| {
            let value = match &field.value {
                FillValue::Text(template) => said(template),
                FillValue::Secret(alias) => format!("the secret {alias}"),
                FillValue::Otp(alias) => format!("the one-time code {alias}"),
                FillValue::Keypad(pad) if pad.places.is_some() => {
                    format!("the digits of the secret {} it asks for, on its keys", pad.secret)
                }
                FillValue::Keypad(pad) => format!("the secret {}, on its keys", pad.secret),
            };
            format!("{} ← {value}", element(b, &field.element))
        })),
        Verb::Choose(fields) => joined(fields.iter().map(|field| match &field.choice {
            Choice::Label(label) => {
                format!("{}: choose {}", element(b, &field.element), text(label))
            }
            Choice::Ticked(true) => format!("{}: tick", element(b, &field.element)),
            Choice::Ticked(false) => format!("{}: untick", element(b, &field.element)),
            Choice::Typeahead { text: typed, pick } => {
                format!("{}: type {}, pick {}", element(b, &field.element), said(typed), text(pick))
            }
        })),
        Verb::Attest(fields) => joined(fields.iter().map(|field| {
            format!(
                "{}: repeat the stored statement {}",
                element(b, &field.element),
                text(&field.says)
            )
        })),
        Verb::Attach(fields) => {
            joined(fields.iter().map(|field| {
                format!("{} ← file {}", element(b, &field.element), said(&field.file))
            }))
        }
        Verb::Click(clicked) => format!("click {}", target(b, clicked)),
        Verb::Hover(over) => format!("move the pointer over {}", target(b, over)),
        Verb::Press(key, _) => format!("press {key:?}"),
        Verb::PickRow(pick) => {
            let mut words =
                format!("the one row of {} where {}", target(b, &pick.from), cells(&pick.cells));
            if let Some(click) = &pick.click {
                words.push_str(&format!(", click {} in it", target(b, click)));
            }
            let takes =
                pick.take.iter().map(|take| format!("{} ← {}", take.name, take.column.text));
            let takes: Vec<String> = takes.collect();
            if !takes.is_empty() {
                words.push_str(&format!(", take {}", takes.join(", ")));
            }
            format!("{words}; none → {}, several → {}", pick.none, pick.many)
        }
        Verb::Verify(Verify::Readback, _) => "read back every field".to_owned(),
        Verb::Verify(Verify::Elements(pairs), _) => {
            joined(pairs.iter().map(|(element, wanted)| {
                format!("{} must show {}", target(b, element), text(wanted))
            }))
        }
        Verb::Fetch(fetch) => fetched(fetch),
        Verb::Until(until) => wait_for(b, until).join("; "),
        Verb::Capture(specs) => captures(b, specs),
    }
}

fn fetched(fetch: &Fetch) -> String {
    let stands: Vec<&str> = fetch.instead_of.iter().map(Name::as_str).collect();
    let instead = if stands.is_empty() {
        String::new()
    } else {
        format!(", instead of {}", stands.join(", "))
    };
    let parts: String = fetch.parts.iter().map(|part| format!(" and {}", part.source)).collect();
    format!(
        "read {}{parts} without showing it{instead}; shown when the answer is new, when anything is unexpected, and every {}th time to compare",
        fetch.page.source, fetch.shadow
    )
}

pub(super) fn cells(cells: &[(Words, Cell)]) -> String {
    let shown = cells.iter().map(|(column, cell)| match cell {
        Cell::Text(wanted) => format!("{} is {}", column.text, text(wanted)),
        Cell::Since { value, .. } => format!("{} is not before {}", column.text, said(value)),
    });
    shown.collect::<Vec<_>>().join(" and ")
}

pub(super) fn wait_for(b: &Bundle, until: &Until) -> Vec<String> {
    match &until.what {
        UntilWhat::Rows(rows) => {
            let cells = cells(&rows.cells);
            vec![format!(
                "then {} shows {} row(s) where {cells}",
                target(b, &rows.from),
                rows.count
            )]
        }
        UntilWhat::Branches(branches) => branches
            .iter()
            .map(|branch| {
                let then = match &branch.then {
                    BranchThen::GoOn => "on".to_owned(),
                    BranchThen::Raise(name) => format!("stop: {name}"),
                    BranchThen::Run { flow, at_most, .. } => {
                        format!("run {flow} (at most {})", at_most.unwrap_or(1))
                    }
                };
                format!("{} → {then}", branch.screen)
            })
            .collect(),
    }
}

pub(super) fn captures(b: &Bundle, specs: &[CaptureSpec]) -> String {
    joined(specs.iter().map(|spec| {
        let from = match &spec.source {
            CaptureSource::From(element) => target(b, element),
            CaptureSource::Url(_) => "the address".to_owned(),
            CaptureSource::Print => "the printed page".to_owned(),
            CaptureSource::Download(element) => format!("the file behind {}", target(b, element)),
            CaptureSource::InFile(name) => format!("the text of {name}"),
            CaptureSource::Shot(ShotOf::Page) => "a picture of the page".to_owned(),
            CaptureSource::Shot(ShotOf::View) => "a picture of what is visible".to_owned(),
            CaptureSource::Ocr(element) => {
                format!("the picture of {}, read by OCR", target(b, element))
            }
            CaptureSource::Pointer(pointer) => pointer.text.clone(),
        };
        format!("keep {} ← {from}", spec.name)
    }))
}

pub(super) fn when(b: &Bundle, when: &When) -> String {
    let given = when.given.iter().map(|path| format!("if {path} is given"));
    let is = when.is.iter().map(|(path, value)| format!("if {path} is {}", value.text));
    let see = when.see.iter().map(|element| format!("if {} shows", target(b, element)));
    let screen = when.screen.iter().map(|screen| format!("on {screen}"));
    given.chain(is).chain(see).chain(screen).collect::<Vec<_>>().join(", ")
}

pub(super) fn sign(b: &Bundle, sign: &Sign) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(sign.text.iter().map(|wanted| format!("the text {}", text(wanted))));
    parts.extend(sign.see.iter().map(|seen| target(b, seen)));
    parts.extend(sign.screen.iter().map(|screen| format!("the page {screen}")));
    parts.extend(sign.dialog.iter().map(|wanted| format!("the dialog {}", text(wanted))));
    parts.extend(sign.js_dialog.iter().map(|wanted| format!("the message {}", text(wanted))));
    parts.extend(sign.url.iter().map(|url| url.source.clone()));
    parts.extend(sign.http.iter().map(|(from, to)| format!("status {from}–{to}")));
    parts.join(" and ")
}

pub(super) fn reply(reply: Reply) -> &'static str {
    match reply {
        Reply::Accept => "says OK",
        Reply::Dismiss => "says Cancel",
    }
}

pub(super) fn dialog(rule: &DialogRule) -> String {
    format!("the message {} comes; {}", text(&rule.says), reply(rule.answer))
}

pub(super) fn commit(b: &Bundle, commit: &Commit, row: &mut Row) {
    row.name = format!("SUBMIT {}", commit.name);
    row.effect = "commit".to_owned();
    row.when = format!("once per {}", said(&commit.guard.once_per));
    let says: Vec<String> = commit.guard.page_says.iter().map(said).collect();
    row.does.push(format!("only if {} shows {}", commit.guard.screen, says.join(", ")));
    let (method, url) = (&commit.sends.method, &commit.sends.url.source);
    row.does
        .push(format!("click {} once; it may send one {method} {url}", target(b, &commit.click)));
    if let Some(rule) = &commit.dialog {
        row.does.push(dialog(rule));
    }
    let proof = &commit.proof;
    let kept = captures(b, &proof.capture);
    row.next.push(format!("proof: {} within {}; {kept}", proof.screen, proof.within));
    for (screen, exception) in &commit.refused {
        row.next.push(format!("{screen} → nothing was sent: {exception}"));
    }
    row.next.push(format!("otherwise: {} looks whether it arrived", commit.unsure));
}

pub(super) fn classify(b: &Bundle, classify: &Classify, row: &mut Row) {
    row.name = "answer".to_owned();
    row.does.push(match &classify.source {
        ClassifySource::Page => "read the whole page".to_owned(),
        ClassifySource::Element(element) => format!("read {}", target(b, element)),
        ClassifySource::Captured(name) => format!("read what `{name}` holds, else the whole page"),
        ClassifySource::Rows { from, column, .. } => {
            format!("read {} of each row of {}", column.text, target(b, from))
        }
    });
    for entry in &classify.entries {
        row.next.push(format!("{} → {}", text(&entry.text), entry.answer));
    }
    row.next.push(format!("anything else → {}", classify.otherwise));
}

pub(super) fn decide(decide: &Decide, row: &mut Row) {
    row.name = "decide".to_owned();
    row.next.push("one row → submitted".to_owned());
    let then = match decide.none_then {
        NoneThen::AskStaff => "a person decides",
        NoneThen::NotCommitted => "not submitted, where the payer's profile says so",
    };
    row.next.push(format!("none {}× in steps of {} → {then}", decide.tries, decide.wait));
    row.next.push("several → a person decides".to_owned());
}
