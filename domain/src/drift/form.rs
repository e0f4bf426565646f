//! A whole form as it is remembered: which controls a screen showed, and how those of another day differ.

use serde::{Deserialize, Serialize};

use super::print::{cut, mentions};

/// Most controls remembered of a screen.
const CONTROLS_MAX: usize = 80;
/// Longest text of a control, characters.
const TEXT_MAX: usize = 100;
/// What stands for options that are not always the same.
const VARY: &str = "vary";

/// A control of a form, or a table, as it is remembered. No values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Control {
    /// Kind: `text`, `select`, `date`, `choice`, `table`, …
    pub kind: String,
    /// What it goes by.
    pub label: String,
    /// It must be filled.
    pub required: bool,
    /// A hash of its options or columns; `vary` once they were seen to differ, empty where there are none.
    pub offers: String,
    /// It is not always there.
    pub sometimes: bool,
}

impl Control {
    fn is(&self, other: &Self) -> bool {
        (&self.kind, &self.label) == (&other.kind, &other.label)
    }
}

/// How a form differs from the one remembered: one sentence each. What is known to come and go says nothing.
pub(super) fn differences(before: &[Control], now: &[Control]) -> Vec<String> {
    let mut all = Vec::new();
    for control in now {
        let (kind, label) = (&control.kind, &control.label);
        match before.iter().find(|known| known.is(control)) {
            None => {
                let must = if control.required { ", must be filled" } else { "" };
                all.push(format!("new: {kind} `{label}`{must}"));
            }
            Some(known) if control.required && !known.required => {
                all.push(format!("must be filled now: {kind} `{label}`"));
            }
            Some(known) if known.offers != control.offers && known.offers != VARY => {
                let what = if kind == "table" { "columns" } else { "options" };
                all.push(format!("other {what}: {kind} `{label}`"));
            }
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|known| !known.sometimes && !now.iter().any(|c| c.is(known)));
    all.extend(gone.map(|known| format!("gone: {} `{}`", known.kind, known.label)));
    all
}

/// What is remembered after both were seen.
pub(super) fn merged(before: &[Control], now: &[Control]) -> Vec<Control> {
    let mut all: Vec<Control> = now.to_vec();
    if before.is_empty() {
        return all;
    }
    for control in &mut all {
        match before.iter().find(|known| known.is(control)) {
            None => control.sometimes = true,
            Some(known) => {
                control.sometimes = known.sometimes;
                if known.offers != control.offers {
                    VARY.clone_into(&mut control.offers);
                }
            }
        }
    }
    let gone: Vec<Control> =
        before.iter().filter(|known| !all.iter().any(|c| c.is(known))).cloned().collect();
    all.extend(gone.into_iter().map(|control| Control { sometimes: true, ..control }));
    all.truncate(CONTROLS_MAX);
    all
}

/// The same in bounded size, without those whose words mention one of these values.
pub(super) fn harmless(controls: &mut Vec<Control>, values: &[String]) {
    controls.retain(|one| !mentions(&one.label, values));
    controls.truncate(CONTROLS_MAX);
    for one in controls {
        for text in [&mut one.kind, &mut one.label, &mut one.offers] {
            *text = cut(text, TEXT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(kind: &str, label: &str, offers: &str) -> Control {
        let (kind, label, offers) = (kind.into(), label.into(), offers.into());
        Control { kind, label, offers, ..Control::default() }
    }

    #[test]
    fn a_difference_is_told_once_and_remembered() {
        let old = vec![
            control("text", "Member ID", ""),
            control("select", "Plan", "a1"),
            control("table", "Requests", "c1"),
            control("text", "Fax", ""),
        ];
        let mut new = vec![
            control("text", "Member ID", ""),
            control("select", "Plan", "a2"),
            control("table", "Requests", "c2"),
            control("text", "Office note", ""),
        ];
        new[0].required = true;
        assert_eq!(
            differences(&old, &new),
            [
                "must be filled now: text `Member ID`",
                "other options: select `Plan`",
                "other columns: table `Requests`",
                "new: text `Office note`",
                "gone: text `Fax`"
            ]
        );
        let known = merged(&old, &new);
        assert!(differences(&known, &new).is_empty(), "it is known now");
        let back = merged(&known, &old);
        let told = differences(&known, &old);
        assert!(told.is_empty() && differences(&back, &new).len() == 1, "{told:?}");
        assert_eq!(merged(&[], &new), new);
        assert!(differences(&new, &new).is_empty());
    }

    #[test]
    fn words_about_a_patient_are_left_out() {
        let mut all = vec![control("choice", "Request of ALDER", ""), control("text", "Units", "")];
        harmless(&mut all, &["alder".to_owned()]);
        assert_eq!(all, [control("text", "Units", "")]);
    }
}
