//! The inventory: which certificate and which host key is good until when.

use jiff::{SignedDuration, Timestamp};

use super::{Certificate, Identity, Rotation};

/// Something with an end.
pub trait Expires {
    /// What it is.
    fn kind(&self) -> &'static str;
    /// Whom it names.
    fn subject(&self) -> String;
    /// How it is told apart from others.
    fn fingerprint(&self) -> String;
    /// From when it is good.
    fn from(&self) -> Option<Timestamp>;
    /// Until when it is good; none where nothing says so.
    fn until(&self) -> Option<Timestamp>;
}

impl Expires for Certificate {
    fn kind(&self) -> &'static str {
        "certificate"
    }
    fn subject(&self) -> String {
        self.subject()
    }
    fn fingerprint(&self) -> String {
        self.fingerprint()
    }
    fn from(&self) -> Option<Timestamp> {
        Some(self.from())
    }
    fn until(&self) -> Option<Timestamp> {
        Some(self.until()).filter(|until| *until < Timestamp::MAX)
    }
}

impl Expires for Identity {
    fn kind(&self) -> &'static str {
        "certificate with key"
    }
    fn subject(&self) -> String {
        self.certificate().subject()
    }
    fn fingerprint(&self) -> String {
        self.certificate().fingerprint()
    }
    fn from(&self) -> Option<Timestamp> {
        Some(self.certificate().from())
    }
    fn until(&self) -> Option<Timestamp> {
        Expires::until(self.certificate())
    }
}

/// How near the end is. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Over.
    Expired,
    /// Ends within 7 days.
    Week,
    /// Ends within 30 days.
    Month,
    /// Ends within 60 days.
    TwoMonths,
    /// Good for longer.
    Good,
    /// Not good yet.
    NotYet,
    /// Nothing says when it ends.
    Endless,
}

impl State {
    /// The state at that time.
    #[must_use]
    pub fn at(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(until) = until else { return Self::Endless };
        let left = until.duration_since(now);
        match left {
            _ if left.is_negative() => Self::Expired,
            _ if from.is_some_and(|from| now < from) => Self::NotYet,
            _ if left <= SignedDuration::from_hours(7 * 24) => Self::Week,
            _ if left <= SignedDuration::from_hours(30 * 24) => Self::Month,
            _ if left <= SignedDuration::from_hours(60 * 24) => Self::TwoMonths,
            _ => Self::Good,
        }
    }
}

/// A line of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is used for, as the caller names it.
    pub purpose: String,
    /// What it is.
    pub kind: &'static str,
    /// Whom it names.
    pub subject: String,
    /// How it is told apart from others.
    pub fingerprint: String,
    /// From when it is good.
    pub from: Option<Timestamp>,
    /// Until when it is good.
    pub until: Option<Timestamp>,
    /// How near the end is.
    pub state: State,
}

impl Entry {
    /// The line of one credential.
    pub fn of(purpose: &str, what: &(impl Expires + ?Sized), now: Timestamp) -> Self {
        Self {
            purpose: purpose.to_owned(),
            kind: what.kind(),
            subject: what.subject(),
            fingerprint: what.fingerprint(),
            from: what.from(),
            until: what.until(),
            state: State::at(what.from(), what.until(), now),
        }
    }
}

/// Whatever can list what it holds: one credential, or an old and a new one.
pub trait Listed {
    /// Every credential in it.
    fn each(&self) -> Vec<&dyn Expires>;
}

impl<T: Expires> Listed for T {
    fn each(&self) -> Vec<&dyn Expires> {
        vec![self]
    }
}

impl<T: Expires> Listed for Rotation<T> {
    fn each(&self) -> Vec<&dyn Expires> {
        self.accepted().map(|one| one as &dyn Expires).collect()
    }
}

/// The inventory of `(purpose, credentials)`: what ends first stands first, what never ends last.
#[must_use]
pub fn inventory(all: &[(&str, &dyn Listed)], now: Timestamp) -> Vec<Entry> {
    let mut entries: Vec<Entry> = all
        .iter()
        .flat_map(|(purpose, listed)| {
            listed.each().into_iter().map(|one| Entry::of(purpose, one, now))
        })
        .collect();
    entries.sort_by_key(|entry| (entry.until.is_none(), entry.until));
    entries
}
