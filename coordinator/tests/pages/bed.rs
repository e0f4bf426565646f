//! A coordinator in process with a real database: one payer, its scripts, an agent, three people; and a browser's manners
//! (cookies, forms) without a browser.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use coordinator::{
    App,
    access::{key, password},
    clock::Clock,
    config::{Config, Flags},
    files::{self, Files},
    flow::{
        Actor, Core, Rules, agents, evidence, intake, lease, payers, people, permit,
        publish::{self, NewScript},
        report, steps,
    },
    seal::Seal,
    store::{
        Store,
        db::{Db, Open},
        migrate,
    },
    vault::Secret,
};
use domain::{
    drift::Drift,
    evidence::{EvidenceKind, Moment},
    fleet::AgentInfo,
    id::{AgentId, EvidenceId},
    job::Task,
    outcome::{Failure, Outcome},
    step::Step,
    wire::{
        End, EvidencePut, Fenced, Hello, LeaseAsk, Leased, PermitAsk, PermitReply, Proof, Report,
        StepsReport,
    },
};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::fixture::{now, payer};

/// The coordinator.
pub(crate) struct Bed {
    pub(crate) core: Core,
    pub(crate) clock: Clock,
    agent: AgentId,
    router: Router,
    _ending: watch::Sender<bool>,
    _place: tempfile::TempDir,
}

/// An answer.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

/// A signed-in person.
pub(crate) struct Person<'b> {
    bed: &'b Bed,
    cookie: String,
}

fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name).display().to_string();
        let flags = Flags {
            data_dir: Some(path("data")),
            key_file: Some(path("keys/master.key")),
            listen: Some("127.0.0.1:0".into()),
            ..Flags::default()
        };
        let config = Config::from(&flags, &|_| None).unwrap();
        let clock = Clock::manual(now());
        let url = format!("sqlite:{}", path("fleet.db"));
        let db = Db::open(&url, Open::Coordinator).await.unwrap();
        migrate::run(&db, now()).await.unwrap();
        let seal = Arc::new(Seal::new(&[7; 32], 1));
        let core = Core {
            files: Files::open(&place.path().join("files"), Arc::clone(&seal)).unwrap(),
            store: Store::new(db, seal),
            rules: Rules::default(),
            started_at: now().plus_ms(-600_000),
        };
        let agent = furnish(&core).await;
        let (ending, ended) = watch::channel(false);
        let post = coordinator::post::Post::new(&std::collections::BTreeMap::new(), None).unwrap();
        let app = App::new(core.clone(), clock.clone(), config, post, key::hash("agent"), ended);
        let router = coordinator::router(Arc::new(app));
        Self { core, clock, agent, router, _ending: ending, _place: place }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Got {
        let reply = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = reply.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: head.status, headers: head.headers, text }
    }

    pub(crate) async fn get(&self, at: &str, cookie: &str) -> Got {
        self.call(Request::get(at).header("cookie", cookie).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn form(&self, at: &str, cookie: &str, fields: &[(&str, &str)]) -> Got {
        let request = Request::post(at)
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.call(request.body(Body::from(encode(fields))).unwrap()).await
    }

    pub(crate) async fn person(&self, name: &str) -> Person<'_> {
        let got =
            self.form("/sign-in", "", &[("name", name), ("password", "right-Passw0rd")]).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
        let cookie = got.header(header::SET_COOKIE).split(';').next().unwrap().to_owned();
        Person { bed: self, cookie }
    }

    pub(crate) async fn take_in(&self, member: &str) -> intake::Taken {
        let intake = serde_json::from_value(serde_json::json!({"payer": "crestline", "request": {
            "kind": "prior_auth", "plan": "CLM",
            "member": {"id": member, "last_name": "ALDERSEED", "first_name": "TESTA", "dob": "1980-02-14"},
            "requesting": {"npi": "1234567893"}, "servicing": {"npi": "1999999984"},
            "urgency": "standard", "setting": "outpatient", "diagnoses": ["M54.50"],
            "lines": [{"code": "70551", "units": 1, "from": "2026-03-09", "to": "2026-03-09"},
                      {"code": "97110", "units": 6, "from": "2026-03-09", "to": "2026-04-09"}]
        }}))
        .unwrap();
        intake::take_in(&self.core, &Actor::Setup, &intake, None, self.clock.now()).await.unwrap()
    }

    pub(crate) async fn lease(&self) -> Leased {
        let ask = LeaseAsk {
            agent: self.agent,
            max: 1,
            wait_ms: 0,
            warm: Vec::new(),
            ask: format!("{:x}", rand::random::<u128>()),
        };
        let mut leases = lease::lease_next(&self.core, &ask, self.clock.now()).await.unwrap();
        assert_eq!(leases.len(), 1, "something can be leased");
        leases.remove(0)
    }

    fn fenced(&self, l: &Leased) -> Fenced {
        Fenced { agent: self.agent, job: l.job, lease: l.lease, fence: l.fence }
    }

    pub(crate) async fn put(
        &self,
        l: &Leased,
        step: u32,
        kind: EvidenceKind,
        moment: Moment,
        bytes: Vec<u8>,
    ) -> EvidenceId {
        let id = EvidenceId::new(self.clock.now(), rand::random());
        let put = EvidencePut {
            job: l.job,
            lease: l.lease,
            fence: l.fence,
            agent: self.agent,
            attempt: l.attempt,
            step,
            kind,
            moment,
            sha256: files::sha256(&bytes),
            masked: true,
            late: false,
        };
        evidence::put_evidence(&self.core, id, &put, bytes.into(), self.clock.now()).await.unwrap();
        id
    }

    pub(crate) async fn steps(&self, l: &Leased, of: Vec<Step>) {
        let report =
            StepsReport { fenced: self.fenced(l), attempt: l.attempt, steps: of, late: false };
        steps::report_steps(&self.core, &report, self.clock.now()).await.unwrap();
    }

    /// Opens the intent, with evidence before it.
    pub(crate) async fn permit(&self, l: &Leased) -> domain::id::IntentId {
        let before = self.put(l, 5, EvidenceKind::FullPage, Moment::Before, png()).await;
        let ask = PermitAsk {
            gate: None,
            fenced: self.fenced(l),
            attempt: l.attempt,
            step: 5,
            commit: "submit_request".into(),
            payload_sha256: "0".repeat(64),
            before,
            ask: format!("{:x}", rand::random::<u128>()),
        };
        match permit::permit(&self.core, &ask, self.clock.now()).await.unwrap() {
            PermitReply::Go { intent, .. } => intent,
            other => panic!("no permit: {other:?}"),
        }
    }

    async fn end(&self, l: &Leased, end: End) {
        self.end_with(l, end, Vec::new()).await;
    }

    async fn end_with(&self, l: &Leased, end: End, drift: Vec<Drift>) {
        let report = Report {
            fenced: self.fenced(l),
            attempt: l.attempt,
            end,
            logins: 1,
            session_reused: false,
            session_kept: false,
            drift,
            prints: BTreeMap::new(),
        };
        report::report(&self.core, &report, self.clock.now()).await.unwrap();
    }

    /// A whole submission with its proof.
    pub(crate) async fn submit(&self, l: &Leased, mut outcome: Outcome) {
        let intent = self.permit(l).await;
        let after = self.put(l, 5, EvidenceKind::FullPage, Moment::After, png()).await;
        for r in &mut outcome.references {
            r.evidence = Some(after);
        }
        let reference = outcome.references[0].value.clone();
        let proof = Some(Proof { intent, reference, after });
        self.end(l, End::Outcome { outcome, proof }).await;
    }

    pub(crate) async fn fail(&self, l: &Leased, failure: Failure) {
        self.end(l, End::Failure { failure, candidates: vec!["CRA-2603-9999".into()] }).await;
    }
}

