//! Captures and the classification of the answer.

use serde::Serialize;

use super::{DateFormat, Pattern, Take, Target, TextMatch, Words};
pub use crate::outcome::ReferenceKind;

use crate::outcome::Answer;
use crate::script::span::{Name, Span};

/// `capture: {…}` as a node of its own.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureNode {
    /// In written order.
    pub captures: Vec<CaptureSpec>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// One value to be read.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureSpec {
    /// Its name; `captured.<name>` in templates.
    pub name: Name,
    /// Where it comes from.
    pub source: CaptureSource,
    /// Group 1 of this, or all of it.
    pub pattern: Option<Pattern>,
    /// Read as what.
    pub read_as: ReadAs,
    /// Kind of a reference; never told by its shape.
    pub kind: Option<ReferenceKind>,
    /// Used when `from` finds nothing: this part of the picture.
    pub else_ocr: Option<Region>,
    /// Whether nothing read is fine; otherwise `capture_missing`.
    pub optional: bool,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// Where a captured value comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureSource {
    /// An element's text, or a control's value.
    From(Target),
    /// The page's address; the pattern's group 1.
    Url(Pattern),
    /// The page printed as PDF.
    Print,
    /// The file that clicking it downloads.
    Download(Target),
    /// Text of a captured PDF; OCR when it has none.
    InFile(Name),
    /// A picture.
    Shot(ShotOf),
    /// OCR of the element's own picture, for portals that draw text as an image.
    Ocr(Target),
    /// JSON pointer into a fetched answer.
    Pointer(Words),
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShotOf {
    /// The whole page.
    Page,
    /// The visible part.
    View,
}

/// What a captured text is read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    /// The text, with white space normalised.
    Text,
    /// The text with all its white space, for what is entered again elsewhere.
    Verbatim,
    /// A number the payer gave.
    Reference,
    /// A date in that form.
    Date(DateFormat),
    /// An instant in that form, in the script's time zone.
    Datetime(DateFormat),
    /// A whole number.
    Integer,
    /// A decimal number.
    Decimal,
}

/// A part of the viewport in fractions, 0…1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Region {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// `classify`: the portal's wording → our outcome. Unknown wording is raised, never guessed.
#[derive(Clone, Debug, Serialize)]
pub struct Classify {
    /// What is read.
    pub source: ClassifySource,
    /// First match in written order wins; never empty.
    pub entries: Vec<ClassifyEntry>,
    /// Exception when none matches.
    pub otherwise: Name,
    /// Read when none matches.
    pub otherwise_capture: Vec<CaptureSpec>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What `classify` reads.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassifySource {
    /// The whole visible text.
    Page,
    /// One element.
    Element(Target),
    /// A captured text, such as a letter's; the whole visible text when nothing was captured under that name.
    Captured(Name),
    /// One column of each row; the header is rolled up from the lines.
    Rows {
        /// The table.
        from: Target,
        /// The column with the decision.
        column: Words,
        /// Further cells kept per row.
        take: Vec<Take>,
    },
}

/// One outcome and the wording it is recognised by.
#[derive(Clone, Debug, Serialize)]
pub struct ClassifyEntry {
    /// The outcome.
    pub answer: Answer,
    /// The portal's wording.
    pub text: TextMatch,
    /// Read from the page when it matches.
    pub capture: Vec<CaptureSpec>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}
