//! Pages that leave at the very moment something is done on them.

use domain::{outcome::Answer, wire::End};
use serde_json::json;

use crate::{
    book::{Book, alone},
    lab::{lab, shown},
};

const NEXT: &str = "<h1>There</h1>";

/// Runs a script that must read what the next page says.
async fn approved(script: &str) {
    let (_, finished) = lab(Book::default(), script, json!({})).await;
    let Some(End::Outcome { outcome, .. }) = &finished.end else { panic!("{:?}", finished.end) };
    assert_eq!(outcome.answer, Answer::Approved);
}

#[test]
fn a_page_that_leaves_at_the_click_after_a_code_is_followed() {
    alone(async {
        let code = "<label>Code <input name=code></label><button onclick='location.href = \"/lab/next\"'>Go</button>";
        shown(&[("code", code), ("next", NEXT)]).await;
        for _ in 0..2 {
            approved(
                "needs: {note: string?}
secrets: {code: totp}
elements: {code: [{role: textbox, name: Code}, {label: Code}], go: {role: button, name: Go}, state: [{role: heading, name: There}, {css: h1}]}
screens: {next: {see: [state]}}
flow:
  - step: code
    effect: read
    open: LAB/code
    fill: {code: {otp: code}}
    click: go
    until: next
  - classify: {from: state, approved: {text: There}, else: {raise: unknown}}
exceptions: {unknown: {queue: review}}
",
            )
            .await;
        }
    });
}

#[test]
fn a_choice_that_posts_by_itself_is_followed() {
    alone(async {
        let form = "<form method=post action=/lab/next><fieldset><legend>Kind</legend>\
            <label><input type=radio name=k value=a onchange='this.form.submit()'> First</label>\
            <label><input type=radio name=k value=b onchange='this.form.submit()'> Second</label></fieldset></form>";
        shown(&[("form", form), ("next", NEXT)]).await;
        for _ in 0..2 {
            approved(
                "needs: {note: string?}
drafts: {kept: false}
elements: {kind: {role: radio, name: Second}, state: [{role: heading, name: There}, {css: h1}]}
screens: {next: {see: [state]}}
flow:
  - step: choose-kind
    open: LAB/form
    choose: {kind: true}
    until: next
  - classify: {from: state, approved: {text: There}, else: {raise: unknown}}
exceptions: {unknown: {queue: review}}
",
            )
            .await;
        }
    });
}
