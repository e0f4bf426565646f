//! A plain HTTPS client of Larkfield: cookies per host, redirects followed by hand from host to host, the workspace's own
//! calls as its pages make them.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};
use tests::portal::{
    Fault, larkfield, totp,
    world::{Account, world},
};

use super::house::{House, house};

house!(Larkfield, "Larkfield in this process.");

/// Starts Larkfield, quick, with a frozen clock.
pub(crate) async fn larkfield() -> Larkfield {
    Larkfield(House::open(&larkfield::PROFILE).await)
}

/// Larkfield with a fault armed, and somebody signed in before.
pub(crate) async fn armed(fault: Fault) -> (Larkfield, User) {
    let larkfield = larkfield().await;
    let user = larkfield.signed_in("auto01").await;
    larkfield.control().fault(&fault).await.unwrap();
    (larkfield, user)
}

/// The workspace's host.
pub(crate) const PROVIDER: &str = "provider.larkfield.test";
/// The login host.
pub(crate) const LOGIN: &str = "login.larkfield.test";
/// The member of most tests (M06).
pub(crate) const FIR: &str = "L200000006";

/// The account with this user name.
pub(crate) fn account(id: &str) -> &'static Account {
    world().account("larkfield", id).unwrap()
}

impl Larkfield {
    /// The authenticator code of an account at the payer's clock.
    pub(crate) fn code(&self, id: &str) -> String {
        let seed = account(id).totp_seed.clone().unwrap();
        totp::code(&seed, totp::step_of(self.running.sim.now().as_second())).unwrap()
    }

    /// Somebody who is not signed in.
    pub(crate) fn stranger(&self) -> User {
        let ports = self.running.ready.hosts.clone();
        User { http: self.http(), cookies: BTreeMap::new(), ports }
    }

    /// Somebody signed in; each sign-in takes a code of its own.
    pub(crate) async fn signed_in(&self, id: &str) -> User {
        self.control().advance("PT30S").await.unwrap();
        let mut user = self.stranger();
        let last = user.sign_in(self, id, &[]).await;
        assert!(last.says("<lf-shell"), "{}", last.text);
        user
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) text: String,
    /// The address it came from, host and path.
    pub(crate) at: String,
}

