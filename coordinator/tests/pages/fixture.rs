//! Invented rows for the pages: fixed ids and times, so that approved output never changes by itself.

use coordinator::console::{
    assets::assets,
    attempt::{AttemptView, IntentView, ScriptLine, Sibling},
    case::AttemptLine,
    frame::{Frame, Section, page},
};
use domain::{
    attempt::AttemptState,
    evidence::{Evidence, EvidenceKind, Moment},
    fleet::{Limits, Payer, ReconcileRules},
    id::{AgentId, AttemptId, CaseId, EvidenceId, ExceptionId, IntentId, JobId, LeaseId, UserId},
    intent::IntentState,
    job::{JobState, Task},
    lease::{Lease, Purpose},
    outcome::{Answer, Fact, Failure, FailureKind, Outcome, Reference, ReferenceKind},
    permission::{Permission, PermissionState},
    step::{Act, Bounds, Click, Effect, LogLine, ReadValue, Step, StepState},
    time::Timestamp,
};
use maud::Markup;

/// The pages' clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-03-02T14:00:00Z").unwrap()
}

/// A minute ago, two minutes ago …
pub(crate) fn ago(minutes: i64) -> Timestamp {
    now().plus_ms(-minutes * 60_000)
}

macro_rules! makers { ($($name:ident -> $kind:ty;)*) => {$(
    pub(crate) fn $name(n: u128) -> $kind { <$kind>::new(ago(60), n * 7_919 + (n << 29)) }
)*} }

makers! {
    case_id -> CaseId; job_id -> JobId; attempt_id -> AttemptId; evidence_id -> EvidenceId; intent_id -> IntentId;
    exception_id -> ExceptionId; agent_id -> AgentId; user_id -> UserId; lease_id -> LeaseId;
}

/// What markup in a foreign text looks like; the pages must show it as text.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script> \"quoted\" & \u{202e}reversed\u{0007}";

pub(crate) fn frame(section: Section) -> Frame {
    Frame {
        now: now(),
        person: "Rosa Lind".into(),
        role: "staff".into(),
        may_act: true,
        may_settle: true,
        csrf: "csrf-token".into(),
        inbox: 3,
        section: Some(section),
        notice: None,
    }
}

pub(crate) fn no_permission(section: Section) -> Frame {
    Frame { may_act: false, may_settle: false, role: "auditor".into(), ..frame(section) }
}

/// The whole page as text; also written to `PAGES_OUT`, when a person wants to look at it.
pub(crate) fn whole(name: &str, frame: &Frame, title: &str, body: &Markup) -> String {
    let html = page(frame, assets(), title, body).into_string();
    look(name, &html);
    html
}

/// Writes a page where a person can look at it.
pub(crate) fn look(name: &str, html: &str) {
    if let Ok(folder) = std::env::var("PAGES_OUT") {
        std::fs::write(format!("{folder}/{name}.html"), html).unwrap();
    }
}

/// Approves a page's markup: the changing addresses of style and script are put aside, tags stand on their own lines.
pub(crate) fn approve(name: &str, html: &str) {
    let html = html.replace(assets().css, "/assets/console.css");
    let html = assets().js.map_or(html.clone(), |js| {
        html.replace(&format!("<script src=\"{js}\" defer></script>"), "")
    });
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, html.replace("><", ">\n<"));
    });
}

pub(crate) fn lease() -> Lease {
    Lease {
        id: lease_id(1),
        fence: 1,
        agent: agent_id(1),
        expires_at: now().plus_ms(42_000),
        purpose: Purpose::Work,
    }
}

pub(crate) fn failure() -> Failure {
    Failure {
        step: Some("Attach the clinical notes".into()),
        source: Some("crestline/submit:96".into()),
        ..Failure::new(
            FailureKind::PageChanged,
            "no_known_screen",
            "Wanted one of: attachments, review. Seen: a page with the heading “Announcements” and a button “Close”.",
        )
    }
}

pub(crate) fn outcome() -> Outcome {
    Outcome {
        answer: Answer::PendedReview,
        raw_words: "In review - clinical".into(),
        references: vec![reference("CRA-2603-004417", ReferenceKind::Tracking)],
        facts: vec![Fact { name: "decision_due".into(), value: "2026-03-09".into() }],
        via: "agent".into(),
    }
}

