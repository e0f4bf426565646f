//! Time as the agent sees it: instants for records, and a clock that also counts while the machine sleeps.

use std::time::Duration;

use domain::time::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// The present instant by the machine's wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the agent's one look at the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::from_jiff(jiff::Timestamp::now())
}

/// Milliseconds since the machine started, suspended time included. Lease deadlines are counted on this clock:
/// `Instant` stops while the machine is suspended, a lease does not.
#[must_use]
pub fn boot_ms() -> i64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map_or(0, |t| t.tv_sec().saturating_mul(1_000) + t.tv_nsec() / 1_000_000)
}

/// A moment on the boot clock until which something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed(i64);

impl Allowed {
    /// Granted for `ttl_ms` from `asked_at` (boot clock), less a margin for what is on its way.
    #[must_use]
    pub fn granted(asked_at: i64, ttl_ms: i64, margin_ms: i64) -> Self {
        Self(asked_at.saturating_add(ttl_ms).saturating_sub(margin_ms))
    }

    /// What is left of it.
    #[must_use]
    pub fn left(self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(boot_ms()).max(0).unsigned_abs())
    }

    /// Whether it is over.
    #[must_use]
    pub fn over(self) -> bool {
        self.left().is_zero()
    }

    /// The raw moment, milliseconds on the boot clock.
    #[must_use]
    pub fn raw(self) -> i64 {
        self.0
    }

    /// From a raw moment.
    #[must_use]
    pub fn from_raw(raw: i64) -> Self {
        Self(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_ends_before_its_time_by_the_margin() {
        let now = boot_ms();
        assert!(now > 0);
        assert!(Allowed::granted(now, 1_000, 1_000).over());
        let left = Allowed::granted(now, 60_000, 5_000).left();
        assert!(left <= Duration::from_secs(55) && left > Duration::from_secs(50));
    }
}
