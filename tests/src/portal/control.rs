//! Clients of the control and truth planes, for tests, the demo and other harnesses.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    faults::{Count, Fault},
    store::{Case, Filing, Told},
};
use crate::ledger::Wanted;

/// What a reviewer of the payer does to a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Grants all lines.
    Approve,
    /// Refuses all lines.
    Deny {
        /// Reason in words.
        reason: String,
    },
    /// Grants fewer units.
    Modify {
        /// Units granted.
        units: u32,
    },
    /// Asks for documents.
    RequestInfo {
        /// Names of the documents.
        documents: Vec<String>,
    },
    /// Withdraws the case.
    Cancel,
    /// Gives a number that replaces an earlier one of its kind.
    ReplaceNumber {
        /// Kind of number.
        kind: String,
        /// The new number.
        value: String,
    },
    /// Tells the opposite of the decision in one place.
    Contradict {
        /// Where.
        told: Told,
    },
    /// Writes a letter instead of the usual one and faxes it to the practice.
    PostLetter {
        /// Name of the letter (`determination_reworded`), and how it comes out of the machine (`request+upside_down`).
        template: String,
    },
}

/// Client of a control plane.
#[derive(Clone, Debug)]
pub struct Control {
    http: reqwest::Client,
    base: String,
    payer: String,
    bearer: String,
}

/// Client of a truth plane.
#[derive(Clone, Debug)]
pub struct Truth {
    http: reqwest::Client,
    base: String,
    bearer: String,
}

