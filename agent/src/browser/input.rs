//! Text, keys and dates. Each function is one try; what was entered is read back from the
//! page. Values never reach a log.

use super::act::End;
use super::attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
use super::connection::CALL;
use super::error::Error;
use super::page::Page;
use super::query::{Node, Query};
use chromiumoxide::keys::get_key_definition;
use serde_json::{Value, json};

impl Page {
    /// Fills a text control, textarea, editable region or native date-like control and reads back.
    /// `Done` is what it shows now: the caller compares. A value that was not taken by insertion is
    /// typed key by key.
    pub async fn try_fill(&self, node: &Node, value: &str) -> Attempted<String> {
        self.fill_now(node, value).await.into()
    }

    async fn fill_now(&self, node: &Node, value: &str) -> Result<String, End> {
        self.ready(node, &["visible", "enabled", "editable"]).await?;
        match self.kind(node).await?.as_str() {
            "text" | "rich" | "password" => {}
            "native" => return self.native(node, value).await,
            other => return Err(wrong(other)),
        }
        self.insert(node, value).await?;
        let shown = self.shown(node).await?;
        if same_value(value, &shown) {
            return Ok(shown);
        }
        // Some masks only listen to keys.
        self.insert(node, "").await?;
        for c in value.chars() {
            self.key_char(c).await?;
        }
        self.shown(node).await
    }

    /// Resolves strictly and fills, until the deadline. What the control shows must be what was
    /// entered, apart from case and the punctuation of masks.
    ///
    /// # Errors
    /// The last reason to wait, or why it cannot work.
    pub async fn fill(
        &self,
        query: &Query,
        value: &str,
        deadline: Deadline,
    ) -> Result<String, NotDone> {
        let mut tries = Tries::until(deadline);
        loop {
            let tried = match self.one(query).await {
                Attempted::Done(found) => match self.try_fill(&found.stands_for, value).await {
                    Attempted::Done(shown) if same_value(value, &shown) => Attempted::Done(shown),
                    Attempted::Done(_) => Attempted::Wait(Why::NotShown),
                    other => other,
                },
                Attempted::Wait(w) => Attempted::Wait(w),
                Attempted::Stop(s) => Attempted::Stop(s),
            };
            if let Some(shown) = tries.next(tried).await? {
                return Ok(shown);
            }
        }
    }

    /// Clears a field and types a secret by one insertion; the answer is the length the field has
    /// now. The value is never read back, logged or kept.
    pub async fn type_text_unlogged(&self, node: &Node, secret: &str) -> Attempted<usize> {
        self.type_secret(node, secret).await.into()
    }

