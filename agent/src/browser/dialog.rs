//! JavaScript dialogs: answered by a task of their own, at once, as declared or by a safe default.
//! Nothing ever waits for one.

use super::browser::text;
use super::connection::{CALL, lock};
use super::event::Event;
use super::page::PageInner;
use super::text::Text;
use serde_json::{Value, json};
use std::sync::Arc;

/// How undeclared dialogs are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialogMode {
    /// `alert` accepted, the rest dismissed (also `beforeunload`: the page stays).
    #[default]
    Normal,
    /// As normal, but `beforeunload` is accepted: the script itself leaves.
    Leaving,
    /// During a commit: everything undeclared is dismissed.
    Commit,
}

/// A dialog a step expects.
#[derive(Debug, Clone)]
pub struct DialogRule {
    /// `alert`, `confirm`, `prompt`, `beforeunload`; `None`: any.
    pub kind: Option<String>,
    /// The text it must have; `None`: any.
    pub text: Option<Text>,
    /// Press OK, or Cancel.
    pub accept: bool,
    /// What to enter into a prompt.
    pub prompt_text: Option<String>,
}

/// A dialog that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogSeen {
    /// `alert`, `confirm`, `prompt`, `beforeunload`.
    pub kind: String,
    /// Its text: page data.
    pub text: String,
    /// OK was pressed.
    pub accepted: bool,
    /// A rule had declared it.
    pub declared: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Dialogs {
    pub(crate) rules: Vec<DialogRule>,
    pub(crate) mode: DialogMode,
    pub(crate) seen: Vec<DialogSeen>,
}

impl Dialogs {
    fn decide(&self, kind: &str, words: &str) -> (bool, Option<String>, bool) {
        let declared = self.rules.iter().find(|r| {
            r.kind.as_deref().is_none_or(|k| k == kind)
                && r.text.as_ref().is_none_or(|t| t.accepts(words))
        });
        if let Some(rule) = declared {
            return (rule.accept, rule.prompt_text.clone(), true);
        }
        let accept = matches!(
            (self.mode, kind),
            (DialogMode::Leaving, "beforeunload")
                | (DialogMode::Normal | DialogMode::Leaving, "alert")
        );
        (accept, None, false)
    }
}

/// So many dialogs nobody has looked at in between are a page that will not stop: it is closed.
const STORM: usize = 50;

/// Answers a dialog that just opened.
pub(crate) fn opened(page: &Arc<PageInner>, session: &str, params: &Value) {
    let Some(context) = page.context.upgrade() else { return };
    let (kind, words) = (text(params, "/type").to_owned(), text(params, "/message").to_owned());
    let (accept, prompt_text, declared, storm) = {
        let dialogs = lock(&context.dialogs);
        let (accept, prompt_text, declared) = dialogs.decide(&kind, &words);
        (accept, prompt_text, declared, dialogs.seen.len() >= STORM)
    };
    if storm {
        let page = Arc::clone(page);
        tokio::spawn(async move {
            let params = json!({"targetId": page.id});
            // It may be gone already.
            let _closed = page.conn.call_raw(None, "Target.closeTarget", params, CALL).await;
        });
        return;
    }
    let session: Arc<str> = session.into();
    let page = Arc::clone(page);
    tokio::spawn(async move {
        let mut answer = json!({"accept": accept});
        if let Some(t) = prompt_text {
            answer["promptText"] = Value::String(t);
        }
        let call = page.conn.call_raw(Some(&session), "Page.handleJavaScriptDialog", answer, CALL);
        if let Err(e) = call.await {
            tracing::warn!(error = %e, "a dialog could not be answered");
        }
    });
    let seen = DialogSeen { kind, text: words, accepted: accept, declared };
    lock(&context.dialogs).seen.push(seen.clone());
    context.emit(Event::Dialog(seen));
    context.bump();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_answers_win_and_commits_dismiss() {
        let rule = DialogRule {
            kind: Some("confirm".into()),
            text: Some(Text::contains("submit")),
            accept: true,
            prompt_text: None,
        };
        let mut d = Dialogs { rules: vec![rule], ..Dialogs::default() };
        assert_eq!(d.decide("confirm", "Really Submit?"), (true, None, true));
        assert_eq!(d.decide("confirm", "Delete?"), (false, None, false));
        assert_eq!(d.decide("alert", "hi"), (true, None, false));
        assert!(!d.decide("beforeunload", "").0);
        d.mode = DialogMode::Leaving;
        assert!(d.decide("beforeunload", "").0);
        d.mode = DialogMode::Commit;
        assert!(!d.decide("alert", "hi").0);
        assert!(d.decide("confirm", "submit").0);
    }
}
