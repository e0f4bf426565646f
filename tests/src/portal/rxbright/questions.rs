//! What the plan asks, in sets. An answer can insert or remove questions of later sets; what is required and still open
//! is decided here and nowhere else.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::portal::{html::read_date, world::world};

/// Answers by question.
pub(super) type Answers = BTreeMap<String, String>;

/// One question as it is pushed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Question {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// `text`, `date`, `radio`, `select` or `statement` (a box to tick).
    pub(super) kind: &'static str,
    pub(super) options: &'static [&'static str],
    pub(super) required: bool,
}

/// What decides which questions there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) drug: &'a str,
    pub(super) answers: &'a Answers,
    /// The plan asks something it never asked before.
    pub(super) unheard_of: bool,
}

/// The statement behind step therapy.
pub(super) const STEP_THERAPY: &str =
    "The patient has tried at least two preferred drugs without success.";

/// The statement behind an urgent request.
pub(super) const URGENT: &str =
    "Waiting for a standard decision could seriously harm the patient's life or health.";

/// The statement of the second round.
pub(super) const TRIAL_LENGTH: &str =
    "Each preferred drug was taken for at least three months before it was stopped.";

const SITES: &[&str] = &["Infusion centre", "Hospital", "Another provider"];

fn question(id: &'static str, label: &'static str, kind: &'static str) -> Question {
    Question { id, label, kind, options: &[], required: true }
}

fn optional(id: &'static str, label: &'static str, kind: &'static str) -> Question {
    Question { required: false, ..question(id, label, kind) }
}

/// The questions of a set: 1 and 2 before the request is sent, 3 in the second round.
pub(super) fn set(number: u8, about: About<'_>) -> Vec<Question> {
    match number {
        1 => vec![
            question("diagnosis", "Diagnosis code", "text"),
            question("quantity", "Quantity requested", "text"),
            question("start", "Therapy start date", "date"),
            question("end", "Therapy end date", "date"),
            Question {
                options: &["Yes", "No"],
                ..question("urgent", "Is this request urgent?", "radio")
            },
            Question {
                options: SITES,
                ..question("site", "Where will the drug be given?", "select")
            },
        ],
        2 => second_set(about),
        _ => vec![optional("trial", TRIAL_LENGTH, "statement")],
    }
}

fn second_set(about: About<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    if about.answers.get("urgent").is_some_and(|answer| answer == "Yes") {
        questions.push(question("urgent_statement", URGENT, "statement"));
    } else {
        questions.push(optional("callback", "Best time for a call from the plan", "text"));
    }
    if about.drug == "J1745" {
        questions.push(optional("weight", "Patient weight in kg", "text"));
        questions.push(optional("step", STEP_THERAPY, "statement"));
    }
    if about.unheard_of {
        questions.push(question("height", "Patient height in cm", "text"));
    }
    questions
}

/// Is this an answer the plan takes?
pub(super) fn fits(question: &Question, answer: &str) -> bool {
    let answer = answer.trim();
    match (question.id, question.kind) {
        ("diagnosis", _) => {
            let mut codes = codes(answer).peekable();
            codes.peek().is_some() && codes.all(|code| world().diagnosis(code).is_some())
        }
        ("quantity", _) => answer.parse::<u32>().is_ok_and(|units| (1..=999).contains(&units)),
        (_, "date") => read_date(answer).is_some(),
        (_, "radio" | "select") => question.options.contains(&answer),
        (_, "statement") => answer == "true",
        _ => !answer.is_empty(),
    }
}

/// Diagnosis codes, separated by commas.
pub(super) fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|code| !code.is_empty())
}

/// Required questions of a set that have no answer the plan takes.
pub(super) fn open(number: u8, about: About<'_>) -> usize {
    let answer = |id: &str| about.answers.get(id).map(String::as_str).unwrap_or_default();
    set(number, about).iter().filter(|one| one.required && !fits(one, answer(one.id))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> Answers {
        pairs.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn an_answer_inserts_and_removes_later_questions() {
        let ids = |answers: &Answers, drug: &str, unheard_of: bool| -> Vec<&str> {
            set(2, About { drug, answers, unheard_of }).iter().map(|one| one.id).collect()
        };
        let urgent = answers(&[("urgent", "Yes")]);
        assert_eq!(ids(&urgent, "J1750", false), ["urgent_statement"]);
        let plain = answers(&[("urgent", "No")]);
        assert_eq!(ids(&plain, "J1745", false), ["callback", "weight", "step"]);
        assert_eq!(ids(&plain, "J1750", true), ["callback", "height"]);
    }

    #[test]
    fn open_questions_are_counted_by_what_the_plan_takes() {
        let mut given = answers(&[
            ("diagnosis", "K50.90, M54.50"),
            ("quantity", "40"),
            ("start", "03/09/2026"),
            ("end", "2026-06-09"),
            ("urgent", "No"),
            ("site", "Hospital"),
        ]);
        let count =
            |given: &Answers| open(1, About { drug: "J1745", answers: given, unheard_of: false });
        assert_eq!(count(&given), 0);
        for (id, wrong) in
            [("diagnosis", "Q99.9"), ("quantity", "0"), ("start", "soon"), ("site", "Home")]
        {
            let right = given.insert(id.to_owned(), wrong.to_owned()).unwrap();
            assert_eq!(count(&given), 1, "{id}");
            given.insert(id.to_owned(), right);
        }
        assert_eq!(count(&Answers::new()), 6);
    }
}
