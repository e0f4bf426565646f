//! Writes a draft as YAML: keys in a fixed order, a comment with a number for every open question.

use std::collections::BTreeSet;

use domain::script::parse::TO_DO;

use super::ask::{Ask, Question};
use super::draft::{Commit, Draft, Node, Screen, Step, Written};
use super::secret::Alias;
use super::yaml::{scalar, single};

/// Columns of a comment.
const WIDE: usize = 116;

/// The text of a draft with its questions.
pub(super) struct Sheet {
    pub(super) text: String,
    pub(super) questions: Vec<Question>,
    /// Lines a person has to look at.
    pub(super) marked: BTreeSet<usize>,
}

/// Writes a draft.
pub(super) fn write(id: &str, draft: &Draft) -> Sheet {
    let mut out = Writer::default();
    out.head(id, draft);
    out.elements(draft);
    out.screens(draft);
    out.watch();
    out.flow(draft);
    out.exceptions();
    Sheet { text: out.text, questions: out.questions, marked: out.marked }
}

#[derive(Default)]
struct Writer {
    text: String,
    lines: usize,
    questions: Vec<Question>,
    marked: BTreeSet<usize>,
    waiting: usize,
}

impl Writer {
    fn line(&mut self, indent: usize, text: &str) {
        self.lines += 1;
        if self.waiting > 0 {
            self.marked.insert(self.lines);
            let from = self.questions.len() - self.waiting;
            for question in &mut self.questions[from..] {
                question.line = self.lines;
            }
            self.waiting = 0;
        }
        self.raw(indent, text);
    }

