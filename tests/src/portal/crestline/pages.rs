//! Pages of Crestline Connect that the server makes: sign-in forms, the two shells, maintenance. Text put in is escaped.

use axum::{
    http::{HeaderValue, StatusCode},
    response::Response,
};
use serde_json::Value;

use crate::portal::html::{esc, page};

const CSP: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
                   frame-src 'self' https://apps.crestline.test; connect-src 'self'; \
                   frame-ancestors 'self' https://hub.crestline.test";

/// A picture with letters a person is to read.
pub(super) struct Challenge {
    /// Which one.
    pub(super) id: u64,
    /// What it says.
    pub(super) letters: String,
}

/// Adds the headers every page of the hub carries: what it may load, and a process of its own per host.
pub(super) fn dressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("content-security-policy", HeaderValue::from_static(CSP));
    headers.insert("origin-agent-cluster", HeaderValue::from_static("?1"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

fn form_page(title: &str, message: &str, form: &str) -> Response {
    let alert = if message.is_empty() {
        String::new()
    } else {
        format!("<div class=\"alert\" role=\"alert\">{}</div>", esc(message))
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} - Crestline Connect</title><link rel=\"stylesheet\" href=\"/connect.css\">\
         <link rel=\"icon\" href=\"data:,\"></head>\
         <body class=\"gate\"><main class=\"card\"><div class=\"brand\"><span class=\"mark\"></span>\
         Crestline <b>Connect</b></div><h1>{title}</h1>{alert}{form}</main>\
         <footer>Crestline Connect brings Crestline Mutual and Fernbrook Health to one desk. \
         For help call your provider representative.</footer>\
         <script src=\"/pulse.js\"></script></body></html>",
        title = esc(title)
    );
    dressed(page(StatusCode::OK, html))
}

/// The login page.
pub(super) fn login(message: &str, challenge: Option<&Challenge>) -> Response {
    let puzzle = challenge.map(puzzle).unwrap_or_default();
    let form = format!(
        "<form method=\"post\" action=\"/login\" autocomplete=\"off\">\
         <label for=\"uid\">User ID</label><input id=\"uid\" name=\"user_id\" type=\"text\" required>\
         <label for=\"pwd\">Password</label><input id=\"pwd\" name=\"password\" type=\"password\" required>\
         {puzzle}<button class=\"primary\" type=\"submit\">Sign in</button></form>\
         <p class=\"small\">Forgot your password? Ask your office administrator.</p>"
    );
    form_page("Sign in", message, &form)
}

/// The picture of a challenge, as the address of an image.
pub(super) fn picture(challenge: &Challenge) -> String {
    use std::fmt::Write as _;
    let mut letters = String::new();
    for (place, letter) in challenge.letters.chars().enumerate() {
        let (x, turn) = (18 + place * 30, (place * 37) % 50);
        // Writing to a string cannot fail.
        let _ = write!(
            letters,
            "<text x='{x}' y='38' font-size='30' font-family='serif' transform='rotate({} {x} 30)'>{letter}</text>",
            i64::try_from(turn).unwrap_or(0) - 25
        );
    }
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='210' height='56'><rect width='210' height='56' \
         fill='#e8eef2'/><path d='M0 20 Q60 60 120 20 T210 30' stroke='#8aa' fill='none' \
         stroke-width='3'/>{letters}</svg>"
    );
    let data: String = url::form_urlencoded::byte_serialize(svg.as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    format!("data:image/svg+xml,{data}")
}

fn puzzle(challenge: &Challenge) -> String {
    format!(
        "<div class=\"puzzle\"><img alt=\"Picture with characters\" src=\"{}\">\
         <label for=\"chars\">Type the characters you see</label>\
         <input id=\"chars\" name=\"characters\" type=\"text\"><input type=\"hidden\" name=\"challenge\" \
         value=\"{}\"></div>",
        picture(challenge),
        challenge.id
    )
}

/// The code page.
pub(super) fn verify(message: &str, backup: bool) -> Response {
    let (label, hidden, other) = if backup {
        (
            "Backup code",
            "<input type=\"hidden\" name=\"backup\" value=\"1\">",
            "<a href=\"/verify\">Use the authenticator</a>",
        )
    } else {
        ("Authenticator code", "", "<a href=\"/verify?backup=1\">Use a backup code</a>")
    };
    let form = format!(
        "<p>Open your authenticator app and enter the code shown for Crestline Connect.</p>\
         <form method=\"post\" action=\"/verify\" autocomplete=\"off\"><label for=\"code\">{label}</label>\
         <input id=\"code\" name=\"code\" type=\"text\" inputmode=\"numeric\" required>{hidden}\
         <button class=\"primary\" type=\"submit\">Verify</button></form><p class=\"small\">{other}</p>"
    );
    form_page("Two-step verification", message, &form)
}

/// The page that asks to accept changed terms.
pub(super) fn terms(text: &str, message: &str) -> Response {
    let form = format!(
        "<div class=\"terms\" tabindex=\"0\">{}</div><form method=\"post\" action=\"/terms\">\
         <label class=\"tick\"><input type=\"checkbox\" name=\"accept\" value=\"yes\"> I have read and \
         accept the terms</label><button class=\"primary\" type=\"submit\">Accept and continue</button></form>",
        esc(text)
    );
    form_page("Our terms have changed", message, &form)
}

/// The page that asks for the organisation; nothing is preselected.
pub(super) fn organization(choices: &[String], message: &str) -> Response {
    let options: String = choices
        .iter()
        .map(|name| format!("<option value=\"{0}\">{0}</option>", esc(name)))
        .collect();
    let form = format!(
        "<form method=\"post\" action=\"/organization\"><label for=\"org\">Organization</label>\
         <select id=\"org\" name=\"organization\"><option value=\"\">Select an organization</option>\
         {options}</select><button class=\"primary\" type=\"submit\">Continue</button></form>"
    );
    form_page("Choose an organization", message, &form)
}

/// What is shown while the hub is being worked on.
pub(super) fn maintenance() -> String {
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Crestline Connect</title></head>\
     <body><main><h1>Scheduled maintenance</h1><p>Crestline Connect is temporarily unavailable while we \
     improve our systems. Please try again later.</p></main></body></html>"
        .to_owned()
}

fn shell(title: &str, settings: &Value, scripts: &[&str], class: &str) -> Response {
    let scripts: String =
        scripts.iter().map(|name| format!("<script src=\"/{name}\" defer></script>")).collect();
    // Inside a script element only "</" could end it early.
    let settings = settings.to_string().replace("</", "<\\/");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/connect.css\"><link rel=\"icon\" \
         href=\"data:,\"></head><body class=\"{class}\"><div id=\"root\"></div>\
         <script type=\"application/json\" id=\"settings\">{settings}</script>{scripts}</body></html>"
    );
    dressed(page(StatusCode::OK, html))
}

