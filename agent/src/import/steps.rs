//! Fields and the click behind them → steps; what repeats for every line of a list becomes one step with `each`.

use std::collections::BTreeSet;

use super::ask::Ask;
use super::draft::{Builder, Built, Cell, Node, Step, Written};
use super::flow::{Flow, hyphened};
use super::put::{Field, Put, Verb};
use super::values::{Place, Values};

/// A step before its values are written: inside a loop they read otherwise.
pub(super) struct Draftee {
    pub(super) fields: Vec<Field>,
    pub(super) end: Option<End>,
}

/// What ends a step.
pub(super) enum End {
    Click {
        /// Where the pointer rests before.
        over: Option<usize>,
        element: usize,
        path: String,
        asks: Vec<Ask>,
    },
    Press {
        key: &'static str,
        asks: Vec<Ask>,
    },
}

/// Which steps of a page are loops, and which repeat the one before.
pub(super) struct Loops {
    pub(super) each: BTreeSet<usize>,
    pub(super) merged: BTreeSet<usize>,
}

impl Draftee {
    /// Whether a secret is typed in it.
    pub(super) fn types_a_secret(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.put, Put::Secret(_)))
    }

    /// Where in the file it ends.
    pub(super) fn path(&self) -> Option<String> {
        match &self.end {
            Some(End::Click { path, .. }) => Some(path.clone()),
            Some(End::Press { .. }) | None => None,
        }
    }

    /// The item all its fields belong to.
    fn place(&self, values: &Values) -> Option<Place> {
        let mut places = self.fields.iter().map(|field| field.place(values));
        let first = places.next()??;
        places.all(|place| place.as_ref() == Some(&first)).then_some(first)
    }

    /// Its fields and click, without values.
    fn shape(&self) -> (Vec<(usize, &'static str)>, Option<usize>) {
        let fields = self.fields.iter().map(|field| (field.element, field.verb.word())).collect();
        let end = match &self.end {
            Some(End::Click { element, .. }) => Some(*element),
            Some(End::Press { .. }) | None => None,
        };
        (fields, end)
    }
}

/// Cuts what was put in before a click where the lines of a list begin and end. A click that leads to another page
/// belongs to no line.
pub(super) fn gather(
    fields: Vec<Field>,
    end: Option<End>,
    leads_on: bool,
    values: &Values,
) -> Vec<Draftee> {
    let mut steps: Vec<Draftee> = Vec::new();
    let mut before: Option<Option<Place>> = None;
    for field in fields {
        let place = field.place(values);
        if before.as_ref() == Some(&place)
            && let Some(step) = steps.last_mut()
        {
            step.fields.push(field);
        } else {
            steps.push(Draftee { fields: vec![field], end: None });
        }
        before = Some(place);
    }
    let Some(end) = end else { return steps };
    let of_a_line = before.flatten().is_some();
    let presses = matches!(end, End::Press { .. });
    match steps.last_mut() {
        Some(step) if !of_a_line || !leads_on || presses => step.end = Some(end),
        _ => steps.push(Draftee { fields: Vec::new(), end: Some(end) }),
    }
    steps
}

