//! Files on pages: inputs, zones that are dropped onto, and pages that refuse a file in their own words.

use domain::wire::End;
use serde_json::json;

use crate::{
    book::{Book, alone, failure, portal_is},
    lab::{lab, shown},
};

const SCRIPT: &str = "needs: {paper: {type: file, accept: [pdf], max: 1MB}}
drafts: {kept: false}
defaults: {within: 10s}
elements:
  zone: [{test_id: zone}, {css: '#zone'}]
  list: {css: '#list'}
screens: {page: {see: [zone]}}
flow:
  - step: open
    effect: read
    open: LAB/page
    until: page
  - step: attach
    attach: {zone: '${paper}'}
  - classify: {received: {text: Documents}, else: {raise: unknown}}
exceptions: {unknown: {queue: review}}
";

/// What sends the files it is given and tells of it.
const TAKES: &str = "const take = async (files) => { const form = new FormData(); for (const f of files) form.append('f', f);\
    const r = await fetch('/lab/upload', {method: 'POST', body: form}); \
    if (r.ok) list.insertAdjacentHTML('beforeend', `<li>${files[0].name}</li>`); else list.insertAdjacentHTML('afterend', `<p role=alert>${await r.text()}</p>`) };";

fn page(control: &str) -> String {
    format!(
        "<h1>Documents</h1>{control}<ul id=list></ul><script>{TAKES} {}</script>",
        match control {
            ZONE =>
                "zone.ondragover = (e) => e.preventDefault(); zone.ondrop = (e) => { e.preventDefault(); take(e.dataTransfer.files) }",
            _ => "document.querySelector('input').onchange = (e) => take(e.target.files)",
        }
    )
}

const ZONE: &str = "<div id=zone data-testid=zone style='width:300px;height:100px;border:1px dashed'>Drop files here</div>";
const HIDDEN: &str = "<div id=zone data-testid=zone style='width:300px;height:100px;border:1px dashed'>Drop files here<input type=file hidden></div>";
const INPUT: &str = "<input id=zone data-testid=zone type=file>";

async fn attached(control: &str, answer: &str) -> Result<usize, (String, String)> {
    shown(&[("page", &page(control)), ("upload", answer)]).await;
    portal_is(|portal| portal.posted.clear()).await;
    let paper = json!({"paper": {"id": "ev_1", "name": "notes.pdf", "kind": "pdf", "bytes": 5}});
    let (_, finished) = lab(Book::with_paper(), SCRIPT, paper).await;
    match &finished.end {
        Some(End::Outcome { .. }) => {
            let mut sent = 0;
            portal_is(|portal| {
                sent = portal.posted.iter().filter(|body| body.contains("%PDF")).count();
            })
            .await;
            Ok(sent)
        }
        _ => Err((failure(&finished).name.clone(), failure(&finished).detail.clone())),
    }
}

#[test]
fn files_reach_inputs_hidden_inputs_and_zones_that_know_dropping_only() {
    alone(async {
        for control in [INPUT, HIDDEN, ZONE] {
            assert_eq!(attached(control, "<p>kept</p>").await, Ok(1), "{control}");
        }
    });
}

#[test]
fn a_file_the_portal_refuses_is_told_in_its_words() {
    alone(async {
        for control in [INPUT, ZONE] {
            let (name, detail) =
                attached(control, "!413 The file is larger than 4 MB").await.unwrap_err();
            assert_eq!(name, "upload_rejected");
            assert!(detail.contains("413") && detail.contains("larger than 4 MB"), "{detail}");
        }
    });
}

#[test]
fn a_page_that_complains_by_itself_or_shows_nothing_has_not_taken_the_file() {
    alone(async {
        let says = "<h1>Documents</h1><input id=zone data-testid=zone type=file><p role=status id=s></p>\
            <script>zone.onchange = () => setTimeout(() => { s.textContent = 'Only scans are accepted.'; zone.value = '' }, 100)</script>";
        shown(&[("page", says)]).await;
        let paper =
            json!({"paper": {"id": "ev_1", "name": "notes.pdf", "kind": "pdf", "bytes": 5}});
        let (_, finished) = lab(Book::with_paper(), SCRIPT, paper.clone()).await;
        assert_eq!(failure(&finished).name, "upload_rejected");
        assert!(failure(&finished).detail.contains("Only scans"), "{:?}", finished.end);
        let deaf = "<h1>Documents</h1><div id=zone data-testid=zone style='height:50px'>Drop</div>";
        shown(&[("page", deaf)]).await;
        let (_, finished) = lab(Book::with_paper(), SCRIPT, paper).await;
        assert_eq!(failure(&finished).name, "upload_rejected", "{:?}", finished.end);
    });
}

#[test]
fn screens_that_know_a_refusal_judge_before_the_engine_does() {
    alone(async {
        let knows = SCRIPT
            .replace(
                "screens: {",
                "screens: {refused: {text: larger than}, kept: {text: notes.pdf}, ",
            )
            .replace(
                "attach: {zone: '${paper}'}",
                "attach: {zone: '${paper}'}\n    until: {kept: go_on, refused: {raise: too_large}}",
            )
            .replace("exceptions: {", "exceptions: {too_large: {queue: review}, ");
        let paper =
            json!({"paper": {"id": "ev_1", "name": "notes.pdf", "kind": "pdf", "bytes": 5}});
        for (words, name) in
            [("The file is larger than 4 MB", "too_large"), ("Bad luck", "upload_rejected")]
        {
            let answer = format!("!413 {words}");
            shown(&[("page", &page(INPUT)), ("upload", &answer)]).await;
            let (_, finished) = lab(Book::with_paper(), &knows, paper.clone()).await;
            assert_eq!(failure(&finished).name, name, "{words}");
        }
    });
}
