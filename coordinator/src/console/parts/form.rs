//! Pieces of forms: token, reason, folded action, refused button.

use maud::{Markup, html};

/// The hidden field every form carries.
#[must_use]
pub fn csrf(token: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(token); }
}

/// The reason every dangerous action asks for.
#[must_use]
pub fn reason_field(id: &str, placeholder: &str) -> Markup {
    html! {
        label.field for=(id) { span { "Reason" }
            input #(id) name="reason" required minlength="3" maxlength="300" autocomplete="off" placeholder=(placeholder);
        }
    }
}

/// A button that stays visible while it cannot be pressed, with its reason as text.
#[must_use]
pub fn refused_button(label: &str, reason: &str) -> Markup {
    html! { span.refused { button type="button" disabled { (label) } span.why { (reason) } } }
}

/// A folded form of one action: the summary names the action, the form asks for the reason.
#[must_use]
pub fn action(label: &str, body: &Markup) -> Markup {
    html! { details.action { summary.button { (label) } div.pop { (body) } } }
}
