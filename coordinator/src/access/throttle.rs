//! Throttling of sign-ins: five wrong passwords for a name, or twenty from an address, close that door for a quarter of an hour.
//! Kept in memory: a restart forgets it, which costs an attacker more than it gives.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::time::Timestamp;

const WINDOW_MS: i64 = 15 * 60_000;
const PER_NAME: u32 = 5;
const PER_ADDRESS: u32 = 20;
/// Most entries kept; beyond it the oldest go.
const ENTRIES_MAX: usize = 10_000;

/// Counts of wrong passwords.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<String, (u32, Timestamp)>>);

impl Throttle {
    /// Whether another try is allowed now; otherwise the seconds to wait.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn check(&self, name: &str, address: &str, now: Timestamp) -> Result<(), u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, limit) in keys(name, address) {
            if let Some((count, since)) = counts.get(&key) {
                let left = WINDOW_MS - now.since_ms(*since);
                if *count >= limit && left > 0 {
                    return Err(left.unsigned_abs().div_ceil(1000));
                }
            }
        }
        Ok(())
    }

    /// A wrong password.
    pub fn failed(&self, name: &str, address: &str, now: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ENTRIES_MAX {
            counts.retain(|_, (_, since)| now.since_ms(*since) < WINDOW_MS);
        }
        if counts.len() >= ENTRIES_MAX
            && let Some(oldest) =
                counts.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone())
        {
            counts.remove(&oldest);
        }
        for (key, _) in keys(name, address) {
            let entry = counts.entry(key).or_insert((0, now));
            if now.since_ms(entry.1) >= WINDOW_MS {
                *entry = (0, now);
            }
            entry.0 += 1;
        }
    }

    /// A right password forgives the name's wrong ones.
    pub fn succeeded(&self, name: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&format!("name:{}", name.to_lowercase()));
    }
}

fn keys(name: &str, address: &str) -> [(String, u32); 2] {
    let name: String = name.to_lowercase().chars().take(64).collect();
    [(format!("name:{name}"), PER_NAME), (format!("address:{address}"), PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_close_the_name_for_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let start = Timestamp::from_ms(1_772_460_000_000);
        for i in 0..5 {
            assert_eq!(throttle.check("Ann", &format!("10.0.0.{i}"), start), Ok(()));
            throttle.failed("ann", &format!("10.0.0.{i}"), start);
        }
        assert_eq!(throttle.check("ann", "10.0.0.9", start.plus_ms(1_000)), Err(899));
        assert_eq!(throttle.check("bob", "10.0.0.9", start), Ok(()));
        assert_eq!(throttle.check("ann", "10.0.0.9", start.plus_ms(WINDOW_MS)), Ok(()));
    }

    #[test]
    fn twenty_wrong_close_the_address() {
        let throttle = Throttle::default();
        let now = Timestamp::from_ms(1_772_460_000_000);
        for i in 0..20 {
            throttle.failed(&format!("name{i}"), "10.0.0.1", now);
        }
        assert!(throttle.check("fresh", "10.0.0.1", now).is_err());
        assert!(throttle.check("fresh", "10.0.0.2", now).is_ok());
    }
}
