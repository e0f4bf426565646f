//! The answer to a question in X12: the question's own levels and numbers, with what the payer said put into them.

mod review;

use domain::outcome::{Answer as Word, Outcome, ReferenceKind};
use exchange::{
    pas::answer::Answer,
    x12::{
        Delimiters,
        parts::{Aaa, Bht, Dtp, Eb, Hl, Msg, Ref, Status, Stc, Trn},
        t270, t276,
        transaction::Transaction,
    },
};
use jiff::{Timestamp, civil::Date};

use super::asked::{LATER, Level, NOBODY, NOT_FOUND, Refused};

/// Longest message to people (MSG01).
const MESSAGE_MAX: usize = 264;
/// Longest number of the payer's (REF02, HCR02).
const NUMBER_MAX: usize = 50;
/// Longest name of a plan (EB05).
const PLAN_MAX: usize = 50;
/// Most messages of a benefit.
const MESSAGES_MAX: usize = 10;

/// How a question stands.
pub(super) enum Standing {
    /// The payer said this.
    Said(Box<Outcome>),
    /// The same for a review, with its numbers and reasons.
    Reviewed(Box<Answer>),
    /// Not worked, or nobody could say anything.
    Refused(Refused),
}

impl Standing {
    /// How an inquiry stands: what was said, or why there is nothing.
    pub(super) fn of(outcome: Option<&Outcome>, ended: bool) -> Self {
        match outcome {
            Some(outcome) => Self::Said(Box::new(outcome.clone())),
            None if ended => Self::Refused(NOBODY),
            None => Self::Refused(LATER),
        }
    }
}

/// When an answer is written, and with which separators.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) now: Timestamp,
    pub(super) delimiters: Delimiters,
}

impl Pen {
    /// Text in one line without separators: free text would get blanks for them, and with one in any other element the whole answer
    /// could not be written.
    fn plain(&self, text: &str, most: usize) -> String {
        let separates = |c: char| c.is_ascii() && self.delimiters.holds(c as u8);
        let parts = text.split(|c: char| c.is_whitespace() || c.is_control() || separates(c));
        let line = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        line.chars().take(most).collect::<String>().trim_end().to_owned()
    }

    /// A number as it is; none where it cannot be written so, since it would be another one.
    fn number(&self, number: &str) -> Option<String> {
        let number = number.trim();
        let whole = !number.is_empty() && self.plain(number, NUMBER_MAX) == number;
        whole.then(|| number.to_owned())
    }

    /// What is said to people of a number that has no place in its element.
    fn odd_number(&self, number: &str) -> Option<String> {
        let odd = self.number(number).is_none() && !number.trim().is_empty();
        odd.then(|| format!("the payer's number, without what cannot be written here, is {number}"))
    }

    fn message(&self, text: &str) -> Msg {
        Msg { text: self.plain(text, MESSAGE_MAX), ..Msg::default() }
    }

    /// The payer's own words, then what else was read.
    fn messages(&self, outcome: &Outcome) -> Vec<Msg> {
        let facts =
            outcome.facts.iter().map(|f| format!("{} {}", f.name.replace('_', " "), f.value));
        let all = std::iter::once(outcome.raw_words.clone()).chain(facts);
        let all = all.map(|text| self.message(&text)).filter(|message| !message.text.is_empty());
        all.take(MESSAGES_MAX).collect()
    }
}

/// The answering set.
pub(super) fn answer(asked: &Transaction, standing: &Standing, pen: &Pen) -> Transaction {
    match asked {
        Transaction::Eligibility(asked) => {
            Transaction::Eligibility(eligibility(asked.clone(), standing, pen))
        }
        Transaction::ClaimStatus(asked) => {
            Transaction::ClaimStatus(claim_status(asked.clone(), standing, pen))
        }
        Transaction::Review(asked) => {
            Transaction::Review(review::review(asked.clone(), standing, pen))
        }
        other => other.clone(),
    }
}

fn header(bht: &mut Bht, purpose: &str, kind: &str, now: Timestamp) {
    purpose.clone_into(&mut bht.purpose);
    kind.clone_into(&mut bht.kind);
    bht.date = now.strftime("%Y%m%d").to_string();
    bht.time = now.strftime("%H%M").to_string();
}

fn echoed(traces: &mut [Trn]) {
    for trace in traces {
        "2".clone_into(&mut trace.kind);
    }
}

fn aaa(refused: &Refused) -> Aaa {
    let (valid, follow_up) = match refused.reason {
        // Valid, and not answered: the payer's or our side is the cause.
        "42" => ("Y", "P"),
        // The same numbers would get the same answer: to be asked anew, not to be sent once more.
        "80" => ("Y", "R"),
        _ => ("N", "C"),
    };
    Aaa {
        valid: valid.to_owned(),
        reason: refused.reason.to_owned(),
        follow_up: follow_up.to_owned(),
        ..Aaa::default()
    }
}

/// No levels below: the answer ends here.
fn ends(hl: &mut Hl) {
    "0".clone_into(&mut hl.children);
}

