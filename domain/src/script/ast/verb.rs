//! The verbs of a step, in the order they are written.

use serde::Serialize;

use super::{CaptureSpec, DateFormat, Target, Template, TextMatch, Until, Words};
use crate::script::ast::{Pattern, Reply};
use crate::script::ast::{ReadAs, ReferenceKind};
use crate::script::span::{Name, Span};

/// One action of a step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Goes to an address; only its query is computed.
    Open(Template),
    /// Types into fields, in written order.
    Fill(Vec<Fill>),
    /// Selects, ticks, or picks from a typeahead.
    Choose(Vec<Choose>),
    /// Ticks a statement a person has made.
    Attest(Vec<Attest>),
    /// Adds files.
    Attach(Vec<Attach>),
    /// Clicks.
    Click(Target),
    /// Moves the pointer there, for what only opens under it.
    Hover(Target),
    /// Presses a key on the control last filled in this step.
    Press(Key, #[serde(skip)] Span),
    /// Finds exactly one row.
    PickRow(Box<PickRow>),
    /// Reads back.
    Verify(Verify, #[serde(skip)] Span),
    /// Reads a page without rendering it.
    Fetch(Box<Fetch>),
    /// Waits.
    Until(Until),
    /// Reads; may follow `until`.
    Capture(Vec<CaptureSpec>),
}

impl Verb {
    /// Whether it alone makes a step a draft step when no effect is claimed.
    pub fn changes_a_draft(&self) -> bool {
        match self {
            Self::Fill(_)
            | Self::Choose(_)
            | Self::Attest(_)
            | Self::Attach(_)
            | Self::Click(_)
            | Self::Press(..) => true,
            Self::PickRow(pick) => pick.click.is_some(),
            Self::Open(_)
            | Self::Hover(_)
            | Self::Verify(..)
            | Self::Fetch(_)
            | Self::Until(_)
            | Self::Capture(_) => false,
        }
    }

    /// The word it is written with.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Fill(_) => "fill",
            Self::Choose(_) => "choose",
            Self::Attest(_) => "attest",
            Self::Attach(_) => "attach",
            Self::Click(_) => "click",
            Self::Hover(_) => "hover",
            Self::Press(..) => "press",
            Self::PickRow(_) => "pick_row",
            Self::Verify(..) => "verify",
            Self::Fetch(_) => "fetch",
            Self::Until(_) => "until",
            Self::Capture(_) => "capture",
        }
    }
}

/// One field of `fill`.
#[derive(Clone, Debug, Serialize)]
pub struct Fill {
    /// The field.
    pub element: Name,
    /// What is typed.
    pub value: FillValue,
}

/// What `fill` types.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FillValue {
    /// A text.
    Text(Template),
    /// A secret, by alias.
    Secret(Name),
    /// A one-time code, by alias.
    Otp(Name),
    /// Characters of a secret, on the keys of a keypad.
    Keypad(Box<Keypad>),
}

/// A keypad on the page whose keys are pressed for characters of a secret.
#[derive(Clone, Debug, Serialize)]
pub struct Keypad {
    /// The secret, by alias.
    pub secret: Name,
    /// Every key inside the pad; each shows one character.
    pub keys: Name,
    /// Every place that is asked for, in order ("2nd digit"); without it all characters are pressed.
    pub places: Option<Name>,
    /// Pressed first, so that nothing is left from before.
    pub clear: Option<Name>,
}

/// One control of `choose`.
#[derive(Clone, Debug, Serialize)]
pub struct Choose {
    /// Select, radio group, listbox, checkbox, switch or typeahead.
    pub element: Name,
    /// What is chosen.
    pub choice: Choice,
}

/// What `choose` chooses.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The option with that label.
    Label(TextMatch),
    /// A checkbox or switch on or off.
    Ticked(bool),
    /// Types into a combobox and picks the one option that matches.
    Typeahead {
        /// What is typed.
        text: Template,
        /// The option.
        pick: TextMatch,
    },
}

/// One statement of `attest`.
#[derive(Clone, Debug, Serialize)]
pub struct Attest {
    /// The box or signature field.
    pub element: Name,
    /// What the statement on the page must say.
    pub says: TextMatch,
}

