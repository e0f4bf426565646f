//! Politeness towards a payer's portal: the least time between two page loads and the most per minute, per slot.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use domain::fleet::Limits;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

/// The pace of one slot at one payer.
#[derive(Clone)]
pub struct Pace {
    gap: Duration,
    per_minute: Arc<DefaultDirectRateLimiter>,
    last: Option<Instant>,
}

impl Pace {
    /// A pace within the payer's limits. The rate is smoothed: bursts of at most three pages.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let rate = NonZeroU32::new(limits.pages_per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(rate.get().min(3)).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(rate).allow_burst(burst);
        Self {
            gap: Duration::from_millis(limits.gap_ms),
            per_minute: Arc::new(RateLimiter::direct(quota)),
            last: None,
        }
    }

    /// Waits until another page may be loaded; counts it.
    pub async fn page(&mut self) {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + self.gap).await;
        }
        self.per_minute.until_ready().await;
        self.last = Some(Instant::now());
    }

    /// A page was loaded without being asked for here (a click led to it).
    pub fn loaded(&mut self) {
        self.last = Some(Instant::now());
        // Counted when there is room; a page that is already there cannot be refused.
        let _ = self.per_minute.check();
    }

    /// Waits for the gap since the last page only.
    pub async fn gap(&self) {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + self.gap).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_pages_keep_their_distance() {
        let limits =
            Limits { sessions_max: 1, gap_ms: 120, pages_per_minute: 600, logins_per_hour_max: 1 };
        let mut pace = Pace::new(&limits);
        let began = Instant::now();
        pace.page().await;
        pace.page().await;
        assert!(began.elapsed() >= Duration::from_millis(120));
    }
}
