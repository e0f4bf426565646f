//! How alike an element of a changed page is to one that was used before: pure, over facts a browser gave.
//!
//! Names, labels, the words around and the kind of control count; ids, `name` attributes and addresses do not, since a
//! redesign changes them first. Being alike is never enough: [`choose`] answers only when one candidate stands out and its
//! name is nearly the old one, or an exact mark of the old element is on it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::browser::text::fold_name;

/// What is remembered of an element that was used. No values and nothing of a patient: texts that hold an input are left out
/// before it is made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fingerprint {
    /// Role as the browser computes it.
    pub role: String,
    /// Accessible name.
    pub name: String,
    /// `type` of an input.
    pub input_type: String,
    /// `name` attribute.
    pub name_attr: String,
    /// Test id attribute.
    pub test_id: String,
    /// Text of its label.
    pub label: String,
    /// Own text.
    pub text: String,
    /// Headings, legend and region around it, outermost first.
    pub group: Vec<String>,
    /// Up to eight texts next to it, nearest first.
    pub near: Vec<String>,
    /// Centre in its region, CSS pixels.
    pub place: Option<(f64, f64)>,
}

/// The best candidate, and how it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Position in the list of candidates.
    pub at: usize,
    /// 0 to 1.
    pub score: f64,
    /// Lead over the second.
    pub margin: f64,
}

/// Why nobody is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Unhealed {
    /// No candidate of a compatible kind.
    Nobody,
    /// The best is too unlike: its score.
    Unlike(f64),
    /// Two are nearly as good: the lead.
    Close(f64),
}

/// Least likeness of names.
const NAME_MIN: f64 = 0.85;
/// Least lead over the second.
const MARGIN_MIN: f64 = 0.05;

const NAME: f64 = 3.0;
const AROUND: f64 = 1.5;
const TEXT: f64 = 1.0;
const INPUT_TYPE: f64 = 1.0;
const PLACE: f64 = 0.5;

/// Kinds of control that may stand for each other.
const KINDS: [&[&str]; 4] = [
    &["button", "link", "menuitem", "tab"],
    &["textbox", "searchbox", "combobox", "spinbutton", "Date", "DateTime", "InputTime"],
    &["combobox", "listbox", "radio", "radiogroup", "checkbox", "switch"],
    &["table", "grid", "treegrid"],
];

/// Roles whose controls may stand for one of this role.
pub fn kinds_like(role: &str) -> impl Iterator<Item = &'static str> {
    let kinds = KINDS.iter().filter(move |kind| kind.contains(&role));
    let mut all: Vec<&'static str> = kinds.flat_map(|kind| kind.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

/// Whether a control of one role may stand for one of another.
#[must_use]
pub fn compatible(old: &str, new: &str) -> bool {
    old == new || KINDS.iter().any(|kind| kind.contains(&old) && kind.contains(&new))
}

/// How alike two are, 0 to 1: the weighted mean of what both could have.
#[must_use]
pub fn score(old: &Fingerprint, new: &Fingerprint) -> f64 {
    let mut parts: Vec<(f64, f64)> = vec![(NAME, named(old, new))];
    let around = |print: &Fingerprint| {
        let texts: Vec<&str> = print.near.iter().chain(&print.group).map(String::as_str).collect();
        texts.join(" ")
    };
    let (before, after) = (around(old), around(new));
    if !before.is_empty() || !after.is_empty() {
        parts.push((AROUND, overlap(&before, &after)));
    }
    if !old.text.is_empty() {
        parts.push((TEXT, likeness(&old.text, &new.text)));
    }
    if !old.input_type.is_empty() || !new.input_type.is_empty() {
        parts.push((INPUT_TYPE, f64::from(u8::from(old.input_type == new.input_type))));
    }
    if let (Some(before), Some(after)) = (old.place, new.place) {
        let far = (before.0 - after.0).hypot(before.1 - after.1);
        parts.push((PLACE, (-0.005 * far).exp()));
    }
    let (sum, weights) = parts
        .iter()
        .fold((0.0, 0.0), |(sum, all), (weight, part)| (sum + weight * part, all + weight));
    sum / weights
}

