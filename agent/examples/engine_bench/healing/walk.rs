//! Ways through the payers' pages (`tests/healing/walks`), the same in both renderings: steps name controls of the answer key, and
//! each page on the way is captured. Steps are lists: `["open", url]`, `["on", page, control?]`, `["fill", control, value]`,
//! `["click", control]`, `["choose", control, option]`, `["tick", control]`, `["v1", step…]`, `["v2", step…]`; a control written
//! `css:…` is meant by selector. In values `{user}`, `{otp}`, … stand for what the payer gave.

use std::{sync::Arc, time::Duration};

use agent::browser::{
    Area, Context, Deadline, Found, ImageFormat, Page, Query, Text, Tries, Unobserved,
};
use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use super::{
    payers::{Control, Payer},
    shots::Captured,
};
use crate::repository;

const PATIENCE: Duration = Duration::from_secs(12);

/// Somebody on their way through a payer's pages.
pub(super) struct Walk<'a> {
    payer: &'a Payer,
    skin: &'a str,
    key: &'a [Control],
    context: Context,
    /// The page of the key that is being shown.
    on: String,
    code: String,
    /// The number of a request the payer has.
    number: String,
    pub(super) captured: Vec<Arc<Captured>>,
    /// Each page's name and picture.
    pub(super) pictures: Vec<(String, Vec<u8>)>,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(
        payer: &'a Payer,
        skin: &'a str,
        key: &'a [Control],
        number: String,
        context: Context,
    ) -> Result<Self> {
        context.new_page().await?;
        let (on, code) = (String::new(), String::new());
        let (captured, pictures) = (Vec::new(), Vec::new());
        Ok(Self { payer, skin, key, context, on, code, number, captured, pictures })
    }

    /// Goes all the way; a step that cannot be done ends it, with what was captured until then.
    pub(super) async fn go(&mut self) -> Result<()> {
        let path = repository().join(format!("tests/healing/walks/{}.json", self.payer.name));
        let steps: Vec<Value> = serde_json::from_slice(&std::fs::read(&path)?)?;
        for step in &steps {
            let done = Box::pin(self.step(step)).await;
            done.with_context(|| format!("{} {} at {step}", self.payer.name, self.skin))?;
        }
        Ok(())
    }

    /// The newest window.
    fn page(&self) -> Result<Page> {
        self.context.pages().pop().context("no page is open")
    }

    async fn step(&mut self, step: &Value) -> Result<()> {
        let word = |at: usize| step[at].as_str().unwrap_or_default();
        match word(0) {
            "open" => {
                let page = self.page()?;
                page.navigate(word(1), PATIENCE).await?;
                Ok(())
            }
            "on" => self.arrive(word(1), word(2)).await,
            skin @ ("v1" | "v2") => {
                if skin == self.skin {
                    for inner in step.as_array().into_iter().flatten().skip(1) {
                        Box::pin(self.step(inner)).await?;
                    }
                }
                Ok(())
            }
            act @ ("fill" | "click" | "choose" | "tick" | "type") => {
                let value = self.value(word(2)).await?;
                self.act(act, word(1), &value).await
            }
            other => bail!("`{other}` is no step"),
        }
    }

    /// `{name}` stands for a value of the payer, `{otp:3}` for the third digit of the newest code.
    async fn value(&mut self, text: &str) -> Result<String> {
        let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return Ok(text.to_owned());
        };
        if let Some(digit) = name.strip_prefix("otp:") {
            let digit: usize = digit.parse()?;
            if digit == 1 {
                self.code = self.payer.value("otp").await?;
            }
            return Ok(self.code.chars().nth(digit - 1).unwrap_or('0').to_string());
        }
        if name == "number" { Ok(self.number.clone()) } else { self.payer.value(name).await }
    }

    /// The selector of a control on the page that is shown.
    fn query(&self, control: &str) -> Result<Query> {
        if let Some(css) = control.strip_prefix("css:") {
            return Ok(Query::css(css));
        }
        let named = |one: &&Control| one.element == control && one.at(self.skin).is_some();
        let here = |one: &&Control| one.at(self.skin).is_some_and(|(_, page)| page == self.on);
        let all = || self.key.iter().filter(named);
        let found = all().find(here).or_else(|| all().next());
        let (place, _) = found
            .and_then(|one| one.at(self.skin))
            .ok_or_else(|| anyhow!("the key has no {control} in {}", self.skin))?;
        let query = Query::css(&place.css);
        Ok(if place.frame.is_empty() { query } else { query.frame(&place.frame) })
    }

    async fn shown(&self, control: &str) -> Result<Found> {
        let query = self.query(control)?;
        let deadline = Deadline::within(PATIENCE);
        loop {
            let page = self.page()?;
            // A frame that is not there yet is waited for like the control in it; some are known by the title of their element only.
            let mut found = page.find(&query).await.unwrap_or_default();
            if found.is_empty() {
                let anywhere = Query { frame: None, ..query.clone() };
                found = page.find(&anywhere).await.unwrap_or_default();
            }
            if let Some(found) = found.into_iter().find(|one| one.visible) {
                return Ok(found);
            }
            if deadline.passed() {
                let text = page.visible_text().await.unwrap_or_default();
                let text: String = text.chars().take(300).collect();
                bail!("{control} is not shown on {}: {text}", page.url());
            }
            page.wait_change(deadline.at_most(Duration::from_millis(100))).await;
        }
    }

    /// Waits for a page of the key, by one control of it, and captures it.
    async fn arrive(&mut self, called: &str, by: &str) -> Result<()> {
        called.clone_into(&mut self.on);
        let here = |one: &&Control| one.at(self.skin).is_some_and(|(_, page)| page == called);
        let first = self.key.iter().find(here).map(|one| one.element.clone());
        let by =
            if by.is_empty() { first.context("the key has nothing there")? } else { by.to_owned() };
        self.shown(&by).await?;
        let page = self.page()?;
        page.quiet(Deadline::within(Duration::from_secs(2))).await;
        let picture = page.screenshot(Area::FullPage, ImageFormat::Png).await?;
        self.pictures.push((called.to_owned(), picture));
        let captured = Captured::of(&page, called).await?;
        self.captured.push(Arc::new(captured));
        Ok(())
    }

    async fn act(&self, act: &str, control: &str, value: &str) -> Result<()> {
        let mut tries = Tries::until(Deadline::within(PATIENCE));
        loop {
            let found = self.shown(control).await?;
            let (page, node, count) = (self.page()?, &found.node, tries.count());
            let before = &mut Unobserved;
            let tried = match act {
                "click" => page.try_click(node, count, before).await.map(drop),
                "tick" => page.try_tick(node, true, count, before).await.map(drop),
                "choose" => {
                    page.try_choose(node, &Text::contains(value), count, before).await.map(drop)
                }
                "type" => {
                    let pick = Text::contains(value);
                    let deadline = Deadline::within(PATIENCE);
                    page.typeahead(node, value, &pick, deadline, before).await?;
                    return Ok(());
                }
                _ => {
                    let date = found.facts.input_type == "date";
                    let iso = date.then(|| iso(value)).flatten();
                    match iso {
                        Some(iso) => page.try_fill_date(node, &iso).await.map(drop),
                        None => page.try_fill(node, value).await.map(drop),
                    }
                }
            };
            if tries.next(tried).await?.is_some() {
                page.settle(Deadline::within(PATIENCE)).await;
                return Ok(());
            }
        }
    }
}

/// `02/14/1980` as `1980-02-14`.
fn iso(date: &str) -> Option<String> {
    let parts: Vec<&str> = date.split('/').collect();
    let [month, day, year] = parts[..] else { return None };
    Some(format!("{year}-{month}-{day}"))
}
