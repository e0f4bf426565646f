//! Our Chromium driver: a connection over the debugging pipe, pages with all their frames, finding
//! and acting with strict rules. It knows nothing of payers, scripts, jobs or evidence.

pub mod attempt;
pub mod error;
pub mod geometry;
mod outline;
pub mod query;
pub mod text;

pub use attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
pub use error::Error;
pub use geometry::{Point, Rect, Side};
pub use outline::*;
pub use query::{By, Facts, Found, Node, Query};
pub use text::Text;