    fn raw(&mut self, indent: usize, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&" ".repeat(indent));
            self.text.push_str(text);
        }
        self.text.push('\n');
    }

    /// A comment, broken where it gets wide.
    fn comment(&mut self, indent: usize, text: &str) {
        let mut line = String::from("#");
        for word in text.split(' ') {
            if indent + line.chars().count() + word.chars().count() >= WIDE {
                self.lines += 1;
                self.raw(indent, &line);
                line = String::from("#  ");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.lines += 1;
        self.raw(indent, &line);
    }

    fn gap(&mut self) {
        self.lines += 1;
        self.raw(0, "");
    }

    /// Questions about the line that follows.
    fn ask(&mut self, indent: usize, asks: &[Ask]) {
        for ask in asks {
            let number = self.questions.len() + 1;
            self.comment(indent, &format!("Q{number}: {}", ask.text));
            let (path, question) = (ask.path.clone(), ask.text.clone());
            self.questions.push(Question { number, line: 0, path, question });
            self.waiting += 1;
        }
    }

    fn ask_one(&mut self, indent: usize, path: &str, text: &str) {
        self.ask(indent, &[Ask::new(path, text)]);
    }

    fn head(&mut self, id: &str, draft: &Draft) {
        let up = "../".repeat(id.matches('/').count());
        let schema = format!("yaml-language-server: $schema={up}schema/script.v1.schema.json");
        self.comment(0, &schema);
        let text = "A draft from a recording. Below each `# Q` a person has the word; take the comment out when it is \
                    answered. `agent script check` names every place that is still open.";
        self.comment(0, text);
        self.line(0, &format!("script: {id}"));
        self.line(0, "revision: 1");
        if draft.hosts.is_empty() {
            self.ask_one(0, "", "The recording names no host. Which ones does the portal have, and where does one sign in?");
            self.line(0, "hosts: {}");
        } else {
            let text = "Do its pages load anything from other hosts? List those as `assets`; the others are not reached.";
            self.ask_one(0, "", text);
            self.line(0, "hosts:");
        }
        for host in &draft.hosts {
            self.ask(2, &host.asks);
            let used = if host.login { "login" } else { "pages" };
            self.line(2, &format!("{}: {used}", scalar(&host.name)));
        }
        self.needs(draft);
        if !draft.secrets.is_empty() {
            self.secrets(draft);
        }
        if !draft.words.is_empty() {
            self.words(draft);
        }
        if draft.changes {
            let text = "Does the portal keep an unfinished request? {kept: false}, or {kept: true, clear: flow}.";
            let sends = draft.nodes.iter().any(|node| matches!(node, Node::Commit(_)));
            let more = if sends {
                ""
            } else {
                " A task that only looks has none: say `effect: read` in each step that fills in or clicks, and take this \
                 line out."
            };
            self.ask_one(0, "", &format!("{text}{more}"));
            self.line(0, &format!("drafts: {{kept: {TO_DO}}}"));
        }
        let mut zone = String::new();
        if draft.instants {
            zone = format!(", timezone: {TO_DO}");
            self.ask_one(0, "", "In which time zone does the portal write times? An IANA name.");
        }
        self.line(0, &format!("defaults: {{within: 20s, heal: never{zone}}}"));
        self.gap();
    }

    fn needs(&mut self, draft: &Draft) {
        if draft.needs.is_empty() {
            let text = if draft.with_values {
                "None of the given values was typed as it is. Which inputs does this task need?"
            } else {
                "Which inputs does this task need? Importing with --values FILE finds them by what was typed."
            };
            self.ask_one(0, "", text);
            self.line(0, "needs: {}");
            return;
        }
        self.line(0, "needs:");
        draft.needs.iter().for_each(|need| self.line(2, need));
    }

    fn secrets(&mut self, draft: &Draft) {
        let mut known: Vec<&str> = Vec::new();
        let codes: Vec<Alias> = draft.secrets.iter().copied().filter(|one| one.is_code()).collect();
        let mut parts = Vec::new();
        for alias in &draft.secrets {
            if !known.contains(&alias.name()) {
                known.push(alias.name());
                parts.push(format!("{}: {}", alias.name(), alias.kind()));
            }
        }
        if !codes.is_empty() {
            let text = "Where does the code come from? totp (an app), mail_code, or person_code (a text message).";
            self.ask_one(0, "", text);
        }
        self.line(0, &format!("secrets: {{{}}}", parts.join(", ")));
    }

    fn words(&mut self, draft: &Draft) {
        self.line(0, "words:");
        for table in &draft.words {
            let text = if table.rows.iter().any(|(_, theirs)| theirs.is_none()) {
                "What does the portal call these, as its page shows them? Add every word the input can have, here and in \
                 `needs`."
            } else {
                "Are these all the words the input can have? Add the others here and in `needs`."
            };
            self.ask_one(2, &table.path, text);
            let rows = table.rows.iter().map(|(ours, theirs)| {
                let theirs = theirs.as_deref().map_or(TO_DO.to_owned(), scalar);
                format!("{}: {theirs}", scalar(ours))
            });
            let rows: Vec<String> = rows.collect();
            self.line(2, &format!("{}: {{{}}}", table.name, rows.join(", ")));
        }
    }

    fn elements(&mut self, draft: &Draft) {
        let used = draft.elements.iter().filter(|element| element.used);
        let wide = used.clone().map(|element| element.name.len() + 1).max().unwrap_or(0).min(24);
        if used.clone().next().is_none() {
            self.ask_one(0, "", "The recording uses no element. Declare what the script acts on.");
            self.line(0, "elements: {}");
            self.gap();
            return;
        }
        self.line(0, "elements:");
        for element in used {
            self.ask(2, &element.asks);
            let key = format!("{}:", element.name);
            self.line(2, &format!("{key:<wide$} {}", element.written()));
        }
        self.gap();
    }

    fn screens(&mut self, draft: &Draft) {
        if draft.screens.is_empty() {
            self.ask_one(
                0,
                "",
                "The recording shows no page. How does the engine know where it is?",
            );
            self.line(0, "screens: {}");
            self.gap();
            return;
        }
        let wide =
            draft.screens.iter().map(|screen| screen.name.len() + 1).max().unwrap_or(0).min(24);
        self.line(0, "screens:");
        for screen in &draft.screens {
            self.ask(2, &screen.asks);
            let key = format!("{}:", screen.name);
            self.line(2, &format!("{key:<wide$} {{{}}}", conditions(screen, draft)));
        }
        self.gap();
    }

    fn watch(&mut self) {
        self.line(0, "watch:");
        self.ask_one(2, "", "Are these the words the portal uses when a session has ended?");
        let words = single("/session (has )?(expired|timed out)|signed out/i");
        self.line(2, &format!("- {{when: {{text: {words}}}, raise: session_over}}"));
        self.gap();
    }

    fn flow(&mut self, draft: &Draft) {
        self.line(0, "flow:");
        let mut committed = false;
        for node in &draft.nodes {
            match node {
                Node::Step(step) => self.step(step),
                Node::Commit(commit) => {
                    committed = true;
                    self.commit(commit);
                }
            }
        }
        self.ask(2, &draft.asks);
        let text = if committed {
            "Which words of the page mean which answer? See `classify` in docs/scripts.md."
        } else {
            "Which words of the page mean which answer? A recording does not show what was read: declare where it stands, \
             read it with `capture` in the last step, and say `from:` here. If something is sent, a `commit` is missing."
        };
        self.ask_one(2, "", text);
        self.line(2, "- classify:");
        self.ask_one(6, "", "Add every answer the portal gives.");
        self.line(6, &format!("received: {{text: {TO_DO}}}"));
        self.line(6, "else: {raise: unknown_outcome}");
        self.gap();
    }

    fn step(&mut self, step: &Step) {
        self.ask(2, &step.asks);
        self.line(2, &format!("- step: {}", step.name));
        if step.read && !step.verbs.is_empty() {
            self.line(4, "effect: read");
        }
        if step.sounds_like_a_submission {
            self.ask_one(4, "", "Write the reason, for whoever reviews this.");
            self.line(4, &format!("not_a_submit: {TO_DO}"));
        }
        if let Some((variable, list)) = &step.each {
            self.line(4, &format!("each: {{{variable}: {list}}}"));
        }
        match &step.open {
            Some(Some(address)) => self.line(4, &format!("open: {}", scalar_address(address))),
            Some(None) => {
                self.ask_one(4, "", "Which address is opened?");
                self.line(4, &format!("open: {TO_DO}"));
            }
            None => {}
        }
        for verb in &step.verbs {
            self.verb(verb);
        }
        if let Some(screen) = &step.until {
            self.line(4, &format!("until: {screen}"));
        }
    }

    fn verb(&mut self, verb: &Written) {
        match verb {
            Written::Fields(verb, cells) => {
                self.line(4, &format!("{}:", verb.word()));
                for cell in cells {
                    self.ask(6, &cell.asks);
                    self.line(6, &format!("{}: {}", cell.element, cell.value));
                }
            }
            Written::Verify => self.line(4, "verify: readback"),
            Written::Hover(element) => self.line(4, &format!("hover: {element}")),
            Written::Click(element) => self.line(4, &format!("click: {element}")),
            Written::Press(key) => self.line(4, &format!("press: {key}")),
        }
    }

    fn commit(&mut self, commit: &Commit) {
        let text = "This click looks like the submission. It cannot be taken back: what guards it, what proves it and \
                    how a doubt is settled is for a person to write. See `commit` and `reconcile` in docs/scripts.md.";
        self.comment(2, text);
        self.ask(2, &commit.asks);
        let text = "Is this the click that sends the request?";
        self.ask_one(2, &commit.path, text);
        self.line(2, &format!("- commit: {}", commit.name));
        let shown = commit.before.as_ref().map(|screen| format!(" The page before is `{screen}`."));
        let text = "Which screen must show, which inputs must stand on it (page_says), and what makes the request one of \
                    its kind (once_per)?";
        self.ask_one(4, &commit.path, &format!("{text}{}", shown.unwrap_or_default()));
        self.line(4, "guard: {}");
        self.line(4, &format!("click: {}", commit.click));
        let text = "Which one request leaves with this click? {method: POST, url: /path*}, as the network shows it.";
        self.ask_one(4, &commit.path, text);
        self.line(4, "sends: {}");
        let shown = commit.after.as_ref().map(|screen| format!(" The page after is `{screen}`."));
        let text = "Which screen proves it, within what time, and where does the number stand (capture, as: reference)?";
        self.ask_one(4, &commit.path, &format!("{text}{}", shown.unwrap_or_default()));
        self.line(4, "proof: {}");
        let text = "Which flow of `reconcile` finds the request again when nobody knows whether it was sent?";
        self.ask_one(4, &commit.path, text);
        self.line(4, &format!("unsure: {TO_DO}"));
    }

    fn exceptions(&mut self) {
        self.line(0, "exceptions:");
        self.line(2, "session_over: {retry: {after: 1m, at_most: 3}}");
        let say = "The portal's answer is not one we know.";
        self.line(
            2,
            &format!("unknown_outcome: {{queue: review, hold: true, say: {}}}", scalar(say)),
        );
    }
}

fn conditions(screen: &Screen, draft: &Draft) -> String {
    let mut parts = Vec::new();
    if !screen.see.is_empty() {
        let names: Vec<&str> =
            screen.see.iter().map(|at| draft.elements[*at].name.as_str()).collect();
        parts.push(format!("see: [{}]", names.join(", ")));
    }
    parts.extend(screen.url.as_ref().map(|url| format!("url: {}", scalar(url))));
    parts.extend(screen.title.as_ref().map(|title| format!("title: {}", title.written())));
    if screen.open {
        parts.push(format!("text: {TO_DO}"));
    }
    parts.join(", ")
}

/// Addresses stand without quotes where they may.
fn scalar_address(address: &str) -> String {
    let plain = address.chars().all(|c| c.is_ascii_alphanumeric() || ":/.-_~".contains(c));
    if plain && !address.ends_with(':') { address.to_owned() } else { scalar(address) }
}
