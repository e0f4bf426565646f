//! Two channels, one lock: the portal goes down and the payer's interface carries on; it comes back; a doubt on one holds the other.

use anyhow::{Context as _, Result};
use tests::{
    fleet::{Fleet, Options, api::until, fallback, fallback::PAYER, requests},
    portal::Fault,
};

use super::{
    PATIENCE, arm, ask_for, end, exception_of, name_of, numbers, options, record_of, settled,
    submissions, take_in,
};

async fn two_channels(story: &str) -> Result<Fleet> {
    Fleet::start(Options { fallback: true, ..options(story, PAYER) }).await
}

/// Asks for the status of one request again and again until the answer comes by that channel.
async fn goes_by(fleet: &Fleet, one: &[String], channel: &str) -> Result<()> {
    until(PATIENCE, &format!("a status check goes by {channel}"), || async {
        let job = fallback::check(fleet, one).await?.remove(0);
        let job = settled(fleet, &job).await?;
        assert_eq!(job["state"], "done", "{job}");
        let by = fallback::answered_by(fleet, job["id"].as_str().unwrap_or_default()).await?;
        Ok((by.as_deref() == Some(channel)).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_carries_on_when_the_portal_goes_down_and_the_portal_when_it_is_back()
-> Result<()> {
    let fleet = two_channels("fallback-status").await?;
    let filed = fallback::on_file(&fleet, 7, 8).await?;
    goes_by(&fleet, &filed[..1], "portal").await?;
    // Half of them meet the portal as it goes down: each may go by either channel. The others find it down.
    let mut jobs = fallback::check(&fleet, &filed[..4]).await?;
    fallback::shut(&fleet).await?;
    jobs.extend(fallback::check(&fleet, &filed[4..]).await?);
    for job in &jobs {
        let job = settled(&fleet, job).await?;
        assert_eq!(
            (&job["state"], &job["outcome"]["answer"]),
            (&"done".into(), &"pended_review".into()),
            "{job}"
        );
    }
    for (at, (job, number)) in jobs.iter().zip(&filed).enumerate() {
        let tried = fallback::attempts(&fleet, job).await?;
        let good: Vec<_> = tried.iter().filter(|a| a["state"] == "succeeded").collect();
        assert_eq!(good.len(), 1, "answered once: {tried:?}");
        let shown = fleet.api.get(&format!("jobs/{job}")).await?;
        assert!(numbers(&shown).contains(number), "filed by hand, found on both channels: {shown}");
        assert_eq!(shown["channel"], good[0]["channel"], "{shown}");
        match good[0]["channel"].as_str() {
            Some("portal") => assert!(at < 4, "the portal was down: {tried:?}"),
            Some("fhir_pas") => {
                let because = good[0]["because"].as_str().unwrap_or_default();
                assert!(because.starts_with("portal: "), "why it is not the portal: {because}");
            }
            other => panic!("{other:?}: {tried:?}"),
        }
    }

    fallback::reopen(&fleet).await?;
    goes_by(&fleet, &filed[..1], "portal").await?;
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_on_one_channel_holds_the_other_until_it_is_found() -> Result<()> {
    let fleet = two_channels("fallback-doubt").await?;
    // A check that meets the dead portal lets everything go by the interface.
    fallback::shut(&fleet).await?;
    let filed = fallback::on_file(&fleet, 40, 1).await?;
    let check = fallback::check(&fleet, &filed).await?.remove(0);
    settled(&fleet, &check).await?;
    assert_eq!(fallback::answered_by(&fleet, &check).await?.as_deref(), Some("fhir_pas"));

    refused_at_the_door(&fleet).await?;

    arm(&fleet, PAYER, Fault::new("F06").at("pas_submit")).await?;
    let job = ask_for(&fleet, PAYER, "M06", "70551", 7).await?;
    let truth = fleet.truth(PAYER);
    let fhir = |entry: &serde_json::Value| entry["channel"] == "fhir";
    let lost = |entry: &serde_json::Value| fhir(entry) && entry["answered"] == "not_sent";
    truth.wait_for("submit_committed", PATIENCE, lost).await?;
    // The portal works again at once: nothing may be sent there while the doubt lasts.
    fallback::reopen(&fleet).await?;
    let done = settled(&fleet, &job).await?;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["outcome"]["via"], "reconcile", "{done}");
    record_of(&fleet, PAYER, "70551").await?.knows(&done);
    let tried = fallback::attempts(&fleet, &job).await?;
    let looks: Vec<_> = tried.iter().filter(|a| a["purpose"] == "reconcile").collect();
    assert!(!looks.is_empty() && looks.iter().all(|a| a["channel"] == "fhir_pas"), "{tried:?}");
    let sent: Vec<_> = truth.of_kind("submit_received").await?;
    let by_fleet = sent.iter().filter(|entry| entry["origin"] == "fleet");
    assert_eq!(by_fleet.count(), 3, "one arrival of each request on any channel: {sent:?}");
    assert_eq!(submissions(&truth).await?, (4, 3), "with the one filed by hand");

    // What went by PAS is found on the portal under its number.
    let number = numbers(&done).into_iter().next().context("a number was taken over")?;
    goes_by(&fleet, std::slice::from_ref(&number), "portal").await?;
    end(fleet).await
}

/// While everything goes by PAS: a request is taken in, and another one, of a member born on another day, is refused at the door. The
/// refusal is believed when the payer's search shows the first and not the second; a person corrects it, and it is not sent again.
async fn refused_at_the_door(fleet: &Fleet) -> Result<()> {
    let taken = settled(fleet, &ask_for(fleet, PAYER, "M06", "72148", 12).await?).await?;
    assert_eq!(
        (&taken["state"], &taken["channel"]),
        (&"done".into(), &"fhir_pas".into()),
        "{taken}"
    );
    let mut request = requests::prior_auth("M06", "70553", 1, 14, None);
    request["member"]["dob"] = "1990-09-09".into();
    let (_, job) = take_in(fleet, PAYER, &request).await?;
    let job = settled(fleet, &job).await?;
    assert_eq!(job["state"], "waiting", "{job}");
    let id = job["id"].as_str().context("a job has an id")?;
    let question = exception_of(fleet, id).await?;
    assert_eq!(question["kind"], "correct", "{question}");
    assert_eq!(name_of(&question["failure"]), "refused_at_the_door");
    assert_eq!(question["failure"]["kind"], "refused", "{question}");
    let tried = fallback::attempts(fleet, id).await?;
    let of: Vec<_> = tried.iter().map(|a| (a["purpose"].as_str(), a["state"].as_str())).collect();
    assert_eq!(of, [(Some("work"), Some("failed")), (Some("reconcile"), Some("succeeded"))]);
    Ok(())
}
