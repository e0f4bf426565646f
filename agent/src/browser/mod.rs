//! Our Chromium driver: a connection over the debugging pipe, pages with all their frames, finding
//! and acting with strict rules. It knows nothing of payers, scripts, jobs or evidence.
//!
//! Commands and replies go through `connection`; every event is routed by `browser::Hub` to the
//! page it belongs to, whose state (`page`, `session`, `frame`) is what waits look at. `locator`
//! says what is on the page, `act`, `input` and `choose` are one try each, `attempt` is the only
//! place that waits between tries.

pub mod act;
mod around;
pub mod attempt;
#[expect(clippy::module_inception, reason = "the browser of the browser driver")]
pub mod browser;
pub mod calendar;
mod candidates;
pub mod capture;
mod census;
pub mod choose;
mod connection;
pub mod context;
pub mod dialog;
pub mod download;
pub(crate) mod egress;
pub mod error;
pub mod event;
pub mod fetch;
pub mod flags;
pub mod frame;
pub mod gate;
pub mod geometry;
pub mod input;
pub mod launch;
pub mod locator;
pub mod navigate;
mod offered;
pub mod page;
pub mod profile;
pub mod query;
mod session;
pub mod table;
pub mod text;
pub(crate) mod tunnel;
mod upload;

pub use act::{AboutToAct, BeforeInput, Clicked, Unobserved};
pub use around::Around;
pub use attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
pub use browser::Browser;
pub use calendar::Scrolled;
pub use capture::{Area, ControlLook, FrameLook, ImageFormat};
pub use census::{Alarm, Empty};
pub use context::{Context, CookieJar};
pub use dialog::{DialogMode, DialogRule, DialogSeen};
pub use download::Download;
pub use egress::{GateProgram, PassSaid};
pub use error::Error;
pub use event::Event;
pub use fetch::{Answer, NoAnswer};
pub use frame::FrameInfo;
pub use gate::{Gate, GatePattern, Held};
pub use geometry::{Point, Rect, Side};
pub use input::same_value;
pub use launch::{LaunchConfig, Sandbox};
pub use navigate::{Navigation, NavigationError, Stillness};
pub use offered::Offer;
pub use page::Page;
pub use profile::{AgentFolder, sweep};
pub use query::{By, Facts, Found, Node, Query};
pub use table::{Row, Scrolls, Table};
pub use text::Text;