impl Bed {
    /// An attempt that failed after it saw a page that was not as the script knows it.
    pub(crate) async fn fail_with(&self, l: &Leased, failure: Failure, drift: Vec<Drift>) {
        self.end_with(l, End::Failure { failure, candidates: Vec::new() }, drift).await;
    }
}

impl Person<'_> {
    pub(crate) async fn get(&self, at: &str) -> Got {
        self.bed.get(at, &self.cookie).await
    }

    /// Sends a form as the page would, with the page's own token.
    pub(crate) async fn form(&self, at: &str, fields: &[(&str, &str)]) -> Got {
        let page = self.get("/fleet").await.text;
        let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut fields = fields.to_vec();
        fields.push(("csrf", token));
        self.bed.form(at, &self.cookie, &fields).await
    }

    pub(crate) async fn form_without_token(&self, at: &str) -> Got {
        self.bed.form(at, &self.cookie, &[("csrf", "guessed"), ("reason", "because")]).await
    }
}

async fn furnish(core: &Core) -> AgentId {
    let setup = Actor::Setup;
    payers::upsert(core, &setup, &payer("crestline", "Crestline"), "default", now()).await.unwrap();
    for task in Task::ALL {
        let new = NewScript {
            script: format!("crestline/{}", task.word()),
            sha256: files::sha256(task.word().as_bytes()),
            files: BTreeMap::from([(
                format!("crestline/{}.yaml", task.word()),
                (1..200).map(|n| format!("# line {n}\n")).collect(),
            )]),
        };
        publish::publish(core, &setup, new, now()).await.unwrap();
    }
    let secrets: BTreeMap<String, Secret> = serde_json::from_value(serde_json::json!({
        "user": "clinic-7", "password": "seeded-Passw0rd", "code": {"totp": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
    }))
    .unwrap();
    payers::set_credential(core, &setup, "crestline", "clinic-7", &secrets, now()).await.unwrap();
    let hash = password::hash("right-Passw0rd".into()).await.unwrap();
    for (login, name, role) in [
        ("vera", "Vera Looks", "viewer"),
        ("rosa", "Rosa Lind", "admin"),
        ("ben", "Ben Hale", "reviewer"),
    ] {
        people::add_user(core, &setup, login, name, &hash, &[role.to_owned()], now())
            .await
            .unwrap();
    }
    let agent = AgentInfo {
        name: "agent-a1".into(),
        pool: "default".into(),
        slots: 4,
        version: "0.1.0".into(),
        browser: "Chromium 156".into(),
        channels: domain::channel::Channel::ALL.to_vec(),
    };
    agents::hello(core, &Hello { agent }, now()).await.unwrap().agent
}

/// The head of a PNG of 1280 by 800: enough for whoever asks its size.
pub(crate) fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
    bytes.extend([0, 0, 5, 0, 0, 0, 3, 32, 8, 2, 0, 0, 0]);
    bytes
}
