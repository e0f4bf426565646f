//! The answer keys of the two renderings: which control is which. Every key names elements the scripts have; Harbor's are
//! looked up in its pages, where each must be there exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use scraper::{Html, Selector};
use serde::Deserialize;
use serde_json::json;

use super::harbor_client::{Answer, Harbor, LARCH, PROVIDERS, User, harbor, password};

/// One control of the scripts, where it is in each rendering.
#[derive(Debug, Deserialize)]
struct Control {
    element: String,
    page: String,
    v1: Place,
    v2: Option<Place>,
}

/// Where a control is in one rendering.
#[derive(Debug, Deserialize)]
struct Place {
    role: String,
    name: String,
    frame: String,
    css: String,
    page: Option<String>,
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn key(slug: &str) -> Vec<Control> {
    let text = std::fs::read_to_string(folder(&format!("world/skins/{slug}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// `submit.next`, `shell.user_id`, …: every element the scripts of a payer declare.
fn elements(slug: &str) -> BTreeSet<String> {
    let scripts = folder("../scripts").join(slug);
    let mut found = BTreeSet::new();
    for folder in [scripts.clone(), scripts.join("fragments")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "yaml") {
                continue;
            }
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let block = text.split_once("\nelements:\n").map_or("", |(_, rest)| rest);
            let block = block.split_once("\n\n").map_or(block, |(block, _)| block);
            let names = block.lines().filter_map(|line| line.strip_prefix("  "));
            let names = names.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
            found.extend(
                names.filter_map(|line| Some(format!("{stem}.{}", line.split_once(':')?.0))),
            );
        }
    }
    found
}

#[test]
fn the_keys_name_every_element_of_the_scripts_once_per_page() {
    for slug in ["crestline", "harbor"] {
        let (key, elements) = (key(slug), elements(slug));
        let mut seen = BTreeSet::new();
        for control in &key {
            assert!(elements.contains(&control.element), "{slug}: no element {}", control.element);
            assert!(seen.insert((&control.element, &control.page)), "{control:?}");
            for place in [Some(&control.v1), control.v2.as_ref()].into_iter().flatten() {
                assert!(
                    Selector::parse(&place.css).is_ok() && !place.role.is_empty(),
                    "{control:?}"
                );
            }
            // A control under the same name, role and selector in both would test nothing but itself.
            let v2 = control.v2.as_ref();
            let moved = v2.is_none_or(|v2| {
                (&v2.name, &v2.css, &v2.frame)
                    != (&control.v1.name, &control.v1.css, &control.v1.frame)
            });
            let kept = ["shell.verify_button", "shell.puzzle"].contains(&control.element.as_str());
            assert!(moved || kept, "{slug}: {control:?}");
        }
        let named: BTreeSet<&String> = key.iter().map(|control| &control.element).collect();
        let missing: Vec<&String> = elements.iter().filter(|one| !named.contains(one)).collect();
        assert!(missing.len() <= 3, "{slug}: the key lacks {missing:?}");
    }
}

/// The pages of Harbor by the names of the key.
type Pages = BTreeMap<&'static str, String>;

async fn sent(user: &User, to: &str, fields: &[(&str, &str)]) -> String {
    user.post(to, fields).await.text
}

async fn way_in(harbor: &Harbor, pages: &mut Pages) -> User {
    let mut user = harbor.stranger();
    pages.insert("banner", user.get("banner").await.text);
    pages.insert("login", user.get("login").await.text);
    pages.insert("login-refused", user.sign_on("auto02", "no").await.text);
    pages.insert("captcha", user.sign_on("auto02", "no").await.text);
    harbor.control().knob("bulletin", true).await.unwrap();
    let opened: Answer = user.sign_on("auto01", &password("auto01")).await;
    assert!(opened.says(""));
    pages.insert("bulletin", user.get("main").await.text);
    pages.insert("top", user.get("top").await.text);
    let menu = user.get("menu").await.text;
    for page in ["menu", "menu-pa", "menu-claims", "menu-eligibility"] {
        pages.insert(page, menu.clone());
    }
    user
}

async fn a_request(user: &User, pages: &mut Pages) {
    pages.insert("paEntry1", user.get("paEntry1").await.text);
    let kind = [("requestType", "Outpatient Services"), ("priority", "S")];
    pages.insert("paEntry2", sent(user, "paEntry1", &kind).await);
    pages.insert("memberSearch", user.get("memberSearch").await.text);
    let whom = [("searchId", LARCH), ("searchDob", "01/01/1949")];
    pages.insert("memberSearch-found", sent(user, "memberSearch", &whom).await);
    let member = [("memberId", LARCH), ("memberName", "x"), ("memberDob", "01/01/1949")];
    pages.insert("paEntry3", sent(user, "paEntry2", &member).await);
    sent(user, "paEntry3", &PROVIDERS).await;
    pages.insert("paEntry4", user.line("70551", "1", "03/09/2026", "03/09/2026").await.text);
    let next = [("diagnoses", "G43.909"), ("go", "Next")];
    pages.insert("paEntry5", sent(user, "paEntry4", &next).await);
    let signed = [("certName", "Pat Reviewer"), ("certDate", "03/02/2026")];
    pages.insert("paEntry6", sent(user, "paEntry5", &signed).await);
    pages.insert("paEntry6-attached", user.attach(b"%PDF-1.4 note").await.text);
    pages.insert("paResult", user.submit().await.unwrap().text);
}

async fn what_can_be_read(user: &User, pages: &mut Pages) {
    pages.insert("paInquiry", user.get("paInquiry").await.text);
    let search = [("memberId", LARCH), ("memberDob", "01/01/1949")];
    pages.insert("paInquiry-found", sent(user, "paInquiry", &search).await);
    pages.insert("paDetail", user.get("paDetail?pan=26061000123").await.text);
    pages.insert("claimInquiry", user.get("claimInquiry").await.text);
    let claim = [("icn", "2026061000031")];
    pages.insert("claimInquiry-found", sent(user, "claimInquiry", &claim).await);
    pages.insert("claimDetail", user.get("claimDetail?icn=2026061000031").await.text);
    pages.insert("eligInquiry", user.get("eligInquiry").await.text);
    let ask = [("memberId", LARCH), ("memberDob", "01/01/1949"), ("serviceDate", "03/09/2026")];
    pages.insert("eligInquiry-found", sent(user, "eligInquiry", &ask).await);
    let ask =
        [("memberId", "9000000011"), ("memberDob", "10/10/2001"), ("serviceDate", "03/09/2026")];
    pages.insert("eligInquiry-early", sent(user, "eligInquiry", &ask).await);
}

async fn pages_of(skin: &str) -> Pages {
    let harbor = harbor().await;
    harbor.control().skin(&json!({"skin": skin})).await.unwrap();
    let mut pages = Pages::new();
    let user = way_in(&harbor, &mut pages).await;
    a_request(&user, &mut pages).await;
    harbor.control().advance("PT19M").await.unwrap();
    user.get("main").await;
    let number = "26061000123";
    let asks = tests::portal::Act::RequestInfo { documents: vec!["Office note".to_owned()] };
    harbor.control().act(number, &asks).await.unwrap();
    pages.insert("paDetail-asks", user.get(&format!("paDetail?pan={number}")).await.text);
    harbor.control().act(number, &tests::portal::Act::Approve).await.unwrap();
    what_can_be_read(&user, &mut pages).await;
    pages
}

#[tokio::test]
async fn every_control_of_harbor_is_there_exactly_once_in_both_renderings() {
    let (first, second) = (pages_of("v1").await, pages_of("v2").await);
    let mut wrong = Vec::new();
    for control in key("harbor") {
        let places = [(Some(&control.v1), &first), (control.v2.as_ref(), &second)];
        for (place, pages) in places.into_iter().filter_map(|(place, pages)| Some((place?, pages)))
        {
            let page = place.page.as_ref().unwrap_or(&control.page);
            let Some(html) = pages.get(page.as_str()) else {
                wrong.push(format!("{}: no page {page}", control.element));
                continue;
            };
            let document = Html::parse_document(html);
            let found = document.select(&Selector::parse(&place.css).unwrap()).count();
            if found != 1 {
                wrong.push(format!(
                    "{} on {page}: {} is there {found} times",
                    control.element, place.css
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
