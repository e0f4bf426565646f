//! A test bed: a migrated database with one payer, its script, account and agent, a clock that is moved by hand, and one method
//! per thing that agents and people do.

use std::{collections::BTreeMap, sync::Arc};

use coordinator::{
    clock::Clock,
    files::{self, Files},
    flow::{
        Actor, Asked, Core, Error, Result, Rules, agents, evidence, intake,
        intake::{Intake, Taken},
        lease, payers, permit,
        publish::{self, NewScript},
        report,
    },
    seal::Seal,
    store::{
        Store,
        db::{Db, Open},
        jobs, migrate,
    },
    vault::Secret,
};
use domain::{
    evidence::{EvidenceKind, Moment},
    fleet::{AgentInfo, Payer},
    id::{AgentId, CaseId, EvidenceId, IntentId, JobId, UserId},
    job::{JobState, Task},
    outcome::{Answer, Failure, FailureKind, Outcome, Reference, ReferenceKind},
    time::Timestamp,
    wire::{
        End, EvidencePut, Fenced, Hello, LeaseAsk, Leased, PermitAsk, PermitReply, Proof, Report,
    },
};

pub(crate) struct Bed {
    pub(crate) core: Core,
    pub(crate) clock: Clock,
    pub(crate) agent: AgentId,
    pub(crate) url: String,
    pub(crate) place: tempfile::TempDir,
}

pub(crate) const SETUP: Actor = Actor::Setup;
pub(crate) const PORTAL: &str = "https://portal.example";

pub(crate) fn random() -> u128 {
    rand::random()
}

pub(crate) fn profile(id: &str) -> Payer {
    serde_json::from_value(serde_json::json!({
        "id": id, "name": id, "time_zone": "America/New_York",
        "permission": {"state": "permitted", "basis": "simulator", "decided_by": "test",
            "expires_at": "2100-01-01T00:00:00Z", "tasks": ["submit", "auth_status", "claim_status", "eligibility", "precheck", "renewal", "letter"]},
        "limits": {"sessions_max": 1000, "gap_ms": 0, "pages_per_minute": 600, "logins_per_hour_max": 3},
        "reconcile": {"absence_is_proof": true, "max_record_delay_ms": 60_000, "first_look_ms": 1_000,
            "look_every_ms": 60_000, "looks_max": 3},
        "status_every_ms": 3_600_000, "second_login": "both_live",
        "secrets": ["user", "password", "code"], "login_origins": [PORTAL]
    }))
    .unwrap()
}

/// A request whose member tells it apart from others.
pub(crate) fn prior_auth(member: &str) -> Intake {
    serde_json::from_value(serde_json::json!({"payer": "crestline", "request": {
        "kind": "prior_auth", "plan": "CLM",
        "member": {"id": member, "last_name": "ALDERSEED", "first_name": "TESTA", "dob": "1980-02-14"},
        "requesting": {"npi": "1234567893"}, "servicing": {"npi": "1999999984"},
        "urgency": "standard", "setting": "outpatient", "diagnoses": ["M54.50"],
        "lines": [{"code": "70551", "units": 1, "from": "2026-03-09", "to": "2026-03-09"}]
    }}))
    .unwrap()
}

pub(crate) fn auth_status(member: &str) -> Intake {
    serde_json::from_value(serde_json::json!({"payer": "crestline", "request": {
        "kind": "auth_status", "number": "CRX0001",
        "member": {"id": member, "last_name": "ALDERSEED", "first_name": "TESTA", "dob": "1980-02-14"}
    }}))
    .unwrap()
}

/// A request of each kind there is, and a renewal.
pub(crate) fn of_every_kind() -> Vec<Intake> {
    let member = serde_json::json!({"id": "W77", "last_name": "ALDERSEED", "first_name": "TESTA", "dob": "1980-02-14"});
    let more = [
        serde_json::json!({"kind": "claim_status", "member": member, "number": "CL1", "from": "2026-03-02"}),
        serde_json::json!({"kind": "eligibility", "member": member, "from": "2026-03-02"}),
        serde_json::json!({"kind": "precheck", "member": member, "requesting": {"npi": "1234567893"}, "setting": "outpatient",
            "diagnoses": ["M54.50"], "lines": [{"code": "70551", "units": 1, "from": "2026-03-09", "to": "2026-03-09"}]}),
        serde_json::json!({"kind": "letter", "member": member, "number": "CRX0001"}),
    ];
    let intake = |request: &serde_json::Value| {
        serde_json::from_value(serde_json::json!({"payer": "crestline", "request": request}))
            .unwrap()
    };
    let mut all: Vec<Intake> = more.iter().map(intake).collect();
    all.extend([prior_auth("W77"), renewal("W77"), auth_status("W77")]);
    all
}

/// The renewal of an authorization.
pub(crate) fn renewal(member: &str) -> Intake {
    let mut intake = prior_auth(member);
    let domain::request::Request::PriorAuth(request) = &mut intake.request else { unreachable!() };
    request.renews = Some("CRX0001".to_owned());
    intake
}

