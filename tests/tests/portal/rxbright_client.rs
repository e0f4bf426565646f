//! A plain HTTPS client of RxBright: cookies kept by hand, calls as the page's scripts make them, and a small websocket.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use tests::portal::{Fault, rxbright, world::world};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::house::{House, house};

pub(crate) const HOST: &str = "app.rxbright.test";

house!(Rx, "RxBright in this process.");

/// Starts RxBright, quick, with a frozen clock.
pub(crate) async fn rx() -> Rx {
    Rx(House::open(&rxbright::PROFILE).await)
}

/// RxBright with a fault armed, and somebody signed in.
pub(crate) async fn armed(fault: Fault) -> (Rx, User) {
    let rx = rx().await;
    rx.control().fault(&fault).await.unwrap();
    let user = rx.signed_in("auto01").await;
    (rx, user)
}

impl Rx {
    /// Somebody who is not in.
    pub(crate) fn stranger(&self) -> User {
        let (http, addr) = (self.http(), self.running.ready.addr(HOST).unwrap());
        let base = format!("https://{HOST}:{}", addr.port());
        let ca = self.running.ready.ca.clone();
        User { http, base, addr, ca, session: String::new(), device: String::new() }
    }

    /// The link in the newest message to an account.
    pub(crate) fn link(&self, account: &str) -> String {
        let sim = &self.running.sim;
        let email = &world().account("rxbright", account).unwrap().email;
        let messages = sim.mail.messages(&sim.kept, email, sim.now());
        let ours = messages.iter().rev().find(|one| one.subject == "Your RxBright sign-in link");
        let text = &ours.unwrap().text;
        let from = text.find("https://").unwrap();
        text[from..].lines().next().unwrap().to_owned()
    }

