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

    /// Whether this account may be used under it; `named`: it says which program signs in with it and who answers for that.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn may_use(&self, account: &str, named: bool) -> Result<(), &'static str> {
        if !self.covers(account) {
            return Err("the permission does not list this account");
        }
        if self.named_identity && !named {
            return Err(
                "the permission asks for a program and a person to be named for the account",
            );
        }
        Ok(())
    }

    /// Whether no profile may drop the channel it stands for: somebody, or the payer's changed terms, said no.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.state == PermissionState::Prohibited || self.suspended.is_some()
    }

    /// What is wrong with it for a channel with these addresses: the field and a sentence.
    ///
    /// # Errors
    /// Permitted as a simulator, where an address is not reserved for tests.
    pub fn reaches(&self, origins: &[String]) -> Result<(), (&'static str, &'static str)> {
        let simulated = self.state.is_yes() && self.basis == "simulator";
        if simulated && !origins.iter().all(|origin| is_reserved(origin)) {
            return Err(("basis", "simulator is for hosts under .test and .example only"));
        }
        Ok(())
    }

    /// What is wrong with it as the first that is recorded for a channel: the field and a sentence.
    ///
    /// # Errors
    /// The first fault.
    pub fn check_new(
        &self,
        origins: &[String],
        now: Timestamp,
    ) -> Result<(), (&'static str, &'static str)> {
        if self.second.is_some() {
            return Err(("second", "is recorded when a second person agrees"));
        }
        self.check(PermissionState::Unknown, origins, now)
    }

    /// What is wrong with recording it where `known` is recorded, for a channel with these addresses: the field and a sentence.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(
        &self,
        known: PermissionState,
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
        self.reaches(origins)?;
        let lasts = self.expires_at.since_ms(now);
        match self.basis.as_str() {
            "simulator" => return Ok(()),
            "admin_override" if known != PermissionState::Unknown => {
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
            let told = permission(&more).check(known.state, origins, now());
            assert_eq!(told.err().map(|(field, _)| field), fault, "{more:?}");
        }
    }

    #[test]
    fn a_first_one_has_no_second_person_and_a_simulators_stays_among_test_hosts() {
        let second = permission(&[("second", "r.gale".into())]);
        let real = ["https://portal.payer.com".to_owned()];
        let at = |told: Result<(), (&'static str, _)>| told.err().map(|(field, _)| field);
        assert_eq!(at(second.check_new(&real, now())), Some("second"));
        assert_eq!(at(permission(&[]).check_new(&real, now())), None);
        let simulator = permission(&[("basis", "simulator".into())]);
        assert_eq!(at(simulator.reaches(&real)), Some("basis"));
        assert_eq!(at(simulator.reaches(&["https://a.test".to_owned()])), None);
        assert_eq!(at(permission(&[]).reaches(&real)), None);
    }

    #[test]
    fn an_account_is_listed_and_named_where_that_is_asked_for() {
        let listed = permission(&[
            ("accounts", serde_json::json!(["auto01"])),
            ("named_identity", true.into()),
        ]);
        assert_eq!(listed.may_use("auto01", true), Ok(()));
        assert!(listed.may_use("auto01", false).unwrap_err().contains("named"));
        assert!(listed.may_use("auto02", true).unwrap_err().contains("list"));
        assert_eq!(permission(&[]).may_use("auto02", false), Ok(()));
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
