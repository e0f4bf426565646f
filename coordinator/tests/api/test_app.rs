//! `TestApp`: the real router on a fresh database, with one key per role, two payers and their scripts; one method per call.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
};
use coordinator::{
    App,
    access::{Role, key, people::add_key},
    clock::Clock,
    config::{Config, Flags},
    files::Files,
    flow::{self, Actor, Core, Rules, publish::NewScript},
    router,
    seal::Seal,
    store::{
        Store,
        db::{Db, Open},
        migrate,
    },
    vault::Secret,
};
use domain::{id::UserId, time::Timestamp};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// The start of every test's time.
pub(crate) const START: &str = "2026-03-02T14:00:00Z";
/// The agents' key.
pub(crate) const AGENT_KEY: &str = "an-agent-key-of-the-tests";

/// A reply as tests look at it.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("not JSON ({}): {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// The code of a problem document; checks its form.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert!(body["detail"].as_str().unwrap().len() > 5, "{body}");
        let code = body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned();
        (self.status.as_u16(), code)
    }

    /// The body of a good reply.
    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert!(self.status.is_success(), "{}: {text}", self.status);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

/// The application under test.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) clock: Clock,
    pub(crate) keys: BTreeMap<Role, String>,
    pub(crate) users: BTreeMap<Role, UserId>,
    pub(crate) dir: TempDir,
    pub(crate) end: watch::Sender<bool>,
}

