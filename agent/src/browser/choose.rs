//! Choices: native and custom selects, radio groups, tick boxes, and fields that suggest.

use super::act::{BeforeInput, End};
use super::attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
use super::browser::text;
use super::error::Error;
use super::page::Page;
use super::query::{Found, Node};
use super::text::Text;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Deserialize)]
struct Choice {
    label: String,
    enabled: bool,
}

/// How long a field may offer nothing before it is typed into again.
const OFFERS: Duration = Duration::from_secs(3);
/// How long a control may take to show what was clicked.
const SHOWS: Duration = Duration::from_millis(500);

impl Page {
    /// Chooses by label in a native select, a radio group (any radio of it, or the element around
    /// it), or a custom select (opened by one try, chosen by a later one). `Done`: the label shown.
    pub async fn try_choose(
        &self,
        node: &Node,
        label: &Text,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<String> {
        self.choose_now(node, label, attempt, before).await.into()
    }

    async fn choose_now(
        &self,
        node: &Node,
        label: &Text,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Result<String, End> {
        if self.kind(node).await? == "select" {
            self.ready(node, &["visible", "enabled"]).await?;
            return self.choose_native(node, label).await;
        }
        let radios = self.inner.run_on(node, "radios", json!([])).await?;
        let texts = texts_of(&radios);
        if !texts.is_empty() {
            let i = exactly_one(&texts, label)?;
            let radio = self.kept(node, &radios, i).await?;
            self.tick_now(&radio.node, true, attempt, before).await?;
            return Ok(texts[i].clone());
        }
        self.choose_custom(node, label, attempt, before).await
    }

    async fn choose_native(&self, node: &Node, label: &Text) -> Result<String, End> {
        let options = self.inner.run_on(node, "options", json!([])).await?;
        let options: Vec<Choice> =
            serde_json::from_value(options).map_err(|_| Error::Script("options"))?;
        let labels: Vec<String> = options.iter().map(|o| o.label.clone()).collect();
        let i = exactly_one(&labels, label)?;
        if !options[i].enabled {
            return Err(End::Wait(Why::Disabled));
        }
        let shown = self.inner.run_on(node, "chooseOption", json!([i])).await?;
        let shown = shown.as_str().unwrap_or("").to_owned();
        if label.accepts_name(&shown) { Ok(shown) } else { Err(End::Wait(Why::NotShown)) }
    }

    async fn choose_custom(
        &self,
        node: &Node,
        label: &Text,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Result<String, End> {
        let listed = self.inner.run_on(node, "popupOptions", json!([])).await?;
        let texts = texts_of(&listed);
        if texts.is_empty() {
            let open =
                self.inner.run_on(node, "expanded", json!([])).await?.as_bool() == Some(true);
            if !open {
                done(self.try_click(node, attempt, before).await)?;
            }
            return Err(End::Wait(Why::NoOption(Vec::new())));
        }
        let i = exactly_one(&texts, label)?;
        let option = self.kept(node, &listed, i).await?;
        done(self.try_click(&option.node, attempt, before).await)?;
        Ok(texts[i].clone())
    }

    /// Ticks or unticks a checkbox, switch or radio; nothing happens if it already is so.
    pub async fn try_tick(
        &self,
        node: &Node,
        on: bool,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<bool> {
        self.tick_now(node, on, attempt, before).await.into()
    }

    async fn tick_now(
        &self,
        node: &Node,
        on: bool,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Result<bool, End> {
        match self.checked(node).await? {
            Some(is) if is == on => return Ok(on),
            Some(_) => {}
            None => return Err(End::Stop(Stop::WrongKind("it has no checked state".into()))),
        }
        let clicked = self.try_click(node, attempt, before).await;
        if let Attempted::Wait(Why::NotVisible | Why::Covered(_)) = clicked {
            // Component libraries hide the input and show its label.
            let label = self.label_of(node).await?.ok_or(End::Wait(Why::NotVisible))?;
            done(self.try_click(&label, attempt, before).await)?;
        } else {
            done(clicked)?;
        }
        let deadline = Deadline::within(SHOWS);
        loop {
            match self.checked(node).await {
                Ok(is) if is == Some(on) => return Ok(on),
                Ok(_) => {}
                // A form that posts itself at the click took the choice with it.
                Err(e) if e.is_stale() && self.is_left(node).await => return Ok(on),
                Err(e) => return Err(e.into()),
            }
            if deadline.passed() {
                return Err(End::Wait(Why::NotShown));
            }
            // A ticked box need not change its document: looked at again soon in any case.
            self.wait_change(deadline.at_most(Duration::from_millis(20))).await;
        }
    }

    /// A field that suggests: types all but the last character at once, the last as a real key,
    /// waits for the suggestions, clicks the one that matches, and waits until the list is gone. A page that is drawn anew closes its
    /// list: after a while without any suggestion it is typed again. `Done`: what the field shows.
    ///
    /// # Errors
    /// [`Why::NoOption`] with the suggestions seen when none matched in time.
    pub async fn typeahead(
        &self,
        node: &Node,
        typed: &str,
        pick: &Text,
        deadline: Deadline,
        before: &mut dyn BeforeInput,
    ) -> Result<String, NotDone> {
        let mut tries = Tries::until(deadline);
        while tries.next(self.type_ahead(node, typed).await.into()).await?.is_none() {}
        let mut left = deadline.left();
        loop {
            let chosen: Attempted<()> =
                self.pick_option(node, pick, tries.count(), before).await.into();
            match chosen {
                Attempted::Done(()) => break,
                Attempted::Wait(Why::NoOption(none))
                    if none.is_empty() && left.saturating_sub(deadline.left()) >= OFFERS =>
                {
                    while tries.next(self.type_ahead(node, typed).await.into()).await?.is_none() {}
                    left = deadline.left();
                }
                Attempted::Wait(why) => tries.wait_look(why).await?,
                Attempted::Stop(s) => return Err(s.into()),
            }
        }
        loop {
            let state = self.inner.run_on(node, "shows", json!([])).await?;
            let open = self.inner.run_on(node, "popupOptions", json!([])).await?;
            let invalid = state.get("invalid").and_then(Value::as_bool) == Some(true);
            if texts_of(&open).is_empty() && !invalid {
                return Ok(text(&state, "/value").to_owned());
            }
            tries.wait_look(Why::NotShown).await?;
        }
    }

    async fn type_ahead(&self, node: &Node, typed: &str) -> Result<(), End> {
        self.ready(node, &["visible", "enabled", "editable"]).await?;
        let mut rest = typed.chars();
        let Some(last) = rest.next_back() else { return Ok(()) };
        self.insert(node, rest.as_str()).await?;
        self.key_char(last).await
    }

    /// Opens the menu that an item of a menu says it has, by the key for that: for a menu that stays shut under the pointer.
    /// `Done(false)`: the element is no such item. Source: ARIA Authoring Practices, menu and menubar pattern, right arrow.
    pub async fn try_open_menu(&self, node: &Node) -> Attempted<bool> {
        match self.picked_one(node, "menuItem", json!([])).await {
            Ok(Some(item)) => match self.press(Some(&item), "ArrowRight").await {
                Attempted::Done(()) => Attempted::Done(true),
                Attempted::Wait(why) => Attempted::Wait(why),
                Attempted::Stop(stop) => Attempted::Stop(stop),
            },
            Ok(None) => Attempted::Done(false),
            Err(error) => Attempted::from_error(error),
        }
    }

    async fn pick_option(
        &self,
        node: &Node,
        pick: &Text,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Result<(), End> {
        let listed = self.inner.run_on(node, "popupOptions", json!([])).await?;
        let i = exactly_one(&texts_of(&listed), pick)?;
        let option = self.kept(node, &listed, i).await?;
        done(self.try_click(&option.node, attempt, before).await)
    }

    /// Checked, selected or pressed; `None` where that means nothing.
    pub async fn is_checked(&self, node: &Node) -> Attempted<Option<bool>> {
        self.checked(node).await.into()
    }

    async fn checked(&self, node: &Node) -> Result<Option<bool>, Error> {
        Ok(self.inner.run_on(node, "checked", json!([])).await?.as_bool())
    }

    /// Whether the document of a node has been, or is being, replaced.
    async fn is_left(&self, node: &Node) -> bool {
        let soon = Deadline::within(SHOWS);
        let left = |s: &mut super::page::PageState| {
            let frame = s.frames.iter().find(|f| f.id == node.frame);
            (frame.is_none_or(|f| f.loader != node.loader) || s.pending.contains_key(&node.frame))
                .then_some(())
        };
        matches!(self.inner.until(soon, left).await, Ok(Some(())))
    }

    async fn kept(&self, near: &Node, listed: &Value, i: usize) -> Result<Found, End> {
        let world = self.inner.world(&near.frame).await?;
        let token = listed.get("token").and_then(Value::as_i64).unwrap_or(0);
        let mut found = self.inner.picked(&world, &near.frame, token, &[i]).await?;
        found.pop().ok_or(End::Wait(Why::Detached))
    }

    async fn label_of(&self, node: &Node) -> Result<Option<Node>, Error> {
        self.picked_one(node, "labelOf", json!([])).await
    }
}

fn texts_of(listed: &Value) -> Vec<String> {
    let texts = listed.get("texts").and_then(Value::as_array);
    texts.into_iter().flatten().map(|t| text(t, "/0").to_owned()).collect()
}

fn exactly_one(labels: &[String], wanted: &Text) -> Result<usize, End> {
    let hits: Vec<usize> = (0..labels.len()).filter(|i| wanted.accepts_name(&labels[*i])).collect();
    match hits.as_slice() {
        [one] => Ok(*one),
        [] => Err(End::Wait(Why::NoOption(labels.iter().take(20).cloned().collect()))),
        many => Err(End::Wait(Why::Ambiguous(
            many.iter().take(10).map(|i| labels[*i].clone()).collect(),
        ))),
    }
}

fn done<T>(tried: Attempted<T>) -> Result<(), End> {
    match tried {
        Attempted::Done(_) => Ok(()),
        Attempted::Wait(w) => Err(End::Wait(w)),
        Attempted::Stop(s) => Err(End::Stop(s)),
    }
}
