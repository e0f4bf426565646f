//! How a channel of a payer stands after what happened on it: failures let it rest, an answer ends the count of them. The portal's state is in the
//! payer's row, that of the others in rows of their own.

use domain::{calendar::Standing, channel::Channel, fleet::Payer, polite, time::Timestamp};
use serde_json::json;

use super::{Actor, Core, Result, change::note, settle};
use crate::{
    live::Topic,
    store::{Tx, channels, jobs::Job, payers},
};

/// The longest rest of a channel after failures, in units of the retry schedule.
const REST_UNITS_MAX: i64 = 16;
/// The longest time a channel is left alone because it asked for it; a person is asked long before.
const STAY_AWAY_MAX_MS: i64 = 31 * 24 * 3_600_000;

/// What failures have made of a channel.
struct Rest {
    downs: u32,
    until: Option<Timestamp>,
}

impl Rest {
    fn at_least(&mut self, until: Timestamp) {
        self.until = Some(self.until.map_or(until, |known| known.max(until)));
    }
}

/// Changes a channel's rest under its lock; what it is afterwards. For a channel beside the portal that is its own row's: a lease
/// takes the payer's row before its channels', so whoever holds a channel never asks for the payer.
async fn change(
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    change: impl FnOnce(&Payer, &mut Rest),
) -> Result<Rest> {
    tx.changed(Topic::Fleet);
    if channel == Channel::Portal {
        let mut known = payers::lock(tx, payer).await?;
        let mut rest = Rest { downs: known.downs, until: known.rests_until };
        change(&known.profile, &mut rest);
        (known.downs, known.rests_until) = (rest.downs, rest.until);
        payers::save(tx, &mut known).await?;
        return Ok(rest);
    }
    let known = payers::find_in(tx, payer).await?;
    let profile = known.ok_or(crate::store::Error::NotFound("payer"))?.profile;
    let own = channels::lock(tx, payer, channel).await?;
    let mut rest = Rest { downs: own.downs, until: own.rests_until };
    change(&profile, &mut rest);
    let kept = channels::Known { rests_until: rest.until, downs: rest.downs, busy: own.busy };
    channels::save(tx, payer, channel, &kept).await?;
    Ok(rest)
}

/// The channel answers with errors: it rests, longer with every failure in a row.
pub(super) async fn rests(
    core: &Core,
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    actor: &Actor,
) -> Result<()> {
    let (now, unit) = (tx.now, core.rules.rest_unit_ms);
    let failed = |profile: &Payer, rest: &mut Rest| {
        let trips = profile.terms(channel).map_or(1, |terms| terms.pace.trips_after.max(1));
        let units = (1_i64 << (rest.downs + 1).saturating_sub(trips).min(10)).min(REST_UNITS_MAX);
        rest.downs += 1;
        if rest.downs >= trips {
            rest.at_least(now.plus_ms(unit.saturating_mul(units)));
        }
    };
    let rest = change(tx, payer, channel, failed).await?;
    // Jobs that can go another way go now.
    tx.changed(Topic::Ready);
    let detail = json!({"channel": channel.word(), "until": rest.until, "in_a_row": rest.downs});
    note(tx, actor, "payer.rests", payer, detail);
    Ok(())
}

/// The channel answered: failures are counted anew. A rest that goes on is not cut short: it may be what the payer asked for.
pub(super) async fn works(tx: &mut Tx, payer: &str, channel: Channel) -> Result<()> {
    let Some(known) = payers::find_in(tx, payer).await? else { return Ok(()) };
    let rested = if channel == Channel::Portal {
        known.downs > 0 || known.rests_until.is_some_and(|until| until <= tx.now)
    } else {
        let own = channels::of_payer_in(tx, payer).await?;
        let over = |own: &channels::Known| own.rests_until.is_some_and(|until| until <= tx.now);
        own.get(&channel).is_some_and(|own| own.downs > 0 || over(own))
    };
    if rested {
        let now = tx.now;
        let answered = |_: &Payer, rest: &mut Rest| {
            rest.downs = 0;
            rest.until = rest.until.filter(|until| *until > now);
        };
        change(tx, payer, channel, answered).await?;
        tx.changed(Topic::Ready);
    }
    Ok(())
}

/// The channel said how long to stay away: it rests at least so long.
pub(super) async fn stay_away(
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    asked: &str,
    actor: &Actor,
) -> Result<()> {
    let Some(ms) = polite::retry_after(asked, tx.now) else { return Ok(()) };
    let until = tx.now.plus_ms(ms.min(STAY_AWAY_MAX_MS));
    change(tx, payer, channel, |_, rest| rest.at_least(until)).await?;
    let detail = json!({"channel": channel.word(), "until": until});
    note(tx, actor, "payer.retry_after", payer, detail);
    Ok(())
}

/// When the channel opens again, if its calendar says that it is closed now.
pub(super) async fn closed_until(
    tx: &mut Tx,
    job: &Job,
    channel: Channel,
) -> Result<Option<Timestamp>> {
    let profile = settle::profile(tx, job).await?;
    let Some(terms) = profile.terms(channel) else { return Ok(None) };
    Ok(match terms.calendar.standing(&profile.time_zone, tx.now) {
        Standing::Closed { until, .. } => until,
        Standing::Open { .. } => None,
    })
}
