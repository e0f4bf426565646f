//! The register of permissions in public JSON.

use domain::permission::PermissionState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::flow::payers::{Account, Entry};

/// One channel of one payer in the register of permissions. What is not recorded is null, so that every row has every column.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegisterView {
    /// Payer id.
    pub payer: String,
    /// Its name.
    pub name: String,
    /// `portal`, `fhir_pas`, `x12_core`, `x12_sftp`, `x12_as2`, `rest`.
    pub channel: String,
    /// `unknown`, `permitted`, `registered`, `prohibited`.
    pub state: String,
    /// Something may be read by program now.
    pub may_read: bool,
    /// Something may be submitted by program now.
    pub may_submit: bool,
    /// Why nothing may be read.
    pub reads_not: Option<String>,
    /// Why nothing may be submitted.
    pub submits_not: Option<String>,
    /// Tasks that may be automated.
    pub tasks: Vec<String>,
    /// What the decision rests on.
    pub basis: String,
    /// The paper.
    pub document: Option<String>,
    /// What the payer asks for beside the limits.
    pub conditions: Option<String>,
    /// Who decided.
    pub decided_by: String,
    /// Who read the paper.
    pub reviewer: Option<String>,
    /// The second person, where a prohibition was replaced.
    pub second: Option<String>,
    /// The end; none where nobody has decided.
    pub expires_at: Option<String>,
    /// Why it is suspended.
    pub suspended: Option<String>,
    /// Another permission waits for a second person.
    pub waits_for_second: bool,
    /// Accounts of the channel.
    pub accounts: Vec<RegisterAccount>,
}

/// An account in the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegisterAccount {
    /// Its name.
    pub account: String,
    /// The program that signs in with it, as the payer knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The permission covers it.
    pub may_be_used: bool,
}

impl From<Entry> for RegisterView {
    fn from(e: Entry) -> Self {
        let p = e.permission;
        Self {
            payer: e.payer,
            name: e.name,
            channel: e.channel.word().to_owned(),
            state: p.state.word().to_owned(),
            may_read: e.reads_not.is_none(),
            may_submit: e.submits_not.is_none(),
            reads_not: e.reads_not,
            submits_not: e.submits_not,
            tasks: p.tasks.iter().map(|task| task.word().to_owned()).collect(),
            basis: p.basis,
            document: p.document,
            conditions: p.conditions,
            decided_by: p.decided_by,
            reviewer: p.reviewer,
            second: p.second,
            expires_at: (p.state != PermissionState::Unknown).then(|| p.expires_at.to_string()),
            suspended: p.suspended,
            waits_for_second: e.waits_for_second,
            accounts: e.accounts.into_iter().map(RegisterAccount::from).collect(),
        }
    }
}

impl From<Account> for RegisterAccount {
    fn from(a: Account) -> Self {
        Self {
            account: a.account,
            identity: a.identity,
            owner: a.owner,
            may_be_used: a.may_be_used,
        }
    }
}