pub(crate) fn secrets() -> BTreeMap<String, Secret> {
    serde_json::from_value(serde_json::json!({
        "user": "clinic-7", "password": "seeded-Passw0rd", "code": {"totp": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
    }))
    .unwrap()
}

pub(crate) fn outcome(answer: Answer, number: &str) -> Outcome {
    Outcome {
        answer,
        raw_words: "as shown".to_owned(),
        references: vec![Reference {
            kind: ReferenceKind::Tracking,
            issuer: "crestline".to_owned(),
            value: number.to_owned(),
            read_by: "dom".to_owned(),
            confidence: None,
            at: Timestamp::from_ms(0),
            evidence: None,
            bounds: None,
        }],
        facts: Vec::new(),
        via: "agent".to_owned(),
    }
}

impl Bed {
    pub(crate) async fn sqlite() -> Self {
        let place = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", place.path().join("fleet.db").display());
        Self::on(place, url).await
    }

    pub(crate) async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(crate::postgres::database).await.unwrap();
        Self::on(tempfile::tempdir().unwrap(), url).await
    }

    async fn on(place: tempfile::TempDir, url: String) -> Self {
        let clock = Clock::manual(Timestamp::parse("2026-03-02T14:00:00Z").unwrap());
        let db = Db::open(&url, Open::Coordinator).await.unwrap();
        assert_eq!(migrate::run(&db, clock.now()).await.unwrap(), migrate::newest());
        let seal = Arc::new(Seal::new(&[7; 32], 1));
        let core = Core {
            files: Files::open(&place.path().join("files"), Arc::clone(&seal)).unwrap(),
            store: Store::new(db, seal),
            rules: Rules::default(),
            // Long enough ago that the grace of the start is over.
            started_at: clock.now().plus_ms(-600_000),
        };
        let now = clock.now();
        payers::upsert(&core, &SETUP, &profile("crestline"), "default", now).await.unwrap();
        for task in Task::ALL {
            let new = NewScript {
                script: format!("crestline/{}", task.word()),
                sha256: files::sha256(task.word().as_bytes()),
                files: BTreeMap::from([("a.yaml".to_owned(), "script".to_owned())]),
            };
            assert!(publish::publish(&core, &SETUP, new, now).await.unwrap());
        }
        payers::set_credential(&core, &SETUP, "crestline", "clinic-7", &secrets(), now)
            .await
            .unwrap();
        let agent = hello(&core, "a1", 250, now).await;
        Self { core, clock, agent, url, place }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn take_in(&self, member: &str) -> Taken {
        self.try_take_in(&prior_auth(member)).await.unwrap()
    }

    pub(crate) async fn try_take_in(&self, intake: &Intake) -> Result<Taken> {
        intake::take_in(&self.core, &SETUP, intake, None, self.now()).await
    }

    pub(crate) fn ask(&self, max: u32) -> LeaseAsk {
        LeaseAsk {
            agent: self.agent,
            max,
            wait_ms: 0,
            warm: Vec::new(),
            ask: format!("{:x}", random()),
        }
    }

    pub(crate) async fn lease(&self, max: u32) -> Vec<Leased> {
        lease::lease_next(&self.core, &self.ask(max), self.now()).await.unwrap()
    }

    /// The one job that can be leased now.
    pub(crate) async fn lease_one(&self) -> Leased {
        let mut leases = self.lease(10).await;
        assert_eq!(leases.len(), 1);
        leases.remove(0)
    }

    pub(crate) async fn state(&self, job: JobId) -> JobState {
        jobs::get(&self.core.store, job).await.unwrap().state
    }

    pub(crate) async fn status(&self, case: CaseId) -> &'static str {
        coordinator::store::cases::get(&self.core.store, case).await.unwrap().status.word()
    }

    pub(crate) async fn picture(&self, l: &Leased, moment: Moment) -> EvidenceId {
        self.put(l, moment, b"a picture".to_vec(), None).await.unwrap()
    }

    pub(crate) async fn put(
        &self,
        l: &Leased,
        moment: Moment,
        bytes: Vec<u8>,
        sha256: Option<String>,
    ) -> Result<EvidenceId> {
        self.put_as(l, moment, bytes, sha256, false).await
    }

    /// What an agent kept while the coordinator could not be reached.
    pub(crate) async fn put_late(&self, l: &Leased, moment: Moment) -> Result<EvidenceId> {
        self.put_as(l, moment, b"a late picture".to_vec(), None, true).await
    }

    async fn put_as(
        &self,
        l: &Leased,
        moment: Moment,
        bytes: Vec<u8>,
        sha256: Option<String>,
        late: bool,
    ) -> Result<EvidenceId> {
        let id = EvidenceId::new(self.now(), random());
        let put = EvidencePut {
            job: l.job,
            lease: l.lease,
            fence: l.fence,
            agent: self.agent,
            attempt: l.attempt,
            step: 3,
            kind: EvidenceKind::FullPage,
            moment,
            sha256: sha256.unwrap_or_else(|| files::sha256(&bytes)),
            masked: true,
            late,
        };
        evidence::put_evidence(&self.core, id, &put, bytes.into(), self.now()).await.map(|e| e.id)
    }

    pub(crate) fn permit_ask(&self, l: &Leased, before: EvidenceId) -> PermitAsk {
        PermitAsk {
            gate: None,
            fenced: self.fenced(l),
            attempt: l.attempt,
            step: 3,
            commit: "send".to_owned(),
            payload_sha256: "0".repeat(64),
            before,
            ask: format!("{:x}", random()),
        }
    }

    pub(crate) async fn permit(&self, l: &Leased) -> PermitReply {
        let before = self.picture(l, Moment::Before).await;
        permit::permit(&self.core, &self.permit_ask(l, before), self.now()).await.unwrap()
    }

    /// A permit that must be given.
    pub(crate) async fn go(&self, l: &Leased) -> IntentId {
        match self.permit(l).await {
            PermitReply::Go { intent, .. } => intent,
            other => panic!("no permit: {other:?}"),
        }
    }

    pub(crate) fn fenced(&self, l: &Leased) -> Fenced {
        Fenced { agent: self.agent, job: l.job, lease: l.lease, fence: l.fence }
    }

    pub(crate) async fn end(&self, l: &Leased, end: End) -> Result<()> {
        let report = Report {
            fenced: self.fenced(l),
            attempt: l.attempt,
            end,
            logins: 1,
            session_reused: false,
            session_kept: false,
            drift: Vec::new(),
            prints: BTreeMap::new(),
        };
        report::report(&self.core, &report, self.now()).await
    }

    pub(crate) async fn fail(&self, l: &Leased, kind: FailureKind) {
        let failure = Failure::new(kind, "test", "");
        self.end(l, End::Failure { failure, candidates: Vec::new() }).await.unwrap();
    }

    pub(crate) async fn submit(&self, l: &Leased, number: &str) -> IntentId {
        let intent = self.go(l).await;
        let after = self.picture(l, Moment::After).await;
        let proof = Proof { intent, reference: number.to_owned(), after };
        let outcome = outcome(Answer::PendedReview, number);
        self.end(l, End::Outcome { outcome, proof: Some(proof) }).await.unwrap();
        intent
    }

    pub(crate) async fn sweep(&self) -> coordinator::flow::sweep::Swept {
        coordinator::flow::sweep::sweep(&self.core, self.now()).await.unwrap()
    }

    /// The unanswered exception of a job.
    pub(crate) async fn exception(&self, job: JobId) -> coordinator::store::exceptions::Exception {
        let filter = coordinator::store::exceptions::Filter {
            job: job.to_string(),
            state: "unanswered".to_owned(),
            ..Default::default()
        };
        let mut found = coordinator::store::exceptions::list(&self.core.store, &filter, "", 10)
            .await
            .unwrap()
            .items;
        assert_eq!(found.len(), 1, "exactly one unanswered exception");
        found.remove(0)
    }

    /// The sessions count must be what is leased; the audit chain must hold. Called at the end of tests that move jobs about.
    pub(crate) async fn in_order(&self) {
        let store = &self.core.store;
        let filter = jobs::Filter { state: "leased".to_owned(), ..Default::default() };
        let leased = jobs::list(store, &filter, "", 1000).await.unwrap().items.len();
        let sessions: u32 =
            coordinator::store::payers::all(store).await.unwrap().iter().map(|p| p.sessions).sum();
        assert_eq!(usize::try_from(sessions).unwrap(), leased, "sessions taken = jobs leased");
        assert!(coordinator::store::audit::verify(store).await.unwrap() > 0);
    }
}

