//! Text put into pages, escaped; dates as portals write them; small answers every payer uses.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::{Timestamp, civil::Date};

/// Text for an HTML element or a quoted attribute.
pub fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// `03/09/2026`.
pub fn us_date(date: Date) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "{:02}/{:02}/{:04}", date.month(), date.day(), date.year());
    text
}

/// Reads `03/09/2026`, `3/9/2026` or `2026-03-09`.
pub fn read_date(text: &str) -> Option<Date> {
    let text = text.trim();
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    let mut parts = text.split('/');
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    let year = parts.next()?.parse().ok().filter(|year| (1000..=9999).contains(year))?;
    Date::new(year, month, day).ok().filter(|_| parts.next().is_none())
}

/// `03/02/2026 08:07 AM CT`: a moment as the hub writes it, in Central time.
pub fn central(at: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::get("America/Chicago").unwrap_or(jiff::tz::TimeZone::UTC);
    at.to_zoned(zone).strftime("%m/%d/%Y %I:%M %p CT").to_string()
}

/// An answer with a body of this type.
pub fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An HTML page.
pub fn page(status: StatusCode, html: String) -> Response {
    answer(status, "text/html; charset=utf-8", html)
}

/// A redirect after a form was taken (303), or away (302).
pub fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = answer(status, "text/html; charset=utf-8", "");
    let value = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(esc("<O'HAZEL & \"ÅSP\">"), "&lt;O&#39;HAZEL &amp; &quot;ÅSP&quot;&gt;");
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        let day = Date::constant(2026, 3, 9);
        for text in ["03/09/2026", "3/9/2026", "2026-03-09", " 03/09/2026 "] {
            assert_eq!(read_date(text), Some(day), "{text}");
        }
        for text in ["", "13/40/2026", "03/09/26", "03/09/2026/1", "today"] {
            assert_eq!(read_date(text), None, "{text}");
        }
        assert_eq!(us_date(day), "03/09/2026");
        assert_eq!(central("2026-03-02T14:07:31Z".parse().unwrap()), "03/02/2026 08:07 AM CT");
    }
}
