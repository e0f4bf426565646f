//! What a draft holds: steps, screens, hosts and tables, ready to be written.

use super::address::Address;
use super::ask::{Ask, Note};
use super::element::{Element, Elements};
use super::fold::{Act, Doing, Folded, Page, Seen, Typed};
use super::put::{Field, Verb};
use super::secret::Alias;
use super::steps::{Draftee, End, gather};
use super::values::Values;
use super::yaml::{Matched, Names, snake};
use super::{privacy::Taint, screens};

/// A whole draft.
pub(super) struct Draft {
    pub(super) hosts: Vec<Host>,
    pub(super) needs: Vec<String>,
    pub(super) secrets: Vec<Alias>,
    pub(super) words: Vec<Table>,
    pub(super) changes: bool,
    pub(super) instants: bool,
    pub(super) elements: Vec<Element>,
    pub(super) screens: Vec<Screen>,
    pub(super) nodes: Vec<Node>,
    /// Questions that follow the last act.
    pub(super) asks: Vec<Ask>,
    pub(super) notes: Vec<Note>,
    pub(super) with_values: bool,
}

/// A host and whether secrets are typed there.
pub(super) struct Host {
    pub(super) name: String,
    pub(super) login: bool,
    pub(super) asks: Vec<Ask>,
}

/// Our words and the portal's; what is not known is left to a person.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) leaf: usize,
    pub(super) rows: Vec<(String, Option<String>)>,
    pub(super) path: String,
}

/// How a page is recognised.
pub(super) struct Screen {
    pub(super) name: String,
    pub(super) see: Vec<usize>,
    pub(super) url: Option<String>,
    pub(super) title: Option<Matched>,
    /// Its text is left to a person.
    pub(super) open: bool,
    pub(super) asks: Vec<Ask>,
}

/// A node of the flow.
pub(super) enum Node {
    Step(Step),
    Commit(Commit),
}

/// A step.
#[derive(Default)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) read: bool,
    pub(super) sounds_like_a_submission: bool,
    pub(super) each: Option<(String, String)>,
    /// `Some(None)`: an address that a person has to give.
    pub(super) open: Option<Option<String>>,
    pub(super) verbs: Vec<Written>,
    pub(super) until: Option<String>,
    pub(super) asks: Vec<Ask>,
}

/// A verb with its parts as YAML.
pub(super) enum Written {
    Fields(Verb, Vec<Cell>),
    Verify,
    Hover(String),
    Click(String),
    Press(&'static str),
}

/// One field of a verb.
pub(super) struct Cell {
    pub(super) element: String,
    pub(super) value: String,
    pub(super) asks: Vec<Ask>,
}

/// The proposed commit.
pub(super) struct Commit {
    pub(super) name: String,
    pub(super) click: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) path: String,
    pub(super) asks: Vec<Ask>,
}

/// Builds the draft of a folded recording.
pub(super) fn build(folded: Folded, typed: &Taint, values: Values, with_values: bool) -> Draft {
    let elements = Elements::new(typed, &values);
    let mut builder = Builder {
        values,
        elements,
        typed,
        hosts: Vec::new(),
        secrets: Vec::new(),
        words: Vec::new(),
        tables: Names::with('_'),
        notes: folded.notes,
        with_values,
        windows: false,
    };
    let mut pages: Vec<Built> = Vec::new();
    for page in &folded.pages {
        let built = builder.page(page, pages.last());
        pages.push(built);
    }
    let mut screens = screens::declare(&pages, &builder.elements);
    let names: Vec<String> =
        screens.of_page.iter().map(|at| screens.list[*at].name.clone()).collect();
    let nodes = builder.flow(&pages, &names);
    let shown: Vec<&String> = nodes.iter().flat_map(Node::screens).collect();
    screens.list.retain(|screen| shown.contains(&&screen.name));
    for screen in &screens.list {
        screen.see.iter().for_each(|at| builder.elements.list[*at].used = true);
    }
    Draft {
        hosts: builder.hosts,
        needs: builder.values.needs(),
        secrets: builder.secrets,
        changes: nodes.iter().any(|node| matches!(node, Node::Step(step) if step.changes())),
        instants: builder.values.uses_instants(),
        words: builder.words,
        elements: builder.elements.list,
        screens: screens.list,
        nodes,
        asks: folded.asks,
        notes: builder.notes,
        with_values,
    }
}

