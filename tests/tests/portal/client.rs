//! A plain HTTPS client of the simulated portals, with cookies by hand, and a signed-in Crestline user.

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::portal::{
    crestline, totp,
    world::{Account, world},
};

use super::house::{House, house};

house!(World, "Crestline in this process.");

/// Starts Crestline, quick, with a frozen clock.
pub(crate) async fn crestline() -> World {
    World(House::open(&crestline::PROFILE).await)
}

impl World {
    /// A new client that trusts the test authority.
    pub(crate) fn client(&self) -> Client {
        let ports = self.running.ready.hosts.clone();
        Client { http: self.http(), cookie: None, ports }
    }

    /// A client signed in and confirmed as `account`.
    pub(crate) async fn signed_in(&self, account: &str) -> Client {
        let mut client = self.client();
        client.sign_in(self, account).await.unwrap();
        client.confirm(self, account).await.unwrap();
        client
    }

    /// The authenticator code of an account at the payer's clock.
    pub(crate) fn code(&self, account: &str) -> String {
        let seed = account_of(account).totp_seed.clone().unwrap();
        totp::code(&seed, totp::step_of(self.running.sim.now().as_second())).unwrap()
    }
}

pub(crate) fn account_of(id: &str) -> &'static Account {
    world().account("crestline", id).unwrap()
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// A client with one cookie.
pub(crate) struct Client {
    http: reqwest::Client,
    cookie: Option<String>,
    ports: std::collections::BTreeMap<String, String>,
}

pub(crate) const HUB: &str = "hub.crestline.test";
pub(crate) const APPS: &str = "apps.crestline.test";

impl Client {
    fn call(&self, method: Method, host: &str, path: &str) -> reqwest::RequestBuilder {
        let port = self.ports.get(host).and_then(|addr| addr.rsplit(':').next()).unwrap_or("443");
        let call = self.http.request(method, format!("https://{host}:{port}{path}"));
        match &self.cookie {
            Some(cookie) => call.header("cookie", cookie),
            None => call,
        }
    }

    async fn send(&mut self, call: reqwest::RequestBuilder) -> Result<Answer> {
        let response = call.send().await?;
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let location = header("location");
        if let Some((cookie, _)) = header("set-cookie").split_once(';') {
            self.cookie = Some(cookie.to_owned());
        }
        Ok(Answer { status, location, text: response.text().await? })
    }

    pub(crate) async fn get(&mut self, host: &str, path: &str) -> Result<Answer> {
        let call = self.call(Method::GET, host, path);
        self.send(call).await
    }

    pub(crate) async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        self.form_at(HUB, path, fields).await
    }

    pub(crate) async fn form_at(
        &mut self,
        host: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.call(Method::POST, host, path);
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(call).await
    }

    pub(crate) async fn post(&mut self, host: &str, path: &str, body: &Value) -> Result<Answer> {
        let call = self.call(Method::POST, host, path).json(body);
        self.send(call).await
    }

    pub(crate) async fn upload(&mut self, path: &str, body: Vec<u8>) -> Result<Answer> {
        let call = self.call(Method::POST, APPS, path).body(body);
        self.send(call).await
    }

    /// User, password and code, until the hub's front page.
    pub(crate) async fn sign_in(&mut self, world: &World, id: &str) -> Result<()> {
        let password = &account_of(id).password;
        let answer = self.form("/login", &[("user_id", id), ("password", password)]).await?;
        if answer.location != "/verify" {
            bail!("not asked for a code: {} {}", answer.status, answer.text);
        }
        let code = world.code(id);
        let mut answer = self.form("/verify", &[("code", &code)]).await?;
        if answer.location == "/organization" {
            let chosen = [("organization", "Willowmere Clinic")];
            answer = self.form("/organization", &chosen).await?;
        }
        if answer.location != "/#/home" {
            bail!("not signed in: {} {} {}", answer.status, answer.location, answer.text);
        }
        Ok(())
    }

    /// The second confirmation, with a code of a later time step.
    pub(crate) async fn confirm(&mut self, world: &World, id: &str) -> Result<()> {
        world.control().advance("PT30S").await?;
        let code = world.code(id);
        let answer = self.post(HUB, "/api/stepup", &json!({"code": code})).await?;
        if answer.status != StatusCode::OK {
            bail!("not confirmed: {}", answer.text);
        }
        Ok(())
    }

    pub(crate) async fn submit(&mut self, body: &Value) -> Result<Answer> {
        self.post(APPS, "/api/service-reviews", body).await
    }

    /// Reads a confirmation.
    pub(crate) async fn confirmation(&mut self, answer: &Answer) -> Result<Answer> {
        let body = answer.json();
        let key = body["key"].as_str().context("the answer has a key")?;
        self.get(APPS, &format!("/api/confirmations/{key}")).await
    }

    /// The numbers a search for the first member finds.
    pub(crate) async fn found(&mut self) -> Vec<String> {
        let path = "/api/service-reviews?memberId=W100000001&from=03/01/2026&to=12/31/2026";
        let answer = self.get(APPS, path).await.unwrap();
        let rows = answer.json()["rows"].as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["number"].as_str().map(str::to_owned)).collect()
    }
}

/// A request for the first member with this code.
pub(crate) fn request(code: &str, units: u32) -> Value {
    json!({
        "plan": "CLM", "requestType": "Outpatient", "memberId": "W100000001",
        "requestingNpi": "1234567893", "servicingNpi": "1999999984", "diagnoses": ["G43.909"],
        "lines": [{"code": code, "units": units, "from": "03/09/2026", "to": "03/09/2026"}],
        "documents": [], "providerReference": "CASE-1", "accurate": true,
    })
}
