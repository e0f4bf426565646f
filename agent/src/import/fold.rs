//! Steps as the Recorder writes them → what a person did: clicks that only led into a field, keys and scrolling fall
//! away, and what is left is put together page by page.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::ask::{Ask, Note};
use super::format::{Kind, Landing, Recording, Step};
use super::secret::Alias;
use super::selector::{Alternative, Control, alternative, control, spoken, words};

/// What was done between two navigations.
#[derive(Default)]
pub(super) struct Page {
    /// The page as the step that led here saw it.
    pub(super) landing: Option<Landing>,
    /// The address, where it was typed by hand, and the step's place.
    pub(super) opened: Option<(String, String)>,
    pub(super) acts: Vec<Act>,
    /// Elements that were waited for before anything was clicked.
    pub(super) waits: Vec<Seen>,
}

/// One thing a person did.
pub(super) struct Act {
    pub(super) doing: Doing,
    /// Where in the file.
    pub(super) path: String,
    pub(super) asks: Vec<Ask>,
}

/// Its kind.
pub(super) enum Doing {
    Fill {
        on: Seen,
        value: Typed,
    },
    Choose {
        on: Seen,
        value: Typed,
    },
    Attach {
        on: Seen,
        value: Typed,
    },
    /// Typed, then picked from what was offered; `None` when it was picked by keys.
    Suggest {
        on: Seen,
        value: Typed,
        pick: Option<Seen>,
    },
    Radio {
        on: Seen,
    },
    Tick {
        on: Seen,
    },
    Click {
        on: Seen,
    },
    /// A click on something named that shows no text: most likely a box or a radio.
    Boxlike {
        on: Seen,
    },
    /// The pointer rests here before the click that follows.
    Hover {
        on: Seen,
    },
    Press {
        key: &'static str,
    },
}

/// What was typed.
pub(super) enum Typed {
    Text(Zeroizing<String>),
    Secret(Alias),
}

/// An element as the recording knows it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) alternatives: Vec<Alternative>,
    pub(super) words: String,
    pub(super) control: Control,
    pub(super) in_frame: bool,
    pub(super) window: Option<String>,
    pub(super) path: String,
}

impl Seen {
    fn of(step: &Step) -> Self {
        let alternatives: Vec<Alternative> =
            step.selectors.iter().filter_map(|parts| alternative(parts)).collect();
        let spoken = step.selectors.iter().flatten().filter(|part| !part.starts_with("text/"));
        let words = words(spoken);
        Self {
            control: control(&alternatives, &words),
            alternatives,
            words,
            in_frame: !step.frame.is_empty(),
            window: step.target.clone(),
            path: step.path(),
        }
    }

    /// Its accessible name.
    pub(super) fn name(&self) -> Option<&str> {
        self.alternatives.iter().find_map(|alternative| match alternative {
            Alternative::Aria(path) => spoken(path).map(|(named, _)| named.name.as_str()),
            _ => None,
        })
    }

    fn aria(&self) -> Option<&Alternative> {
        self.alternatives.iter().find(|alternative| matches!(alternative, Alternative::Aria(_)))
    }

    /// Whether both are the same element of one page: the same name, or, where one has none, a selector in common.
    fn same(&self, other: &Self) -> bool {
        let frames = (self.in_frame, &self.window) == (other.in_frame, &other.window);
        match (self.aria(), other.aria()) {
            _ if !frames => false,
            (Some(one), Some(two)) => one == two,
            _ => self.alternatives.iter().any(|one| {
                matches!(one, Alternative::Css(_) | Alternative::Xpath(_))
                    && other.alternatives.contains(one)
            }),
        }
    }
}

/// A folded recording.
pub(super) struct Folded {
    pub(super) pages: Vec<Page>,
    pub(super) notes: Vec<Note>,
    /// Questions after the last act.
    pub(super) asks: Vec<Ask>,
}

/// Keys a script can press in a field.
const KEYS: [&str; 8] =
    ["Enter", "Tab", "Escape", "ArrowDown", "ArrowUp", "PageDown", "Home", "End"];

