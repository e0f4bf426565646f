//! What agents and the coordinator say to each other (`/v1/agent/…`, JSON). With the public API the only types with a promise
//! of compatibility: protocol N works with N ± 1; unknown fields are ignored on both sides.
//!
//! Every request of an agent that changes something carries the lease and its fence. A write whose fence is not the job's
//! present one, or whose lease has ended by the coordinator's clock, is refused with problem type `lease-ended`; the agent then
//! leaves the portal alone at once. Repeats are safe: the same call gets the same answer.

mod schema;

pub use schema::schemas;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    channel::{Channel, Endpoint},
    drift::{Drift, Prints, Remembered},
    evidence::{EvidenceKind, Moment},
    fleet::{AgentInfo, Limits},
    gate::{Arming, Certificate, Pass},
    id::{AgentId, AttemptId, CaseId, EvidenceId, IntentId, JobId, LeaseId},
    job::Task,
    lease::Purpose,
    outcome::{Failure, Outcome},
    step::Step,
    time::Timestamp,
};

/// The protocol version, sent as header `fleet-protocol`.
pub const PROTOCOL: u32 = 1;

/// `POST agent/hello`: an agent begins (or begins again after a restart).
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hello {
    /// Itself.
    pub agent: AgentInfo,
}

/// Answer to [`Hello`].
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Welcome {
    /// Its id, sent with every later call.
    pub agent: AgentId,
    /// Lease length, milliseconds.
    pub lease_ttl_ms: i64,
    /// Period of heartbeats, milliseconds.
    pub heartbeat_ms: i64,
}

/// `POST agent/lease`: a long poll for up to `max` jobs.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeaseAsk {
    /// Who asks.
    pub agent: AgentId,
    /// Free slots: at most this many leases are given.
    pub max: u32,
    /// Longest wait before an empty answer, milliseconds (at most 30 000).
    pub wait_ms: u64,
    /// Payers with a live portal session in a free slot of this agent, one entry for each session: preferred, so that logins
    /// are saved, and counted against the payer's limit.
    #[serde(default)]
    pub warm: Vec<String>,
    /// A new random value for each ask. The same ask repeated (a lost reply) gets the same leases again.
    pub ask: String,
}

/// Answer to [`LeaseAsk`].
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Leases {
    /// What was leased; may be empty.
    pub leases: Vec<Leased>,
}

/// One leased job with all it needs but secrets and documents' bytes.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Leased {
    /// The lease.
    pub lease: LeaseId,
    /// Its fence.
    pub fence: i64,
    /// Its length from the moment the ask was sent, milliseconds.
    pub ttl_ms: i64,
    /// Work or reconcile.
    pub purpose: Purpose,
    /// The job.
    pub job: JobId,
    /// Its case.
    pub case: CaseId,
    /// The attempt to report under.
    pub attempt: AttemptId,
    /// Its number, from 1.
    pub attempt_number: u32,
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// Script id (`crestline/submit`).
    pub script: String,
    /// Hash the job is pinned to.
    pub script_sha256: String,
    /// The request, plus `reference` (the newest number) for status tasks, `submission` (our own reference for the payer's
    /// "provider reference" field), and for a reconcile `known` (a record that the payer has). Patient data.
    pub inputs: serde_json::Value,
    /// The payer's politeness limits.
    pub limits: Limits,
    /// Secret aliases that may be asked for under this lease.
    pub secrets: Vec<String>,
    /// Origins where they may be typed, by the payer's profile.
    pub login_origins: Vec<String>,
    /// Which account (its name only), so that a slot reuses only a session of the same one.
    pub account: String,
    /// For a reconcile: when the intent was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent_opened_at: Option<Timestamp>,
    /// What the last check of the same kind of this case answered: an answer read without rendering that says the same needs no
    /// picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Outcome>,
    /// Whether answers may be read without rendering: not while a disagreement with the shown page waits for a person.
    #[serde(default = "yes")]
    pub fetch_allowed: bool,
    /// Key for what the agent must keep on disk of this lease, base64; given again for `POST agent/spool_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool_key: Option<String>,
    /// The coordinator's public key (Ed25519, hexadecimal): the submit gate takes permits with its signature only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit_key: Option<String>,
    /// What the script's elements looked like when it last worked: a lost one is looked for by it.
    #[serde(default)]
    pub prints: Prints,
    /// The channel to take. The coordinator has chosen it; an agent never takes another.
    #[serde(default)]
    pub channel: Channel,
    /// Where the channel is, for one beside the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// For a channel of X12: the first of [`CONTROL_NUMBERS`] control numbers that belong to this lease, never given before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<u32>,
}

/// Control numbers of X12 that come with a lease.
pub const CONTROL_NUMBERS: u32 = 8;

fn yes() -> bool {
    true
}

