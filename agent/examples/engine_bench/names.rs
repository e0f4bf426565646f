//! Roles and names beside the other engines: on each page of `tests/names/cases.json` every engine is asked for the control with a
//! role and a name, and for those that must not be there. Right is: exactly the one with the id `t`, and nothing.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use agent::browser::{Browser, By, LaunchConfig, Page, Query, Text};
use anyhow::{Context as _, Result};
use axum::{Router, extract::Path, response::Html, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::miniwob::Peer;

const CASES: &str = include_str!("../../../tests/names/cases.json");
const HOST: &str = "names.test";
const OPENS: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Case {
    about: String,
    role: String,
    name: String,
    html: String,
    not: Vec<(String, String)>,
}

/// What one engine did.
#[derive(Default)]
struct Tally {
    right: u32,
    wrong: Vec<Value>,
    ms: Vec<f64>,
}

impl Tally {
    fn add(&mut self, case: &Case, (role, name): (&str, &str), found: &[String], wanted: &[&str]) {
        if found == wanted {
            self.right += 1;
        } else {
            self.wrong
                .push(json!({"page": case.about, "role": role, "name": name, "found": found}));
        }
    }

    fn json(mut self) -> Value {
        self.ms.sort_by(f64::total_cmp);
        let p50 = self.ms.get(self.ms.len() / 2).copied().unwrap_or_default();
        json!({"right": self.right, "wrong": self.wrong.len(), "p50_ms": p50, "confused": self.wrong})
    }
}

/// Asks everybody everything.
pub(crate) async fn measure() -> Result<Value> {
    let cases: Arc<Vec<Case>> = Arc::new(serde_json::from_str(CASES)?);
    let at = serve(Arc::clone(&cases)).await?;
    let config =
        LaunchConfig { host_rules: vec![(HOST.to_owned(), at)], ..LaunchConfig::default() };
    let browser = Browser::launch(config).await?;
    let context = browser.new_context().await?;
    let page = context.new_page().await?;
    let mut ours = Tally::default();
    let mut peers = Vec::new();
    for name in ["playwright", "puppeteer"] {
        peers.push((name, Peer::start_at(name, HOST, at).await?, Tally::default()));
    }
    for (n, case) in cases.iter().enumerate() {
        let url = format!("http://{HOST}/{n}");
        page.navigate(&url, OPENS).await?.require_ok()?;
        let wishes = std::iter::once(((&case.role, &case.name), ["t"].as_slice()))
            .chain(case.not.iter().map(|(role, name)| ((role, name), [].as_slice())));
        for ((role, name), wanted) in wishes.clone() {
            let began = Instant::now();
            let found = found(&page, role, name).await?;
            ours.ms.push(began.elapsed().as_secs_f64() * 1000.0);
            ours.add(case, (role, name), &found, wanted);
        }
        for (_, peer, tally) in &mut peers {
            peer.open(&url, None).await?;
            for ((role, name), wanted) in wishes.clone() {
                let told = peer.named(role, name).await?;
                tally.ms.push(told.ended - told.began);
                let found: Vec<String> = serde_json::from_value(told.read)?;
                tally.add(case, (role, name), &found, wanted);
            }
            peer.shut().await?;
        }
    }
    drop(context);
    browser.close().await;
    let mut out = json!({"pages": cases.len(), "ours": ours.json()});
    for (name, peer, tally) in peers {
        peer.end().await;
        out[name] = tally.json();
    }
    for name in ["ours", "playwright", "puppeteer"] {
        let of = &out[name];
        println!(
            "names {name:10} {} right, {} wrong, p50 {:.1} ms",
            of["right"],
            of["wrong"],
            of["p50_ms"].as_f64().unwrap_or_default()
        );
    }
    Ok(out)
}

async fn found(page: &Page, role: &str, name: &str) -> Result<Vec<String>> {
    let by = By::Role(role.to_owned(), Some(Text::Exact(name.to_owned())));
    let found = page.find(&Query::by(by)).await?;
    Ok(found.into_iter().filter(|f| f.visible).map(|f| f.facts.id).collect())
}

async fn serve(cases: Arc<Vec<Case>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let at = listener.local_addr().context("an address")?;
    let page = async move |Path(n): Path<usize>| {
        let body = cases.get(n).map(|case| case.html.clone()).unwrap_or_default();
        Html(format!("<!DOCTYPE html><title>t</title><body>{body}"))
    };
    let app = Router::new().route("/{n}", get(page));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(at)
}
