//! X12. Here over CORE connectivity, in real time (`files` is SFTP): 270 and 276 are asked and answered, a 278 is submitted once under permit and latch, and a
//! 278 inquiry tells the status and settles doubts. A receipt that rejects (TA1, 999) and a refusal at the door (AAA) are no denials.

mod ask;
mod came;
mod claim;
mod cover;
mod files;
mod folder;
mod line;
mod refuse;
mod review;

use domain::{
    evidence::Moment,
    id::EvidenceId,
    job::Task,
    lease::Purpose,
    outcome::{Failure, FailureKind},
    step::Effect,
    wire::{CONTROL_NUMBERS, End, Proof},
};
use exchange::{
    pas::answer::Answer,
    x12::{t278::Review, transaction::Transaction},
};
use futures_util::future::BoxFuture;
use transport::{
    chain::{Chain, Clocks, Sent},
    core::CoreError,
    http::Got,
};

use self::{
    ask::{Asker, Question, written},
    came::Came,
    line::Line,
};
use super::{
    inquiry::{self, Inquire, Shown},
    pas::{door, read},
    talk::{Exchange, Stop, Talk, Way, failed, in_doubt},
};
use crate::clock;

pub use self::files::Sftp;

/// The channel.
pub struct Core;

impl Way for Core {
    fn work<'a>(&'a self, talk: &'a mut Talk<'_>) -> BoxFuture<'a, Result<End, Stop>> {
        Box::pin(work(talk))
    }
}

async fn work(talk: &mut Talk<'_>) -> Result<End, Stop> {
    let (purpose, task) = (talk.exchange.purpose, talk.exchange.task);
    let exchange = talk.exchange;
    let mut call = Caller::open(talk, exchange).await?;
    match (purpose, task) {
        (Purpose::Reconcile, _) => {
            let own = call.asker.submission()?.to_owned();
            inquiry::look(talk, &mut call, &own).await
        }
        (Purpose::Work, Task::Submit | Task::Renewal) => submit(talk, &mut call).await,
        (Purpose::Work, Task::AuthStatus) => inquiry::status(talk, &mut call).await,
        (Purpose::Work, Task::ClaimStatus) => {
            talk.begin("Ask for the status of the claim", Effect::Read).await?;
            let question = call.asker.claim_status()?;
            let (set, evidence) = call.ask(talk, &question).await?;
            let Transaction::ClaimStatus(answer) = set else { return Err(other_answer()) };
            let outcome = claim::outcome(exchange.payer, &answer, &question.trace, evidence)?;
            Ok(talk.told(outcome, None).await)
        }
        (Purpose::Work, Task::Eligibility) => {
            talk.begin("Ask for the coverage", Effect::Read).await?;
            let question = call.asker.eligibility()?;
            let (set, _) = call.ask(talk, &question).await?;
            let Transaction::Eligibility(answer) = set else { return Err(other_answer()) };
            let outcome = cover::outcome(&answer)?;
            Ok(talk.told(outcome, None).await)
        }
        (Purpose::Work, _) => {
            let detail = "X12 has no message for this task";
            Err(failed(FailureKind::BadInput, "task_not_carried", detail))
        }
    }
}

fn other_answer() -> Stop {
    let detail = "the answer is of another transaction than the question";
    failed(FailureKind::PageChanged, "unreadable_answer", detail)
}

/// One line, the numbers of a lease, and what is asked with them.
struct Caller<'e> {
    line: Line,
    asker: Asker<'e>,
    next: Option<u32>,
    left: u32,
}

/// An interchange on its way: its bytes, and the chain of what comes back.
struct Outgoing {
    bytes: Vec<u8>,
    shown: String,
    chain: Chain,
}

impl<'e> Caller<'e> {
    async fn open(talk: &mut Talk<'_>, exchange: &'e Exchange<'e>) -> Result<Self, Stop> {
        talk.begin("Get access", Effect::Read).await?;
        let asker = Asker::new(exchange, clock::now().jiff())?;
        let line = Line::open(talk).await?;
        talk.observe.log("access is given");
        talk.done().await;
        Ok(Self { line, asker, next: exchange.control, left: CONTROL_NUMBERS })
    }

    /// The question under the next control number.
    fn outgoing(&mut self, question: &Question) -> Result<Outgoing, Stop> {
        let number = self.next.filter(|_| self.left > 0).ok_or_else(|| {
            failed(FailureKind::Transient, "no_control_number", "no control number is left")
        })?;
        (self.next, self.left) = (number.checked_add(1), self.left - 1);
        let interchange = self.asker.wrap(question, number);
        let bytes = written(&interchange)?;
        // An answer in real time comes at once or not at all: the line has the one clock.
        let clocks = Clocks { transport: None, interchange: None, group: None, business: None };
        let chain = Chain::new(Sent::of(&interchange), clocks, clock::now().jiff());
        let shown = shown(&bytes);
        Ok(Outgoing { bytes, shown, chain })
    }

