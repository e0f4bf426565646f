//! One submission arrives once, however the payer's server and the page behave. Each row is run with the submit gate and, as the
//! negative control, without it: a row whose control receives one only would prove nothing.

mod payer;

use crate::shared::{SOON, briefly, config, gate_program, run, soon, until};
use agent::browser::{
    Attempted, Browser, Context, Deadline, Gate, GatePattern, LaunchConfig, Page, PassSaid, Query,
    Unobserved,
};
use domain::id::IntentId;
use futures_util::StreamExt as _;
use payer::{AFTERWARDS, Manner, Payer, Then, certificates};
use std::io::Write as _;
use std::time::Duration;

const FETCH: &str = "<!DOCTYPE html><button>Submit</button><p>waits</p><script>
  document.querySelector('button').onclick = async () => {
    const said = await fetch('/submit', {method: 'POST', body: 'x'}).then(r => r.status, () => 'nothing');
    document.querySelector('p').textContent = 'ended ' + said }</script>";
const FORM: &str = "<!DOCTYPE html><form method=post action=/submit><input name=a value=x><button>Submit</button></form>";
const RETRY: &str = "<!DOCTYPE html><button>Submit</button><p>waits</p><script>
  document.querySelector('button').onclick = async () => {
    for (let i = 0; i < 4; i++) {
      const r = await fetch('/submit', {method: 'POST', body: 'x'}).catch(() => 0);
      if (r && r.ok) break }
    document.querySelector('p').textContent = 'ended' }</script>";
const DOUBLE: &str = "<!DOCTYPE html><button>Submit</button><p>waits</p><script>
  const send = () => fetch('/submit', {method: 'POST', body: 'x'}).catch(() => 0);
  document.querySelector('button').onclick = async () => {
    await Promise.all([send(), send()]);
    document.querySelector('p').textContent = 'ended' }</script>";
const POLLING: &str = "<!DOCTYPE html><button>Submit</button><p>waits</p><script>
  setInterval(() => fetch('/look').catch(() => 0), 20);
  document.querySelector('button').onclick = async () => {
    await fetch('/submit', {method: 'POST', body: 'x'}).catch(() => 0);
    document.querySelector('p').textContent = 'ended' }</script>";
const THANKS: &str = "<!DOCTYPE html><p>ended</p>";
/// The page of the answer loads itself again, which sends the form again.
const RELOADS: &str = "<!DOCTYPE html><p>ended</p><script>
  if (!sessionStorage.again) { sessionStorage.again = 1; location.reload() }</script>";

struct Row {
    name: &'static str,
    protocol: &'static str,
    manner: Manner,
    /// The browser with the gate speaks HTTP/2; the fleet's never does.
    http2: bool,
    /// Without the gate it arrives more than once.
    resent: bool,
}

fn row(name: &'static str, then: Then, page: &'static str) -> Row {
    let manner = Manner { then, keeps_alive: true, http2: false, page, answer: THANKS };
    Row { name, protocol: "HTTP/1.1", manner, http2: false, resent: true }
}

fn row2(name: &'static str, then: Then, page: &'static str) -> Row {
    let one = row(name, then, page);
    let manner = Manner { http2: true, ..one.manner };
    Row { protocol: "HTTP/2", manner, http2: true, ..one }
}

fn rows() -> Vec<Row> {
    let fresh = |mut row: Row| {
        row.manner.keeps_alive = false;
        row
    };
    let mut reloads = row("reload-reposts", Then::Answer, FORM);
    reloads.manner.answer = RELOADS;
    vec![
        row("kept-alive-closed, warm", Then::Close, FETCH),
        row("kept-alive-closed, warm, form", Then::Close, FORM),
        Row { resent: false, ..fresh(row("kept-alive-closed, fresh", Then::Close, FETCH)) },
        row("dropped connection", Then::Drop, FETCH),
        row("408", Then::Timeout, FETCH),
        row("page-retry", Then::BadGateway, RETRY),
        reloads,
        row("doubled button", Then::Answer, DOUBLE),
        row("polling page, kept-alive-closed", Then::Close, POLLING),
        row2("kept-alive-closed, warm", Then::Close, FETCH),
        row2("dropped connection", Then::Drop, FORM),
        row2("goaway", Then::GoAway, FETCH),
        // What the gate cannot hold, since it is repeated on the one connection: why the fleet's browser has no HTTP/2.
        Row { http2: false, ..row2("refused-stream, HTTP/2 off", Then::RefuseStream, FETCH) },
    ]
}

