//! Addresses of a recording: which host, what can be opened again, and which part of a path tells a page.

use url::Url;

use super::privacy::{Taint, looks_generated, unescaped};

/// An address as far as it may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Host, with its port where it is not the usual one.
    pub(super) host: String,
    /// Path as a glob: parts that are somebody's data or made by a program are `*`.
    pub(super) glob: String,
    /// A path of a page that lives behind the `#`, as single-page applications write it.
    pub(super) route: Option<String>,
    /// It had a query or a fragment that was left out.
    pub(super) cut: bool,
    /// It was not https.
    pub(super) plain: bool,
}

impl Address {
    /// Reads an address of a page; `None` for what no portal has, such as `chrome://newtab/`.
    pub(super) fn read(text: &str, taint: &Taint) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.scheme() == "http";
        if !plain && url.scheme() != "https" {
            return None;
        }
        let name = url.host_str().filter(|name| !name.starts_with('[') && !name.contains('_'))?;
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let mut parts = Vec::new();
        let mut cut = url.query().is_some_and(|query| !query.is_empty());
        for part in url.path().trim_start_matches('/').split('/') {
            let (part, parameters) = part.split_once(';').map_or((part, ""), |(a, b)| (a, b));
            cut |= !parameters.is_empty();
            parts.push(if tells_nothing(part, taint) { "*" } else { part });
        }
        let glob = format!("/{}", parts.join("/"));
        let fragment = url.fragment().filter(|fragment| !fragment.is_empty());
        let route = fragment.filter(|route| is_route(route, taint)).map(str::to_owned);
        cut |= fragment.is_some() && route.is_none();
        Some(Self { host, glob, route, cut, plain })
    }

    /// The address as `open` takes it, unless its path holds what may not be repeated.
    pub(super) fn to_open(&self) -> Option<String> {
        if self.glob.contains('*') {
            return None;
        }
        let route = self.route.as_ref().map(|route| format!("#{route}")).unwrap_or_default();
        Some(format!("https://{}{}{route}", self.host, self.glob))
    }

    /// A word for the page, from the end of its path.
    pub(super) fn word(&self) -> Option<&str> {
        let path = self.route.as_deref().unwrap_or(&self.glob);
        let part = path.rsplit('/').find(|part| part.starts_with(|c: char| c.is_alphabetic()))?;
        Some(part.split('.').next().unwrap_or(part))
    }
}

/// A part of a path that is data, made by a program, or cannot stand in a glob.
fn tells_nothing(part: &str, taint: &Taint) -> bool {
    let read = unescaped(part);
    let stem = part.split('.').next().unwrap_or(part);
    taint.touches(part)
        || looks_generated(stem)
        || part.len() > 40
        || part.contains(['*', '$', '{', '%'])
        || read.contains([' ', '@', ','])
}

fn is_route(route: &str, taint: &Taint) -> bool {
    let path = route.strip_prefix('!').unwrap_or(route);
    path.starts_with('/')
        && !path.contains('?')
        && path.split('/').all(|part| part.is_empty() || !tells_nothing(part, taint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_no_data() {
        let mut taint = Taint::words();
        taint.add("Maple");
        let cases = [
            ("https://portal.test/auth/search?token=abc", "/auth/search", true),
            ("https://portal.test:8443/", "/", false),
            ("https://portal.test/auth/20260001/edit", "/auth/*/edit", false),
            ("https://portal.test/members/maple/view.aspx;s=1", "/members/*/view.aspx", true),
            ("https://portal.test/a%20b/x#top", "/*/x", true),
        ];
        for (text, glob, cut) in cases {
            let address = Address::read(text, &taint).unwrap();
            assert_eq!((address.glob.as_str(), address.cut), (glob, cut), "{text}");
        }
        let routed = Address::read("https://hub.test/#/auth/new", &taint).unwrap();
        assert_eq!(routed.to_open().as_deref(), Some("https://hub.test/#/auth/new"));
        assert_eq!(routed.word(), Some("new"));
        for text in ["chrome://newtab/", "about:blank", "file:///x", "", "http://[::1]/"] {
            assert!(Address::read(text, &taint).is_none(), "{text}");
        }
    }
}
