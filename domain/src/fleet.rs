//! Payers and their limits, agents and their slots, and why a job is not leased.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    channel::{Channel, Leg, Way},
    job::Task,
    permission::Permission,
    polite::Pace,
    time::Timestamp,
};

/// A payer's profile: what operators maintain and what leasing and reconciling read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// Short name in addresses, scripts and API: `crestline`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Time zone of the portal, IANA.
    pub time_zone: String,
    /// Permission for the portal channel.
    pub permission: Permission,
    /// Limits.
    pub limits: Limits,
    /// How fast the portal may be used over the whole fleet, and when its account and its breaker stop.
    #[serde(default)]
    pub pace: Pace,
    /// Business hours and maintenance, in `time_zone`.
    #[serde(default, skip_serializing_if = "Calendar::is_empty")]
    pub calendar: Calendar,
    /// Rules for settling a doubt.
    pub reconcile: ReconcileRules,
    /// Cadence of status checks of a pended case, in milliseconds.
    pub status_every_ms: i64,
    /// How the portal takes a second login of the same account: `displaces`, `refused`, `both_live`.
    pub second_login: String,
    /// Secret aliases an account at this payer needs, such as `user`, `password`, `code`.
    pub secrets: Vec<String>,
    /// Origins (scheme, host, port) where secrets of this payer may be typed; kept by an administrator, not by scripts.
    pub login_origins: Vec<String>,
    /// Channels beside the portal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// The order of channels for each task; a task that is not named goes by the portal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<Task, Vec<Leg>>,
}

/// Politeness limits of a payer's portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Portal sessions at a time over the whole fleet (leased jobs of this payer).
    pub sessions_max: u32,
    /// Least time between two page loads of one slot, milliseconds.
    pub gap_ms: u64,
    /// Most page loads per minute of one slot.
    pub pages_per_minute: u32,
    /// Logins per hour over the whole fleet.
    pub logins_per_hour_max: u32,
}

/// When a search that found nothing counts as absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRules {
    /// A complete search that finds nothing proves absence. Default false.
    pub absence_is_proof: bool,
    /// How late the payer may record, milliseconds; two negative searches must be at least three times this apart.
    pub max_record_delay_ms: i64,
    /// First look after the doubt began, milliseconds.
    pub first_look_ms: i64,
    /// Rest between two looks, milliseconds.
    pub look_every_ms: i64,
    /// Looks before a person is asked.
    pub looks_max: u32,
}

/// What a script asks for when its search finds nothing (`decide.none`). It can only make the payer's own plan longer: how soon and
/// whether at all absence proves anything is a fact about the payer, not about a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptLooks {
    /// Between two searches, milliseconds.
    pub wait_ms: i64,
    /// How many searches must find nothing.
    pub tries: u32,
    /// Whether it may then count as not submitted; otherwise a person is asked.
    pub may_prove: bool,
}

/// What the coordinator does after a look that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLook {
    /// Look again at this time.
    LookAgain(Timestamp),
    /// Absent by the payer's rule: the intent may be released.
    Absent,
    /// Ask a person.
    AskPerson,
}

impl ReconcileRules {
    /// The quiet period between two negative searches that may prove absence (submission protocol: at least three times the
    /// payer's record delay).
    #[must_use]
    pub fn quiet_ms(&self) -> i64 {
        (self.max_record_delay_ms * 3).max(self.look_every_ms)
    }

    /// Decides after the `looks`-th positively recognised empty search (counting this one); `first_empty_at` is the first of them.
    #[must_use]
    pub fn after_empty_look(
        &self,
        script: Option<&ScriptLooks>,
        looks: u32,
        first_empty_at: Timestamp,
        now: Timestamp,
    ) -> AfterLook {
        let tries = script.map_or(2, |s| s.tries.max(2));
        let quiet_ms = script.map_or(0, |s| s.wait_ms).max(self.quiet_ms());
        let may_prove = self.absence_is_proof && script.is_none_or(|s| s.may_prove);
        if may_prove && looks >= tries && now.since_ms(first_empty_at) >= quiet_ms {
            AfterLook::Absent
        } else if looks >= self.looks_max.max(if script.is_some() { tries } else { 0 }) {
            AfterLook::AskPerson
        } else {
            AfterLook::LookAgain(now.plus_ms(quiet_ms))
        }
    }
}

