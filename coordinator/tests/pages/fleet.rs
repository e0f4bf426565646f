//! The Fleet page.

use coordinator::console::{
    fleet::{AgentView, Fleet, PayerView, PoolView, Pulse, Waiting, body},
    frame::Section,
};
use coordinator::flow::lease::RuleState;
use domain::{fleet::Blocked, job::Task, permission::PermissionState};

use crate::fixture::{
    HOSTILE, agent_id, ago, approve, attempt_id, case_id, frame, no_permission, now, payer, whole,
};

fn agent(n: u128, busy: u128) -> AgentView {
    AgentView {
        id: agent_id(n),
        name: format!("agent-a{n}"),
        version: "0.1.0".into(),
        browser: "Chromium 156".into(),
        slots: 4,
        working: (0..busy).map(|b| (attempt_id(n * 10 + b), case_id(n * 10 + b))).collect(),
        seen_at: now().plus_ms(-2_000),
        pulse: Pulse::Well,
        browser_ok: true,
        memory_mib: 612,
        draining: false,
    }
}

fn payer_view(id: &str, name: &str) -> PayerView {
    PayerView {
        payer: payer(id, name),
        paused: None,
        held: None,
        working: 2,
        ready: 3,
        exceptions: 0,
        logins_last_hour: 4,
        credential: true,
        refused: vec![],
        rules: vec![
            RuleState { rule: "calendar", says: "open".into(), blocked: None },
            RuleState {
                rule: "logins",
                says: "12 of 12 within an hour".into(),
                blocked: Some(Blocked::LoginBudget { until: now().plus_ms(1_200_000) }),
            },
        ],
        proposal: None,
        accounts: vec![("clinic-7".into(), Some("fleet 7".into()), Some("R. Gale".into()))],
        scripts: vec![
            ("submit".into(), "9f3c".repeat(16)),
            ("auth_status".into(), "77aa".repeat(16)),
        ],
    }
}

fn fleet(agents: Vec<AgentView>) -> Fleet {
    let mut harbor = payer_view("harbor", "Harbor State Medicaid");
    harbor.payer.permission.state = PermissionState::Unknown;
    harbor.held = Some(Blocked::NotPermitted {
        reason: "nobody has recorded that this portal may be automated".into(),
    });
    harbor.exceptions = 2;
    Fleet {
        ready: 5,
        resting: 1,
        waiting: 2,
        in_doubt: 1,
        oldest_ready: Some(ago(3)),
        pools: vec![PoolView { name: "default".into(), paused: None, agents }],
        payers: vec![payer_view("crestline", "Crestline"), harbor],
        blocked: vec![
            Waiting {
                payer: "Crestline".into(),
                task: Task::AuthStatus,
                count: 3,
                oldest: ago(3),
                why: Blocked::SessionLimit { limit: 2 },
            },
            Waiting {
                payer: "Harbor State Medicaid".into(),
                task: Task::Submit,
                count: 2,
                oldest: ago(2),
                why: Blocked::LoginBudget { until: now().plus_ms(1_200_000) },
            },
        ],
        quarantine: None,
    }
}

#[test]
fn no_agent_one_and_many() {
    let f = frame(Section::Fleet);
    let quiet = Fleet {
        ready: 0,
        resting: 0,
        waiting: 0,
        in_doubt: 0,
        oldest_ready: None,
        pools: vec![],
        payers: vec![],
        blocked: vec![],
        quarantine: Some((ago(1), "the database ends before entry 4711 of the audit".into())),
    };
    let mut late = agent(2, 1);
    late.pulse = Pulse::Late;
    late.seen_at = now().plus_ms(-31_000);
    let mut gone = agent(3, 0);
    gone.pulse = Pulse::Dead;
    gone.seen_at = ago(7);
    let mut drains = agent(4, 2);
    drains.draining = true;
    let mut paused = fleet(vec![agent(1, 4), late, gone, drains]);
    paused.pools.push(PoolView {
        name: "west".into(),
        paused: Some("Network works".into()),
        agents: vec![agent(5, 0)],
    });
    paused.payers[0].paused = Some("Their release weekend".into());
    paused.payers[0].refused = vec![("clinic-7".into(), ago(1))];
    for (name, view, f) in [
        ("fleet_empty", quiet, &f),
        ("fleet_one", fleet(vec![agent(1, 2)]), &f),
        ("fleet_many", paused, &f),
        ("fleet_without_permission", fleet(vec![agent(1, 2)]), &no_permission(Section::Fleet)),
    ] {
        approve(name, &whole(name, f, "Fleet", &body(&view, f)));
    }
}

#[test]
fn fifty_agents_keep_their_numbers_true() {
    let f = frame(Section::Fleet);
    let view = fleet((1..=50).map(|n| agent(n, n % 5)).collect());
    let html = body(&view, &f).into_string();
    assert!(html.contains("<strong>100<span class=\"of\"> of 200</span></strong>"));
}

#[test]
fn hostile_text_stays_text() {
    let f = frame(Section::Fleet);
    let mut a = agent(1, 0);
    a.name = HOSTILE.into();
    a.version = HOSTILE.into();
    let mut view = fleet(vec![a]);
    view.pools[0].paused = Some(HOSTILE.into());
    assert!(!body(&view, &f).into_string().contains("<script>"));
}