impl Node {
    /// The screens it waits for or speaks of.
    fn screens(&self) -> Vec<&String> {
        match self {
            Self::Step(step) => step.until.iter().collect(),
            Self::Commit(commit) => commit.before.iter().chain(&commit.after).collect(),
        }
    }
}

impl Step {
    /// Whether it leaves something in an unfinished request.
    fn changes(&self) -> bool {
        !self.read && !self.verbs.is_empty()
    }
}

/// A page of the recording with its steps.
pub(super) struct Built {
    pub(super) address: Option<Address>,
    pub(super) title: Option<Matched>,
    /// What can be seen on it before anything is clicked.
    pub(super) see: Vec<usize>,
    pub(super) steps: Vec<Draftee>,
    /// Opened by hand: the address, if it may be written, and its place.
    pub(super) opened: Option<(Option<String>, String, Vec<Ask>)>,
    pub(super) path: String,
}

pub(super) struct Builder<'a> {
    pub(super) values: Values,
    pub(super) elements: Elements<'a>,
    typed: &'a Taint,
    hosts: Vec<Host>,
    pub(super) secrets: Vec<Alias>,
    pub(super) words: Vec<Table>,
    pub(super) tables: Names,
    pub(super) notes: Vec<Note>,
    pub(super) with_values: bool,
    windows: bool,
}

