//! The coordinator is dead when the payer answers: the agent keeps what it saw, also through its own death, and the number comes with
//! its picture when both are back.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use tests::fleet::{Fleet, Options, api::until, fallback};

use super::{PATIENCE, ask_for, end, folder, options, record_of, settled};

/// How many files of a kind lie in a spool; none of them may name the member.
fn kept(spool: &Path, kind: &str) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(spool)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(kind) && name.ends_with(".json") {
            // Delivered at this moment: it lies there no more.
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let closed = text.contains("\"sealed\"") && !text.contains("\"outcome\"");
            anyhow::ensure!(closed, "{name} can be read by anybody");
            count += 1;
        }
    }
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_read_while_the_coordinator_was_dead_comes_with_its_picture() -> Result<()> {
    let story = "away-killed";
    // Leases long enough that what is late here is not too late.
    let options = Options { agents: 0, lease_ttl_ms: 60_000, ..options(story, "crestline") };
    let mut fleet = Fleet::start(options).await?;
    let (reached, spool) = (folder(story).join("reached"), folder(story).join("spool"));
    let at = [
        ("FLEET_SPOOL_DIR", spool.display().to_string()),
        // The payer has answered, and the picture of it is not taken yet.
        ("FLEET_FAULT_POINT", "post-evidence".to_owned()),
        ("FLEET_FAULT_FILE", reached.display().to_string()),
        ("FLEET_FAULT_FOR_MS", "8000".to_owned()),
    ];
    let agent = fleet.start_agent(&at).await?;
    let job = ask_for(&fleet, "crestline", "M01", "70551", 7).await?;
    until(PATIENCE, "the payer has answered", || async { Ok(reached.exists().then_some(())) })
        .await?;
    fleet.kill_coordinator().await?;
    until(PATIENCE, "the report lies in the spool", || async {
        Ok((kept(&spool, "report-")? == 1).then_some(()))
    })
    .await?;
    let pieces = kept(&spool, "piece-")?;
    assert!(pieces >= 2, "with its pictures: {pieces}");
    fleet.kill_agent(agent).await?;
    fleet.until_no_browser(Duration::from_secs(30)).await?;

    fleet.start_coordinator().await?;
    fleet.start_agent(&at[..1]).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["outcome"]["via"], "agent", "proved, and not looked for: {job}");
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    let tried = fallback::attempts(&fleet, job["id"].as_str().context("an id")?).await?;
    assert_eq!(tried.len(), 1, "{tried:?}");
    let attempt = tried[0]["id"].as_str().context("an id")?;
    let kept_there = fleet.api.get(&format!("evidence?attempt={attempt}&limit=200")).await?;
    let items = kept_there["items"].as_array().context("a list of evidence")?;
    let after = items.iter().filter(|e| e["moment"] == "after" && e["kind"] == "full_page");
    assert!(after.count() >= 1, "the picture of the number: {items:?}");
    until(PATIENCE, "nothing waits in the spool any more", || async {
        Ok((kept(&spool, "piece-")? + kept(&spool, "report-")? == 0).then_some(()))
    })
    .await?;
    end(fleet).await
}
