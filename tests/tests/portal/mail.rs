//! The mailboxes a simulated payer writes to, as a reader sees them.

use jiff::SignedDuration;
use serde_json::Value;
use tests::portal::{mail::Draft, serve::Running};

use super::client::crestline;

async fn read(running: &Running, path: &str, bearer: &str) -> (u16, Value) {
    let ca = std::fs::read(&running.ready.ca).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let mail = &running.ready.mail;
    let addr: std::net::SocketAddr = mail.addr.parse().unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([ca]).resolve(&mail.host, addr);
    let url = format!("https://{}:{}{path}", mail.host, addr.port());
    let answer = builder.build().unwrap().get(url).bearer_auth(bearer).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn boxes_are_read_with_their_own_bearer_newest_last() {
    let world = crestline().await;
    let sim = &world.running.sim;
    let draft = |text: &str, delay_s| Draft {
        to: "auto01@willowmere.test".to_owned(),
        from: "Portal <no-reply@portal.test>".to_owned(),
        subject: "Your code".to_owned(),
        text: text.to_owned(),
        delay: SignedDuration::from_secs(delay_s),
    };
    sim.mail.send(&sim.kept, sim.now(), draft("late", 30));
    sim.mail.send(&sim.kept, sim.now(), draft("first", 0));
    let bearer = world.running.ready.mail.bearer.clone();
    let path = "/boxes/auto01@willowmere.test/messages";
    assert_eq!(read(&world.running, path, "guess").await.0, 401);
    let (status, body) = read(&world.running, path, &bearer).await;
    assert_eq!((status, body["messages"].as_array().unwrap().len()), (200, 1));
    assert_eq!(body["messages"][0]["text"], "first");
    assert!(body["messages"][0]["received_at"].is_string());
    world.control().advance("PT30S").await.unwrap();
    let after = body["messages"][0]["id"].as_str().unwrap();
    let (_, newer) = read(&world.running, &format!("{path}?after={after}"), &bearer).await;
    assert_eq!(newer["messages"].as_array().unwrap().len(), 1);
    assert_eq!(newer["messages"][0]["text"], "late");
    let moment = newer["messages"][0]["received_at"].as_str().unwrap();
    let (_, none) = read(&world.running, &format!("{path}?after={moment}"), &bearer).await;
    assert_eq!(none["messages"].as_array().unwrap().len(), 0);
    let (_, other) = read(&world.running, "/boxes/nobody@willowmere.test/messages", &bearer).await;
    assert_eq!(other["messages"].as_array().unwrap().len(), 0);
}
