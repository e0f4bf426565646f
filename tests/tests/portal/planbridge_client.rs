//! A plain HTTPS client of PlanBridge: two hosts with a cookie each, forms as a browser would send them.

use std::collections::HashMap;

use base64::Engine as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::portal::{
    Fault, planbridge,
    world::{Account, world},
};

use super::house::{House, house};

house!(Bridge, "PlanBridge in this process.");

/// Starts PlanBridge, quick, with a frozen clock; the second secret is the question.
pub(crate) async fn bridge() -> Bridge {
    let bridge = Bridge(House::open(&planbridge::PROFILE).await);
    bridge.control().knob("login_second", "question").await.unwrap();
    bridge
}

/// PlanBridge with a fault armed, and somebody signed in with the UM window open.
pub(crate) async fn armed(fault: Fault) -> (Bridge, User) {
    let bridge = bridge().await;
    bridge.control().fault(&fault).await.unwrap();
    let user = bridge.at_work("auto01").await;
    (bridge, user)
}

impl Bridge {
    /// Somebody who is not signed in.
    pub(crate) fn stranger(&self) -> User {
        let ports = [WWW, UM].map(|host| (host, self.port(host))).into();
        User { http: self.http(), ports, cookies: HashMap::new() }
    }

    /// Somebody signed in, terms accepted.
    pub(crate) async fn signed_in(&self, account: &str) -> User {
        let mut user = self.stranger();
        let answer = user.sign_in(account).await;
        assert_eq!(answer.location, "/home", "{}", answer.text);
        user
    }

    /// Somebody signed in with the UM window open.
    pub(crate) async fn at_work(&self, account: &str) -> User {
        let mut user = self.signed_in(account).await;
        let opened = user.open_um().await;
        assert_eq!(opened.location, "/member", "{}", opened.text);
        user
    }
}

pub(crate) const WWW: &str = "www.planbridge.test";
pub(crate) const UM: &str = "um.planbridge.test";
/// Member id of M12 and how M12 is searched for.
pub(crate) const OAK: &str = "XPB300000012";
pub(crate) const OAK_FOUND: [(&str, &str); 2] = [("findId", OAK), ("findDob", "08/20/1990")];
/// Member id of M13 and the authorization it has from the beginning.
pub(crate) const PINE: &str = "XPB300000013";
pub(crate) const EARLIER: &str = "PB00030123";

pub(crate) fn account_of(id: &str) -> &'static Account {
    world().account("planbridge", id).unwrap()
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }
}

/// A browser with two hosts.
pub(crate) struct User {
    http: reqwest::Client,
    ports: HashMap<&'static str, u16>,
    cookies: HashMap<&'static str, String>,
}

impl User {
    fn call(
        &self,
        method: reqwest::Method,
        host: &'static str,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let call = self.http.request(method, format!("https://{host}:{}{path}", self.ports[host]));
        match self.cookies.get(host) {
            Some(cookie) => call.header("cookie", cookie),
            None => call,
        }
    }

    async fn send(
        &mut self,
        host: &'static str,
        call: reqwest::RequestBuilder,
    ) -> reqwest::Result<Answer> {
        let response = call.send().await?;
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let location = header("location");
        if let Some((cookie, _)) = header("set-cookie").split_once(';') {
            self.cookies.insert(host, cookie.to_owned());
        }
        Ok(Answer { status, location, text: response.text().await? })
    }

    pub(crate) async fn try_get(
        &mut self,
        host: &'static str,
        path: &str,
    ) -> reqwest::Result<Answer> {
        let call = self.call(reqwest::Method::GET, host, path);
        self.send(host, call).await
    }

    pub(crate) async fn get(&mut self, host: &'static str, path: &str) -> Answer {
        self.try_get(host, path).await.unwrap()
    }

    /// As the page's own script asks for a part of it.
    pub(crate) async fn part(&mut self, host: &'static str, path: &str) -> Answer {
        let call = self
            .call(reqwest::Method::GET, host, path)
            .header("x-requested-with", "XMLHttpRequest");
        self.send(host, call).await.unwrap()
    }

    pub(crate) async fn try_post(
        &mut self,
        host: &'static str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.call(reqwest::Method::POST, host, path);
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(host, call).await
    }

    pub(crate) async fn post(
        &mut self,
        host: &'static str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        self.try_post(host, path, fields).await.unwrap()
    }

    pub(crate) async fn pulse(&mut self, host: &'static str, body: &Value) -> Answer {
        let call = self.call(reqwest::Method::POST, host, "/pulse").json(body);
        self.send(host, call).await.unwrap()
    }

