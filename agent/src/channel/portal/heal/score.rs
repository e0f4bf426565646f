//! How alike an element of a changed page is to one that was used before: pure, over facts a browser gave.
//!
//! Names, labels, the words around and the kind of control count; ids, `name` attributes and addresses do not, since a
//! redesign changes them first. Being alike is never enough: [`choose`] answers only when one candidate stands out and its
//! name is nearly the old one, or an exact mark of the old element is on it.

pub use domain::drift::Fingerprint;

use super::words;

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

/// Kinds of control that may stand for each other, by the name the browser layer has for them.
const KINDS: [(&str, &[&str]); 4] = [
    ("press", &["button", "link", "menuitem", "tab"]),
    ("type", &["textbox", "searchbox", "combobox", "spinbutton", "Date", "DateTime", "InputTime"]),
    ("choice", &["combobox", "listbox", "radio", "radiogroup", "group", "checkbox", "switch"]),
    ("table", &["table", "grid", "treegrid"]),
];

/// The kinds of control that may stand for one of this role; none where nothing may.
#[must_use]
pub fn kinds_of(role: &str) -> Vec<&'static str> {
    let kinds = KINDS.iter().filter(|(_, roles)| roles.contains(&role));
    kinds.map(|(kind, _)| *kind).collect()
}

/// Whether a control of one role may stand for one of another.
#[must_use]
pub fn compatible(old: &str, new: &str) -> bool {
    old == new || KINDS.iter().any(|(_, roles)| roles.contains(&old) && roles.contains(&new))
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
        parts.push((AROUND, words::overlap(&before, &after)));
    }
    if !old.text.is_empty() {
        parts.push((TEXT, words::likeness(&old.text, &new.text)));
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

/// Candidates of a compatible role, the likest first: position and score.
#[must_use]
pub fn rank(old: &Fingerprint, candidates: &[Fingerprint]) -> Vec<(usize, f64)> {
    let fitting = candidates.iter().enumerate().filter(|(_, new)| compatible(&old.role, &new.role));
    let mut ranked: Vec<(usize, f64)> = fitting.map(|(at, new)| (at, score(old, new))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// The one candidate that may be taken for the old element.
///
/// # Errors
/// [`Unhealed`]: anything less than certain is nobody.
pub fn choose(old: &Fingerprint, candidates: &[Fingerprint]) -> Result<Choice, Unhealed> {
    let ranked = rank(old, candidates);
    let Some(&(at, best)) = ranked.first() else { return Err(Unhealed::Nobody) };
    let margin = best - ranked.get(1).map_or(0.0, |second| second.1);
    if !may_be(old, &candidates[at]) {
        return Err(Unhealed::Unlike(best));
    }
    // One of several of the same words was always known by something that is lost now.
    if margin < MARGIN_MIN || old.twins > 0 {
        return Err(Unhealed::Close(margin));
    }
    // A twin elsewhere on the page that could be meant as well: nobody can know.
    let likest = named(old, &candidates[at]);
    let mut rivals = ranked.iter().skip(1).map(|(rival, _)| &candidates[*rival]);
    if rivals.any(|rival| may_be(old, rival) && named(old, rival) >= likest) {
        return Err(Unhealed::Close(margin));
    }
    Ok(Choice { at, score: best, margin })
}

/// Another element of the script is more like the candidate than the lost one was.
#[must_use]
pub fn belongs_to_another<'p>(
    lost: &str,
    old: &Fingerprint,
    candidate: &Fingerprint,
    others: impl IntoIterator<Item = (&'p str, &'p Fingerprint)>,
) -> bool {
    let own = score(old, candidate);
    others.into_iter().any(|(name, print)| {
        name != lost && compatible(&print.role, &candidate.role) && score(print, candidate) > own
    })
}

/// What must hold for a candidate whatever its score.
fn may_be(old: &Fingerprint, new: &Fingerprint) -> bool {
    let typed = |print: &Fingerprint| match (print.role.as_str(), print.input_type.as_str()) {
        // A button is a button, however it is written.
        ("button" | "link" | "menuitem" | "tab", "" | "submit" | "button" | "image") => "press",
        (_, "" | "text" | "search" | "tel" | "number" | "date" | "email") => "text",
        (_, "checkbox" | "radio") => "tick",
        (_, "password") => "password",
        (_, "file") => "file",
        _ => "other",
    };
    let labels_fit = old.label.is_empty()
        || new.label.is_empty()
        || words::overlap(&old.label, &new.label) > 0.0;
    let marked = marked(old, &new.test_id, &new.name_attr) && labels_fit;
    typed(old) == typed(new) && (named(old, new) >= NAME_MIN || marked)
}

/// An exact mark of the old element: its test id or its `name` attribute.
#[must_use]
pub fn marked(old: &Fingerprint, test_id: &str, name_attr: &str) -> bool {
    (!old.test_id.is_empty() && old.test_id == test_id)
        || (!old.name_attr.is_empty() && old.name_attr == name_attr)
}

/// Everything an element goes by: name, label, own text; where there is none of them, its caption.
fn goes_by(print: &Fingerprint) -> Vec<&str> {
    let own = [&print.name, &print.label, &print.text];
    let own: Vec<&str> =
        own.into_iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    if own.is_empty() && !print.caption.is_empty() { vec![&print.caption] } else { own }
}

/// Likeness of the names: of everything the two go by, whichever are nearest.
fn named(old: &Fingerprint, new: &Fingerprint) -> f64 {
    let after = goes_by(new);
    goes_by(old)
        .iter()
        .flat_map(|a| after.iter().map(move |b| words::likeness(a, b)))
        .fold(0.0, f64::max)
}

/// What an element goes by, made ready for being compared with all of a page's controls.
pub struct Words(Vec<words::Phrase>);

impl Words {
    /// Those of an element.
    #[must_use]
    pub fn of(print: &Fingerprint) -> Self {
        Self(goes_by(print).into_iter().map(words::Phrase::of).collect())
    }

    /// As the likeness of names, to bare words.
    #[must_use]
    pub fn like(&self, words: &[String]) -> f64 {
        let later: Vec<words::Phrase> = words.iter().map(|text| words::Phrase::of(text)).collect();
        let pairs = self.0.iter().flat_map(|a| later.iter().map(move |b| a.like(b)));
        pairs.fold(0.0, f64::max)
    }

    /// Whether these words name an element just as this one is named.
    #[must_use]
    pub fn are(&self, words: &[String]) -> bool {
        words.iter().any(|text| self.0.iter().any(|own| own.is(text)))
    }
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
        let mut new = control("textbox", "Coverage key", &["Date of birth"]);
        assert!(choose(&old, &[new.clone()]).is_err());
        old.test_id = "member".into();
        new.test_id = "member".into();
        assert_eq!(choose(&old, &[new]).unwrap().at, 0);
    }
}
