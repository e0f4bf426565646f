//! Verity in its two renderings: the same record, and an answer key that fits both.

use std::collections::HashMap;

use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::verity_client::{comparable, verity};

#[tokio::test]
async fn both_skins_do_the_same() {
    let mut ledgers = Vec::new();
    for skin in ["v1", "v2"] {
        let verity = verity().await;
        verity.control().skin(&json!({"skin": skin})).await.unwrap();
        let mut user = verity.logged_in("auto01").await;
        user.reach_summary("72148").await;
        user.submit().await.unwrap();
        assert_eq!(user.says("Request complete: approved"), skin == "v2");
        user.get("find.aspx").await;
        user.search_birch().await;
        user.choose("case", "V0123456790").await;
        assert!(user.says("A400270001"));
        let entries = verity.truth().entries(&tests::ledger::Wanted::default()).await.unwrap();
        assert!(entries.iter().filter(|e| e["account"] == "auto01").all(|e| e["skin"] == skin));
        let kept: Vec<_> = entries
            .into_iter()
            .filter(|e| !["knob", "terms_shown"].contains(&e["kind"].as_str().unwrap()))
            .collect();
        ledgers.push(comparable(&kept));
    }
    assert_eq!(ledgers[0], ledgers[1]);
}

/// Every page a script meets, by the name the answer key calls it.
async fn pages(skin: &str) -> HashMap<&'static str, String> {
    let verity = verity().await;
    verity.control().skin(&json!({"skin": skin})).await.unwrap();
    let mut pages = HashMap::new();
    let mut user = verity.stranger();
    user.get("login.aspx").await;
    pages.insert("login", user.page.clone());
    let mut user = verity.half_way("auto01").await;
    pages.insert("code", user.page.clone());
    let code = verity.codes("auto01").pop().unwrap();
    user.press("continue", &[("code", &code)]).await;
    pages.insert("home", user.page.clone());
    user.press("start", &[]).await;
    pages.insert("program", user.page.clone());
    user.press("continue", &[("program", "Radiology")]).await;
    pages.insert("member", user.page.clone());
    user.find_birch().await;
    pages.insert("provider", user.page.clone());
    user.press("find", &[("npi", "1234567893")]).await;
    pages.insert("providers", user.page.clone());
    user.choose("use", "1234567893").await;
    pages.insert("site", user.page.clone());
    user.press("find", &[("npi", "1999999984")]).await;
    user.choose("use", "1999999984").await;
    pages.insert("codes", user.page.clone());
    user.codes("72148").await;
    pages.insert("started", user.page.clone());
    user.press("continue", &[]).await;
    pages.insert("urgent", user.page.clone());
    user.press("continue", &[("urgent", "Yes")]).await;
    pages.insert("urgent_stated", user.page.clone());
    user.press("continue", &[("confirm", "on")]).await;
    pages.insert("path", user.page.clone());
    user.get("incomplete.aspx").await;
    pages.insert("incomplete", user.page.clone());
    user.choose("resume", "V0123456790").await;
    user.answer("Yes").await;
    user.answer("Yes").await;
    pages.insert("upload", user.page.clone());
    user.attach("note.pdf", b"%PDF-1.4").await;
    pages.insert("files", user.page.clone());
    user.press("continue", &[]).await;
    pages.insert("summary", user.page.clone());
    user.submit().await.unwrap();
    pages.insert("result", user.page.clone());
    user.get("find.aspx").await;
    pages.insert("find", user.page.clone());
    user.search_birch().await;
    pages.insert("found", user.page.clone());
    user.choose("case", "V0123456790").await;
    pages.insert("case", user.page.clone());
    pages
}

#[tokio::test]
async fn the_answer_key_points_to_exactly_one_control_in_both_skins() {
    let key: Vec<Value> =
        serde_json::from_str(include_str!("../../world/skins/verity.json")).unwrap();
    for skin in ["v1", "v2"] {
        let pages = pages(skin).await;
        for entry in key.iter().filter(|entry| !entry[skin].is_null()) {
            let page = &pages[entry["page"].as_str().unwrap()];
            let css = Selector::parse(entry[skin]["css"].as_str().unwrap()).unwrap();
            let count = Html::parse_document(page).select(&css).count();
            assert_eq!(count, 1, "{skin}: {entry}");
        }
    }
}
