//! What came back to a question, as far as the chain of receipts tells: the set that answers it, or the receipt that says that it
//! was not taken. A rejection is never a denial: nothing was evaluated.

use exchange::x12::{fault::FaultCode, file::File, transaction::Transaction};
use jiff::Timestamp;
use transport::chain::{Chain, ChainFault, Heard, Stage, Standing, Verdict, hear};

/// How a question stands after something came.
pub(super) enum Came {
    /// The set that answers it.
    Answer(Box<Transaction>),
    /// Not taken: which receipt says so, with its codes.
    NotTaken(String),
    /// Not taken because an interchange of this number came before. Whether that one was this one, the receipt does not say.
    Before(String),
    /// Receipts at most; the answer is still on its way.
    Nothing,
}

/// Why something that came cannot be used. Texts hold no value of the message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is no X12.
    #[error("the answer is no interchange of X12")]
    Unreadable,
    /// Not all of it is there.
    #[error("the answer is cut off or miscounted")]
    Cut,
    /// More than one set answers what was sent.
    #[error("more than one answer came at once")]
    Several,
    /// It is for something else, or says otherwise than before.
    #[error("{0}")]
    Chain(#[from] ChainFault),
}

/// Note of a TA1: an interchange of this number was received before.
const CAME_BEFORE: &str = "025";

/// Reads an answer in real time: it must be for what was sent.
pub(super) fn at_once(chain: &mut Chain, bytes: &[u8], now: Timestamp) -> Result<Came, Unfit> {
    let file = read(bytes)?;
    let all = hear(&file);
    if all.is_empty() {
        return Err(Unfit::Unreadable);
    }
    for heard in &all {
        chain.hear(heard, now)?;
    }
    standing(chain, &file, now)
}

/// Takes in a file of which nothing is known: what is for or from somebody else says nothing here, and neither does an answer that was
/// written before the day `since` (CCYYMMDD).
pub(super) fn perhaps(
    chain: &mut Chain,
    bytes: &[u8],
    since: &str,
    now: Timestamp,
) -> Result<Came, Unfit> {
    let Ok(mut file) = read(bytes) else { return Ok(Came::Nothing) };
    file.interchanges.retain(|one| chain.sent().is_answered_by(&one.isa));
    for group in file.interchanges.iter_mut().flat_map(|one| &mut one.groups) {
        group.sets.retain(|set| written(set).is_none_or(|day| day >= since));
    }
    let mut ours = false;
    for heard in &hear(&file) {
        match chain.hear(heard, now) {
            Ok(_) => ours = true,
            Err(ChainFault::NotOurs) => {}
            Err(other) => return Err(other.into()),
        }
    }
    if ours { standing(chain, &file, now) } else { Ok(Came::Nothing) }
}

/// The day of an answer; a receipt has none.
fn written(set: &Transaction) -> Option<&str> {
    match set {
        Transaction::Eligibility(set) => Some(&set.bht.date),
        Transaction::ClaimStatus(set) => Some(&set.bht.date),
        Transaction::Review(set) => Some(&set.bht.date),
        _ => None,
    }
}

/// A file with all that its trailers count: of one that was cut off, the half that is there may say something else than the whole.
fn read(bytes: &[u8]) -> Result<File, Unfit> {
    use FaultCode as F;
    let (file, faults) = File::read(bytes).map_err(|_| Unfit::Unreadable)?;
    if file.interchanges.is_empty() {
        return Err(Unfit::Unreadable);
    }
    let half = |code: F| matches!(code, F::MissingTrailer | F::Count | F::ControlNumber);
    if faults.iter().any(|fault| half(fault.code)) { Err(Unfit::Cut) } else { Ok(file) }
}

