//! Codes that are in no vault: by mail, two at once and one refused; from a person, who types it at the console or does not.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tests::{
    fleet::{Fleet, Options, api::until, console::Person, repository, requests},
    portal::{Fault, clock::real_now, totp, world::world},
};

use super::{
    PATIENCE, all_fired, arm, end, exception_of, failure_of, fleet, folder, name_of, options,
    settled, take_in,
};

/// Two codes lie in the box, and the first that is typed is refused: the newest is taken each time, none twice, and none a third
/// time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_codes_by_mail_the_newest_is_typed_and_after_a_refusal_the_next() -> Result<()> {
    let fleet = fleet("codes-mail", "verity", 1).await?;
    arm(&fleet, "verity", Fault::new("F17").at("attest").nth(2)).await?;
    arm(&fleet, "verity", Fault::new("F16").at("otp").nth(2)).await?;
    let asked = requests::auth_status("M01", "V0000000000");
    let (_, job) = take_in(&fleet, "verity", &asked).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["attempts"], 1, "one attempt found its way in: {job}");
    let truth = fleet.truth("verity");
    let codes = truth.of_kind("otp").await?;
    let count = |what: &str| codes.iter().filter(|entry| entry["what"] == what).count();
    assert_eq!((count("sent"), count("try")), (3, 2), "{codes:?}");
    all_fired(&fleet, "verity").await?;
    nothing_of_the_mailbox(&fleet).await?;
    end(fleet).await
}

/// What a mailbox is read with stays with the coordinator: not in a log, not in the audit.
async fn nothing_of_the_mailbox(fleet: &Fleet) -> Result<()> {
    let bearer = &fleet.ready("verity").mail.bearer;
    let audit = fleet.api.get("audit?limit=200").await?.to_string();
    assert!(audit.contains("secret.released") && !audit.contains(bearer.as_str()));
    for entry in std::fs::read_dir(fleet.options.root.join("logs"))? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        assert!(!text.contains(bearer.as_str()), "{}", path.display());
    }
    Ok(())
}

/// The repository's scripts, but Crestline's code is one that only a person has.
fn with_a_persons_code(story: &str) -> Result<PathBuf> {
    let to = folder(story).with_extension("scripts");
    match std::fs::remove_dir_all(&to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    copy(&repository().join("scripts/crestline"), &to.join("crestline"))?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = to.join(path.file_name().context("a file has a name")?);
        if path.is_dir() {
            copy(&path, &name)?;
        } else {
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(&name, text.replace("code: totp", "code: person_code"))?;
        }
    }
    Ok(())
}

async fn asking(story: &str, code_wait_ms: Option<i64>) -> Result<Fleet> {
    let scripts = Some(with_a_persons_code(story)?);
    // A person reads a code, goes to the console and types it there: it lives as long as a person's codes do, or a busy machine
    // would type it when it is over.
    let common = Options { code_step_s: 60, ..options(story, "crestline") };
    Fleet::start(Options { scripts, code_wait_ms, ..common }).await
}

/// Waits until an attempt of the job has asked a person.
async fn question(fleet: &Fleet, job: &str) -> Result<Value> {
    let path = format!("exceptions?job={job}&state=open");
    until(PATIENCE, "a person is asked for the code", || async {
        let page = fleet.api.get(&path).await?;
        Ok(page["items"].as_array().and_then(|items| items.first()).cloned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_only_a_person_has_is_typed_at_the_console_while_the_sign_in_waits() -> Result<()> {
    let fleet = asking("codes-person", None).await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let asked = question(&fleet, &job).await?;
    assert_eq!(asked["kind"], "code_wanted", "{asked}");
    assert!(asked["answer_by"].is_string(), "{asked}");
    let id = asked["id"].as_str().context("a question has an id")?;
    let attempt = asked["attempt"].as_str().context("an attempt asks")?;
    assert_eq!(fleet.api.get(&format!("attempts/{attempt}")).await?["state"], "paused");

    // Longer than a lease: its heartbeats keep it.
    let begun = fleet.api.get(&format!("jobs/{job}")).await?;
    assert_eq!(begun["state"], "leased", "{begun}");
    let account = world().account("crestline", "auto01").context("the fleet's account")?;
    let seed = account.totp_seed.as_deref().context("it has a seed")?;
    let person = Person::sign_in(&fleet).await?;
    let step = real_now().as_second().div_euclid(fleet.options.code_step_s);
    let code = totp::code(seed, step).context("the seed gives codes")?;
    assert_eq!(person.give_code(id, &code).await?, 303, "the answer was taken");

    let done = settled(&fleet, &job).await?;
    assert_eq!((done["state"].as_str(), &done["attempts"]), (Some("done"), &1.into()), "{done}");
    let audit = fleet.api.get("audit?limit=200").await?.to_string();
    for act in ["code.asked", "code.given"] {
        assert!(audit.contains(act), "{act} is written down");
    }
    assert!(!audit.contains(&code), "but not the code");
    assert!(!person.page(&format!("/inbox/{id}")).await?.contains(&code), "nor is it shown again");
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_nobody_gives_ends_the_attempt_and_asks_what_to_do() -> Result<()> {
    let fleet = asking("codes-nobody", Some(8_000)).await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let first = question(&fleet, &job).await?;
    let waiting = settled(&fleet, &job).await?;
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    let failure = failure_of(&fleet, &job).await?;
    assert_eq!(name_of(&failure), "code_needed", "{failure}");
    let next = exception_of(&fleet, &job).await?;
    assert_eq!(next["kind"], "code_wanted", "{next}");
    assert!(next["answer_by"].is_null(), "no attempt waits any more: {next}");
    let id = first["id"].as_str().context("a question has an id")?;
    let old = fleet.api.get(&format!("exceptions/{id}")).await?;
    assert_eq!(old["state"], "withdrawn", "{old}");
    end(fleet).await
}
