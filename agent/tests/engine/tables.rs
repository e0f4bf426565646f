//! Rows that are not in view: tables that render what is scrolled to, lists that grow, lists without an end.

use std::time::{Duration, Instant};

use domain::wire::End;
use serde_json::json;

use crate::{
    book::{Book, alone, failure},
    lab::{lab, shown},
};

/// A table of 120 rows of which eight are rendered. Rows 40 and 100 are of the same member.
const VIRTUAL: &str = "<h1>Claims</h1><div id=s style='height:320px;overflow:auto'><div style='height:4800px;position:relative'>\
    <table id=t aria-label=Claims aria-rowcount=121 style='position:absolute'><thead><tr><th>Number<th>Member<th></thead><tbody></tbody></table></div></div>\
    <p id=o></p><script>const draw = () => { const top = Math.min(Math.floor(s.scrollTop / 40), 112); t.style.top = top * 40 + 'px';\
    t.tBodies[0].innerHTML = Array.from({length: 8}, (_, i) => top + i).map((n) => `<tr aria-rowindex=${n + 2} style='height:40px'>\
    <td>N-${n}<td>${n == 40 || n == 100 ? 'Twin' : 'M' + n}<td><a href='#' onclick='o.textContent = \"opened \" + ${n}; return false'>Open</a>`).join('') };\
    s.onscroll = () => setTimeout(draw, 30); draw()</script>";

fn picks(cell: &str, value: &str, pages: &str) -> String {
    format!(
        "needs: {{note: string?}}
defaults: {{within: 15s}}
elements:
  claims: {{table: Claims}}
  open_link: {{role: link, name: Open}}
  more: {{role: button, name: Load more}}
  opened: {{css: '#o'}}
screens: {{opened: {{text: '/opened \\d+/'}}}}
flow:
  - step: find
    effect: read
    open: LAB/claims
    pick_row:
      from: claims
      where: {{{cell}: {value}}}
      click: open_link
      none: no_claim
      many: two_claims
      {pages}
    until: opened
    capture: {{which: {{from: opened}}}}
  - classify: {{from: opened, received: {{text: '/opened/'}}, else: {{raise: unknown}}}}
exceptions: {{unknown: {{queue: review}}, no_claim: {{queue: review}}, two_claims: {{queue: review}}}}
"
    )
}

async fn picked(cell: &str, value: &str, pages: &str) -> Result<String, String> {
    let (_, finished) = lab(Book::default(), &picks(cell, value, pages), json!({})).await;
    match &finished.end {
        Some(End::Outcome { .. }) => Ok(finished.captured[0].1.clone()),
        _ => Err(failure(&finished).name.clone()),
    }
}

#[test]
fn a_row_far_out_of_view_is_found_brought_back_and_opened() {
    alone(async {
        shown(&[("claims", VIRTUAL)]).await;
        assert_eq!(picked("Number", "N-97", "").await.as_deref(), Ok("opened 97"));
        assert_eq!(picked("Number", "N-3", "").await.as_deref(), Ok("opened 3"));
    });
}

#[test]
fn twins_far_apart_are_many_and_what_is_nowhere_is_none() {
    alone(async {
        shown(&[("claims", VIRTUAL)]).await;
        assert_eq!(picked("Member", "Twin", "").await, Err("two_claims".into()));
        assert_eq!(picked("Number", "N-300", "").await, Err("no_claim".into()));
    });
}

#[test]
fn a_table_that_keeps_rows_back_says_nothing_about_what_is_missing() {
    alone(async {
        let less = VIRTUAL.replace("aria-rowcount=121", "aria-rowcount=900");
        shown(&[("claims", &less)]).await;
        assert_eq!(picked("Number", "N-300", "").await, Err("no_known_screen".into()));
    });
}

#[test]
fn a_list_without_an_end_is_given_up_in_bounded_time() {
    alone(async {
        let endless = "<h1>Claims</h1><div id=s style='height:300px;overflow:auto'><table id=t aria-label=Claims><tr><th>Number<th>Member</table></div>\
            <script>let n = 0; const more = () => { for (let i = 0; i < 10; i++) t.insertAdjacentHTML('beforeend', `<tr style='height:40px'><td>N-${n}<td>M${n++}`) };\
            s.onscroll = () => { if (s.scrollTop + s.clientHeight > s.scrollHeight - 80) more() }; more()</script>";
        shown(&[("claims", endless)]).await;
        let began = Instant::now();
        assert_eq!(picked("Number", "X-1", "").await, Err("no_known_screen".into()));
        assert!(began.elapsed() < Duration::from_secs(200), "{:?}", began.elapsed());
        // The next job is an ordinary one.
        shown(&[("claims", VIRTUAL)]).await;
        assert_eq!(picked("Number", "N-3", "").await.as_deref(), Ok("opened 3"));
    });
}

const GROWING: &str = "<h1>Claims</h1><table id=t aria-label=Claims><tr><th>Number<th>Member<th></table><button id=b>Load more</button>\
    <p id=o></p><script>let n = 0; const more = () => setTimeout(() => { for (let i = 0; i < 5; i++, n++) t.insertAdjacentHTML('beforeend',\
    `<tr><td>N-${n}<td>M${n}<td><a href='#' onclick='o.textContent = \"opened \" + ${n}; return false'>Open</a>`); b.hidden = n >= 20 }, 60);\
    b.onclick = more; more()</script>";

#[test]
fn load_more_turns_the_page_and_a_list_that_goes_on_is_not_none() {
    alone(async {
        shown(&[("claims", GROWING)]).await;
        let at_most = |n: u32| format!("pages: {{next: more, at_most: {n}}}");
        assert_eq!(picked("Number", "N-17", &at_most(8)).await.as_deref(), Ok("opened 17"));
        assert_eq!(picked("Number", "N-17", &at_most(1)).await, Err("no_known_screen".into()));
        assert_eq!(picked("Number", "N-77", &at_most(8)).await, Err("no_claim".into()));
    });
}
