//! A book in place of the coordinator: every door's call in its order. And one attempt from script to end.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use agent::{
    browser::{Browser, LaunchConfig},
    channel::{
        Denied, Doors, Errand, Item, Permit, ReadingRules, Secret, Standing, Wish,
        portal::{self, Finished, Session, SessionOf, heal::Prints},
    },
    clock::{self, Allowed},
    mask::Masker,
    observe::Observer,
    polite::Pace,
};
use domain::{
    evidence::EvidenceKind,
    fleet::Limits,
    id::IntentId,
    lease::Purpose,
    outcome::Failure,
    script::{Bundle, FileRef},
    step::Step,
    wire::{End, Order},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::site::{Ledger, running};

/// What the keeper of the book does when asked for the permit.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Permits {
    #[default]
    Go,
    Already,
    No,
    /// Gives one that is over before it can be used.
    TooShort,
}

/// The book.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) steps: Mutex<BTreeMap<u32, Step>>,
    pub(crate) items: Mutex<Vec<Item>>,
    pub(crate) permits: Permits,
    /// Evidence cannot be kept.
    pub(crate) full: bool,
    /// The latch cannot be set.
    pub(crate) no_latch: bool,
    /// The document of the request.
    pub(crate) paper: Option<tempfile::TempDir>,
}

impl Book {
    /// One that holds a document.
    pub(crate) fn with_paper() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.pdf"), b"%PDF-1.4 notes").unwrap();
        Self { paper: Some(folder), ..Self::default() }
    }

    fn note(&self, what: impl Into<String>) {
        self.calls.lock().unwrap().push(what.into());
    }

    /// The calls, without steps and evidence of ordinary steps.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// How often something was called.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.calls().iter().filter(|call| *call == what).count()
    }

    /// Everything that left the slot as text: steps, documents, calls.
    pub(crate) fn all_text(&self) -> String {
        let mut out = serde_json::to_string(&*self.steps.lock().unwrap()).unwrap();
        for item in self.items.lock().unwrap().iter() {
            if item.kind.media_type() != "image/png" {
                out.push_str(&String::from_utf8_lossy(&item.bytes));
            }
        }
        out
    }
}

impl Doors for Book {
    fn steps(&self, steps: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>> {
        self.steps.lock().unwrap().extend(steps.into_iter().map(|step| (step.index, step)));
        Box::pin(async { Ok(()) })
    }
    fn keep(&self, item: Item) -> BoxFuture<'_, Result<(), Denied>> {
        if self.full {
            return Box::pin(async { Err(Denied::Away("no space".into())) });
        }
        if item.kind == EvidenceKind::FullPage {
            self.note(format!("full page {}", item.moment.word()));
        }
        self.items.lock().unwrap().push(item);
        Box::pin(async { Ok(()) })
    }
    fn secret<'a>(
        &'a self,
        alias: &'a str,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Denied>> {
        assert_eq!(origin, "https://portal.field.test");
        self.note(format!("secret {alias}"));
        let value = if alias == "user" { "jo" } else { "tangerine-9" };
        Box::pin(async move { Ok(Secret::new(value.to_owned(), None)) })
    }
    fn login(&self) -> BoxFuture<'_, Result<(), Denied>> {
        self.note("login");
        Box::pin(async { Ok(()) })
    }
    fn permit(&self, wish: Wish) -> BoxFuture<'_, Result<Permit, Denied>> {
        self.note("permit");
        assert_eq!(wish.payload_sha256.len(), 64);
        let intent = IntentId::new(clock::now(), 7);
        let permit = match self.permits {
            Permits::Go => Permit::Go {
                intent,
                until: Allowed::granted(clock::boot_ms(), 120_000, 0),
                pass: None,
            },
            Permits::TooShort => {
                Permit::Go { intent, until: Allowed::granted(clock::boot_ms(), 0, 0), pass: None }
            }
            Permits::Already => Permit::Already("job_other has it".into()),
            Permits::No => Permit::No("the payer is paused".into()),
        };
        Box::pin(async move { Ok(permit) })
    }
    fn latch(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        self.note("latch");
        let fails = self.no_latch;
        Box::pin(async move { if fails { Err(Denied::Away("no space".into())) } else { Ok(()) } })
    }
    fn not_clicked(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        self.note("not_clicked");
        Box::pin(async { Ok(()) })
    }
    fn document<'a>(&'a self, _: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>> {
        let path = self.paper.as_ref().map(|folder| folder.path().join("notes.pdf"));
        Box::pin(async move { path.ok_or(Denied::Away("no documents here".into())) })
    }
    fn standing(&self) -> Standing {
        let minute = Duration::from_secs(60);
        Standing { left: minute, length: minute, order: Order::Continue }
    }
}

