//! The clock of a simulated payer: frozen, or running at a rate; moved by the test harness, never back.
//! What falls due while it is moved is run in order by the caller of [`SimClock::take_due`].

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use jiff::{SignedDuration, Timestamp};

use super::journal::lock;

/// The real time: of a ledger's second stamp, of authenticator codes, of the day a harness asks about.
#[expect(clippy::disallowed_methods, reason = "the harness's one look at the wall clock")]
pub fn real_now() -> Timestamp {
    Timestamp::now()
}

/// Something that happens at a moment of the payer's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What happens: `course` (a decision moves on) or `record` (a late request is recorded).
    pub what: &'static str,
    /// The case it happens to.
    pub case: String,
}

struct Inner {
    base: Timestamp,
    since: Instant,
    /// Simulated milliseconds per real millisecond; 0 = frozen.
    rate: f64,
    due: BTreeMap<(Timestamp, u64), Due>,
    ordinal: u64,
}

/// The payer's clock.
pub struct SimClock {
    inner: Mutex<Inner>,
}

/// Setting the clock back without saying so.
#[derive(Debug, thiserror::Error)]
#[error("time would go back from {now} to {asked}; say allow_back to mean it")]
pub struct GoesBack {
    now: Timestamp,
    asked: Timestamp,
}

impl SimClock {
    /// A clock that stands at `start` and runs at `rate` (0 = frozen, 1 = as real time).
    pub fn new(start: Timestamp, rate: f64) -> SimClock {
        let inner =
            Inner { base: start, since: Instant::now(), rate, due: BTreeMap::new(), ordinal: 0 };
        SimClock { inner: Mutex::new(inner) }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        lock(&self.inner).now()
    }

    /// The rate; 0 = frozen.
    pub fn rate(&self) -> f64 {
        lock(&self.inner).rate
    }

    /// Changes the rate from now on.
    pub fn set_rate(&self, rate: f64) {
        let mut inner = lock(&self.inner);
        inner.base = inner.now();
        inner.since = Instant::now();
        inner.rate = rate;
    }

    /// Remembers something that falls due.
    pub fn schedule(&self, at: Timestamp, due: Due) {
        let mut inner = lock(&self.inner);
        inner.ordinal += 1;
        let key = (at, inner.ordinal);
        inner.due.insert(key, due);
    }

    /// The next thing due at or before `until`, in order of time, then of scheduling.
    pub fn take_due(&self, until: Timestamp) -> Option<(Timestamp, Due)> {
        let mut inner = lock(&self.inner);
        let (key, _) = inner.due.first_key_value()?;
        let key = *key;
        if key.0 > until {
            return None;
        }
        inner.due.remove(&key).map(|due| (key.0, due))
    }

    /// Moves to `at`; refuses to go back unless `allow_back`.
    pub fn set(&self, at: Timestamp, allow_back: bool) -> Result<(), GoesBack> {
        let mut inner = lock(&self.inner);
        let now = inner.now();
        if at < now && !allow_back {
            return Err(GoesBack { now, asked: at });
        }
        inner.base = at;
        inner.since = Instant::now();
        Ok(())
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        if self.rate == 0.0 {
            return self.base;
        }
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a test run fit")]
        let ms = (self.since.elapsed().as_secs_f64() * 1000.0 * self.rate) as i64;
        self.base.checked_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_frozen_clock_stands_until_it_is_moved_and_never_goes_back_by_accident() {
        let clock = SimClock::new(at("2026-03-02T14:00:00Z"), 0.0);
        assert_eq!(clock.now(), at("2026-03-02T14:00:00Z"));
        clock.set(at("2026-03-02T18:00:00Z"), false).unwrap();
        assert_eq!(clock.now(), at("2026-03-02T18:00:00Z"));
        assert!(clock.set(at("2026-03-02T17:59:59Z"), false).is_err());
        clock.set(at("2026-03-01T00:00:00Z"), true).unwrap();
        assert_eq!(clock.now(), at("2026-03-01T00:00:00Z"));
    }

    #[test]
    fn a_scaled_clock_runs_and_keeps_its_place_when_frozen() {
        let clock = SimClock::new(at("2026-03-02T14:00:00Z"), 1_000_000.0);
        let first = clock.now();
        while clock.now() == first {}
        clock.set_rate(0.0);
        let frozen = clock.now();
        assert!(frozen > first);
        assert_eq!(clock.now(), frozen);
    }

    #[test]
    fn due_events_come_in_order_and_none_early() {
        let clock = SimClock::new(at("2026-03-02T14:00:00Z"), 0.0);
        let due = |case: &str| Due { what: "course", case: case.to_owned() };
        clock.schedule(at("2026-03-03T00:00:00Z"), due("late"));
        clock.schedule(at("2026-03-02T15:00:00Z"), due("first"));
        clock.schedule(at("2026-03-02T15:00:00Z"), due("second"));
        assert_eq!(clock.take_due(clock.now()), None);
        let until = at("2026-03-02T16:00:00Z");
        assert_eq!(clock.take_due(until).unwrap().1.case, "first");
        assert_eq!(clock.take_due(until).unwrap().1.case, "second");
        assert_eq!(clock.take_due(until), None);
    }
}
