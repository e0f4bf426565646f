//! The safe point, interruptions that act, and pages the script does not know: what is tried again, what is named.

use std::sync::Arc;

use domain::{lease::Purpose, wire::End};
use serde_json::json;

use crate::{
    book::{Book, Wanted, alone, attempt_with, failure, session},
    lab::{lab, script, shown},
};

const UNKNOWN: &str = "exceptions: {unknown: {queue: review}}\n";

/// A page that shows its status only when it is opened the second time in this session.
const SECOND_TIME: &str = "<h1>Status</h1><script>const n = +(sessionStorage.n || 0) + 1; sessionStorage.n = n;\
    document.write(n > COUNT ? '<p class=state>Approved</p>' : '<p>Please wait</p>'); document.write(`<p id=n>${n}</p>`)</script>";

fn reads() -> String {
    format!(
        "needs: {{note: string?}}
defaults: {{within: 4s}}
elements: {{state: {{css: .state}}, other: {{role: button, name: Other}}}}
screens: {{there: {{see: [state]}}}}
flow:
  - step: look
    effect: read
    open: LAB/status
    until: there
  - classify: {{from: state, approved: {{text: Approved}}, else: {{raise: unknown}}}}
{UNKNOWN}"
    )
}

fn patient() -> String {
    reads().replace("within: 4s", "within: 10s")
}

#[test]
fn a_reading_that_failed_is_tried_once_more_and_not_twice() {
    alone(async {
        shown(&[("status", &SECOND_TIME.replace("COUNT", "1"))]).await;
        let (_, finished) = lab(Book::default(), &reads(), json!({})).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        shown(&[("status", &SECOND_TIME.replace("COUNT", "2"))]).await;
        let (book, finished) = lab(Book::default(), &reads(), json!({})).await;
        assert_eq!(failure(&finished).name, "no_known_screen");
        let looks = book.steps.lock().unwrap().values().filter(|step| step.name == "look").count();
        assert_eq!(looks, 2);
    });
}

#[test]
fn what_drafts_is_never_tried_again_by_itself() {
    alone(async {
        let page = "<h1>Form</h1><label>Note <input name=n></label><button>Next</button>";
        shown(&[("form", page)]).await;
        let rest = format!(
            "needs: {{note: string?}}
defaults: {{within: 4s}}
drafts: {{kept: false}}
elements: {{note_box: {{label: Note}}, next: {{role: button, name: Next}}, gone: {{css: .gone}}}}
screens: {{there: {{see: [gone]}}, form: {{see: [note_box]}}}}
flow:
  - step: open
    effect: read
    open: LAB/form
    within: 20s
    until: form
  - step: write
    fill: {{note_box: words}}
    click: next
    until: there
  - classify: {{approved: {{text: Approved}}, else: {{raise: unknown}}}}
{UNKNOWN}"
        );
        let (book, finished) = lab(Book::default(), &rest, json!({})).await;
        assert_eq!(failure(&finished).name, "no_known_screen");
        let steps = book.steps.lock().unwrap();
        assert_eq!(steps.values().filter(|step| step.name == "write").count(), 1);
    });
}

#[test]
fn a_dialog_a_watcher_knows_makes_it_act() {
    alone(async {
        let page = "<h1>Status</h1><button id=b onclick='document.body.insertAdjacentHTML(\"beforeend\", \"<p class=state>Approved</p>\"); b.remove()'>Show</button>\
            <script>setTimeout(() => alert('WORDS'), 100)</script>";
        let rest = patient().replace("flow:\n", "watch:\n  - {when: {js_dialog: '/press show/i'}, click: {role: button, name: Show}, then: go_on}\nflow:\n");
        shown(&[("status", &page.replace("WORDS", "Press Show for your result."))]).await;
        let (_, finished) = lab(Book::default(), &rest, json!({})).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        shown(&[("status", &page.replace("WORDS", "Something else."))]).await;
        let (_, finished) = lab(Book::default(), &rest, json!({})).await;
        assert_eq!(failure(&finished).name, "unexpected_dialog");
    });
}

