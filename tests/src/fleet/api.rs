//! A client of the coordinator's public interface for harnesses, and the one way to wait for a state.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

/// Client with one key.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// Looks every 50 ms until `look` gives something: the states of other processes, of ledgers and of `/proc` have no signal a test
/// could wait for, so the one sleep of the harness is here, inside a deadline.
///
/// # Errors
/// `look` fails, or nothing came within `patience`; the sentence names `what` was waited for.
pub async fn until<T, F, L>(patience: Duration, what: &str, mut look: L) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
    L: FnMut() -> F,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {patience:?} for this in vain: {what}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Api {
    /// A client for the coordinator at `base` (`http://127.0.0.1:8080`).
    pub fn new(base: &str, key: &str) -> Api {
        Api { http: reqwest::Client::new(), base: base.to_owned(), key: key.to_owned() }
    }

    /// The coordinator's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The listen setting that brings a restarted coordinator back to the same address.
    pub fn listen_again(&self) -> String {
        match self.base.strip_prefix("http://") {
            Some(address) if !address.ends_with(":1") => address.to_owned(),
            _ => "127.0.0.1:0".to_owned(),
        }
    }

    /// One call; answers other than 2xx are errors that show status and problem.
    ///
    /// # Errors
    /// The coordinator cannot be reached or refuses.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, value) = self.try_call(method, path, body, None).await?;
        if !(200..300).contains(&status) {
            bail!("{path} answered {status}: {value}");
        }
        Ok(value)
    }

    /// Posts a message of FHIR as other software does; the bytes of the answer.
    ///
    /// # Errors
    /// The coordinator cannot be reached or refuses.
    pub async fn fhir(&self, path: &str, body: String) -> Result<Vec<u8>> {
        let call = self.http.post(format!("{}/fhir/{path}", self.base)).bearer_auth(&self.key);
        let call = call.header("content-type", "application/fhir+json").header("prefer", "wait=0");
        let answer = call.body(body).send().await.with_context(|| format!("calling {path}"))?;
        let status = answer.status();
        let said = answer.bytes().await.with_context(|| format!("reading {path}"))?;
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&said));
        }
        Ok(said.to_vec())
    }

    /// One call with its status, whatever it is.
    ///
    /// # Errors
    /// The coordinator cannot be reached.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<(u16, Value)> {
        let random = format!("{:032x}", rand::random::<u128>());
        let creates = method == Method::POST;
        let mut call =
            self.http.request(method, format!("{}/v1/{path}", self.base)).bearer_auth(&self.key);
        if creates {
            call = call.header("idempotency-key", idempotency_key.unwrap_or(&random));
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await.with_context(|| format!("calling {path}"))?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Creates or acts.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Replaces.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// A person's act on what has this revision.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn act(&self, path: &str, rev: i64, body: &Value) -> Result<Value> {
        let call = self.http.post(format!("{}/v1/{path}", self.base)).bearer_auth(&self.key);
        let call = call.header("idempotency-key", format!("{:032x}", rand::random::<u128>()));
        let answer = call.header("if-match", rev).json(body).send().await;
        let answer = answer.with_context(|| format!("calling {path}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("reading {text}"))
    }

    /// Takes in a document and returns its description.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn document(&self, bytes: Vec<u8>) -> Result<Value> {
        let answer = self
            .http
            .post(format!("{}/v1/documents", self.base))
            .bearer_auth(&self.key)
            .header("idempotency-key", format!("{:032x}", rand::random::<u128>()))
            .header("content-type", "application/pdf")
            .body(bytes)
            .send()
            .await
            .context("taking in a document")?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("documents answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("reading {text}"))
    }

    /// The bytes of an evidence.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn evidence(&self, id: &str) -> Result<Vec<u8>> {
        let answer = self
            .http
            .get(format!("{}/v1/evidence/{id}/body", self.base))
            .bearer_auth(&self.key)
            .send()
            .await
            .context("reading evidence")?
            .error_for_status()
            .context("reading evidence")?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// Waits until a job's state is one of `states` and returns the job.
    ///
    /// # Errors
    /// It did not get there within `patience`; the sentence shows where it is.
    pub async fn job_until(&self, job: &str, states: &[&str], patience: Duration) -> Result<Value> {
        let path = format!("jobs/{job}");
        let looked = until(patience, &format!("{job} is {}", states.join(" or ")), || async {
            let job = self.get(&path).await?;
            Ok(job["state"].as_str().is_some_and(|s| states.contains(&s)).then_some(job))
        })
        .await;
        match looked {
            Ok(job) => Ok(job),
            Err(error) => bail!("{error}; it is {}", self.get(&path).await?),
        }
    }
}
