//! Sign-ins at a portal: passwords, wrong tries and locks, authenticator and backup codes, and portal sessions with
//! their idle end. Rules differ by payer and come in as [`SignInRules`]; pages are elsewhere.

use std::{collections::HashMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Skin,
    journal::{Kept, lock},
    totp::{self, CheckedAt},
    world::Account,
};

/// How a payer treats sign-ins.
#[derive(Clone, Copy, Debug)]
pub struct SignInRules {
    /// Wrong passwords that lock.
    pub wrong_limit: usize,
    /// Within this time.
    pub wrong_window: SignedDuration,
    /// Locked for so long; `None` = until a person resets it.
    pub lock: Option<SignedDuration>,
}

/// What is remembered about an account over restarts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Moments of wrong passwords since the last right one.
    pub wrong: Vec<Timestamp>,
    /// Locked until; `Timestamp::MAX` = until a person resets it.
    pub locked_until: Option<Timestamp>,
    /// Authenticator steps already used.
    pub used_steps: Vec<i64>,
    /// Backup codes already used.
    pub used_backup: Vec<String>,
    /// Month (`2026-03`) in which the e-mail reminder was answered.
    pub reminded: Option<String>,
    /// Terms (by hash) the account has accepted.
    #[serde(default)]
    pub accepted: Vec<String>,
}

/// Answer to a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// Right.
    Right,
    /// Wrong, or no such user; portals do not tell.
    Wrong,
    /// This try locked the account.
    JustLocked,
    /// The account is locked.
    Locked,
}

/// Answer to an authenticator or backup code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Right; the time step it belongs to (0 for a backup code).
    Right(i64),
    /// Wrong.
    Wrong,
    /// Right, but used before or not later than asked.
    Reused,
}

/// What the accounts of a payer remember.
pub struct Accounts {
    payer: &'static str,
    rules: SignInRules,
    turn: Mutex<()>,
}

impl Accounts {
    /// Accounts of a payer under its rules.
    pub fn new(payer: &'static str, rules: SignInRules) -> Accounts {
        Accounts { payer, rules, turn: Mutex::new(()) }
    }

    /// The account with this user name.
    pub fn find(&self, id: &str) -> Option<&'static Account> {
        super::world::world().account(self.payer, id)
    }

    /// What is remembered.
    pub fn memory(&self, kept: &Kept, id: &str) -> Memory {
        kept.get(&format!("account/{id}"))
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default()
    }

    /// Changes what is remembered.
    pub fn remember<T>(&self, kept: &Kept, id: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
        let _turn = lock(&self.turn);
        let mut memory = self.memory(kept, id);
        let result = change(&mut memory);
        let value = serde_json::to_value(memory).expect("plain data become JSON");
        kept.put(&format!("account/{id}"), value);
        result
    }

    /// Checks a password at `now` and counts what is wrong.
    pub fn password(&self, kept: &Kept, id: &str, typed: &str, now: Timestamp) -> Password {
        let Some(account) = self.find(id) else { return Password::Wrong };
        self.remember(kept, id, |memory| {
            if memory.locked_until.is_some_and(|until| now < until) {
                return Password::Locked;
            }
            if memory.locked_until.take().is_some() {
                memory.wrong.clear();
            }
            if typed == account.password {
                memory.wrong.clear();
                return Password::Right;
            }
            memory.wrong.retain(|at| now.duration_since(*at) < self.rules.wrong_window);
            memory.wrong.push(now);
            if memory.wrong.len() < self.rules.wrong_limit {
                return Password::Wrong;
            }
            let until = self.rules.lock.and_then(|lock| now.checked_add(lock).ok());
            memory.locked_until = Some(until.unwrap_or(Timestamp::MAX));
            Password::JustLocked
        })
    }

    /// Locks an account for as long as the payer locks.
    pub fn lock(&self, kept: &Kept, id: &str, now: Timestamp) {
        let until = self.rules.lock.and_then(|lock| now.checked_add(lock).ok());
        let until = until.unwrap_or(Timestamp::MAX);
        self.remember(kept, id, |memory| memory.locked_until = Some(until));
    }

    /// Wrong passwords that still count at `now`.
    pub fn wrong_count(&self, kept: &Kept, id: &str, now: Timestamp) -> usize {
        let memory = self.memory(kept, id);
        memory.wrong.iter().filter(|at| now.duration_since(**at) < self.rules.wrong_window).count()
    }

    /// Checks an authenticator code at a moment; each code works once, and only for a step after `after_step`.
    pub fn code(&self, kept: &Kept, id: &str, typed: &str, at: CheckedAt, after_step: i64) -> Code {
        let seed = self.find(id).and_then(|account| account.totp_seed.as_deref());
        let Some(step) = seed.and_then(|seed| totp::matching_step(seed, typed, at)) else {
            return Code::Wrong;
        };
        self.remember(kept, id, |memory| {
            if memory.used_steps.contains(&step) || step <= after_step {
                return Code::Reused;
            }
            memory.used_steps.retain(|used| *used > step - 10);
            memory.used_steps.push(step);
            Code::Right(step)
        })
    }

    /// Checks a backup code; each works once.
    pub fn backup_code(&self, kept: &Kept, id: &str, typed: &str) -> Code {
        let known = self.find(id).is_some_and(|a| a.backup_codes.iter().any(|code| code == typed));
        self.remember(kept, id, |memory| {
            if !known {
                return Code::Wrong;
            }
            if memory.used_backup.iter().any(|used| used == typed) {
                return Code::Reused;
            }
            memory.used_backup.push(typed.to_owned());
            Code::Right(0)
        })
    }
}

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; a code, terms or organisation is still asked.
    Partly(&'static str),
    /// Signed in.
    Live,
}