/// Folds a recording without secrets.
pub(super) fn fold(recording: &Recording, aliases: &BTreeMap<usize, Alias>) -> Folded {
    let seen: Vec<Option<Seen>> = recording
        .steps
        .iter()
        .map(|step| match step.kind {
            Kind::Click { .. }
            | Kind::Change { .. }
            | Kind::Hover
            | Kind::WaitForElement { .. } => Some(Seen::of(step)),
            _ => None,
        })
        .collect();
    let mut folding = Folding {
        steps: &recording.steps,
        seen,
        aliases,
        pages: vec![Page::default()],
        notes: Vec::new(),
        pending: Vec::new(),
        left_out: BTreeMap::new(),
    };
    for at in 0..recording.steps.len() {
        folding.step(at);
        folding.landed(at);
    }
    for (what, count) in &folding.left_out {
        folding.notes.push(Note::new("", format!("{count} × {what}: left out, scripts need none")));
    }
    folding
        .pages
        .retain(|page| !page.acts.is_empty() || page.opened.is_some() || page.landing.is_some());
    Folded { pages: folding.pages, notes: folding.notes, asks: folding.pending }
}

/// Whether it is a page of the browser itself.
fn is_blank(url: &str) -> bool {
    ["about:", "chrome:", "edge:", "data:"].iter().any(|scheme| url.starts_with(scheme))
}

struct Folding<'a> {
    steps: &'a [Step],
    seen: Vec<Option<Seen>>,
    aliases: &'a BTreeMap<usize, Alias>,
    pages: Vec<Page>,
    notes: Vec<Note>,
    pending: Vec<Ask>,
    left_out: BTreeMap<&'static str, usize>,
}

