//! Going to an address, with every way it can fail as a value; and the barrier after an act:
//! navigations begun by it have committed, were cancelled, or became downloads.

use super::attempt::Deadline;
use super::browser::text;
use super::connection::{CALL, lock};
use super::error::Error;
use super::page::{Page, PageState};
use serde_json::{Value, json};
use std::time::Duration;

/// A renderer that announced a navigation and began none in this time will not (`mailto:`, cancelled).
const ANNOUNCED: Duration = Duration::from_millis(500);
/// How long after a cancelled navigation a download may be announced.
const DOWNLOAD_WORD: Duration = Duration::from_millis(200);
/// How long an empty call may take to flush the renderer after an act.
const FLUSH: Duration = Duration::from_secs(2);

/// A committed main document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// HTTP status; `None` for documents without one (`about:`, same-document).
    pub status: Option<u16>,
    /// Address after redirects.
    pub url: String,
}

impl Navigation {
    /// Statuses of 400 and above are failures of the portal.
    ///
    /// # Errors
    /// [`NavigationError::Http`].
    pub fn require_ok(self) -> Result<Self, NavigationError> {
        match self.status {
            Some(s) if s >= 400 => Err(NavigationError::Http(s)),
            _ => Ok(self),
        }
    }
}

/// Why an address could not be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NavigationError {
    /// The host name was not found.
    #[error("the host name was not found")]
    Dns,
    /// The certificate is not trusted, expired, or for another host. Holds the net error name.
    #[error("the certificate is not valid: {0}")]
    CertificateInvalid(String),
    /// Nothing listens there, or the connection broke. Holds the net error name.
    #[error("nothing answers there, or the connection broke: {0}")]
    Refused(String),
    /// The page did not come in time.
    #[error("the page did not come within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The portal answered with an error status.
    #[error("the portal answered with status {0}")]
    Http(u16),
    /// The address is a download; click a link to it instead.
    #[error("the address is a download")]
    Download,
    /// It was cancelled, by the page or by a 204 answer.
    #[error("the navigation was cancelled")]
    Aborted,
    /// Another net error.
    #[error("the navigation failed: {0}")]
    Network(String),
    /// The browser failed.
    #[error(transparent)]
    Browser(#[from] Error),
}

impl NavigationError {
    /// From Chromium's `net::ERR_…`.
    #[must_use]
    pub fn from_net(error: &str, waited: Duration) -> Self {
        let name = error.trim_start_matches("net::");
        let short = || name.chars().take(80).collect::<String>();
        match name {
            "ERR_NAME_NOT_RESOLVED" | "ERR_NAME_RESOLUTION_FAILED" => Self::Dns,
            "ERR_ABORTED" => Self::Aborted,
            "ERR_TIMED_OUT" | "ERR_CONNECTION_TIMED_OUT" => Self::TimedOut(waited),
            n if n.starts_with("ERR_CERT_")
                || n.starts_with("ERR_SSL_")
                || n == "ERR_BAD_SSL_CLIENT_AUTH_CERT" =>
            {
                Self::CertificateInvalid(short())
            }
            n if n.starts_with("ERR_CONNECTION_")
                || n.starts_with("ERR_PROXY_")
                || n.starts_with("ERR_TUNNEL_")
                || n.starts_with("ERR_SOCKET_")
                || matches!(
                    n,
                    "ERR_ADDRESS_UNREACHABLE"
                        | "ERR_EMPTY_RESPONSE"
                        | "ERR_NETWORK_CHANGED"
                        | "ERR_INTERNET_DISCONNECTED"
                ) =>
            {
                Self::Refused(short())
            }
            _ => Self::Network(short()),
        }
    }
}

