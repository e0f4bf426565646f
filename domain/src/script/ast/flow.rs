//! Flows and their nodes, and the waits between them.

use serde::Serialize;

use super::{
    CaptureNode, CaptureSpec, Cell, Classify, Commit, Decide, DialogRule, KnownRows, Path, Rows,
    Target, Template, Verb, Wait, Words,
};
pub use crate::step::Effect;

use crate::script::span::{Name, Span};

/// A list of nodes, run in order.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// In written order.
    pub nodes: Vec<Node>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// One node of a flow.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// Another flow.
    Run(Box<Run>),
    /// Something done on a page.
    Step(Box<Step>),
    /// The one irreversible act.
    Commit(Box<Commit>),
    /// Something read.
    Capture(CaptureNode),
    /// The answer, put into our words.
    Classify(Box<Classify>),
    /// Matching rows (only in `reconcile`).
    Rows(Box<Rows>),
    /// What shows that the search works (only in `reconcile`).
    Known(Box<KnownRows>),
    /// What the number of rows means (only in `reconcile`).
    Decide(Decide),
}

impl Node {
    /// Where it is written.
    pub fn span(&self) -> &Span {
        match self {
            Self::Run(node) => &node.span,
            Self::Step(node) => &node.span,
            Self::Commit(node) => &node.span,
            Self::Capture(node) => &node.span,
            Self::Classify(node) => &node.span,
            Self::Rows(node) => &node.span,
            Self::Known(node) => &node.span,
            Self::Decide(node) => &node.span,
        }
    }
}

/// `run: flow`.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The flow; look it up with `Bundle::flow`.
    pub flow: Name,
    /// Parameters of a fragment's flow, evaluated in the caller's scope.
    pub with: Vec<(Name, Template)>,
    /// Run only if all hold.
    pub when: Option<When>,
    /// Waited for afterwards.
    pub until: Option<Until>,
    /// Time for the wait.
    pub within: Option<Wait>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// `step: name` with its verbs.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its name, for people and events.
    pub name: Name,
    /// In written order, each at most once.
    pub verbs: Vec<Verb>,
    /// `effect:` as claimed in the script; see [`Step::effect`].
    pub claimed: Option<Effect>,
    /// Why a button that reads like a submit is none.
    pub not_a_submit: Option<Words>,
    /// Run only if all hold.
    pub when: Option<When>,
    /// Repeated for every item of a list.
    pub each: Option<Each>,
    /// The JavaScript dialog this step's click opens.
    pub dialog: Option<DialogRule>,
    /// Time for the step's waits.
    pub within: Option<Wait>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

impl Step {
    /// Its effect class: what is claimed, else by its verbs. Never `Commit`.
    pub fn effect(&self) -> Effect {
        self.claimed.unwrap_or_else(|| {
            if self.verbs.iter().any(Verb::changes_a_draft) { Effect::Draft } else { Effect::Read }
        })
    }
}

/// `each: {var: list.path}`.
#[derive(Clone, Debug, Serialize)]
pub struct Each {
    /// The variable.
    pub var: Name,
    /// The list.
    pub list: Path,
}

/// Conditions of a step or run; all must hold.
#[derive(Clone, Debug, Serialize)]
pub struct When {
    /// Optional inputs that must be present.
    pub given: Vec<Path>,
    /// Inputs that must have this value (compared as text).
    pub is: Vec<(Path, Words)>,
    /// Elements looked for once, on a quiet page.
    pub see: Vec<Target>,
    /// A screen looked for once, on a quiet page.
    pub screen: Option<Name>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What is waited for.
#[derive(Clone, Debug, Serialize)]
pub struct Until {
    /// Screens that race, or rows of a table.
    pub what: UntilWhat,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// The two kinds of `until`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UntilWhat {
    /// The first of these screens; never empty. `until: screen` is one branch that goes on.
    Branches(Vec<Branch>),
    /// The table shows exactly that many matching rows.
    Rows(RowCount),
}

/// One awaited screen and what follows.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// The screen; look it up with `Bundle::screen`.
    pub screen: Name,
    /// What follows.
    pub then: BranchThen,
    /// Read from the page before what follows.
    pub capture: Vec<CaptureSpec>,
}

/// What follows when a branch's screen shows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchThen {
    /// The next node.
    GoOn,
    /// The attempt ends with that exception.
    Raise(Name),
    /// That flow runs, then the same `until` is waited for again.
    Run {
        /// The flow.
        flow: Name,
        /// Its parameters.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        with: Vec<(Name, Template)>,
        /// How often in one wait; absent means once.
        at_most: Option<u32>,
    },
}

/// `until: {rows: …}`.
#[derive(Clone, Debug, Serialize)]
pub struct RowCount {
    /// The table.
    pub from: Target,
    /// Column and wanted cell; never empty.
    pub cells: Vec<(Words, Cell)>,
    /// Exactly that many.
    pub count: u32,
}
