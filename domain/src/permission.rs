//! The automation-permission register: whether a channel of a payer may be automated. Unknown means no.

use serde::{Deserialize, Serialize};

use crate::{job::Task, time::Timestamp};

/// A recorded decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionState {
    /// Nobody has decided. Means no.
    Unknown,
    /// Allowed within the limits.
    Permitted,
    /// Allowed under the payer's own registration.
    Registered,
    /// Forbidden.
    Prohibited,
}

impl PermissionState {
    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Permitted => "permitted",
            Self::Registered => "registered",
            Self::Prohibited => "prohibited",
        }
    }

    /// Whether it says yes.
    #[must_use]
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Permitted | Self::Registered)
    }
}

/// What a decision can be based on.
pub const BASES: [&str; 6] = [
    "contract",
    "written_permission",
    "payer_registration",
    "terms_reviewed",
    "admin_override",
    "simulator",
];

/// A permission may not be recorded for longer: thirteen months.
pub const LONGEST_MS: i64 = 396 * DAY_MS;
/// Without a word of the payer an administrator may open an unknown portal for at most thirty days.
pub const OVERRIDE_MS: i64 = 30 * DAY_MS;
/// Warnings come so many days before the end.
pub const WARN_DAYS: [i64; 3] = [60, 30, 7];

const DAY_MS: i64 = 24 * 3_600_000;

/// A permission for one payer's portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The decision.
    pub state: PermissionState,
    /// One of [`BASES`].
    pub basis: String,
    /// Who decided.
    pub decided_by: String,
    /// Mandatory end.
    pub expires_at: Timestamp,
    /// Tasks that may be automated.
    pub tasks: Vec<Task>,
    /// The paper it rests on: a clause, a letter, a registration number, or the id of a document that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What the payer asks for beside the limits, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<String>,
    /// Only these accounts; none means every recorded one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Every account must say which program signs in with it and who answers for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named_identity: bool,
    /// Who read the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
    /// The second person, where a prohibition was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// Why it is suspended: then it says no until a person lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<String>,
}

impl Permission {
    /// Whether this task may be automated now; otherwise the sentence to show.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn allows(&self, task: Task, now: Timestamp) -> Result<(), &'static str> {
        match self.state {
            PermissionState::Unknown => {
                Err("nobody has recorded that this portal may be automated")
            }
            PermissionState::Prohibited => Err("this portal must not be automated"),
            PermissionState::Permitted | PermissionState::Registered if self.expires_at <= now => {
                Err("the permission to automate this portal has expired")
            }
            PermissionState::Permitted | PermissionState::Registered
                if self.suspended.is_some() =>
            {
                Err("the permission to automate this portal is suspended")
            }
            PermissionState::Permitted | PermissionState::Registered
                if !self.tasks.contains(&task) =>
            {
                Err("the permission does not cover this task")
            }
            PermissionState::Permitted | PermissionState::Registered => Ok(()),
        }
    }

    /// Whether anything of a kind may be automated now: what submits, or what only reads; otherwise the sentence to show.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn allows_any(&self, submits: bool, now: Timestamp) -> Result<(), &'static str> {
        let task = self.tasks.iter().find(|task| task.commits() == submits);
        // A task of the kind that is not listed is refused for that, unless the whole is.
        let task = task.copied().unwrap_or(if submits { Task::Submit } else { Task::AuthStatus });
        self.allows(task, now)
    }

    /// Whether this account may be used under it.
    #[must_use]
    pub fn covers(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|known| known == account)
    }

    /// What is wrong with recording it in the place of `known` for portals with these origins: the field and a sentence.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(
        &self,
        known: &Self,
        origins: &[String],
        now: Timestamp,
    ) -> Result<(), (&'static str, &'static str)> {
        if !BASES.contains(&self.basis.as_str()) {
            return Err((
                "basis",
                "is none of contract, written_permission, payer_registration, terms_reviewed, admin_override, simulator",
            ));
        }
        if !self.state.is_yes() {
            return Ok(());
        }
        let lasts = self.expires_at.since_ms(now);
        match self.basis.as_str() {
            "simulator" if !origins.iter().all(|origin| is_reserved(origin)) => {
                return Err(("basis", "simulator is for hosts under .test and .example only"));
            }
            "simulator" => return Ok(()),
            "admin_override" if known.state != PermissionState::Unknown => {
                return Err(("basis", "an override lifts what is unknown, nothing else"));
            }
            "admin_override" if lasts > OVERRIDE_MS => {
                return Err(("expires_at", "an override lasts thirty days at most"));
            }
            _ => {}
        }
        if lasts > LONGEST_MS {
            return Err(("expires_at", "is more than thirteen months away"));
        }
        let paper = self.document.as_ref().is_some_and(|paper| !paper.trim().is_empty());
        if self.state == PermissionState::Registered && !paper {
            return Err(("document", "a registration needs the payer's number"));
        }
        Ok(())
    }

    /// The nearest warning that is due: it says yes and ends within so many days.
    #[must_use]
    pub fn ends_within_days(&self, now: Timestamp) -> Option<i64> {
        let left = self.expires_at.since_ms(now);
        let due = WARN_DAYS.iter().rev().find(|days| left <= **days * DAY_MS);
        due.copied().filter(|_| self.state.is_yes() && left > 0)
    }
}

