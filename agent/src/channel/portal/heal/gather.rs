//! From a page to what is compared: the few controls whose words are nearest to those of a lost element, and what is remembered
//! of one that was found. Nothing of the patient is kept.

use super::score::{self, Fingerprint};
use crate::{
    browser::{Around, Error, Found, Offer, Page},
    mask::Masker,
};

/// Most controls of a page and frame that are looked at.
const OFFERS_MAX: usize = 2_000;
/// Of those, so many are compared in everything.
const COMPARED: usize = 20;

/// What is remembered of an element that was found just now. None when the page has gone.
pub async fn remembered(page: &Page, found: &Found, masker: &Masker) -> Option<Fingerprint> {
    let mut found = [found.clone()];
    page.name_all(&mut found).await;
    let [found] = found;
    let around = page.around(std::slice::from_ref(&found.node)).await.ok()?;
    let around = around.into_iter().next().flatten().unwrap_or_default();
    let mut print = fingerprint(&found, &around, masker);
    let own = score::Words::of(&print);
    let mut alike = 0;
    let count = |offers: &[Offer]| {
        let same = offers.iter().filter(|offer| own.are(&offer.words));
        alike = same.count();
        Vec::new()
    };
    page.offered(&score::kinds_of(&print.role), OFFERS_MAX, count).await.ok()?;
    print.twins = u32::try_from(alike.saturating_sub(1)).unwrap_or(u32::MAX);
    Some(print)
}

/// The controls of a page that may stand for this one, with what is remembered of such.
///
/// # Errors
/// The page is gone.
pub async fn candidates(
    page: &Page,
    old: &Fingerprint,
    masker: &Masker,
) -> Result<Vec<(Found, Fingerprint)>, Error> {
    let kinds = score::kinds_of(&old.role);
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let found = page.offered(&kinds, OFFERS_MAX, |offers| nearest(old, offers)).await?;
    let nodes: Vec<_> = found.iter().map(|found| found.node.clone()).collect();
    let around = page.around(&nodes).await.unwrap_or_else(|_| vec![None; nodes.len()]);
    let with_print = found.into_iter().zip(around).map(|(found, around)| {
        let print = fingerprint(&found, &around.unwrap_or_default(), masker);
        (found, print)
    });
    Ok(with_print.collect())
}

/// Those whose words, or an exact mark, come nearest to the old element's.
fn nearest(old: &Fingerprint, offers: &[Offer]) -> Vec<usize> {
    let words = score::Words::of(old);
    let likeness = |offer: &Offer| {
        let marked = score::marked(old, &offer.test_id, &offer.name_attr);
        words.like(&offer.words) + if marked { 1.0 } else { 0.0 }
    };
    let mut ranked: Vec<(usize, f64)> =
        offers.iter().enumerate().map(|(at, offer)| (at, likeness(offer))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().take(COMPARED).map(|(at, _)| at).collect()
}

/// What is remembered of an element with what stands around it.
fn fingerprint(found: &Found, around: &Around, masker: &Masker) -> Fingerprint {
    // Texts that hold a value of the patient are not remembered.
    let clean = |text: &str| {
        let masked = masker.text(text);
        if masked == text { text.to_owned() } else { String::new() }
    };
    let texts = |list: &[String]| {
        list.iter().map(|text| clean(text)).filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let facts = &found.facts;
    let long =
        matches!(found.role.as_str(), "table" | "grid" | "treegrid" | "group" | "radiogroup");
    Fingerprint {
        role: found.role.clone(),
        name: clean(&found.name),
        input_type: facts.input_type.clone(),
        name_attr: facts.name_attr.clone(),
        test_id: facts.test_id.clone(),
        label: clean(&facts.label),
        text: if long || facts.tag == "select" { String::new() } else { clean(&facts.text) },
        group: texts(&facts.group),
        near: texts(&around.near),
        caption: clean(&around.caption),
        twins: 0,
        place: Some(around.place),
        controls: Vec::new(),
    }
}