/// One run of a row: a payer of its own under a name of its own.
struct Case<'r> {
    row: &'r Row,
    gated: bool,
    host: String,
    payer: Payer,
}

impl Case<'_> {
    async fn run(&self, browser: &Browser) {
        // Which connection Chromium takes is not ours to say: a control that happened to send once is made again.
        for _ in 0..3 {
            self.payer.forget();
            let context = browser.new_context().await.unwrap();
            let page = context.new_page().await.unwrap();
            page.navigate(&format!("https://{}/", self.host), SOON).await.unwrap();
            if self.gated {
                self.submit_gated(&context, &page).await;
            } else {
                self.submit_bare(&page).await;
            }
            context.dispose().await.unwrap();
            if self.gated || !self.row.resent || self.payer.received() >= 2 {
                return;
            }
        }
    }

    async fn submit_bare(&self, page: &Page) {
        let again = || self.row.resent && self.payer.received() >= 2;
        let what = format!("{} ends", self.row.name);
        let over = until(&what, async || (again() || ended(page).await).then_some(()));
        while_clicking(page, over).await;
        // A page may say that it has ended and send again all the same.
        let patience = Deadline::within(AFTERWARDS * 5);
        while self.row.resent && !again() && !patience.passed() {
            page.wait_change(Deadline::within(AFTERWARDS)).await;
        }
    }

    async fn submit_gated(&self, context: &Context, page: &Page) {
        let (row, url) = (self.row.name, format!("https://{}/submit", self.host));
        let pattern = GatePattern { method: "POST".into(), url, reconnects: 0 };
        let gate = context.arm_gate(pattern).await.unwrap();
        let _nobody_signs = gate.wait(None).await.unwrap();
        if self.row.manner.page == POLLING {
            let polls = async || gate.refused().iter().any(|(method, _)| method == "GET");
            let deadline = patience();
            while !polls().await {
                assert!(!deadline.passed(), "{row}: others were not held while armed");
                page.wait_change(briefly()).await;
            }
        }
        let intent = IntentId::new(agent::clock::now(), 1);
        let pass = PassSaid::Plain { intent, ttl_ms: 60_000, submit_max_ms: 60_000 };
        gate.permit(pass).await.unwrap();
        gate.clicked().await.unwrap();
        let held = while_clicking(page, gate.held(patience())).await;
        match held.unwrap() {
            Some(held) => {
                held.proceed().await.unwrap();
                assert!(gate.answered(soon()).await.is_some(), "{row}: no end");
            }
            None => assert!(sabotaged(), "{row}: nothing was sent"),
        }
        if row == "reload-reposts" {
            until("the page sends its form again", async || posted_again(&gate).then_some(()))
                .await;
        } else if self.row.manner.page != FORM {
            until("the page has seen the end", async || ended(page).await.then_some(())).await;
        }
        gate.bar().await.unwrap();
    }
}

/// Whether this build is broken on purpose, to see whether it is caught.
fn sabotaged() -> bool {
    std::env::var_os("FLEET_SABOTAGE").is_some()
}

fn patience() -> Deadline {
    if sabotaged() { Deadline::within(Duration::from_secs(4)) } else { soon() }
}

fn posted_again(gate: &Gate) -> bool {
    gate.refused().iter().any(|(method, _)| method == "POST")
}

/// The page says that its submission is over, or the browser shows an error instead of it.
async fn ended(page: &Page) -> bool {
    let Ok(text) = page.visible_text().await else { return false };
    text.contains("ended") || page.url().starts_with("chrome-error:")
}