impl Folding<'_> {
    fn page(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push(Page::default());
        }
        self.pages.last_mut().expect("one was pushed")
    }

    fn leave_out(&mut self, what: &'static str) {
        *self.left_out.entry(what).or_default() += 1;
    }

    fn act(&mut self, at: usize, doing: Doing) {
        let asks = std::mem::take(&mut self.pending);
        let path = self.steps[at].path();
        self.page().acts.push(Act { doing, path, asks });
    }

    fn step(&mut self, at: usize) {
        let step = &self.steps[at];
        let path = step.path();
        match &step.kind {
            Kind::Navigate { url } => self.navigate(at, url),
            Kind::Click { double, primary } => self.click(at, *double, *primary),
            Kind::Change { value } => self.change(at, value),
            Kind::Hover => {
                let next = self.next_act(at);
                let here = self.seen[at].as_ref();
                let same = next.and_then(|next| self.seen[next].as_ref()).zip(here);
                let click = next.is_some_and(|next| {
                    matches!(self.steps[next].kind, Kind::Click { primary: true, .. })
                });
                match here.cloned() {
                    Some(on) if click && !same.is_some_and(|(next, here)| next.same(here)) => {
                        self.act(at, Doing::Hover { on });
                    }
                    _ => self.leave_out("hover"),
                }
            }
            Kind::Key { down, key } => self.key(at, *down, key),
            Kind::WaitForElement { plain } => self.wait(at, *plain),
            Kind::Dropped(kind) => self.leave_out(kind),
            Kind::Foreign(kind) => {
                let text = match *kind {
                    "close" => "A window was closed here. Which page shows then?",
                    "waitForExpression" => {
                        "The recording waits for an expression here, which is code and not imported. Which screen \
                         is waited for?"
                    }
                    "emulateNetworkConditions" => {
                        "The recording slows the network here; that is not imported. Remove this comment."
                    }
                    _ => "A step of an extension stands here and is not imported. What does it do?",
                };
                self.pending.push(Ask::new(path, text));
            }
        }
    }

    /// The next step that acts on an element or an address.
    fn next_act(&self, at: usize) -> Option<usize> {
        (at + 1..self.steps.len()).find(|next| {
            matches!(
                self.steps[*next].kind,
                Kind::Click { .. } | Kind::Change { .. } | Kind::Navigate { .. }
            )
        })
    }

    fn navigate(&mut self, at: usize, url: &str) {
        let front = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let path = format!("{}.url", self.steps[at].path());
        let here = self.page();
        let there = here.landing.as_ref().and_then(|landing| landing.url.as_deref()).map(front);
        if here.acts.is_empty() && there.is_some_and(|there| there == front(url)) {
            return;
        }
        let fresh = here.acts.is_empty() && here.opened.is_none() && here.landing.is_none();
        if is_blank(url) {
            self.notes.push(Note::new(path, "an empty page of the browser; left out"));
            return;
        }
        if !fresh {
            self.pages.push(Page::default());
        }
        let landing =
            Landing { url: Some(url.to_owned()).filter(|url| !url.is_empty()), title: None };
        let page = self.page();
        page.landing = Some(landing);
        page.opened = Some((url.to_owned(), path));
    }

    /// A step that led to another page ends the page.
    fn landed(&mut self, at: usize) {
        let Some(landing) = self.steps[at].landed.clone() else { return };
        if landing.url.as_deref().is_some_and(is_blank) {
            return;
        }
        let navigated = matches!(self.steps[at].kind, Kind::Navigate { .. });
        let page = self.page();
        if navigated || page.acts.is_empty() {
            let before = page.landing.take().unwrap_or_default();
            page.landing = Some(Landing { url: landing.url.or(before.url), title: landing.title });
        } else {
            self.pages.push(Page { landing: Some(landing), ..Page::default() });
        }
    }

    /// Whether this element is typed into on this page.
    fn is_field(&self, at: usize, seen: &Seen) -> bool {
        let here = |at: &usize| self.steps[*at].landed.is_none();
        let back = (0..at).rev().take_while(here);
        let forth = at..self.steps.len();
        let mut ended = false;
        let forth = forth.take_while(move |at| {
            let more = !ended;
            ended = !here(at);
            more
        });
        back.chain(forth).any(|other| {
            matches!(self.steps[other].kind, Kind::Change { .. })
                && self.seen[other].as_ref().is_some_and(|other| other.same(seen))
        })
    }

    fn click(&mut self, at: usize, double: bool, primary: bool) {
        let Some(on) = self.seen[at].clone() else { return };
        let path = self.steps[at].path();
        if !primary {
            let text = "Another mouse button was used here. Scripts click with the first one only: what does it do?";
            self.pending.push(Ask::new(path, text));
            return;
        }
        let boxed = matches!(on.control, Control::Check | Control::Radio);
        if !boxed && (on.control == Control::File || self.is_field(at, &on)) {
            return;
        }
        let offered = on.control == Control::Option || self.looks_offered(at, &on);
        if offered
            && let Some(act) = self.page().acts.last_mut()
            && let Doing::Fill { on: field, value: Typed::Text(typed) } = &mut act.doing
        {
            let value = Typed::Text(std::mem::take(typed));
            let field = field.clone();
            act.doing = Doing::Suggest { on: field, value, pick: Some(on) };
            return;
        }
        match on.control {
            Control::Radio => self.act(at, Doing::Radio { on }),
            Control::Check => self.act(at, Doing::Tick { on }),
            Control::Picture => {
                let text = "A place in a picture was clicked. Scripts know no coordinates: which control does the same?";
                self.pending.push(Ask::new(path, text));
                self.act(at, Doing::Click { on });
            }
            _ => {
                if self.is_boxlike(at, &on) {
                    self.act(at, Doing::Boxlike { on });
                    return;
                }
                if double {
                    let text = "This was a double click; scripts click once. Is that enough?";
                    self.pending.push(Ask::new(path, text));
                }
                self.act(at, Doing::Click { on });
            }
        }
    }

    /// Whether a click right after typing picks what the typing brought up: it shows the typed text.
    fn looks_offered(&mut self, at: usize, on: &Seen) -> bool {
        let stays = self.steps[at].landed.is_none();
        let last = self.page().acts.last();
        let Some(Doing::Fill { value: Typed::Text(typed), .. }) = last.map(|act| &act.doing) else {
            return false;
        };
        let shows =
            on.name().is_some_and(|name| name.to_lowercase().contains(&typed.to_lowercase()));
        stays && shows && on.control == Control::Unknown && typed.chars().count() >= 2
    }

    /// Whether a click met something with a name but without text that led nowhere. The Recorder writes no roles where
    /// the name alone is enough, so a box looks like this.
    fn is_boxlike(&self, at: usize, on: &Seen) -> bool {
        let text = on.alternatives.iter().any(|one| matches!(one, Alternative::Text(_)));
        on.control == Control::Unknown
            && !text
            && on.name().is_some()
            && self.steps[at].landed.is_none()
    }

    fn change(&mut self, at: usize, value: &Zeroizing<String>) {
        let Some(on) = self.seen[at].clone() else { return };
        let value = match self.aliases.get(&at) {
            Some(alias) => Typed::Secret(*alias),
            None => Typed::Text(value.clone()),
        };
        let faked = matches!(&value, Typed::Text(text) if text.contains("\\fakepath\\"));
        let doing = match on.control {
            _ if matches!(value, Typed::Secret(_)) => Doing::Fill { on, value },
            _ if faked => Doing::Attach { on, value },
            Control::File => Doing::Attach { on, value },
            Control::Select => Doing::Choose { on, value },
            Control::Check => Doing::Tick { on },
            Control::Radio => Doing::Radio { on },
            _ => Doing::Fill { on, value },
        };
        // of several changes of one field the last counts
        let acts = &mut self.page().acts;
        let since = acts.iter().rposition(|act| {
            matches!(act.doing, Doing::Click { .. } | Doing::Press { .. } | Doing::Suggest { .. })
        });
        let target = |doing: &Doing| match doing {
            Doing::Fill { on, .. }
            | Doing::Choose { on, .. }
            | Doing::Attach { on, .. }
            | Doing::Tick { on }
            | Doing::Radio { on } => Some(on.clone()),
            Doing::Suggest { .. }
            | Doing::Click { .. }
            | Doing::Press { .. }
            | Doing::Boxlike { .. }
            | Doing::Hover { .. } => None,
        };
        let start = since.map_or(0, |at| at + 1);
        let new = target(&doing);
        let earlier = acts[start..].iter_mut().find(|act| {
            target(&act.doing).zip(new.as_ref()).is_some_and(|(old, new)| old.same(new))
        });
        match earlier {
            Some(act) => act.doing = doing,
            None => self.act(at, doing),
        }
    }

    fn key(&mut self, at: usize, down: bool, key: &str) {
        let Some(key) = KEYS.iter().copied().find(|known| *known == key).filter(|_| down) else {
            self.leave_out("key");
            return;
        };
        let moves_on = key == "Tab"
            && self.steps[at].landed.is_none()
            && self.next_act(at).is_some_and(|next| self.seen[next].is_some());
        let picks = matches!(key, "ArrowDown" | "ArrowUp");
        let last = self.page().acts.last_mut();
        match last.map(|act| &mut act.doing) {
            _ if moves_on => self.leave_out("key"),
            Some(Doing::Suggest { pick: None, .. }) => {}
            Some(Doing::Fill { on, value: Typed::Text(typed) }) if picks => {
                let value = Typed::Text(std::mem::take(typed));
                let on = on.clone();
                if let Some(act) = self.page().acts.last_mut() {
                    act.doing = Doing::Suggest { on, value, pick: None };
                }
            }
            Some(Doing::Fill { .. } | Doing::Choose { .. } | Doing::Suggest { .. }) => {
                self.act(at, Doing::Press { key });
            }
            _ => self.leave_out("key"),
        }
    }

    fn wait(&mut self, at: usize, plain: bool) {
        let Some(seen) = self.seen[at].clone() else { return };
        let path = self.steps[at].path();
        let clicked = self.page().acts.iter().any(|act| matches!(act.doing, Doing::Click { .. }));
        if plain && !clicked {
            self.page().waits.push(seen);
            return;
        }
        let text = "The recording waits for something to show, change or go here. Which screen is that? Declare it \
                    and name it in `until`.";
        self.pending.push(Ask::new(path, text));
    }
}