fn config(dir: &TempDir, settings: &[(&'static str, &str)]) -> Config {
    let mut env = BTreeMap::from([
        ("FLEET_DATA_DIR", dir.path().join("data").display().to_string()),
        ("FLEET_KEY_FILE", dir.path().join("keys/master.key").display().to_string()),
    ]);
    env.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Config::from(&Flags::default(), &|name| env.get(name).cloned()).unwrap()
}

/// A payer's profile with a permission for every task.
pub(crate) fn payer(id: &str, sessions_max: u32) -> domain::fleet::Payer {
    serde_json::from_value(json!({
        "id": id, "name": id.to_uppercase(), "time_zone": "America/New_York",
        "permission": {"state": "permitted", "basis": "simulator", "decided_by": "tests",
                       "expires_at": "2027-01-01T00:00:00Z",
                       "tasks": ["submit", "auth_status", "claim_status"]},
        "limits": {"sessions_max": sessions_max, "gap_ms": 0, "pages_per_minute": 600,
                   "logins_per_hour_max": 20},
        "reconcile": {"absence_is_proof": true, "max_record_delay_ms": 1000, "first_look_ms": 0,
                      "look_every_ms": 1000, "looks_max": 3},
        "status_every_ms": 3_600_000, "second_login": "both_live",
        "secrets": ["user", "password"], "login_origins": ["https://portal.example"]
    }))
    .unwrap()
}

impl TestApp {
    /// A fresh one.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A fresh one with settings of its own.
    pub(crate) async fn with(settings: &[(&'static str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config(&dir, settings);
        std::fs::create_dir_all(&config.data_dir).unwrap();
        let clock = Clock::manual(Timestamp::parse(START).unwrap());
        let db = Db::open(&config.database_url, Open::Tool).await.unwrap();
        migrate::run(&db, clock.now()).await.unwrap();
        let seal = Arc::new(Seal::new(&[7; 32], 1));
        let files = Files::open(&config.files_dir, Arc::clone(&seal)).unwrap();
        let core = Core {
            store: Store::new(db, seal),
            files,
            rules: Rules::default(),
            started_at: clock.now(),
        };
        let (end, ending) = watch::channel(false);
        let post = coordinator::post::Post::new(&std::collections::BTreeMap::new(), None).unwrap();
        let app =
            Arc::new(App::new(core, clock.clone(), config, post, key::hash(AGENT_KEY), ending));
        let mut this = Self {
            router: router(app.clone()),
            app,
            clock,
            keys: BTreeMap::new(),
            users: BTreeMap::new(),
            dir,
            end,
        };
        this.people().await;
        this.payers().await;
        this
    }

    async fn people(&mut self) {
        let (core, now) = (&self.app.core, self.clock.now());
        for role in Role::ALL {
            let roles = [role.word().to_owned()];
            // Nobody signs in with these: the hash is of nothing.
            let user = flow::people::add_user(
                core,
                &Actor::Setup,
                role.word(),
                role.word(),
                "-",
                &roles,
                now,
            )
            .await
            .unwrap();
            let made =
                add_key(core, &Actor::Setup, user.id, (role.word(), role), now).await.unwrap();
            self.keys.insert(role, made.key);
            self.users.insert(role, user.id);
        }
    }

    async fn payers(&self) {
        let (core, now) = (&self.app.core, self.clock.now());
        for (id, sessions) in [("crestline", 2), ("harbor", 1)] {
            let profile = payer(id, sessions);
            flow::payers::upsert(core, &Actor::Setup, &profile, "default", now).await.unwrap();
            let secrets = BTreeMap::from([
                ("user".to_owned(), Secret::Text("clinic".to_owned())),
                ("password".to_owned(), Secret::Text("S3cret-of-the-tests".to_owned())),
            ]);
            flow::payers::set_credential(core, &Actor::Setup, id, "clinic", &secrets, now)
                .await
                .unwrap();
            for task in ["submit", "auth_status", "claim_status"] {
                let new = NewScript {
                    script: format!("{id}/{task}"),
                    sha256: coordinator::files::sha256(format!("{id}/{task}").as_bytes()),
                    files: BTreeMap::from([(format!("{id}/{task}.yaml"), "x: 1\n".to_owned())]),
                };
                flow::publish::publish(core, &Actor::Setup, new, now).await.unwrap();
            }
        }
    }

    /// Sends any call.
    pub(crate) async fn send(&self, call: Request<Body>) -> Seen {
        let reply = self.router.clone().oneshot(call).await.unwrap();
        let (head, body) = reply.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Seen { status: head.status, headers: head.headers, body }
    }

    /// A call as a role with further headers.
    pub(crate) async fn call(
        &self,
        role: Role,
        (method, path): (Method, &str),
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Seen {
        let mut call = Request::builder()
            .method(method)
            .uri(format!("/v1/{path}"))
            .header("authorization", format!("Bearer {}", self.keys[&role]));
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                call = call.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(call.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, role: Role, path: &str) -> Seen {
        self.call(role, (Method::GET, path), &[], None).await
    }

    pub(crate) async fn put(&self, role: Role, path: &str, body: &Value) -> Seen {
        self.call(role, (Method::PUT, path), &[], Some(body)).await
    }

    /// A creating call with its own key.
    pub(crate) async fn create(&self, role: Role, path: &str, body: &Value) -> Seen {
        let name = key::random();
        self.call(role, (Method::POST, path), &[("idempotency-key", &name)], Some(body)).await
    }

    /// A change of something that was seen at `rev`.
    pub(crate) async fn change(&self, role: Role, path: &str, rev: &Value, body: &Value) -> Seen {
        let rev = format!("\"{rev}\"");
        self.call(role, (Method::POST, path), &[("if-match", &rev)], Some(body)).await
    }

    /// A call of an agent.
    pub(crate) async fn agent(&self, path: &str, body: &Value) -> Seen {
        let call = Request::builder()
            .method(Method::POST)
            .uri(format!("/v1/agent/{path}"))
            .header("authorization", format!("Bearer {AGENT_KEY}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(call).await
    }

    /// An agent's id.
    pub(crate) async fn hello(&self, name: &str, slots: u32) -> String {
        let info = json!({"name": name, "pool": "default", "slots": slots, "version": "0.1.0",
                          "browser": "Chromium 156"});
        let welcome = self.agent("hello", &json!({"agent": info})).await.good();
        assert_eq!(welcome["lease_ttl_ms"], 60_000);
        welcome["agent"].as_str().unwrap().to_owned()
    }

    /// What an agent is leased now, without waiting.
    pub(crate) async fn lease(&self, agent: &str, max: u32) -> Vec<Value> {
        let ask =
            json!({"agent": agent, "max": max, "wait_ms": 0, "warm": [], "ask": key::random()});
        let leases = self.agent("lease", &ask).await.good();
        leases["leases"].as_array().unwrap().clone()
    }

    /// An agent that waits for a job and brings this answer, with `more` in its outcome.
    pub(crate) async fn works(&self, name: &str, said: &str, more: &Value) {
        let agent = self.hello(name, 1).await;
        let lease = loop {
            if let Some(lease) = self.lease(&agent, 1).await.pop() {
                break lease;
            }
            tokio::task::yield_now().await;
        };
        let mut report = answered(&agent, &lease, said);
        for (name, value) in more.as_object().unwrap() {
            report["end"]["outcome"][name] = value.clone();
        }
        self.agent("report", &report).await.good();
    }

    /// Takes a case in: its id and its job's.
    pub(crate) async fn take_in(&self, payer: &str, request: &Value) -> (String, String) {
        let body = json!({"payer": payer, "request": request});
        let made = self.create(Role::Operator, "cases", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&made.body));
        let made = made.json();
        let id = |name: &str| made[name].as_str().unwrap().to_owned();
        (id("case"), id("job"))
    }

    pub(crate) async fn job(&self, id: &str) -> Value {
        self.get(Role::Operator, &format!("jobs/{id}")).await.good()
    }
}

/// A prior authorization for an invented member.
pub(crate) fn prior_auth(member: &str) -> Value {
    json!({
        "kind": "prior_auth", "plan": "CLM",
        "member": {"id": member, "last_name": "ALDER", "first_name": "TESTA", "dob": "1980-02-14"},
        "requesting": {"npi": "1234567893"}, "servicing": {"npi": "1999999984"},
        "urgency": "standard", "setting": "outpatient", "diagnoses": ["M54.50"],
        "lines": [{"code": "70551", "units": 1, "from": "2026-03-09", "to": "2026-03-09"}]
    })
}

/// A claim status inquiry.
pub(crate) fn claim_status(member: &str) -> Value {
    json!({
        "kind": "claim_status", "number": "CLM-1", "from": "2026-01-05",
        "member": {"id": member, "last_name": "ALDER", "first_name": "TESTA", "dob": "1980-02-14"}
    })
}

/// The lease of a write.
pub(crate) fn fenced(agent: &str, lease: &Value) -> Value {
    json!({"agent": agent, "job": lease["job"], "lease": lease["lease"], "fence": lease["fence"]})
}

/// The report of an attempt that ended without an answer.
pub(crate) fn failed(agent: &str, lease: &Value, kind: &str) -> Value {
    let failure = json!({"kind": kind, "name": "a_name", "say": "Something is not as it was."});
    json!({"fenced": fenced(agent, lease), "attempt": lease["attempt"],
           "end": {"end": "failure", "failure": failure, "candidates": []}})
}

/// The report of an attempt that brought an answer.
pub(crate) fn answered(agent: &str, lease: &Value, answer: &str) -> Value {
    let outcome = json!({"answer": answer, "raw_words": "as shown", "references": [], "facts": [],
                         "via": "agent"});
    json!({"fenced": fenced(agent, lease), "attempt": lease["attempt"],
           "end": {"end": "outcome", "outcome": outcome}})
}