pub(crate) fn reference(value: &str, kind: ReferenceKind) -> Reference {
    Reference {
        kind,
        issuer: "crestline".into(),
        value: value.into(),
        read_by: "ocr".into(),
        confidence: Some(96.4),
        at: ago(12),
        evidence: Some(evidence_id(4)),
        bounds: Some(Bounds { x: 300.0, y: 120.0, width: 240.0, height: 32.0 }),
    }
}

pub(crate) fn evidence(n: u128, step: u32, kind: EvidenceKind, moment: Moment) -> Evidence {
    Evidence {
        id: evidence_id(n),
        attempt: attempt_id(1),
        step,
        kind,
        moment,
        sha256: format!("{:064x}", 0x1357_9bdf_u128 * (n + 17) * 0x0001_0001_0001),
        size_bytes: 182_400 + u64::try_from(n).unwrap() * 913,
        masked: true,
        received_at: ago(12),
    }
}

fn click(x: f64, y: f64) -> Click {
    Click {
        x,
        y,
        bounds: Bounds { x: x - 60.0, y: y - 16.0, width: 120.0, height: 32.0 },
        viewport_width: 1280.0,
        viewport_height: 800.0,
        scroll_y: 0.0,
        pixel_ratio: 1.0,
    }
}

fn act(verb: &str, element: &str, at_ms: i64, picture: Option<u128>) -> Act {
    Act {
        verb: verb.into(),
        element: Some(element.into()),
        click: picture.map(|_| click(640.0, 420.0)),
        picture: picture.map(evidence_id),
        at_ms,
    }
}

fn step(index: u32, name: &str, effect: Effect, from: i64, to: i64) -> Step {
    Step {
        index,
        name: name.into(),
        kind: "step".into(),
        depth: 0,
        effect,
        state: StepState::Done,
        source: format!("crestline/submit:{}", 40 + index * 14),
        started_ms: from,
        ended_ms: Some(to),
        retries: 0,
        screen: None,
        acts: vec![],
        log: vec![LogLine {
            at_ms: from + 20,
            text: format!("waiting for '{name}' to be visible"),
        }],
        values: vec![],
        evidence: vec![],
        received_at: None,
    }
}

/// The steps of a submission.
pub(crate) fn steps() -> Vec<Step> {
    let mut all = vec![
        step(0, "Open the portal", Effect::Read, 0, 1_900),
        step(1, "Sign in", Effect::Read, 1_950, 5_400),
        step(2, "Find the member", Effect::Read, 5_450, 12_800),
        step(3, "Fill the request", Effect::Draft, 12_900, 22_300),
        step(4, "Attach the clinical notes", Effect::Draft, 22_400, 27_050),
        step(5, "Submit the request", Effect::Commit, 27_100, 31_600),
        step(6, "Read the tracking number", Effect::Read, 31_700, 33_900),
    ];
    all[1].acts = vec![
        act("fill", "user", 2_400, None),
        act("fill_secret", "password", 2_900, None),
        act("click", "sign_in", 3_300, Some(1)),
    ];
    all[2].retries = 1;
    all[2].acts = vec![act("click", "search", 8_100, Some(2))];
    all[4].acts = vec![act("attach", "file", 23_000, Some(6))];
    all[5].acts = vec![act("click", "submit", 28_200, Some(3))];
    all[6].values = vec![ReadValue {
        name: "tracking_number".into(),
        value: "CRA-2603-004417".into(),
        read_by: "ocr".into(),
        bounds: Some(Bounds { x: 300.0, y: 120.0, width: 240.0, height: 32.0 }),
        picture: Some(evidence_id(4)),
        confidence: Some(96.4),
    }];
    all
}

/// The evidence of a submission.
pub(crate) fn kept() -> Vec<Evidence> {
    vec![
        evidence(1, 1, EvidenceKind::Screenshot, Moment::AtAct),
        evidence(2, 2, EvidenceKind::Screenshot, Moment::AtAct),
        evidence(6, 4, EvidenceKind::Screenshot, Moment::AtAct),
        evidence(7, 5, EvidenceKind::FullPage, Moment::Before),
        evidence(3, 5, EvidenceKind::Screenshot, Moment::AtAct),
        evidence(8, 5, EvidenceKind::FullPage, Moment::After),
        evidence(9, 5, EvidenceKind::Dom, Moment::After),
        evidence(10, 5, EvidenceKind::SubmitCall, Moment::After),
        evidence(4, 6, EvidenceKind::Screenshot, Moment::After),
    ]
}

