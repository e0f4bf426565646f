//! The operator's verbs as a person types them: the real program against a served coordinator; what it prints and how it ends.

use std::process::Stdio;

use coordinator::access::Role;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command, sync::oneshot, task::JoinHandle};

use crate::{
    drift::heal,
    limits::served,
    test_app::{TestApp, claim_status, failed, prior_auth},
};

/// A served application and what a person at the command line has.
struct Desk {
    app: TestApp,
    address: String,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// How a verb ended.
struct Ended {
    exit: i32,
    out: String,
    err: String,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let (address, end, task) = served(app.router.clone(), 16).await;
        Self { app, address, end, task }
    }

    async fn run(&self, words: &[&str], input: &str) -> Ended {
        self.run_as(Role::Admin, words, input).await
    }

    async fn run_as(&self, role: Role, words: &[&str], input: &str) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coordinator"))
            .args(words)
            .env("FLEET_COORDINATOR_URL", format!("http://{}", self.address))
            .env("FLEET_API_KEY", &self.app.keys[&role])
            .env("FLEET_DATA_DIR", self.app.dir.path().join("data"))
            .env("FLEET_KEY_FILE", self.app.dir.path().join("keys/master.key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let done = child.wait_with_output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { exit: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}{}", ended.out, ended.err))
}

#[tokio::test]
async fn a_case_goes_in_and_is_followed_to_its_end() {
    let desk = Desk::new().await;
    let body = json!({"payer": "crestline", "request": claim_status("W100000001")}).to_string();
    let words = ["jobs", "submit", "-", "--json", "--idempotency-key", "typed-twice-001"];
    let made = desk.run(&words, &body).await;
    assert_eq!(made.exit, 0, "{}", made.err);
    let again = desk.run(&words, &body).await;
    assert_eq!(made.out, again.out);
    let made = json_of(&made);
    let job = made["job"].as_str().unwrap();
    let list = desk.run(&["jobs", "list", "--state", "ready"], "").await;
    assert!(list.out.starts_with("JOB ") && list.out.contains(job), "{}", list.out);
    let lines = desk.run(&["jobs", "list", "--json"], "").await;
    assert_eq!(json_of(&lines)["id"], job);
    let shown = desk.run(&["cases", "show", made["case"].as_str().unwrap()], "").await;
    assert!(shown.out.contains("••••0001") && !shown.out.contains("ALDER"), "{}", shown.out);
    let late = desk.run(&["jobs", "watch", job, "--for-s", "0"], "").await;
    assert_eq!(late.exit, 9, "{}", late.err);

    let agent = desk.app.hello("a1", 1).await;
    let lease = desk.app.lease(&agent, 1).await.remove(0);
    desk.app.agent("report", &failed(&agent, &lease, "page_changed")).await.good();
    let watched = desk.run(&["jobs", "watch", job], "").await;
    assert_eq!(watched.exit, 8, "a person is needed: {}", watched.err);
    let log = desk.run(&["jobs", "log", job], "").await;
    assert!(log.out.starts_with("attempt 1 failed (work)"), "{}", log.out);
    let open = desk.run(&["exceptions", "list", "--state", "open", "--json"], "").await;
    let exception = json_of(&open)["id"].as_str().unwrap().to_owned();
    let words = ["exceptions", "resolve", &exception, "cancel", "--reason", "entered twice"];
    assert_eq!(desk.run(&words, "").await.exit, 0);
    assert_eq!(desk.run(&["jobs", "watch", job], "").await.exit, 4, "taken back");
    desk.end().await;
}

