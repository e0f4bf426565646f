//! What a context reports while it runs. Headers, addresses and texts are page data: whoever keeps
//! them masks them first.

use super::dialog::DialogSeen;
use super::download::Download;

/// One thing that happened. `page` and `frame` are ids.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "field names say it")]
pub enum Event {
    /// A request is about to be sent. `kind`: Document, XHR, Fetch, Script, Image …
    Request {
        page: String,
        frame: String,
        id: String,
        method: String,
        url: String,
        kind: String,
        headers: Vec<(String, String)>,
        has_body: bool,
    },
    /// The head of an answer came (a redirect, too).
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
    /// The answer is complete.
    Finished { page: String, id: String, bytes: u64 },
    /// The request failed; `error` is a net error name.
    Failed { page: String, id: String, error: String },
    /// A document was committed.
    Navigated { page: String, frame: String, url: String, main: bool },
    /// A page was opened by another one.
    Popup { page: String, opener: Option<String> },
    /// A page was closed.
    PageClosed { page: String },
    /// The renderer of a page crashed.
    PageCrashed { page: String },
    /// A dialog was answered.
    Dialog(DialogSeen),
    /// A download began.
    DownloadStarted { name: String },
    /// A download is complete.
    DownloadDone(Download),
    /// A download failed or was too large.
    DownloadFailed { reason: String },
}