pub(crate) fn attempt_line(number: u32, state: AttemptState) -> AttemptLine {
    AttemptLine {
        id: attempt_id(u128::from(number)),
        number,
        purpose: "work",
        state,
        agent: "agent-a1".into(),
        started_at: ago(13),
        ended_at: Some(ago(12)),
        channel: domain::channel::Channel::Portal,
        because: "the payer's only channel for this task".into(),
    }
}

/// A submission that succeeded.
pub(crate) fn attempt() -> AttemptView {
    AttemptView {
        id: attempt_id(1),
        number: 1,
        attempts_max: 3,
        state: AttemptState::Succeeded,
        purpose: Purpose::Work,
        case: case_id(1),
        job: job_id(1),
        task: Task::Submit,
        job_state: JobState::Done { outcome: outcome() },
        payer: "Crestline".into(),
        agent: "agent-a1".into(),
        script: "crestline/submit".into(),
        script_sha256: "9f3c".repeat(16),
        started_at: ago(13),
        ended_at: Some(ago(13).plus_ms(34_100)),
        logins: Some(1),
        session_reused: false,
        channel: domain::channel::Channel::Portal,
        because: "the payer's only channel for this task".into(),
        siblings: vec![Sibling { id: attempt_id(1), number: 1, state: AttemptState::Succeeded }],
        steps: steps(),
        evidence: kept(),
        outcome: Some(outcome()),
        intent: Some(IntentView {
            id: intent_id(1),
            state: IntentState::Confirmed {
                reference: "CRA-2603-004417".into(),
                before: evidence_id(7),
                after: evidence_id(8),
            },
            commit: "submit_request".into(),
            step: 5,
            attempt: attempt_id(1),
            opened_at: ago(13).plus_ms(28_000),
            closed_at: Some(ago(13).plus_ms(31_000)),
            payload_sha256: "ab12".repeat(16),
            before: evidence_id(7),
        }),
        exception: None,
        step: None,
        shot: None,
        page_text: Some("Your request was received.\nTracking number CRA-2603-004417\nStatus: In review - clinical".into()),
        script_lines: (120..=130)
            .map(|n| ScriptLine { number: n, text: if n == 124 { "    - step: Read the tracking number".into() } else { format!("      # line {n}") }, lit: n == 124 })
            .collect(),
        pixels: [1, 2, 3, 4, 6].into_iter().map(|n| (evidence_id(n), (1280, 800))).collect(),
    }
}

pub(crate) fn payer(id: &str, name: &str) -> Payer {
    Payer {
        id: id.into(),
        name: name.into(),
        time_zone: "America/New_York".into(),
        permission: Permission {
            state: PermissionState::Permitted,
            basis: "written_permission".into(),
            decided_by: "M. Okafor".into(),
            expires_at: Timestamp::parse("2027-01-01T00:00:00Z").unwrap(),
            tasks: vec![Task::Submit, Task::AuthStatus, Task::ClaimStatus],
            document: Some("letter of 2 March 2026".into()),
            conditions: None,
            accounts: Vec::new(),
            named_identity: false,
            reviewer: Some("R. Gale".into()),
            second: None,
            suspended: None,
        },
        pace: domain::polite::Pace::default(),
        calendar: domain::calendar::Calendar::default(),
        limits: Limits {
            sessions_max: 2,
            gap_ms: 800,
            pages_per_minute: 30,
            logins_per_hour_max: 12,
        },
        reconcile: ReconcileRules {
            absence_is_proof: true,
            max_record_delay_ms: 60_000,
            first_look_ms: 60_000,
            look_every_ms: 180_000,
            looks_max: 4,
        },
        status_every_ms: 4 * 3_600_000,
        second_login: "both_live".into(),
        secrets: vec!["user".into(), "password".into(), "code".into()],
        login_origins: vec!["https://portal.crestline.test".into()],
        ways: Vec::new(),
        routes: std::collections::BTreeMap::new(),
    }
}