    /// Somebody signed in by a link.
    pub(crate) async fn signed_in(&self, account: &str) -> User {
        let mut user = self.stranger();
        self.control().reset_account(account).await.unwrap();
        assert_eq!(user.ask(&format!("{account}@willowmere.test")).await.status, 200);
        let answer = user.open_link(&self.link(account)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        user
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) body: Value,
    cookies: Vec<String>,
}

impl Answer {
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// Somebody at a browser.
pub(crate) struct User {
    http: reqwest::Client,
    base: String,
    addr: SocketAddr,
    ca: PathBuf,
    pub(crate) session: String,
    pub(crate) device: String,
}

impl User {
    fn cookies(&self) -> String {
        format!("rxs={}; rxd={}", self.session, self.device)
    }

    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = self.http.request(method, format!("{}{path}", self.base));
        call = call.header("cookie", self.cookies()).header("content-type", "application/json");
        if let Some(body) = body {
            call = call.body(body);
        }
        let response = call.send().await?;
        let status = response.status().as_u16();
        let set = response.headers().get_all("set-cookie").iter();
        let cookies = set.filter_map(|one| Some(one.to_str().ok()?.to_owned())).collect();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, text, body, cookies })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_call("GET", path, None).await.unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_call(method, path, Some(body.to_string().into())).await.unwrap()
    }

    async fn keep(&mut self, path: &str, body: &Value) -> Answer {
        let answer = self.call("POST", path, body).await;
        for cookie in &answer.cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match name {
                "rxs" => value.clone_into(&mut self.session),
                _ => value.clone_into(&mut self.device),
            }
        }
        answer
    }

    pub(crate) async fn ask(&mut self, email: &str) -> Answer {
        self.keep("/api/account", &json!({"email": email})).await
    }

    pub(crate) async fn open_link(&mut self, link: &str) -> Answer {
        self.keep("/api/link", &json!({"link": link})).await
    }

    pub(crate) async fn enter(&mut self, key: &str, last: &str, dob: &str) -> Answer {
        self.keep("/api/enter", &json!({"key": key, "lastName": last, "dob": dob})).await
    }

    /// Begins a request; the answer.
    pub(crate) async fn start(&self, change: &Value) -> Answer {
        let mut form = json!({
            "drug": "J1745", "bin": "610477", "pcn": "RXB", "group": "WMC400", "lastName": "Rowan",
            "firstName": "Testo", "dob": "05/05/1988", "sex": "Female", "zip": "62704", "npi": "1234567893",
        });
        for (name, value) in change.as_object().unwrap() {
            form[name] = value.clone();
        }
        self.call("POST", "/api/requests", &form).await
    }

    /// Begins a request; its key.
    pub(crate) async fn begun(&self, change: &Value) -> String {
        let answer = self.start(change).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["key"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn save(&self, key: &str, answers: &Value) -> Answer {
        self.call("PUT", &format!("/api/requests/{key}/answers"), &json!({"answers": answers}))
            .await
    }

    pub(crate) async fn attach(&self, key: &str, name: &str, bytes: &[u8]) -> Answer {
        let path = format!("/api/requests/{key}/files?name={name}");
        self.try_call("POST", &path, Some(bytes.to_vec().into())).await.unwrap()
    }

    pub(crate) async fn sign(&self, key: &str) -> Answer {
        let path = format!("/api/requests/{key}/signature");
        self.call("POST", &path, &json!({"name": "Pat Reviewer", "agent": true})).await
    }

    pub(crate) async fn send(&self, key: &str) -> reqwest::Result<Answer> {
        self.try_call("POST", &format!("/api/requests/{key}/send"), None).await
    }

    /// A request answered and signed, not sent; its key.
    pub(crate) async fn filled(&self, drug: &str, step: bool) -> String {
        let key = self.begun(&json!({"drug": drug, "anyway": true})).await;
        assert_eq!(self.save(&key, &first_answers()).await.status, 200);
        if step {
            self.save(&key, &json!({"step": "true"})).await;
        }
        assert_eq!(self.sign(&key).await.status, 200);
        key
    }

    /// A request that was sent; its key.
    pub(crate) async fn sent(&self, drug: &str, step: bool) -> String {
        let key = self.filled(drug, step).await;
        let answer = self.send(&key).await.unwrap();
        assert_eq!((answer.status, &answer.body["key"]), (200, &json!(key)), "{}", answer.text);
        key
    }

    pub(crate) async fn detail(&self, key: &str) -> Value {
        let answer = self.get(&format!("/api/requests/{key}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    pub(crate) async fn status(&self, key: &str) -> String {
        self.detail(key).await["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Keys of the requests the complete search shows as sent, for M14.
    pub(crate) async fn on_file(&self) -> Vec<String> {
        let found = self.get("/api/search?lastName=Rowan&dob=05/05/1988&drug=&number=").await;
        let rows = found.body["rows"].as_array().cloned().unwrap_or_default();
        let sent = rows.iter().filter(|row| row["sent"].is_string());
        sent.map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    }

    /// Opens the socket of a request; the status of the answer if it is refused.
    pub(crate) async fn socket(&self, key: &str, since: Option<u64>) -> Result<Socket, u16> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let tcp = TcpStream::connect(self.addr).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = tls.connect(name, tcp).await.unwrap();
        let since = since.map(|since| format!("&since={since}")).unwrap_or_default();
        let head = format!(
            "GET /ws?key={key}{since} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.cookies()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let status = String::from_utf8_lossy(&answer)[9..12].parse().unwrap();
        if status == 101 { Ok(Socket { stream }) } else { Err(status) }
    }
}

/// Answers to the first set of questions.
pub(crate) fn first_answers() -> Value {
    json!({
        "diagnosis": "K50.90", "quantity": "40", "start": "03/09/2026", "end": "06/09/2026", "urgent": "No",
        "site": "Infusion centre",
    })
}

/// The websocket of a request.
pub(crate) struct Socket {
    stream: tokio_rustls::client::TlsStream<TcpStream>,
}

impl Socket {
    /// The next message, heartbeats too.
    async fn any(&mut self) -> Value {
        let patience = Duration::from_secs(60);
        tokio::time::timeout(patience, self.frame()).await.expect("a message in time")
    }

    async fn frame(&mut self) -> Value {
        let head = self.stream.read_u8().await.unwrap();
        assert_eq!(head, 0x81, "a whole text frame");
        let length = match self.stream.read_u8().await.unwrap() {
            126 => usize::from(self.stream.read_u16().await.unwrap()),
            short => usize::from(short),
        };
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The next message that is not a heartbeat.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = self.any().await;
            if message["type"] != "ping" {
                return message;
            }
        }
    }

    /// The messages until the next heartbeat.
    pub(crate) async fn burst(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.any().await;
            if message["type"] == "ping" {
                return messages;
            }
            messages.push(message);
        }
    }

    /// Says something, masked as a browser does.
    pub(crate) async fn say(&mut self, message: &Value) {
        let text = message.to_string();
        assert!(text.len() < 126);
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 1, 2, 3, 4];
        let mask = [1_u8, 2, 3, 4];
        frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await.unwrap();
    }
}