impl Page {
    /// Goes to an address and waits until its document is parsed.
    ///
    /// # Errors
    /// Every way it can fail; a 4xx or 5xx answer with a page is not an error here, see
    /// [`Navigation::require_ok`].
    pub async fn navigate(
        &self,
        url: &str,
        within: Duration,
    ) -> Result<Navigation, NavigationError> {
        self.inner.alive()?;
        let deadline = Deadline::within(within);
        lock(&self.inner.state).navigation_error = None;
        let downloads = self.context.downloads.begun();
        let call = self.inner.conn.call_raw(
            Some(&self.inner.session),
            "Page.navigate",
            json!({"url": url}),
            within,
        );
        let reply = match call.await {
            Ok(reply) => reply,
            Err(Error::Timeout { .. }) => return Err(self.stop(within).await),
            Err(e) => return Err(e.into()),
        };
        let loader = text(&reply, "/loaderId").to_owned();
        if reply.get("isDownload").and_then(Value::as_bool) == Some(true) {
            return Err(NavigationError::Download);
        }
        let failed = text(&reply, "/errorText");
        if !failed.is_empty() {
            return Err(self.why_failed(failed, &loader, downloads, within).await);
        }
        if loader.is_empty() {
            return Ok(Navigation { status: None, url: self.url() });
        }
        let parsed = |s: &mut PageState| {
            let main = s.frames.first()?;
            // A page that goes on by itself at once has another loader by now.
            (main.loader == loader && main.parsed || s.superseded(&loader)).then_some(())
        };
        match self.inner.until(deadline, parsed).await? {
            Some(()) => Ok(Navigation { status: self.document_status(), url: self.url() }),
            None => Err(self.stop(within).await),
        }
    }

    /// Loads the document again.
    ///
    /// # Errors
    /// As [`Page::navigate`].
    pub async fn reload(&self, within: Duration) -> Result<Navigation, NavigationError> {
        let before = lock(&self.inner.state).frames.first().map(|f| f.loader.clone());
        lock(&self.inner.state).navigation_error = None;
        self.inner.call_raw("Page.reload", json!({})).await?;
        let deadline = Deadline::within(within);
        let done = |s: &mut PageState| {
            let main = s.frames.first()?;
            (s.navigation_error.is_some() || Some(&main.loader) != before.as_ref() && main.parsed)
                .then_some(())
        };
        if self.inner.until(deadline, done).await?.is_none() {
            return Err(self.stop(within).await);
        }
        if let Some(e) = self.last_navigation_error() {
            return Err(e);
        }
        Ok(Navigation { status: self.document_status(), url: self.url() })
    }

    async fn stop(&self, within: Duration) -> NavigationError {
        // Best effort: the page may hang altogether.
        let _stopped = self.inner.call_raw("Page.stopLoading", json!({})).await;
        match self.inner.alive() {
            Ok(()) => NavigationError::TimedOut(within),
            Err(e) => e.into(),
        }
    }

    async fn why_failed(
        &self,
        error: &str,
        loader: &str,
        downloads: u64,
        within: Duration,
    ) -> NavigationError {
        if error.ends_with("ERR_HTTP_RESPONSE_CODE_FAILURE") {
            let state = lock(&self.inner.state);
            if let Some(status) = state.status.iter().rev().find(|s| s.0 == loader).map(|s| s.1) {
                return NavigationError::Http(status);
            }
        }
        if error.ends_with("ERR_ABORTED") {
            // The word that it is a download follows the word that the navigation ended.
            let word = Deadline::within(DOWNLOAD_WORD);
            let begun =
                |_: &mut PageState| (self.context.downloads.begun() > downloads).then_some(());
            if let Ok(Some(())) = self.inner.until(word, begun).await {
                return NavigationError::Download;
            }
        }
        NavigationError::from_net(error, within)
    }

    /// HTTP status of the current main document, where it has one.
    #[must_use]
    pub fn document_status(&self) -> Option<u16> {
        let state = lock(&self.inner.state);
        let main = &state.frames.first()?.loader;
        state.status.iter().rev().find(|s| &s.0 == main).map(|s| s.1)
    }