/// One click, and not one more, beside what it brings. It may never return while its request is held, so it is left when that is
/// there, however long the click itself has taken.
async fn while_clicking<T>(page: &Page, brings: impl Future<Output = T>) -> T {
    let button = Query::role("button", "Submit");
    let found = crate::shared::done(async |_| page.one(&button).await).await;
    let click = async {
        // What was not pressed (it moved, say) is tried again; everything else is what the row is about.
        for tries in 0..50 {
            let tried = page.click_once_at(&found.stands_for, tries, &mut Unobserved).await;
            if !matches!(tried, Attempted::Wait(_)) {
                return;
            }
        }
    };
    tokio::pin!(brings, click);
    tokio::select! {
        brought = &mut brings => brought,
        () = &mut click => brings.await,
    }
}

#[test]
fn a_submission_arrives_once_with_the_gate_and_more_often_without() {
    run(async {
        let only = std::env::var("FLEET_ROW").ok();
        let mut rows = rows();
        rows.retain(|row| only.as_deref().is_none_or(|only| row.name == only));
        let hosts: Vec<String> = (0..rows.len() * 2).map(|n| format!("p{n}.test")).collect();
        let (tls, authority) = certificates(hosts.clone());
        let mut cases = Vec::new();
        for (n, host) in hosts.into_iter().enumerate() {
            let row = &rows[n / 2];
            let payer = Payer::open(row.manner.clone(), &tls).await;
            cases.push(Case { row, gated: n % 2 == 0, host, payer });
        }
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority).unwrap();
        let config = LaunchConfig {
            host_rules: cases.iter().map(|c| (c.host.clone(), c.payer.at)).collect(),
            extra_ca: Some(ca),
            tunnels: Some(gate_program(None)),
            ..config().await
        };
        let fleets = Browser::launch(config.clone()).await.unwrap();
        let with_http2 = Browser::launch(LaunchConfig { http2: true, ..config }).await.unwrap();
        futures_util::stream::iter(&cases)
            .for_each_concurrent(4, async |case| {
                let http2 = if case.gated { case.row.http2 } else { case.row.manner.http2 };
                case.run(if http2 { &with_http2 } else { &fleets }).await;
            })
            .await;
        tokio::time::sleep(AFTERWARDS).await;
        let mut table = String::from(
            "\n| server or page | protocol | with the gate | without |\n|---|---|---|---|\n",
        );
        for pair in cases.chunks(2) {
            let (row, gated, without) =
                (pair[0].row, pair[0].payer.received(), pair[1].payer.received());
            table.push_str(&format!("| {} | {} | {gated} | {without} |\n", row.name, row.protocol));
        }
        // Past the test harness, which would keep it to itself.
        std::io::stderr().write_all(table.as_bytes()).unwrap();
        for pair in cases.chunks(2) {
            let row = pair[0].row;
            assert_eq!(
                pair[0].payer.received(),
                1,
                "{} over {} did not arrive once\n{table}",
                row.name,
                row.protocol
            );
            let without = pair[1].payer.received();
            assert!(without >= if row.resent { 2 } else { 1 }, "void: {}\n{table}", row.name);
        }
        fleets.close().await;
        with_http2.close().await;
    });
}

/// A gate that is off, and one that holds the submission only, are caught by the rows above.
#[cfg(feature = "faults")]
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a defect is put in by the environment of a process of its own"
)]
fn a_broken_gate_is_caught() {
    for (defect, row, says) in [
        ("gate-off", "kept-alive-closed, warm, form", "did not arrive once"),
        ("others-not-held", "polling page, kept-alive-closed", "others were not held"),
    ] {
        let this = std::env::current_exe().unwrap();
        let test = "resend::a_submission_arrives_once_with_the_gate_and_more_often_without";
        let ran = std::process::Command::new(this)
            .args(["--exact", test])
            .envs([("FLEET_SABOTAGE", defect), ("FLEET_ROW", row)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(!ran.status.success() && said.contains(says), "{defect}: {said}");
    }
}
