//! Public JSON of what operators and admins keep: pools, agents, payers, scripts, audit, users.

use std::collections::BTreeMap;

use domain::{fleet, permission};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Role;

/// A pool with the one number scalers need.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PoolView {
    /// Name.
    pub id: String,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_reason: Option<String>,
    /// Slots of its live agents.
    pub slots: u32,
    /// Slots at work.
    pub slots_leased: u32,
    /// At work plus ready jobs that could run here.
    pub slots_wanted: u32,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

/// An agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentView {
    /// Which.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Pool.
    pub pool: String,
    /// `accepting`, `draining`, `gone`.
    pub state: String,
    /// `live`, `late` or `dead`, judged from its last sign; `gone` when it said goodbye.
    pub health: String,
    /// Slots.
    pub slots: u32,
    /// Slots at work.
    pub leases: u32,
    /// Version of the program.
    pub version: String,
    /// Version of its browser.
    pub browser: String,
    /// Whether its browser answers.
    pub browser_ok: bool,
    /// Memory of agent and browser, MiB.
    pub memory_mib: u32,
    /// Last sign of life.
    pub seen_at: String,
    /// When it began.
    pub hello_at: String,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

/// A payer: profile, pauses, what it is doing now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayerView {
    /// Payer id.
    pub id: String,
    /// Pool that serves it.
    pub pool: String,
    /// Profile: name, permission, limits, reconcile rules, cadence, login origins.
    #[schema(value_type = Object)]
    pub profile: fleet::Payer,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_reason: Option<String>,
    /// The portal is down; next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<String>,
    /// Portal sessions at work.
    pub sessions: u32,
    /// A permission for the portal that waits for a second person; only for one payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalView>,
    /// Each rule of politeness and how it stands; only for one payer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub politeness: Vec<RuleView>,
    /// Why each task gets no lease now, by the decision that leases; only for one payer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<BlockedView>,
    /// Channels beside the portal and how each stands; only for one payer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelView>,
    /// Its accounts: names of secrets only.
    pub credentials: Vec<CredentialView>,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

/// A channel of a payer beside its portal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChannelView {
    /// `fhir_pas`, `x12_core`, `x12_sftp`, `x12_as2`, `rest`.
    pub channel: String,
    /// State of its permission: `unknown`, `permitted`, `registered`, `prohibited`.
    pub permission: String,
    /// A permission for it that waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalView>,
    /// It failed lately; next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<String>,
    /// Failures in a row.
    pub downs: u32,
    /// Calls at work.
    pub calls: u32,
    /// Calls at a time, at most.
    pub calls_max: u32,
    /// Each of its rules of politeness and how it stands.
    pub politeness: Vec<RuleView>,
}

/// A rule of politeness.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleView {
    /// `calendar`, `breaker`, `sessions`, `logins`, `account_logins`, `lockout`, `starts`, `submits`, `pages`, `second_login`; beside the
    /// portal `calls` in place of the sessions and logins.
    pub rule: String,
    /// What it stands at.
    pub says: String,
    /// Why it keeps jobs from being leased now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<String>,
}

/// Why jobs of a task get no lease now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BlockedView {
    /// Task.
    pub task: String,
    /// The reason's word.
    pub why: String,
    /// The reason, a sentence.
    pub says: String,
}

/// An account at a payer. Values are never given out here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CredentialView {
    /// Which.
    pub id: String,
    /// Name of the account.
    pub account: String,
    /// The channel it is for.
    pub channel: String,
    /// Names of the secrets it holds.
    pub aliases: Vec<String>,
    /// `good`, or `refused` by the portal: then no login is tried before new secrets are set or a person clears it.
    pub state: String,
    /// Since when it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<String>,
    /// The program that signs in with it, as the payer knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// An account that the portal refused may be tried again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearAccount {
    /// Name of the account.
    pub account: String,
    /// Why, 3 to 500 characters; kept in the audit.
    pub reason: String,
}

/// New politeness limits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLimits {
    /// `sessions_max`, `gap_ms`, `pages_per_minute`, `logins_per_hour_max`.
    #[schema(value_type = Object)]
    pub limits: fleet::Limits,
    /// Why.
    pub reason: String,
}