/// The shell of the hub's application.
pub(super) fn hub_shell(settings: &Value) -> Response {
    shell("Crestline Connect", settings, &["pulse.js", "shared.js", "hub.js"], "hub")
}

/// The shell of the application inside the frame.
pub(super) fn app_shell(settings: &Value) -> Response {
    let scripts = ["pulse.js", "shared.js", "app.js", "services.js", "wizard.js", "records.js"];
    shell("Application", settings, &scripts, "app")
}

/// The questionnaire inside the application.
pub(super) fn questionnaire() -> Response {
    let yes_no = |name: &str, label: &str| {
        format!(
            "<fieldset><legend>{label}</legend><label class=\"tick\"><input type=\"radio\" name=\"{name}\" \
             value=\"yes\"> Yes</label><label class=\"tick\"><input type=\"radio\" name=\"{name}\" \
             value=\"no\"> No</label></fieldset>"
        )
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Questionnaire</title>\
         <link rel=\"stylesheet\" href=\"/connect.css\"></head><body class=\"inner\">\
         <form id=\"answers\"><h3>Clinical questionnaire</h3>\
         <label for=\"weeks\">Weeks of therapy completed</label>\
         <input id=\"weeks\" name=\"weeks\" type=\"text\" inputmode=\"numeric\">{}{}\
         <div class=\"alert\" role=\"alert\" hidden></div><button class=\"primary\" type=\"submit\">Done</button>\
         </form><script src=\"/pulse.js\"></script><script src=\"/questionnaire.js\"></script></body></html>",
        yes_no("recent", "Was the therapy within the last six months?"),
        yes_no("weakness", "Is there new weakness or numbness?")
    );
    dressed(page(StatusCode::OK, html))
}