/// A fact that is a day, however the portal writes it.
fn day(outcome: &Outcome, names: &[&str]) -> Option<String> {
    let fact = outcome.facts.iter().find(|f| names.contains(&f.name.as_str()))?;
    let text = fact.value.trim();
    let read = ["%Y-%m-%d", "%m/%d/%Y"].into_iter().find_map(|f| Date::strptime(f, text).ok());
    read.map(|d| d.strftime("%Y%m%d").to_string())
}

fn eligibility(mut set: t270::Eligibility, standing: &Standing, pen: &Pen) -> t270::Eligibility {
    "271".clone_into(&mut set.st.set);
    header(&mut set.bht, "11", "", pen.now);
    let Some(source) = set.sources.first_mut() else { return set };
    let refused = match standing {
        Standing::Refused(refused) => Some(*refused),
        Standing::Said(said) if said.answer == Word::NotFound => Some(NOT_FOUND),
        _ => None,
    };
    if let Some(refused) = refused.filter(|r| r.level == Level::Payer) {
        source.refusals.push(aaa(&refused));
        source.receivers.clear();
        ends(&mut source.hl);
        return set;
    }
    let Some(receiver) = source.receivers.first_mut() else { return set };
    if let Some(asker) = &mut receiver.asker
        && let Some(refused) = refused.filter(|r| r.level == Level::Provider)
    {
        asker.refusals.push(aaa(&refused));
        receiver.subscribers.clear();
        ends(&mut receiver.hl);
        return set;
    }
    let Some(subscriber) = receiver.subscribers.first_mut() else { return set };
    echoed(&mut subscriber.traces);
    let member = match subscriber.dependents.first_mut() {
        Some(dependent) => {
            echoed(&mut dependent.traces);
            dependent.member.as_mut()
        }
        None => subscriber.member.as_mut(),
    };
    let Some(member) = member else { return set };
    let questions = std::mem::take(&mut member.questions);
    match (standing, refused) {
        (_, Some(refused)) => member.refusals.push(aaa(&refused)),
        (Standing::Said(said), None) => covered(member, &questions, said, pen),
        _ => {}
    }
    set
}

/// EB for what was asked about: 1 and 6 for what the payer said about coverage, and neither where it said something else.
fn covered(member: &mut t270::Member, questions: &[t270::Question], said: &Outcome, pen: &Pen) {
    let mut types: Vec<String> =
        questions.iter().flat_map(|q| q.eq.service_types.iter().cloned()).collect();
    if types.is_empty() {
        types.push("30".to_owned());
    }
    let plan = said.facts.iter().find(|f| f.name == "plan").map(|f| pen.plain(&f.value, PLAN_MAX));
    for (of, names) in
        [("346", ["coverage_begins", "valid_from"]), ("347", ["coverage_ends", "coverage_ended"])]
    {
        if let Some(value) = day(said, &names) {
            member.dates.retain(|d| d.of != of);
            member.dates.push(Dtp {
                of: of.to_owned(),
                format: "D8".to_owned(),
                value,
                ..Dtp::default()
            });
        }
    }
    let what = match said.answer {
        Word::CoverageActive => "1",
        Word::CoverageInactive => "6",
        _ => "V",
    };
    member.benefits = vec![t270::Benefit {
        eb: Eb {
            what: what.to_owned(),
            service_types: types,
            plan: plan.unwrap_or_default(),
            ..Eb::default()
        },
        messages: pen.messages(said),
        ..t270::Benefit::default()
    }];
}

/// Category (list 507) and status (list 508) of a claim's state.
fn stated(answer: Word) -> (&'static str, &'static str) {
    match answer {
        Word::ClaimReceived => ("A2", "20"),
        Word::ClaimPaid | Word::ClaimPartiallyPaid => ("F1", "65"),
        Word::ClaimZeroPaid => ("F4", "104"),
        Word::ClaimDenied => ("F2", "585"),
        Word::ClaimRejected => ("A3", "21"),
        Word::ClaimAdjusted => ("F3", "101"),
        Word::NotFound => ("A4", "35"),
        _ => ("P1", "46"),
    }
}