/// Hosts that cannot exist: of simulated portals and of examples.
fn is_reserved(origin: &str) -> bool {
    let host = origin.split("://").nth(1).unwrap_or(origin);
    let host = host.split([':', '/']).next().unwrap_or_default();
    [".test", ".example"].iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(more: &[(&str, serde_json::Value)]) -> Permission {
        let mut all = serde_json::json!({"state": "permitted", "basis": "contract", "decided_by": "p",
            "expires_at": "2026-12-01T00:00:00Z", "tasks": ["submit"]});
        for (name, value) in more {
            all[*name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-02T14:00:00Z").unwrap()
    }

    #[test]
    fn only_a_yes_that_lasts_says_yes() {
        let says = |more: &[(&str, serde_json::Value)], task| permission(more).allows(task, now());
        assert_eq!(says(&[], Task::Submit), Ok(()));
        assert_eq!(says(&[("state", "registered".into())], Task::Submit), Ok(()));
        for (more, task) in [
            (vec![("state", "unknown".into())], Task::Submit),
            (vec![("state", "prohibited".into())], Task::Submit),
            (vec![("expires_at", "2026-03-02T14:00:00Z".into())], Task::Submit),
            (vec![("suspended", "the terms changed".into())], Task::Submit),
            (vec![], Task::AuthStatus),
        ] {
            assert!(says(&more, task).is_err(), "{more:?}");
        }
    }

    #[test]
    fn reading_and_submitting_are_told_apart() {
        let says = |tasks: &[&str], submits| {
            permission(&[("tasks", serde_json::json!(tasks))]).allows_any(submits, now())
        };
        assert_eq!((says(&["submit"], true), says(&["auth_status"], false)), (Ok(()), Ok(())));
        assert!(says(&["submit"], false).is_err() && says(&["letter"], true).is_err());
        assert_eq!(says(&["letter", "renewal"], true), Ok(()));
        let ended = permission(&[("suspended", "the terms changed".into())]);
        assert!(ended.allows_any(true, now()).is_err());
    }

    /// What is changed, of which permission, the accounts there are, and the first words of the refusal.
    type Row<'a> =
        (Vec<(&'a str, serde_json::Value)>, &'a Permission, &'a [String], Option<&'a str>);

    #[test]
    fn what_may_be_recorded() {
        let unknown = permission(&[("state", "unknown".into())]);
        let known = permission(&[]);
        let far = ("expires_at", "2028-01-01T00:00:00Z".into());
        let soon = ("expires_at", "2026-03-20T00:00:00Z".into());
        let basis = |word: &str| ("basis", serde_json::Value::from(word));
        let test = ["https://hub.crestline.test".to_owned(), "https://a.example:8443".to_owned()];
        let real = ["https://portal.payer.com".to_owned()];
        let rows: [Row<'_>; 12] = [
            (vec![], &known, &real, None),
            (vec![basis("hearsay")], &known, &real, Some("basis")),
            (vec![basis("simulator"), far.clone()], &known, &test, None),
            (vec![basis("simulator")], &known, &real, Some("basis")),
            (vec![far.clone()], &known, &real, Some("expires_at")),
            (vec![("state", "prohibited".into()), far], &known, &real, None),
            (vec![("state", "registered".into())], &known, &real, Some("document")),
            (
                vec![("state", "registered".into()), ("document", "REG-7".into())],
                &known,
                &real,
                None,
            ),
            (vec![basis("admin_override"), soon.clone()], &unknown, &real, None),
            (vec![basis("admin_override")], &unknown, &real, Some("expires_at")),
            (vec![basis("admin_override"), soon], &known, &real, Some("basis")),
            (vec![basis("")], &known, &real, Some("basis")),
        ];
        for (more, known, origins, fault) in rows {
            let told = permission(&more).check(known, origins, now());
            assert_eq!(told.err().map(|(field, _)| field), fault, "{more:?}");
        }
    }

    #[test]
    fn warnings_come_in_time_and_accounts_are_listed() {
        let ends = |text: &str| permission(&[("expires_at", text.into())]).ends_within_days(now());
        assert_eq!(ends("2026-12-01T00:00:00Z"), None);
        assert_eq!(ends("2026-04-20T00:00:00Z"), Some(60));
        assert_eq!(ends("2026-03-25T00:00:00Z"), Some(30));
        assert_eq!(ends("2026-03-05T00:00:00Z"), Some(7));
        assert_eq!(ends("2026-03-01T00:00:00Z"), None, "it has ended");
        assert!(permission(&[]).covers("auto01"));
        let listed = permission(&[("accounts", serde_json::json!(["auto01"]))]);
        assert!(listed.covers("auto01") && !listed.covers("auto02"));
    }
}