/// What an agent says of itself when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AgentInfo {
    /// Name for people, unique among live agents.
    pub name: String,
    /// Pool it serves.
    pub pool: String,
    /// Slots.
    pub slots: u32,
    /// Version of the agent program.
    pub version: String,
    /// Version of the browser, as the browser tells it.
    pub browser: String,
    /// Channels it works.
    #[serde(default = "portal_alone")]
    pub channels: Vec<Channel>,
}

fn portal_alone() -> Vec<Channel> {
    vec![Channel::Portal]
}

/// Why a job is not leased now. One function decides and everyone shows these words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Blocked {
    /// The payer is paused by a person.
    PayerPaused {
        /// The person's reason.
        reason: String,
    },
    /// The pool is paused by a person.
    PoolPaused {
        /// The person's reason.
        reason: String,
    },
    /// No permission.
    NotPermitted {
        /// The sentence of the register.
        reason: String,
    },
    /// As many portal sessions as allowed are at work.
    SessionLimit {
        /// The limit.
        limit: u32,
    },
    /// The login budget is spent.
    LoginBudget {
        /// Until when.
        until: Timestamp,
    },
    /// The account was refused; a person must act.
    AccountRefused,
    /// The portal is resting after failures.
    PortalDown {
        /// Until when.
        until: Timestamp,
    },
    /// A channel beside the portal is resting after failures.
    ChannelDown {
        /// Until when.
        until: Timestamp,
    },
    /// A visit takes longer than the profile puts up with.
    Slow {
        /// How long one usually took lately, milliseconds.
        usual_ms: i64,
    },
    /// The channel takes no documents.
    Documents,
    /// The profile lists the channel and does not describe it.
    NotDescribed,
    /// No agent that accepts work works this channel.
    NotWorked,
    /// The portal is resting after failures, and one visit tries whether it works again.
    Probing,
    /// Outside business hours, or maintenance.
    Closed {
        /// When it opens, if that is in sight.
        until: Option<Timestamp>,
        /// Maintenance, not the hours.
        maintenance: bool,
    },
    /// Logins whose end nobody knows: one more might lock the account.
    LockoutBudget {
        /// Until when.
        until: Timestamp,
    },
    /// As many visits as allowed were begun within a minute.
    TooManyStarts {
        /// Until when.
        until: Timestamp,
    },
    /// The database was found to be older than what this fleet had written: only looks at payers are leased.
    Quarantine {
        /// What was found.
        reason: String,
    },
    /// No live script for the task.
    NoScript,
    /// The script is held until a person lets it go on.
    ScriptHeld {
        /// Why.
        reason: String,
    },
    /// The permission wants the program and its owner named for every account, and no account that may be used names them.
    NoIdentity,
    /// No credential for the payer.
    NoCredential,
    /// No agent is accepting work.
    NoAgent,
    /// Every slot is busy.
    NoFreeSlot,
}

impl Blocked {
    /// Whether the next channel in the order takes the job. What is short or holds every channel alike is waited for.
    #[must_use]
    pub fn moves_on(&self) -> bool {
        match self {
            Self::NotPermitted { .. }
            | Self::LoginBudget { .. }
            | Self::LockoutBudget { .. }
            | Self::AccountRefused
            | Self::PortalDown { .. }
            | Self::ChannelDown { .. }
            | Self::Slow { .. }
            | Self::Documents
            | Self::NotDescribed
            | Self::NotWorked
            | Self::Probing
            | Self::Closed { .. }
            | Self::NoScript
            | Self::ScriptHeld { .. }
            | Self::NoIdentity
            | Self::NoCredential => true,
            Self::PayerPaused { .. }
            | Self::PoolPaused { .. }
            | Self::SessionLimit { .. }
            | Self::TooManyStarts { .. }
            | Self::Quarantine { .. }
            | Self::NoAgent
            | Self::NoFreeSlot => false,
        }
    }

