//! A step and its verbs, in the order they are written.

use std::time::Duration;

use domain::{
    script::{
        ast::{self, Attach, Choice, Choose, Fill, FillValue, Step, Target, Verb, Verify},
        text::{TextKind, normalise},
        value::Value,
    },
    step::{Effect, StepState},
};

use super::{Halt, Portal, act::Deed, locate};
use crate::{
    browser::{Attempted, Deadline, DialogMode, DialogRule, NavigationError, Tries, Why},
    fault::{self, Side},
};

/// Pauses before an address is asked for again after an error of the portal.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// What a step did so far, for its own read-back and keys.
#[derive(Default)]
struct Doing {
    last_filled: Option<Target>,
    entered: Vec<(Target, String)>,
    dialog_seen: bool,
    /// What a page complained of when it was given files.
    complaint: Option<String>,
}

impl Portal<'_> {
    /// Runs one step: once, or for every item of its list.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), Halt> {
        let Some(each) = &step.each else { return self.step_once(step, None).await };
        let list = self.eval(|scope| scope.path(&each.list))?;
        let items = match list {
            Value::List(items) => items,
            Value::Absent => Vec::new(),
            other => vec![other],
        };
        let count = items.len();
        for (at, item) in items.into_iter().enumerate() {
            self.variables.retain(|(name, _)| *name != each.var.text);
            self.variables.push((each.var.text.clone(), item));
            let result = self.step_once(step, Some((at + 1, count))).await;
            self.variables.retain(|(name, _)| *name != each.var.text);
            result?;
        }
        Ok(())
    }

    async fn step_once(&mut self, step: &Step, of: Option<(usize, usize)>) -> Result<(), Halt> {
        let effect = step.effect();
        if let Some(when) = &step.when
            && !self.holds(when).await?
        {
            self.observe.begin(step.name.as_str(), "step", effect, Some(&step.span)).await;
            self.observe.end(StepState::Skipped, None).await;
            return Ok(());
        }
        self.begin(step.name.as_str(), "step", effect, &step.span).await;
        if let Some((at, count)) = of {
            self.observe.log(&format!("{at} of {count}"));
        }
        if effect == Effect::Draft {
            self.drafted = true;
        }
        self.expect_dialogs(step.dialog.as_ref())?;
        let mut doing = Doing::default();
        let mut screen = None;
        for verb in &step.verbs {
            self.may_go_on()?;
            let shown = self.verb(step, verb, &mut doing).await?;
            screen = shown.or(screen);
        }
        doing.dialog_seen |= self.check_dialogs().await?;
        if step.dialog.is_some() && !doing.dialog_seen {
            return Err(self.raise("unexpected_dialog", "the declared dialog did not come"));
        }
        self.done(screen).await;
        Ok(())
    }

    async fn verb(
        &mut self,
        step: &Step,
        verb: &Verb,
        doing: &mut Doing,
    ) -> Result<Option<String>, Halt> {
        let within = self.within(step.within);
        match verb {
            Verb::Open(template) => {
                let address = self.eval(|scope| scope.text(template))?;
                self.open(&address, within).await?;
            }
            Verb::Fill(fills) => {
                fault::point("form-fill", Side::Before).await;
                for fill in fills {
                    self.fill(fill, within, doing).await?;
                }
                fault::point("form-fill", Side::After).await;
            }
            Verb::Choose(choices) => {
                for choose in choices {
                    self.choose(choose, within, doing).await?;
                }
            }
            Verb::Attest(statements) => {
                for attest in statements {
                    self.attest(attest, within).await?;
                }
            }
            Verb::Attach(files) => self.attach_all(step, files, within, doing).await?,
            Verb::Click(target) => {
                self.click(target, within).await?;
                doing.dialog_seen |= self.check_dialogs().await?;
            }
            Verb::Hover(target) => {
                self.deed(target, &Deed::Hover, within).await?;
            }
            Verb::Press(key, _) => {
                self.pace.gap().await;
                match doing.last_filled.clone() {
                    Some(target) => {
                        self.deed(&target, &Deed::Press(key_name(*key)), within).await?;
                    }
                    None => self.press_on_page(key_name(*key)).await?,
                }
                self.settle(within).await;
                doing.dialog_seen |= self.check_dialogs().await?;
            }
            Verb::PickRow(pick) => self.pick_row(pick, within).await?,
            Verb::Verify(Verify::Readback, _) => {
                let entered = std::mem::take(&mut doing.entered);
                self.read_back(&entered, within).await?;
                doing.entered = entered;
            }
            Verb::Verify(Verify::Elements(list), _) => self.verify(list, within).await?,
            Verb::Fetch(fetch) => self.open_instead(fetch, within).await?,
            Verb::Until(until) => {
                let complaint = doing.complaint.take();
                return self.until_or_named(until, within, complaint).await.map(Some);
            }
            Verb::Capture(captures) => self.captures(captures, within).await?,
        }
        Ok(None)
    }

    /// Goes to an address on one of the script's page hosts.
    pub(crate) async fn open(&mut self, address: &str, within: Deadline) -> Result<(), Halt> {
        if !self.is_page_host(address) {
            return Err(self.raise("off_site", "the script leads to a host it does not list"));
        }
        fault::point("navigate", Side::Before).await;
        let mut again = AGAIN.into_iter();
        loop {
            self.may_go_on()?;
            self.pace.page().await;
            let page = self.session.any_page().await.map_err(|error| self.broken(&error))?;
            let context = self.session.context.clone();
            context.set_dialog_mode(DialogMode::Leaving);
            // What an earlier page was refused says nothing about this navigation.
            drop(context.take_refused_hosts());
            let gone = page.navigate(address, within.left()).await;
            context.set_dialog_mode(DialogMode::Normal);
            let error = match gone {
                Ok(navigation) => match navigation.status {
                    Some(status) if status >= 400 => NavigationError::Http(status),
                    _ => break,
                },
                Err(error) => error,
            };
            let led_away = matches!(error, NavigationError::Refused(_))
                && !context.take_refused_hosts().is_empty();
            if led_away {
                return Err(self.led_away());
            }
            let passing = match &error {
                NavigationError::Http(status) => *status >= 500,
                NavigationError::Refused(_) | NavigationError::Network(_) => true,
                _ => false,
            };
            self.observe.log(&format!("the address did not open: {error}"));
            // A page that opened dialogs did come.
            self.check_dialogs().await?;
            // A watcher may know this very page (maintenance with its own sentence).
            self.watch().await?;
            match again.next().filter(|pause| passing && within.left() > *pause) {
                Some(pause) => {
                    self.observe.retried();
                    tokio::time::sleep(pause).await;
                }
                None => return Err(self.not_navigated(&error)),
            }
        }
        self.observe.act("open", None);
        fault::point("navigate", Side::After).await;
        Ok(())
    }

    async fn fill(&mut self, fill: &Fill, within: Deadline, doing: &mut Doing) -> Result<(), Halt> {
        let target = Target::Named(fill.element.clone());
        match &fill.value {
            FillValue::Text(template) => {
                let text = self.eval(|scope| scope.text(template))?;
                let did = self.deed(&target, &Deed::Fill(text.clone()), within).await?;
                self.observe.log(&format!("{} ← {}", fill.element, template.source));
                self.payload.push(format!("{}={}", fill.element, did.shown));
                doing.entered.push((target.clone(), text));
            }
            FillValue::Keypad(pad) => {
                self.press_secret(&target, pad, within).await?;
                self.observe.log(&format!("{} ← secret {}, key by key", fill.element, pad.secret));
            }
            FillValue::Secret(alias) | FillValue::Otp(alias) => {
                self.fill_secret(&target, alias.as_str(), within).await?;
                self.observe.log(&format!("{} ← secret {alias}", fill.element));
            }
        }
        doing.last_filled = Some(target);
        Ok(())
    }

    async fn choose(
        &mut self,
        choose: &Choose,
        within: Deadline,
        doing: &mut Doing,
    ) -> Result<(), Halt> {
        let target = Target::Named(choose.element.clone());
        let deed = match &choose.choice {
            Choice::Label(label) => {
                Deed::Choose(locate::text(self.eval(|scope| scope.wanted(label))?))
            }
            Choice::Ticked(on) => Deed::Tick(*on),
            Choice::Typeahead { text, pick } => Deed::Typeahead(
                self.eval(|scope| scope.text(text))?,
                locate::text(self.eval(|scope| scope.wanted(pick))?),
            ),
        };
        let did = self.deed(&target, &deed, within).await?;
        self.observe.log(&format!("{} chosen", choose.element));
        self.payload.push(format!("{}={}", choose.element, did.shown));
        doing.entered.push((target.clone(), did.shown));
        doing.last_filled = Some(target);
        Ok(())
    }

    async fn attach_all(
        &mut self,
        step: &Step,
        files: &[Attach],
        within: Deadline,
        doing: &mut Doing,
    ) -> Result<(), Halt> {
        fault::point("attach-file", Side::Before).await;
        let judged = step.verbs.iter().any(|verb| matches!(verb, Verb::Until(_)));
        for attach in files {
            let complaint = self.attach(attach, within, judged).await?;
            doing.complaint = doing.complaint.take().or(complaint);
        }
        fault::point("attach-file", Side::After).await;
        Ok(())
    }

    /// Clicks, and waits until what it set going has settled.
    pub(crate) async fn click(&mut self, target: &Target, within: Deadline) -> Result<(), Halt> {
        self.pace.gap().await;
        let before = self.page()?.url();
        self.deed(target, &Deed::Click, within).await?;
        self.settle(within).await;
        if self.page().is_ok_and(|page| page.url() != before) {
            self.pace.loaded();
        }
        Ok(())
    }

    pub(crate) async fn settle(&self, within: Deadline) {
        if let Ok(page) = self.page() {
            page.settle(within).await;
        }
    }

    /// Every field of this step shows what was entered, also after the page has had time to change its mind.
    async fn read_back(
        &mut self,
        entered: &[(Target, String)],
        within: Deadline,
    ) -> Result<(), Halt> {
        if let Ok(page) = self.page() {
            page.quiet(Deadline::within(Duration::from_secs(2))).await;
        }
        for (target, wanted) in entered {
            let (page, found) = self.find(target, within).await?;
            let mut tries = Tries::until(within.at_most(Duration::from_secs(5)));
            loop {
                let tried = page.value(&found.node).await;
                match tries.next(tried).await {
                    Ok(Some(shown)) if shows_same(&shown, wanted) => break,
                    Ok(Some(_)) => {
                        if tries.wait_look(Why::NotShown).await.is_err() {
                            let of = locate::called(target);
                            let detail = format!("`{of}` shows another value than was entered");
                            return Err(self.raise("readback_differs", &detail));
                        }
                    }
                    Ok(None) => {}
                    Err(error) => return Err(self.not_done(target, &error, false)),
                }
            }
        }
        self.observe.log(&format!("read back {} field(s)", entered.len()));
        Ok(())
    }

    async fn verify(
        &mut self,
        list: &[(Target, ast::TextMatch)],
        within: Deadline,
    ) -> Result<(), Halt> {
        for (target, wanted) in list {
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            let mut tries = Tries::until(within);
            loop {
                let shown = match self.find(target, within).await {
                    Ok((page, found)) => self.shown_text(&page, &found).await,
                    Err(halt) => return Err(halt),
                };
                if shown.is_some_and(|shown| wanted.matches(&shown, TextKind::Plain)) {
                    break;
                }
                if tries.wait_look(Why::NotShown).await.is_err() {
                    let of = locate::called(target);
                    let detail = format!("`{of}` does not show what it must");
                    return Err(self.raise("readback_differs", &detail));
                }
            }
        }
        Ok(())
    }

    /// Reads a page the rendered way: the way a `fetch` falls back to.
    async fn open_instead(&mut self, fetch: &ast::Fetch, within: Deadline) -> Result<(), Halt> {
        let addresses = self.fetch_addresses(fetch)?;
        let address = addresses.first().map(String::as_str).unwrap_or_default();
        self.open(address, within).await?;
        if !fetch.screens.is_empty() {
            let names: Vec<&str> = fetch.screens.iter().map(domain::script::Name::as_str).collect();
            self.race(&names, within).await?;
        }
        self.captures(&fetch.capture, within).await
    }

    /// A key for whatever has the focus: closes overlays, pages down, reloads.
    async fn press_on_page(&mut self, key: &str) -> Result<(), Halt> {
        self.observe.act("press", None);
        match self.page()?.press(None, key).await {
            Attempted::Done(()) => Ok(()),
            Attempted::Wait(why) => Err(self.raise("not_actionable", &why.to_string())),
            Attempted::Stop(stop) => Err(self.stopped("the page", &stop)),
        }
    }

    /// Tells the driver which dialogs may come: the step's own, and those watchers answer.
    pub(crate) fn expect_dialogs(&mut self, own: Option<&ast::DialogRule>) -> Result<(), Halt> {
        let mut rules = Vec::new();
        let rule = |text, answer| DialogRule {
            kind: None,
            text: Some(text),
            accept: answer == ast::Reply::Accept,
            prompt_text: None,
        };
        if let Some(own) = own {
            let says = self.eval(|scope| scope.wanted(&own.says))?;
            rules.push(rule(locate::text(says), own.answer));
        }
        for watcher in self.bundle.watchers() {
            if let (Some(says), ast::Reaction::Answer(answer)) =
                (&watcher.when.js_dialog, &watcher.reaction)
            {
                let says = self.eval(|scope| scope.wanted(says))?;
                rules.push(rule(locate::text(says), *answer));
            }
        }
        self.session.context.expect_dialogs(rules);
        Ok(())
    }
}

