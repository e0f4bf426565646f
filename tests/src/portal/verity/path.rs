//! The branching questions of a case: one per page, the next depends on the answer, "Back" inside the path. The graphs are
//! data (`tests/world/pathways`); each way through ends in `approve`, `review`, `upload_then_review` or `not_managed`.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{extract::Request, response::Response};
use serde::Deserialize;

use super::{
    desk::{Desk, Posted},
    draft::{Answer, Draft},
    wizard::banner,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        sim::Sim,
    },
};

/// The questions of a program.
#[derive(Debug, Deserialize)]
struct Graph {
    name: String,
    start: String,
    questions: BTreeMap<String, Question>,
}

/// One question.
#[derive(Debug, Deserialize)]
struct Question {
    kind: Kind,
    text: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    options: Vec<String>,
    /// Answer to next question or end. For numbers `at_least` and `less`; `*` is any other answer.
    next: BTreeMap<String, String>,
    #[serde(default)]
    at_least: f64,
    /// What a "Yes", or a number that is large enough, means to the rules.
    #[serde(default)]
    fact: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    YesNo,
    Single,
    Multiple,
    Number,
    Date,
    Text,
}

static GRAPHS: LazyLock<Vec<Graph>> = LazyLock::new(|| {
    let files = [
        include_str!("../../../world/pathways/radiology.json"),
        include_str!("../../../world/pathways/musculoskeletal.json"),
        include_str!("../../../world/pathways/equipment.json"),
        include_str!("../../../world/pathways/sleep.json"),
        include_str!("../../../world/pathways/short.json"),
        include_str!("../../../world/pathways/outside.json"),
    ];
    let read = |text: &&str| serde_json::from_str(text).expect("the pathway files are whole");
    files.iter().map(read).collect()
});

fn graph(name: &str) -> Option<&'static Graph> {
    GRAPHS.iter().find(|graph| graph.name == name)
}

/// The first question for a program, `radiology/weeks`; the knob can choose another graph.
pub(super) fn start(sim: &Sim, program: &str) -> String {
    let wanted = sim.knobs.text("pathway");
    let name = if wanted.is_empty() { program.to_lowercase() } else { wanted };
    graph(&name).map_or_else(|| "end:review".to_owned(), |graph| format!("{name}/{}", graph.start))
}

fn question(id: &str) -> Option<&'static Question> {
    let (name, id) = id.split_once('/')?;
    graph(name)?.questions.get(id)
}

/// Does an answer say that there were six weeks of therapy?
pub(super) fn six_weeks_of_therapy(draft: &Draft) -> bool {
    draft.answers.iter().any(|answer| {
        let Some(question) = question(&answer.question) else { return false };
        let first = answer.values.first().map(String::as_str).unwrap_or_default();
        question.fact == "six_weeks"
            && (first == "Yes" || first.parse().is_ok_and(|weeks: f64| weeks >= 6.0))
    })
}

