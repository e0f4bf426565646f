//! A mailbox that one-time codes are sent to: where its messages are read, and which text in which message is the code.
//!
//! Written on one line, as the value of a secret: `https://reader:BEARER@host/path#subject=words&code=pattern`. The messages are
//! asked for with GET and the bearer, and come as `{"messages": [{"id", "received_at", "subject", "text"}]}`.

use regex::Regex;
use serde::Deserialize;

use crate::time::Timestamp;

/// How much older than the request for it a code may look: two clocks are never the same.
const CLOCKS_DIFFER_MS: i64 = 2_000;

/// A mailbox. Has no `Debug` that shows the bearer.
#[derive(Clone)]
pub struct Mailbox {
    /// Where the messages are read.
    pub url: String,
    /// What is shown to read them.
    pub bearer: String,
    subject: String,
    code: Regex,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox(••••)")
    }
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    received_at: jiff::Timestamp,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    text: String,
}

impl Mailbox {
    /// Reads the line; none when it is no such address.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("https://")?;
        let (place, options) = rest.split_once('#').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/')?;
        let (reader, host) = authority.split_once('@').unwrap_or(("", authority));
        if host.is_empty() {
            return None;
        }
        let bearer = reader.split_once(':').map_or(reader, |(_, bearer)| bearer).to_owned();
        let (mut subject, mut code) = (String::new(), r"\b(\d{4,8})\b".to_owned());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=')? {
                ("subject", words) => words.clone_into(&mut subject),
                ("code", pattern) => pattern.clone_into(&mut code),
                _ => return None,
            }
        }
        let code = regex::RegexBuilder::new(&code).size_limit(1 << 18).build().ok()?;
        Some(Self {
            url: format!("https://{host}/{path}"),
            bearer,
            subject: subject.to_lowercase(),
            code,
        })
    }

    /// The newest code that came for a request of `since`, and the message it stands in. Messages in `used` do not count, nor do
    /// those before one of them: a portal that sent another code takes the old one no longer. None when there is none yet, or the
    /// answer is no list of messages.
    #[must_use]
    pub fn newest(
        &self,
        answer: &str,
        since: Timestamp,
        used: &[String],
    ) -> Option<(String, String)> {
        let Messages { mut messages } = serde_json::from_str(answer).ok()?;
        let oldest = since.ms() - CLOCKS_DIFFER_MS;
        messages.retain(|message| message.subject.to_lowercase().contains(&self.subject));
        messages.sort_by_key(|message| message.received_at);
        let after = messages.iter().rposition(|message| used.contains(&message.id));
        let fresh = messages.get(after.map_or(0, |used| used + 1)..)?;
        let newest =
            fresh.last().filter(|message| message.received_at.as_millisecond() >= oldest)?;
        let found = self.code.captures(&newest.text)?;
        let code = found.get(1).or_else(|| found.get(0))?;
        Some((newest.id.clone(), code.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    const LINE: &str = "https://reader:b-1@mail.test/boxes/a@b.test/messages#subject=Your code&code=code is (\\d{6})";

    #[test]
    fn the_line_says_where_and_what() {
        let mailbox = Mailbox::parse(LINE).unwrap();
        assert_eq!(mailbox.url, "https://mail.test/boxes/a@b.test/messages");
        assert_eq!(mailbox.bearer, "b-1");
        assert!(!format!("{mailbox:?}").contains("b-1"));
        assert!(Mailbox::parse("http://mail.test/x").is_none());
        assert!(Mailbox::parse("123456").is_none());
        assert!(Mailbox::parse("https://mail.test/x#code=(").is_none());
    }

    #[test]
    fn the_newest_code_for_this_request_is_taken_and_never_twice() {
        let mailbox = Mailbox::parse(LINE).unwrap();
        let answer = r#"{"messages": [
            {"id": "m1", "received_at": "2026-03-02T13:59:00Z", "subject": "Your code", "text": "Your code is 111111."},
            {"id": "m2", "received_at": "2026-03-02T14:00:10Z", "subject": "Your code", "text": "Your code is 222222."},
            {"id": "m4", "received_at": "2026-03-02T14:00:40Z", "subject": "Office news", "text": "Your code is 999999."},
            {"id": "m3", "received_at": "2026-03-02T14:00:30Z", "subject": "YOUR CODE", "text": "Your code is 333333. Ref 444444"}]}"#;
        let since = at("2026-03-02T14:00:00Z");
        let none: [String; 0] = [];
        assert_eq!(mailbox.newest(answer, since, &none).unwrap(), ("m3".into(), "333333".into()));
        let used = ["m2".to_owned()];
        assert_eq!(mailbox.newest(answer, since, &used).unwrap().1, "333333");
        let used = ["m3".to_owned()];
        assert!(mailbox.newest(answer, since, &used).is_none(), "older than one that was used");
        assert!(mailbox.newest(answer, at("2026-03-02T14:01:00Z"), &none).is_none(), "too old");
        assert!(mailbox.newest("<html>", since, &none).is_none());
    }
}