    /// Asks for something that changes nothing. Question and answer are kept.
    async fn ask(
        &mut self,
        talk: &mut Talk<'_>,
        question: &Question,
    ) -> Result<(Transaction, EvidenceId), Stop> {
        let (came, evidence) = self.heard(talk, question).await?;
        match came {
            Came::Answer(set) => Ok((*set, evidence)),
            Came::NotTaken(why) | Came::Before(why) => {
                Err(failed(FailureKind::Refused, "not_taken", &why))
            }
            Came::Nothing => {
                let detail = "a receipt came, and no answer";
                Err(failed(FailureKind::PageChanged, "unreadable_answer", detail))
            }
        }
    }

    /// The same, with what is no answer as a value.
    async fn heard(
        &mut self,
        talk: &mut Talk<'_>,
        question: &Question,
    ) -> Result<(Came, EvidenceId), Stop> {
        let mut tries = 0;
        let (mut going, bytes) = loop {
            // Another call is another interchange, of the same question.
            let going = self.outgoing(question)?;
            if tries == 0 {
                talk.keep(Moment::Before, &self.line.head(question.payload), &going.shown).await;
            }
            talk.may_go_on()?;
            tries += 1;
            match self.line.send(question.payload, &going.bytes).await {
                Ok(bytes) => break (going, bytes),
                Err(error) if tries < 2 && line::again(&error) => {
                    talk.observe.log(&format!("asks again: {error}"));
                    tokio::time::sleep(line::REST).await;
                }
                Err(error) => return Err(line::unanswered(&error)),
            }
        };
        let evidence = talk.keep(Moment::After, "answer", &shown(&bytes)).await;
        let came = came::at_once(&mut going.chain, &bytes, clock::now().jiff());
        let unfit = |why: came::Unfit| {
            failed(FailureKind::PageChanged, "unreadable_answer", &why.to_string())
        };
        Ok((came.map_err(unfit)?, evidence))
    }
}

impl Inquire for Caller<'_> {
    async fn inquire(
        &mut self,
        talk: &mut Talk<'_>,
        known: Option<&serde_json::Value>,
    ) -> Result<Shown, Stop> {
        let question = self.asker.inquiry(known)?;
        let (set, evidence) = self.ask(talk, &question).await?;
        let Transaction::Review(review) = set else { return Err(other_answer()) };
        let company = self.asker.partner().company();
        let (answers, refusals) = review::shown(&review, &company, &question.trace);
        // "There is nothing of this member" is an answer; every other refusal is none.
        if !refusals.is_empty() && !refuse::is_nothing_there(&refusals) {
            return Err(refuse::stop(&refusals));
        }
        Ok(Shown { answers, limited: review.is_preliminary(), evidence })
    }
}

/// An interchange as people read it: a segment on each line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let end = text.as_bytes().get(105).copied().filter(|_| text.starts_with("ISA"));
    match end.map(char::from).filter(|end| !end.is_ascii_alphanumeric() && !end.is_whitespace()) {
        Some(end) => text.replace(end, &format!("{end}\n")),
        None => text.into_owned(),
    }
}

async fn submit(talk: &mut Talk<'_>, call: &mut Caller<'_>) -> Result<End, Stop> {
    talk.begin("Build the request", Effect::Draft).await?;
    let question = call.asker.submit()?;
    let mut going = call.outgoing(&question)?;
    talk.done().await;
    // What is down is met before anything can be sent; and what is there already is not sent.
    talk.begin("Ask whether the payer answers", Effect::Read).await?;
    let inquiry = call.asker.inquiry(None)?;
    let (came, _) = call.heard(talk, &inquiry).await?;
    if let Came::Answer(set) = came
        && let Transaction::Review(review) = *set
    {
        let company = call.asker.partner().company();
        let (answers, refusals) = review::shown(&review, &company, &inquiry.trace);
        if answers.iter().any(|answer| read::is_to(answer, &question.trace)) {
            let detail = "the payer has a request of this name already";
            return Err(failed(FailureKind::Unsure, "possible_duplicate", detail));
        }
        // Nothing is sent to a payer that says "later".
        if refuse::is_later(&refusals) {
            return Err(refuse::stop(&refusals));
        }
    }
    talk.done().await;

    talk.begin("Send the request", Effect::Commit).await?;
    let head = call.line.head(question.payload);
    let (intent, may) = talk.latched("submit", &head, &going.shown, &going.bytes).await?;
    let (got, sent) = call.line.send_while(question.payload, &going.bytes, Some(&may)).await;
    crate::fault::point("click", crate::fault::Side::After).await;
    let bytes = match sent {
        Ok(bytes) => bytes,
        Err(error) => return Err(unanswered(talk, got.as_ref(), &error).await),
    };
    let after = talk.arrived("answer", &shown(&bytes)).await?;
    let came = came::at_once(&mut going.chain, &bytes, clock::now().jiff())
        .map_err(|why| in_doubt(&why.to_string()))?;
    let set = match came {
        Came::Answer(set) => set,
        Came::NotTaken(why) => return Err(at_the_door(&why)),
        // The number was there before: perhaps with this request, which arrived.
        Came::Before(why) => return Err(in_doubt(&why)),
        Came::Nothing => return Err(in_doubt("a receipt came, and no answer")),
    };
    let Transaction::Review(review) = *set else {
        return Err(in_doubt("the answer is of another transaction"));
    };
    let answer = decision(&review, &call.asker.partner().company(), &question.trace)?;
    let (outcome, reference) = door::proved(talk.exchange, &answer, after)?;
    Ok(talk.told(outcome, Some(Proof { intent, reference, after })).await)
}