/// The question the case stands at.
pub(super) async fn question_page(desk: Desk) -> Response {
    match desk.at("path") {
        Ok(draft) => show(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

fn show(desk: &Desk, draft: &Draft, message: &str) -> Response {
    let ids = desk.ids();
    let Some(question) = question(&draft.question) else {
        let body =
            banner(draft) + &ids.note("Not managed by Verity. No authorization is needed from us.");
        return desk.page(&ids, "path", "Clinical questions", "", body);
    };
    let choices: Vec<&str> = match question.kind {
        Kind::YesNo => vec!["Yes", "No"],
        _ => question.options.iter().map(String::as_str).collect(),
    };
    let unit = |words: &str| {
        if question.unit.is_empty() {
            words.to_owned()
        } else {
            format!("{words} ({})", question.unit)
        }
    };
    let mut buttons = String::new();
    let control = match question.kind {
        // Redesigned, a choice is a button of its own.
        Kind::YesNo | Kind::Single if desk.v2() => {
            let name = ids.name("btn", "Answer");
            let button = |words: &&str| {
                let words = esc(words);
                format!(
                    "<button type=\"submit\" class=\"plain\" name=\"{name}\" value=\"{words}\">{words}</button>"
                )
            };
            let all: String = choices.iter().map(button).collect();
            format!("<div role=\"group\" aria-label=\"{}\">{all}</div>", esc(&question.text))
        }
        Kind::YesNo | Kind::Single => ids.form(&ids.radios("Answer", "Answer", &choices, "")),
        Kind::Multiple => ids.form(&ids.checks("Answers", "Answer", &choices)),
        Kind::Number => ids.form(&ids.text(&unit("Number"), "Answer", "")),
        Kind::Date => ids.form(&ids.text("Date (MM/DD/YYYY)", "Answer", "")),
        Kind::Text => ids.form(&ids.text("In your words", "Answer", "")),
    };
    let one_click = desk.v2() && matches!(question.kind, Kind::YesNo | Kind::Single);
    if !one_click {
        buttons.push_str(&ids.button("Continue", "Continue", ""));
    }
    if !draft.answers.is_empty() {
        buttons.push_str(&ids.button("Back", "Back", ""));
    }
    let body = format!(
        "{}<p id=\"{}\">{}</p>{control}{}",
        banner(draft),
        ids.id("lbl", "Question"),
        esc(&question.text),
        ids.buttons(&buttons)
    );
    desk.page(&ids, "path", "Clinical questions", message, body)
}

/// What is wrong with an answer, or where it leads.
fn judge(question: &Question, values: &[String]) -> Result<String, &'static str> {
    let first = values.first().map(|value| value.trim()).unwrap_or_default();
    if first.is_empty() {
        return Err("Answer the question to continue.");
    }
    let key = match question.kind {
        Kind::YesNo | Kind::Single => first.to_owned(),
        Kind::Number => {
            let number: f64 = first.parse().map_err(|_| "Enter a number.")?;
            if number >= question.at_least { "at_least" } else { "less" }.to_owned()
        }
        Kind::Date => {
            html::read_date(first).ok_or("Enter the date as MM/DD/YYYY.")?;
            "*".to_owned()
        }
        Kind::Multiple | Kind::Text => "*".to_owned(),
    };
    let next = question.next.get(&key).or_else(|| question.next.get("*"));
    next.cloned().ok_or("Choose one of the answers.")
}

/// A question is answered, or the one before is asked again.
pub(super) async fn answer(desk: Desk, request: Request) -> Response {
    let (mut draft, posted): (Draft, Posted) = match desk.posted_to("path", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if posted.used("Back") {
        if let Some(last) = draft.answers.pop() {
            draft.question = last.question;
        }
        return desk.go(&mut draft, "path");
    }
    let id = draft.question.clone();
    let Some(question) = question(&id) else { return desk.expired() };
    let values = posted.all("Answer");
    let next = match judge(question, &values) {
        Ok(next) => next,
        Err(message) => return show(&desk, &draft, message),
    };
    let entry = Entry::new("questionnaire").with("question", id.as_str());
    desk.note(entry.with("case", draft.number.as_str()));
    let name = id.split_once('/').map_or("", |(name, _)| name);
    draft.answers.push(Answer { question: id.clone(), values });
    draft.question = if next.starts_with("end:") { next.clone() } else { format!("{name}/{next}") };
    let page = match next.as_str() {
        "end:upload_then_review" => "upload",
        "end:approve" | "end:review" => "summary",
        _ => "path",
    };
    desk.go(&mut draft, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_through_every_graph_ends() {
        for graph in GRAPHS.iter() {
            assert!(graph.questions.contains_key(&graph.start), "{}", graph.name);
            for (id, question) in &graph.questions {
                for next in question.next.values() {
                    let end = next.strip_prefix("end:").map(|end| {
                        ["approve", "review", "upload_then_review", "not_managed"].contains(&end)
                    });
                    let known = end.unwrap_or_else(|| graph.questions.contains_key(next));
                    assert!(known, "{}/{id} leads to {next}", graph.name);
                }
            }
        }
    }

    #[test]
    fn answers_lead_on_by_their_kind() {
        let weeks = question("radiology/how_long").unwrap();
        let judged = |text: &str| judge(weeks, &[text.to_owned()]);
        assert_ne!(judged("6"), judged("5"));
        assert_eq!(judged("soon"), Err("Enter a number."));
        assert_eq!(judge(weeks, &[]), Err("Answer the question to continue."));
    }
}
