//! An agent is frozen or killed with a permit in its hand. The submit gate acts without it: nothing leaves after the permit's window,
//! and because nothing left at all it says so, signed; the doubt is over without asking the payer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tests::fleet::api::until;

use super::{PATIENCE, ask_for, end, fleet, folder, record_of, settled};

/// What becomes of the agent at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// Frozen until the permit's whole window is over, then it goes on.
    Frozen,
    /// Killed, and another one begins with what it left on disk.
    Killed,
}

async fn struck(point: &str, blow: Blow) -> Result<()> {
    let story = format!("{blow:?}-{}", point.replace(':', "-")).to_lowercase();
    let mut fleet = fleet(&story, "crestline", 0).await?;
    let reached = folder(&story).join("reached");
    let hold = ("FLEET_FAULT_FOR_MS", if blow == Blow::Frozen { "6000" } else { "" }.to_owned());
    let agent = fleet
        .start_agent(&[
            ("FLEET_FAULT_POINT", point.to_owned()),
            ("FLEET_FAULT_FILE", reached.display().to_string()),
            ("FLEET_FAULT_ONCE", "yes".to_owned()),
            hold,
        ])
        .await?;
    let job = ask_for(&fleet, "crestline", "M01", "70551", 7).await?;
    until(PATIENCE, &format!("the agent reaches {point}"), || async {
        Ok(reached.exists().then_some(()))
    })
    .await?;
    match blow {
        Blow::Frozen => {
            let pid = fleet.agent_pid(agent).context("the agent runs")?;
            let pid = Pid::from_raw(i32::try_from(pid)?);
            kill(pid, Signal::SIGSTOP)?;
            // The lease covers permit, submit and more: when it is over, so is the window.
            fleet.api.job_until(&job, &["in_doubt"], PATIENCE).await?;
            let received = record_of(&fleet, "crestline", "70551").await?.received;
            assert_eq!(received, 0, "{point}: nothing was sent by a frozen agent");
            kill(pid, Signal::SIGCONT)?;
        }
        Blow::Killed => {
            fleet.kill_agent(agent).await?;
            fleet.until_no_browser(Duration::from_secs(30)).await?;
            let left = fleet.options.root.join("spool-1").display().to_string();
            fleet.start_agent(&[("FLEET_SPOOL_DIR", left)]).await?;
        }
    }
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    let audit = fleet.api.get("audit?limit=200").await?.to_string();
    assert!(audit.contains("submit.not_sent"), "{point}: the gate's word settled it: {job}");
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_between_permit_and_click() -> Result<()> {
    struck("permit:after", Blow::Frozen).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_between_latch_and_click() -> Result<()> {
    struck("click:before", Blow::Frozen).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_latch_and_click_and_the_next_life_tells_it() -> Result<()> {
    struck("click:before", Blow::Killed).await
}
