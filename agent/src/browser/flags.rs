//! The reviewed list of browser flags, as data. A change here is a change of the security posture.

/// Flags every browser gets, with the reason for each.
pub const FLAGS: &[(&str, &str)] = &[
    ("--headless=new", "the full browser; the reduced shell honours no managed policy"),
    (
        "--remote-debugging-pipe",
        "no port another local user could attach to; the browser ends with us",
    ),
    ("--password-store=basic", "no keyring; the profile dies with the browser"),
    ("--no-first-run", "nothing but the page"),
    ("--no-default-browser-check", "nothing but the page"),
    ("--no-startup-window", "pages are only opened by us, in contexts of their own"),
    ("--disable-default-apps", "nothing but the page"),
    ("--disable-extensions", "nothing but the page"),
    ("--disable-background-networking", "no data to third parties"),
    ("--disable-component-update", "no downloads of the browser's own"),
    ("--disable-sync", "no data to third parties"),
    ("--disable-breakpad", "no crash reports to third parties"),
    ("--disable-client-side-phishing-detection", "no page content to third parties"),
    ("--disable-field-trial-config", "the same behaviour on every start"),
    ("--disable-quic", "no UDP path"),
    ("--disable-http2", "the submit gate relies on one connection per exchange"),
    ("--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "no UDP around the proxy"),
    ("--webrtc-ip-handling-policy=disable_non_proxied_udp", "the other spelling of the same"),
    ("--site-per-process", "full site isolation"),
    ("--disable-back-forward-cache", "no page state kept between steps"),
    ("--enable-automation", "honest: no hiding from portals"),
    ("--lang=en-US", "stable evidence"),
    ("--force-color-profile=srgb", "stable evidence"),
    ("--export-tagged-pdf", "printed pages keep their text structure"),
    ("--hide-scrollbars", "stable evidence"),
    ("--mute-audio", "no sound device in a container"),
    (
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
        "no renderers for the address bar of every window: nobody types there",
    ),
    ("--disable-gpu", "no graphics device in a container"),
];

/// Flags that must never appear; a browser is refused rather than started with one of them.
pub const FORBIDDEN: &[&str] = &[
    "--no-sandbox",
    "--disable-setuid-sandbox",
    "--disable-seccomp-filter-sandbox",
    "--disable-web-security",
    "--ignore-certificate-errors",
    "--ignore-certificate-errors-spki-list",
    "--allow-running-insecure-content",
    "--remote-debugging-port",
    "--remote-debugging-address",
    "--remote-allow-origins",
    "--disable-popup-blocking",
    "--disable-ipc-flooding-protection",
    "--disable-hang-monitor",
    "--disable-prompt-on-repost",
    "--disable-site-isolation-trials",
    "--single-process",
    "--allow-file-access-from-files",
    "--load-extension",
    "--enable-remote-extensions",
];

/// Features that must never be enabled.
pub const FORBIDDEN_FEATURES: &[&str] = &["NetworkServiceInProcess", "IdleDetection"];

/// The first forbidden flag or feature of a command line, if there is one.
#[must_use]
pub fn forbidden<'a>(args: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    args.into_iter().find(|arg| {
        let (name, value) = arg.split_once('=').unwrap_or((arg, ""));
        FORBIDDEN.contains(&name)
            || (name == "--enable-features"
                && value
                    .split(',')
                    .any(|f| FORBIDDEN_FEATURES.contains(&f.split('<').next().unwrap_or(f))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_flags_are_found_with_and_without_values() {
        assert_eq!(
            forbidden(["--a", "--remote-debugging-port=0"]),
            Some("--remote-debugging-port=0")
        );
        assert_eq!(forbidden(["--no-sandbox"]), Some("--no-sandbox"));
        assert!(forbidden(["--enable-features=Foo,IdleDetection"]).is_some());
        assert_eq!(forbidden(["--enable-features=Foo", "--no-sandboxed"]), None);
    }

    #[test]
    fn our_own_list_is_clean_and_every_flag_has_a_reason() {
        assert_eq!(forbidden(FLAGS.iter().map(|f| f.0)), None);
        assert!(FLAGS.iter().all(|f| f.0.starts_with("--") && f.1.len() > 10));
    }
}