#[test]
fn a_field_that_must_be_filled_and_nobody_knows_is_named_and_so_is_a_code() {
    alone(async {
        let form = "<h1>Form</h1><form onsubmit='return false'><label>Note <input name=n></label>EXTRA<button>Next</button></form>";
        let rest = format!(
            "needs: {{note: string?}}
defaults: {{within: 4s}}
drafts: {{kept: false}}
elements: {{note_box: {{label: Note}}, next: {{role: button, name: Next}}, gone: {{css: .gone}}, known: {{label: Fax number}}}}
screens: {{there: {{see: [gone]}}}}
flow:
  - step: write
    open: LAB/form
    fill: {{note_box: words}}
    click: next
    until: there
  - classify: {{approved: {{text: Approved}}, else: {{raise: unknown}}}}
{UNKNOWN}"
        );
        for (extra, name) in [
            ("<label>Tax ID <input name=t required></label>", "new_required_field"),
            ("<label>Fax number <input name=t required></label>", "no_known_screen"),
            ("<label>Tax ID <input name=t></label>", "no_known_screen"),
            (
                "<label>Enter it here <input name=t autocomplete=one-time-code></label>",
                "code_needed",
            ),
        ] {
            shown(&[("form", &form.replace("EXTRA", extra))]).await;
            let (_, finished) = lab(Book::default(), &rest, json!({})).await;
            assert_eq!(failure(&finished).name, name, "{extra}");
        }
    });
}

#[test]
fn alerts_without_end_end_the_attempt_and_the_next_is_clean() {
    alone(async {
        for storm in [
            "<script>for (;;) alert('again')</script>",
            "<script>setInterval(() => confirm('again'), 1)</script>",
            "<button id=b onclick='for (;;) alert(1)'>Other</button>",
        ] {
            shown(&[("status", storm)]).await;
            let began = std::time::Instant::now();
            let rest = patient().replace("    until: there", "    click: other\n    until: there");
            let (_, finished) = lab(Book::default(), &rest, json!({})).await;
            let name = failure(&finished).name.clone();
            let told =
                ["unexpected_dialog", "portal_error", "page_crashed"].contains(&name.as_str());
            assert!(told, "{storm}: {:?}", finished.end);
            assert!(began.elapsed().as_secs() < 150, "{storm}: {:?}", began.elapsed());
            shown(&[("status", "<p class=state>Approved</p>")]).await;
            let (_, next) = lab(Book::default(), &patient(), json!({})).await;
            assert!(matches!(next.end, Some(End::Outcome { .. })), "{:?}", next.end);
        }
    });
}

#[test]
fn pages_that_ask_to_stay_are_left() {
    alone(async {
        let asks = "<h1>Stay</h1><button>Other</button><p class=state>Pending</p><script>onbeforeunload = (e) => { e.preventDefault(); return 'Stay?' }</script>";
        shown(&[("one", asks), ("two", asks), ("status", "<p class=state>Approved</p>")]).await;
        let rest = patient().replace(
            "  - step: look\n",
            "  - step: one\n    effect: read\n    open: LAB/one\n    click: other\n  - step: two\n    effect: read\n    open: LAB/two\n    click: other\n  - step: look\n",
        );
        let (_, finished) = lab(Book::default(), &rest, json!({})).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
    });
}

#[test]
fn a_draft_of_an_earlier_attempt_is_discarded_and_only_then() {
    alone(async {
        let form = "<h1>Home</h1><button id=d onclick='d.remove(); fetch(\"/lab/discard\", {method: \"POST\"})'>Discard</button>";
        shown(&[("form", form), ("discard", "ok")]).await;
        let rest = format!(
            "needs: {{note: string?}}
use: {{part: field/fragments/part}}
defaults: {{within: 8s}}
drafts: {{kept: true, clear: part.throw_away, with: {{which: Discard}}}}
elements: {{title: {{role: heading, name: Home}}}}
screens: {{home: {{see: [title]}}}}
flow:
  - step: look
    effect: read
    open: LAB/form
    until: home
  - classify: {{received: {{text: Home}}, else: {{raise: unknown}}}}
{UNKNOWN}=== fragment
needs: {{which: string}}
elements: {{discard: {{role: button, name: '${{which}}'}}, title: {{role: heading, name: Home}}}}
screens: {{home: {{see: [title]}}, thrown: {{see: [title], gone: [discard]}}}}
flows:
  throw_away:
    - step: open-form
      effect: read
      open: LAB/form
      until: home
    - step: throw-away
      effect: read
      when: {{see: discard}}
      click: discard
      until: thrown
"
        );
        for (begun_before, discarded) in [(false, 0), (true, 1)] {
            crate::book::portal_is(|portal| portal.posted.clear()).await;
            let book = Arc::new(Book::default());
            let mut session = session().await;
            let wanted = Wanted { begun_before, ..Wanted::of(script(&rest)) };
            let finished =
                attempt_with(&book, &mut session, Purpose::Work, json!({}), wanted).await;
            session.close().await;
            assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
            let mut count = 0;
            crate::book::portal_is(|portal| count = portal.posted.len()).await;
            assert_eq!(count, discarded, "begun before: {begun_before}");
        }
    });
}