/// The one candidate that may be taken for the old element.
///
/// # Errors
/// [`Unhealed`]: anything less than certain is nobody.
pub fn choose(old: &Fingerprint, candidates: &[Fingerprint]) -> Result<Choice, Unhealed> {
    let mut ranked: Vec<(usize, f64)> = candidates
        .iter()
        .enumerate()
        .filter(|(_, new)| compatible(&old.role, &new.role))
        .map(|(at, new)| (at, score(old, new)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(&(at, best)) = ranked.first() else { return Err(Unhealed::Nobody) };
    let margin = best - ranked.get(1).map_or(0.0, |second| second.1);
    if !may_be(old, &candidates[at]) {
        return Err(Unhealed::Unlike(best));
    }
    if margin < MARGIN_MIN {
        return Err(Unhealed::Close(margin));
    }
    // A twin elsewhere on the page that could be meant as well: nobody can know.
    let rivals = ranked.iter().skip(1).filter(|(rival, _)| may_be(old, &candidates[*rival]));
    if rivals
        .clone()
        .any(|(rival, _)| named(old, &candidates[*rival]) >= named(old, &candidates[at]))
    {
        return Err(Unhealed::Close(margin));
    }
    Ok(Choice { at, score: best, margin })
}

/// What must hold for a candidate whatever its score.
fn may_be(old: &Fingerprint, new: &Fingerprint) -> bool {
    let typed = |print: &Fingerprint| match print.input_type.as_str() {
        "" | "text" | "search" | "tel" | "number" | "date" => "text".to_owned(),
        other => other.to_owned(),
    };
    let marked = (!old.test_id.is_empty() && old.test_id == new.test_id)
        || (!old.name_attr.is_empty() && old.name_attr == new.name_attr);
    let labels_fit =
        old.label.is_empty() || new.label.is_empty() || overlap(&old.label, &new.label) > 0.0;
    typed(old) == typed(new) && (named(old, new) >= NAME_MIN || (marked && labels_fit))
}

/// Likeness of the names: of the accessible name and the label whichever is nearer.
fn named(old: &Fingerprint, new: &Fingerprint) -> f64 {
    let words = |print: &Fingerprint| {
        [&print.name, &print.label, &print.text]
            .into_iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| fold_name(text))
            .collect::<Vec<_>>()
    };
    let (before, after) = (words(old), words(new));
    let pairs = before.iter().flat_map(|a| after.iter().map(move |b| likeness(a, b)));
    pairs.fold(0.0, f64::max)
}

/// The larger of edit similarity and word overlap, after normalising.
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (fold_name(a), fold_name(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    edit(&a, &b).max(overlap(&a, &b))
}

/// 1 − edit distance / longer length.
fn edit(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(120).collect(), b.chars().take(120).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let up = row[j + 1];
            row[j + 1] = (corner + usize::from(left != right)).min(up + 1).min(row[j] + 1);
            corner = up;
        }
    }
    let longest = a.len().max(b.len()).max(1);
    1.0 - row[b.len()] as f64 / longest as f64
}

/// Shared words of all words.
fn overlap(a: &str, b: &str) -> f64 {
    let words = |text: &str| {
        fold_name(text)
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(role: &str, name: &str, near: &[&str]) -> Fingerprint {
        Fingerprint {
            role: role.into(),
            name: name.into(),
            near: near.iter().map(|text| (*text).to_owned()).collect(),
            ..Fingerprint::default()
        }
    }

    #[test]
    fn a_renamed_id_and_a_moved_place_do_not_matter() {
        let mut old = control("textbox", "Member ID", &["Date of birth", "Find"]);
        old.name_attr = "txtMember".into();
        old.place = Some((10.0, 10.0));
        let mut new = control("textbox", "Member ID *", &["Find", "Date of birth"]);
        new.name_attr = "m_7712".into();
        new.place = Some((400.0, 300.0));
        let other = control("textbox", "Date of birth", &["Member ID", "Find"]);
        assert_eq!(choose(&old, &[other, new]).unwrap().at, 1);
    }

    #[test]
    fn a_removed_element_is_not_replaced_by_its_neighbour() {
        let old = control("button", "Search", &["Member ID"]);
        let left = [
            control("button", "Clear", &["Member ID"]),
            control("link", "Research", &["Member ID"]),
        ];
        assert!(matches!(choose(&old, &left), Err(Unhealed::Unlike(_))));
        assert_eq!(choose(&old, &[control("textbox", "Search", &[])]), Err(Unhealed::Nobody));
    }

    #[test]
    fn twins_are_nobody() {
        let old = control("button", "Search", &["Member ID", "Find a case"]);
        let twins = [
            control("button", "Search", &["Member ID", "Find a case"]),
            control("button", "Search", &["Claim"]),
        ];
        assert!(
            matches!(choose(&old, &twins), Err(Unhealed::Close(_))),
            "even when one stands better"
        );
    }

    #[test]
    fn a_button_may_become_a_link_and_a_password_never_a_text() {
        let old = control("button", "Continue", &["Step 2"]);
        let new = control("link", "Continue", &["Step 2"]);
        assert_eq!(choose(&old, &[new]).unwrap().at, 0);
        let mut old = control("textbox", "Password", &[]);
        old.input_type = "password".into();
        let mut new = control("textbox", "Password", &[]);
        new.input_type = "text".into();
        assert!(choose(&old, &[new]).is_err());
    }

    #[test]
    fn another_word_counts_only_with_an_exact_mark() {
        let mut old = control("textbox", "Member ID", &["Date of birth"]);
        let mut new = control("textbox", "Subscriber ID", &["Date of birth"]);
        assert!(choose(&old, &[new.clone()]).is_err());
        old.test_id = "member".into();
        new.test_id = "member".into();
        assert_eq!(choose(&old, &[new]).unwrap().at, 0);
    }

    #[test]
    fn likeness_is_between_nothing_and_the_same() {
        assert!((likeness("Search", "search:") - 1.0).abs() < 1e-9);
        assert!(likeness("Member ID", "Subscriber ID") < NAME_MIN);
        assert!((edit("abc", "") - 0.0).abs() < 1e-9);
    }
}