/// One control of `attach`.
#[derive(Clone, Debug, Serialize)]
pub struct Attach {
    /// File input, or the button or drop zone in its place.
    pub element: Name,
    /// A file, or a list of files.
    pub file: Template,
}

/// The keys `press` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Key {
    /// Return.
    Enter,
    /// Next control.
    Tab,
    /// Closes overlays.
    Escape,
    /// Down.
    ArrowDown,
    /// Up.
    ArrowUp,
    /// One page down.
    PageDown,
    /// Beginning.
    Home,
    /// End.
    End,
    /// Reload.
    F5,
}

impl Key {
    /// Whether it goes to the field filled before, not to the page.
    pub fn needs_a_field(self) -> bool {
        matches!(self, Self::Enter | Self::Tab | Self::ArrowDown | Self::ArrowUp)
    }
}

/// `pick_row`: exactly one row matches all cells.
#[derive(Clone, Debug, Serialize)]
pub struct PickRow {
    /// The table.
    pub from: Target,
    /// Column and wanted cell; never empty. Written `where`.
    pub cells: Vec<(Words, Cell)>,
    /// Clicked inside that row.
    pub click: Option<Target>,
    /// Cells kept as captures.
    pub take: Vec<Take>,
    /// Exception when no row matches.
    pub none: Name,
    /// Exception when more than one does.
    pub many: Name,
    /// Further pages of the table.
    pub pages: Option<Pages>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a cell of a wanted row shows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// This text.
    Text(TextMatch),
    /// A date in that form, not before the value; without a time in the form, dates are compared.
    Since {
        /// A date or instant.
        value: Template,
        /// How the portal writes it, in the script's time zone.
        reads: DateFormat,
    },
}

/// One cell kept: `{capture: Column}` or, long, `{capture: {column, match, as, kind}}`.
#[derive(Clone, Debug, Serialize)]
pub struct Take {
    /// Name of the capture.
    pub name: Name,
    /// The column's header.
    pub column: Words,
    /// Which part of the cell.
    pub pattern: Option<Pattern>,
    /// Read as what.
    pub read_as: ReadAs,
    /// Kind of a reference.
    pub kind: Option<ReferenceKind>,
}

/// `pages: {next, at_most}`.
#[derive(Clone, Debug, Serialize)]
pub struct Pages {
    /// Turns to the next page.
    pub next: Target,
    /// At most that many turns.
    pub at_most: u32,
}

/// `verify`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Every field this step filled, chose or attached is read again.
    Readback,
    /// These elements show this.
    Elements(Vec<(Target, TextMatch)>),
}

/// `dialog: {says, answer}`: the JavaScript dialog a click opens; it must come.
#[derive(Clone, Debug, Serialize)]
pub struct DialogRule {
    /// Its text.
    pub says: TextMatch,
    /// How it is answered.
    pub answer: Reply,
}

/// `fetch`: one GET with the session's cookies, read without rendering.
#[derive(Clone, Debug, Serialize)]
pub struct Fetch {
    /// Address on a `pages` host.
    pub page: Template,
    /// Query parameters.
    pub query: Vec<(Words, Template)>,
    /// Further addresses whose answers the page itself loads; all are read as one document.
    pub parts: Vec<Template>,
    /// Words for places of data: a field's, a list's, and the columns of a list in their order.
    pub names: Vec<(Words, Words)>,
    /// What the answer is.
    pub format: FetchAs,
    /// Screens the answer may be.
    pub screens: Vec<Name>,
    /// Read from the answer.
    pub capture: Vec<CaptureSpec>,
    /// Later steps, and flows that are run, of the same flow it stands for: they run when it does not, and when both ways
    /// are compared.
    pub instead_of: Vec<Name>,
    /// Exception instead of the rendered way.
    pub fallback_raise: Option<Name>,
    /// Every how many readings one is compared with the rendered page.
    pub shadow: u32,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a fetched answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchAs {
    /// A page.
    Html,
    /// Data, read by pointer.
    Json,
}
