//! The tree of a decoded script or fragment: plain data, every part with its place in the file.
//!
//! Written by `parse`, read by `check`, `explain`, `diff` and the agent's interpreter. All names are
//! resolved: what a fragment declares is called `prefix.name`.

pub mod capture;
pub mod commit;
pub mod element;
pub mod exception;
pub mod flow;
pub mod needs;
pub mod value;
pub mod verb;

use serde::Serialize;

pub use capture::*;
pub use commit::*;
pub use element::*;
pub use exception::*;
pub use flow::*;
pub use needs::*;
pub use value::*;
pub use verb::*;

use super::span::{Name, Span, Table};
use crate::fleet::ScriptLooks;

/// One script: one task on one payer's portal.
#[derive(Clone, Debug, Serialize)]
pub struct Script {
    /// Its path below `scripts/` without `.yaml`; the first part is the payer.
    pub id: Name,
    /// Raised with every change of meaning; for people.
    pub revision: u32,
    /// One line for staff.
    pub title: Option<Words>,
    /// Hosts the browser may talk to.
    pub hosts: Table<HostUse>,
    /// Prefix → fragment id.
    pub uses: Table<Name>,
    /// Whether the portal keeps unfinished requests.
    pub drafts: Option<Drafts>,
    /// The task itself.
    pub flow: Flow,
    /// Read-only searches that settle a doubtful commit.
    pub reconcile: Table<Flow>,
    /// Everything a fragment can declare too.
    pub parts: Parts,
    /// The `script:` entry, for findings about the whole.
    #[serde(skip)]
    pub span: Span,
}

impl Script {
    /// The payer's name: the first part of the id.
    pub fn payer(&self) -> &str {
        self.id.text.split('/').next().unwrap_or_default()
    }

    /// What its `decide.none` asks for; of several the longest, and no proof unless all allow it. None without one.
    pub fn looks(&self) -> Option<ScriptLooks> {
        let nodes = self.reconcile.iter().flat_map(|(_, flow)| &flow.nodes);
        let wishes = nodes.filter_map(|node| match node {
            Node::Decide(decide) => Some(ScriptLooks {
                wait_ms: i64::try_from(decide.wait.ms).unwrap_or(i64::MAX),
                tries: decide.tries,
                may_prove: decide.none_then == NoneThen::NotCommitted,
            }),
            Node::Run(_)
            | Node::Step(_)
            | Node::Commit(_)
            | Node::Capture(_)
            | Node::Classify(_)
            | Node::Rows(_)
            | Node::Known(_) => None,
        });
        wishes.reduce(|a, b| ScriptLooks {
            wait_ms: a.wait_ms.max(b.wait_ms),
            tries: a.tries.max(b.tries),
            may_prove: a.may_prove && b.may_prove,
        })
    }
}

/// Flows, elements and screens shared by the scripts of one payer.
#[derive(Clone, Debug, Serialize)]
pub struct Fragment {
    /// Its path below `scripts/` without `.yaml`.
    pub id: Name,
    /// The prefix its names carry in the script that uses it; empty when read alone.
    pub prefix: String,
    /// Raised with every change of meaning; for people.
    pub revision: u32,
    /// Its flows.
    pub flows: Table<Flow>,
    /// Everything a script can declare too.
    pub parts: Parts,
    /// The `fragment:` entry.
    #[serde(skip)]
    pub span: Span,
}

/// What scripts and fragments have in common.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Parts {
    /// Typed inputs of a script; parameters of a fragment's flows.
    pub needs: Needs,
    /// Alias → kind of secret.
    pub secrets: Table<SecretKind>,
    /// Table name → our word → the portal's word.
    pub words: Table<Table<Words>>,
    /// Elements blacked out in every picture and dropped from every snapshot.
    pub mask: Vec<Target>,
    /// Waiting time, healing and time zone where nothing else is said.
    pub defaults: Defaults,
    /// Where things are on the pages.
    pub elements: Table<Element>,
    /// How a page is recognised.
    pub screens: Table<Screen>,
    /// Interruptions, looked for before each action and during each wait.
    pub watch: Vec<Watcher>,
    /// What becomes of the job when something is raised.
    pub exceptions: Table<ExceptionRule>,
}

/// What a host may be used for; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostUse {
    /// Pictures, styles, programs of pages.
    Assets,
    /// Main documents and targets of forms.
    Pages,
    /// Secrets may be typed here.
    Login,
}

/// What an alias stands for; decides how the value is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// Name of the portal account.
    Username,
    /// Its password.
    Password,
    /// A second fixed number.
    Pin,
    /// Answer to a security question.
    Answer,
    /// Time-based one-time code, computed from a seed.
    Totp,
    /// One-time code from the bound mailbox.
    MailCode,
    /// One-time code asked from a person.
    PersonCode,
}

impl SecretKind {
    /// Whether it is typed with `{otp: …}` instead of `{secret: …}`.
    pub fn is_code(self) -> bool {
        matches!(self, Self::Totp | Self::MailCode | Self::PersonCode)
    }
}

/// `drafts: {kept, clear}`.
#[derive(Clone, Debug, Serialize)]
pub struct Drafts {
    /// Whether the portal remembers an unfinished request.
    pub kept: bool,
    /// Flow that finds and discards ours before a restart, and at the beginning of a later attempt.
    pub clear: Option<Name>,
    /// Parameters of the flow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<(Name, Template)>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// `defaults: {within, heal, timezone}`.
#[derive(Clone, Debug, Serialize)]
pub struct Defaults {
    /// Time of a step's waits.
    pub within: Wait,
    /// Healing where the element says nothing.
    pub heal: Heal,
    /// IANA name of the portal's time zone.
    pub timezone: Option<Words>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { within: Wait { ms: 20_000 }, heal: Heal::Suggest, timezone: None }
    }
}
