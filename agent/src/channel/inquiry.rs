//! What is asked of a payer about requests for authorization, whatever format carries the question: the status of one that has a number,
//! and whether ours is there after a doubt. One judgement for every format.

use domain::{
    id::EvidenceId,
    outcome::{Answer as Said, FailureKind, Outcome},
    step::Effect,
    wire::{End, Finding},
};
use exchange::pas::answer::Answer;
use serde_json::Value;

use super::{
    pas::{door, read},
    talk::{Stop, Talk, failed},
};

/// What an inquiry showed.
pub(super) struct Shown {
    /// The requests.
    pub(super) answers: Vec<Answer>,
    /// The payer says that there may be more than it shows, or that more will follow.
    pub(super) limited: bool,
    /// The message.
    pub(super) evidence: EvidenceId,
}

/// A format in which it can be asked.
pub(super) trait Inquire {
    /// What the payer says about the requests of the member; with `known` about a record that it is known to have.
    fn inquire(
        &mut self,
        talk: &mut Talk<'_>,
        known: Option<&Value>,
    ) -> impl Future<Output = Result<Shown, Stop>> + Send;
}

/// The status of an authorization: the answer that has its number, by whatever channel the request came.
pub(super) async fn status(talk: &mut Talk<'_>, by: &mut impl Inquire) -> Result<End, Stop> {
    talk.begin("Ask for the status", Effect::Read).await?;
    let Shown { answers, limited, evidence } = by.inquire(talk, None).await?;
    let number = talk.exchange.inputs["reference"].as_str().unwrap_or_default();
    let answer = match read::with_number(&answers, number).as_slice() {
        [one] => *one,
        [] => {
            let more = if limited { "; there may be more than is shown" } else { "" };
            let count = answers.len();
            let detail = format!("{count} answers, none with the number asked for{more}");
            return Err(failed(FailureKind::NotFound, "record_not_found", &detail));
        }
        many => {
            let detail = format!("{} answers with the number asked for", many.len());
            return Err(failed(FailureKind::Unsure, "record_not_clear", &detail));
        }
    };
    let outcome = meant(talk, answer, evidence)?;
    Ok(talk.told(outcome, None).await)
}

/// Looks whether the payer has our request: by our own identifier of it.
pub(super) async fn look(
    talk: &mut Talk<'_>,
    by: &mut impl Inquire,
    own: &str,
) -> Result<End, Stop> {
    talk.begin("Look for the request at the payer", Effect::Read).await?;
    let Shown { answers, limited, evidence } = by.inquire(talk, None).await?;
    let ours: Vec<&Answer> = answers.iter().filter(|a| read::is_to(a, own)).collect();
    let unclear = answers.iter().filter(|a| a.request.is_none() || read::is_like(a, own)).count();
    talk.observe.log(&format!("{} answers, {} to this request", answers.len(), ours.len()));
    talk.done().await;
    let many = |count: usize| Finding::Many { count: u32::try_from(count).unwrap_or(u32::MAX) };
    let finding = match ours.as_slice() {
        [one] => {
            let outcome = meant(talk, one, evidence)?;
            if outcome.answer == Said::Rejected {
                return Err(door::found_refused(one));
            }
            Finding::One { outcome, evidence }
        }
        // Somebody's request, and it does not say whose: a person looks.
        [] if unclear > 0 => many(unclear),
        // Where not all is shown, ours may be among the rest, whatever else is found.
        [] => Finding::None { evidence, recognised: !limited && shows_known(talk, by).await? },
        several => many(several.len()),
    };
    Ok(End::Finding { finding })
}

/// Whether the search shows a record that the payer is known to have: without that, finding nothing says nothing.
async fn shows_known(talk: &mut Talk<'_>, by: &mut impl Inquire) -> Result<bool, Stop> {
    let known = talk.exchange.inputs.get("known").filter(|known| known.is_object());
    let Some(known) = known else { return Ok(false) };
    talk.begin("Look for a record that is known to be there", Effect::Read).await?;
    let found = by.inquire(talk, Some(known)).await?;
    let number = known["number"].as_str().unwrap_or_default();
    let shown = !read::with_number(&found.answers, number).is_empty();
    talk.done().await;
    Ok(shown)
}