pub(crate) async fn hello(core: &Core, name: &str, slots: u32, now: Timestamp) -> AgentId {
    let agent = AgentInfo {
        name: name.to_owned(),
        pool: "default".to_owned(),
        slots,
        version: "1".to_owned(),
        browser: "1".to_owned(),
        channels: domain::channel::Channel::ALL.to_vec(),
    };
    agents::hello(core, &Hello { agent }, now).await.unwrap().agent
}

pub(crate) fn user(n: u128) -> UserId {
    UserId::new(Timestamp::from_ms(0), n)
}

/// What somebody asks for with this reason, whatever it is by now.
pub(crate) fn asked(reason: &str) -> Asked {
    Asked::new(SETUP, reason, None).unwrap()
}

/// The same for what was seen at `rev`.
pub(crate) fn seen(reason: &str, rev: i64) -> Asked {
    Asked::new(SETUP, reason, Some(rev)).unwrap()
}

/// The code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(got: Result<T>) -> &'static str {
    match got.unwrap_err() {
        Error::Refused { code, .. } => code,
        Error::Invalid { .. } => "invalid",
        Error::Store(e) => match e {
            coordinator::store::Error::Conflict { .. } => "conflict",
            coordinator::store::Error::NotFound(_) => "not-found",
            other => panic!("{other:?}"),
        },
        Error::Files(e) => panic!("{e:?}"),
    }
}