fn standing(chain: &Chain, file: &File, now: Timestamp) -> Result<Came, Unfit> {
    for stage in [Stage::Interchange, Stage::Group] {
        if let Standing::Came(Verdict::Rejected(codes), _) = chain.standing(stage, 0, now) {
            let why = format!("{} {}", named(stage), codes.join(" "));
            let before = stage == Stage::Interchange && codes.iter().any(|c| c == CAME_BEFORE);
            return Ok(if before { Came::Before(why) } else { Came::NotTaken(why) });
        }
    }
    let traces = &chain.sent().sets.first().map(|set| set.traces.clone()).unwrap_or_default();
    let groups = file.interchanges.iter().flat_map(|one| &one.groups);
    let mut found = groups
        .flat_map(|group| &group.sets)
        .filter(|set| !matches!(set, Transaction::Receipt(_)) && answers(set, traces));
    match (found.next(), found.next()) {
        (None, _) => Ok(Came::Nothing),
        (Some(one), None) => Ok(Came::Answer(Box::new(one.clone()))),
        (Some(_), Some(_)) => Err(Unfit::Several),
    }
}

/// The receipt, as people call it.
pub(super) fn named(stage: Stage) -> &'static str {
    match stage {
        Stage::Transport => "the transport",
        Stage::Interchange => "TA1",
        Stage::Group => "999",
        Stage::Business => "the answer",
    }
}