impl std::fmt::Debug for Leased {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leased")
            .field("lease", &self.lease)
            .field("fence", &self.fence)
            .field("purpose", &self.purpose)
            .field("job", &self.job)
            .field("attempt", &self.attempt)
            .field("script", &self.script)
            .finish_non_exhaustive()
    }
}

/// `GET agent/scripts/{sha256}`: the files of a pinned script bundle.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ScriptFiles {
    /// Script id.
    pub script: String,
    /// The bundle's hash; the agent checks it.
    pub sha256: String,
    /// Path below `scripts/` → text, for the script and its fragments.
    pub files: BTreeMap<String, String>,
}

/// Which lease a write belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fenced {
    /// Agent.
    pub agent: AgentId,
    /// Job.
    pub job: JobId,
    /// Lease.
    pub lease: LeaseId,
    /// Fence.
    pub fence: i64,
}

/// `POST agent/heartbeat`.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Heartbeat {
    /// Who.
    pub agent: AgentId,
    /// Leases it works on.
    pub leases: Vec<Fenced>,
    /// Resident memory of agent and browser, MiB.
    #[serde(default)]
    pub memory_mib: u32,
    /// Whether its browser answers.
    pub browser_ok: bool,
}

/// What an agent is told for one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Go on; the lease is extended.
    Continue,
    /// Go on, but do not begin a commit.
    HoldBeforeCommit,
    /// Stop: the lease is over or the job was cancelled.
    Stop,
}

/// Answer to [`Heartbeat`].
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeartbeatReply {
    /// Order for each lease in the request, by lease id.
    pub orders: BTreeMap<String, Order>,
    /// Take no new leases.
    pub drain: bool,
    /// Length of the extended leases from the moment the heartbeat was sent, milliseconds.
    pub ttl_ms: i64,
}

/// `POST agent/steps`: steps begun or ended. Inserting the same index again is not an error.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepsReport {
    /// Lease.
    pub fenced: Fenced,
    /// Attempt.
    pub attempt: AttemptId,
    /// Steps.
    pub steps: Vec<Step>,
    /// They were kept by the agent while the coordinator could not be reached: taken also when the lease has ended meanwhile without
    /// a report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// Query of `PUT agent/evidence/{id}?…`; the body is the bytes. Answered only when they are durable.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvidencePut {
    /// Job.
    pub job: JobId,
    /// Lease.
    pub lease: LeaseId,
    /// Fence.
    pub fence: i64,
    /// Agent.
    pub agent: AgentId,
    /// Attempt.
    pub attempt: AttemptId,
    /// Step index.
    pub step: u32,
    /// Kind.
    pub kind: EvidenceKind,
    /// Moment.
    pub moment: Moment,
    /// SHA-256 of the body, hexadecimal; a body with another hash is refused.
    pub sha256: String,
    /// Whether it was masked.
    pub masked: bool,
    /// It was kept by the agent while the coordinator could not be reached: taken also when the lease has ended meanwhile without a
    /// report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// `POST agent/secret`: one secret for one lease. A code that comes by mail or from a person is waited for: the answer
/// [`refusal::NOT_YET`] means that the same ask is to be sent again, [`refusal::CODE_NEEDED`] that the time is over.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SecretAsk {
    /// Lease.
    pub fenced: Fenced,
    /// Alias in the script.
    pub alias: String,
    /// Origin of the page it will be typed into; refused when the payer's profile does not list it.
    pub origin: String,
}

/// Answer to [`SecretAsk`]. Never logged; no `Debug`.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SecretReply {
    /// The value; for a TOTP alias the present code.
    pub value: String,
    /// For a code: how long it is still valid, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_ms: Option<i64>,
}

/// `POST agent/login`: a login is about to be tried; counted before the act. `POST agent/signed_in`: the portal took it.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoginAsk {
    /// Lease.
    pub fenced: Fenced,
}

/// `POST agent/intent`: asks for the permit. Evidence "before" must be durable.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PermitAsk {
    /// Lease.
    pub fenced: Fenced,
    /// Attempt.
    pub attempt: AttemptId,
    /// Step index of the commit.
    pub step: u32,
    /// The script's name of the commit.
    pub commit: String,
    /// SHA-256 over what the form holds (read back), hexadecimal.
    pub payload_sha256: String,
    /// Full-page picture before.
    pub before: EvidenceId,
    /// A new random value; the same ask repeated gets the same permit.
    pub ask: String,
    /// The submit gate that is to take the permit, where it is a process of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Arming>,
}