async fn read<T: serde::de::DeserializeOwned>(call: reqwest::RequestBuilder) -> Result<T> {
    let response = call.send().await.context("calling a simulated payer's harness plane")?;
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("a simulated payer's harness plane answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("reading {text}"))
}

impl Control {
    /// A client of the control plane at `base` for the payer with this slug.
    pub fn new(base: &str, payer: &str, bearer: &str) -> Control {
        let (base, payer, bearer) = (base.to_owned(), payer.to_owned(), bearer.to_owned());
        Control { http: reqwest::Client::new(), base, payer, bearer }
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/{}/{rest}", self.base, self.payer)
    }

    /// The clock: `now`, `mode`, `rate`.
    pub async fn clock(&self) -> Result<Value> {
        read(self.http.get(format!("{}/clock", self.base)).bearer_auth(&self.bearer)).await
    }

    /// Changes the clock (`set`, `advance`, `mode`, `rate`); the answer lists what fell due.
    pub async fn set_clock(&self, change: &Value) -> Result<Value> {
        let call = self.http.post(format!("{}/clock", self.base)).json(change);
        read(call.bearer_auth(&self.bearer)).await
    }

    /// Moves the clock forward by an ISO 8601 duration (`PT4H`, `P1D`).
    pub async fn advance(&self, duration: &str) -> Result<Value> {
        self.set_clock(&json!({"advance": duration})).await
    }

    /// Sets one knob.
    pub async fn knob(&self, name: &str, value: impl Into<Value> + Send) -> Result<()> {
        let call = self.http.put(self.url("knobs")).json(&json!({name: value.into()}));
        read::<Value>(call.bearer_auth(&self.bearer)).await.map(drop)
    }

    /// All knobs.
    pub async fn knobs(&self) -> Result<Value> {
        read(self.http.get(self.url("knobs")).bearer_auth(&self.bearer)).await
    }

    /// Arms a fault.
    pub async fn fault(&self, fault: &Fault) -> Result<()> {
        let call = self.http.post(self.url("faults")).json(fault);
        read::<Value>(call.bearer_auth(&self.bearer)).await.map(drop)
    }

    /// How often each armed fault matched and fired.
    pub async fn faults(&self) -> Result<Vec<Count>> {
        read(self.http.get(self.url("faults")).bearer_auth(&self.bearer)).await
    }

    /// What the calls so far have asked for: name of what happens, and the logical steps.
    pub async fn faults_asked(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        read(self.http.get(self.url("faults/asked")).bearer_auth(&self.bearer)).await
    }

    /// Disarms all faults and shows the right certificate again.
    pub async fn clear_faults(&self) -> Result<()> {
        let call = self.http.delete(self.url("faults")).bearer_auth(&self.bearer);
        read::<Value>(call).await.map(drop)
    }

    /// Plays the payer's reviewer.
    pub async fn act(&self, number: &str, act: &Act) -> Result<Case> {
        let call = self.http.post(self.url(&format!("cases/{number}/act"))).json(act);
        read(call.bearer_auth(&self.bearer)).await
    }

    /// Files a request as a person (`clerk01`) would have; returns the id of the case and its numbers.
    pub async fn file(&self, filing: &Filing) -> Result<Value> {
        let call = self.http.post(self.url("cases")).json(&json!({"filing": filing}));
        read(call.bearer_auth(&self.bearer)).await
    }

    /// Unlocks an account, as a person at the payer does.
    pub async fn reset_account(&self, account: &str) -> Result<()> {
        let call = self.http.post(self.url(&format!("accounts/{account}/reset")));
        read::<Value>(call.bearer_auth(&self.bearer)).await.map(drop)
    }

    /// Decides which rendering pages before the sign-in and new portal sessions get: `{"skin": "v2"}` or `{"mixed": 0.3}`.
    pub async fn skin(&self, wanted: &Value) -> Result<()> {
        let call = self.http.put(self.url("skin")).json(wanted);
        read::<Value>(call.bearer_auth(&self.bearer)).await.map(drop)
    }

    /// Ends every portal session.
    pub async fn end_sessions(&self) -> Result<()> {
        let call = self.http.post(self.url("sessions/end")).bearer_auth(&self.bearer);
        read::<Value>(call).await.map(drop)
    }
}

impl Truth {
    /// A client of the truth plane at `base`.
    pub fn new(base: &str, bearer: &str) -> Truth {
        let (base, bearer) = (base.to_owned(), bearer.to_owned());
        Truth { http: reqwest::Client::new(), base, bearer }
    }

    /// Ledger entries.
    pub async fn entries(&self, wanted: &Wanted) -> Result<Vec<Value>> {
        let call = self.http.get(self.query(wanted)).bearer_auth(&self.bearer);
        read(call).await
    }

    fn query(&self, wanted: &Wanted) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &wanted.after.to_string());
        if let Some(payer) = &wanted.payer {
            query.append_pair("payer", payer);
        }
        if let Some(kind) = &wanted.kind {
            query.append_pair("kind", kind);
        }
        if let Some(wait_ms) = wanted.wait_ms {
            query.append_pair("wait_ms", &wait_ms.to_string());
        }
        if let Some(limit) = wanted.limit {
            query.append_pair("limit", &limit.to_string());
        }
        format!("{}/entries?{}", self.base, query.finish())
    }

    /// All ledger entries of a kind (or several, separated by commas).
    pub async fn of_kind(&self, kind: &str) -> Result<Vec<Value>> {
        self.entries(&Wanted::kind(kind)).await
    }

    /// The payer's cases, recorded or not.
    pub async fn cases(&self) -> Result<Vec<Case>> {
        read(self.http.get(format!("{}/cases", self.base)).bearer_auth(&self.bearer)).await
    }

    /// The payer's claims for payment with their present state.
    pub async fn payer_claims(&self) -> Result<Vec<Value>> {
        read(self.http.get(format!("{}/payer_claims", self.base)).bearer_auth(&self.bearer)).await
    }

    /// Waits until an entry of `kind` satisfies `fits`.
    pub async fn wait_for(
        &self,
        kind: &str,
        patience: Duration,
        fits: impl Fn(&Value) -> bool + Send,
    ) -> Result<Value> {
        let deadline = Instant::now() + patience;
        let mut wanted = Wanted::kind(kind);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            wanted.wait_ms = Some(u64::try_from(left.as_millis().min(5000)).unwrap_or(5000));
            for entry in self.entries(&wanted).await? {
                if fits(&entry) {
                    return Ok(entry);
                }
                wanted.after = entry["seq"].as_u64().unwrap_or(wanted.after);
            }
            if left.is_zero() {
                bail!("no ledger entry {kind} that fits within {patience:?}");
            }
        }
    }
}
