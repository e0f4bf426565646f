//! Faxes and letters, as a reader of the fax folder sees them, and the page for people who watch.

use serde_json::{Value, json};
use tests::portal::{Act, serve::Running, store::Told};

use super::{client::crestline, harbor_client::harbor, planbridge_client, verity_client};

/// A call of the fax folder; status and body.
async fn machine(running: &Running, path: &str, sent: Option<Vec<u8>>) -> (u16, Vec<u8>) {
    let ca = std::fs::read(&running.ready.ca).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let fax = &running.ready.fax;
    let addr: std::net::SocketAddr = fax.addr.parse().unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).resolve(&fax.host, addr);
    let http = http.build().unwrap();
    let url = format!("https://{}:{}{path}", fax.host, addr.port());
    let call = match sent {
        Some(bytes) => http.post(url).body(bytes),
        None => http.get(url),
    };
    let answer = call.bearer_auth(&fax.bearer).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn faxes(running: &Running, way: &str) -> Vec<Value> {
    let (status, body) = machine(running, &format!("/{way}"), None).await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["faxes"].as_array().unwrap().clone()
}

async fn text(running: &Running, fax: &Value) -> String {
    let path = format!("/in/{}.pdf", fax["id"].as_str().unwrap());
    let (status, body) = machine(running, &path, None).await;
    assert_eq!(status, 200);
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn a_determination_is_faxed_half_an_hour_before_the_portal_shows_it() {
    let verity = verity_client::verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_summary("70551").await;
    user.submit().await.unwrap();
    assert!(faxes(&verity.running, "in").await.is_empty(), "not decided yet");
    verity.control().advance("PT5M").await.unwrap();
    verity.control().act("V0123456790", &Act::Approve).await.unwrap();
    let sent = faxes(&verity.running, "in").await;
    assert_eq!((sent.len(), &sent[0]["pages"]), (1, &json!(1)));
    let paper = text(&verity.running, &sent[0]).await;
    assert!(paper.contains("V0123456790") && paper.contains("Decision: Approved"), "{paper}");
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says("Pending - Clinical Review"), "the portal is behind");
    let (status, _) = machine(&verity.running, "/in/fax-99.pdf", None).await;
    assert_eq!(status, 404);
    let (status, _) = machine(&verity.running, "/in/..%2Fbearer.pdf", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_reviewer_can_post_any_letter_and_let_it_contradict_the_portal() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    user.fill("E0601", "1").await;
    user.submit().await.unwrap();
    let number = user.numbers().await.remove(0);
    let control = harbor.control();
    let post = |template: &str| Act::PostLetter { template: template.to_owned() };
    control.act(&number, &Act::Contradict { told: Told::Letter }).await.unwrap();
    for template in ["determination_reworded", "determination_hostile+upside_down"] {
        control.act(&number, &post(template)).await.unwrap();
    }
    assert!(control.act(&number, &post("postcard")).await.is_err());
    let sent = faxes(&harbor.running, "in").await;
    assert_eq!(sent.len(), 2);
    let (first, second) =
        (text(&harbor.running, &sent[0]).await, text(&harbor.running, &sent[1]).await);
    assert!(first.contains("Outcome: Denied"), "{first}");
    assert!(second.contains("/Rotate 180") && second.contains("Automated reader"));
    let (_, notice) = user.bytes(&format!("nod?pan={number}")).await;
    assert!(
        String::from_utf8_lossy(&notice).contains("Decision: Denied"),
        "the letter of the portal"
    );
    assert!(user.get(&format!("paDetail?pan={number}")).await.says("<td>APPROVED</td>"));
}

#[tokio::test]
async fn two_patients_can_come_in_one_fax() {
    let bridge = planbridge_client::bridge().await;
    bridge.control().knob("fax_two_in_one", true).await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    user.fill("70551", "1").await;
    user.submit().await;
    let number = user.numbers().await.remove(0);
    let asks = Act::RequestInfo { documents: vec!["Office note".to_owned()] };
    bridge.control().act(&number, &asks).await.unwrap();
    let sent = faxes(&bridge.running, "in").await;
    let paper = text(&bridge.running, &sent[0]).await;
    assert!(paper.contains("/Count 2") && paper.contains("- Office note"), "{paper}");
    assert!(paper.contains(planbridge_client::OAK) && paper.contains(planbridge_client::PINE));
}

#[tokio::test]
async fn a_fax_with_the_bar_code_joins_its_request_and_any_other_does_not() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    user.fill("70551", "1").await;
    user.submit().await.unwrap();
    let number = user.numbers().await.remove(0);
    let asks = Act::RequestInfo { documents: vec!["Office note".to_owned()] };
    harbor.control().act(&number, &asks).await.unwrap();
    let (_, cover) = user.bytes(&format!("coverSheet?pan={number}")).await;
    let out = "/out?to=%2B1%20555%20010%202006";
    let (status, note) = machine(&harbor.running, out, Some(cover)).await;
    assert_eq!(status, 201);
    let note: Value = serde_json::from_slice(&note).unwrap();
    assert_eq!(
        (&note["state"], &note["barcode"]),
        (&json!("attached"), &json!(format!("HSM/{number}/SUPPORT")))
    );
    let case = harbor.truth().cases().await.unwrap().remove(0);
    assert!(case.wanted.is_empty(), "what was asked for is here");
    let (_, note) = machine(&harbor.running, out, Some(b"%PDF-1.4 no code".to_vec())).await;
    assert!(String::from_utf8_lossy(&note).contains("unmatched"));
    assert_eq!(machine(&harbor.running, out, Some(b"hello".to_vec())).await.0, 415);
    let before = faxes(&harbor.running, "out").await;
    assert_eq!(before.len(), 2);
    let harbor = harbor.restarted().await;
    assert_eq!(faxes(&harbor.running, "out").await, before, "the folder outlives the process");
}

#[tokio::test]
async fn people_can_watch_and_answer_as_the_reviewer() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    user.submit(&super::client::request("70551", 1)).await.unwrap();
    let number = user.found().await.remove(0);
    let http = reqwest::Client::new();
    let base = world.running.ready.people.clone();
    let page = http.get(&base).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&number) && page.contains("No faxes yet."), "{page}");
    let act = |act: &str| {
        [("number", number.clone()), ("act", act.to_owned()), ("detail", String::new())]
    };
    let form = |fields: [(&str, String); 3]| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    };
    for words in ["Deny", "Fax the determination"] {
        let call = http.post(format!("{base}act")).body(form(act(words)));
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let page = call.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("70551: Denied"), "{page}");
    }
    let page = http.get(&base).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("fax/in/fax-1"), "{page}");
    let fax = http.get(format!("{base}fax/in/fax-1")).send().await.unwrap();
    assert!(fax.text().await.unwrap().starts_with("%PDF-"));
    let elsewhere = base.replace(base.split('/').nth(3).unwrap(), "guess");
    assert_eq!(http.get(elsewhere).send().await.unwrap().status(), 404);
    let acts = world.truth().of_kind("reviewer").await.unwrap();
    assert_eq!((acts.len(), &acts[0]["origin"]), (2, &json!("person")));
}
