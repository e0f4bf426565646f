//! Pages of Larkfield that the server makes: those of the login host, the shell of the workspace, the end of a portal
//! session, maintenance. Text put in is escaped.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use crate::portal::{
    Skin,
    html::{esc, page},
};

/// A page of the login host. The redesigned one wraps its form once more and has other ids and classes.
fn gate(skin: Skin, title: &str, message: &str, body: &str) -> Response {
    let (card, alert) = match skin {
        Skin::V1 => ("lf-card", "lf-alert"),
        Skin::V2 => ("g7-panel", "g7-note"),
    };
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("<div class=\"{alert}\" role=\"alert\">{}</div>", esc(message))
    };
    let inner = match skin {
        Skin::V1 => format!("<h1>{}</h1>{message}{body}", esc(title)),
        Skin::V2 => format!(
            "<section><header><h1>{}</h1></header><div class=\"g7-body\">{message}{body}</div></section>",
            esc(title)
        ),
    };
    page(
        StatusCode::OK,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{} - Larkfield ID</title><link rel=\"stylesheet\" href=\"/assets/sign-in.css\">\
             <link rel=\"icon\" href=\"data:,\"></head><body><main class=\"{card}\">\
             <div class=\"brand\"><span class=\"bird\"></span>Larkfield <b>ID</b></div>{inner}</main>\
             <footer>Larkfield National &middot; One sign-in for all provider services</footer></body></html>",
            esc(title)
        ),
    )
}

fn id(skin: Skin, plain: &'static str) -> String {
    match skin {
        Skin::V1 => plain.to_owned(),
        Skin::V2 => format!("g7-{}", plain.bytes().map(u32::from).sum::<u32>()),
    }
}

fn field(skin: Skin, label: &str, name: &'static str, kind: &str, more: &str) -> String {
    let id = id(skin, name);
    format!(
        "<label for=\"{id}\">{label}</label>\
         <input id=\"{id}\" name=\"{name}\" type=\"{kind}\" autocomplete=\"off\" {more}>"
    )
}

/// The page for the user name.
pub(super) fn username(skin: Skin, message: &str) -> Response {
    let body = format!(
        "<form method=\"post\" action=\"/username\">{}\
         <button class=\"primary\" type=\"submit\">Next</button></form>\
         <p class=\"small\">No account? Ask your organization's administrator.</p>",
        field(skin, "Username", "username", "text", "required")
    );
    gate(skin, "Sign in", message, &body)
}

/// The page for the password, for somebody who has said who it is.
pub(super) fn password(skin: Skin, who: &str, message: &str, puzzle: bool) -> Response {
    let puzzle = if puzzle {
        "<div class=\"puzzle\"><svg role=\"img\" aria-label=\"Picture with characters\" width=\"180\" height=\"48\">\
         <rect width=\"180\" height=\"48\" fill=\"#e7efe9\"/><path d=\"M8 34q20-34 40 0t40-6 40 8 40-18\" \
         stroke=\"#47705a\" stroke-width=\"4\" fill=\"none\"/></svg>\
         <label for=\"characters\">Type the characters you see</label>\
         <input id=\"characters\" name=\"characters\" type=\"text\"></div>"
    } else {
        ""
    };
    let body = format!(
        "<p class=\"who\">{}</p><form method=\"post\" action=\"/password\">{}{puzzle}\
         <button class=\"primary\" type=\"submit\">Sign in</button></form>\
         <p class=\"small\"><a href=\"/username\">Not you?</a></p>",
        esc(who),
        field(skin, "Password", "password", "password", "required")
    );
    gate(skin, "Enter your password", message, &body)
}

/// The page that wants a new password.
pub(super) fn change_password(skin: Skin, message: &str) -> Response {
    let body = format!(
        "<p>Your password has expired. Choose a new one.</p>\
         <form method=\"post\" action=\"/change-password\">{}{}\
         <button class=\"primary\" type=\"submit\">Change password</button></form>",
        field(skin, "New password", "new1", "password", "required"),
        field(skin, "Repeat new password", "new2", "password", "required")
    );
    gate(skin, "Change your password", message, &body)
}

/// The page for the code of the authenticator.
pub(super) fn otp(skin: Skin, days: i64, message: &str) -> Response {
    let remember = if days > 0 {
        format!(
            "<label class=\"tick\"><input type=\"checkbox\" name=\"remember\" value=\"yes\"> \
             Remember this device for {days} days</label>"
        )
    } else {
        String::new()
    };
    let code = field(
        skin,
        "One-time code",
        "code",
        "text",
        "inputmode=\"numeric\" maxlength=\"6\" required",
    );
    let body = format!(
        "<p>Open your authenticator app and type the code it shows.</p>\
         <form method=\"post\" action=\"/otp\">{code}{remember}\
         <button class=\"primary\" type=\"submit\">Verify</button></form>"
    );
    gate(skin, "Enter your code", message, &body)
}

