//! The client of the HTTP API that operator verbs use, and what a refused call means as an exit code.

use std::{path::PathBuf, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::access::key;

/// Exit codes (house rules: one list for both programs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Unexpected error.
    Unexpected = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Not found.
    NotFound = 3,
    /// Refused or conflict: the state has moved on.
    Conflict = 4,
    /// Not permitted.
    NotPermitted = 5,
    /// Cannot be reached.
    Unreachable = 6,
    /// A check failed.
    CheckFailed = 7,
    /// Needs a person.
    NeedsPerson = 8,
    /// Ended by a time limit.
    TimeLimit = 9,
}

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    /// How the process ends.
    pub exit: Exit,
    /// A sentence for people.
    pub message: String,
}

impl Failed {
    /// Of an exit code and a sentence.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

/// What verbs return.
pub type Done<T = Exit> = Result<T, Failed>;

/// Where the coordinator is and who asks.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Target {
    /// Address of the coordinator [env: FLEET_COORDINATOR_URL] [default: the file `address` in the data folder]
    #[arg(long, global = true, value_name = "URL", env = "FLEET_COORDINATOR_URL", hide_env = true)]
    pub coordinator_url: Option<String>,
    /// The coordinator's data folder on this machine [env: FLEET_DATA_DIR] [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// One JSON document, or one line per item, instead of a table for people
    #[arg(long, global = true)]
    pub json: bool,
}

/// The client.
pub struct Client {
    base: String,
    key: String,
    http: reqwest::Client,
}

impl Client {
    /// A client from flags, environment and the data folder's own files.
    ///
    /// # Errors
    /// Says which of address and key is missing and how to give it.
    pub fn new(target: &Target) -> Done<Self> {
        let data = PathBuf::from(
            target
                .data_dir
                .clone()
                .or_else(|| std::env::var("FLEET_DATA_DIR").ok())
                .unwrap_or("data".into()),
        );
        let read = |name: &str| {
            std::fs::read_to_string(data.join(name)).ok().map(|text| text.trim().to_owned())
        };
        let base = target.coordinator_url.clone().or_else(|| read("address")).ok_or_else(|| {
            Failed::new(
                Exit::Usage,
                format!(
                    "no coordinator is known: start one with `coordinator serve`, or set FLEET_COORDINATOR_URL ({} does not exist)",
                    data.join("address").display()
                ),
            )
        })?;
        let key = std::env::var("FLEET_API_KEY")
            .ok()
            .filter(|key| !key.is_empty())
            .or_else(|| read("operator.key"))
            .ok_or_else(|| {
                Failed::new(
                    Exit::Usage,
                    "no API key: set FLEET_API_KEY, or run this where the coordinator's data folder can be read",
                )
            })?;
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60))
            .build()
            .map_err(|e| Failed::new(Exit::Unexpected, e.to_string()))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), key, http })
    }

    /// `GET` of a JSON document.
    ///
    /// # Errors
    /// The problem the coordinator named, or that it cannot be reached.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Done<Value> {
        let mut after = url::form_urlencoded::Serializer::new(String::new());
        after.extend_pairs(query);
        let after = after.finish();
        let path = if after.is_empty() { path.to_owned() } else { format!("{path}?{after}") };
        self.json(self.call(Method::GET, &path)).await
    }

    /// `GET` of bytes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn bytes(&self, path: &str) -> Done<Vec<u8>> {
        let reply = self.send(self.call(Method::GET, path)).await?;
        reply.bytes().await.map(|b| b.to_vec()).map_err(unreachable)
    }

    /// `POST` of something new; a lost reply may be asked for again with the same `key`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn create(&self, path: &str, body: &Value, key: Option<&str>) -> Done<Value> {
        let fresh = key::random();
        let call = self.call(Method::POST, path).header("idempotency-key", key.unwrap_or(&fresh));
        self.json(call.json(body)).await
    }

    /// `PUT` of what shall be there.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn put(&self, path: &str, body: &Value) -> Done<Value> {
        self.json(self.call(Method::PUT, path).json(body)).await
    }

    /// `POST` of bytes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn upload(&self, path: &str, bytes: Vec<u8>) -> Done<Value> {
        let call = self.call(Method::POST, path).header("idempotency-key", key::random());
        self.json(call.body(bytes)).await
    }

    /// `POST` of a change to something that is shown with a `rev`: reads it first, so that the change is made to what is there
    /// now; somebody else's change in between is refused by the coordinator.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn change(&self, thing: &str, act: &str, body: &Value) -> Done<Value> {
        let seen = self.get(thing, &[]).await?;
        let rev = seen.get("rev").and_then(Value::as_i64).unwrap_or(0);
        let call = self
            .call(Method::POST, &format!("{thing}/{act}"))
            .header("if-match", format!("\"{rev}\""))
            .header("idempotency-key", key::random());
        self.json(call.json(body)).await
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/v1/{path}", self.base)).bearer_auth(&self.key)
    }

    async fn json(&self, call: RequestBuilder) -> Done<Value> {
        let reply = self.send(call).await?;
        if reply.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        reply.json().await.map_err(|e| {
            Failed::new(Exit::Unexpected, format!("the coordinator's answer is not JSON: {e}"))
        })
    }

    async fn send(&self, call: RequestBuilder) -> Done<reqwest::Response> {
        let reply = call.send().await.map_err(unreachable)?;
        let status = reply.status();
        if status.is_success() {
            return Ok(reply);
        }
        let problem: Value = reply.json().await.unwrap_or_default();
        Err(Failed::new(exit_of(status), say(status, &problem)))
    }
}

fn unreachable(error: reqwest::Error) -> Failed {
    let exit = if error.is_timeout() { Exit::TimeLimit } else { Exit::Unreachable };
    // The address may be in the error; a key never is, since it travels in a header.
    Failed::new(exit, format!("the coordinator cannot be reached: {error}"))
}

fn exit_of(status: StatusCode) -> Exit {
    match status.as_u16() {
        401 | 403 => Exit::NotPermitted,
        404 => Exit::NotFound,
        408 => Exit::TimeLimit,
        409 | 412 | 429 => Exit::Conflict,
        400..=499 => Exit::Usage,
        502..=504 => Exit::Unreachable,
        _ => Exit::Unexpected,
    }
}

fn say(status: StatusCode, problem: &Value) -> String {
    let part = |name: &str| problem.get(name).and_then(Value::as_str);
    let mut message = match (part("title"), part("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        _ => format!("the coordinator answered {status}"),
    };
    if let Some(field) = part("field") {
        message.push_str(&format!(" (field `{field}`)"));
    }
    if let Some(now) = part("now") {
        message.push_str(&format!("; it is now {now}"));
    }
    for fault in problem.get("faults").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        message.push_str(&format!("\n  {}: {}", part("field"), part("reason")));
    }
    message
}
