//! The language of navigation scripts, version 1: what happens on a payer's portal for one task.
//!
//! Pure: no clock, no file, no socket. [`Bundle::load`] reads a script and its fragments through a
//! [`Source`]; the agent runs bundles, the coordinator stores and pins them by [`Bundle::hash`].
//! How a page is handled (waiting, scrolling, frames) is the agent's work and not in here.

mod address;
pub mod ast;
pub mod bundle;
pub mod check;
mod date;
pub mod decimal;
pub mod diff;
pub mod explain;
pub mod expr;
pub mod finding;
pub mod inputs;
pub mod node;
pub mod parse;
pub mod schema;
pub mod span;
pub mod text;
pub mod value;

pub use ast::{Fragment, Script};
pub use bundle::{Bundle, Source};
pub use check::{Folder, check_against, check_script, check_tree};
pub use diff::{Diff, diff};
pub use explain::{Explanation, explain};
pub use expr::{Fault, Scope};
pub use finding::{Finding, Findings, Level};
pub use inputs::{InputFault, Inputs};
pub use span::{Name, Span, Table};
pub use text::{TextKind, Wanted};
pub use value::{FileRef, Value};