/// A decision about automating a channel of a payer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPermission {
    /// `portal` where nothing is said, or a channel that the profile describes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub channel: domain::channel::Channel,
    /// `unknown`, `permitted`, `registered`, `prohibited`.
    #[schema(value_type = String)]
    pub state: permission::PermissionState,
    /// `contract`, `written_permission`, `payer_registration`, `terms_reviewed`, `admin_override`, `simulator`.
    pub basis: String,
    /// Mandatory end, RFC 3339.
    #[schema(value_type = String)]
    pub expires_at: domain::time::Timestamp,
    /// Tasks that may be automated.
    #[schema(value_type = Vec<String>)]
    pub tasks: Vec<domain::job::Task>,
    /// The paper it rests on: a clause, a letter, the payer's registration number, or the id of an uploaded document.
    #[serde(default)]
    pub document: Option<String>,
    /// What the payer asks for beside the limits, in words.
    #[serde(default)]
    pub conditions: Option<String>,
    /// Only these accounts; none means every recorded one.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Every account must name its program and its owner.
    #[serde(default)]
    pub named_identity: bool,
    /// Who read the paper.
    #[serde(default)]
    pub reviewer: Option<String>,
    /// Why it is suspended: it says no until this is taken away.
    #[serde(default)]
    pub suspended: Option<String>,
    /// Why.
    pub reason: String,
}

/// A second person agrees.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondPermission {
    /// `portal` where nothing is said, or a channel that the profile describes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub channel: domain::channel::Channel,
    /// Why.
    pub reason: String,
}

/// A permission that waits for a second person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProposalView {
    /// What is proposed.
    #[schema(value_type = Object)]
    pub permission: permission::Permission,
    /// Why.
    pub reason: String,
    /// The first person's id.
    pub by: String,
    /// When.
    pub at: String,
}

/// Which program signs in with an account, and who answers for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentity {
    /// Name of the account.
    pub account: String,
    /// The program, as the payer knows it.
    pub identity: String,
    /// The person who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
}

/// An account with its secrets. Write-only.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// Name of the account, for people.
    pub account: String,
    /// The channel it is for: `portal`, `fhir_pas`, `x12_core`, `x12_sftp`, `x12_as2`, `rest`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub channel: domain::channel::Channel,
    /// Value per alias, a text. `code` takes the seed of one-time codes in base32, or `{"totp": seed, "digits": 6, "period_s": 30}`.
    #[schema(value_type = Object)]
    pub secrets: BTreeMap<String, crate::vault::Secret>,
}

/// A published script.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScriptView {
    /// `<payer>/<task>`.
    pub script: String,
    /// Hash of the bundle.
    pub sha256: String,
    /// `live`, `retired`, `held`.
    pub state: String,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: String,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_reason: Option<String>,
    /// Who holds it: a person, or a duty of the coordinator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Revision, for `If-Match`.
    pub rev: i64,
    /// Path → text; only for one script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
}

/// A script with every file it may use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScript {
    /// `<payer>/<task>`.
    pub script: String,
    /// Path below `scripts/` → text.
    pub files: BTreeMap<String, String>,
}

/// An entry of the audit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditView {
    /// Position, without gaps.
    pub seq: i64,
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What.
    pub act: String,
    /// To what.
    pub subject: String,
    /// Words, ids and counts.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Hash of the entry before.
    pub previous_sha256: String,
    /// Hash of this entry.
    pub sha256: String,
}

/// Whether the chain of the audit holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditVerified {
    /// Whether every entry fits the one before.
    pub intact: bool,
    /// Entries that hold.
    pub entries: i64,
    /// First that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<String>,
}

/// A person who may sign in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// Which.
    pub id: String,
    /// Name to sign in with.
    pub login: String,
    /// Name for people.
    pub name: String,
    /// Role.
    pub role: Role,
    /// `active` or `locked`.
    pub state: String,
    /// Since when.
    pub created_at: String,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

/// An API key without the key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyView {
    /// Which.
    pub id: String,
    /// The user it acts for.
    pub user: String,
    /// What it is for.
    pub name: String,
    /// At most the user's own role.
    pub role: Role,
    /// Since when.
    pub created_at: String,
    /// Since when it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// Another person's new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 12 to 256 characters.
    pub password: String,
    /// Why, 3 to 500 characters; kept in the audit.
    pub reason: String,
}

/// One's own new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The present one.
    pub present: String,
    /// The new one, 12 to 256 characters.
    pub new: String,
}

/// A new person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Name to sign in with: 2 to 40 lower-case letters, digits, `-`, `.`.
    pub login: String,
    /// Name for people.
    pub name: String,
    /// Role.
    pub role: Role,
    /// 12 to 256 characters.
    pub password: String,
}

/// What an API key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// At most the user's own role.
    pub role: Role,
}

/// A new API key. Shown once.
#[derive(Serialize, ToSchema)]
pub struct KeyMade {
    /// Which.
    pub id: String,
    /// The key; only its hash is kept.
    pub key: String,
}

/// Whether the fleet is in quarantine.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuarantineView {
    /// Since when; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Revision, for `If-Match`.
    pub rev: i64,
}