/// Whether a set has one of our traces.
fn answers(set: &Transaction, traces: &[String]) -> bool {
    use exchange::x12::file::{Group, Interchange};
    // Read by the same eyes as the chain: a file with this set alone.
    let group = Group { sets: vec![set.clone()], ..Group::default() };
    let one = Interchange { groups: vec![group], ..Interchange::default() };
    hear(&File { interchanges: vec![one] }).iter().any(|heard| match heard {
        Heard::Business { traces: theirs } => theirs.iter().any(|trace| traces.contains(trace)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use transport::chain::{Clocks, Sent};

    use super::*;

    const ASKED: &str = "ISA*00*          *00*          *ZZ*RIVER          *ZZ*LARKFIELD      *261121*0930*^*00501*000000301*0*T*:~\
        GS*HR*RIVER*LARKFIELD*20261121*0930*301*X*005010X212~ST*276*0001*005010X212~\
        BHT*0010*13*F1*20261121*0930~HL*1**20*1~NM1*PR*2*P*****PI*P1~HL*2*1*21*1~NM1*41*2*R*****46*RIVER~\
        HL*3*2*19*1~NM1*1P*2*R*****XX*1234567893~HL*4*3*22*0~DMG*D8*19800214~NM1*IL*1*BIRCH*TESTB****MI*W1~\
        TRN*1*F1~DTP*472*D8*20261001~SE*13*0001~GE*1*301~IEA*1*000000301~";

    fn chain() -> Chain {
        let (file, _) = File::read(ASKED.as_bytes()).unwrap();
        let clocks = Clocks { transport: None, interchange: None, group: None, business: None };
        Chain::new(Sent::of(&file.interchanges[0]), clocks, now())
    }

    fn now() -> Timestamp {
        "2026-11-21T09:31:00Z".parse().unwrap()
    }

    fn within(body: &str) -> String {
        format!(
            "ISA*00*          *00*          *ZZ*LARKFIELD      *ZZ*RIVER          *261121*0931*^*00501*000000009*0*T*:~{body}"
        )
    }

    fn answer(trace: &str) -> String {
        let set = set(trace, "0001");
        within(&format!(
            "GS*HN*LARKFIELD*RIVER*20261121*0931*9*X*005010X212~{set}GE*1*9~IEA*1*000000009~"
        ))
    }

    fn set(trace: &str, control: &str) -> String {
        format!(
            "ST*277*{control}*005010X212~\
             BHT*0010*08*{trace}*20261121*0931*DG~HL*1**20*1~NM1*PR*2*P*****PI*P1~HL*2*1*21*1~\
             NM1*41*2*R*****46*RIVER~HL*3*2*19*1~NM1*1P*2*R*****XX*1234567893~HL*4*3*22*0~\
             NM1*IL*1*BIRCH*TESTB****MI*W1~TRN*2*{trace}~STC*P1:46*20261121~SE*13*{control}~"
        )
    }

    fn in_a_folder(text: &str, since: &str) -> Result<Came, Unfit> {
        perhaps(&mut chain(), text.as_bytes(), since, now())
    }

    #[test]
    fn a_receipt_that_rejects_is_no_answer_and_an_answer_to_another_is_none() {
        let came = at_once(&mut chain(), answer("F1").as_bytes(), now()).unwrap();
        assert!(matches!(came, Came::Answer(_)));
        let other = at_once(&mut chain(), answer("F2").as_bytes(), now());
        assert_eq!(other.err(), Some(Unfit::Chain(ChainFault::NotOurs)));
        assert!(matches!(in_a_folder(&answer("F2"), ""), Ok(Came::Nothing)));
        assert_eq!(at_once(&mut chain(), b"<html/>", now()).err(), Some(Unfit::Unreadable));

        let ta1 = within("TA1*000000301*261121*0930*R*021~IEA*0*000000009~");
        let Ok(Came::NotTaken(why)) = at_once(&mut chain(), ta1.as_bytes(), now()) else {
            panic!("a TA1 rejects");
        };
        assert_eq!(why, "TA1 021");
        let t999 = within(
            "GS*FA*LARKFIELD*RIVER*20261121*0931*9*X*005010X231A1~ST*999*0001*005010X231A1~\
             AK1*HR*301*005010X212~AK2*276*0001*005010X212~IK3*DMG*10*2000*8~IK5*R*5~AK9*R*1*1*0~\
             SE*7*0001~GE*1*9~IEA*1*000000009~",
        );
        let Ok(Came::NotTaken(why)) = at_once(&mut chain(), t999.as_bytes(), now()) else {
            panic!("a 999 rejects");
        };
        assert!(why.starts_with("999 ") && why.contains("DMG:10:8"), "{why}");
    }

    #[test]
    fn an_interchange_that_came_before_may_have_been_this_one() {
        let ta1 = within("TA1*000000301*261121*0930*R*025~IEA*0*000000009~");
        let came = at_once(&mut chain(), ta1.as_bytes(), now());
        assert!(matches!(came, Ok(Came::Before(why)) if why == "TA1 025"));
    }

    #[test]
    fn half_an_answer_is_none_and_neither_are_two() {
        let whole = answer("F1");
        for (broken, what) in [
            (whole.replace("IEA*1*000000009~", ""), "cut off"),
            (whole.replace("SE*13*0001~", ""), "no end of the set"),
            (whole.replace("SE*13", "SE*14"), "a segment is missing"),
            (whole.replace("GE*1*9", "GE*2*9"), "a set is missing"),
            (whole.replace("IEA*1*000000009", "IEA*1*000000008"), "another's end"),
        ] {
            assert_ne!(broken, whole);
            let came = at_once(&mut chain(), broken.as_bytes(), now());
            assert_eq!(came.err(), Some(Unfit::Cut), "{what}");
            assert!(matches!(in_a_folder(&broken, ""), Ok(Came::Nothing)), "{what}");
        }
        let second = format!("SE*13*0001~{}GE*2*9", set("F1", "0002"));
        let twice = whole.replace("SE*13*0001~GE*1*9", &second);
        let came = at_once(&mut chain(), twice.as_bytes(), now());
        assert_eq!(came.err(), Some(Unfit::Several));
    }

    #[test]
    fn a_folder_holds_what_is_for_others_and_what_is_old() {
        let ours = answer("F1");
        assert!(matches!(in_a_folder(&ours, "20261121"), Ok(Came::Answer(_))));
        assert!(matches!(in_a_folder(&ours, "20261122"), Ok(Came::Nothing)), "asked before");
        let undated = ours.replace("F1*20261121*0931", "F1**");
        assert!(matches!(in_a_folder(&undated, "20261121"), Ok(Came::Nothing)), "of no known day");
        assert!(matches!(in_a_folder(&undated, ""), Ok(Came::Answer(_))));
        let another = ours.replace("RIVER          *261121", "MEADOW         *261121");
        assert_ne!(another, ours);
        assert!(matches!(in_a_folder(&another, ""), Ok(Came::Nothing)), "for another partner");
    }
}
