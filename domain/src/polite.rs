//! Politeness arithmetic: sliding logs of what was granted, the lock-out budget, the breaker, and how long a portal asked us to stay
//! away. Pure; the coordinator grants, this says whether and until when not.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An hour.
pub const HOUR_MS: i64 = 3_600_000;
/// A minute's window, longer by the time a grant may need until its request reaches the payer.
pub const MINUTE_MS: i64 = 60_000 + 10_000;
/// A portal that asks for more than this is a person's business.
pub const RETRY_AFTER_MAX_MS: i64 = 24 * HOUR_MS;

/// How fast a portal may be used, over the whole fleet. What is left out is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Visits (leases) begun per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_per_minute: Option<u32>,
    /// Submissions per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submits_per_minute: Option<u32>,
    /// The payer locks an account after so many failed logins.
    pub locks_after: u32,
    /// Within so many minutes.
    pub locks_within_min: u32,
    /// Logins within an hour whose end nobody knows, at most.
    pub unclear_logins_per_hour: u32,
    /// Logins of one account within an hour, beside the limit for the whole payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_logins_per_hour: Option<u32>,
    /// Portal sessions of one account at a time, beside the limit for the whole payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_sessions: Option<u32>,
    /// A portal session that nobody uses ends at the payer after so many minutes: until then the session of an agent that was lost
    /// is in the way where a second login is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ends_after_min: Option<u32>,
    /// So many failures of the portal in a row open the breaker.
    pub trips_after: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            starts_per_minute: None,
            submits_per_minute: None,
            locks_after: 3,
            locks_within_min: 120,
            unclear_logins_per_hour: 2,
            account_logins_per_hour: None,
            account_sessions: None,
            idle_ends_after_min: None,
            trips_after: 1,
        }
    }
}

/// Until when nothing more fits into a sliding log; none when there is room. `granted` are the grants of the window, oldest first.
#[must_use]
pub fn full_until(
    granted: &[Timestamp],
    limit: u32,
    window_ms: i64,
    now: Timestamp,
) -> Option<Timestamp> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Some(now.plus_ms(window_ms));
    }
    // A grant from the future (the clock went back) counts as one of now.
    let counted = |at: &&Timestamp| now.since_ms(**at) < window_ms;
    let inside: Vec<Timestamp> = granted.iter().filter(counted).copied().collect();
    let over = inside.len().checked_sub(limit)?;
    inside.get(over).map(|at| at.plus_ms(window_ms))
}

/// The limit for ordinary work when one grant of the window is kept for looking after doubts; a limit of one is shared.
#[must_use]
pub fn for_work(limit: u32) -> u32 {
    if limit >= 2 { limit - 1 } else { limit }
}

/// A login that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// When.
    pub at: Timestamp,
    /// The portal took it.
    pub good: bool,
    /// Its attempt goes on: what became of the login is not known yet.
    pub running: bool,
}

/// Until when no login may be tried lest the payer locks the account; none when one may. What is not known to be good counts as
/// refused; a person keeps a safe try, and logins under way together can never use up the rest.
#[must_use]
pub fn lockout_until(logins: &[Login], pace: &Pace, now: Timestamp) -> Option<Timestamp> {
    let threshold = pace.locks_after.max(1);
    let hourly = pace.unclear_logins_per_hour.max(1);
    let allowed = usize::try_from(threshold.saturating_sub(2).clamp(1, hourly)).unwrap_or(1);
    let hourly = usize::try_from(hourly).unwrap_or(1);
    let together = usize::try_from(threshold.saturating_sub(1).max(1)).unwrap_or(1);
    let window = i64::from(pace.locks_within_min.max(1)) * 60_000;
    let within = |ms: i64, running: bool| -> Vec<Timestamp> {
        let bad = logins.iter().filter(|l| !l.good && (running || !l.running));
        bad.filter(|l| now.since_ms(l.at) < ms).map(|l| l.at).collect()
    };
    let free = |bad: &[Timestamp], most: usize, ms: i64| {
        let over = bad.len().checked_sub(most)?;
        bad.get(over).map(|at| at.plus_ms(ms))
    };
    let by_window = free(&within(window, false), allowed, window);
    let by_hour = free(&within(HOUR_MS, false), hourly, HOUR_MS);
    let by_flight = free(&within(window, true), together.max(allowed), window);
    [by_window, by_hour, by_flight].into_iter().flatten().max()
}

/// State of a portal's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Work goes on.
    Closed,
    /// Nothing goes until then.
    Open(Timestamp),
    /// One visit may try; only its reading part, before anything is sent.
    HalfOpen,
}

/// How a breaker stands after `downs` failures in a row and a rest until then.
#[must_use]
pub fn breaker(downs: u32, rests_until: Option<Timestamp>, pace: &Pace, now: Timestamp) -> Breaker {
    match rests_until {
        Some(until) if until > now => Breaker::Open(until),
        _ if downs >= pace.trips_after.max(1) => Breaker::HalfOpen,
        _ => Breaker::Closed,
    }
}