impl Builder<'_> {
    /// Finds the loops of a page.
    pub(super) fn loops(&self, steps: &[Draftee], pages: &[Built]) -> Loops {
        let mut loops = Loops { each: BTreeSet::new(), merged: BTreeSet::new() };
        let mut at = 0;
        while at < steps.len() {
            let first = at;
            at += 1;
            let Some(place) = steps[first].place(&self.values) else { continue };
            while at < steps.len()
                && follows(&steps[at], &steps[first], &place, at - first, &self.values)
            {
                loops.merged.insert(at);
                at += 1;
            }
            let repeated = at - first > 1;
            let clicks = matches!(steps[first].end, Some(End::Click { .. }));
            let whole = place.index == 0 && at - first == place.count;
            if repeated && whole || !repeated && clicks && self.only_once(&place, pages) {
                loops.each.insert(first);
            } else {
                loops.merged.retain(|index| *index < first);
                at = first + 1;
            }
        }
        loops
    }

    /// Whether only the first item of this list was used while recording.
    fn only_once(&self, place: &Place, pages: &[Built]) -> bool {
        let all = pages.iter().flat_map(|page| &page.steps).flat_map(|step| &step.fields);
        let places = all.filter_map(|field| field.place(&self.values));
        place.index == 0 && places.filter(|other| other.list == place.list).all(|p| p.index == 0)
    }

    /// Writes a step; several where a verb would stand twice.
    pub(super) fn step(
        &mut self,
        flow: &mut Flow,
        step: &Draftee,
        each: bool,
        until: Option<String>,
    ) {
        let mut verbs: Vec<Written> = Vec::new();
        let mut parts: Vec<Vec<Written>> = Vec::new();
        let place = step.place(&self.values).filter(|_| each);
        let variable = place.as_ref().map(|place| singular(&place.list));
        for field in &step.fields {
            let cell = self.cell(field, variable.as_deref());
            let here = verbs
                .iter()
                .position(|verb| matches!(verb, Written::Fields(v, _) if *v == field.verb));
            match here {
                Some(at) if at + 1 == verbs.len() && !holds(&verbs[at], &cell.element) => {
                    if let Written::Fields(_, cells) = &mut verbs[at] {
                        cells.push(cell);
                    }
                }
                // a loop is one step: its fields are put together whatever came between
                Some(at) if each && !holds(&verbs[at], &cell.element) => {
                    if let Written::Fields(_, cells) = &mut verbs[at] {
                        cells.push(cell);
                    }
                }
                Some(_) => {
                    parts.push(std::mem::take(&mut verbs));
                    verbs.push(Written::Fields(field.verb, vec![cell]));
                }
                None => verbs.push(Written::Fields(field.verb, vec![cell])),
            }
        }
        parts.push(verbs);
        let secret = step.types_a_secret();
        let last = parts.len() - 1;
        for (at, mut verbs) in parts.into_iter().enumerate() {
            let end = step.end.as_ref().filter(|_| at == last);
            let until = until.clone().filter(|_| at == last);
            let presses = matches!(end, Some(End::Press { .. }));
            if !verbs.is_empty() && !secret && !presses {
                verbs.push(Written::Verify);
            }
            let loop_of = place.as_ref().zip(variable.clone());
            let loop_of = loop_of.map(|(place, variable)| (variable, place.clone()));
            self.part(flow, verbs, end, Extra { secret, loop_of, until });
        }
    }

    fn part(&mut self, flow: &mut Flow, mut verbs: Vec<Written>, end: Option<&End>, extra: Extra) {
        let mut step = Step { read: extra.secret, until: extra.until, ..Step::default() };
        let by_code = verbs.iter().any(|verb| {
            matches!(verb, Written::Fields(_, cells) if cells.iter().all(|cell| cell.value.starts_with("{otp:")))
        });
        let mut wish = match verbs.iter().find_map(first_field) {
            Some(_) if extra.secret && by_code => "enter-code".to_owned(),
            Some(_) if extra.secret => "sign-in".to_owned(),
            Some(element) => format!("fill-{}", hyphened(element)),
            None => String::new(),
        };
        match end {
            Some(End::Click { over, element, asks, path }) => {
                let over = over.map(|over| self.elements.named(over));
                verbs.extend(over.map(Written::Hover));
                let submits = self.elements.list[*element].reads_as_submission();
                let name = self.elements.named(*element);
                if !extra.secret {
                    wish = hyphened(&name);
                }
                step.asks.extend(asks.iter().cloned());
                if submits && !extra.secret {
                    step.sounds_like_a_submission = true;
                    let called = self.elements.list[*element].called();
                    let text = format!(
                        "“{called}” reads like a submission: why is it none? Otherwise make it the commit."
                    );
                    step.asks.push(Ask::new(path, text));
                }
                verbs.push(Written::Click(name));
            }
            Some(End::Press { key, asks }) => {
                step.asks.extend(asks.iter().cloned());
                verbs.push(Written::Press(key));
                let field = verbs.iter().find_map(first_field).cloned();
                let named = self.elements.list.iter().find(|one| Some(&one.name) == field.as_ref());
                if named.is_some_and(|one| one.reads_as_submission()) && !extra.secret {
                    step.sounds_like_a_submission = true;
                    step.asks
                        .push(Ask::new("", "This key reads like a submission: why is it none?"));
                }
            }
            None => {}
        }
        if let Some((variable, place)) = extra.loop_of {
            if place.count == 1 {
                let text = "Recorded for one item only: is this step done once for every item?";
                step.asks.push(Ask::new("", text));
            }
            step.each = Some((variable, place.list));
        }
        step.name = flow.names.give(&wish, "step");
        step.verbs = verbs;
        flow.nodes.push(Node::Step(step));
    }

    fn cell(&mut self, field: &Field, variable: Option<&str>) -> Cell {
        let mut asks = field.asks.clone();
        let place = field.place(&self.values);
        if let (Some(place), None) = (&place, variable) {
            let many = place.count > 1;
            let text = if many {
                format!(
                    "Only item {} of `{}` goes here: what becomes of the others?",
                    place.index + 1,
                    place.list
                )
            } else {
                format!(
                    "`{}` has one item here; more than one is refused by `needs`. Right?",
                    place.list
                )
            };
            asks.push(Ask::new("", text));
        }
        let value = field.written(&self.values, variable);
        Cell { element: self.elements.named(field.element), value, asks }
    }
}

struct Extra {
    secret: bool,
    loop_of: Option<(String, Place)>,
    until: Option<String>,
}

/// Whether a step is the same as another for a later item.
fn follows(step: &Draftee, first: &Draftee, place: &Place, by: usize, values: &Values) -> bool {
    let next = step.place(values);
    next.is_some_and(|next| next.list == place.list && next.index == place.index + by)
        && step.shape() == first.shape()
}

fn first_field(verb: &Written) -> Option<&String> {
    match verb {
        Written::Fields(Verb::Fill | Verb::Choose | Verb::Attest | Verb::Attach, cells) => {
            cells.first().map(|cell| &cell.element)
        }
        Written::Verify | Written::Hover(_) | Written::Click(_) | Written::Press(_) => None,
    }
}

fn holds(verb: &Written, element: &str) -> bool {
    matches!(verb, Written::Fields(_, cells) if cells.iter().any(|cell| cell.element == element))
}

/// `request.lines` → `line`, `diagnoses` → `diagnosis`.
fn singular(list: &str) -> String {
    let name = list.rsplit('.').next().unwrap_or(list);
    if let Some(stem) = name.strip_suffix("noses") {
        return format!("{stem}nosis");
    }
    match name.strip_suffix('s').filter(|stem| stem.len() > 1) {
        Some(stem) => stem.to_owned(),
        None => format!("one_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_have_a_variable() {
        for (list, wanted) in
            [("request.lines", "line"), ("diagnoses", "diagnosis"), ("data", "one_data")]
        {
            assert_eq!(singular(list), wanted);
        }
    }
}