/// Whether a control shows what was entered: equal texts, or equal digits for numbers and dates the page reformats.
fn shows_same(shown: &str, wanted: &str) -> bool {
    if normalise(shown) == normalise(wanted) {
        return true;
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let only_digits = |text: &str| !text.chars().any(char::is_alphabetic);
    if !only_digits(shown) || !only_digits(wanted) || digits(wanted).is_empty() {
        return false;
    }
    digits(shown) == digits(wanted) || {
        // A native date control shows 2026-03-09 for 03/09/2026.
        let (s, w) = (digits(shown), digits(wanted));
        s.len() == 8
            && w.len() == 8
            && shown.contains('-')
            && w == format!("{}{}", &s[4..], &s[..4])
    }
}

fn key_name(key: ast::Key) -> &'static str {
    match key {
        ast::Key::Enter => "Enter",
        ast::Key::Tab => "Tab",
        ast::Key::Escape => "Escape",
        ast::Key::ArrowDown => "ArrowDown",
        ast::Key::ArrowUp => "ArrowUp",
        ast::Key::PageDown => "PageDown",
        ast::Key::Home => "Home",
        ast::Key::End => "End",
        ast::Key::F5 => "F5",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reformatted_value_is_the_same_and_another_is_not() {
        assert!(shows_same(" m54.50 ", "M54.50"));
        assert!(shows_same("(555) 010-2030", "5550102030"));
        assert!(shows_same("2026-03-09", "03/09/2026"));
        assert!(!shows_same("2026-03-10", "03/09/2026"));
        assert!(!shows_same("A1", "B1"));
        assert!(!shows_same("", "1"));
    }
}
