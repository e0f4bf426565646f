//! `attach`: files, and what the page makes of them. Attached is what the page lists or has sent and nothing complains
//! about; `upload_rejected` carries the page's words.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use domain::script::{
    ast::{Attach, Target},
    text::normalise,
    value::Value,
};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

use super::{Halt, Portal, act::Deed};
use crate::browser::{Alarm, Deadline, Event, Page};

/// How long a page may take to show a file or to complain, once nothing is being sent.
const SHOWS: Duration = Duration::from_secs(5);
/// How long the end of a request may be told after the page made words of it.
const HEARS: Duration = Duration::from_millis(500);
/// The least time a page is given to complain, however still it is.
const THINKS: Duration = Duration::from_millis(400);
/// Words by which a message that is no alert complains.
const COMPLAINS: [&str; 14] = [
    "not ",
    "cannot",
    "can't",
    "too ",
    "exceed",
    "invalid",
    "unsupported",
    "fail",
    "error",
    "reject",
    "refused",
    "must be",
    "only ",
    "unable",
];
/// Words by which an alert says that all is well.
const PRAISES: [&str; 6] = ["success", "uploaded", "attached", "received", "complete", "added"];

/// What was sent since the files were given.
#[derive(Default)]
struct Sent {
    /// Request → whether it has ended.
    open: BTreeMap<String, bool>,
    done: bool,
    refused: Option<String>,
    cut: bool,
}

