//! Which channel a job takes now, and why: the order of the payer's profile, the register's permission for each channel, its hours,
//! its breaker, how long it usually takes. Pure; the coordinator brings what is known, this says where to go.

use crate::{
    calendar::Standing,
    channel::{Channel, Leg},
    fleet::{Blocked, Payer},
    job::Task,
    polite::{self, Breaker},
    time::Timestamp,
};

/// What is known of a channel at this moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Failures of the channel in a row.
    pub downs: u32,
    /// Rest after failures.
    pub rests_until: Option<Timestamp>,
    /// Visits or calls at work.
    pub busy: u32,
    /// How long a visit usually took lately, milliseconds; none when it was hardly used.
    pub usual_ms: Option<i64>,
    /// What else keeps it from being used: no account, a held script, a budget that is spent.
    pub blocked: Option<Blocked>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The task.
    pub task: Task,
    /// Whether documents go with it.
    pub documents: bool,
    /// Settling a doubt: only the channel it began on can look.
    pub only: Option<Channel>,
}

/// The channel a job takes, with the reason as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The channel.
    pub channel: Channel,
    /// Why this one.
    pub because: String,
}

/// Decides; or says what holds the job back: what stands in the way of the first channel in the order, unless another one is only
/// busy.
///
/// # Errors
/// What holds the job back.
pub fn decide(
    payer: &Payer,
    ask: Ask,
    health: &dyn Fn(Channel) -> Health,
    now: Timestamp,
) -> Result<Routed, Blocked> {
    if let Some(only) = ask.only {
        let passed = hard(payer, &Leg::plain(only), ask, &health(only), now);
        return match passed {
            Some(blocked) => Err(blocked),
            None => {
                Ok(Routed { channel: only, because: "the doubt began on this channel".to_owned() })
            }
        };
    }
    let legs = payer.legs(ask.task);
    let mut passed: Vec<(Channel, Blocked)> = Vec::new();
    let mut second_best: Option<Routed> = None;
    for leg in &legs {
        let known = health(leg.channel);
        if let Some(blocked) = hard(payer, leg, ask, &known, now) {
            if !blocked.moves_on() {
                // Only busy: the job waits for it, unless a channel that was passed over for a milder reason is free.
                return second_best.ok_or(blocked);
            }
            passed.push((leg.channel, blocked));
            continue;
        }
        let routed = Routed { channel: leg.channel, because: because(&legs, &passed) };
        match soft(payer, leg, ask, &known, now) {
            None => return Ok(routed),
            Some(blocked) => {
                passed.push((leg.channel, blocked));
                second_best = second_best.or(Some(routed));
            }
        }
    }
    match (second_best, passed.into_iter().next()) {
        (Some(routed), _) => Ok(routed),
        (None, Some((_, blocked))) => Err(blocked),
        (None, None) => Err(Blocked::NoScript),
    }
}