/// No answer to the one sending that can be used. What came all the same is kept.
async fn unanswered(talk: &mut Talk<'_>, got: Option<&Got>, error: &CoreError) -> Stop {
    if let Some(got) = got {
        let text = String::from_utf8_lossy(&got.body).into_owned();
        if let Err(stop) = talk.arrived(&format!("status {}", got.status), &text).await {
            return stop;
        }
    }
    line::doubt(error, got)
}

/// A receipt says that nothing was taken in: a doubt all the same, until the inquiry confirms it.
fn at_the_door(detail: &str) -> Stop {
    failed(FailureKind::Unsure, Failure::REFUSED_AT_THE_DOOR, detail)
}

/// The one event that answers a request. Refusals above it belong to it.
fn decision(review: &Review, company: &str, trace: &str) -> Result<Answer, Stop> {
    let mut answers = review::answers(review, company, "");
    answers.retain(|answer| read::is_to(answer, trace));
    let refusals = review::refusals(review);
    match (answers.pop(), answers.is_empty()) {
        (Some(mut one), true) => {
            one.refused.extend(refusals.into_iter().map(review::refused));
            Ok(one)
        }
        // Whatever was refused above it, no event stands below that: the same judgement as of one that was refused itself.
        (None, _) if !refusals.is_empty() => Err(door::unproved(&review::refused_whole(refusals))),
        (None, _) => Err(in_doubt("no event of the answer is to the request")),
        (Some(_), false) => Err(in_doubt("more than one event answers the request")),
    }
}

#[cfg(test)]
mod tests {
    use exchange::{pas::code::Decision, x12::file::File};

    use super::*;

    /// What is made of an answer with this below the requester, to our trace `F1`.
    fn made_of(member: &str, events: &str) -> Result<Decision, String> {
        let text = format!(
            "ISA*00*          *00*          *ZZ*LARKFIELD      *ZZ*RIVER          *261121*0931*^*00501*000000009*0*T*:~\
             GS*HI*LARKFIELD*RIVER*20261121*0931*9*X*005010X217~ST*278*0001*005010X217~\
             BHT*0007*11*F1*20261121*0931*18~HL*1**20*1~NM1*X3*2*P*****PI*P1~HL*2*1*21*1~\
             NM1*1P*2*R*****XX*1234567893~HL*3*2*22*1~NM1*IL*1*BIRCH*TESTB****MI*W1~{member}{events}"
        );
        let (file, _) = File::read(text.as_bytes()).unwrap();
        let Transaction::Review(review) = &file.interchanges[0].groups[0].sets[0] else {
            panic!("a review");
        };
        match decision(review, "9RIVER0000", "F1") {
            Ok(answer) => Ok(answer.decision()),
            Err(Stop::Failed(failure)) => Err(failure.name),
            Err(Stop::LeaseLost) => panic!("a failure"),
        }
    }

    #[test]
    fn what_is_refused_above_is_never_granted_below() {
        let granted = "HL*4*3*EV*0~TRN*2*F1*9RIVER0000~UM*HS*I~HCR*A1*AUTH7~";
        let silent = "HL*4*3*EV*0~TRN*2*F1*9RIVER0000~UM*HS*I~";
        assert_eq!(made_of("", granted), Ok(Decision::Approved));
        assert_eq!(made_of("AAA*N**72*C~", granted), Ok(Decision::Unmapped), "a person reads it");
        assert_eq!(made_of("AAA*N**72*C~", silent), Ok(Decision::Rejected));
        assert_eq!(made_of("AAA*N**72*C~", ""), Err("refused_at_the_door".to_owned()));
        assert_eq!(made_of("", ""), Err("in_doubt".to_owned()));
        assert_eq!(made_of("", &granted.repeat(2)), Err("in_doubt".to_owned()));
    }

    #[test]
    fn evidence_has_a_segment_on_each_line() {
        let head = "ISA*00*          *00*          *ZZ*A              *ZZ*B              *261121*0930*^*00501*000000301*0*T*:~";
        assert_eq!(head.len(), 106);
        assert_eq!(shown(format!("{head}TA1*1~").as_bytes()), format!("{head}\nTA1*1~\n"));
        assert_eq!(shown(b"<html/>"), "<html/>");
    }
}
