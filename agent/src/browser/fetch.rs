//! One GET in the name of a context, without a page being rendered: the context's cookies, user agent, language, way out
//! and trust, and nothing else. No other method, no body, no redirect followed by itself.

use super::connection::CALL;
use super::context::{Context, CookieJar};
use super::error::Error;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Largest answer read, in bytes.
pub const ANSWER_MAX: usize = 4 << 20;
/// Most redirects followed.
const HOPS_MAX: usize = 5;
/// What the browser says it prefers; the browser itself runs with `--lang=en-US`.
const LANGUAGE: &str = "en-US,en;q=0.9";

/// An answer that was not rendered. Page data: mask before it is kept.
#[derive(Clone)]
pub struct Answer {
    /// Address it came from, after redirects.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// `content-type` without parameters, lower case.
    pub media_type: String,
    /// `date` of the portal, as it wrote it.
    pub date: String,
    /// The body as text.
    pub body: String,
}

/// Why there is no answer. Texts carry no addresses and no values.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It led to a place that is not allowed.
    #[error("it led to a host the script does not list")]
    OffSite,
    /// More than a few redirects.
    #[error("it was redirected too often")]
    Redirects,
    /// More than [`ANSWER_MAX`].
    #[error("the answer is larger than 4 MiB")]
    TooLarge,
    /// The host did not answer as it should, or not in time.
    #[error("{0}")]
    Transport(&'static str),
    /// The browser could not tell or take cookies.
    #[error(transparent)]
    Browser(#[from] Error),
}

impl Context {
    /// Asks for an address with GET as this context would, following redirects while `allowed` says yes to each. Cookies
    /// the portal sets are given to the context.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn get(
        &self,
        address: &str,
        time: Duration,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<Answer, NoAnswer> {
        let asked = async {
            let mut url = Url::parse(address).map_err(|_| NoAnswer::OffSite)?;
            for _ in 0..=HOPS_MAX {
                if url.scheme() != "https" || !allowed(url.as_str()) {
                    return Err(NoAnswer::OffSite);
                }
                let response = self.ask(&url).await?;
                self.take_cookies(&url, &response).await?;
                if !response.status().is_redirection() {
                    return read(url, response).await;
                }
                let place = header(&response, "location");
                url = url.join(&place).map_err(|_| NoAnswer::OffSite)?;
            }
            Err(NoAnswer::Redirects)
        };
        tokio::time::timeout(time, asked)
            .await
            .unwrap_or(Err(NoAnswer::Transport("no answer came in time")))
    }

    async fn ask(&self, url: &Url) -> Result<reqwest::Response, NoAnswer> {
        let client = self.client()?;
        let mut call = client
            .get(url.clone())
            .header("accept", "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8")
            .header("accept-language", LANGUAGE);
        let cookies = self.cookies_for(url).await?;
        if !cookies.is_empty() {
            let mut value = reqwest::header::HeaderValue::from_str(&cookies)
                .map_err(|_| NoAnswer::Transport("a cookie cannot be sent"))?;
            value.set_sensitive(true);
            call = call.header("cookie", value);
        }
        call.send().await.map_err(|error| {
            NoAnswer::Transport(if error.is_connect() {
                "the host could not be reached, or its certificate is not trusted"
            } else {
                "the connection broke before the answer"
            })
        })
    }

    /// The one client of this context; its connections live as long as the context.
    fn client(&self) -> Result<&reqwest::Client, NoAnswer> {
        if let Some(client) = self.inner.http.get() {
            return Ok(client);
        }
        let config = &self.inner.browser.config;
        let refused = |_| NoAnswer::Transport("the way out could not be set up");
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(&self.inner.browser.user_agent)
            .connect_timeout(Duration::from_secs(20));
        if let Some(ca) = &config.extra_ca {
            let pem = std::fs::read(ca)
                .map_err(|_| NoAnswer::Transport("the further authority cannot be read"))?;
            for certificate in reqwest::Certificate::from_pem_bundle(&pem).map_err(refused)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder = match &self.inner.tunnels {
            Some(tunnels) => {
                let proxy = format!("http://{}", tunnels.address());
                builder.proxy(reqwest::Proxy::all(proxy).map_err(refused)?)
            }
            None => config
                .host_rules
                .iter()
                .fold(builder.no_proxy(), |b, (host, to)| b.resolve(host, *to)),
        };
        let client = builder.build().map_err(refused)?;
        Ok(self.inner.http.get_or_init(|| client))
    }

    /// The `cookie` header Chromium would send there.
    async fn cookies_for(&self, url: &Url) -> Result<String, Error> {
        let CookieJar(all) = self.cookies().await?;
        let mut fitting: Vec<&Value> = all.iter().filter(|cookie| fits(cookie, url)).collect();
        // Longer paths first, as a browser does (RFC 6265 §5.4).
        fitting.sort_by_key(|cookie| std::cmp::Reverse(field(cookie, "path").len()));
        let pairs: Vec<String> = fitting
            .iter()
            .map(|cookie| format!("{}={}", field(cookie, "name"), field(cookie, "value")))
            .collect();
        Ok(pairs.join("; "))
    }

    async fn take_cookies(&self, url: &Url, response: &reqwest::Response) -> Result<(), Error> {
        let set = response.headers().get_all("set-cookie").iter();
        let parsed: Vec<Value> = set
            .filter_map(|line| line.to_str().ok())
            .filter_map(|line| cookie_of(line, url))
            .collect();
        if parsed.is_empty() {
            return Ok(());
        }
        let params = json!({"browserContextId": self.inner.id, "cookies": parsed});
        self.inner.conn().call_raw(None, "Storage.setCookies", params, CALL).await.map(drop)
    }
}

async fn read(url: Url, response: reqwest::Response) -> Result<Answer, NoAnswer> {
    let status = response.status().as_u16();
    let media = header(&response, "content-type");
    let media_type = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let date = header(&response, "date");
    let mut body = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| NoAnswer::Transport("the answer broke off"))?;
        if body.len() + part.len() > ANSWER_MAX {
            return Err(NoAnswer::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { url: url.into(), status, media_type, date, body })
}

fn header(response: &reqwest::Response, name: &str) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn field<'c>(cookie: &'c Value, name: &str) -> &'c str {
    cookie.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a cookie goes to an address (RFC 6265 §5.1.3 and §5.1.4).
fn fits(cookie: &Value, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let domain = field(cookie, "domain");
    let host_fits = match domain.strip_prefix('.') {
        Some(parent) => host == parent || host.ends_with(domain),
        None => host == domain,
    };
    let path = field(cookie, "path");
    let under = url.path().strip_prefix(path);
    let path_fits =
        under.is_some_and(|rest| path.ends_with('/') || rest.is_empty() || rest.starts_with('/'));
    host_fits && path_fits
}

/// A `set-cookie` line as the debugging protocol takes it (RFC 6265 §5.2); none when it has no name or another's domain.
fn cookie_of(line: &str, url: &Url) -> Option<Value> {
    let mut parts = line.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    let mut cookie = json!({"name": name, "value": value.trim(), "url": url.as_str()});
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => cookie["path"] = json!(value),
            "domain" if !value.is_empty() => {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                let host = url.host_str()?;
                if host != domain && !host.ends_with(&format!(".{domain}")) {
                    return None;
                }
                cookie["domain"] = json!(format!(".{domain}"));
            }
            "secure" => cookie["secure"] = json!(true),
            "httponly" => cookie["httpOnly"] = json!(true),
            "samesite" if matches!(value, "Strict" | "Lax" | "None") => {
                cookie["sameSite"] = json!(value);
            }
            "max-age" => {
                let seconds: i64 = value.parse().ok()?;
                let now = crate::clock::now().ms() / 1_000;
                cookie["expires"] = json!(now.saturating_add(seconds));
            }
            "expires" if cookie.get("expires").is_none() => {
                if let Ok(at) = jiff::fmt::rfc2822::parse(value) {
                    cookie["expires"] = json!(at.timestamp().as_second());
                }
            }
            _ => {}
        }
    }
    Some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn a_cookie_goes_where_a_browser_would_send_it() {
        let own = json!({"domain": "mmis.harbor.test", "path": "/pa"});
        assert!(fits(&own, &url("https://mmis.harbor.test/pa/paDetail?x=1")));
        assert!(fits(&own, &url("https://mmis.harbor.test/pa")));
        assert!(!fits(&own, &url("https://mmis.harbor.test/pay")));
        assert!(!fits(&own, &url("https://www.mmis.harbor.test/pa")), "a host-only cookie");
        let shared = json!({"domain": ".harbor.test", "path": "/"});
        assert!(fits(&shared, &url("https://mmis.harbor.test/pa")));
        assert!(fits(&shared, &url("https://harbor.test/")));
        assert!(!fits(&shared, &url("https://notharbor.test/")));
    }

    #[test]
    fn a_cookie_that_is_set_is_read_and_a_strangers_is_not() {
        let at = url("https://mmis.harbor.test/pa/x");
        let set = cookie_of("sid=a=b; Path=/pa; Secure; HttpOnly; SameSite=Lax", &at);
        let set = set.expect("a cookie");
        assert_eq!((field(&set, "name"), field(&set, "value")), ("sid", "a=b"));
        assert_eq!((field(&set, "path"), field(&set, "sameSite")), ("/pa", "Lax"));
        assert_eq!(set["secure"], true);
        assert!(cookie_of("sid=1; Domain=other.test", &at).is_none());
        assert!(cookie_of("=1", &at).is_none());
        let past = cookie_of("sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", &at).expect("a cookie");
        assert_eq!(past["expires"], 0);
    }
}