    async fn type_secret(&self, node: &Node, secret: &str) -> Result<usize, End> {
        self.ready(node, &["stable", "visible", "enabled", "editable"]).await?;
        match self.kind(node).await?.as_str() {
            "text" | "password" => {}
            other => return Err(wrong(other)),
        }
        self.insert(node, secret).await?;
        if !self.has_focus(node).await? {
            self.insert(node, "").await?;
            return Err(End::Wait(Why::Other(
                "the focus moved while a secret was typed; the field was cleared".into(),
            )));
        }
        let length = self.inner.run_on(node, "valueLength", json!([])).await?;
        Ok(length.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
    }

    /// An ISO date (`2026-11-22`) into a date control: natively where it is one, else as typed text
    /// in the order given by its placeholder (`MM/DD/YYYY` when it has none).
    pub async fn try_fill_date(&self, node: &Node, iso: &str) -> Attempted<String> {
        let kind = match self.kind(node).await {
            Ok(kind) => kind,
            Err(e) => return Attempted::from_error(e),
        };
        if kind == "native" {
            return self.try_fill(node, iso).await;
        }
        let hint = match self.inner.run_on(node, "hint", json!([])).await {
            Ok(v) => v.as_str().unwrap_or("").to_owned(),
            Err(e) => return Attempted::from_error(e),
        };
        match in_order(iso, &hint) {
            Some(value) => self.try_fill(node, &value).await,
            None => Attempted::Stop(Stop::Rejected("the date is not an ISO date".into())),
        }
    }

    /// Presses keys: `Enter`, `Tab`, `Control+A`, `ArrowDown`, or one character; on a node (focused
    /// first) or wherever the focus is.
    pub async fn press(&self, node: Option<&Node>, keys: &str) -> Attempted<()> {
        self.press_now(node, keys).await.into()
    }

    async fn press_now(&self, node: Option<&Node>, keys: &str) -> Result<(), End> {
        if let Some(node) = node {
            self.inner.run_on(node, "focus", json!([])).await?;
            if !self.has_focus(node).await? {
                return Err(End::Wait(Why::Other("it does not take the focus".into())));
            }
        }
        let mut parts: Vec<&str> = keys.split('+').collect();
        let key = match parts.pop() {
            Some("") => "+",
            Some(k) => k,
            None => return Ok(()),
        };
        let mut modifiers = 0;
        for m in parts.iter().filter(|p| !p.is_empty()) {
            modifiers |= match *m {
                "Alt" => 1,
                "Control" => 2,
                "Meta" => 4,
                "Shift" => 8,
                _ => return Err(End::Stop(Stop::WrongKind("an unknown modifier key".into()))),
            };
        }
        self.key(key, modifiers).await
    }

    pub(crate) async fn kind(&self, node: &Node) -> Result<String, Error> {
        Ok(self
            .inner
            .run_on(node, "kindOf", json!([]))
            .await?
            .as_str()
            .unwrap_or("none")
            .to_owned())
    }

    async fn shown(&self, node: &Node) -> Result<String, End> {
        let value = self.inner.run_on(node, "value", json!([])).await?;
        Ok(value.as_str().unwrap_or("").to_owned())
    }

    async fn has_focus(&self, node: &Node) -> Result<bool, Error> {
        Ok(self.inner.run_on(node, "focused", json!([])).await?.as_bool() == Some(true))
    }

    async fn native(&self, node: &Node, value: &str) -> Result<String, End> {
        let shown = self.inner.run_on(node, "setNative", json!([value])).await?;
        let shown = shown.as_str().unwrap_or("").to_owned();
        if shown.is_empty() && !value.is_empty() {
            return Err(End::Stop(Stop::Rejected(
                "the value did not stick in a native control".into(),
            )));
        }
        Ok(shown)
    }

    /// Focus, select all, one insertion (or Delete).
    pub(crate) async fn insert(&self, node: &Node, value: &str) -> Result<(), End> {
        let focused = self.inner.run_on(node, "focusAll", json!([])).await?;
        if focused.as_str() != Some("ok") {
            return Err(End::Wait(Why::Other("it does not take the focus".into())));
        }
        if value.is_empty() {
            return self.key("Delete", 0).await;
        }
        let session = self.inner.frame_state(&node.frame).ok_or(Error::Closed)?.session;
        let params = json!({"text": value});
        self.inner.conn.call_raw(Some(&session), "Input.insertText", params, CALL).await?;
        Ok(())
    }

    pub(crate) async fn key_char(&self, c: char) -> Result<(), End> {
        let mut buffer = [0_u8; 4];
        let s: &str = c.encode_utf8(&mut buffer);
        if get_key_definition(s).is_some() {
            return self.key(s, 0).await;
        }
        self.inner.call_raw("Input.insertText", json!({"text": s})).await?;
        Ok(())
    }

    async fn key(&self, key: &str, modifiers: u32) -> Result<(), End> {
        let known = if key == "Space" { " " } else { key };
        let Some(def) = get_key_definition(known) else {
            return Err(End::Stop(Stop::WrongKind("an unknown key".into())));
        };
        let typed = def.text.or((def.key.chars().count() == 1).then_some(def.key));
        let typed = if modifiers & !8 == 0 { typed } else { None };
        let base = json!({"key": def.key, "code": def.code, "windowsVirtualKeyCode": def.key_code,
            "nativeVirtualKeyCode": def.key_code, "modifiers": modifiers});
        let mut down = base.clone();
        down["type"] = json!(if typed.is_some() { "keyDown" } else { "rawKeyDown" });
        if let Some(t) = typed {
            down["text"] = json!(t);
        }
        if modifiers == 2 && matches!(key, "a" | "A") {
            down["commands"] = json!(["selectAll"]);
        }
        let mut up: Value = base;
        up["type"] = json!("keyUp");
        self.inner.acted();
        for event in [down, up] {
            self.inner.call_raw("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }
}

fn wrong(kind: &str) -> End {
    let said = if kind == "none" { "it is not a control" } else { kind };
    End::Stop(Stop::WrongKind(said.to_owned()))
}

/// Equal after trimming, apart from letter case and the punctuation masks add.
#[must_use]
pub fn same_value(wanted: &str, shown: &str) -> bool {
    let (w, s) = (wanted.trim(), shown.trim());
    if w == s || w.replace("\r\n", "\n") == s {
        return true;
    }
    // A password gives dots: only the length can be compared.
    if !s.is_empty() && s.chars().all(|c| c == '\u{2022}') {
        return s.chars().count() == wanted.encode_utf16().count();
    }
    let bare = |t: &str| {
        t.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let (bw, bs) = (bare(w), bare(s));
    !bw.is_empty() && bw == bs
}

/// An ISO date in the order a placeholder shows.
fn in_order(iso: &str, hint: &str) -> Option<String> {
    let parts: Vec<&str> = iso.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let good = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    if !good(year, 4) || !good(month, 2) || !good(day, 2) {
        return None;
    }
    let hint = hint.to_ascii_lowercase();
    let position = |mark: &str| hint.find(mark);
    let (Some(y), Some(m), Some(d)) = (position("yy"), position("mm"), position("dd")) else {
        return Some(format!("{month}/{day}/{year}"));
    };
    let separator =
        hint.chars().find(|c| matches!(c, '/' | '-' | '.')).map(String::from).unwrap_or_default();
    let short = !hint.contains("yyyy");
    let mut order = [(y, if short { &year[2..] } else { year }), (m, month), (d, day)];
    order.sort_by_key(|o| o.0);
    Some(order.map(|o| o.1).join(&separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_hint() {
        assert_eq!(in_order("2026-11-02", "").as_deref(), Some("11/02/2026"));
        assert_eq!(in_order("2026-11-02", "DD.MM.YYYY").as_deref(), Some("02.11.2026"));
        assert_eq!(in_order("2026-11-02", "mm/dd/yy").as_deref(), Some("11/02/26"));
        assert_eq!(in_order("11/02/2026", ""), None);
    }

    #[test]
    fn masks_and_case_are_not_differences_but_missing_digits_are() {
        assert!(same_value("5551234567", "(555) 123-4567"));
        assert!(same_value("abc", "ABC "));
        assert!(!same_value("12345", "1234"));
        assert!(!same_value("x", ""));
        assert!(same_value("s3cret", "\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}"));
    }
}