#[tokio::test]
async fn exit_codes_are_honest() {
    let desk = Desk::new().await;
    let missing = "job_01J8ZQ4N5B6C7D8E9F0G1H2J3K";
    let prior = json!({"payer": "crestline", "request": prior_auth("W100000001")}).to_string();
    assert_eq!(desk.run(&["jobs", "submit", "-"], &prior).await.exit, 0);
    for (role, words, input, exit) in [
        (Role::Admin, vec!["jobs", "show", missing], "", 3),
        (Role::Admin, vec!["jobs", "submit", "-"], prior.as_str(), 4),
        (Role::Admin, vec!["jobs", "submit", "-"], "{}", 2),
        (Role::Admin, vec!["jobs", "submit", "-"], "not json", 2),
        (Role::Admin, vec!["jobs", "submit", "/nonexistent.json"], "", 2),
        (Role::Admin, vec!["jobs", "list", "--state", "flying"], "", 2),
        (Role::Admin, vec!["jobs", "fly"], "", 2),
        (Role::Admin, vec!["jobs", "cancel", missing, "--reason", "why not"], "", 2),
        (Role::Viewer, vec!["users", "list"], "", 5),
        (Role::Viewer, vec!["jobs", "submit", "-"], prior.as_str(), 5),
        (Role::Admin, vec!["pools", "list", "--coordinator-url", "http://127.0.0.1:9"], "", 6),
        (Role::Admin, vec!["doctor"], "", 7),
    ] {
        let ended = desk.run_as(role, &words, input).await;
        assert_eq!(ended.exit, exit, "{words:?}: {}{}", ended.out, ended.err);
        assert!(!ended.err.is_empty() || !ended.out.is_empty(), "{words:?} says nothing");
    }
    desk.end().await;
}

#[tokio::test]
async fn operators_keep_the_fleet_from_the_command_line() {
    let desk = Desk::new().await;
    let agent = desk.app.hello("a1", 2).await;
    let good = async |words: Vec<&str>, input: &str| {
        let ended = desk.run(&words, input).await;
        assert_eq!(ended.exit, 0, "{words:?}: {}{}", ended.out, ended.err);
        ended
    };
    let drained =
        good(vec!["agents", "drain", &agent, "--reason", "new version", "--json"], "").await;
    assert_eq!(json_of(&drained)["state"], "draining");
    good(vec!["agents", "resume", &agent, "--reason", "checked"], "").await;
    good(vec!["pools", "pause", "default", "--reason", "network", "--yes"], "").await;
    good(vec!["pools", "resume", "default", "--reason", "done"], "").await;
    good(vec!["payers", "pause", "harbor", "--reason", "upgrade", "--yes"], "").await;
    good(vec!["payers", "resume", "harbor", "--reason", "over"], "").await;
    desk.app.take_in("crestline", &claim_status("W100000001")).await;
    let lease = desk.app.lease(&agent, 1).await.remove(0);
    desk.app.agent("report", &failed(&agent, &lease, "login_rejected")).await.good();
    let clear = ["payers", "clear-account", "crestline", "--account", "clinic", "--reason"];
    let cleared = good([&clear[..], &["unlocked", "--json"]].concat(), "").await;
    assert_eq!(json_of(&cleared)["credentials"][0]["state"], "good");
    let limit =
        ["payers", "limit", "harbor", "--gap-ms", "250", "--reason", "asked by them", "--json"];
    let limits = json_of(&good(limit.to_vec(), "").await)["profile"]["limits"].clone();
    assert_eq!((&limits["gap_ms"], &limits["sessions_max"]), (&json!(250), &json!(1)));
    let permit = [
        "payers",
        "permit",
        "harbor",
        "--state",
        "permitted",
        "--basis",
        "contract",
        "--until",
        "2027-01-01T00:00:00Z",
        "--tasks",
        "submit,claim_status",
        "--reason",
        "signed",
    ];
    good(permit.to_vec(), "").await;
    let register = good(vec!["payers", "register", "--payer", "harbor"], "").await;
    assert!(register.out.contains("permitted") && register.out.contains("contract"));
    let csv = good(vec!["payers", "register", "--csv"], "").await;
    assert!(csv.out.starts_with("payer,") || csv.out.lines().next().unwrap().contains("payer"));
    assert_eq!(csv.out.lines().count(), 3, "{}", csv.out);
    let secrets = json!({"user": "u-9", "password": "Pa55-from-stdin"}).to_string();
    let words = vec!["payers", "credential", "harbor", "--account", "second", "--file", "-"];
    let set = good(words, &secrets).await;
    assert!(!set.out.contains("Pa55") && set.out.contains("second"), "{}", set.out);
    good(vec!["scripts", "list"], "").await;
    desk.end().await;
}