    /// How long the portal asked to stay away, as it said it with status 429 or 503.
    #[must_use]
    pub fn retry_after(&self) -> Option<String> {
        lock(&self.inner.state).retry_after.clone()
    }

    /// Why the last navigation of the main frame failed, if it did (also one begun by a click).
    #[must_use]
    pub fn last_navigation_error(&self) -> Option<NavigationError> {
        lock(&self.inner.state).navigation_error.clone()
    }

    /// True while a document request or navigation of any frame is under way.
    #[must_use]
    pub fn is_navigating(&self) -> bool {
        lock(&self.inner.state).navigating()
    }

    /// The barrier after an act: flushes the renderer, then waits until every navigation of the
    /// page, and of popups it opened, has ended one way or the other. At the deadline it just ends.
    pub async fn settle(&self, deadline: Deadline) {
        if !self.inner.is_flushed() {
            let flush = self.inner.run(&self.inner.id, "flush", json!([]));
            // No answer means the document is being replaced: the wait below covers it.
            let _flushed = tokio::time::timeout(FLUSH.min(deadline.left()), flush).await;
        }
        let mut changed = self.context.watch();
        loop {
            let mut pages = self.context.pages();
            pages.retain(|p| p.id == self.inner.id || p.opener.as_ref() == Some(&self.inner.id));
            let busy = |p: &super::page::PageInner| {
                let state = lock(&p.state);
                !state.closed && !state.crashed && (state.navigating() || !*p.ready.borrow())
            };
            let Some(waiting) = pages.into_iter().find(|p| busy(p)) else { return };
            let mut own = waiting.watch();
            if !busy(&waiting) {
                continue;
            }
            let pause = Deadline::within(ANNOUNCED).instant().min(deadline.instant());
            tokio::select! {
                _ = own.changed() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep_until(pause) => {}
            }
            if deadline.passed() || !self.inner.conn.is_alive() {
                return;
            }
        }
    }

    /// Waits for a call's worth of time at most until something changes on the page.
    pub async fn wait_change(&self, deadline: Deadline) {
        let mut changed = self.inner.watch();
        // Both ends mean the same to the caller: look again.
        let _woken =
            tokio::time::timeout_at(deadline.at_most(CALL).instant(), changed.changed()).await;
    }
}

/// How long a page has been still, and what it is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stillness {
    /// Count of changes so far.
    pub changes: u64,
    /// Time since the last change of a document; zero while a navigation is pending.
    pub for_: Duration,
}

impl Page {
    /// How long nothing has changed in any document of the page that can tell (a closed shadow root cannot).
    #[must_use]
    pub fn stillness(&self) -> Stillness {
        let changes = *self.changes().borrow();
        let state = lock(&self.inner.state);
        let for_ = if state.navigating() { Duration::ZERO } else { state.last_change.elapsed() };
        Stillness { changes, for_ }
    }
}

impl PageState {
    pub(crate) fn navigating(&self) -> bool {
        self.pending.values().any(|p| p.loader.is_some() || p.since.elapsed() < ANNOUNCED)
    }

    fn superseded(&self, loader: &str) -> bool {
        let Some(main) = self.frames.first() else { return false };
        main.loader != loader && main.parsed && main.past.iter().any(|l| l == loader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_errors_have_types() {
        let of = |e: &str| NavigationError::from_net(e, Duration::from_secs(1));
        assert_eq!(of("net::ERR_NAME_NOT_RESOLVED"), NavigationError::Dns);
        assert_eq!(
            of("net::ERR_CERT_DATE_INVALID"),
            NavigationError::CertificateInvalid("ERR_CERT_DATE_INVALID".into())
        );
        assert!(matches!(of("net::ERR_CONNECTION_RESET"), NavigationError::Refused(_)));
        assert_eq!(
            of("net::ERR_CONNECTION_TIMED_OUT"),
            NavigationError::TimedOut(Duration::from_secs(1))
        );
        assert!(matches!(of("net::ERR_BLOCKED_BY_CLIENT"), NavigationError::Network(_)));
    }
}
