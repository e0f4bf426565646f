//! Notifications: news, repetitions, gaps, the wrong order, forgeries.

use exchange::pas::{
    bundle::Bundle,
    code::{Decision, ReviewAction},
    fault::Code,
    json,
    notice::{Event, Forged, Kind, Notice, Seen, Verdict},
};
use serde_json::json as j;

use super::fixture::{answer, bundle, line, naming, request};

const OURS: &str = "https://acme.example/fhir/Subscription/s-1";

fn news(number: u64, action: ReviewAction) -> Notice {
    Notice {
        subscription: "Subscription/s-1".to_owned(),
        topic: Some(exchange::pas::name::TOPIC.to_owned()),
        kind: Kind::Event,
        events_so_far: Some(number),
        events: vec![Event {
            number,
            timestamp: Some("2026-11-21T10:00:00Z".to_owned()),
            focus: Some("https://acme.example/fhir/Bundle/b-1".to_owned()),
        }],
        bundles: vec![answer(vec![line(1, action)]).build(&request(), &naming())],
    }
}

fn built(notice: &Notice) -> Bundle {
    notice.build(&naming(), "2026-11-21T10:00:01Z")
}

#[test]
fn a_notification_comes_back_with_its_answer() {
    let notice = news(2, ReviewAction::Refused);
    let read = Notice::read(&bundle(&json(&built(&notice)))).unwrap();
    assert_eq!(read, notice);
    assert_eq!(read.answers().unwrap()[0].what.decision(), Decision::Denied);
}

#[test]
fn numbers_may_be_texts_or_numbers_and_bundles_flat() {
    let mut value = json(&built(&news(2, ReviewAction::Granted)));
    let status = &mut value["entry"][0]["resource"]["parameter"];
    for parameter in status.as_array_mut().unwrap() {
        if parameter["name"] == j!("notification-event") {
            parameter["part"][0] = j!({"name": "event-number", "valueInteger": 2});
        }
    }
    let inner = value["entry"][1]["resource"]["entry"].clone();
    let entries = value["entry"].as_array_mut().unwrap();
    entries.truncate(1);
    entries.extend(inner.as_array().unwrap().iter().cloned());
    let read = Notice::read(&bundle(&value)).unwrap();
    assert_eq!(read.events[0].number, 2);
    assert_eq!(read.answers().unwrap()[0].what.decision(), Decision::Approved);
}

#[test]
fn repetitions_gaps_and_the_wrong_order_are_told_apart() {
    let mut seen = Seen::default();
    let first = news(1, ReviewAction::Pended);
    assert_eq!(seen.judge(OURS, &first, "d1"), Verdict::News { missing: vec![] });
    seen.keep(&first, "d1");
    assert_eq!(seen.judge(OURS, &first, "d1"), Verdict::Again);
    assert_eq!(seen.judge(OURS, &first, "other"), Verdict::Forged(Forged::Content));

    let fourth = news(4, ReviewAction::Granted);
    assert_eq!(seen.judge(OURS, &fourth, "d4"), Verdict::News { missing: vec![2, 3] });
    seen.keep(&fourth, "d4");
    let late = news(3, ReviewAction::Pended);
    assert_eq!(seen.judge(OURS, &late, "d3"), Verdict::OutOfOrder);
    seen.keep(&late, "d3");
    assert_eq!(seen.newest, 4, "what is late does not turn the count back");
    let fifth = news(5, ReviewAction::Granted);
    assert_eq!(seen.judge(OURS, &fifth, "d5"), Verdict::News { missing: vec![2] });
}

#[test]
fn what_is_not_from_there_is_forged() {
    let seen = Seen::default();
    let mut other = news(1, ReviewAction::Granted);
    other.subscription = "Subscription/s-2".to_owned();
    assert_eq!(seen.judge(OURS, &other, "d"), Verdict::Forged(Forged::Subscription));
    let mut other = news(1, ReviewAction::Granted);
    other.topic = Some("http://elsewhere.example/topic".to_owned());
    assert_eq!(seen.judge(OURS, &other, "d"), Verdict::Forged(Forged::Topic));
    let mut empty = news(1, ReviewAction::Granted);
    empty.bundles.clear();
    assert_eq!(seen.judge(OURS, &empty, "d"), Verdict::Forged(Forged::Focus));
    let huge = news(u64::MAX, ReviewAction::Granted);
    let Verdict::News { missing } = seen.judge(OURS, &huge, "d") else { panic!("news") };
    assert_eq!(missing.len(), 1000, "a number from nowhere costs no memory");
}

#[test]
fn signs_of_life_tell_of_gaps() {
    let mut seen = Seen::default();
    seen.keep(&news(1, ReviewAction::Pended), "d1");
    for kind in [Kind::Handshake, Kind::Heartbeat] {
        let alive = Notice {
            kind,
            events: Vec::new(),
            bundles: Vec::new(),
            ..news(1, ReviewAction::Granted)
        };
        let read = Notice::read(&built(&alive)).unwrap();
        assert_eq!(read.kind, kind);
        assert_eq!(seen.judge(OURS, &read, ""), Verdict::Alive { missing: vec![] });
        let more = Notice { events_so_far: Some(3), ..alive };
        assert_eq!(seen.judge(OURS, &more, ""), Verdict::Alive { missing: vec![2, 3] });
    }
}

#[test]
fn notifications_that_cannot_be_read_say_where() {
    let good = json(&built(&news(1, ReviewAction::Granted)));
    let at = "Bundle.entry[0].resource";
    type Broken = fn(&mut serde_json::Value);
    let broken: [(Code, &str, Broken); 6] = [
        (Code::Value, "Bundle.type", |v| v["type"] = j!("collection")),
        (Code::Kind, at, |v| drop(v["entry"].as_array_mut().unwrap().remove(0))),
        (Code::Value, "Bundle.entry[0].resource.parameter[3]", |v| {
            v["entry"][0]["resource"]["parameter"][3]["valueCode"] = j!("party");
        }),
        (Code::Missing, "Bundle.entry[0].resource.parameter", |v| {
            v["entry"][0]["resource"]["parameter"][3]["name"] = j!("kind");
        }),
        (Code::Shape, "Bundle.entry[0].resource.parameter[5].part[0]", |v| {
            v["entry"][0]["resource"]["parameter"][5]["part"][0]["valueString"] = j!("two");
        }),
        (Code::Missing, "Bundle.entry[0].resource.parameter[5].part", |v| {
            v["entry"][0]["resource"]["parameter"][5]["part"][0]["valueString"] = j!("0");
        }),
    ];
    for (code, place, change) in broken {
        let mut value = good.clone();
        change(&mut value);
        let fault = Notice::read(&bundle(&value)).unwrap_err();
        assert_eq!((fault.code, fault.path.as_str()), (code, place));
    }
}