#[tokio::test]
async fn people_and_keys_are_kept_from_the_command_line() {
    let desk = Desk::new().await;
    let good = async |words: Vec<&str>, input: &str| {
        let ended = desk.run(&words, input).await;
        assert_eq!(ended.exit, 0, "{words:?}: {}{}", ended.out, ended.err);
        ended
    };
    let words = vec!["users", "add", "ann", "--name", "Ann Field", "--role", "operator", "--json"];
    let ann = json_of(&good(words, "a long enough password\n").await);
    let words = vec![
        "users",
        "key",
        ann["id"].as_str().unwrap(),
        "--name",
        "n",
        "--role",
        "viewer",
        "--json",
    ];
    let key = json_of(&good(words, "").await);
    assert!(key["key"].as_str().unwrap().starts_with("fleet_"));
    let (user, key_id) = (ann["id"].as_str().unwrap(), key["id"].as_str().unwrap());
    assert!(good(vec!["users", "keys"], "").await.out.contains(key_id));
    let revoke = ["users", "revoke-key", key_id, "--reason", "the machine was sold", "--yes"];
    good(revoke.to_vec(), "").await;
    let words = vec!["users", "lock", user, "--reason", "left", "--yes", "--json"];
    assert_eq!(json_of(&good(words, "").await)["state"], "locked");
    good(vec!["users", "unlock", user, "--reason", "came back"], "").await;
    let set =
        good(vec!["users", "password", user, "--reason", "forgotten"], "one more long one").await;
    assert!(!set.out.contains("one more long one"));
    desk.end().await;
}

#[tokio::test]
async fn drift_is_decided_from_the_command_line() {
    let desk = Desk::new().await;
    let agent = desk.app.hello("a1", 1).await;
    for (member, element) in
        [("W100000001", "find"), ("W100000002", "next"), ("W100000003", "back")]
    {
        heal(&desk.app, &agent, member, element).await;
    }
    let list = desk.run(&["drift", "list", "--state", "open"], "").await;
    assert!(list.out.starts_with("DRIFT ") && list.out.contains("healed"), "{}", list.out);
    let lines = desk.run(&["drift", "list", "--json"], "").await;
    let ids: Vec<Value> = lines.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(ids.len(), 3);
    let id = ids[0]["id"].as_str().unwrap();
    let shown = desk.run(&["drift", "show", id, "--json"], "").await;
    assert_eq!(json_of(&shown)["now"]["name"], "Search");

    let scripts = desk.run(&["scripts", "list", "--json"], "").await;
    let held: Vec<Value> = scripts
        .out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .filter(|s: &Value| s["state"] == "held")
        .collect();
    assert_eq!(held.len(), 1, "three different healings");
    let accept = ["drift", "accept", id, "--reason", "the same button", "--yes", "--json"];
    assert_eq!(json_of(&desk.run(&accept, "").await)["state"], "accepted");
    let sha256 = held[0]["sha256"].as_str().unwrap();
    for (words, exit) in [
        (vec!["drift", "accept", id, "--reason", "once more", "--yes"], 4),
        (vec!["drift", "dismiss", id, "--reason", "no terminal to ask at"], 2),
        (vec!["drift", "list", "--kind", "broken"], 2),
        (vec!["drift", "show", "drift_01J8ZQ4N5B6C7D8E9F0G1H2J3K"], 3),
        (vec!["scripts", "unhold", sha256, "--reason", "it goes on already"], 4),
        (vec!["scripts", "hold", sha256, "--reason", "the wrong button", "--yes"], 0),
        (vec!["scripts", "unhold", sha256, "--reason", "the right one"], 0),
    ] {
        let ended = desk.run(&words, "").await;
        assert_eq!(ended.exit, exit, "{words:?}: {}{}", ended.out, ended.err);
    }
    let low = desk.run_as(Role::Operator, &accept, "").await;
    assert_eq!(low.exit, 5, "{}", low.err);
    desk.end().await;
}
