//! Public JSON of cases and jobs.

use domain::{job::JobState, outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::{Role, sight};

/// A new case with its first job.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// Payer id.
    pub payer: String,
    /// The request: `kind` is `prior_auth`, `auth_status`, `claim_status`, `eligibility`, `precheck` or `letter`; further fields by kind. Patient data.
    #[schema(value_type = Object)]
    pub request: Value,
    /// Why the same thing is deliberately asked for again; needs the role reviewer.
    #[serde(default)]
    pub again: Option<String>,
}

/// What intake made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CaseMade {
    /// The case.
    pub case: String,
    /// Its first job.
    pub job: String,
}

/// A further job for an existing case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    /// The case.
    pub case: String,
    /// `submit`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `renewal` or `letter`.
    pub task: String,
}

/// A case. Patient data is masked unless revealed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CaseView {
    /// Which.
    pub id: String,
    /// `prior_auth`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `letter`.
    pub kind: String,
    /// Payer id.
    pub payer: String,
    /// `received`, `working`, `attention`, `complete`, `failed`, `withdrawn`.
    pub status: String,
    /// Member id, masked: `••••0001`; only for one case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// How often the same thing was deliberately asked for.
    pub round: u32,
    /// Who took it in.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Last change.
    pub updated_at: String,
    /// Revision.
    pub rev: i64,
    /// The whole request; only with `reveal=true`, which is written to the audit. Patient data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    /// Its jobs, oldest first; only for one case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<Vec<JobView>>,
}

/// A job.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct JobView {
    /// Which.
    pub id: String,
    /// Its case.
    pub case: String,
    /// Payer id.
    pub payer: String,
    /// `submit`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `renewal`, `letter`.
    pub task: String,
    /// `ready`, `leased`, `resting`, `waiting`, `in_doubt`, `done`, `failed`, `cancelled`.
    pub state: String,
    /// Attempts so far; leases that an agent gave back are not counted.
    pub attempts: u32,
    /// Attempts before a person is asked, where the script has no rule of its own for the failure.
    pub attempts_max: u32,
    /// The script bundle it is pinned to.
    pub script_sha256: String,
    /// From when it may be leased.
    pub ready_at: String,
    /// Why it is not leased, for a ready job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// While leased: which agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// While leased: the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// While leased: `work` or `reconcile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// While leased: when the lease ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_expires_at: Option<String>,
    /// The open intent: it may have been submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// While resting: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<String>,
    /// Resting or failed: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub failure: Option<outcome::Failure>,
    /// While waiting: the exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// In doubt: the next look at the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_at: Option<String>,
    /// In doubt: looks that found nothing so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
    /// Done: the payer's answer with its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outcome: Option<outcome::Outcome>,
    /// Cancelled: the person's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// The channel its newest attempt took; only for one case or one job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Why that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Last change.
    pub updated_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

impl JobView {
    /// The view of a stored job.
    #[must_use]
    pub fn of(job: crate::store::jobs::Job) -> Self {
        let mut view = Self {
            id: job.id.to_string(),
            case: job.case.to_string(),
            payer: job.payer,
            task: job.task.word().to_owned(),
            state: job.state.word().to_owned(),
            attempts: job.attempts,
            attempts_max: job.attempts_max,
            script_sha256: job.script_sha256,
            ready_at: job.ready_at.to_string(),
            created_by: job.created_by,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
            ended_at: job.ended_at.map(|at| at.to_string()),
            rev: job.rev,
            ..Self::default()
        };
        view.intent = job.state.intent().map(|i| i.to_string());
        match job.state {
            JobState::Ready => {}
            JobState::Leased { lease, attempt, .. } => {
                view.agent = Some(lease.agent.to_string());
                view.attempt = Some(attempt.to_string());
                view.purpose = Some(lease.purpose.word().to_owned());
                view.lease_expires_at = Some(lease.expires_at.to_string());
            }
            JobState::Resting { until, after } => {
                view.rests_until = Some(until.to_string());
                view.failure = Some(after);
            }
            JobState::Waiting { exception, .. } => view.exception = Some(exception.to_string()),
            JobState::InDoubt { look_at, looks, .. } => {
                view.look_at = Some(look_at.to_string());
                view.looks = Some(looks);
            }
            JobState::Done { outcome } => view.outcome = Some(outcome),
            JobState::Failed { failure } => view.failure = Some(failure),
            JobState::Cancelled { reason } => view.cancel_reason = Some(reason),
        }
        view
    }
}

impl JobView {
    /// With the channel of its newest attempt.
    #[must_use]
    pub fn by(mut self, newest: Option<&crate::store::attempts::Attempt>) -> Self {
        self.channel = newest.map(|attempt| attempt.channel.word().to_owned());
        self.because = newest.map(|attempt| attempt.because.clone());
        self
    }

    /// What this role may see of it.
    #[must_use]
    pub fn for_role(mut self, role: Role) -> Self {
        if let Some(outcome) = &mut self.outcome {
            sight::outcome(role, outcome);
        }
        if let Some(failure) = &mut self.failure {
            sight::failure(role, failure);
        }
        self
    }
}
