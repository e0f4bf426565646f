//! The shape of the driver while its parts are filled in: signatures first, behaviour follows file by file.
#![expect(
    missing_docs,
    clippy::unused_async,
    unused_variables,
    reason = "replaced part by part in the next commits"
)]

use super::attempt::{Attempted, Deadline, NotDone, Stop};
use super::error::Error;
use super::geometry::{Point, Rect};
use super::query::{Found, Node, Query};
use super::text::Text;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

macro_rules! later {
    ($($x:tt)*) => {
        Err(Error::Gone)
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    On,
    OffForDevelopment,
}

#[derive(Debug, Clone)]
pub struct LaunchConfig {
    pub binary: Option<PathBuf>,
    pub user: Option<String>,
    pub sandbox: Sandbox,
    pub profile_root: Option<PathBuf>,
    pub timezone: String,
    pub window: (u32, u32),
    pub host_rules: Vec<(String, SocketAddr)>,
    pub only_listed_hosts: bool,
    pub extra_ca: Option<PathBuf>,
    pub proxy: Option<String>,
    pub heartbeat: Duration,
}
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Browser;
impl Browser {
    pub async fn launch(config: LaunchConfig) -> Result<Self, Error> {
        later!()
    }
    pub async fn new_context(&self) -> Result<Context, Error> {
        later!()
    }
    pub fn version(&self) -> &str {
        ""
    }
    pub fn is_alive(&self) -> bool {
        false
    }
    pub async fn closed(&self) {}
    pub async fn close(&self) {}
    pub fn profile_dir(&self) -> PathBuf {
        PathBuf::new()
    }
}
/// Opaque, no Debug output of its content.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct CookieJar(serde_json::Value);
/// Cheap to clone. One per slot.
#[derive(Debug, Clone)]
pub struct Context;
impl Context {
    pub async fn new_page(&self) -> Result<Page, Error> {
        later!()
    }
    /// All open pages, oldest first.
    pub fn pages(&self) -> Vec<Page> {
        Vec::new()
    }
    /// Top of the stack: set by `make_current`; falls back to the opener when it closes.
    pub fn current(&self) -> Option<Page> {
        None
    }
    pub fn make_current(&self, page: &Page) {}
    pub async fn cookies(&self) -> Result<CookieJar, Error> {
        later!()
    }
    pub async fn set_cookies(&self, jar: &CookieJar) -> Result<(), Error> {
        later!()
    }
    pub async fn dispose(&self) -> Result<(), Error> {
        later!()
    }
    pub fn events(&self) -> tokio::sync::broadcast::Receiver<Event> {
        tokio::sync::broadcast::channel(1).1
    }
    /// Declared dialogs of the coming step; replaces earlier ones.
    pub fn expect_dialogs(&self, rules: Vec<DialogRule>) {}
    /// During a commit every undeclared dialog is dismissed; while the script itself leaves, `beforeunload` is accepted.
    pub fn set_dialog_mode(&self, mode: DialogMode) {}
    /// Dialogs seen since the last call.
    pub fn take_dialogs(&self) -> Vec<DialogSeen> {
        Vec::new()
    }
    /// Finished downloads since the last call.
    pub fn take_downloads(&self) -> Vec<Download> {
        Vec::new()
    }
    pub async fn wait_download(&self, deadline: Deadline) -> Result<Download, NotDone> {
        Err(Stop::Browser(Error::Gone).into())
    }
    /// The submit gate over all pages, frames and workers of the context.
    pub async fn arm_gate(&self, pass: GatePattern) -> Result<Gate, Error> {
        later!()
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialogMode {
    #[default]
    Normal,
    Leaving,
    Commit,
}
#[derive(Debug, Clone)]
pub struct DialogRule {
    pub kind: Option<String>,
    pub text: Option<Text>,
    pub accept: bool,
    pub prompt_text: Option<String>,
}
/// `kind`: alert, confirm, prompt, beforeunload.
#[derive(Debug, Clone)]
pub struct DialogSeen {
    pub kind: String,
    pub text: String,
    pub accepted: bool,
    pub declared: bool,
}
#[derive(Debug, Clone)]
pub struct Download {
    pub path: PathBuf,
    pub suggested_name: String,
    pub url: String,
    pub size_bytes: u64,
}
#[derive(Debug, Clone)]
pub struct GatePattern {
    pub method: String,
    pub url: String,
}
#[derive(Debug)]
pub struct Gate;
impl Gate {
    /// The one matching request, held. `None` = none came until the deadline.
    pub async fn held(&self, deadline: Deadline) -> Result<Option<Held>, Error> {
        later!()
    }
    /// Status of the answer to the request that passed; its arrival lets other requests go again (matches stay barred).
    pub async fn answered(&self, deadline: Deadline) -> Option<u16> {
        None
    }
    /// (method, url) of requests that were failed while armed.
    pub fn refused(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    pub async fn disarm(self) -> Result<(), Error> {
        later!()
    }
}
#[derive(Debug)]
pub struct Held {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Bytes>,
}
impl Held {
    pub async fn proceed(self) -> Result<(), Error> {
        later!()
    }
    pub async fn fail(self) -> Result<(), Error> {
        later!()
    }
}
#[derive(Debug, Clone)]
pub enum Event {
    Request {
        page: String,
        frame: String,
        id: String,
        method: String,
        url: String,
        kind: String,
        headers: Vec<(String, String)>,
    },
    Response {
        page: String,
        frame: String,
        id: String,
        url: String,
        status: u16,
        mime: String,
        headers: Vec<(String, String)>,
        kind: String,
    },
    Finished {
        page: String,
        id: String,
        bytes: u64,
    },
    Failed {
        page: String,
        id: String,
        error: String,
    },
    Navigated {
        page: String,
        frame: String,
        url: String,
        main: bool,
    },
    Popup {
        page: String,
        opener: Option<String>,
    },
    PageClosed {
        page: String,
    },
    PageCrashed {
        page: String,
    },
    Dialog(DialogSeen),
    DownloadStarted {
        name: String,
    },
    DownloadDone(Download),
    DownloadFailed {
        reason: String,
    },
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    pub status: Option<u16>,
    pub url: String,
}
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NavigationError {
    #[error("the host name was not found")]
    Dns,
    #[error("the certificate is not valid: {0}")]
    CertificateInvalid(String),
    #[error("the connection was refused or reset: {0}")]
    Refused(String),
    #[error("the page did not come within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("the portal answered with status {0}")]
    Http(u16),
    #[error("the address is a download")]
    Download,
    #[error("the navigation was cancelled")]
    Aborted,
    #[error("the navigation failed: {0}")]
    Network(String),
    #[error(transparent)]
    Browser(#[from] Error),
}
/// Facts at the moment before the mouse moves.
#[derive(Debug, Clone)]
pub struct AboutToAct {
    pub node: Node,
    pub point: Point,
    pub target: Rect,
    pub viewport: (f64, f64),
    pub scroll: Point,
    pub pixel_ratio: f64,
}
/// The observation seam takes its picture here. An error means: no act.
pub trait BeforeInput: Send {
    fn about_to_act<'a>(
        &'a mut self,
        page: &'a Page,
        at: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>>;
}
/// Observes nothing.
#[derive(Debug, Default)]
pub struct Unobserved;
impl BeforeInput for Unobserved {
    fn about_to_act<'a>(
        &'a mut self,
        _: &'a Page,
        _: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}
#[derive(Debug, Clone)]
pub struct Clicked {
    pub at: AboutToAct,
    pub double: bool,
}
#[derive(Debug, Clone)]
pub struct FrameInfo {
    pub id: String,
    pub parent: Option<String>,
    pub name: String,
    pub title: String,
    pub url: String,
    pub loader: String,
}
#[derive(Debug, Clone)]
pub struct Table {
    pub node: Node,
    pub name: String,
    pub headers: Vec<String>,
    pub rows: Vec<Row>,
}
#[derive(Debug, Clone)]
pub struct Row {
    pub node: Node,
    pub cells: Vec<String>,
}
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ImageFormat {
    Png,
    Jpeg(u8),
}
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Area {
    Viewport,
    FullPage,
    Clip(Rect),
}
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Page;
impl Page {
    pub fn id(&self) -> &str {
        ""
    }
    pub fn url(&self) -> String {
        String::new()
    }
    pub async fn title(&self) -> Result<String, Error> {
        later!()
    }
    pub fn is_crashed(&self) -> bool {
        false
    }
    pub fn is_closed(&self) -> bool {
        false
    }
    pub fn opener(&self) -> Option<String> {
        None
    }
    pub async fn close(&self) -> Result<(), Error> {
        later!()
    }
    pub async fn navigate(
        &self,
        url: &str,
        within: Duration,
    ) -> Result<Navigation, NavigationError> {
        Err(NavigationError::Aborted)
    }
    /// Status of the current main document, and why the last navigation failed if it did.
    pub fn document_status(&self) -> Option<u16> {
        None
    }
    pub fn last_navigation_error(&self) -> Option<NavigationError> {
        None
    }
    pub async fn frames(&self) -> Result<Vec<FrameInfo>, Error> {
        later!()
    }
    /// Changes whenever something happened worth another look (navigation, DOM change, dialog, popup, download).
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
    /// No pending navigation and no DOM change for 300 ms; false at the deadline.
    pub async fn quiet(&self, deadline: Deadline) -> bool {
        false
    }

    // looking
    pub async fn find(&self, query: &Query) -> Result<Vec<Found>, Error> {
        later!()
    }
    /// Exactly one visible match, else `Wait(Missing|NotVisible|Ambiguous)`.
    pub async fn one(&self, query: &Query) -> Attempted<Found> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn facts(&self, node: &Node) -> Attempted<Found> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Value of a control: text, selected label, "true"/"false".
    pub async fn value(&self, node: &Node) -> Attempted<String> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn text_of(&self, node: &Node) -> Attempted<String> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn tables(&self, name: Option<&Text>) -> Result<Vec<Table>, Error> {
        later!()
    }
    pub async fn read_table(&self, node: &Node) -> Attempted<Table> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Visible text of all frames, capped at 2 MB.
    pub async fn visible_text(&self) -> Result<String, Error> {
        later!()
    }
    /// (frame url, html) of all frames.
    pub async fn html(&self) -> Result<Vec<(String, String)>, Error> {
        later!()
    }
    pub async fn screenshot(&self, area: Area, format: ImageFormat) -> Result<Vec<u8>, Error> {
        later!()
    }
    pub async fn pdf(&self) -> Result<Vec<u8>, Error> {
        later!()
    }

    // one try each; the caller loops with `Tries`
    /// `attempt` counts tries (scroll strategies cycle with it).
    pub async fn try_click(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn try_double_click(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn try_hover(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Fills and reads back; `Done` = what the control shows now.
    pub async fn try_fill(&self, node: &Node, text: &str) -> Attempted<String> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Clears, types by insertText only, reads back the length only.
    pub async fn type_text_unlogged(&self, node: &Node, text: &str) -> Attempted<usize> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// ISO date (`2026-11-22`) into a native date control.
    pub async fn try_fill_date(&self, node: &Node, iso: &str) -> Attempted<String> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Native select, custom select or radio group, by label; `Done` = the label now shown.
    pub async fn try_choose(
        &self,
        node: &Node,
        label: &Text,
        before: &mut dyn BeforeInput,
    ) -> Attempted<String> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    pub async fn try_tick(
        &self,
        node: &Node,
        on: bool,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<bool> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Keys as `Enter`, `Tab`, `Control+A`, `ArrowDown`, or one character.
    pub async fn press(&self, node: Option<&Node>, key: &str) -> Attempted<()> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }
    /// Copies the files where the browser may read them and attaches them; `Done` = names and sizes shown.
    pub async fn try_upload(
        &self,
        node: &Node,
        files: &[PathBuf],
    ) -> Attempted<Vec<(String, u64)>> {
        Attempted::Stop(Stop::Browser(Error::Gone))
    }

    // loops of their own
    pub async fn click(
        &self,
        query: &Query,
        deadline: Deadline,
        before: &mut dyn BeforeInput,
    ) -> Result<Clicked, NotDone> {
        Err(Stop::Browser(Error::Gone).into())
    }
    pub async fn fill(
        &self,
        query: &Query,
        text: &str,
        deadline: Deadline,
    ) -> Result<String, NotDone> {
        Err(Stop::Browser(Error::Gone).into())
    }
    pub async fn typeahead(
        &self,
        node: &Node,
        typed: &str,
        pick: &Text,
        deadline: Deadline,
        before: &mut dyn BeforeInput,
    ) -> Result<String, NotDone> {
        Err(Stop::Browser(Error::Gone).into())
    }
    /// After an act: pending navigations have committed, were cancelled, became downloads (engine.md §6.3).
    pub async fn settle(&self, deadline: Deadline) {}
}