    /// User, password and answer; terms are accepted when they are shown.
    pub(crate) async fn sign_in(&mut self, id: &str) -> Answer {
        let account = account_of(id);
        self.cookies.clear();
        let page = self.post(WWW, "/login", &[("user", id)]).await;
        assert!(page.says("Your Answer") || page.says("Answer"), "{}", page.text);
        let answer = account.answer.as_deref().unwrap();
        let fields = [("user", id), ("password", account.password.as_str()), ("answer", answer)];
        let answer = self.post(WWW, "/question", &fields).await;
        if answer.location != "/terms" {
            return answer;
        }
        let terms = self.get(WWW, "/terms").await;
        let edition = terms.text.split("name=\"edition\" value=\"").nth(1).unwrap();
        let edition = edition.split('"').next().unwrap().to_owned();
        self.post(WWW, "/terms", &[("edition", &edition)]).await
    }

    /// The value the self-posting form carries.
    pub(crate) async fn pass(&mut self) -> String {
        let page = self.get(WWW, "/um").await;
        let pass = page.text.split("name=\"pass\" value=\"").nth(1).unwrap_or_default();
        pass.split('"').next().unwrap_or_default().to_owned()
    }

    pub(crate) async fn open_um(&mut self) -> Answer {
        let pass = self.pass().await;
        assert!(base64::engine::general_purpose::STANDARD.decode(&pass).is_ok());
        self.post(UM, "/sso", &[("pass", &pass)]).await
    }

    /// Sets one cell of the grid.
    pub(crate) async fn cell(&mut self, row: &str, cell: &str, value: &str) -> Value {
        let fields = [("row", row), ("cell", cell), ("value", value)];
        let answer = self.post(UM, "/services/cell", &fields).await;
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    /// Adds a line to the grid.
    pub(crate) async fn line(&mut self, code: &str, units: &str, from: &str, to: &str) {
        let row = self.post(UM, "/services/add", &[]).await;
        let id =
            row.text.split("data-row=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        for (cell, value) in [("code", code), ("units", units), ("from", from), ("to", to)] {
            assert_eq!(self.cell(&id, cell, value).await["message"], Value::Null);
        }
    }

    /// Member, episode and providers for M12.
    pub(crate) async fn begin(&mut self) {
        self.get(UM, "/member").await;
        self.post(UM, "/member", &[("memberId", OAK)]).await;
        let fields = [("kind", "Outpatient"), ("urgency", "Standard"), ("diagnoses", "M54.50")];
        let created = self.post(UM, "/episode", &fields).await;
        assert_eq!(created.location, "/attach", "{}", created.text);
        for (role, npi) in [("Requesting", "1234567893"), ("Servicing", "1000000020")] {
            self.post(UM, "/attach", &[("role", role), ("npi", npi)]).await;
        }
    }

    /// Everything up to the last page, one line.
    pub(crate) async fn fill(&mut self, code: &str, units: &str) -> Answer {
        self.begin().await;
        self.line(code, units, "03/09/2026", "04/09/2026").await;
        self.get(UM, "/submit").await
    }

    /// The submit of what was filled, without following its redirect.
    pub(crate) async fn try_submit(&mut self) -> reqwest::Result<Answer> {
        self.try_post(UM, "/submit", &[("officeNote", "CASE-1")]).await
    }

    /// The submit and the page it leads to.
    pub(crate) async fn submit(&mut self) -> Answer {
        let answer = self.try_submit().await.unwrap();
        if answer.location == "/result" { self.get(UM, "/result").await } else { answer }
    }

    /// Attaches a document.
    pub(crate) async fn attach(&mut self, path: &str, bytes: &[u8]) -> Answer {
        let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"document\"; \
            filename=\"note.pdf\"\r\nContent-Type: application/pdf\r\n\r\n"
            .to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let call = self.call(reqwest::Method::POST, UM, path);
        let call = call.header("content-type", "multipart/form-data; boundary=edge").body(body);
        self.send(UM, call).await.unwrap()
    }

    /// The numbers the complete search shows for M12.
    pub(crate) async fn numbers(&mut self) -> Vec<String> {
        let page = self.post(UM, "/search", &OAK_FOUND).await;
        let pieces = page.text.split("href=\"/detail/").skip(1);
        pieces.filter_map(|piece| Some(piece.split_once('"')?.0.to_owned())).collect()
    }

    /// A paper as text.
    pub(crate) async fn paper(&mut self, path: &str) -> String {
        let answer = self.get(WWW, path).await;
        assert!(answer.text.starts_with("%PDF-"), "{}", answer.text);
        answer.text
    }
}

/// What the UM window tells of the main window with its pulse.
pub(crate) fn opener(there: bool) -> Value {
    json!({"clicks": [], "closed": [], "opener": there})
}