    /// The reason as a sentence.
    #[must_use]
    pub fn say(&self) -> String {
        match self {
            Self::PayerPaused { reason } => format!("the payer is paused: {reason}"),
            Self::PoolPaused { reason } => format!("the pool is paused: {reason}"),
            Self::NotPermitted { reason } => reason.clone(),
            Self::SessionLimit { limit } => {
                format!("{limit} of {limit} portal sessions are at work")
            }
            Self::LoginBudget { until } => format!("the login budget is spent until {until}"),
            Self::AccountRefused => "the portal refused the account; a person must act".to_owned(),
            Self::PortalDown { until } => format!("the portal is down; next try at {until}"),
            Self::ChannelDown { until } => format!("it failed lately; next try at {until}"),
            Self::Slow { usual_ms } => format!("a visit takes {} s lately", usual_ms / 1000),
            Self::Documents => "it takes no documents".to_owned(),
            Self::NotDescribed => "the profile does not describe it".to_owned(),
            Self::NotWorked => "no agent that accepts work works it".to_owned(),
            Self::Probing => "one visit tries whether the portal works again".to_owned(),
            Self::Closed { until, maintenance } => {
                let why =
                    if *maintenance { "is under maintenance" } else { "is outside its hours" };
                match until {
                    Some(until) => format!("the portal {why} until {until}"),
                    None => format!("the portal {why}"),
                }
            }
            Self::LockoutBudget { until } => {
                format!(
                    "one more failed login might lock the account; the next may be tried at {until}"
                )
            }
            Self::TooManyStarts { until } => {
                format!("as many visits as allowed were begun; the next may begin at {until}")
            }
            Self::Quarantine { reason } => format!("the fleet is in quarantine: {reason}"),
            Self::NoScript => "there is no live script for this task".to_owned(),
            Self::ScriptHeld { reason } => format!("the script is held: {reason}"),
            Self::NoIdentity => {
                "no account names the program that signs in with it and who answers for it"
                    .to_owned()
            }
            Self::NoCredential => "no account is recorded for this payer".to_owned(),
            Self::NoAgent => "no agent is accepting work".to_owned(),
            Self::NoFreeSlot => "every slot is busy".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_makes_the_payers_plan_longer_and_never_shorter() {
        let payer = ReconcileRules {
            absence_is_proof: true,
            max_record_delay_ms: 60_000,
            first_look_ms: 0,
            look_every_ms: 60_000,
            looks_max: 3,
        };
        let never = ReconcileRules { absence_is_proof: false, ..payer.clone() };
        let script = |wait_ms, tries, may_prove| Some(ScriptLooks { wait_ms, tries, may_prove });
        let again = |ms: i64| AfterLook::LookAgain(Timestamp::from_ms(200_000 + ms));
        for (rules, script, looks, then) in [
            (&payer, None, 1, again(180_000)),
            (&payer, None, 2, AfterLook::Absent),
            (&never, None, 2, again(180_000)),
            (&never, None, 3, AfterLook::AskPerson),
            // Shorter wishes change nothing.
            (&payer, script(1, 1, true), 1, again(180_000)),
            (&payer, script(1, 1, true), 2, AfterLook::Absent),
            (&payer, script(1, 3, true), 2, again(180_000)),
            (&payer, script(1, 3, true), 3, AfterLook::Absent),
            (&payer, script(300_000, 3, true), 3, AfterLook::AskPerson),
            (&payer, script(300_000, 5, true), 3, again(300_000)),
            (&payer, script(1, 2, false), 2, again(180_000)),
            (&payer, script(1, 2, false), 3, AfterLook::AskPerson),
            (&never, script(1, 2, true), 3, AfterLook::AskPerson),
        ] {
            let (first, now) = (Timestamp::from_ms(10_000), Timestamp::from_ms(200_000));
            let got = rules.after_empty_look(script.as_ref(), looks, first, now);
            assert_eq!(got, then, "{script:?} {looks}");
        }
    }
}