impl Answer {
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// Somebody at a browser.
pub(crate) struct User {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
    ports: BTreeMap<String, String>,
}

impl User {
    fn call(&self, method: Method, host: &str, path: &str) -> reqwest::RequestBuilder {
        let port = self.ports.get(host).and_then(|addr| addr.rsplit(':').next()).unwrap();
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), value)| of == host && !value.is_empty())
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let call = self.http.request(method, format!("https://{host}:{port}{path}"));
        call.header("cookie", cookies.join("; "))
    }

    async fn send(
        &mut self,
        host: &str,
        path: &str,
        call: reqwest::RequestBuilder,
    ) -> reqwest::Result<Answer> {
        let response = call.send().await?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("Secure; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = if cookie.contains("Max-Age=0") { "" } else { rest };
            let value = value.split(';').next().unwrap_or_default().to_owned();
            self.cookies.insert((host.to_owned(), name.to_owned()), value);
        }
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        let (status, at) = (response.status(), format!("{host}{path}"));
        Ok(Answer { status, location, at, text: response.text().await? })
    }

    pub(crate) async fn get(&mut self, host: &str, path: &str) -> Answer {
        self.try_get(host, path).await.unwrap()
    }

    pub(crate) async fn try_get(&mut self, host: &str, path: &str) -> reqwest::Result<Answer> {
        let call = self.call(Method::GET, host, path);
        self.send(host, path, call).await
    }

    /// A file as it comes.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.call(Method::GET, PROVIDER, path).send().await.unwrap();
        response.bytes().await.unwrap().to_vec()
    }

    /// A page, after all redirects.
    pub(crate) async fn open(&mut self, host: &str, path: &str) -> Answer {
        let first = self.get(host, path).await;
        self.follow(first).await
    }

    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        while !answer.location.is_empty() {
            let here = answer.at.split('/').next().unwrap_or_default().to_owned();
            let there = answer.location.trim_start_matches("https://").to_owned();
            let (host, path) = if there.len() == answer.location.len() {
                (here, there)
            } else {
                let (host, path) = there.split_once('/').unwrap();
                (host.to_owned(), format!("/{path}"))
            };
            answer = self.get(&host, &path).await;
        }
        answer
    }

    /// A form of the login host, with the page it leads to.
    pub(crate) async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let first = self.form_once(LOGIN, path, fields).await;
        self.follow(first).await
    }

    pub(crate) async fn form_once(
        &mut self,
        host: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.call(Method::POST, host, path);
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(host, path, call).await.unwrap()
    }

    /// From the workspace over the login host back to the workspace; answers whatever is asked on the way.
    pub(crate) async fn sign_in(
        &mut self,
        larkfield: &Larkfield,
        id: &str,
        otp: &[(&str, &str)],
    ) -> Answer {
        let mut page = self.open(PROVIDER, "/app").await;
        for _ in 0..7 {
            page = if page.says("action=\"/username\"") {
                self.form("/username", &[("username", id)]).await
            } else if page.says("action=\"/select\"") {
                self.form("/select", &[("account", id)]).await
            } else if page.says("action=\"/password\"") {
                self.form("/password", &[("password", &account(id).password)]).await
            } else if page.says("action=\"/otp\"") {
                let code = larkfield.code(id);
                let mut fields = vec![("code", code.as_str())];
                fields.extend(otp);
                self.form("/otp", &fields).await
            } else if page.says("action=\"/consent\"") {
                self.form("/consent", &[("answer", "allow")]).await
            } else if page.says("action=\"/passkey\"") {
                self.form("/passkey", &[("answer", "later")]).await
            } else {
                return page;
            };
        }
        page
    }

    /// A call of the workspace.
    pub(crate) async fn api(&mut self, path: &str) -> Answer {
        self.get(PROVIDER, &format!("/api/{path}")).await
    }

    pub(crate) async fn try_post(&mut self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        let path = format!("/api/{path}");
        let call = self.call(Method::POST, PROVIDER, &path).json(body);
        self.send(PROVIDER, &path, call).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).await.unwrap()
    }

    pub(crate) async fn upload(&mut self, path: &str, bytes: &[u8]) -> Answer {
        let path = format!("/api/{path}");
        let call = self.call(Method::POST, PROVIDER, &path).body(bytes.to_vec());
        self.send(PROVIDER, &path, call).await.unwrap()
    }

    /// Looks for a member by identifier and chooses it, under its subscriber where it has one.
    pub(crate) async fn choose(&mut self, id: &str) -> String {
        let found = self.api(&format!("members?id={id}")).await.json();
        let row = &found["rows"][0];
        let row = if row["maskedId"].as_str().unwrap().ends_with(&id[id.len() - 4..]) {
            row
        } else {
            &row["dependents"][0]
        };
        let reference = row["ref"].as_str().unwrap().to_owned();
        let chosen = self.post("member", &json!({"ref": reference})).await.json();
        assert_eq!(chosen["memberId"], id);
        reference
    }

    /// A whole request for M06 with one line.
    pub(crate) async fn request(&mut self, code: &str, units: u32) -> Value {
        let reference = self.choose(FIR).await;
        json!({
            "ref": reference, "from": "2026-03-09", "to": "2026-03-10", "place": "Outpatient",
            "servicingNpi": "1999999984", "diagnoses": ["G43.909"],
            "lines": [{"code": code, "units": units, "modifiers": ""}],
            "urgency": "standard", "urgentReason": "", "decision": "", "uploads": [],
            "yourReference": "CASE-1", "answer": "",
        })
    }

    /// Files a request and gives its number.
    pub(crate) async fn file(&mut self, code: &str, units: u32) -> String {
        let body = self.request(code, units).await;
        let answer = self.post("requests", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["number"].as_str().unwrap().to_owned()
    }

    /// The numbers the list shows for M06.
    pub(crate) async fn numbers(&mut self) -> Vec<String> {
        let rows = self.api(&format!("requests?q={FIR}")).await.json();
        let rows = rows["rows"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
    }

    /// The status the portal shows of a request.
    pub(crate) async fn status(&mut self, number: &str) -> String {
        let detail = self.api(&format!("requests/{number}")).await.json();
        detail["status"].as_str().unwrap_or_default().to_owned()
    }
}