impl Sent {
    fn take(&mut self, events: &mut Receiver<Event>) {
        loop {
            match events.try_recv() {
                Ok(event) => self.see(event),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Request { id, method, has_body: true, kind, .. }
                if matches!(method.as_str(), "POST" | "PUT" | "PATCH")
                    && !matches!(kind.as_str(), "Ping" | "CSPViolationReport") =>
            {
                self.open.insert(id, false);
            }
            Event::Response { id, status, .. } if self.open.contains_key(&id) => {
                if status >= 400 {
                    self.refused = Some(format!("the portal answered with status {status}"));
                } else {
                    self.done = true;
                }
            }
            Event::Finished { id, .. } => self.ended(&id),
            Event::Failed { id, .. } => {
                self.cut |= self.open.contains_key(&id);
                self.ended(&id);
            }
            _ => {}
        }
    }

    fn ended(&mut self, id: &str) {
        if let Some(ended) = self.open.get_mut(id) {
            *ended = true;
        }
    }

    /// Waits a moment for what is still to be told of the requests: a page may make words of an answer before its status is known here.
    async fn hear(&mut self, events: &mut Receiver<Event>) {
        let rest = async {
            while !self.is_over() {
                match events.recv().await {
                    Ok(event) => self.see(event),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        };
        // What is not told by then is not waited for: the words are enough.
        let _told = tokio::time::timeout(HEARS, rest).await;
    }

    fn is_over(&self) -> bool {
        self.open.values().all(|ended| *ended)
    }
}

impl Portal<'_> {
    /// Attaches, waits for what the page sends, and reads what it says. `judged`: a wait follows in the same step, whose
    /// screens know better what a complaint means; it is given back then.
    pub(crate) async fn attach(
        &mut self,
        attach: &Attach,
        within: Deadline,
        judged: bool,
    ) -> Result<Option<String>, Halt> {
        let files = match self.eval(|scope| scope.value(&attach.file))? {
            Value::File(file) => vec![file],
            Value::List(items) => items
                .into_iter()
                .filter_map(|item| if let Value::File(file) = item { Some(file) } else { None })
                .collect(),
            _ => return Err(self.bad_input("what is attached is not a file")),
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for file in &files {
            let path = self.doors.document(file).await;
            paths.push(path.map_err(|denied| self.denied(denied))?);
        }
        let names: Vec<String> = paths
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| normalise(&name.to_string_lossy()))
            .collect();
        let target = Target::Named(attach.element.clone());
        let page = self.page()?;
        let before = page.alarms().await.unwrap_or_default();
        drop(page.take_live_texts());
        let mut events = self.session.context.events();
        let did = self.deed(&target, &Deed::Upload(paths), within).await?;
        self.observe.log(&format!("{} ← {} file(s)", attach.element, files.len()));
        let taken = self.taken(&mut events, &before, &names, &did.shown, within).await;
        self.payload.push(format!("{}={}", attach.element, did.shown));
        match taken {
            Ok(()) => Ok(None),
            Err(Halt::Failed(failure)) if judged && failure.name == "upload_rejected" => {
                self.observe.log(&format!("the page complains: {}", failure.detail));
                Ok(Some(failure.detail.clone()))
            }
            Err(halt) => Err(halt),
        }
    }

    /// Waits until the files are sent or listed and nothing complains.
    async fn taken(
        &mut self,
        events: &mut Receiver<Event>,
        before: &[Alarm],
        names: &[String],
        shown: &str,
        within: Deadline,
    ) -> Result<(), Halt> {
        let mut sent = Sent::default();
        let mut patience = within.at_most(SHOWS);
        let thought = within.at_most(THINKS);
        loop {
            self.may_go_on()?;
            let page = self.page()?;
            page.settle(within).await;
            page.quiet(within.at_most(Duration::from_secs(2))).await;
            self.check_dialogs().await?;
            sent.take(events);
            let words = complaint(&page, before).await;
            if words.is_some() && sent.refused.is_none() {
                sent.hear(events).await;
            }
            if let Some(why) = sent.refused.take() {
                let words = words.unwrap_or_default();
                return Err(self.raise(
                    "upload_rejected",
                    format!("{why}: {words}").trim_end_matches([':', ' ']),
                ));
            }
            if let Some(words) = words {
                return Err(self.raise("upload_rejected", &words));
            }
            if sent.cut && sent.is_over() && !sent.done {
                return Err(self.raise("not_actionable", "the upload was cut off"));
            }
            if thought.passed() && sent.is_over() && (sent.done || lists(&page, names, shown).await)
            {
                return Ok(());
            }
            if !sent.is_over() {
                patience = within.at_most(SHOWS);
            }
            if patience.passed() && (sent.done || lists(&page, names, shown).await) {
                // What is still being sent is the page's own affair.
                return Ok(());
            }
            if patience.passed() {
                let detail = if sent.is_over() {
                    "the page shows nothing of the file"
                } else {
                    "the upload did not end in time"
                };
                return Err(self.raise("upload_rejected", detail));
            }
            page.wait_change(patience.at_most(Duration::from_millis(250))).await;
        }
    }
}

/// What the page complains of that it did not before.
async fn complaint(page: &Page, before: &[Alarm]) -> Option<String> {
    let mut now = page.alarms().await.unwrap_or_default();
    let passing = page.take_live_texts().into_iter();
    now.extend(passing.map(|words| Alarm { loud: false, words }));
    now.into_iter().filter(|alarm| !before.contains(alarm)).find(complains).map(|alarm| alarm.words)
}

fn complains(alarm: &Alarm) -> bool {
    let words = alarm.words.to_lowercase();
    let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
    has(&COMPLAINS) || (alarm.loud && !has(&PRAISES))
}

/// Whether the input or the page lists every file.
async fn lists(page: &Page, names: &[String], shown: &str) -> bool {
    let shown = normalise(shown);
    if names.iter().all(|name| shown.contains(name.as_str())) {
        return true;
    }
    let text = page.visible_text().await.map(|text| normalise(&text)).unwrap_or_default();
    names.iter().all(|name| text.contains(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_complain_unless_they_praise_and_status_lines_only_in_words() {
        let alarm = |loud, words: &str| complains(&Alarm { loud, words: words.to_owned() });
        assert!(alarm(true, "Choose another file"));
        assert!(!alarm(true, "File uploaded"));
        assert!(alarm(true, "File was not uploaded"));
        assert!(alarm(false, "Only PDF files are allowed"));
        assert!(!alarm(false, "notes.pdf 12 kB"));
    }
}
