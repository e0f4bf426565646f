//! The end of a story: what must hold after every one of them, whatever was broken on its way.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tests::{
    fleet::Fleet,
    portal::{Truth, world::world},
};

/// Ends a story's fleet: no job is lost, no request arrived twice, nothing of a patient or an account is in a log.
pub async fn end(fleet: Fleet) -> Result<()> {
    let payers = fleet.options.payers.clone();
    no_job_is_lost(&fleet).await?;
    for payer in payers {
        nothing_came_twice(&fleet.truth(payer)).await?;
    }
    let logs = fleet.options.root.join("logs");
    fleet.end().await?;
    nothing_is_told(&logs)
}

/// Every job has an answer, or a person has been asked.
async fn no_job_is_lost(fleet: &Fleet) -> Result<()> {
    let page = fleet.api.get("jobs?limit=200").await?;
    for job in page["items"].as_array().context("a list of jobs")? {
        match job["state"].as_str() {
            Some("done") => {}
            Some("waiting") => {
                let question = super::exception_of(fleet, job["id"].as_str().unwrap_or_default());
                let question = question.await?;
                assert_eq!(question["state"], "open", "a person is asked about {job}: {question}");
            }
            _ => bail!("neither answered nor with a person: {job}"),
        }
    }
    Ok(())
}

/// By the payer's own record: the same request never arrived twice unless the first was proved absent, and never was recorded twice.
async fn nothing_came_twice(truth: &Truth) -> Result<()> {
    let doubled = truth.of_kind("fault_fired").await?.iter().any(|f| f["do"] == "records-twice");
    let mut arrived: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in truth.of_kind("submit_received").await? {
        let seq = entry["seq"].as_u64().context("an entry has a number")?;
        arrived.entry(request_of(&entry["fields"])).or_default().push(seq);
    }
    let recorded = truth.of_kind("submit_committed").await?;
    for (request, seqs) in arrived {
        let effects: Vec<u64> = recorded
            .iter()
            .filter(|entry| entry["effect"] == true)
            .filter_map(|entry| entry["received_seq"].as_u64().filter(|seq| seqs.contains(seq)))
            .collect();
        assert!(effects.len() <= 1 || doubled, "{request} is on record {} times", effects.len());
        // What left no trace may be sent once more; after what was recorded nothing may come.
        assert!(seqs.len() <= 2, "{request} arrived at {seqs:?}");
        assert!(
            effects.iter().all(|seq| seqs.iter().max() == Some(seq)),
            "{request} arrived at {seqs:?} although it was on record from {effects:?} on"
        );
    }
    Ok(())
}

/// What makes two arrivals the same request: who, what, when.
fn request_of(fields: &Value) -> String {
    let who = &fields["memberId"];
    let lines: Vec<String> =
        fields["lines"].as_array().into_iter().flatten().map(line_of).collect();
    format!("{who} {} {}", fields["requestingNpi"], lines.join("+"))
}

fn line_of(line: &Value) -> String {
    format!("{}x{} from {}", line["code"], line["units"], line["from"])
}

/// No invented member, password or seed is in a log of the fleet, or in the name of one.
fn nothing_is_told(logs: &Path) -> Result<()> {
    let members = world().members.iter().flat_map(|m| [m.member_id.clone(), m.name()]);
    let accounts = world().accounts.iter().flat_map(|a| {
        std::iter::once(a.password.clone()).chain(a.totp_seed.clone()).collect::<Vec<_>>()
    });
    // Some portals know no passwords: an empty one is in every text.
    let secrets: Vec<String> = members.chain(accounts).filter(|text| !text.is_empty()).collect();
    for entry in std::fs::read_dir(logs).context("listing logs")? {
        let path = entry?.path();
        let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let text = format!("{}\n{}", path.display(), String::from_utf8_lossy(&text));
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{} tells {secret}", path.display());
        }
    }
    Ok(())
}
