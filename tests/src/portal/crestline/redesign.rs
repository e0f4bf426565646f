//! Crestline Connect redesigned: the pages the server makes (two-page login, six boxes for a code, cards for the
//! organisation, shells), and the words of statuses. What is asked, checked and recorded stays the same.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::pages::{Challenge, dressed, picture};
use crate::portal::{
    Skin,
    html::{esc, page},
};

/// First words of a status, redesigned words.
const STATUSES: [(&str, &str); 9] = [
    ("CERTIFIED IN TOTAL", "Approved"),
    ("CERTIFIED - PARTIAL", "Partially approved"),
    ("MODIFIED", "Approved with changes"),
    ("NOT CERTIFIED", "Denied"),
    ("PENDED", "Pending review"),
    ("CONTACT PAYER", "Call the plan"),
    ("CANCELLED", "Cancelled"),
    ("NO ACTION REQUIRED", "Not required"),
    ("REDIRECTED", "Redirected"),
];

/// A status as this rendering words it.
pub(super) fn status(words: &str, skin: Skin) -> &str {
    if skin == Skin::V1 {
        return words;
    }
    STATUSES.iter().find(|(first, _)| *first == words).map_or(words, |(_, second)| second)
}

/// What happened to a line, as this rendering words it.
pub(super) fn event(words: &str, skin: Skin) -> &str {
    if skin == Skin::V1 {
        return words;
    }
    match words {
        "pended for review" => "waits for review",
        "additional information requested" => "the plan asks for papers",
        "certified" => "approved",
        "certified with changes" => "approved with changes",
        "not certified" => "denied",
        "contact payer" => "call the plan",
        "no action required" => "not required",
        other => other,
    }
}

fn gate(title: &str, message: &str, form: &str, script: &str) -> Response {
    let warning = if message.is_empty() {
        String::new()
    } else {
        format!("<p class=\"wk-warn\" role=\"alert\">{}</p>", esc(message))
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} | Connect</title><link rel=\"stylesheet\" href=\"/ws/sheet.css\">\
         <link rel=\"icon\" href=\"data:,\"></head><body><main class=\"wk-gate\">\
         <p class=\"wk-name\">Crestline <strong>Connect</strong></p><h1>{title}</h1>{warning}{form}\
         <p class=\"wk-note\">One desk for Crestline Mutual and Fernbrook Health.</p></main>\
         <script src=\"/pulse.js\"></script>{script}</body></html>",
        title = esc(title)
    );
    dressed(page(StatusCode::OK, html))
}

fn foot(words: &str) -> String {
    format!(
        "<div class=\"wk-foot\"><button class=\"wk-main\" type=\"submit\">{words}</button></div>"
    )
}

/// The first page of the login: who it is.
pub(super) fn login(message: &str, challenge: Option<&Challenge>) -> Response {
    let puzzle = challenge.map(|challenge| {
        format!(
            "<div class=\"wk-cell wk-puzzle\"><img alt=\"Picture with characters\" src=\"{}\">\
             <label for=\"wk-seen\">Type the characters you see</label>\
             <input id=\"wk-seen\" name=\"characters\" type=\"text\">\
             <input type=\"hidden\" name=\"challenge\" value=\"{}\"></div>",
            picture(challenge),
            challenge.id
        )
    });
    let form = format!(
        "<form method=\"post\" action=\"/identify\" autocomplete=\"off\"><div class=\"wk-cell\">\
         <label for=\"wk-who\">User ID</label><input id=\"wk-who\" name=\"who\" type=\"text\" required></div>{}{}</form>",
        puzzle.unwrap_or_default(),
        foot("Continue")
    );
    gate("Welcome back", message, &form, "")
}

/// The second page of the login: the password.
pub(super) fn password(who: &str, challenge: Option<u64>, characters: &str) -> Response {
    let seen = challenge.map(|id| {
        format!(
            "<input type=\"hidden\" name=\"challenge\" value=\"{id}\">\
             <input type=\"hidden\" name=\"characters\" value=\"{}\">",
            esc(characters)
        )
    });
    let form = format!(
        "<p>{who} · <a href=\"/login\">not you?</a></p>\
         <form method=\"post\" action=\"/login\" autocomplete=\"off\">\
         <input type=\"hidden\" name=\"who\" value=\"{who}\">{}<div class=\"wk-cell\"><label for=\"wk-word\">Password</label>\
         <input id=\"wk-word\" name=\"word\" type=\"password\" required></div>{}</form>",
        seen.unwrap_or_default(),
        foot("Log in"),
        who = esc(who)
    );
    gate("Your password", "", &form, "")
}