fn claim_status(mut set: t276::ClaimStatus, standing: &Standing, pen: &Pen) -> t276::ClaimStatus {
    "277".clone_into(&mut set.st.set);
    header(&mut set.bht, "08", "DG", pen.now);
    let provider = set.payers.first_mut().and_then(|p| p.receivers.first_mut());
    let provider = provider.and_then(|r| r.providers.first_mut());
    let Some(subscriber) = provider.and_then(|p| p.subscribers.first_mut()) else { return set };
    // An answer repeats names, not days of birth.
    subscriber.birth = None;
    let claim = match subscriber.dependents.first_mut() {
        Some(dependent) => {
            dependent.birth = None;
            dependent.claims.first_mut()
        }
        None => subscriber.claims.first_mut(),
    };
    let Some(claim) = claim else { return set };
    "2".clone_into(&mut claim.trace.kind);
    claim.lines.clear();
    let charged = claim.amount.take().and_then(|a| a.amount);
    let today = pen.now.strftime("%Y%m%d").to_string();
    let (category, status, words) = match standing {
        Standing::Refused(refused) if refused.reason == "42" => {
            ("E1", refused.status, refused.say.to_owned())
        }
        Standing::Refused(refused) if refused.reason == "80" => {
            ("E2", refused.status, refused.say.to_owned())
        }
        Standing::Refused(refused) => ("E0", refused.status, refused.say.to_owned()),
        Standing::Said(said) => {
            let (category, status) = stated(said.answer);
            let kind = |r: &&domain::outcome::Reference| r.kind == ReferenceKind::Claim;
            let told = said.references.iter().find(kind).map_or("", |r| r.value.as_str());
            if let Some(number) = pen.number(told) {
                claim.references.retain(|r| r.list != "1K");
                claim.references.insert(0, Ref { list: "1K".to_owned(), number, ..Ref::default() });
            }
            let words = [pen.odd_number(told), Some(said.raw_words.clone())];
            (category, status, words.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
        Standing::Reviewed(_) => return set,
    };
    let paid = match standing {
        Standing::Said(said) => {
            said.facts.iter().find(|f| f.name == "paid").and_then(|f| money(&f.value))
        }
        _ => None,
    };
    claim.statuses = vec![Stc {
        status: Status {
            category: category.to_owned(),
            status: status.to_owned(),
            ..Status::default()
        },
        date: today,
        charged,
        paid,
        text: pen.message(&words).text,
        ..Stc::default()
    }];
    set
}

/// `$1,234.50` as an amount; nothing where it is none.
fn money(text: &str) -> Option<exchange::x12::Decimal> {
    let plain: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ')).collect();
    let (whole, cents) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (whole, cents): (i64, i64) = match (whole.parse(), cents.len(), cents.parse()) {
        (Ok(whole), 2, Ok(cents)) => (whole, cents),
        _ => return None,
    };
    let sum = whole.checked_mul(100)?.checked_add(cents)?;
    (whole >= 0).then(|| exchange::x12::Decimal::cents(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen() -> Pen {
        Pen { now: Timestamp::UNIX_EPOCH, delimiters: Delimiters::default() }
    }

    #[test]
    fn separators_are_left_out_of_text_and_never_of_a_number() {
        let pen = pen();
        assert_eq!(pen.plain(" Gold: 80/20^plus*\n~\u{1f}HMO ", 264), "Gold 80/20 plus HMO");
        assert_eq!(pen.plain("Gold Choice", 5), "Gold");
        assert_eq!(pen.plain(":*\u{1e}", 264), "");
        assert_eq!(pen.number(" CLM-22/07 ").as_deref(), Some("CLM-22/07"));
        assert_eq!(pen.odd_number("CLM-22/07"), None);
        for odd in ["CLM:22", "CLM^22", "CLM\u{1f}22", &"9".repeat(51)] {
            assert_eq!(pen.number(odd), None, "{odd}");
            assert!(pen.odd_number(odd).is_some(), "{odd}");
        }
        assert_eq!((pen.number(" "), pen.odd_number(" ")), (None, None));
        let other = Pen { delimiters: Delimiters::new(b'|', b'^', b'>', b'\n').unwrap(), ..pen };
        assert_eq!(other.number("CLM:22").as_deref(), Some("CLM:22"));
        assert_eq!(other.plain("Gold|Plus: A>B", 264), "Gold Plus: A B");
    }

    #[test]
    fn only_an_answer_about_coverage_is_one() {
        for (answer, what) in [
            (Word::CoverageActive, "1"),
            (Word::CoverageInactive, "6"),
            (Word::ContactPayer, "V"),
            (Word::Received, "V"),
            (Word::NotRequired, "V"),
        ] {
            let said = Outcome {
                answer,
                raw_words: "Call us".to_owned(),
                references: Vec::new(),
                facts: Vec::new(),
                via: "person".to_owned(),
            };
            let mut member = t270::Member::default();
            covered(&mut member, &[], &said, &pen());
            let benefit = &member.benefits[0];
            assert_eq!(benefit.eb.what, what, "{answer}");
            assert_eq!((member.benefits.len(), benefit.messages[0].text.as_str()), (1, "Call us"));
        }
    }

    #[test]
    fn what_got_no_answer_is_asked_again_and_what_was_wrong_is_corrected() {
        for (refused, valid, follow_up) in
            [(&LATER, "Y", "P"), (&NOBODY, "Y", "R"), (&NOT_FOUND, "N", "C")]
        {
            let aaa = aaa(refused);
            assert_eq!((aaa.valid.as_str(), aaa.follow_up.as_str()), (valid, follow_up));
        }
    }

    #[test]
    fn amounts_are_read_as_portals_write_them_or_not_at_all() {
        assert_eq!(money("$1,234.50"), Some(exchange::x12::Decimal::cents(123_450)));
        assert_eq!(money("320"), Some(exchange::x12::Decimal::cents(32_000)));
        for none in ["", "Not available", "1.5", "-3.00", "99999999999999999999"] {
            assert_eq!(money(none), None, "{none}");
        }
    }
}
