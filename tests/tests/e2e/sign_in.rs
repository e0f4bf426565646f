//! The way in is not as usual: a picture puzzle, changed terms, a refused password, a password to be changed. The fleet stops
//! before it types, ticks or tries anything, asks a person, and goes on when that person says so.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    fleet::{Fleet, api::until, requests},
    portal::{Fault, Truth, world::world},
};

use super::{
    PATIENCE, all_fired, arm, end, exception_of, failure_of, fleet, name_of, settled, take_in,
    try_again,
};

/// An inquiry that only reads.
fn inquiry(payer: &str) -> Value {
    requests::claim_status(if payer == "harbor" { "PC03" } else { "PC01" })
}

/// Waits until the job waits for a person, and gives what it was that stopped it.
async fn stopped(fleet: &Fleet, job: &str, kind: &str) -> Result<String> {
    let settled = settled(fleet, job).await?;
    assert_eq!(settled["state"], "waiting", "{settled}");
    let question = exception_of(fleet, job).await?;
    assert_eq!(question["kind"], kind, "{question}");
    Ok(name_of(&failure_of(fleet, job).await?).to_owned())
}

async fn count(truth: &Truth, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<usize> {
    Ok(truth.of_kind(kind).await?.iter().filter(|entry| fits(entry)).count())
}

/// A picture puzzle at the sign-in, and changed terms at the next one. `terms` is where they show, `kept` what the payer keeps of an
/// acceptance.
async fn puzzle_and_terms(payer: &'static str, terms: &str, kept: &str) -> Result<()> {
    let mut fleet = fleet(&format!("sign-in-{payer}"), payer, 1).await?;
    let truth = fleet.truth(payer);
    arm(&fleet, payer, Fault::new("F19").at("login")).await?;
    let (_, job) = take_in(&fleet, payer, &inquiry(payer)).await?;
    assert_eq!(stopped(&fleet, &job, "challenge").await?, "challenge");
    let shown = |entry: &Value| entry["shown"].is_u64() || entry["what"] == "shown";
    let tried = |entry: &Value| entry["try"].is_u64() || entry["what"] == "try";
    assert!(count(&truth, "captcha", shown).await? >= 1, "the puzzle was shown");
    assert_eq!(count(&truth, "captcha", tried).await?, 0, "nobody tried to solve it");
    assert!(truth.of_kind("login").await?.is_empty(), "no password was typed beside a puzzle");

    // The account's owner has dealt with it.
    all_fired(&fleet, payer).await?;
    try_again(&fleet, &job).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["state"], "done", "{job}");

    // Whoever takes the next job begins with a portal session of its own.
    fleet.kill_agent(0).await?;
    fleet.until_no_browser(PATIENCE).await?;
    fleet.control(payer).end_sessions().await?;
    let accepted = truth.of_kind(kept).await?.len();
    arm(&fleet, payer, Fault::new("F13").at(terms)).await?;
    fleet.start_agent(&[]).await?;
    let other = requests::claim_status(if payer == "harbor" { "PC05" } else { "PC10" });
    let (_, job) = take_in(&fleet, payer, &other).await?;
    let named = stopped(&fleet, &job, "challenge").await?;
    assert_eq!(named, "terms_changed");
    let known = fleet.api.get(&format!("payers/{payer}")).await?;
    let suspended = known["profile"]["permission"]["suspended"].as_str().unwrap_or_default();
    assert!(
        suspended.contains("changed terms"),
        "no sign-in until somebody has read them: {known}"
    );
    let drift = fleet.api.get("drift?kind=meaning_changed").await?;
    assert!(drift["items"].as_array().is_some_and(|items| !items.is_empty()), "{drift}");
    assert!(!truth.of_kind("terms_shown").await?.is_empty(), "they were shown");
    assert_eq!(truth.of_kind(kept).await?.len(), accepted, "nobody accepted them");
    all_fired(&fleet, payer).await?;
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn crestline_shows_a_puzzle_and_later_changed_terms() -> Result<()> {
    puzzle_and_terms("crestline", "login", "terms_received").await
}

#[tokio::test(flavor = "multi_thread")]
async fn harbor_shows_a_puzzle_and_later_another_warning() -> Result<()> {
    puzzle_and_terms("harbor", "banner", "attest").await
}

/// One wrong password is one try: the account is not used again until somebody records another one.
async fn wrong_password(payer: &'static str) -> Result<()> {
    let fleet = fleet(&format!("sign-in-wrong-{payer}"), payer, 1).await?;
    let truth = fleet.truth(payer);
    let place = format!("payers/{payer}/credential");
    let account = world().accounts.iter().find(|a| a.payer == payer && a.origin == "fleet");
    let account = account.expect("the world has an account");
    let record = async |password: &str| {
        let mut secrets = json!({"user": account.id, "password": password});
        if let Some(seed) = &account.totp_seed {
            secrets["code"] = json!({"totp": seed, "period_s": fleet.options.code_step_s});
        }
        fleet.api.put(&place, &json!({"account": account.id, "secrets": secrets})).await
    };
    record("Thistle-Not-This-One").await?;
    let (_, first) = take_in(&fleet, payer, &inquiry(payer)).await?;
    assert_eq!(stopped(&fleet, &first, "login_refused").await?, "bad_credentials");
    let second = requests::claim_status(if payer == "harbor" { "PC05" } else { "PC02" });
    let (_, second) = take_in(&fleet, payer, &second).await?;
    let refused = |entry: &Value| entry["result"] == "wrong" || entry["how"] == "wrong";
    let path = format!("jobs/{second}");
    let held = until(PATIENCE, "the account is held back", || async {
        let job = fleet.api.get(&path).await?;
        Ok(job["blocked"]
            .as_str()
            .is_some_and(|b| b.contains("refused the account"))
            .then_some(job))
    })
    .await?;
    assert_eq!(
        (held["state"].as_str(), held["attempts"].as_i64()),
        (Some("ready"), Some(0)),
        "{held}"
    );
    assert_eq!(count(&truth, "login", refused).await?, 1, "one try, not one more");

    record(&account.password).await?;
    assert_eq!(settled(&fleet, &second).await?["state"], "done");
    try_again(&fleet, &first).await?;
    assert_eq!(settled(&fleet, &first).await?["state"], "done");
    assert_eq!(count(&truth, "login", refused).await?, 1, "one try, not one more");
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_at_crestline_is_tried_once() -> Result<()> {
    wrong_password("crestline").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_at_harbor_is_tried_once() -> Result<()> {
    wrong_password("harbor").await
}

/// A password that must be changed is the owner's business: nothing is typed into that form.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_to_be_changed_is_left_to_its_owner() -> Result<()> {
    let fleet = fleet("sign-in-expired", "harbor", 1).await?;
    fleet.control("harbor").knob("password_age_d", 61).await?;
    let (_, job) = take_in(&fleet, "harbor", &inquiry("harbor")).await?;
    assert_eq!(stopped(&fleet, &job, "login_refused").await?, "password_change_due");
    let truth = fleet.truth("harbor");
    assert!(truth.of_kind("password_received").await?.is_empty(), "nothing was typed");
    end(fleet).await
}
