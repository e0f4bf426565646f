//! A payer renders a control anew: what a script was written for is lost, the control that stands out is used in its stead, and a
//! person looks at both pictures before it is remembered.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::fleet::{repository, requests};

use super::{PATIENCE, end, exception_of, fleet, settled, take_in, try_again};

const PAYER: &str = "harbor";

fn read(folder: &Path, below: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, below, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let name = path.strip_prefix(below)?.to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The payer's script with one button found by its markup alone, as a hasty author writes it, and leave to heal it.
fn hasty() -> Result<BTreeMap<String, String>> {
    let (below, mut files) = (repository().join("scripts"), BTreeMap::new());
    read(&below, &below, &mut files)?;
    let shell = files.get_mut("harbor/fragments/shell.yaml").context("the fragment is there")?;
    for (usual, hasty) in [
        (
            "[{role: button, name: Sign On}, {css: \"input[type=submit][value='Sign On']\"}]",
            "{css: \"input[type=submit][value='Sign On']\", heal: auto}",
        ),
        (
            "{see: [user_id, password_box, sign_on_button], gone",
            "{see: [user_id, password_box], gone",
        ),
    ] {
        assert!(shell.contains(usual), "the fragment is written otherwise now: {usual}");
        *shell = shell.replace(usual, hasty);
    }
    Ok(files)
}

fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 300
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_rendered_anew_is_healed_and_looked_at_by_a_person() -> Result<()> {
    let mut fleet = fleet("drift-harbor", PAYER, 1).await?;
    let script = json!({"script": "harbor/claim_status", "files": hasty()?});
    fleet.api.post("scripts", &script).await?;
    let (_, job) = take_in(&fleet, PAYER, &requests::claim_status("PC03")).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["state"], "done", "{job}");
    let known = fleet.api.get("drift?kind=healed").await?;
    assert_eq!(known["items"], json!([]), "the pages are as the script knows them");

    // Whoever takes the next job signs in anew, and meets other pages.
    fleet.kill_agent(0).await?;
    fleet.until_no_browser(PATIENCE).await?;
    fleet.control(PAYER).end_sessions().await?;
    fleet.control(PAYER).skin(&json!({"skin": "v2"})).await?;
    fleet.start_agent(&[]).await?;
    let (_, job) = take_in(&fleet, PAYER, &requests::claim_status("PC05")).await?;
    let stopped = settled(&fleet, &job).await?;
    assert_eq!(stopped["state"], "waiting", "the pages behind are strange: {stopped}");
    assert_eq!(exception_of(&fleet, &job).await?["kind"], "page_changed");

    let open = fleet.api.get("drift?kind=healed&state=open").await?;
    let item = open["items"].as_array().and_then(|items| items.first()).cloned();
    let item = item.context("the healing waits for a person")?;
    let place = format!("drift/{}", item["id"].as_str().context("it has an id")?);
    let item = fleet.api.get(&place).await?;
    assert!(item["element"].as_str().is_some_and(|e| e.ends_with("sign_on_button")), "{item}");
    assert_eq!(
        (&item["before"]["name"], &item["now"]["name"]),
        (&json!("Sign On"), &json!("Sign On"))
    );
    assert!(item["score"].as_f64().is_some_and(|score| score > 0.5), "{item}");
    let proposed = &item["change"]["added"][0];
    assert!(proposed.as_str().is_some_and(|line| line.contains("name: 'Sign On'")), "{item}");
    for side in ["before_evidence", "now_evidence"] {
        let picture = item[side].as_str().with_context(|| format!("no {side}: {item}"))?;
        assert!(is_picture(&fleet.api.evidence(picture).await?), "{side}");
    }

    let because = json!({"reason": "The same button in new clothes."});
    let rev = item["rev"].as_i64().context("it has a revision")?;
    let done: Value = fleet.api.act(&format!("{place}/accept"), rev, &because).await?;
    assert_eq!(done["state"], "accepted", "{done}");
    // The payer takes its pages back, and a person lets the job try again.
    fleet.control(PAYER).skin(&json!({"skin": "v1"})).await?;
    fleet.control(PAYER).end_sessions().await?;
    try_again(&fleet, &job).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["state"], "done", "{job}");
    end(fleet).await
}