fn meant(talk: &Talk<'_>, answer: &Answer, evidence: EvidenceId) -> Result<Outcome, Stop> {
    read::outcome(talk.exchange, answer, evidence)
        .map_err(|why| failed(FailureKind::PageChanged, "unmapped_answer", &why))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{job::Task, lease::Purpose};
    use exchange::pas::{
        answer::{Line, Refused, Review, Stage},
        code::ReviewAction,
        request::Key,
    };
    use serde_json::json;

    use super::{
        super::{Silent, talk::Exchange},
        *,
    };
    use crate::{browser::LaunchConfig, http::Http, mask::Masker, observe::Observer};

    /// Says this of a member, and that of the record that is known; and whether there may be more.
    struct Says(Vec<Answer>, Vec<Answer>, bool);

    impl Inquire for Says {
        async fn inquire(
            &mut self,
            _: &mut Talk<'_>,
            known: Option<&Value>,
        ) -> Result<Shown, Stop> {
            let answers = if known.is_some() { &self.1 } else { &self.0 }.clone();
            let evidence = EvidenceId::new(crate::clock::now(), 1);
            Ok(Shown { answers, limited: self.2, evidence })
        }
    }

    fn named(request: Option<&str>, number: &str) -> Answer {
        let review = Review {
            action: ReviewAction::of("A1"),
            number: Some(number.to_owned()),
            reasons: Vec::new(),
            second_opinion: None,
        };
        Answer {
            request: request.map(|name| Key { system: None, value: name.to_owned() }),
            lines: vec![Line { sequence: 1, review: Some(review), ..Line::default() }],
            ..Answer::default()
        }
    }

    async fn told(says: Says, task: &str) -> String {
        let endpoint = serde_json::from_value(json!({"base": "https://x.payer.example",
            "auth": {"by": "bearer", "secret": "key"}}));
        let inputs = json!({"reference": "A77", "known": {"number": "A55"}});
        let http = Http::new(&LaunchConfig::default());
        let (purpose, task) = match task {
            "look" => (Purpose::Reconcile, Task::Submit),
            _ => (Purpose::Work, Task::AuthStatus),
        };
        let exchange = Exchange {
            endpoint: &endpoint.unwrap(),
            payer: "p",
            task,
            purpose,
            inputs: &inputs,
            http: &http,
            control: None,
        };
        let doors: Arc<Silent> = Arc::new(Silent);
        let mut observe = Observer::new(doors.clone(), Masker::default(), false);
        let mut talk = Talk::over(&exchange, doors, &mut observe);
        let mut says = says;
        let ended = match purpose {
            Purpose::Reconcile => look(&mut talk, &mut says, "F1").await,
            Purpose::Work => status(&mut talk, &mut says).await,
        };
        match ended {
            Ok(End::Finding { finding: Finding::One { outcome, .. } }) => {
                format!("one {}", outcome.answer.word())
            }
            Ok(End::Finding { finding: Finding::Many { count } }) => format!("many {count}"),
            Ok(End::Finding { finding: Finding::None { recognised, .. } }) => {
                format!("none, recognised {recognised}")
            }
            Ok(End::Outcome { outcome, .. }) => outcome.answer.word().to_owned(),
            Ok(_) => "another end".to_owned(),
            Err(Stop::Failed(failure)) => failure.name,
            Err(Stop::LeaseLost) => "lost".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_look_finds_ours_alone_and_a_refused_one_is_no_submission() {
        let look =
            async |answers: Vec<Answer>| told(Says(answers, Vec::new(), false), "look").await;
        assert_eq!(look(vec![named(Some("F1"), "A1")]).await, "one approved");
        assert_eq!(look(vec![named(Some("F1"), "A1"), named(Some("F1"), "A2")]).await, "many 2");
        let refused = Refused { code: "75".to_owned(), ..Refused::default() };
        let door = Answer {
            lines: Vec::new(),
            stage: Stage::Error,
            refused: vec![refused],
            ..named(Some("F1"), "")
        };
        assert_eq!(look(vec![door]).await, "found_refused");
        // Somebody's that says no name, and one of our name in another's system.
        assert_eq!(look(vec![named(None, "A1"), named(Some("F2"), "A2")]).await, "many 1");
        let key =
            Key { system: Some("https://another.example".to_owned()), value: "F1".to_owned() };
        let like = Answer { request: Some(key), ..named(None, "A1") };
        assert_eq!(look(vec![like]).await, "many 1");
        assert_eq!(look(vec![named(Some("F2"), "A2")]).await, "none, recognised false");
        for (limited, recognised) in [(false, true), (true, false)] {
            let known = Says(Vec::new(), vec![named(Some("F9"), "A55")], limited);
            assert_eq!(told(known, "look").await, format!("none, recognised {recognised}"));
        }
    }

    #[tokio::test]
    async fn a_status_is_that_of_the_one_answer_with_the_number() {
        let status =
            async |answers: Vec<Answer>| told(Says(answers, Vec::new(), false), "status").await;
        let ours = || named(Some("F1"), "A77");
        assert_eq!(status(vec![named(None, "A1"), ours()]).await, "approved");
        assert_eq!(status(vec![named(None, "A1")]).await, "record_not_found");
        assert_eq!(status(vec![ours(), ours()]).await, "record_not_clear");
        // A renewal names the number it renews: it is meant only where none has the number itself.
        let mut renewal = named(Some("F3"), "A88");
        renewal.lines[0].previous_number = Some("A77".to_owned());
        assert_eq!(status(vec![ours(), renewal.clone()]).await, "approved");
        assert_eq!(status(vec![named(None, "A1"), renewal]).await, "approved");
    }
}
