//! The invented world every simulated payer shares: members, providers, accounts, payer claims, codes.
//! Read from `tests/world/world.json`; nothing here changes while a payer runs.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

/// The whole world.
#[derive(Debug, Deserialize)]
pub struct World {
    /// Where the clock starts unless told otherwise.
    pub start: Timestamp,
    /// Everybody insured anywhere.
    pub members: Vec<Member>,
    /// Payers that leave reviews to others.
    pub delegations: Vec<Delegation>,
    /// Everybody who treats.
    pub providers: Vec<Provider>,
    /// Sign-ins of the clinic at the payers.
    pub accounts: Vec<Account>,
    /// Claims for payment whose status can be asked.
    pub payer_claims: Vec<PayerClaim>,
    /// Procedure codes with our own short words.
    pub procedures: Vec<Code>,
    /// Diagnosis codes with our own short words.
    pub diagnoses: Vec<Code>,
}

/// A payer leaves reviews to another company, which knows its members.
#[derive(Clone, Debug, Deserialize)]
pub struct Delegation {
    /// Who reviews.
    pub reviewer: String,
    /// Whose members.
    pub payer: String,
}

/// One insured person.
#[derive(Clone, Debug, Deserialize)]
pub struct Member {
    /// Name in the documents (`M01`).
    pub key: String,
    /// The payer's identifier of the person.
    pub member_id: String,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Date of birth.
    pub dob: Date,
    /// Whose member (`crestline`, `harbor`, …).
    pub payer: String,
    /// Plan code at that payer (`CLM`, `FBH`, `HSM`).
    pub plan: String,
    /// Last day of coverage.
    pub active_to: Option<Date>,
    /// Coverage begins on the first of the month after the start of the world.
    #[serde(default)]
    pub starts_next_month: bool,
    /// Imaging is reviewed by another company.
    #[serde(default)]
    pub imaging_delegated: bool,
    /// Another coverage pays before this one.
    #[serde(default)]
    pub second_coverage_first: bool,
    /// Key of the subscriber when it is somebody else.
    pub subscriber: Option<String>,
}

impl Member {
    /// `ALDER, TESTA`.
    pub fn name(&self) -> String {
        format!("{}, {}", self.family, self.given)
    }

    /// Is the person covered on `day`, in a world that began on `start`?
    pub fn covered(&self, day: Date, start: Date) -> bool {
        let from = if self.starts_next_month {
            start.first_of_month().saturating_add(jiff::Span::new().months(1))
        } else {
            Date::constant(2020, 1, 1)
        };
        day >= from && self.active_to.is_none_or(|to| day <= to)
    }
}

/// Somebody who treats.
#[derive(Clone, Debug, Deserialize)]
pub struct Provider {
    /// National provider identifier, ten digits with a check digit.
    pub npi: String,
    /// Invented name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Provider taxonomy code.
    pub taxonomy: String,
    /// Tax number.
    pub tin: String,
    /// In the pick-lists of the multi-payer hub.
    pub hub_pick: bool,
    /// Enrolled with the state programme.
    pub enrolled: bool,
}

/// A sign-in of the clinic.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// At which payer.
    pub payer: String,
    /// User name.
    pub id: String,
    /// Invented password.
    pub password: String,
    /// Base32 seed of the authenticator, where the payer asks for codes.
    pub totp_seed: Option<String>,
    /// `fleet`, or `person` for sign-ins only people use.
    pub origin: String,
    /// E-mail address shown in pages.
    pub email: String,
    /// Organisations it may act for.
    pub organizations: Vec<String>,
    /// Single-use backup codes.
    #[serde(default)]
    pub backup_codes: Vec<String>,
    /// Eight digits, where some of them are clicked at the sign-in.
    pub pin: Option<String>,
    /// Secret question, where one can be asked.
    pub question: Option<String>,
    /// Its answer.
    pub answer: Option<String>,
}

/// A code with our own words for it.
#[derive(Clone, Debug, Deserialize)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Our words.
    pub text: String,
}

/// A claim for payment with its course on the clock.
#[derive(Clone, Debug, Deserialize)]
pub struct PayerClaim {
    /// Name in the documents (`PC01`).
    pub key: String,
    /// At which payer.
    pub payer: String,
    /// The payer's control number.
    pub claim: String,
    /// Key of the member.
    pub member: String,
    /// Amount billed, dollars.
    pub billed: String,
    /// Day of service, counted from the start of the world.
    pub from_day: i64,
    /// Day of receipt, counted from the start of the world.
    pub received_day: i64,
    /// Service lines, where more than one.
    #[serde(default)]
    pub lines: Vec<ClaimLine>,
    /// States by day after receipt.
    pub course: Vec<ClaimStep>,
}

/// A line of a payer claim.
#[derive(Clone, Debug, Deserialize)]
pub struct ClaimLine {
    /// Procedure code.
    pub code: String,
    /// Amount billed, dollars.
    pub billed: String,
}

