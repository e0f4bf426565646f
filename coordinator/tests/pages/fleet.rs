//! The Fleet page.

use coordinator::{
    console::{
        fleet::{
            AgentView, Fleet, PayerView, PoolView, Pulse, Waiting, body,
            payer::{self, PayerPage},
        },
        frame::Section,
    },
    flow::{
        lease::{ChannelStands, RuleState, Stands, TaskStands},
        payers::{Account, Entry},
    },
    store::proposals::Proposal,
};
use domain::{
    channel::Channel,
    fleet::Blocked,
    job::Task,
    permission::{Permission, PermissionState},
};

use crate::fixture::{
    HOSTILE, agent_id, ago, approve, attempt_id, case_id, frame, no_permission, now,
    payer as profile, whole,
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
        payer: profile(id, name),
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
        proposals: std::collections::BTreeMap::new(),
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

fn stands() -> Stands {
    let rule = |rule: &'static str, says: &str, blocked: Option<Blocked>| RuleState {
        rule,
        says: says.to_owned(),
        blocked,
    };
    let until = now().plus_ms(600_000);
    Stands {
        rules: vec![
            rule("calendar", "open until 2026-03-02T22:00:00Z", None),
            rule("breaker", "open", Some(Blocked::PortalDown { until })),
            rule("sessions", "1 of 2 at work", None),
            rule("logins", "4 of 12 within an hour", None),
            rule("account_logins", "4 of clinic-7 within an hour; not limited", None),
            rule("lockout", "0 logins without a known end", None),
            rule("starts", "not limited", None),
            rule("submits", "not limited", None),
            rule("pages", "at most 30 pages a minute in each slot, at least 800 ms apart", None),
            rule("second_login", "two logins may live side by side", None),
        ],
        channels: vec![ChannelStands {
            channel: Channel::FhirPas,
            rules: vec![rule("breaker", "closed", None), rule("calls", "0 of 4 at work", None)],
        }],
        tasks: vec![
            TaskStands {
                task: Task::Submit,
                channels: vec![Channel::Portal, Channel::FhirPas],
                blocked: None,
            },
            TaskStands {
                task: Task::ClaimStatus,
                channels: vec![Channel::Portal],
                blocked: Some(Blocked::PortalDown { until }),
            },
        ],
    }
}

fn payer_page(view: PayerView) -> PayerPage {
    let account = |name: &str, named: bool| Account {
        account: name.into(),
        identity: named.then(|| "fleet 7, REG-2026-114".into()),
        owner: named.then(|| "R. Gale".into()),
        may_be_used: named,
    };
    let entry = |channel, permission: &Permission, accounts| Entry {
        payer: view.payer.id.clone(),
        name: view.payer.name.clone(),
        channel,
        permission: permission.clone(),
        reads_not: permission.allows_any(false, now()).err().map(str::to_owned),
        submits_not: permission.allows_any(true, now()).err().map(str::to_owned),
        waits_for_second: false,
        accounts,
    };
    let reads = Permission {
        tasks: vec![Task::AuthStatus],
        conditions: Some("at night only".into()),
        named_identity: true,
        ..view.payer.permission.clone()
    };
    let register = vec![
        entry(Channel::Portal, &view.payer.permission, vec![account("clinic-7", true)]),
        entry(Channel::FhirPas, &reads, vec![account("pas-7", false)]),
    ];
    PayerPage {
        pool: "default".into(),
        stands: stands(),
        register,
        left_alone: vec![(Channel::Portal, now().plus_ms(600_000))],
        view,
    }
}

#[test]
fn a_payer_has_a_page_of_its_own() {
    let f = frame(Section::Fleet);
    let mut quiet = payer_page(payer_view("crestline", "Crestline"));
    quiet.stands = Stands { rules: stands().rules[..2].to_vec(), channels: vec![], tasks: vec![] };
    quiet.register.truncate(1);
    quiet.register[0].accounts.clear();
    quiet.left_alone.clear();
    let mut paused = payer_view("crestline", "Crestline");
    paused.paused = Some("Their release weekend".into());
    paused.refused = vec![("clinic-7".into(), ago(1))];
    paused.exceptions = 2;
    let proposal = Proposal {
        permission: paused.payer.permission.clone(),
        reason: "a new contract".into(),
        by: "user_1".into(),
        at: ago(2),
    };
    paused.proposals.insert(Channel::FhirPas, proposal);
    let no = no_permission(Section::Fleet);
    for (name, view, f) in [
        ("payer_empty", quiet, &f),
        ("payer", payer_page(payer_view("crestline", "Crestline")), &f),
        ("payer_paused", payer_page(paused.clone()), &f),
        ("payer_without_permission", payer_page(paused), &no),
    ] {
        approve(name, &whole(name, f, "Crestline", &payer::body(&view, f)));
    }
    let mut hostile = payer_page(payer_view("crestline", HOSTILE));
    hostile.view.paused = Some(HOSTILE.into());
    hostile.register[0].permission.document = Some(HOSTILE.into());
    hostile.register[0].permission.conditions = Some(HOSTILE.into());
    assert!(!payer::body(&hostile, &f).into_string().contains("<script>"));
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