fn because(legs: &[Leg], passed: &[(Channel, Blocked)]) -> String {
    match passed {
        [] if legs.len() == 1 => "the payer's only channel for this task".to_owned(),
        [] => "first in the payer's order".to_owned(),
        passed => passed
            .iter()
            .map(|(channel, blocked)| format!("{}: {}", channel.word(), blocked.say()))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// What keeps this job off a channel, whatever the others are.
fn hard(payer: &Payer, leg: &Leg, ask: Ask, known: &Health, now: Timestamp) -> Option<Blocked> {
    let Some(terms) = payer.terms(leg.channel) else { return Some(Blocked::NotDescribed) };
    if leg.without_documents && ask.documents {
        return Some(Blocked::Documents);
    }
    let portal = leg.channel == Channel::Portal;
    if let Err(reason) = terms.permission.allows(ask.task, now) {
        return Some(not_permitted(leg.channel, reason));
    }
    if let Some(blocked) = &known.blocked {
        return Some(blocked.clone());
    }
    if let Standing::Closed { until, maintenance } = terms.calendar.standing(&payer.time_zone, now)
    {
        return Some(Blocked::Closed { until, maintenance });
    }
    match polite::breaker(known.downs, known.rests_until, terms.pace, now) {
        Breaker::Open(until) if portal => return Some(Blocked::PortalDown { until }),
        Breaker::Open(until) => return Some(Blocked::ChannelDown { until }),
        Breaker::HalfOpen if known.busy > 0 => return Some(Blocked::Probing),
        Breaker::HalfOpen | Breaker::Closed => {}
    }
    let full = known.busy >= terms.at_once;
    full.then_some(Blocked::SessionLimit { limit: terms.at_once })
}

/// What makes another channel better, if one can take the job: it is slow, or nobody knows yet whether it works again.
fn soft(payer: &Payer, leg: &Leg, ask: Ask, known: &Health, now: Timestamp) -> Option<Blocked> {
    let terms = payer.terms(leg.channel)?;
    let breaker = polite::breaker(known.downs, known.rests_until, terms.pace, now);
    // What tries a channel again only reads, if there is a choice.
    if breaker == Breaker::HalfOpen && ask.task.commits() {
        return Some(Blocked::Probing);
    }
    let (limit, usual) = leg.slow_after_ms.zip(known.usual_ms)?;
    (usual > limit).then_some(Blocked::Slow { usual_ms: usual })
}

/// Why no channel of a task's order can take a job, now or later, as the profile and the fleet are: the channels in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nowhere {
    passed: Vec<(Channel, Blocked)>,
}

impl Nowhere {
    /// Whether it is for want of a permission alone.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.passed.iter().all(|(_, blocked)| matches!(blocked, Blocked::NotPermitted { .. }))
    }

    /// The reasons as a sentence; each with its channel where there are several.
    #[must_use]
    pub fn say(&self) -> String {
        match self.passed.as_slice() {
            [] => "no channel is listed for this task".to_owned(),
            [(_, blocked)] => blocked.say(),
            several => several
                .iter()
                .map(|(channel, blocked)| format!("{}: {}", channel.say(), blocked.say()))
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

impl Payer {
    /// Whether any channel of the task's order can take such a job at all: it is described and permitted, takes what goes with the
    /// job, and somebody works it. What passes by itself (hours, rests, budgets) does not count.
    ///
    /// # Errors
    /// Why none can.
    pub fn takes(
        &self,
        (task, documents): (Task, bool),
        worked: &[Channel],
        now: Timestamp,
    ) -> Result<(), Nowhere> {
        let mut passed = Vec::new();
        for leg in self.legs(task) {
            let Some(terms) = self.terms(leg.channel) else {
                passed.push((leg.channel, Blocked::NotDescribed));
                continue;
            };
            let blocked = if let Err(reason) = terms.permission.allows(task, now) {
                not_permitted(leg.channel, reason)
            } else if leg.without_documents && documents {
                Blocked::Documents
            } else if !worked.contains(&leg.channel) {
                Blocked::NotWorked
            } else {
                return Ok(());
            };
            passed.push((leg.channel, blocked));
        }
        Err(Nowhere { passed })
    }

    /// Whether a doubt can be looked after on the channel where it began, now or later.
    ///
    /// # Errors
    /// Why not.
    pub fn looks(
        &self,
        task: Task,
        began_on: Channel,
        worked: &[Channel],
        now: Timestamp,
    ) -> Result<(), Blocked> {
        let terms = self.terms(began_on).ok_or(Blocked::NotDescribed)?;
        terms.permission.allows(task, now).map_err(|reason| not_permitted(began_on, reason))?;
        if worked.contains(&began_on) { Ok(()) } else { Err(Blocked::NotWorked) }
    }
}

/// The register's sentence, which speaks of portals, as one about this channel.
fn not_permitted(channel: Channel, reason: &str) -> Blocked {
    let portal = channel == Channel::Portal;
    let reason = if portal { reason.to_owned() } else { reason.replace("portal", "channel") };
    Blocked::NotPermitted { reason }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-02T14:00:00Z").unwrap()
    }

    fn permission(state: &str) -> serde_json::Value {
        serde_json::json!({"state": state, "basis": "simulator", "decided_by": "test",
            "expires_at": "2100-01-01T00:00:00Z", "tasks": ["submit", "auth_status"]})
    }

    /// Portal first, then PAS, then X12 in files for requests without documents.
    fn payer(portal: &str, pas: &str) -> Payer {
        let way = |channel: &str, state: &str| {
            serde_json::json!({"channel": channel, "permission": permission(state), "calls_max": 2,
                "endpoint": {"base": "https://api.payer.example", "auth": {"by": "bearer", "secret": "key"}}})
        };
        serde_json::from_value(serde_json::json!({
            "id": "payer", "name": "Payer", "time_zone": "America/New_York", "permission": permission(portal),
            "limits": {"sessions_max": 2, "gap_ms": 0, "pages_per_minute": 600, "logins_per_hour_max": 3},
            "reconcile": {"absence_is_proof": true, "max_record_delay_ms": 0, "first_look_ms": 0, "look_every_ms": 1, "looks_max": 3},
            "status_every_ms": 1, "second_login": "both_live", "secrets": [], "login_origins": [],
            "ways": [way("fhir_pas", pas), way("x12_sftp", "permitted")],
            "routes": {
                "submit": [{"channel": "portal", "slow_after_ms": 60_000}, {"channel": "fhir_pas"},
                           {"channel": "x12_sftp", "without_documents": true}],
                "auth_status": [{"channel": "portal"}, {"channel": "fhir_pas"}],
            },
        }))
        .unwrap()
    }

    const SUBMIT: Ask = Ask { task: Task::Submit, documents: true, only: None };
    const STATUS: Ask = Ask { task: Task::AuthStatus, documents: false, only: None };

    type Known = BTreeMap<Channel, Health>;

    fn asked(payer: &Payer, ask: Ask, known: &Known) -> Result<Routed, Blocked> {
        let health = |channel: Channel| known.get(&channel).cloned().unwrap_or_default();
        decide(payer, ask, &health, now())
    }

    fn one(channel: Channel, health: Health) -> Known {
        BTreeMap::from([(channel, health)])
    }

    #[test]
    fn the_first_channel_that_may_and_can_takes_the_job() {
        let both = payer("permitted", "permitted");
        let down =
            Health { downs: 1, rests_until: Some(now().plus_ms(60_000)), ..Health::default() };
        let back = Health { rests_until: Some(now().plus_ms(-1)), ..down.clone() };
        let tried = Health { busy: 1, ..back.clone() };
        let slow = Health { usual_ms: Some(61_000), ..Health::default() };
        let full = Health { busy: 2, ..Health::default() };
        let refused = Health { blocked: Some(Blocked::AccountRefused), ..Health::default() };
        let portal = |health| one(Channel::Portal, health);
        for (ask, known, wanted, why) in [
            (SUBMIT, Known::new(), Channel::Portal, "first in the payer's order"),
            (SUBMIT, portal(down.clone()), Channel::FhirPas, "portal: the portal is down"),
            (STATUS, portal(down.clone()), Channel::FhirPas, "portal: the portal is down"),
            // What tries it again reads; a submission waits until somebody knows.
            (STATUS, portal(back.clone()), Channel::Portal, "first"),
            (SUBMIT, portal(back.clone()), Channel::FhirPas, "portal: one visit tries"),
            (STATUS, portal(tried), Channel::FhirPas, "portal: one visit tries"),
            (SUBMIT, portal(slow.clone()), Channel::FhirPas, "portal: a visit takes 61 s"),
            (STATUS, portal(slow.clone()), Channel::Portal, "first"),
            (SUBMIT, portal(refused), Channel::FhirPas, "portal: the portal refused"),
        ] {
            let routed = asked(&both, ask, &known).unwrap();
            assert_eq!(routed.channel, wanted, "{ask:?} {known:?}");
            assert!(routed.because.starts_with(why), "{routed:?}");
        }
        // Full is not down: the job waits for its turn.
        let told = asked(&both, SUBMIT, &portal(full.clone())).unwrap_err();
        assert_eq!(told, Blocked::SessionLimit { limit: 2 });
        // Slow is better than nothing.
        let all = BTreeMap::from([
            (Channel::Portal, slow),
            (Channel::FhirPas, down.clone()),
            (Channel::X12Sftp, down.clone()),
        ]);
        assert_eq!(asked(&both, SUBMIT, &all).unwrap().channel, Channel::Portal);
        // All down: the first one's reason is told.
        let all = Channel::ALL.map(|channel| (channel, down.clone())).into_iter().collect();
        assert!(matches!(asked(&both, SUBMIT, &all), Err(Blocked::PortalDown { .. })));
    }

    #[test]
    fn a_prohibited_portal_is_passed_and_never_used() {
        for (portal, pas, wanted) in [
            ("prohibited", "permitted", Ok(Channel::FhirPas)),
            ("unknown", "permitted", Ok(Channel::FhirPas)),
            ("permitted", "prohibited", Ok(Channel::Portal)),
            ("prohibited", "unknown", Err(())),
        ] {
            let payer = payer(portal, pas);
            let routed = asked(&payer, STATUS, &Known::new());
            assert_eq!(routed.clone().map(|r| r.channel).map_err(drop), wanted, "{portal} {pas}");
            let takes = payer.takes((Task::AuthStatus, false), &Channel::ALL, now());
            assert_eq!(takes.is_ok(), wanted.is_ok());
            if let Ok(routed) = routed {
                let said = routed.because.contains("must not be automated");
                assert_eq!(said, portal == "prohibited", "{routed:?}");
            }
        }
        let both = payer("permitted", "permitted");
        let takes = both.takes((Task::ClaimStatus, false), &Channel::ALL, now());
        assert!(takes.unwrap_err().is_permission(), "no channel covers the task");
    }

    #[test]
    fn what_no_channel_can_take_is_told_with_every_reason() {
        let all = Channel::ALL;
        let without_sftp = [Channel::Portal, Channel::FhirPas];
        let sftp_alone = payer("prohibited", "prohibited");
        let takes = |documents, worked: &[Channel]| {
            sftp_alone.takes((Task::Submit, documents), worked, now()).map_err(|n| n.say())
        };
        assert_eq!(takes(false, &all), Ok(()));
        let no = "Portal: this portal must not be automated; FHIR PAS: this channel must not be automated; ";
        let wanted = format!("{no}X12 files (SFTP): it takes no documents");
        assert_eq!(takes(true, &all), Err(wanted));
        let wanted = format!("{no}X12 files (SFTP): no agent that accepts work works it");
        assert_eq!(takes(false, &without_sftp), Err(wanted));
        // A doubt has one channel, whatever the order says.
        assert!(sftp_alone.looks(Task::Submit, Channel::X12Sftp, &all, now()).is_ok());
        let looks = |channel| sftp_alone.looks(Task::Submit, channel, &without_sftp, now());
        assert_eq!(looks(Channel::X12Sftp), Err(Blocked::NotWorked));
        assert_eq!(looks(Channel::Rest), Err(Blocked::NotDescribed));
        assert!(matches!(looks(Channel::Portal), Err(Blocked::NotPermitted { .. })));
    }

    #[test]
    fn a_described_channel_in_no_order_still_counts() {
        let mut payer = payer("permitted", "permitted");
        payer.routes.clear();
        assert!(!payer.is_portal_only(), "a doubt may have begun there");
        payer.ways.clear();
        assert!(payer.is_portal_only());
    }

    #[test]
    fn conditions_and_doubts_narrow_the_choice() {
        let payer = payer("prohibited", "prohibited");
        let with = asked(&payer, SUBMIT, &Known::new());
        assert!(matches!(with, Err(Blocked::NotPermitted { .. })), "{with:?}");
        let without = asked(&payer, Ask { documents: false, ..SUBMIT }, &Known::new()).unwrap();
        assert_eq!(without.channel, Channel::X12Sftp);

        // A doubt looks where it began, also when that is down and another channel works.
        let both = self::payer("permitted", "permitted");
        let down =
            Health { downs: 1, rests_until: Some(now().plus_ms(60_000)), ..Health::default() };
        let only = |channel| Ask { only: Some(channel), ..SUBMIT };
        let known = one(Channel::Portal, down);
        assert!(asked(&both, only(Channel::Portal), &known).is_err());
        assert_eq!(asked(&both, only(Channel::FhirPas), &known).unwrap().channel, Channel::FhirPas);
    }
}
