//! The chain of receipts, fed with files as `exchange` reads them.

use exchange::x12::{
    check::{Answering, check},
    file::File,
};
use jiff::{SignedDuration, Timestamp};
use transport::chain::{Chain, ChainFault, Clocks, Heard, Sent, Stage, Standing, Verdict, hear};

fn corpus(name: &str) -> String {
    let path = format!("{}/../exchange/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn file(text: &str) -> File {
    File::read(text.as_bytes()).unwrap().0
}

fn at(minutes: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-21T09:30:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minutes)
}

fn clocks() -> Clocks {
    let minutes = |n| Some(SignedDuration::from_mins(n));
    Clocks {
        transport: minutes(1),
        interchange: minutes(30),
        group: minutes(60),
        business: minutes(24 * 60),
    }
}

/// The chain of an interchange of the corpus.
fn begun(text: &str) -> Chain {
    Chain::new(Sent::of(&file(text).interchanges[0]), clocks(), at(0))
}

/// The receipts of our own `check` for a file: a TA1 where one is wanted, else a 999.
fn receipts(text: &str) -> Vec<Heard> {
    let when = Answering { date: "20261121", time: "0931", control: 900 };
    let answer = check(text.as_bytes()).unwrap().answer(&when).write().unwrap();
    hear(&file(std::str::from_utf8(&answer).unwrap()))
}

#[test]
fn links_come_and_deadlines_pass() {
    let asked = corpus("276");
    let mut chain = begun(&asked);
    assert_eq!(chain.standing(Stage::Transport, 0, at(0)), Standing::Waiting(at(1)));
    assert_eq!(chain.next_deadline(at(0)), Some(at(1)));
    assert_eq!(chain.never_came(at(1)), [(Stage::Transport, 0, at(1))]);
    assert_eq!(chain.hear(&Heard::Transport(Verdict::Accepted), at(1)), Ok(true));
    assert_eq!(chain.never_came(at(29)), []);
    assert_eq!(chain.next_deadline(at(2)), Some(at(30)));
    assert_eq!(
        chain.never_came(at(61)),
        [(Stage::Interchange, 0, at(30)), (Stage::Group, 0, at(60))]
    );
    // The 999 comes late, and proves that the interchange was taken.
    let heard = receipts(&asked);
    assert_eq!(heard.len(), 1);
    assert_eq!(chain.hear(&heard[0], at(70)), Ok(true));
    assert_eq!(chain.standing(Stage::Interchange, 0, at(71)), Standing::Proved(Stage::Group));
    assert_eq!(chain.standing(Stage::Group, 0, at(71)), Standing::Came(Verdict::Accepted, at(70)));
    assert_eq!(chain.hear(&heard[0], at(80)), Ok(false), "the same again is no news");
    assert!(!chain.settled(0));
    // The answer repeats the trace of the question.
    let answer = hear(&file(&corpus("277")));
    assert_eq!(answer.len(), 1);
    assert_eq!(chain.hear(&answer[0], at(90)), Ok(true), "{answer:?} {:?}", chain.sent());
    assert!(chain.settled(0));
    assert_eq!((chain.never_came(at(9_999)), chain.next_deadline(at(91))), (vec![], None));
}

#[test]
fn a_rejection_ends_it_and_says_why() {
    // A day that is none: the set is rejected, with the segment.
    let broken = corpus("276").replace("DMG*D8*19800214*F~", "DMG*D8*1980021*F~");
    let mut chain = begun(&broken);
    for heard in receipts(&broken) {
        chain.hear(&heard, at(5)).unwrap();
    }
    let Standing::Came(Verdict::Rejected(codes), _) = chain.standing(Stage::Group, 0, at(6)) else {
        panic!("{:?}", chain.standing(Stage::Group, 0, at(6)));
    };
    assert!(codes.iter().any(|code| code.starts_with("DMG:")), "{codes:?}");
    assert!(chain.settled(0));
    assert_eq!(chain.standing(Stage::Business, 0, at(9_999)), Standing::NotExpected);
    // The same 999 saying otherwise is a contradiction, and changes nothing.
    let good = receipts(&corpus("276"));
    let before = chain.clone();
    assert_eq!(chain.hear(&good[0], at(7)), Err(ChainFault::Contradiction));
    assert_eq!(chain, before);
}

#[test]
fn a_ta1_is_for_one_interchange() {
    let asked = corpus("276");
    let control = file(&asked).interchanges[0].isa.control.clone();
    let (date, time) = begun(&asked).sent().written.clone();
    let ta1 = |control: &str, verdict: &str| {
        let text = corpus("ta1");
        let from = text.find("TA1*").unwrap();
        let to = from + text[from..].find('~').unwrap();
        let segment = format!("TA1*{control}*{date}*{time}*{verdict}");
        hear(&file(&format!("{}{segment}{}", &text[..from], &text[to..])))
    };
    let mut chain = begun(&asked);
    let other = ta1("000000999", "A*000");
    assert_eq!(chain.hear(&other[0], at(3)), Err(ChainFault::NotOurs));
    let refused = ta1(&control, "R*025");
    assert_eq!(chain.hear(&refused[0], at(3)), Ok(true));
    let rejected = Verdict::Rejected(vec!["025".into()]);
    assert_eq!(chain.standing(Stage::Interchange, 0, at(4)), Standing::Came(rejected, at(3)));
    assert_eq!(chain.standing(Stage::Group, 0, at(9_999)), Standing::NotExpected);
    assert!(chain.settled(0));
}

