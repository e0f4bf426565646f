//! A stand-in for the portal channel, for thousands of submissions under faults: the same doors, the same permit, latch, fault points
//! and reports, but one plain HTTP request where the portal channel would drive a browser. Only with the feature `faults`.
//!
//! What it leaves out is the browser and the submit gate; both have tests of their own in real Chromium. Each request has a connection
//! of its own and is sent once, which is what the gate makes of a browser's.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    evidence::{EvidenceKind, Moment},
    id::{EvidenceId, IntentId},
    lease::Purpose,
    outcome::{Answer, Failure, FailureKind, Outcome, Reference, ReferenceKind},
    step::{Effect, Step, StepState},
    wire::{End, Finding, Order, Proof},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Denied, Doors, Errand, Item, Permit, Wish};
use crate::{
    clock,
    fault::{self, Side, broken},
};

/// Least rest of the lease for a click, as in the portal channel.
const LEASE_LEFT: Duration = Duration::from_secs(12);
/// Longest wait for an answer of the payer.
const ANSWER: Duration = Duration::from_secs(3);

/// Where the simulated payer is, when this agent stands in.
#[must_use]
pub fn address() -> Option<SocketAddr> {
    std::env::var("FLEET_STAND_IN").ok()?.parse().ok()
}

/// Does one errand; none when the lease was lost on the way.
pub async fn run(payer: SocketAddr, errand: &Errand, doors: Arc<dyn Doors>) -> Option<End> {
    let stand = StandIn { payer, errand, doors };
    let end = match errand.purpose {
        Purpose::Work => stand.work().await,
        Purpose::Reconcile => stand.look().await,
    };
    match end {
        Ok(end) => Some(end),
        Err(Stop::LeaseLost) => None,
        Err(Stop::Failed(end)) => Some(*end),
    }
}

struct StandIn<'e> {
    payer: SocketAddr,
    errand: &'e Errand,
    doors: Arc<dyn Doors>,
}

enum Stop {
    LeaseLost,
    Failed(Box<End>),
}

fn failed(kind: FailureKind, name: &str, detail: &str) -> Stop {
    let failure = Failure::new(kind, name, detail);
    Stop::Failed(Box::new(End::Failure { failure, candidates: Vec::new() }))
}

fn denied(denied: &Denied) -> Stop {
    match denied {
        Denied::LeaseEnded => Stop::LeaseLost,
        Denied::No { code, because } => failed(FailureKind::Transient, code, because),
        Denied::Away(why) => failed(FailureKind::Transient, "coordinator_away", why),
    }
}

