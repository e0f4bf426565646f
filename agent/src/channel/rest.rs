//! An interface of the payer's own, as its profile describes it: one question, answered at once or with 202 and a place to look, and
//! JSON pointers that say where in the answer things stand. Only for what changes nothing.

use std::time::Duration;

use domain::{
    channel::Dialect,
    id::EvidenceId,
    lease::Purpose,
    outcome::{Fact, FailureKind, Outcome, Reference},
    step::Effect,
    wire::End,
};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::talk::{Message, Stop, Talk, Way, failed, readable};
use crate::{clock, http::Reply};

const JSON: &str = "application/json";
/// Looks while the answer is not there.
const LOOKS_MAX: u32 = 60;

/// The channel.
pub struct Rest;

impl Way for Rest {
    fn work<'a>(&'a self, talk: &'a mut Talk<'_>) -> BoxFuture<'a, Result<End, Stop>> {
        Box::pin(ask(talk))
    }
}

async fn ask(talk: &mut Talk<'_>) -> Result<End, Stop> {
    let exchange = talk.exchange;
    let Some(dialect) = &exchange.endpoint.rest else {
        let detail = "the profile does not say what this interface calls things";
        return Err(failed(FailureKind::BadInput, "no_dialect", detail));
    };
    if exchange.purpose != Purpose::Work || exchange.task.commits() {
        let detail = "nothing is submitted by a described interface";
        return Err(failed(FailureKind::BadInput, "task_not_carried", detail));
    }
    let path = filled(&dialect.status_path, exchange.inputs)?;
    talk.let_in().await?;
    talk.begin("Ask for the status", Effect::Read).await?;
    let (reply, evidence) = settled(talk, dialect, path).await?;
    let unfit = || failed(FailureKind::PageChanged, "unreadable_answer", "the answer is not JSON");
    let answer: Value = serde_json::from_slice(&reply.body).map_err(|_| unfit())?;
    let outcome = outcome(exchange.payer, dialect, &answer, evidence)?;
    Ok(talk.told(outcome, None).await)
}

/// The answer that is whole: 202 means that it is still being worked on, not that it is done.
async fn settled(
    talk: &mut Talk<'_>,
    dialect: &Dialect,
    mut path: String,
) -> Result<(Reply, EvidenceId), Stop> {
    for _ in 0..LOOKS_MAX {
        let asked = Message { method: "GET", path: &path, media: JSON, body: "", kept: "" };
        let (reply, evidence) = talk.ask(&asked).await?;
        readable(&reply)?;
        if reply.status != 202 {
            return Ok((reply, evidence));
        }
        if let Some(next) = &reply.location {
            path = below(&talk.exchange.endpoint.base, next);
        }
        tokio::time::sleep(Duration::from_millis(dialect.poll_ms.max(50))).await;
    }
    Err(failed(FailureKind::Transient, "still_working", "the payer answered 202 again and again"))
}

/// A place to look as it was told: whole, or from the root of the host.
fn below(base: &str, place: &str) -> String {
    match (place.starts_with('/'), url::Url::parse(base)) {
        (true, Ok(base)) => base.join(place).map_or_else(|_| place.to_owned(), String::from),
        _ => place.to_owned(),
    }
}

/// Fills `{reference}` and `{member.id}` from the inputs, each as one segment of an address.
fn filled(path: &str, inputs: &Value) -> Result<String, Stop> {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        let pointer = format!("/{}", name.replace('.', "/"));
        let value = inputs.pointer(&pointer).and_then(Value::as_str).filter(|v| !v.is_empty());
        let Some(value) = value else {
            let detail = format!("the request has no `{name}`");
            return Err(failed(FailureKind::BadInput, "inputs_unfit", &detail));
        };
        out.push_str(before);
        out.extend(
            url::form_urlencoded::byte_serialize(value.as_bytes()).map(|p| p.replace('+', "%20")),
        );
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn outcome(
    payer: &str,
    dialect: &Dialect,
    answer: &Value,
    evidence: EvidenceId,
) -> Result<Outcome, Stop> {
    let text = |pointer: &str| match answer.pointer(pointer)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let Some(words) = text(&dialect.status_at) else {
        let detail = format!("nothing stands at {}", dialect.status_at);
        return Err(failed(FailureKind::PageChanged, "unmapped_answer", &detail));
    };
    // Whole words only: "not certified" contains "certified".
    let known = dialect.answers.iter().find(|(word, _)| word.trim().eq_ignore_ascii_case(&words));
    let Some((_, said)) = known else {
        let detail = format!("`{words}` is no word the profile knows");
        return Err(failed(FailureKind::PageChanged, "unmapped_answer", &detail));
    };
    let references = dialect.numbers_at.iter().filter_map(|(kind, pointer)| {
        Some(Reference {
            kind: *kind,
            issuer: payer.to_owned(),
            value: text(pointer)?,
            read_by: "message".to_owned(),
            confidence: None,
            at: clock::now(),
            evidence: Some(evidence),
            bounds: None,
        })
    });
    let facts = dialect
        .facts_at
        .iter()
        .filter_map(|(name, pointer)| Some(Fact { name: name.clone(), value: text(pointer)? }));
    Ok(Outcome {
        answer: *said,
        references: references.collect(),
        facts: facts.collect(),
        raw_words: words,
        via: "agent".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use domain::outcome::{Answer, ReferenceKind};
    use serde_json::json;

    use super::*;

    fn dialect() -> Dialect {
        serde_json::from_value(json!({
            "status_path": "/reviews/{reference}?member={member.id}", "status_at": "/review/status",
            "answers": {"Certified": "approved", "Not certified": "denied"},
            "numbers_at": {"authorization": "/review/numbers/0"}, "facts_at": {"units": "/review/units"},
            "poll_ms": 50,
        }))
        .unwrap()
    }

    #[test]
    fn an_answer_is_read_where_the_profile_says() {
        let evidence = EvidenceId::new(clock::now(), 7);
        let read = |status: &str| {
            let answer = json!({"review": {"status": status, "numbers": ["A7"], "units": 12}});
            outcome("payer", &dialect(), &answer, evidence)
        };
        let Ok(denied) = read("not certified") else { panic!("a known word") };
        assert_eq!((denied.answer, denied.raw_words.as_str()), (Answer::Denied, "not certified"));
        assert_eq!(
            (denied.references[0].kind, denied.references[0].value.as_str()),
            (ReferenceKind::Authorization, "A7")
        );
        assert_eq!(denied.facts[0].value, "12");
        assert!(read("Certified in part").is_err() && read("").is_err(), "no word is guessed");
    }

    #[test]
    fn an_address_is_filled_segment_by_segment() {
        let inputs = json!({"reference": "LN 1/2", "member": {"id": "W1&x"}});
        let Ok(path) = filled(&dialect().status_path, &inputs) else { panic!("both are there") };
        assert_eq!(path, "/reviews/LN%201%2F2?member=W1%26x");
        assert!(filled("/reviews/{number}", &inputs).is_err());
        assert_eq!(
            below("https://api.payer.test/v1", "/v1/reviews/7"),
            "https://api.payer.test/v1/reviews/7"
        );
        assert_eq!(below("https://api.payer.test/v1", "reviews/7"), "reviews/7");
    }
}
