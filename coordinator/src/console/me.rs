//! The page about oneself: name and role, the own password, the own API keys.

use domain::time::Timestamp;
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts};

/// An API key that acts for the reader.
#[derive(Debug, Clone)]
pub struct KeyLine {
    /// Which.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its role's word.
    pub role: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Me {
    /// Name to sign in with.
    pub login: String,
    /// Keys, oldest first.
    pub keys: Vec<KeyLine>,
    /// Why the new password was not taken.
    pub refused: Option<String>,
}

/// The page's body.
#[must_use]
pub fn body(v: &Me, frame: &Frame) -> Markup {
    html! {
        div.title { h1 { (parts::visible(&frame.person)) } }
        dl.facts {
            (parts::fact("Signs in as", &html! { (parts::visible(&v.login)) }))
            (parts::fact("Role", &html! { (frame.role) }))
        }
        section.card aria-labelledby="password-title" {
            h2 #password-title { "Password" }
            @if let Some(sentence) = &v.refused { p.problem role="alert" { (Icon::Cross.svg()) (sentence) } }
            form.stack method="post" action="/me/password" {
                (parts::csrf(&frame.csrf))
                (secret("present", "Present password", "current-password"))
                (secret("new", "New password", "new-password"))
                (secret("again", "New password again", "new-password"))
                button.primary { "Change the password" }
                p.muted { "At least 12 characters. Every other sign-in of yours ends; this one goes on." }
            }
        }
        section.card aria-labelledby="keys-title" {
            h2 #keys-title { "API keys that act for you" }
            @if v.keys.is_empty() { (parts::empty("There is none. An admin makes one with `coordinator users key`.")) }
            @else { (keys(v, frame)) }
        }
    }
}

fn secret(name: &str, label: &str, autocomplete: &str) -> Markup {
    html! {
        label.field for=(name) { span { (label) }
            input #(name) name=(name) type="password" required maxlength="256" autocomplete=(autocomplete);
        }
    }
}

fn keys(v: &Me, frame: &Frame) -> Markup {
    html! {
        table.list.cards {
            caption.hidden { "API keys" }
            thead { tr { th scope="col" { "For" } th scope="col" { "Role" } th scope="col" { "Made" } th scope="col" { "State" } } }
            tbody { @for key in &v.keys { tr {
                th scope="row" data-label="For" { (parts::visible(&key.name)) }
                td data-label="Role" { (key.role) }
                td data-label="Made" { (parts::when(key.created_at, frame.now)) }
                td data-label="State" { @match key.revoked_at {
                    Some(at) => { "Revoked " (parts::when(at, frame.now)) }
                    None => (revoke(key, frame)),
                } }
            } } }
        }
    }
}

fn revoke(key: &KeyLine, frame: &Frame) -> Markup {
    parts::action(
        "Revoke",
        &html! {
            form.stack method="post" action={ "/keys/" (key.id) "/revoke" } {
                (parts::csrf(&frame.csrf))
                (parts::reason_field(&format!("why-{}", key.id), "Why"))
                button.primary { "Revoke " (parts::visible(&key.name)) }
                p.muted { "The next call with it is refused. It cannot be undone; another key can be made." }
            }
        },
    )
}