impl StandIn<'_> {
    async fn around(&self, point: &str) {
        fault::point(point, Side::Before).await;
        fault::point(point, Side::After).await;
    }

    fn may_go_on(&self) -> Result<(), Stop> {
        let standing = self.doors.standing();
        if standing.order == Order::Stop || standing.left.is_zero() {
            return Err(Stop::LeaseLost);
        }
        Ok(())
    }

    async fn keep(&self, moment: Moment, what: &Value) -> Result<EvidenceId, Stop> {
        let id = EvidenceId::new(clock::now(), rand::random());
        let bytes = Bytes::from(what.to_string());
        let item = Item { id, step: 0, kind: EvidenceKind::FullPage, moment, masked: true, bytes };
        self.doors.keep(item).await.map_err(|d| denied(&d))?;
        Ok(id)
    }

    async fn begin(&self, effect: Effect) -> Result<(), Stop> {
        let step = Step {
            index: 0,
            name: "stand_in".to_owned(),
            kind: "step".to_owned(),
            depth: 0,
            effect,
            state: StepState::Running,
            source: String::new(),
            started_ms: 0,
            ended_ms: None,
            retries: 0,
            screen: None,
            acts: Vec::new(),
            log: Vec::new(),
            values: Vec::new(),
            evidence: Vec::new(),
            received_at: None,
        };
        self.doors.steps(vec![step]).await.map_err(|d| denied(&d))
    }

    /// What the form would hold.
    fn form(&self) -> Value {
        let input = &self.errand.inputs;
        let line = &input["lines"][0];
        json!({
            "memberId": input["member"]["id"],
            "requestingNpi": input["requesting"]["npi"],
            "lines": [{"code": line["code"], "units": line["units"], "from": line["from"]}],
            "reference": input["submission"],
        })
    }

    async fn work(&self) -> Result<End, Stop> {
        for point in ["navigate", "fill_secret", "totp", "form-fill", "attach-file"] {
            self.around(point).await;
        }
        let form = self.form();
        if std::env::var_os("FLEET_STAND_IN_SEARCHES").is_some() {
            self.search_first(&form).await?;
        }
        self.begin(Effect::Commit).await?;
        self.may_go_on()?;
        fault::point("pre-evidence", Side::Before).await;
        let before = if broken("evidence-after-commit") {
            EvidenceId::new(clock::now(), rand::random())
        } else {
            self.keep(Moment::Before, &form).await?
        };
        fault::point("pre-evidence", Side::After).await;
        if broken("click-before-intent") {
            let _sent = self.call("POST", "/submit", form.to_string()).await;
        }
        let wish = Wish {
            step: 0,
            commit: "submit".to_owned(),
            payload_sha256: hex(&Sha256::digest(form.to_string())),
            before,
            once_per: String::new(),
            gate: None,
        };
        fault::point("permit", Side::Before).await;
        let answer = self.doors.permit(wish).await;
        fault::point("permit", Side::After).await;
        match answer.map_err(|d| denied(&d))? {
            Permit::Go { intent, until, .. } => self.click(&form, intent, until).await,
            Permit::Already(because) => {
                Err(failed(FailureKind::Refused, "already_submitted", &because))
            }
            Permit::Similar(because) => {
                Err(failed(FailureKind::Unsure, "possible_duplicate", &because))
            }
            Permit::No(because) => {
                Err(failed(FailureKind::Transient, "not_permitted_now", &because))
            }
        }
    }

    /// As the portal channel does right after its login. Only where a run is about lost data: elsewhere the permit alone must hold.
    async fn search_first(&self, form: &Value) -> Result<(), Stop> {
        match self.call("POST", "/search", form.to_string()).await {
            Some((200, said)) if said["works"] == true => {
                if said["numbers"].as_array().is_some_and(|numbers| !numbers.is_empty()) {
                    return Err(failed(
                        FailureKind::Refused,
                        "already_filed",
                        "found before it was sent",
                    ));
                }
                Ok(())
            }
            _ => Err(failed(FailureKind::PortalDown, "search_down", "no usable answer")),
        }
    }

    async fn click(
        &self,
        form: &Value,
        intent: IntentId,
        until: clock::Allowed,
    ) -> Result<End, Stop> {
        let standing = self.doors.standing();
        let late = until.over() && !broken("permit-never-ends");
        if !standing.has(LEASE_LEFT) || standing.order != Order::Continue || late {
            self.doors.not_clicked(intent).await.map_err(|d| denied(&d))?;
            self.may_go_on()?;
            return Err(failed(
                FailureKind::Transient,
                "not_actionable",
                "too little time is left",
            ));
        }
        if let Err(why) = self.doors.latch(intent).await {
            return Err(failed(FailureKind::Unsure, "in_doubt", &why.to_string()));
        }
        fault::point("click", Side::Before).await;
        // As the held request is: looked at once more before it goes.
        if until.over() && !broken("permit-never-ends") {
            return Err(failed(
                FailureKind::Unsure,
                "in_doubt",
                "the permit ended before the request",
            ));
        }
        let mut answer = self.call("POST", "/submit", form.to_string()).await;
        if broken("retry-on-timeout") && answer.is_none() {
            answer = self.call("POST", "/submit", form.to_string()).await;
        }
        fault::point("click", Side::After).await;
        self.around("wait-confirm").await;
        let number = match &answer {
            Some((200, said)) => said["number"].as_str().map(str::to_owned),
            _ => None,
        };
        let Some(number) = number else {
            if broken("doubt-as-not-clicked") {
                // The latch stands in the way of this lie: the report says the same as a coordinator would be told.
                self.doors.not_clicked(intent).await.map_err(|d| denied(&d))?;
                return Err(failed(FailureKind::Transient, "portal_silent", "no answer"));
            }
            let status = answer.map_or(0, |(status, _)| status);
            return Err(failed(FailureKind::Unsure, "in_doubt", &format!("status {status}")));
        };
        fault::point("post-evidence", Side::Before).await;
        let shown = json!({"number": number});
        let after = self.keep(Moment::After, &shown).await;
        fault::point("post-evidence", Side::After).await;
        let Ok(after) = after else {
            return Err(failed(
                FailureKind::Unsure,
                "in_doubt",
                "the evidence after is not durable",
            ));
        };
        let proof = Some(Proof { intent, reference: number.clone(), after });
        Ok(End::Outcome { outcome: outcome(&number, after), proof })
    }

    async fn look(&self) -> Result<End, Stop> {
        self.begin(Effect::Read).await?;
        let form = self.form();
        let answer = self.call("POST", "/search", form.to_string()).await;
        self.may_go_on()?;
        let found: Vec<String> = match &answer {
            Some((200, said)) if said["works"] == true || broken("any-empty-page-is-absence") => {
                let numbers = said["numbers"].as_array().into_iter().flatten();
                numbers.filter_map(|n| n.as_str().map(str::to_owned)).collect()
            }
            _ => return Err(failed(FailureKind::PortalDown, "search_down", "no usable answer")),
        };
        let shown = json!({"numbers": found});
        let evidence = self.keep(Moment::After, &shown).await?;
        let finding = match found.as_slice() {
            [] => Finding::None { evidence, recognised: true },
            [one] => Finding::One { outcome: outcome(one, evidence), evidence },
            many => Finding::Many { count: u32::try_from(many.len()).unwrap_or(u32::MAX) },
        };
        Ok(End::Finding { finding })
    }

    /// One request over one new connection, never repeated; none when no whole answer came.
    async fn call(&self, method: &str, path: &str, body: String) -> Option<(u16, Value)> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.payer,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.payer).await.ok()?;
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(body.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            let (head, body) = answer.split_once("\r\n\r\n")?;
            let status = head.split_whitespace().nth(1)?.parse().ok()?;
            Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
        };
        timeout(ANSWER, exchange).await.ok().flatten()
    }
}

fn outcome(number: &str, evidence: EvidenceId) -> Outcome {
    Outcome {
        answer: Answer::Received,
        raw_words: "received".to_owned(),
        references: vec![Reference {
            kind: ReferenceKind::Tracking,
            issuer: "crestline".to_owned(),
            value: number.to_owned(),
            read_by: "dom".to_owned(),
            confidence: None,
            at: clock::now(),
            evidence: Some(evidence),
            bounds: None,
        }],
        facts: Vec::new(),
        via: "agent".to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