impl Builder<'_> {
    fn page(&mut self, page: &Page, before: Option<&Built>) -> Built {
        let landing = page.landing.clone().unwrap_or_default();
        let address = landing.url.as_deref().and_then(|url| self.address(url));
        let opened = page.opened.as_ref().map(|(url, path)| self.opened(url, path));
        let host = address.as_ref().or(before.and_then(|page| page.address.as_ref()));
        let host = host.map(|address| address.host.clone());
        let path = page.acts.first().map(|act| act.path.clone());
        let path = path.or(page.opened.as_ref().map(|(_, path)| path.clone())).unwrap_or_default();
        let title = landing.title.as_deref().map(domain::script::text::spaced);
        let title = title.and_then(|title| match self.elements.caption(&title, &mut self.values) {
            Some(Matched::Equals(text)) if !text.contains("${") => Some(Matched::Equals(text)),
            _ => None,
        });
        let mut see = Vec::new();
        for seen in &page.waits {
            see.push(self.elements.add(seen, false, &mut self.values));
        }
        let mut fields = Vec::new();
        let mut steps = Vec::new();
        let mut clicked = false;
        let (mut over, mut hover_asks) = (None, Vec::new());
        for (at, act) in page.acts.iter().enumerate() {
            self.window(act);
            let landed = at + 1 == page.acts.len();
            let end = match &act.doing {
                Doing::Click { on } => {
                    let element = self.elements.add(on, false, &mut self.values);
                    let (path, mut asks) = (act.path.clone(), std::mem::take(&mut hover_asks));
                    asks.extend(act.asks.iter().cloned());
                    Some(End::Click { over: over.take(), element, path, asks })
                }
                Doing::Hover { on } => {
                    over = Some(self.elements.add(on, false, &mut self.values));
                    hover_asks.extend(act.asks.iter().cloned());
                    None
                }
                Doing::Press { key } => Some(End::Press { key, asks: act.asks.clone() }),
                _ => {
                    let field = self.field(act);
                    if let Some(field) = &field
                        && !clicked
                        && field.verb != Verb::Attach
                    {
                        see.push(field.element);
                    }
                    fields.extend(field);
                    None
                }
            };
            if let Some(end) = end {
                if let (End::Click { element, .. }, false) = (&end, clicked) {
                    see.push(*element);
                }
                clicked = true;
                let done = std::mem::take(&mut fields);
                steps.extend(gather(done, Some(end), landed, &self.values));
            }
        }
        steps.extend(gather(fields, None, true, &self.values));
        if steps.iter().any(Draftee::types_a_secret) {
            self.log_in(host.as_deref());
        }
        see.retain(|at| !self.elements.list[*at].is_unknown());
        let mut once = Vec::new();
        see.into_iter().for_each(|at| {
            if !once.contains(&at) {
                once.push(at);
            }
        });
        once.truncate(3);
        Built { address, title, see: once, steps, opened, path }
    }

    fn address(&mut self, url: &str) -> Option<Address> {
        let address = Address::read(url, self.typed)?;
        self.host(&address.host);
        Some(address)
    }

    fn host(&mut self, name: &str) -> &mut Host {
        let at = self.hosts.iter().position(|host| host.name == name).unwrap_or_else(|| {
            self.hosts.push(Host { name: name.to_owned(), login: false, asks: Vec::new() });
            self.hosts.len() - 1
        });
        &mut self.hosts[at]
    }

    fn log_in(&mut self, host: Option<&str>) {
        match host {
            Some(host) => self.host(host).login = true,
            None => {
                let note = "the recording does not say on which host the secrets were typed";
                self.notes.push(Note::new("", note));
            }
        }
    }

    fn opened(&mut self, url: &str, path: &str) -> (Option<String>, String, Vec<Ask>) {
        let address = self.address(url);
        let mut asks = Vec::new();
        let written = address.as_ref().and_then(Address::to_open);
        if written.is_none() {
            asks.push(Ask::new(
                path,
                "This address holds somebody's data or is no address: which one always works?",
            ));
        } else if address.as_ref().is_some_and(|address| address.cut) {
            asks.push(Ask::new(
                path,
                "What followed the path is left out: does the page open without it?",
            ));
        }
        if address.as_ref().is_some_and(|address| address.plain) {
            asks.push(Ask::new(
                path,
                "Recorded over http; scripts open https only. Is that right here?",
            ));
        }
        (written, path.to_owned(), asks)
    }

    /// Another window is asked about once, and its host is listed.
    fn window(&mut self, act: &Act) {
        let on: Option<&Seen> = match &act.doing {
            Doing::Fill { on, .. }
            | Doing::Choose { on, .. }
            | Doing::Attach { on, .. }
            | Doing::Suggest { on, .. }
            | Doing::Radio { on }
            | Doing::Tick { on }
            | Doing::Hover { on }
            | Doing::Boxlike { on }
            | Doing::Click { on } => Some(on),
            Doing::Press { .. } => None,
        };
        let Some(window) = on.and_then(|on| on.window.clone()) else { return };
        self.address(&window);
        if !self.windows {
            self.windows = true;
            let note = "this was done in another window or frame process; the engine follows windows by itself, but say \
                        in `until` which screen shows";
            self.notes.push(Note::new(format!("{}.target", act.path), note));
        }
    }

    fn field(&mut self, act: &Act) -> Option<Field> {
        let mut field = match &act.doing {
            Doing::Fill { on, value: Typed::Secret(alias) } => self.secret(on, *alias),
            Doing::Fill { on, value: Typed::Text(text) } => self.filled(on, text),
            Doing::Choose { on, value: Typed::Text(text) } => self.chosen(on, text),
            Doing::Attach { on, value: Typed::Text(text) } => self.attached(on, text),
            Doing::Suggest { on, value: Typed::Text(text), pick } => {
                self.suggested(on, text, pick.as_ref())
            }
            Doing::Radio { on } => self.radio(on),
            Doing::Tick { on } => self.ticked(on),
            Doing::Boxlike { on } => self.boxlike(on),
            // secrets are typed into fields only
            Doing::Choose { on, .. } | Doing::Attach { on, .. } | Doing::Suggest { on, .. } => {
                self.secret(on, Alias::Password)
            }
            Doing::Click { .. } | Doing::Press { .. } | Doing::Hover { .. } => return None,
        };
        field.asks.splice(0..0, act.asks.iter().cloned());
        Some(field)
    }
}

/// A word for a page.
pub(super) fn word(page: &Built) -> String {
    page.address.as_ref().and_then(Address::word).map(snake).unwrap_or_default()
}
