//! What a role is shown of the numbers a payer gave, of values read at a portal and of its texts. One place decides, for the API and
//! for the pages; whoever shows something hands it through here.

use domain::{
    drift::Drift,
    outcome::{Failure, Outcome},
    step::Step,
};

use super::Role;

/// Whether this role is shown them whole; otherwise their ends only.
#[must_use]
pub fn whole(role: Role) -> bool {
    role >= Role::Operator
}

/// The last four characters, enough to tell two apart: `••••0001`.
#[must_use]
pub fn masked(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    let tail: String =
        if chars.len() > 6 { chars[chars.len() - 4..].iter().collect() } else { String::new() };
    format!("••••{tail}")
}

/// A number or a value.
pub fn number(role: Role, value: &mut String) {
    if !whole(role) {
        *value = masked(value);
    }
}

/// A sentence: a word with four digits or more may be a number or a date.
pub fn sentence(role: Role, text: &mut String) {
    let telling = |word: &str| word.bytes().filter(u8::is_ascii_digit).count() >= 4;
    if whole(role) || !telling(text) {
        return;
    }
    let hidden = |word: &str| if telling(word) { masked(word) } else { word.to_owned() };
    *text = text.split(' ').map(hidden).collect::<Vec<_>>().join(" ");
}

/// A payer's answer.
pub fn outcome(role: Role, outcome: &mut Outcome) {
    if whole(role) {
        return;
    }
    for reference in &mut outcome.references {
        number(role, &mut reference.value);
    }
    outcome.facts.clear();
    outcome.raw_words.clear();
}

/// Why there is no answer. The detail may quote the page.
pub fn failure(role: Role, failure: &mut Failure) {
    sentence(role, &mut failure.say);
    sentence(role, &mut failure.detail);
}

/// Where a page differed from a script. The words around an element may name people.
pub fn drift(role: Role, drift: &mut Drift) {
    if whole(role) {
        return;
    }
    for print in [&mut drift.before, &mut drift.now].into_iter().flatten() {
        print.near.clear();
        [&mut print.name, &mut print.label, &mut print.text, &mut print.caption]
            .into_iter()
            .for_each(|text| sentence(role, text));
    }
}

/// Steps as executed: values read, and log sentences.
pub fn steps(role: Role, steps: &mut [Step]) {
    for step in steps {
        step.values.iter_mut().for_each(|read| number(role, &mut read.value));
        step.log.iter_mut().for_each(|line| sentence(role, &mut line.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_sees_ends_and_everyone_else_the_whole() {
        for role in Role::ALL {
            let (mut value, mut text) =
                ("CRX0001234".to_owned(), "CRX0001234 read in step 2".to_owned());
            number(role, &mut value);
            sentence(role, &mut text);
            let seen = (value.as_str(), text.as_str());
            match role {
                Role::Viewer => assert_eq!(seen, ("••••1234", "••••1234 read in step 2")),
                _ => assert_eq!(seen, ("CRX0001234", "CRX0001234 read in step 2")),
            }
        }
    }

    #[test]
    fn short_values_are_hidden_whole() {
        assert_eq!(masked("123456"), "••••");
        assert_eq!(masked("W100000001"), "••••0001");
    }
}