/// The code page: six boxes of one digit, or one box for a backup code.
pub(super) fn verify(message: &str, backup: bool) -> Response {
    let (boxes, other, script) = if backup {
        let one = "<div class=\"wk-cell\"><label for=\"wk-spare\">Backup code</label>\
                   <input id=\"wk-spare\" name=\"code\" type=\"text\" required>\
                   <input type=\"hidden\" name=\"backup\" value=\"1\"></div>";
        (one.to_owned(), "<a href=\"/verify\">Use the authenticator</a>", "")
    } else {
        let mut six =
            String::from("<fieldset class=\"wk-digits\"><legend>Authenticator code</legend>");
        for digit in 1..=6 {
            // Writing to a string cannot fail.
            let _ = write!(
                six,
                "<input type=\"text\" name=\"wk{digit}\" aria-label=\"Digit {digit}\" inputmode=\"numeric\" maxlength=\"1\" required>"
            );
        }
        six.push_str("</fieldset>");
        let script = "<script src=\"/ws/digits.js\"></script>";
        (six, "<a href=\"/verify?backup=1\">Use a backup code</a>", script)
    };
    let form = format!(
        "<form method=\"post\" action=\"/verify\" autocomplete=\"off\">{boxes}{}</form><p class=\"wk-note\">{other}</p>",
        foot("Verify")
    );
    gate("One more step", message, &form, script)
}

/// The page that asks to accept changed terms.
pub(super) fn terms(text: &str, message: &str) -> Response {
    let form = format!(
        "<blockquote class=\"wk-told\">{}</blockquote><form method=\"post\" action=\"/terms\">\
         <label class=\"wk-tick\"><input type=\"checkbox\" name=\"agree\" value=\"yes\"> I have read and accept the terms</label>{}\
         </form>",
        esc(text),
        foot("Accept")
    );
    gate("Our terms have changed", message, &form, "")
}

/// The page that asks for the organisation, as cards; nothing is chosen beforehand.
pub(super) fn organization(choices: &[String], message: &str) -> Response {
    let cards: String = choices
        .iter()
        .map(|name| {
            format!(
                "<label class=\"wk-pickcard\"><input type=\"radio\" name=\"office\" value=\"{0}\"><strong>{0}</strong></label>",
                esc(name)
            )
        })
        .collect();
    let form = format!(
        "<form method=\"post\" action=\"/organization\"><div class=\"wk-picks\" role=\"radiogroup\" \
         aria-label=\"Organization\">{cards}</div>{}</form>",
        foot("Continue")
    );
    gate("Choose an organization", message, &form, "")
}

fn shell(title: &str, settings: &Value, scripts: &[&str]) -> Response {
    let scripts: String =
        scripts.iter().map(|name| format!("<script src=\"/{name}\" defer></script>")).collect();
    // Inside a script element only "</" could end it early.
    let settings = settings.to_string().replace("</", "<\\/");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/ws/sheet.css\"><link rel=\"icon\" href=\"data:,\"></head>\
         <body><div id=\"wk-app\"></div><script type=\"application/json\" id=\"settings\">{settings}</script>{scripts}</body></html>"
    );
    dressed(page(StatusCode::OK, html))
}

/// The shell of the hub's application.
pub(super) fn hub_shell(settings: &Value) -> Response {
    shell("Connect", settings, &["pulse.js", "shared.js", "ws/core.js", "ws/hub.js"])
}

/// The shell of the application inside the frame.
pub(super) fn app_shell(settings: &Value) -> Response {
    let scripts = [
        "pulse.js",
        "shared.js",
        "ws/core.js",
        "ws/app.js",
        "ws/parts.js",
        "ws/wizard.js",
        "ws/records.js",
    ];
    shell("Workspace", settings, &scripts)
}

/// The questionnaire inside the application.
pub(super) fn questionnaire() -> Response {
    let yes_no = |name: &str, words: &str| {
        format!(
            "<fieldset><legend>{words}</legend><label class=\"wk-tick\"><input type=\"radio\" name=\"{name}\" value=\"yes\"> Yes\
             </label><label class=\"wk-tick\"><input type=\"radio\" name=\"{name}\" value=\"no\"> No</label></fieldset>"
        )
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Questions</title>\
         <link rel=\"stylesheet\" href=\"/ws/sheet.css\"></head><body class=\"wk-questions\"><form>{}{}\
         <div class=\"wk-cell\"><label for=\"wk-weeks\">How many weeks of therapy?</label>\
         <input id=\"wk-weeks\" name=\"q-weeks\" type=\"text\" inputmode=\"numeric\"></div>\
         <p class=\"wk-warn\" role=\"alert\" hidden></p>{}</form>\
         <script src=\"/pulse.js\"></script><script src=\"/ws/asked.js\"></script></body></html>",
        yes_no("q-weak", "Is there new weakness or numbness?"),
        yes_no("q-recent", "Was the therapy within the last six months?"),
        foot("Done")
    );
    dressed(page(StatusCode::OK, html))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::{crestline::line_words, decide::LineStatus};

    #[test]
    fn every_status_has_words_of_its_own() {
        let all = [
            LineStatus::NotRequired,
            LineStatus::Redirected,
            LineStatus::Pended,
            LineStatus::Approved,
            LineStatus::Modified,
            LineStatus::Denied,
            LineStatus::ContactPayer,
            LineStatus::Cancelled,
        ];
        let mut seen: Vec<&str> =
            all.iter().map(|line| status(line_words(*line), Skin::V2)).collect();
        assert!(all.iter().all(|line| status(line_words(*line), Skin::V1) == line_words(*line)));
        assert!(
            seen.iter().all(|words| STATUSES.iter().any(|(_, second)| second == words)),
            "{seen:?}"
        );
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all.len());
    }
}