/// The script of the small portal and its fragment.
pub(crate) fn bundle() -> Arc<Bundle> {
    let files: BTreeMap<String, String> = [
        ("field/submit.yaml", include_str!("field/submit.yaml")),
        ("field/fragments/shell.yaml", include_str!("field/shell.yaml")),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect();
    match Bundle::load(&files, "field/submit") {
        Ok(bundle) => Arc::new(bundle),
        Err(findings) => {
            panic!("{}", findings.iter().map(domain::script::Finding::render).collect::<String>())
        }
    }
}

/// The inputs of a request.
pub(crate) fn inputs() -> Value {
    json!({
        "member": {"id": "W100000001", "last_name": "ALDERSEN", "first_name": "TESTARA", "dob": "1980-02-14"},
        "code": "70551",
        "attestations": [{"text": "I certify that this request is true.", "person": "Robin Gale",
                          "at": "2026-03-02T14:00:00Z"}],
    })
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// One test at a time: they share the portal. Its ledger begins empty.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one: MutexGuard<'_, ()> = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    runtime().block_on(async {
        *running().await.site.lock().unwrap() = Ledger::default();
        tokio::time::timeout(Duration::from_secs(300), test).await.expect("a test may take 300 s");
    });
}

async fn browser() -> &'static Browser {
    static BROWSER: OnceCell<Browser> = OnceCell::const_new();
    BROWSER
        .get_or_init(|| async {
            let running = running().await;
            let config = LaunchConfig {
                host_rules: ["portal.field.test", "evil.test"]
                    .into_iter()
                    .map(|host| (host.to_owned(), running.at))
                    .collect(),
                only_listed_hosts: true,
                extra_ca: Some(running.ca.clone()),
                ..LaunchConfig::default()
            };
            Browser::launch(config).await.unwrap()
        })
        .await
}

/// A fresh portal session.
pub(crate) async fn session() -> Session {
    let of = SessionOf { payer: "field".into(), account: "jo".into() };
    Session::open(browser().await, of).await.unwrap()
}

/// One attempt.
pub(crate) async fn attempt(
    book: &Arc<Book>,
    session: &mut Session,
    purpose: Purpose,
    inputs: Value,
) -> Finished {
    attempt_with(book, session, purpose, inputs, Wanted::of(bundle())).await
}

/// A script, and what is known beside it.
pub(crate) struct Wanted {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) reading: ReadingRules,
    pub(crate) prints: Prints,
    pub(crate) remembers: bool,
    /// There was an attempt before this one.
    pub(crate) begun_before: bool,
}

impl Wanted {
    /// The script alone.
    pub(crate) fn of(bundle: Arc<Bundle>) -> Wanted {
        let (reading, prints) = (ReadingRules::default(), Prints::new());
        Wanted { bundle, reading, prints, remembers: false, begun_before: false }
    }
}

/// One attempt of another script.
pub(crate) async fn attempt_with(
    book: &Arc<Book>,
    session: &mut Session,
    purpose: Purpose,
    inputs: Value,
    wanted: Wanted,
) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let errand = Errand {
        bundle: wanted.bundle,
        inputs: inputs.clone(),
        purpose,
        login_origins: vec!["https://portal.field.test".into()],
        intent_opened_at: None,
        begun_before: wanted.begun_before,
        may_commit: true,
        reading: wanted.reading,
        prints: wanted.prints,
        remembers: wanted.remembers,
        folder: folder.path().to_owned(),
    };
    let limits =
        Limits { sessions_max: 1, gap_ms: 0, pages_per_minute: 6_000, logins_per_hour_max: 9 };
    let mut pace = Pace::new(&limits);
    let doors: Arc<dyn Doors> = Arc::<Book>::clone(book);
    let mut observe = Observer::new(Arc::clone(&doors), Masker::for_inputs(&inputs), false);
    let finished = portal::run(&errand, doors, &mut observe, session, &mut pace).await;
    let _kept = observe.settled().await;
    finished
}

/// One submit attempt in a fresh session.
pub(crate) async fn submit(book: Book) -> (Arc<Book>, Finished) {
    let book = Arc::new(book);
    let mut session = session().await;
    let finished = attempt(&book, &mut session, Purpose::Work, inputs()).await;
    session.close().await;
    (book, finished)
}

/// The failure of an attempt.
pub(crate) fn failure(finished: &Finished) -> &Failure {
    match &finished.end {
        Some(End::Failure { failure, .. }) => failure,
        other => panic!("expected a failure, not {other:?}"),
    }
}

/// How many requests the portal received.
pub(crate) async fn received() -> usize {
    running().await.site.lock().unwrap().submitted.len()
}

/// Changes how the portal behaves.
pub(crate) async fn portal_is(change: impl FnOnce(&mut Ledger)) {
    change(&mut running().await.site.lock().unwrap());
}