/// The page that waits for a tap on a telephone.
pub(super) fn push(skin: Skin) -> Response {
    let body = "<p>Approve the request on your phone.</p><p class=\"small\">We sent it to the phone ending in 41. \
                This page goes on by itself.</p><div class=\"wait\" role=\"progressbar\"></div>";
    gate(skin, "Check your phone", "", body)
}

/// The page that asks which of the remembered accounts it is. The one used last is the big button.
pub(super) fn select(skin: Skin, accounts: &[(String, String)]) -> Response {
    let mut choices = String::new();
    for (at, (id, email)) in accounts.iter().enumerate() {
        let class = if at == 0 { "primary" } else { "plain" };
        // Writing to a string cannot fail.
        let _ = write!(
            choices,
            "<button class=\"{class}\" type=\"submit\" name=\"account\" value=\"{}\">Continue as {}</button>",
            esc(id),
            esc(email)
        );
    }
    let body = format!(
        "<form method=\"post\" action=\"/select\">{choices}\
         <button class=\"plain\" type=\"submit\" name=\"account\" value=\"\">Use another account</button></form>"
    );
    gate(skin, "Choose an account", "", &body)
}

/// The page that asks to let the workspace in.
pub(super) fn consent(skin: Skin, wants: &[&str]) -> Response {
    let list: String = wants.iter().map(|one| format!("<li>{}</li>", esc(one))).collect();
    let body = format!(
        "<p>Larkfield Provider Workspace wants to:</p><ul>{list}</ul>\
         <form method=\"post\" action=\"/consent\">\
         <button class=\"primary\" type=\"submit\" name=\"answer\" value=\"allow\">Allow</button>\
         <button class=\"plain\" type=\"submit\" name=\"answer\" value=\"deny\">Cancel</button></form>"
    );
    gate(skin, "Allow access", "", &body)
}

/// The page that would like a passkey.
pub(super) fn passkey(skin: Skin) -> Response {
    let body = "<p>Sign in faster next time with your fingerprint or face.</p>\
                <form method=\"post\" action=\"/passkey\">\
                <button class=\"primary\" type=\"submit\" name=\"answer\" value=\"create\">Create a passkey</button>\
                <button class=\"plain\" type=\"submit\" name=\"answer\" value=\"later\">Not now</button></form>";
    gate(skin, "Create a passkey?", "", body)
}

/// What the login host says of an authorization request it does not understand.
pub(super) fn bad_request(error: &str) -> Response {
    let body = format!("<p>This sign-in link is not valid ({}).</p>", esc(error));
    let mut response = gate(Skin::V1, "Something is wrong", "", &body);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Where somebody is after the end of a portal session.
pub(super) fn signed_out(skin: Skin, asked_for: bool) -> Response {
    let (title, words) = if asked_for {
        ("You have signed out", "Close this window on a shared computer.")
    } else {
        ("Your session has ended", "For your patients' privacy we signed you out.")
    };
    let body = format!("<p>{words}</p><p><a href=\"/app\">Sign in again</a></p>");
    gate(skin, title, "", &body)
}

/// What is shown while the workspace is being worked on.
pub(super) fn maintenance() -> String {
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Larkfield National</title></head>\
     <body><main><h1>We'll be right back</h1><p>Larkfield provider services are down for planned maintenance. \
     Requests cannot be sent at this time.</p></main></body></html>"
        .to_owned()
}

/// The shell of the workspace.
pub(super) fn shell(skin: Skin, settings: &Value) -> Response {
    let (kit, sheet) = match skin {
        Skin::V1 => ("workspace", "workspace"),
        Skin::V2 => ("studio", "studio"),
    };
    let scripts = ["core", kit, "request", "services", "records", "start"];
    let scripts: String = scripts
        .iter()
        .map(|name| format!("<script src=\"/assets/{name}.js\" defer></script>"))
        .collect();
    // Inside a script element only "</" could end it early.
    let settings = settings.to_string().replace("</", "<\\/");
    page(
        StatusCode::OK,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Provider Workspace</title><link rel=\"icon\" href=\"data:,\"></head>\
             <body style=\"margin:0\"><lf-shell data-sheet=\"/assets/{sheet}.css\"></lf-shell>\
             <script type=\"application/json\" id=\"settings\">{settings}</script>{scripts}</body></html>"
        ),
    )
}
