//! A fetched answer by the script's own rules: watchers, screens, values, rows, `classify`. All of it, or nothing.

use domain::{
    outcome::{Answer, Outcome},
    script::{
        Bundle,
        ast::{
            self, CaptureSource, CaptureSpec, Classify, ClassifySource, Fetch, Flow, Node, PickRow,
            Step, Take, Target, Verb,
        },
        text::{TextKind, spaced},
    },
    step::ReadValue,
};

use super::{
    Unread,
    said::{Declared, Fetched},
};
use crate::channel::portal::{
    Halt, Portal,
    capture::matched,
    classify::{of_line, roll_up, words_of},
    paper::{self, Paper},
    screen::holds_in,
    table::column,
};

impl Portal<'_> {
    /// Reads everything the step wants; all or nothing.
    pub(super) fn read_paper(
        &mut self,
        step: &Step,
        fetch: &Fetch,
        paper: &Paper,
    ) -> Result<Fetched, Unread> {
        let bundle = self.bundle;
        for watcher in bundle.watchers() {
            if self.paper_signs(paper, &watcher.when)? {
                let place = crate::observe::place(&watcher.span);
                return Err(Unread::Because(format!("the sign of the watcher at {place} shows")));
            }
        }
        let screen = self.paper_screen(paper, fetch)?;
        let (captured, references, facts) =
            (self.captured.clone(), self.references.clone(), self.facts.clone());
        let read = self.paper_values(step, fetch, screen, paper);
        let classify = classify_of(&bundle.script.flow);
        let outcome = read.and_then(|()| self.paper_answer(classify, paper));
        match outcome {
            Ok(outcome) => Ok(Fetched {
                outcome,
                facts: self.facts.clone(),
                references: self.references.clone(),
                declared: declared(step, fetch, classify),
                step: step.name.text.clone(),
                source: crate::observe::place(&fetch.span),
            }),
            Err(why) => {
                (self.captured, self.references, self.facts) = (captured, references, facts);
                Err(why)
            }
        }
    }

    fn paper_shows(&self, paper: &Paper, screen: &ast::Screen) -> Result<bool, Halt> {
        let text = |wanted: &Option<ast::TextMatch>, shown: &dyn Fn() -> String, part: bool| {
            let Some(wanted) = wanted else { return Ok(true) };
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            let shown = shown();
            let fits = if part {
                holds_in(&wanted, &shown)
            } else {
                wanted.matches(&shown, TextKind::Plain)
            };
            Ok::<bool, Halt>(fits)
        };
        let address = screen.url.as_ref().is_none_or(|glob| glob.matches(&paper.url));
        Ok(address
            && text(&screen.title, &|| paper.title(), false)?
            && text(&screen.text, &|| paper.text(), true)?
            && self.paper_sees(paper, &screen.see)?
            && !self.paper_sees_any(paper, &screen.gone)?)
    }

    fn paper_sees(&self, paper: &Paper, targets: &[Target]) -> Result<bool, Halt> {
        for target in targets {
            let sought = self.sought(target)?;
            if !matches!(paper.element(&sought.strategies), Ok(Some(_))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn paper_sees_any(&self, paper: &Paper, targets: &[Target]) -> Result<bool, Halt> {
        for target in targets {
            if paper.any(&self.sought(target)?.strategies) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a watcher's sign is on a fetched page. Dialogs and the status of a document are not there to be seen.
    fn paper_signs(&self, paper: &Paper, sign: &ast::Sign) -> Result<bool, Halt> {
        if sign.dialog.is_some() || sign.js_dialog.is_some() || sign.http.is_some() {
            return Ok(false);
        }
        let screen = sign.screen.as_ref().map(|name| self.bundle.screen(name.as_str()));
        let shows = match screen {
            Some(Some(screen)) => self.paper_shows(paper, screen)?,
            Some(None) => false,
            None => true,
        };
        let text = match &sign.text {
            Some(wanted) => holds_in(&self.eval(|scope| scope.wanted(wanted))?, &paper.text()),
            None => true,
        };
        let address = sign.url.as_ref().is_none_or(|glob| glob.matches(&paper.url));
        Ok(shows && text && address && self.paper_sees(paper, &sign.see)?)
    }

    fn paper_values(
        &mut self,
        step: &Step,
        fetch: &Fetch,
        screen: Option<&ast::Screen>,
        paper: &Paper,
    ) -> Result<(), Unread> {
        self.paper_captures(&fetch.capture, paper)?;
        for verb in &step.verbs {
            match verb {
                Verb::PickRow(pick) => self.paper_row(pick, screen, paper)?,
                Verb::Capture(specs) => self.paper_captures(specs, paper)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn paper_captures(&mut self, specs: &[CaptureSpec], paper: &Paper) -> Result<(), Unread> {
        for spec in specs {
            let shown = match &spec.source {
                CaptureSource::From(target) => {
                    let sought = self.sought(target)?;
                    paper.element(&sought.strategies).map_err(Unread::Because)?.map(paper::value)
                }
                CaptureSource::Url(pattern) => pattern.extract(&paper.url).map(str::to_owned),
                CaptureSource::Pointer(place) => {
                    let data = paper.data.as_ref().and_then(|data| data.pointer(place.as_str()));
                    data.filter(|value| !value.is_null()).map(|value| match value.as_str() {
                        Some(words) => words.to_owned(),
                        None => value.to_string(),
                    })
                }
                _ => None,
            };
            match shown.and_then(|shown| matched(spec.pattern.as_ref(), &shown)) {
                Some(value) => {
                    let read = from_paper(spec.name.as_str(), value, paper);
                    self.keep_value(read, &spec.read_as, spec.kind, spec.optional)?;
                }
                None if spec.optional => {}
                None => return Err(Unread::Because(format!("`{}` is not there", spec.name))),
            }
        }
        Ok(())
    }

    /// `pick_row`. Where the screen that shows is one without the table, there is no row to be picked.
    fn paper_row(
        &mut self,
        pick: &PickRow,
        screen: Option<&ast::Screen>,
        paper: &Paper,
    ) -> Result<(), Unread> {
        let sought = self.sought(&pick.from)?;
        let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
        let Some(element) = element else {
            let without =
                |screen: &ast::Screen| !screen.see.iter().any(|one| same(one, &pick.from));
            if screen.is_some_and(without) {
                return Ok(());
            }
            return Err(Unread::Because(format!("`{}` is not there", sought.name)));
        };
        let table = paper.table(element);
        let rows = self.wanted_rows(&table, &pick.cells)?;
        let [row] = rows.as_slice() else {
            return Err(Unread::Because(format!("{} rows fit", rows.len())));
        };
        Ok(self.take_cells(&table, row, &pick.take, ("fetch", Some(paper.evidence)))?)
    }

    /// The answer by the flow's own `classify`.
    fn paper_answer(
        &mut self,
        classify: Option<&Classify>,
        paper: &Paper,
    ) -> Result<Option<Outcome>, Unread> {
        let Some(classify) = classify else { return Ok(None) };
        let (answer, raw) = match &classify.source {
            ClassifySource::Page => self.paper_wording(classify, &paper.text(), true, paper)?,
            ClassifySource::Captured(_) => match self.captured_words(&classify.source) {
                Some(held) => self.paper_wording(classify, &held, false, paper)?,
                None => self.paper_wording(classify, &paper.text(), true, paper)?,
            },
            ClassifySource::Element(target) => {
                let sought = self.sought(target)?;
                let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
                let Some(element) = element else {
                    return Err(Unread::Because(format!("`{}` is not there", sought.name)));
                };
                self.paper_wording(classify, &paper::value(element), false, paper)?
            }
            ClassifySource::Rows { from, column, take } => {
                self.paper_rows(classify, from, column, take, paper)?
            }
        };
        Ok(Some(self.answer(answer, &raw)))
    }

    fn paper_wording(
        &mut self,
        classify: &Classify,
        shown: &str,
        whole: bool,
        paper: &Paper,
    ) -> Result<(Answer, String), Unread> {
        for entry in &classify.entries {
            let wanted = self.eval(|scope| scope.wanted(&entry.text))?;
            let hit = if whole {
                holds_in(&wanted, shown)
            } else {
                wanted.matches(shown, TextKind::Plain)
            };
            if hit {
                let raw = words_of(&wanted, shown, whole);
                self.paper_captures(&entry.capture, paper)?;
                return Ok((entry.answer, raw));
            }
        }
        Err(Unread::Because("the wording is not one we know".to_owned()))
    }

    fn paper_rows(
        &mut self,
        classify: &Classify,
        from: &Target,
        decision: &ast::Words,
        take: &[Take],
        paper: &Paper,
    ) -> Result<(Answer, String), Unread> {
        let sought = self.sought(from)?;
        let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
        let table = element.map(|element| paper.table(element));
        let at = table.as_ref().and_then(|table| column(table, decision.as_str()));
        let (Some(table), Some(at)) = (table, at) else {
            return Err(Unread::Because("the table of decisions is not there".to_owned()));
        };
        let (mut answers, mut raw) = (Vec::new(), Vec::new());
        for row in &table.rows {
            let Some(shown) = row.cells.get(at).filter(|cell| !cell.trim().is_empty()) else {
                continue;
            };
            let (answer, words) = self.paper_wording(classify, shown, false, paper)?;
            answers.push(answer);
            raw.push(spaced(&words));
            let take = of_line(take, answers.len());
            self.take_cells(&table, row, &take, ("fetch", Some(paper.evidence)))?;
        }
        let answer = roll_up(&answers);
        answer
            .map(|answer| (answer, raw.join(" · ")))
            .ok_or_else(|| Unread::Because("the table shows no decision".to_owned()))
    }
}

impl<'b> Portal<'b> {
    /// The one expected screen it shows, where any are named.
    fn paper_screen(
        &self,
        paper: &Paper,
        fetch: &Fetch,
    ) -> Result<Option<&'b ast::Screen>, Unread> {
        let bundle: &'b Bundle = self.bundle;
        let mut showing = Vec::new();
        for name in &fetch.screens {
            if let Some(screen) = bundle.screen(name.as_str())
                && self.paper_shows(paper, screen)?
            {
                showing.push((name.as_str(), screen));
            }
        }
        match showing.as_slice() {
            [(_, screen)] => Ok(Some(screen)),
            [] if fetch.screens.is_empty() => Ok(None),
            [] => Err(Unread::Because("none of the expected screens".to_owned())),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                Err(Unread::Because(format!("{} show together", names.join(", "))))
            }
        }
    }
}

/// The `classify` of a flow.
fn classify_of(flow: &Flow) -> Option<&Classify> {
    flow.nodes.iter().find_map(|node| match node {
        Node::Classify(classify) => Some(classify.as_ref()),
        _ => None,
    })
}

/// Everything that is read where it is there.
fn declared(step: &Step, fetch: &Fetch, classify: Option<&Classify>) -> Declared {
    let mut declared = Declared::default();
    declared.captures(&fetch.capture);
    for verb in &step.verbs {
        match verb {
            Verb::PickRow(pick) => declared.takes(&pick.take),
            Verb::Capture(specs) => declared.captures(specs),
            _ => {}
        }
    }
    if let Some(classify) = classify {
        classify.entries.iter().for_each(|entry| declared.captures(&entry.capture));
        if let ClassifySource::Rows { take, .. } = &classify.source {
            declared.takes(take);
        }
    }
    declared
}

/// The same element: by its name, or written alike.
fn same(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Named(one), Target::Named(other)) => one.as_str() == other.as_str(),
        _ => one.span() == other.span(),
    }
}

/// A value read from a fetched answer; the answer as it was kept is its proof.
fn from_paper(name: &str, value: String, paper: &Paper) -> ReadValue {
    ReadValue {
        name: name.to_owned(),
        value,
        read_by: "fetch".to_owned(),
        bounds: None,
        picture: Some(paper.evidence),
        confidence: None,
    }
}
