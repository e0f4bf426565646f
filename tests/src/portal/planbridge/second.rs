//! The second secret of a sign-in: three places of an eight-digit PIN, clicked on a keypad whose keys lie elsewhere each
//! time, or the answer to a secret question. Which places are asked and where the keys lie follows from the round alone.

use sha2::{Digest as _, Sha256};

use crate::portal::{
    accounts::Password,
    sim::Sim,
    world::{Account, world},
};

/// One asking for the PIN.
pub(super) struct Round {
    /// The three places asked for, from 1, in order.
    pub(super) places: [usize; 3],
    /// The digit on each key, from the first key of the pad to the last.
    pub(super) keys: [u8; 10],
}

impl Round {
    /// The round with this number for this user.
    pub(super) fn of(seed: u64, user: &str, number: u64) -> Round {
        let hash = Sha256::digest(format!("{seed}/{user}/{number}"));
        let mut keys: Vec<u8> = (0..10).collect();
        let mut scrambled = [0; 10];
        for (slot, byte) in scrambled.iter_mut().zip(hash.iter()) {
            *slot = keys.remove(usize::from(*byte) % keys.len());
        }
        let mut places: Vec<usize> = (1..=8).collect();
        for byte in hash.iter().skip(10).take(5) {
            places.remove(usize::from(*byte) % places.len());
        }
        Round { places: [places[0], places[1], places[2]], keys: scrambled }
    }

    /// Do the keys clicked (`3,0,7`, counted from the first key) give the PIN's digits?
    pub(super) fn fits(&self, pin: &str, clicked: &str) -> bool {
        let digit = |place: usize| pin.as_bytes().get(place - 1).map(|byte| byte - b'0');
        let wanted: Vec<Option<u8>> = self.places.iter().map(|place| digit(*place)).collect();
        let typed: Vec<Option<u8>> = clicked
            .split(',')
            .map(|key| key.parse().ok().and_then(|key: usize| self.keys.get(key).copied()))
            .collect();
        wanted.iter().all(Option::is_some) && wanted == typed
    }
}

/// `2nd` for 2.
pub(super) fn ordinal(place: usize) -> &'static str {
    ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th"].get(place - 1).copied().unwrap_or("")
}

/// The question of a user; strangers get one too, and always the same.
pub(super) fn question(user: &str) -> &'static str {
    let own = world().account(super::PROFILE.slug, user).and_then(|one| one.question.as_deref());
    own.unwrap_or("What was the name of your first school?")
}

/// Is this the account's answer? Case and spaces around it do not matter.
pub(super) fn answers(account: &Account, typed: &str) -> bool {
    let wanted = account.answer.as_deref().unwrap_or_default();
    !wanted.is_empty() && typed.trim().eq_ignore_ascii_case(wanted)
}

/// Counts a failed sign-in whose password was right; the password's own count forgets with every right one.
pub(super) fn failed(sim: &Sim, user: &str) -> Password {
    let (rules, now) = (sim.profile.sign_in, sim.now());
    let key = format!("second/{user}");
    let kept = sim.kept.get(&key).and_then(|value| serde_json::from_value(value).ok());
    let mut wrong: Vec<jiff::Timestamp> = kept.unwrap_or_default();
    wrong.retain(|at| now.duration_since(*at) < rules.wrong_window);
    wrong.push(now);
    let full = wrong.len() >= rules.wrong_limit;
    if full {
        wrong.clear();
        sim.accounts.remember(&sim.kept, user, |memory| {
            memory.locked_until = Some(jiff::Timestamp::MAX);
        });
    }
    sim.kept.put(&key, serde_json::json!(wrong));
    if full { Password::JustLocked } else { Password::Wrong }
}

/// Forgets failures after a whole sign-in.
pub(super) fn succeeded(sim: &Sim, user: &str) {
    sim.kept.put(&format!("second/{user}"), serde_json::json!([]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_all_keys_and_three_places_in_order() {
        for number in 0..50 {
            let round = Round::of(1, "auto01", number);
            let mut keys = round.keys;
            keys.sort_unstable();
            assert_eq!(keys, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
            assert!(round.places[0] < round.places[1] && round.places[1] < round.places[2]);
        }
    }

    #[test]
    fn only_the_right_keys_fit() {
        let round = Round::of(1, "auto01", 7);
        let pin = "40718265";
        let key = |place: usize| {
            let digit = pin.as_bytes()[place - 1] - b'0';
            round.keys.iter().position(|key| *key == digit).unwrap().to_string()
        };
        let right = round.places.map(key).join(",");
        assert!(round.fits(pin, &right));
        assert!(!round.fits("", &right));
        for wrong in ["", "0,1", "a,b,c", "0,1,2,3"] {
            assert!(!round.fits(pin, wrong), "{wrong}");
        }
    }
}
