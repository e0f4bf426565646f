//! A good day at each of the other four payers: a request is sent, recorded once, and its status asked for. Their ways in differ: a
//! code by mail, a code of an authenticator on another host, digits of a PIN on a scrambled pad, a link by mail.

use anyhow::Result;
use serde_json::{Value, json};
use tests::fleet::requests;

use super::{end, fleet, record_of, settled, take_in};

/// Sends the request, then asks for its status after the payer's clock has moved.
async fn sent_and_asked(
    payer: &'static str,
    member: &str,
    code: &str,
    (later, answer): (&str, &str),
) -> Result<()> {
    let fleet = fleet(&format!("newer-{payer}"), payer, 1).await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = match payer {
        "verity" => requests::review(member, code, 1, 7, Some(&note)),
        _ => requests::prior_auth(member, code, 1, 7, Some(&note)),
    };
    let (case, job) = take_in(&fleet, payer, &request).await?;
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, payer, code).await?.is_once_and_known(&job);
    fleet.control(payer).advance(later).await?;
    let asked = fleet.api.post("jobs", &json!({"case": case, "task": "auth_status"})).await?;
    let asked = settled(&fleet, asked["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(asked["state"], "done", "{asked}");
    assert_eq!(asked["outcome"]["answer"], answer, "{asked}");
    nothing_typed_is_kept(&fleet, &job).await?;
    end(fleet).await
}

/// What was typed at the sign-in is in none of the documents kept of it.
async fn nothing_typed_is_kept(fleet: &tests::fleet::Fleet, job: &Value) -> Result<()> {
    let account = tests::portal::world::world()
        .accounts
        .iter()
        .find(|a| Some(a.payer.as_str()) == job["payer"].as_str() && a.origin == "fleet");
    let Some(account) = account else { return Ok(()) };
    let secrets: Vec<&str> = [Some(account.password.as_str()), account.pin.as_deref()]
        .into_iter()
        .flatten()
        .filter(|one| !one.is_empty())
        .collect();
    let path = format!("attempts?job={}", job["id"].as_str().unwrap_or_default());
    for attempt in fleet.api.get(&path).await?["items"].as_array().into_iter().flatten() {
        let path = format!("attempts/{}/steps", attempt["id"].as_str().unwrap_or_default());
        let steps = fleet.api.get(&path).await?;
        for one in &secrets {
            assert!(!steps.to_string().contains(one), "a secret is in a step");
        }
        let pad = steps["items"].as_array().into_iter().flatten().find(|step| {
            step["name"].as_str().is_some_and(|name| name.ends_with("password-and-pin"))
        });
        for act in pad.and_then(|step| step["acts"].as_array()).into_iter().flatten() {
            let on_a_key = act["verb"] == "click" && act["element"] != "shell.sign_in_button";
            assert!(!on_a_key, "where the pad was pressed is not told: {act}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn verity_with_a_code_by_mail() -> Result<()> {
    sent_and_asked("verity", "M01", "70551", ("PT49H", "approved")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn larkfield_with_a_code_on_another_host() -> Result<()> {
    sent_and_asked("larkfield", "M06", "70551", ("PT49H", "approved")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn planbridge_with_digits_of_a_pin() -> Result<()> {
    sent_and_asked("planbridge", "M12", "70551", ("PT49H", "approved")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rxbright_with_a_link_by_mail() -> Result<()> {
    sent_and_asked("rxbright", "M14", "J1750", ("PT49H", "approved")).await
}
