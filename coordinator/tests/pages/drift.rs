//! The Drift page: the list, one item open and decided, and hostile text of a portal shown as text.

use coordinator::console::{
    drift::{self, Detail, List, Row},
    frame::Section,
};
use domain::{
    drift::{Change, Drift, DriftKind, DriftState, Fingerprint},
    id::DriftId,
};

use crate::fixture::{
    HOSTILE, ago, approve, attempt_id, evidence_id, frame, no_permission, now, user_id, whole,
};

fn drift_id(n: u128) -> DriftId {
    DriftId::new(ago(60), n * 7_919 + (n << 29))
}

fn print(name: &str, near: &[&str]) -> Fingerprint {
    Fingerprint {
        role: "button".into(),
        name: name.into(),
        text: name.into(),
        group: vec!["Find a request".into()],
        near: near.iter().map(|text| (*text).to_owned()).collect(),
        ..Fingerprint::default()
    }
}

fn item() -> Detail {
    Detail {
        id: drift_id(1),
        payer: "Crestline".into(),
        script: "crestline/auth_status".into(),
        script_sha256: "9f3c".repeat(16),
        held: None,
        seen: Drift {
            score: Some(0.913),
            margin: Some(0.42),
            proposal: "{role: button, name: 'Search requests'}".into(),
            before: Some(print("Search", &["Member ID", "Clear"])),
            now: Some(print("Search requests", &["Member number", "Clear"])),
            before_picture: Some(evidence_id(1)),
            now_picture: Some(evidence_id(2)),
            ..Drift::new(DriftKind::Healed, "search", "crestline/auth_status:31")
        },
        state: DriftState::Open,
        person: None,
        decided_at: None,
        sightings: 2,
        first_seen_at: ago(90),
        last_seen_at: ago(4),
        attempts: vec![attempt_id(2), attempt_id(1)],
        change: Some(Change {
            file: "crestline/auth_status.yaml".into(),
            line: 31,
            removed: vec!["  search: {role: button, name: Search}".into()],
            added: vec![
                "  search: [{role: button, name: 'Search requests'}, {role: button, name: Search}]"
                    .into(),
            ],
        }),
        pixels: [Some((420, 170)), Some((440, 170))],
        revision: 3,
        refused: None,
    }
}

#[test]
fn the_list() {
    let f = frame(Section::Drift);
    let by = user_id(1);
    let row = |n: u128, kind, state, element: &str| Row {
        id: drift_id(n),
        kind,
        state,
        payer: "Crestline".into(),
        script: "crestline/auth_status".into(),
        element: element.into(),
        sightings: 2,
        last_seen_at: ago(4),
    };
    let accepted = DriftState::Accepted { by, reason: "renamed".into() };
    let dismissed = DriftState::Dismissed { by, reason: "another list".into() };
    let mut view = List {
        state: "open".into(),
        kind: String::new(),
        payer: String::new(),
        payers: vec![("crestline".into(), "Crestline".into())],
        rows: Vec::new(),
        next: None,
    };
    approve("drift_empty", &whole("drift_empty", &f, "Drift", &drift::list(&view, now())));
    view.state = String::new();
    view.rows = vec![
        row(1, DriftKind::Healed, DriftState::Open, "search"),
        row(2, DriftKind::Suggested, DriftState::Open, HOSTILE),
        row(3, DriftKind::FallbackUsed, dismissed, "birth_date"),
        row(4, DriftKind::FetchedDiffers, accepted, "fetched answer"),
        row(5, DriftKind::FormChanged, DriftState::Open, "submit_request"),
    ];
    view.next = Some("state=all&after=x".into());
    let html = whole("drift_many", &f, "Drift", &drift::list(&view, now()));
    assert!(!html.contains("<script>alert"));
    approve("drift_many", &html);
}

#[test]
fn one_item_open_held_and_decided() {
    let f = frame(Section::Drift);
    let open = item();
    approve("drift_open", &whole("drift_open", &f, "Drift", &drift::one(&open, &f)));
    let looks = no_permission(Section::Drift);
    let html = whole("drift_without_permission", &looks, "Drift", &drift::one(&open, &looks));
    assert!(html.contains("needs the role reviewer"));
    assert!(!html.contains("/accept"), "nothing to press");

    let mut held = item();
    held.held = Some("the same element was healed in 3 attempts; see the Drift page".into());
    held.change = None;
    held.seen.before_picture = None;
    held.refused = Some("It was changed meanwhile; it is now open, revision 4.".into());
    held.seen.now = Some(print(HOSTILE, &[HOSTILE]));
    held.seen.proposal = HOSTILE.into();
    let html = whole("drift_held", &f, "Drift", &drift::one(&held, &f));
    assert!(!html.contains("<script>alert"));
    approve("drift_held", &html);

    let mut done = item();
    done.state = DriftState::Accepted { by: user_id(1), reason: "the same button".into() };
    done.person = Some("Ben Hale".into());
    done.decided_at = Some(ago(1));
    done.seen = Drift::new(DriftKind::FetchedDiffers, "fetched answer", "crestline/auth_status")
        .with_detail("differed in answer");
    done.change = None;
    approve("drift_accepted", &whole("drift_accepted", &f, "Drift", &drift::one(&done, &f)));
}
