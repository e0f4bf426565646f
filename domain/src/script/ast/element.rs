//! Elements, screens and watchers: what the engine looks for on a page.

use serde::Serialize;

use super::{Template, TextMatch, UrlGlob, Words};
use crate::script::span::{Name, Span};

/// A named place on a page: one to six strategies, the first unique one wins, the others vote.
#[derive(Clone, Debug, Serialize)]
pub struct Element {
    /// In written order; never empty.
    pub strategies: Vec<Strategy>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

impl Element {
    /// Whether it may be healed: the first strategy that says so, else the script's default.
    pub fn heal(&self, default: Heal) -> Heal {
        self.strategies.iter().find_map(|strategy| strategy.heal).unwrap_or(default)
    }
}

/// One way to find an element: a finder, or a relation alone, plus modifiers.
#[derive(Clone, Debug, Serialize)]
pub struct Strategy {
    /// What to look for; absent when a relation alone names the nearest form control.
    pub finder: Option<Finder>,
    /// Nearest in that direction of another element.
    pub relation: Option<Relation>,
    /// An element that must contain it in the flat tree.
    pub inside: Option<Box<Target>>,
    /// Frame name, title or address glob; `outer > inner` for nested frames.
    pub frame: Option<Words>,
    /// 1…20 among the visible matches in document order.
    pub nth: Option<u8>,
    /// Healing of the whole element.
    pub heal: Option<Heal>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a strategy looks for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finder {
    /// ARIA role as the browser computes it, and its accessible name.
    Role {
        /// The role, e.g. `button`.
        role: Words,
        /// The accessible name.
        name: Option<TextMatch>,
    },
    /// Form control with that label.
    Label(TextMatch),
    /// By its placeholder.
    Placeholder(TextMatch),
    /// By its alternative text.
    Alt(TextMatch),
    /// By its title.
    Title(TextMatch),
    /// The smallest visible element with that text.
    Text(TextMatch),
    /// `data-testid` and its relatives; exact.
    TestId(Words),
    /// CSS selector, through open shadow roots.
    Css(Words),
    /// Relative XPath, light DOM only.
    Xpath(Words),
    /// Table, grid or treegrid by caption, name or the heading above.
    Table(TextMatch),
    /// Dialog by name or first heading.
    Dialog(TextMatch),
    /// Landmark or fieldset by name, legend or first heading.
    Region(TextMatch),
}

/// `right_of`, `left_of`, `above`, `below`.
#[derive(Clone, Debug, Serialize)]
pub struct Relation {
    /// In which direction of the anchor.
    pub side: Side,
    /// The element it is measured from.
    pub anchor: Box<Target>,
}

/// A direction on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// To the right of the anchor.
    RightOf,
    /// To the left of the anchor.
    LeftOf,
    /// Above the anchor.
    Above,
    /// Below the anchor.
    Below,
}

/// Whether a lost element may be found by similarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Heal {
    /// Not even suggested.
    Never,
    /// Filed for people; the step fails.
    Suggest,
    /// Used, if the engine's conditions hold.
    Auto,
}

/// A declared element, or one written in place.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// By name; look it up with `Bundle::element`.
    Named(Name),
    /// Written where it is used.
    Inline(Box<Element>),
}

impl Target {
    /// Where it is written.
    pub fn span(&self) -> &Span {
        match self {
            Self::Named(name) => &name.span,
            Self::Inline(element) => &element.span,
        }
    }
}

/// How a page is recognised; at least one condition, all must hold.
#[derive(Clone, Debug, Serialize)]
pub struct Screen {
    /// Each resolves uniquely and is visible.
    pub see: Vec<Target>,
    /// None has a visible match.
    pub gone: Vec<Target>,
    /// The page's address.
    pub url: Option<UrlGlob>,
    /// The page's title.
    pub title: Option<TextMatch>,
    /// The visible text, frames included.
    pub text: Option<TextMatch>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// An interruption and what is done about it.
#[derive(Clone, Debug, Serialize)]
pub struct Watcher {
    /// All given conditions must hold.
    pub when: Sign,
    /// What is done.
    pub reaction: Reaction,
    /// Parameters of the flow it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<(Name, Template)>,
    /// What follows; absent only after `raise`.
    pub then: Option<Afterwards>,
    /// How often per attempt.
    pub at_most: u32,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a watcher looks for.
#[derive(Clone, Debug, Serialize)]
pub struct Sign {
    /// Visible text of the page.
    pub text: Option<TextMatch>,
    /// Elements that are visible.
    pub see: Vec<Target>,
    /// A declared screen.
    pub screen: Option<Name>,
    /// An HTML dialog by name.
    pub dialog: Option<TextMatch>,
    /// Text of an alert, confirm or prompt.
    pub js_dialog: Option<TextMatch>,
    /// The page's address.
    pub url: Option<UrlGlob>,
    /// Status of the main document, lowest and highest.
    pub http: Option<(u16, u16)>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a watcher does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// Ends the attempt with that exception.
    Raise(Name),
    /// Runs that flow.
    Run(Name),
    /// Clicks.
    Click(Target),
    /// Answers the JavaScript dialog.
    Answer(Reply),
}

/// What follows a watcher's reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Afterwards {
    /// The interrupted wait continues with its remaining time.
    GoOn,
    /// The flow starts again at its safe point.
    RestartFromSafePoint,
}

/// Answer to a JavaScript dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// OK.
    Accept,
    /// Cancel.
    Dismiss,
}
