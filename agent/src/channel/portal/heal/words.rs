//! How alike the words of two controls are. Words that tell two controls of one form apart (numbers, from and to, first and last)
//! weigh more than all that they share; words that offices use for the same thing count nearly as the same word.

use std::collections::BTreeSet;

use crate::browser::text::{fold_name, spaces};

/// What a word of the same meaning counts.
const SYNONYM: f64 = 0.95;
/// Least likeness of two spellings of one word.
const SPELLING_MIN: f64 = 0.8;
/// What a label counts that goes on with an explanation.
const EXPLAINED: f64 = 0.88;
/// An explanation has at least so many words.
const EXPLANATION_WORDS: usize = 3;

/// Words for the same thing; the first stands for all. Longer phrases come before what they contain.
const SAME: [(&str, &[&str]); 14] = [
    ("birthdate", &["date of birth", "birth date", "born on", "dob"]),
    ("member", &["subscriber", "insured", "enrollee", "beneficiary"]),
    ("id", &["identifier", "number", "no", "num"]),
    ("search", &["look up", "lookup", "find"]),
    ("signin", &["sign in", "sign on", "log in", "log on", "login", "logon"]),
    ("signout", &["sign out", "sign off", "log out", "log off", "logout"]),
    ("next", &["continue", "proceed", "go on", "onward"]),
    ("submit", &["send"]),
    ("lastname", &["last name", "family name", "surname"]),
    ("firstname", &["first name", "given name", "forename"]),
    ("procedure", &["service"]),
    ("provider", &["clinician", "practitioner"]),
    ("units", &["quantity", "qty"]),
    ("remove", &["delete"]),
];

/// Words that tell one control from its neighbour: with one here and the other there, the two are not the same.
const APART: [(&[&str], &[&str]); 9] = [
    (&["from", "start", "begin", "since"], &["to", "end", "until", "through", "thru"]),
    (&["first", "firstname"], &["last", "lastname"]),
    (
        &["requesting", "ordering", "referring"],
        &["servicing", "rendering", "performing", "facility"],
    ),
    (&["add", "new"], &["remove", "delete", "cancel"]),
    (&["next"], &["back", "previous", "prior"]),
    (&["signin"], &["signout"]),
    (&["member", "patient"], &["provider", "plan", "payer"]),
    (&["user"], &["password", "passcode"]),
    (&["open", "show"], &["close", "hide"]),
];

/// Words that say nothing about which control is meant.
const IDLE: [&str; 12] =
    ["a", "an", "the", "your", "our", "please", "optional", "required", "enter", "s", "of", "for"];

/// How alike the words are, 0 to 1.
pub(super) fn likeness(a: &str, b: &str) -> f64 {
    Phrase::of(a).like(&Phrase::of(b))
}

/// Words made ready for being compared with many others.
pub(super) struct Phrase {
    plain: String,
    tokens: Vec<Token>,
}

impl Phrase {
    pub(super) fn of(text: &str) -> Self {
        let plain = fold_name(text);
        let tokens = if plain.is_empty() { Vec::new() } else { tokens(&plain) };
        Self { plain, tokens }
    }

    /// Whether they are the very same, however they are written.
    pub(super) fn is(&self, text: &str) -> bool {
        self.plain == fold_name(text)
    }

    /// As [`likeness`] of these words, the older ones, to others.
    pub(super) fn like(&self, later: &Self) -> f64 {
        if self.plain.is_empty() || later.plain.is_empty() {
            return 0.0;
        }
        if self.plain == later.plain {
            return 1.0;
        }
        let (old, new) = (&self.tokens, &later.tokens);
        if old.is_empty() || new.is_empty() {
            let none = old.is_empty() && new.is_empty();
            return if none { edit(&self.plain, &later.plain) } else { 0.0 };
        }
        if apart(old, new) {
            return 0.0;
        }
        let mut left: Vec<&Token> = new.iter().collect();
        let mut shared = 0.0;
        for token in old {
            let best = left.iter().enumerate().map(|(at, other)| (at, token.like(other)));
            let best = best.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, like)| *like > 0.0);
            if let Some((at, like)) = best {
                shared += like;
                left.remove(at);
            }
        }
        let all = (old.len() + new.len()) as f64;
        let explained = new.len() >= old.len() + EXPLANATION_WORDS
            && old.iter().zip(new).all(|(a, b)| a.word == b.word);
        let dice = 2.0 * shared / all;
        if explained { dice.max(EXPLAINED) } else { dice }
    }
}