/// One portal session.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// Name in the ledger (`s-9`).
    pub id: String,
    /// Secret value in the cookie or the URL.
    pub token: String,
    /// Whose it is.
    pub account: &'static Account,
    /// How far the sign-in has come.
    pub stage: Stage,
    /// Last activity on the payer's clock.
    pub active_at: Timestamp,
    /// Authenticator step used at sign-in.
    pub login_step: i64,
    /// Last second confirmation of who it is.
    pub stepup_at: Option<Timestamp>,
    /// Wrong codes so far.
    pub wrong_codes: u32,
    /// Organisation chosen.
    pub organization: Option<String>,
    /// Which rendering of the pages it gets.
    pub skin: Skin,
    /// Member worked on (identifier at the payer).
    pub member: Option<String>,
    /// What else the payer's pages remember.
    pub data: HashMap<String, Value>,
}

/// The portal sessions of one payer; they end with the process, as at many portals.
#[derive(Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    live: HashMap<String, PortalSession>,
    ended: HashMap<String, &'static str>,
    ordinal: u64,
    skins: Skins,
}

/// Which rendering portal sessions get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skins {
    /// All the same, pages before the sign-in too.
    One(Skin),
    /// This share (0 to 1) of new portal sessions gets v2; pages before the sign-in stay v1.
    Mixed(f64),
}

impl Default for Skins {
    fn default() -> Skins {
        Skins::One(Skin::V1)
    }
}

impl Skins {
    /// Spread evenly over the ordinals, so that the same run gives the same pages.
    fn of(self, ordinal: u64) -> Skin {
        match self {
            Skins::One(skin) => skin,
            Skins::Mixed(share) => {
                let before = (ordinal.saturating_sub(1) as f64 * share).floor();
                if (ordinal as f64 * share).floor() > before { Skin::V2 } else { Skin::V1 }
            }
        }
    }
}

impl Sessions {
    /// Begins a portal session with this secret value.
    pub fn open(&self, token: String, account: &'static Account, now: Timestamp) -> PortalSession {
        let mut inner = lock(&self.inner);
        inner.ordinal += 1;
        let skin = inner.skins.of(inner.ordinal);
        let session = PortalSession {
            id: format!("s-{}", inner.ordinal),
            token: token.clone(),
            account,
            stage: Stage::Partly("password"),
            active_at: now,
            login_step: 0,
            stepup_at: None,
            wrong_codes: 0,
            organization: None,
            skin,
            member: None,
            data: HashMap::new(),
        };
        inner.live.insert(token, session.clone());
        session
    }

    /// Decides the rendering of pages before the sign-in and of portal sessions begun from now on.
    pub fn set_skins(&self, skins: Skins) {
        lock(&self.inner).skins = skins;
    }

    /// The rendering of pages before the sign-in.
    pub fn skin_before_sign_in(&self) -> Skin {
        match lock(&self.inner).skins {
            Skins::One(skin) => skin,
            Skins::Mixed(_) => Skin::V1,
        }
    }

    /// The portal session with this secret value.
    pub fn get(&self, token: &str) -> Option<PortalSession> {
        lock(&self.inner).live.get(token).cloned()
    }