/// How long a portal asks to stay away: seconds or an HTTP date. Nothing is asked by what is negative, past, or no time at all.
#[must_use]
pub fn retry_after(header: &str, now: Timestamp) -> Option<i64> {
    let text = header.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse::<i64>().unwrap_or(i64::MAX);
        return Some(seconds.saturating_mul(1_000)).filter(|ms| *ms > 0);
    }
    // An HTTP date is an RFC 2822 date in GMT.
    let at = jiff::fmt::rfc2822::parse(&text.replace("GMT", "+0000")).ok()?;
    let ms = Timestamp::from_jiff(at.timestamp()).since_ms(now);
    (ms > 0).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> Timestamp {
        Timestamp::from_ms(1_772_460_000_000 + seconds * 1_000)
    }

    #[test]
    fn no_window_ever_holds_more_than_the_limit() {
        // Greedy grants, every second somebody asks.
        let mut granted = Vec::new();
        for now in 0..600 {
            if full_until(&granted, 10, MINUTE_MS, s(now)).is_none() {
                granted.push(s(now));
            }
        }
        for from in 0..600 {
            let inside = granted.iter().filter(|at| **at >= s(from) && **at < s(from + 60)).count();
            assert!(inside <= 10, "{inside} in the minute from {from}");
        }
        assert!(granted.len() >= 80, "{}", granted.len());
        assert_eq!(full_until(&[], 0, MINUTE_MS, s(0)), Some(s(70)), "nothing at all");
        assert_eq!(full_until(&[s(0), s(5)], 2, MINUTE_MS, s(10)), Some(s(70)));
        assert_eq!(full_until(&[s(0), s(5)], 2, MINUTE_MS, s(70)), None);
        assert_eq!(full_until(&[s(500)], 1, MINUTE_MS, s(0)), Some(s(570)), "the clock went back");
        assert_eq!([for_work(0), for_work(1), for_work(2), for_work(10)], [0, 1, 1, 9]);
    }

    #[test]
    fn an_account_is_never_driven_into_the_lock() {
        let login = |at: i64, good, running| Login { at: s(at), good, running };
        let pace = |locks_after| Pace { locks_after, ..Pace::default() };
        let rows: [(u32, Vec<Login>, Option<i64>); 9] = [
            (3, vec![], None),
            (3, vec![login(0, true, false), login(1, true, false)], None),
            (3, vec![login(0, false, false)], Some(7_200)),
            (1, vec![login(0, false, false)], Some(7_200)),
            (5, vec![login(0, false, false)], None),
            (5, vec![login(0, false, false), login(9, false, false)], Some(7_200)),
            // Nobody knows yet: as many at a time as leave the payer one short of its limit.
            (3, vec![login(0, false, true)], None),
            (3, vec![login(0, false, true), login(5, false, true)], Some(7_200)),
            (3, vec![login(0, false, true), login(5, true, true)], None),
        ];
        for (locks_after, logins, until) in rows {
            let got = lockout_until(&logins, &pace(locks_after), s(60));
            assert_eq!(got, until.map(s), "{locks_after}: {logins:?}");
        }
        let old = [login(0, false, false)];
        assert_eq!(lockout_until(&old, &pace(3), s(7_200)), None, "the payer has forgotten it");
    }

    #[test]
    fn a_breaker_lets_one_try_after_its_rest() {
        let pace = Pace { trips_after: 2, ..Pace::default() };
        assert_eq!(breaker(1, None, &pace, s(0)), Breaker::Closed);
        assert_eq!(breaker(2, Some(s(5)), &pace, s(0)), Breaker::Open(s(5)));
        assert_eq!(breaker(2, Some(s(5)), &pace, s(5)), Breaker::HalfOpen);
        assert_eq!(breaker(0, Some(s(5)), &pace, s(0)), Breaker::Open(s(5)), "a ghost session");
        assert_eq!(breaker(0, Some(s(5)), &pace, s(6)), Breaker::Closed);
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_nonsense_asks_nothing() {
        let now = Timestamp::parse("1994-11-06T08:49:00Z").unwrap();
        for (header, wanted) in [
            ("120", Some(120_000)),
            (" 7 ", Some(7_000)),
            ("0", None),
            ("-5", None),
            ("", None),
            ("soon", None),
            ("1.5", None),
            ("99999999999999999999", Some(i64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37_000)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", None),
            ("Sun, 06 Nov 2094 08:49:37 GMT", None),
            ("Sat, 06 Nov 2094 08:49:00 GMT", Some(36_525 * 86_400_000)),
        ] {
            assert_eq!(retry_after(header, now), wanted, "{header}");
        }
    }
}
