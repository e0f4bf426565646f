//! One simulated payer as a whole: clock, ledger, cases, accounts, knobs and faults together, and what happens when
//! something falls due. Pages and channels of a payer work on this; it knows no page.

use std::{path::PathBuf, sync::Arc};

use axum::{Router, response::Response};
use jiff::{SignedDuration, Timestamp, Zoned, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Pace,
    accounts::{Accounts, Password, PortalSession, Sessions, SignInRules},
    call::{Call, WriteMode},
    clock::{Due, SimClock, real_now},
    faults::Faults,
    fax::Fax,
    journal::Kept,
    knobs::Knobs,
    mail::Mail,
    store::{Case, Filed, Filing, Store, Told},
    tls::Certificates,
    totp::{self, CheckedAt},
};
use crate::ledger::{Entry, Ledger, hex};

/// What makes a payer itself: names, rules, pages. One constant per payer module.
pub struct Profile {
    /// Name everywhere in the fleet (`crestline`).
    pub slug: &'static str,
    /// Name in the ledger (`P1`).
    pub code: &'static str,
    /// Hosts of its portal, the first one for people.
    pub hosts: &'static [&'static str],
    /// How sign-ins are treated.
    pub sign_in: SignInRules,
    /// Minutes until an idle portal session ends.
    pub idle_min: i64,
    /// Whether its pages also exist redesigned (skin v2).
    pub redesigned: bool,
    /// Settings with their first values for a pace; `totp_clock`, `totp_step_s`, `cert` and `idle_min` are added to them.
    pub knobs: fn(Pace) -> Value,
    /// The portal: a router per host.
    pub routers: fn(Arc<Sim>) -> Vec<(&'static str, Router)>,
    /// Makes a case of a filing, with this payer's numbers; neither kept nor in the ledger yet.
    pub draw_up: fn(&Sim, &Filed<'_>, Filing) -> Case,
    /// Gives numbers and other consequences after a case has moved on.
    pub settle: fn(&Sim, &mut Case),
    /// Where its offices are; its days begin and end there.
    pub zone: &'static str,
    /// Faults that mean nothing here, each with the reason.
    pub without: &'static [(&'static str, &'static str)],
}

/// A running simulated payer.
pub struct Sim {
    /// What makes it itself.
    pub profile: &'static Profile,
    /// How fast its pages are.
    pub pace: Pace,
    /// Decides numbers and chances.
    pub seed: u64,
    /// Folder of all its state.
    pub dir: PathBuf,
    /// Its clock.
    pub clock: SimClock,
    /// Its record.
    pub ledger: Ledger,
    /// What it keeps over restarts.
    pub kept: Kept,
    /// Its cases.
    pub store: Store,
    /// Its accounts.
    pub accounts: Accounts,
    /// Its portal sessions.
    pub sessions: Sessions,
    /// What it writes to people.
    pub mail: Mail,
    /// Its fax machine.
    pub fax: Fax,
    /// Its settings.
    pub knobs: Knobs,
    /// Its faults.
    pub faults: Faults,
    /// Its certificates.
    pub certs: Arc<Certificates>,
    /// The first moment of this world: day 0 of payer claims.
    pub start: Timestamp,
}

/// How a simulated payer is started.
pub struct Start {
    /// Folder of all its state.
    pub dir: PathBuf,
    /// How fast.
    pub pace: Pace,
    /// Decides numbers and chances.
    pub seed: u64,
    /// Where the clock starts; later if the ledger goes on from a later moment.
    pub clock: Timestamp,
    /// Rate of the clock; 0 = frozen.
    pub rate: f64,
    /// `sim` or `real`.
    pub totp_clock: &'static str,
    /// Certificates to show.
    pub certs: Arc<Certificates>,
}

impl Sim {
    /// Opens a payer's state and puts what is to come back on its clock.
    pub fn open(profile: &'static Profile, start: Start) -> std::io::Result<Sim> {
        std::fs::create_dir_all(&start.dir)?;
        let ledger = Ledger::open(&start.dir, profile.code)?;
        let kept = Kept::open(&start.dir)?;
        let now = ledger.last_sim_at().map_or(start.clock, |last| last.max(start.clock));
        let world_start = kept.get("start").and_then(|v| serde_json::from_value(v).ok());
        if world_start.is_none() {
            kept.put("start", json!(start.clock));
        }
        let mut knobs = (profile.knobs)(start.pace);
        if let Some(map) = knobs.as_object_mut() {
            map.insert("totp_clock".to_owned(), json!(start.totp_clock));
            map.insert("totp_step_s".to_owned(), json!(totp::STEP_S));
            map.insert("cert".to_owned(), json!("trusted"));
            map.insert("idle_min".to_owned(), json!(profile.idle_min));
        }
        let store = Store::open(&kept);
        let mail = Mail::open(&kept);
        let sim = Sim {
            profile,
            pace: start.pace,
            seed: start.seed,
            clock: SimClock::new(now, start.rate),
            ledger,
            store,
            accounts: Accounts::new(profile.slug, profile.sign_in),
            sessions: Sessions::default(),
            fax: Fax::open(&start.dir, mail.bearer.clone())?,
            mail,
            knobs: Knobs::new(knobs),
            faults: Faults::new(start.seed, profile.without),
            certs: start.certs,
            start: world_start.unwrap_or(start.clock),
            dir: start.dir,
            kept,
        };
        for case in sim.store.all() {
            sim.schedule(&case);
        }
        Ok(sim)
    }

    /// The present moment of the payer's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time of day where the payer's offices are.
    pub fn local(&self) -> Zoned {
        let zone = TimeZone::get(self.profile.zone).unwrap_or(TimeZone::UTC);
        self.now().to_zoned(zone)
    }

    /// Today at the payer.
    pub fn today(&self) -> Date {
        self.local().date()
    }

    /// The last half minute of today at the payer.
    pub fn day_end(&self) -> Option<Timestamp> {
        let end = self.local().with().hour(23).minute(59).second(30).subsec_nanosecond(0);
        let end = end.build().ok()?.timestamp();
        (end >= self.now()).then_some(end)
    }

    /// Checks a password; a fault can lock earlier than the portal's own rule.
    pub fn password(&self, call: &Call, user: &str, typed: &str) -> Password {
        let answer = self.accounts.password(&self.kept, user, typed, self.now());
        let Some(fault) = call.fault("locks-after") else { return answer };
        let limit = usize::try_from(fault.argument.unwrap_or(2)).unwrap_or(2);
        let wrong = self.accounts.wrong_count(&self.kept, user, self.now());
        if answer != Password::Wrong || wrong < limit {
            return answer;
        }
        self.accounts.lock(&self.kept, user, self.now());
        Password::JustLocked
    }

    /// A case as the portal shows it: as it was when it came, or the opposite of what was decided, where a fault or a
    /// reviewer says so.
    pub fn shown(&self, call: &Call, case: Case) -> Case {
        if call.fires("status-lags") {
            return case.as_received();
        }
        if call.fires("portal-contradicts") {
            return case.opposite();
        }
        case.told(Told::Portal)
    }

    /// The day the world began.
    pub fn start_date(&self) -> Date {
        self.start.to_zoned(TimeZone::UTC).date()
    }

    /// What authenticator codes are checked against now.
    pub fn code_time(&self) -> CheckedAt {
        let real = self.knobs.text("totp_clock") == "real";
        let now = if real { real_now() } else { self.now() };
        CheckedAt { unix_s: now.as_second(), step_s: self.knobs.number("totp_step_s") }
    }

    /// Writes a ledger entry for a call.
    pub fn note(&self, call: &Call, entry: Entry) -> u64 {
        self.ledger.append(self.now(), call.stamp(entry, call.skin(self)))
    }

    /// Writes a ledger entry for something no call did.
    pub fn note_control(&self, entry: Entry) -> u64 {
        self.ledger.append(self.now(), entry.with("channel", "control"))
    }

    /// Puts everything noted and kept so far on disk.
    pub async fn flush(&self) {
        self.ledger.flush().await;
        self.kept.flush().await;
    }

    /// Keeps a case and puts what is to come on the clock.
    pub fn keep(&self, case: &Case) {
        self.store.put(&self.kept, case);
        self.schedule(case);
    }

    /// Keeps a case that a write brought, at once or as late as the write's mode says; true when it is on record now.
    pub fn keep_as(&self, case: &mut Case, mode: WriteMode) -> bool {
        if let WriteMode::Late(seconds) = mode {
            let late = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(120));
            case.recorded = false;
            case.record_at = self.now().checked_add(late).ok();
        }
        self.keep(case);
        case.recorded
    }

    fn schedule(&self, case: &Case) {
        let due = |what| Due { what, case: case.id.clone() };
        if let Some(at) = case.record_at {
            self.clock.schedule(at, due("record"));
        }
        for at in case.lines.iter().flat_map(|line| &line.course).map(|(at, _)| *at) {
            self.clock.schedule(at, due("course"));
        }
    }

    /// Runs everything due by now; returns what happened, in order.
    pub fn run_due(&self) -> Vec<Value> {
        self.run_until(self.now(), false)
    }

    /// Moves the clock to `until`, running what falls due on the way, each thing at its own moment.
    pub fn advance_to(&self, until: Timestamp) -> Vec<Value> {
        let happened = self.run_until(until, true);
        if self.now() < until {
            // Never backwards: checked in the line above.
            let _ = self.clock.set(until, false);
        }
        happened
    }

    fn run_until(&self, until: Timestamp, moving: bool) -> Vec<Value> {
        let mut happened = Vec::new();
        while let Some((at, due)) = self.clock.take_due(until) {
            if moving && self.now() < at {
                let _ = self.clock.set(at, false);
            }
            if self.run(at, &due) {
                happened.push(json!({"at": at.to_string(), "what": due.what, "case": due.case}));
            }
        }
        happened
    }

    fn run(&self, at: Timestamp, due: &Due) -> bool {
        let Some(mut case) = self.store.get(&due.case) else { return false };
        if due.what == "record" {
            return self.record_late(at, case);
        }
        if !case.run_course(at) {
            return false;
        }
        (self.profile.settle)(self, &mut case);
        self.store.put(&self.kept, &case);
        let statuses: Vec<_> = case.lines.iter().map(|line| json!(line.status)).collect();
        let entry = Entry::new("course").with("case", case.id.as_str()).with("lines", statuses);
        self.ledger.append(at, entry.with("channel", "control"));
        true
    }

    fn record_late(&self, at: Timestamp, mut case: Case) -> bool {
        if case.record_at.take().is_none() {
            return false;
        }
        case.recorded = true;
        self.store.put(&self.kept, &case);
        let entry = committed(&case, "not_sent", "records-late");
        self.ledger
            .append(at, entry.with("channel", "portal").with("origin", case.origin.as_str()));
        true
    }

    /// Ends portal sessions that have been idle too long.
    pub fn sweep_sessions(&self) {
        // Where the limit belongs to the office it has a knob of its own.
        let minutes = match self.knobs.number("office_timeout_min") {
            0 => self.knobs.number("idle_min"),
            of_office => of_office,
        };
        let idle = SignedDuration::from_mins(minutes);
        for session in self.sessions.sweep(self.now(), idle) {
            self.note_end(&session, "idle");
        }
    }

    /// Ends a portal session for a reason and notes it.
    pub fn end_session(&self, token: &str, why: &'static str) {
        if let Some(session) = self.sessions.end(token, why) {
            self.note_end(&session, why);
        }
    }

    fn note_end(&self, session: &PortalSession, why: &str) {
        let entry = Entry::new("portal_session_end")
            .with("channel", "portal")
            .with("account", session.account.id.as_str())
            .with("portal_session", session.id.as_str())
            .with("why", why);
        self.ledger.append(self.now(), entry);
    }

    /// A secret value nobody can guess.
    pub fn secret() -> String {
        hex(&rand::random::<[u8; 16]>())
    }

    /// A UUID that depends on the seed and the ordinal alone.
    pub fn uuid(&self, what: &str) -> String {
        let ordinal = self.kept.next(&format!("uuid/{what}"));
        let hash = hex(&Sha256::digest(format!("{}/{what}/{ordinal}", self.seed)));
        let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
        format!(
            "{}-{}-4{}-8{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    }

    /// Waits as long as this page takes at the payer's pace.
    pub async fn page_delay(&self, lifelike_ms: u64) {
        let ms = match self.pace {
            Pace::Quick => 0,
            Pace::Lifelike => lifelike_ms,
        };
        if ms > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
    }
}

/// The ledger line of a recorded submit: what it became and what the client could have seen of it.
pub fn committed(case: &Case, answered: &str, mode: &str) -> Entry {
    let entry = Entry::new("submit_committed")
        .with("effect", true)
        .with("received_seq", case.received_seq)
        .with("case", case.id.as_str())
        .with("numbers", json!(case.numbers))
        .with("answered", answered);
    if mode.is_empty() { entry } else { entry.with("mode", mode) }
}

/// What a handler answers with.
pub type Answer = Response;