    /// Why the portal session with this secret value ended, if it did.
    pub fn ended(&self, token: &str) -> Option<&'static str> {
        lock(&self.inner).ended.get(token).copied()
    }

    /// Changes a portal session; `None` if it is over.
    pub fn change<T>(
        &self,
        token: &str,
        change: impl FnOnce(&mut PortalSession) -> T,
    ) -> Option<T> {
        lock(&self.inner).live.get_mut(token).map(change)
    }

    /// Ends a portal session and returns it.
    pub fn end(&self, token: &str, why: &'static str) -> Option<PortalSession> {
        let mut inner = lock(&self.inner);
        let session = inner.live.remove(token)?;
        inner.ended.insert(token.to_owned(), why);
        Some(session)
    }

    /// Secret values of the signed-in portal sessions of an account.
    pub fn live_of(&self, account: &str) -> Vec<String> {
        let inner = lock(&self.inner);
        let mut found: Vec<_> = inner
            .live
            .values()
            .filter(|session| session.account.id == account && session.stage == Stage::Live)
            .collect();
        found.sort_by_key(|session| session.active_at);
        found.into_iter().map(|session| session.token.clone()).collect()
    }

    /// Ends what has been idle for `idle` at `now` and returns it.
    pub fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Vec<PortalSession> {
        let mut inner = lock(&self.inner);
        let over: Vec<String> = inner
            .live
            .values()
            .filter(|session| now.duration_since(session.active_at) >= idle)
            .map(|session| session.token.clone())
            .collect();
        let mut ended = Vec::new();
        for token in over {
            ended.extend(inner.live.remove(&token));
            inner.ended.insert(token, "idle");
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> SignInRules {
        SignInRules {
            wrong_limit: 5,
            wrong_window: SignedDuration::from_mins(15),
            lock: Some(SignedDuration::from_mins(30)),
        }
    }

    #[test]
    fn five_wrong_passwords_lock_for_half_an_hour_and_it_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let accounts = Accounts::new("crestline", rules());
        let start: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        {
            let kept = Kept::open(dir.path()).unwrap();
            for _ in 0..4 {
                assert_eq!(accounts.password(&kept, "auto01", "no", start), Password::Wrong);
            }
            assert_eq!(accounts.wrong_count(&kept, "auto01", start), 4);
            assert_eq!(accounts.password(&kept, "auto01", "no", start), Password::JustLocked);
            assert_eq!(accounts.password(&kept, "nobody", "no", start), Password::Wrong);
        }
        let kept = Kept::open(dir.path()).unwrap();
        let right = accounts.find("auto01").unwrap().password.clone();
        assert_eq!(accounts.password(&kept, "auto01", &right, start), Password::Locked);
        let later = start + SignedDuration::from_mins(31);
        assert_eq!(accounts.password(&kept, "auto01", &right, later), Password::Right);
        assert_eq!(accounts.wrong_count(&kept, "auto01", later), 0);
    }

    #[test]
    fn a_code_works_once_and_only_after_the_step_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        let accounts = Accounts::new("crestline", rules());
        let seed = accounts.find("auto01").unwrap().totp_seed.clone().unwrap();
        let now = CheckedAt { unix_s: 1_772_460_000, step_s: totp::STEP_S };
        let step = totp::step_of(now.unix_s);
        let typed = totp::code(&seed, step).unwrap();
        assert_eq!(accounts.code(&kept, "auto01", &typed, now, 0), Code::Right(step));
        assert_eq!(accounts.code(&kept, "auto01", &typed, now, 0), Code::Reused);
        let next = totp::code(&seed, step + 1).unwrap();
        assert_eq!(accounts.code(&kept, "auto01", &next, now, step + 1), Code::Reused);
        assert_eq!(accounts.code(&kept, "auto01", &next, now, step), Code::Right(step + 1));
        assert_eq!(accounts.code(&kept, "auto01", "000000", now, 0), Code::Wrong);
        let backup = accounts.find("auto01").unwrap().backup_codes[0].clone();
        assert_eq!(accounts.backup_code(&kept, "auto01", &backup), Code::Right(0));
        assert_eq!(accounts.backup_code(&kept, "auto01", &backup), Code::Reused);
    }

    #[test]
    fn a_mixed_share_is_spread_over_new_portal_sessions() {
        let accounts = Accounts::new("crestline", rules());
        let account = accounts.find("auto01").unwrap();
        let sessions = Sessions::default();
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        sessions.set_skins(Skins::Mixed(0.3));
        let skins: Vec<_> =
            (0..20).map(|n| sessions.open(n.to_string(), account, now).skin).collect();
        assert_eq!(skins.iter().filter(|skin| **skin == Skin::V2).count(), 6);
        sessions.set_skins(Skins::One(Skin::V2));
        assert_eq!(sessions.open("x".to_owned(), account, now).skin, Skin::V2);
        assert_eq!(sessions.skin_before_sign_in(), Skin::V2);
    }

    #[test]
    fn idle_portal_sessions_end_and_say_why() {
        let accounts = Accounts::new("crestline", rules());
        let account = accounts.find("auto01").unwrap();
        let sessions = Sessions::default();
        let start: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let session = sessions.open("t1".to_owned(), account, start);
        sessions.change("t1", |session| session.stage = Stage::Live).unwrap();
        assert_eq!(sessions.live_of("auto01"), ["t1"]);
        let idle = SignedDuration::from_mins(15);
        assert!(sessions.sweep(start + SignedDuration::from_mins(14), idle).is_empty());
        let over = sessions.sweep(start + SignedDuration::from_mins(15), idle);
        assert_eq!(over[0].id, session.id);
        assert_eq!((sessions.get("t1").is_none(), sessions.ended("t1")), (true, Some("idle")));
    }
}