/// Answer to [`PermitAsk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "permit", rename_all = "snake_case")]
pub enum PermitReply {
    /// Click once, within `ttl_ms` from the moment the ask was sent.
    Go {
        /// The open intent.
        intent: IntentId,
        /// Life of the permit, milliseconds.
        ttl_ms: i64,
        /// The permit for the gate that the ask named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<Pass>,
    },
    /// The same request is already submitted or under way: nothing may be sent.
    Already {
        /// A sentence that names the other job.
        because: String,
        /// Not the same but nearly: a person says whether it is meant.
        #[serde(default)]
        similar: bool,
    },
    /// Not now.
    No {
        /// Why.
        because: String,
    },
}

/// `POST agent/not_clicked`: the permit was not used and the latch is unset.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NotClicked {
    /// Lease.
    pub fenced: Fenced,
    /// The intent to release.
    pub intent: IntentId,
}

/// `POST agent/not_sent`: the submit gate's certificate that nothing of a permit was sent. It releases an intent in doubt although
/// the latch is set. [`refusal::NOT_SETTLED`]: the attempt is not over yet, or somebody is looking; to be told again.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NotSent {
    /// Who tells it; not necessarily who got the permit.
    pub agent: AgentId,
    /// The gate's own line.
    pub certificate: Certificate,
}

/// The proof of a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Proof {
    /// The intent it proves.
    pub intent: IntentId,
    /// The payer's number.
    pub reference: String,
    /// Full-page picture after.
    pub after: EvidenceId,
}

/// What a reconcile found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Finding {
    /// Exactly one record that is ours.
    One {
        /// The payer's number and answer as the portal shows them.
        outcome: Outcome,
        /// Picture of the search result.
        evidence: EvidenceId,
    },
    /// Nothing.
    None {
        /// Picture of the empty result.
        evidence: EvidenceId,
        /// Whether the same visit showed that the search works: other rows, or a record that is known to be there. Without it
        /// nothing was learned.
        #[serde(default)]
        recognised: bool,
    },
    /// More than one.
    Many {
        /// How many.
        count: u32,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// The payer's answer; `proof` for a submission.
    Outcome {
        /// The answer.
        outcome: Outcome,
        /// The proof, when a commit was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Proof>,
    },
    /// No answer.
    Failure {
        /// Why.
        failure: Failure,
        /// Candidate numbers seen after a click that was not proved; hints only.
        #[serde(default)]
        candidates: Vec<String>,
    },
    /// A reconcile's finding.
    Finding {
        /// What was found.
        finding: Finding,
    },
}

/// `POST agent/report`: the end of an attempt. Repeated with the same fence it gets the first answer.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// Lease.
    pub fenced: Fenced,
    /// Attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub end: End,
    /// Logins made in this attempt.
    #[serde(default)]
    pub logins: u32,
    /// Whether a portal session was reused after a live probe.
    #[serde(default)]
    pub session_reused: bool,
    /// Whether the slot keeps the signed-in portal session for its next job.
    #[serde(default)]
    pub session_kept: bool,
    /// Where the pages differed from the script.
    #[serde(default)]
    pub drift: Vec<Drift>,
    /// Elements that looked otherwise than the lease said, or of which it said nothing. Kept only when the attempt succeeded
    /// and healed nothing.
    #[serde(default)]
    pub prints: BTreeMap<String, Remembered>,
}

/// `POST agent/release`: gives a lease back with nothing sent (drain): the attempt is `released` and not counted. With an intent
/// open it is a doubt, and counts.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Release {
    /// Lease.
    pub fenced: Fenced,
}

/// `POST agent/spool_key`: the key of a lease whose report lies on the agent's disk since an earlier life.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SpoolKeyAsk {
    /// The lease.
    pub lease: LeaseId,
}

/// Answer to [`SpoolKeyAsk`]. Never logged; no `Debug`.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SpoolKey {
    /// The key, base64.
    pub key: String,
}

/// `POST agent/bye`: the agent ends; it holds nothing any more.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Bye {
    /// Who.
    pub agent: AgentId,
}

/// Codes in `type` of a problem answer that agents act on.
pub mod refusal {
    /// The lease has ended or the fence is not the job's present one: leave the portal alone.
    pub const LEASE_ENDED: &str = "lease-ended";
    /// The evidence's hash is not the stated one.
    pub const HASH_MISMATCH: &str = "hash-mismatch";
    /// The origin is not listed for this payer.
    pub const ORIGIN_NOT_LISTED: &str = "origin-not-listed";
    /// The secret is a code that is not there yet: ask again at once.
    pub const NOT_YET: &str = "not-yet";
    /// The code did not come in time.
    pub const CODE_NEEDED: &str = "code-needed";
    /// What is asked for was judged and may not be.
    pub const NOT_ALLOWED: &str = "not-allowed";
    /// The certificate comes too early: tell it again.
    pub const NOT_SETTLED: &str = "not-settled";
    /// Too many calls at this moment.
    pub const TOO_MANY: &str = "too-many";
    /// The login budget is spent.
    pub const LOGIN_BUDGET: &str = "login-budget";
}