#[test]
fn what_is_for_somebody_else_changes_nothing() {
    let mut chain = begun(&corpus("276"));
    let before = chain.clone();
    for name in ["271", "277ca", "278_response", "999"] {
        for heard in hear(&file(&corpus(name))) {
            assert_eq!(chain.hear(&heard, at(3)), Err(ChainFault::NotOurs), "{name} {heard:?}");
        }
    }
    let set = ("9999".to_owned(), Verdict::Accepted);
    let (functional, control) = ("HR".to_owned(), chain.sent().sets[0].group.clone());
    let heard = Heard::Group { functional, control, rejected: None, sets: vec![set] };
    assert_eq!(chain.hear(&heard, at(3)), Err(ChainFault::NotOurs));
    // The receipt of a group with our number, and of another kind than ours.
    for mut heard in receipts(&corpus("276")) {
        if let Heard::Group { functional, .. } = &mut heard {
            assert_eq!(functional, "HR");
            "HS".clone_into(functional);
        }
        assert_eq!(chain.hear(&heard, at(3)), Err(ChainFault::NotOurs));
    }
    assert_eq!(chain, before);
    // Only what goes back the way it went is an answer.
    let mut isa = file(&corpus("276")).interchanges.remove(0).isa;
    assert!(!chain.sent().is_answered_by(&isa));
    std::mem::swap(&mut isa.sender, &mut isa.receiver);
    assert!(chain.sent().is_answered_by(&isa));
    "SOMEBODY".clone_into(&mut isa.receiver);
    assert!(!chain.sent().is_answered_by(&isa));
}

/// A payer that sends no TA1 and no 999 is not waited for.
#[test]
fn only_what_a_payer_sends_is_waited_for() {
    let sent = Sent::of(&file(&corpus("270")).interchanges[0]);
    let clocks = Clocks { interchange: None, group: None, ..clocks() };
    let mut chain = Chain::new(sent, clocks, at(0));
    assert_eq!(chain.standing(Stage::Group, 0, at(9_999)), Standing::NotExpected);
    let late = [(Stage::Transport, 0, at(1)), (Stage::Business, 0, at(24 * 60))];
    assert_eq!(chain.never_came(at(9_999)), late);
    let answer = hear(&file(&corpus("271")));
    assert_eq!(chain.hear(&answer[0], at(2)), Ok(true));
    assert_eq!(chain.standing(Stage::Transport, 0, at(9_999)), Standing::Proved(Stage::Business));
}

/// Each set of a group has its own verdict.
#[test]
fn a_group_that_is_taken_in_part() {
    let sent = Sent {
        between: ("RIVER".into(), "ACME".into()),
        control: "000000101".into(),
        written: ("261121".into(), "0930".into()),
        sets: ["0001", "0002", "0003"]
            .map(|control| transport::chain::SentSet {
                functional: "HR".into(),
                group: "101".into(),
                control: control.into(),
                traces: vec![format!("T{control}")],
            })
            .to_vec(),
    };
    let mut chain = Chain::new(sent, clocks(), at(0));
    let no = Verdict::Rejected(vec!["5".into()]);
    let sets = vec![("0002".to_owned(), no.clone()), ("0001".to_owned(), Verdict::Accepted)];
    let group = |rejected, sets| {
        let (functional, control) = ("HR".into(), "101".into());
        Heard::Group { functional, control, rejected, sets }
    };
    let heard = group(None, sets);
    assert_eq!(chain.hear(&heard, at(1)), Ok(true));
    let standing = |set| chain.standing(Stage::Group, set, at(2));
    assert_eq!(standing(0), Standing::Came(Verdict::Accepted, at(1)));
    assert_eq!(standing(1), Standing::Came(no, at(1)));
    assert_eq!(standing(2), Standing::Came(Verdict::Accepted, at(1)));
    assert_eq!((chain.settled(0), chain.settled(1)), (false, true));
    // Rejected as a whole, no set of it is taken, whatever is said of it.
    let mut chain = Chain::new(chain.sent().clone(), clocks(), at(0));
    let sets = vec![("0001".to_owned(), Verdict::Accepted)];
    let heard = group(Some(vec!["3".into()]), sets);
    assert_eq!(chain.hear(&heard, at(1)), Ok(true));
    assert!((0..3).all(|set| chain.settled(set)));
}