/// Shared words of all words.
pub(super) fn overlap(a: &str, b: &str) -> f64 {
    let words = |text: &str| {
        let words = tokens(&fold_name(text)).into_iter().map(|token| token.word);
        words.collect::<BTreeSet<_>>()
    };
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

struct Token {
    word: String,
    /// It was written otherwise and stands for what it means.
    meant: bool,
}

impl Token {
    fn like(&self, other: &Token) -> f64 {
        if self.word == other.word {
            return if self.meant == other.meant { 1.0 } else { SYNONYM };
        }
        if self.is_number() || other.is_number() {
            return 0.0;
        }
        let (long, short) = (self.word.len(), other.word.len());
        let (long, short) = (long.max(short), long.min(short));
        // A word half as long again is spelled otherwise, whatever its letters.
        if long > short + short / 2 {
            return 0.0;
        }
        let spelling = edit(&self.word, &other.word);
        if spelling >= SPELLING_MIN { spelling } else { 0.0 }
    }

    fn is_number(&self) -> bool {
        self.word.chars().any(|c| c.is_ascii_digit())
    }
}

fn tokens(folded: &str) -> Vec<Token> {
    let bare: String = folded.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let mut text = format!(" {} ", spaces(&bare));
    for (stands, phrases) in SAME {
        for phrase in phrases {
            // Most texts hold none of them.
            if text.contains(phrase) {
                text = text.replace(&format!(" {phrase} "), &format!(" ={stands} "));
            }
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let speaking: Vec<&str> = words.iter().copied().filter(|word| !IDLE.contains(word)).collect();
    let kept = if speaking.is_empty() { words } else { speaking };
    kept.into_iter()
        .map(|word| match word.strip_prefix('=') {
            Some(word) => Token { word: word.to_owned(), meant: true },
            None => Token { word: word.to_owned(), meant: false },
        })
        .collect()
}

/// One has a number or a telling word where the other has another.
fn apart(old: &[Token], new: &[Token]) -> bool {
    fn numbers(list: &[Token]) -> BTreeSet<&str> {
        list.iter().filter(|t| t.is_number()).map(|t| t.word.as_str()).collect()
    }
    let (before, after) = (numbers(old), numbers(new));
    if !before.is_empty() && !after.is_empty() && before != after {
        return true;
    }
    let has =
        |list: &[Token], words: &[&str]| list.iter().any(|t| words.contains(&t.word.as_str()));
    APART.iter().any(|(one, other)| {
        let (old_one, old_other) = (has(old, one), has(old, other));
        let (new_one, new_other) = (has(new, one), has(new, other));
        (old_one && !old_other && new_other && !new_one)
            || (old_other && !old_one && new_one && !new_other)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_between_nothing_and_the_same() {
        assert!((likeness("Search", "search:") - 1.0).abs() < 1e-9);
        assert!((edit("abc", "") - 0.0).abs() < 1e-9);
        assert!((likeness("", "x") - 0.0).abs() < 1e-9);
    }

    #[test]
    fn what_tells_neighbours_apart_weighs_most() {
        for (a, b) in [
            ("Service from", "Service to"),
            ("First name", "Last name"),
            ("Requesting provider NPI", "Servicing provider NPI"),
            ("Units 1", "Units 2"),
            ("Remove line", "Add line"),
            ("Find", "Find claims"),
            ("Search", "Research"),
            ("Member ID", "Provider ID"),
        ] {
            assert!(likeness(a, b) < 0.85, "{a} / {b}: {}", likeness(a, b));
        }
    }

    #[test]
    fn other_words_for_the_same_are_nearly_the_same() {
        for (a, b) in [
            ("Member ID", "Subscriber number"),
            ("Date of birth", "Born on"),
            ("Sign in", "Log in"),
            ("Units", "Quantity"),
            ("Procedure code", "Procedure codes"),
            ("Member ID", "Member ID * As it is printed on the card"),
            ("Office note", "Your office note (optional)"),
        ] {
            let found = likeness(a, b);
            assert!((0.85..=1.0).contains(&found), "{a} / {b}: {found}");
        }
        assert!(likeness("Member ID", "Member ID") > likeness("Member ID", "Subscriber ID"));
    }
}
