//! The coordinator's clock: the one place that reads the time of day. Tests use one that stands still until it is moved.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::time::Timestamp;

/// Where `now` comes from. Cheap to clone; clones of a manual clock move together.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's time of day.
    System,
    /// A clock that only moves when told; unix milliseconds.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock for tests that stands at this instant.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.ms())))
    }

    /// The present instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the coordinator's one look at the wall clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_jiff(jiff::Timestamp::now()),
            Self::Manual(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock by `ms` milliseconds; the system's clock cannot be moved and stays.
    pub fn advance(&self, ms: i64) {
        if let Self::Manual(at) = self {
            at.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

/// Compares the wall clock with the machine's own between two looks: leases are judged by the wall, which somebody may set.
#[derive(Debug, Default)]
pub struct Jumps {
    last: Option<(i64, i64)>,
}

/// How far the two may go apart between two looks, milliseconds.
const TOLERATED_MS: i64 = 2_000;

impl Jumps {
    /// By how much the wall clock went ahead (or back, negative) of the machine's own since the last look, where that is too much.
    pub fn look(&mut self, wall: Timestamp, machine_ms: i64) -> Option<i64> {
        let now = (wall.ms(), machine_ms);
        let (wall_before, machine_before) = self.last.replace(now)?;
        let apart = (now.0 - wall_before) - (now.1 - machine_before);
        (apart.abs() > TOLERATED_MS).then_some(apart)
    }
}

/// Milliseconds since the machine started, suspended time included; none where it does not say.
#[must_use]
pub fn machine_ms() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, rest) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: i64 = rest.get(..2)?.parse().ok()?;
    Some(seconds.parse::<i64>().ok()? * 1_000 + hundredths * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_once_and_a_slow_drift_never() {
        let mut jumps = Jumps::default();
        let at = |ms: i64| Timestamp::from_ms(1_772_460_000_000 + ms);
        assert_eq!(jumps.look(at(0), 0), None);
        assert_eq!(jumps.look(at(1_900), 1_000), None);
        assert_eq!(jumps.look(at(3_603_000), 2_000), Some(3_600_100));
        assert_eq!(jumps.look(at(3_604_000), 3_000), None);
        assert_eq!(jumps.look(at(4_000), 3_500), Some(-3_600_500));
        assert_eq!(jumps.look(at(64_000), 63_500), None, "a long pause is no jump");
        assert!(machine_ms().is_some_and(|ms| ms > 0));
    }
}