/// A state a payer claim reaches.
#[derive(Clone, Debug, Deserialize)]
pub struct ClaimStep {
    /// Days after receipt.
    pub day: i64,
    /// `received accepted in_process records_requested paid denied partial rejected adjusted not_found`.
    pub state: String,
    /// Amount paid, dollars.
    pub paid: Option<String>,
    /// What the patient owes, dollars.
    pub patient: Option<String>,
    /// Reason code.
    pub reason: Option<String>,
    /// Reason in words.
    pub text: Option<String>,
    /// States of the lines, in order.
    #[serde(default)]
    pub lines: Vec<String>,
}

impl PayerClaim {
    /// The state at `now`, in a world that began at `start`; `None` before receipt.
    pub fn at(&self, now: Timestamp, start: Timestamp) -> Option<&ClaimStep> {
        let received = start + SignedDuration::from_hours(24 * self.received_day);
        let day = now.duration_since(received).as_hours().div_euclid(24);
        self.course.iter().rev().find(|step| step.day <= day)
    }

    /// Day of service, in a world that began at `start`.
    pub fn service_date(&self, start: Timestamp) -> Date {
        let day = start + SignedDuration::from_hours(24 * self.from_day);
        day.to_zoned(TimeZone::UTC).date()
    }

    /// Day of receipt, in a world that began at `start`.
    pub fn received_date(&self, start: Timestamp) -> Date {
        let day = start + SignedDuration::from_hours(24 * self.received_day);
        day.to_zoned(TimeZone::UTC).date()
    }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../world/world.json")).expect("the world file is whole")
});

/// The world.
pub fn world() -> &'static World {
    &WORLD
}

impl World {
    /// The member with this key (`M01`).
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.key == key)
    }

    /// The member of a payer, or of one it reviews for, with this identifier.
    pub fn member_by_id(&self, payer: &str, member_id: &str) -> Option<&Member> {
        let reviews = |of: &str| {
            let mut delegations = self.delegations.iter();
            delegations.any(|one| one.reviewer == payer && one.payer == of)
        };
        self.members.iter().find(|member| {
            (member.payer == payer || reviews(&member.payer)) && member.member_id == member_id
        })
    }

    /// The account of a payer with this user name.
    pub fn account(&self, payer: &str, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.payer == payer && account.id == id)
    }

    /// The provider with this number.
    pub fn provider(&self, npi: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.npi == npi)
    }

    /// Our words for a procedure code.
    pub fn procedure(&self, code: &str) -> Option<&Code> {
        self.procedures.iter().find(|procedure| procedure.code == code)
    }

    /// Our words for a diagnosis code.
    pub fn diagnosis(&self, code: &str) -> Option<&Code> {
        self.diagnoses.iter().find(|diagnosis| diagnosis.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check digit of a provider number: Luhn over `80840` and the number.
    fn checks(npi: &str) -> bool {
        let digits: Vec<u32> =
            format!("80840{npi}").chars().filter_map(|c| c.to_digit(10)).collect();
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let digit = if place % 2 == 1 { digit * 2 } else { *digit };
                digit / 10 + digit % 10
            })
            .sum();
        digits.len() == 15 && sum.is_multiple_of(10)
    }

    #[test]
    fn the_world_is_consistent() {
        let world = world();
        for provider in &world.providers {
            assert!(checks(&provider.npi), "{}", provider.npi);
        }
        for claim in &world.payer_claims {
            let member = world.member(&claim.member).unwrap();
            assert_eq!(member.payer, claim.payer, "{}", claim.key);
        }
        let mut keys: Vec<_> = world.members.iter().map(|member| &member.key).collect();
        keys.dedup();
        assert_eq!(keys.len(), 15);
    }

    #[test]
    fn coverage_and_claims_follow_the_clock() {
        let world = world();
        let start = world.start.to_zoned(TimeZone::UTC).date();
        assert!(world.member("M01").unwrap().covered(start, start));
        assert!(!world.member("M03").unwrap().covered(start, start));
        let maple = world.member("M11").unwrap();
        assert!(!maple.covered(start, start));
        assert!(maple.covered(Date::constant(2026, 4, 1), start));
        let claim = |key: &str| world.payer_claims.iter().find(|claim| claim.key == key).unwrap();
        assert_eq!(claim("PC01").at(world.start, world.start).unwrap().state, "paid");
        assert_eq!(claim("PC02").at(world.start, world.start).unwrap().state, "denied");
        assert_eq!(claim("PC10").at(world.start, world.start).unwrap().state, "in_process");
        assert_eq!(claim("PC06").at(world.start, world.start).unwrap().state, "not_found");
        let later = world.start + SignedDuration::from_hours(24 * 4);
        assert_eq!(claim("PC06").at(later, world.start).unwrap().state, "received");
    }
}
