//! One secret for one live lease, for one listed origin, noted in the audit. What an alias stands for is said by the script the
//! lease is pinned to; a code that comes by mail or from a person is waited for.

use domain::{
    channel::Channel,
    mailbox::Mailbox,
    script::{Bundle, ast::SecretKind},
    time::Timestamp,
    wire::{SecretAsk, SecretReply, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{fenced, note},
    code,
    settle::profile,
};
use crate::{
    access::key,
    store::{
        Tx,
        attempts::{self, Attempt},
        credentials,
        jobs::Job,
        scripts,
    },
    vault,
    vault::Secret,
};

/// The most releases of one secret to one lease.
const RELEASES_MAX: i64 = 5;

/// What an ask for a secret leads to. No `Debug`: it may hold the value.
pub enum Released {
    /// The value.
    Given(SecretReply),
    /// No usable code exists now: ask again after this many milliseconds.
    Wait {
        /// Milliseconds.
        ms: i64,
    },
    /// The code comes by mail: look into the box, and bring what lies there to [`code::release_mailed`].
    Mail(Box<code::Look>),
    /// A person has been asked and has not answered yet.
    Person,
}

/// An ask that may be answered: a live lease, a listed origin.
pub(super) struct Admitted {
    pub(super) tx: Tx,
    pub(super) job: Job,
    pub(super) attempt: Attempt,
}

/// Checks fence and origin.
pub(super) async fn admit(core: &Core, ask: &SecretAsk, now: Timestamp) -> Result<Admitted> {
    let mut tx = core.store.begin(now).await?;
    let (job, attempt) = fenced(&mut tx, &ask.fenced).await?;
    let attempt = attempts::get_in(&mut tx, attempt).await?;
    let asked = vault::origin_of(&ask.origin);
    let profile = profile(&mut tx, &job).await?;
    let listed: Vec<&str> = match profile.way(attempt.channel) {
        Some(way) => way.endpoint.addresses(),
        None => profile.login_origins.iter().map(String::as_str).collect(),
    };
    if asked.is_none() || !listed.iter().any(|o| vault::origin_of(o) == asked) {
        // Worth an operator's look: a page led the agent somewhere else.
        let detail = json!({"alias": ask.alias, "payer": job.payer, "job": job.id});
        let actor = Actor::Agent(ask.fenced.agent);
        note(&mut tx, &actor, "secret.refused", ask.fenced.lease, detail);
        tx.commit().await?;
        return Err(Error::refused(
            refusal::ORIGIN_NOT_LISTED,
            "secrets of this payer may not be typed on this page's origin",
        ));
    }
    Ok(Admitted { tx, job, attempt })
}

/// Releases a secret.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`, `origin-not-listed`, `too-many-releases`, `code-needed`; [`Error::Invalid`] for an unknown
/// alias.
pub async fn release_secret(core: &Core, ask: &SecretAsk, now: Timestamp) -> Result<Released> {
    let mut admitted = admit(core, ask, now).await?;
    // What an alias is, a script says; another channel than the portal has none.
    let kind = match admitted.attempt.channel {
        Channel::Portal => {
            kind_of(&mut admitted.tx, &admitted.attempt.script_sha256, &ask.alias).await?
        }
        _ => None,
    };
    if kind == Some(SecretKind::PersonCode) {
        return code::from_person(core, admitted, ask).await;
    }
    let Admitted { mut tx, job, attempt } = admitted;
    let secret = stored(&mut tx, &attempt, &ask.alias).await?;
    let reply = match (kind, &secret) {
        (Some(SecretKind::MailCode), Secret::Text(line)) => {
            let mailbox = Mailbox::parse(line).ok_or_else(|| unfit("is no mailbox"))?;
            let look = code::look(core, &mut tx, &attempt, ask, mailbox).await?;
            tx.commit().await?;
            return Ok(Released::Mail(Box::new(look)));
        }
        (Some(SecretKind::MailCode), Secret::Totp(_)) => return Err(unfit("is no mailbox")),
        (Some(SecretKind::Totp), Secret::Text(seed)) => {
            let seed = vault::seed(seed).ok_or_else(|| unfit("is no seed of codes"))?;
            match time_code(&mut tx, &attempt, ask, &seed, now).await? {
                Ok(reply) => reply,
                Err(ms) => return Ok(Released::Wait { ms }),
            }
        }
        (_, Secret::Text(value)) => SecretReply { value: value.clone(), valid_ms: None },
        (_, Secret::Totp(seed)) => match time_code(&mut tx, &attempt, ask, seed, now).await? {
            Ok(reply) => reply,
            Err(ms) => return Ok(Released::Wait { ms }),
        },
    };
    give(tx, &job, &attempt, ask, reply).await
}

/// Counts the release, notes it, and gives the value.
pub(super) async fn give(
    mut tx: Tx,
    job: &Job,
    attempt: &Attempt,
    ask: &SecretAsk,
    reply: SecretReply,
) -> Result<Released> {
    if credentials::count_release(&mut tx, ask.fenced.lease, &ask.alias).await? > RELEASES_MAX {
        return Err(Error::refused(
            "too-many-releases",
            "this secret was given to this lease too often",
        ));
    }
    // The origin is one of the listed ones here: it was asked before.
    let (origin, credential) = (&ask.origin, attempt.credential);
    let detail =
        json!({"alias": ask.alias, "credential": credential, "job": job.id, "origin": origin});
    let actor = Actor::Agent(ask.fenced.agent);
    note(&mut tx, &actor, "secret.released", ask.fenced.lease, detail);
    tx.commit().await?;
    Ok(Released::Given(reply))
}

/// What is stored for an alias.
pub(super) async fn stored(tx: &mut Tx, attempt: &Attempt, alias: &str) -> Result<Secret> {
    let sealed = credentials::sealed_in(tx, attempt.credential).await?;
    let mut secrets = vault::open(&tx.seal, attempt.credential, &sealed)?;
    secrets.remove(alias).ok_or_else(|| Error::invalid("alias", "is not a secret of this account"))
}

/// Whether this text is a secret of an account of a payer's channel. It is compared here and goes nowhere.
pub(super) async fn is(
    tx: &mut Tx,
    (payer, channel): (&str, Channel),
    alias: &str,
    said: &str,
) -> Result<bool> {
    let accounts = credentials::of_payer_in(tx, payer).await?;
    for account in accounts.iter().filter(|account| account.channel == channel) {
        let sealed = credentials::sealed_in(tx, account.id).await?;
        let mut secrets = vault::open(&tx.seal, account.id, &sealed)?;
        if let Some(Secret::Text(kept)) = secrets.remove(alias).as_ref()
            && key::same(kept, said)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unfit(why: &str) -> Error {
    Error::invalid("alias", format!("what is stored for it {why}"))
}

/// The present code of a seed, or how long until there is one.
async fn time_code(
    tx: &mut Tx,
    attempt: &Attempt,
    ask: &SecretAsk,
    seed: &vault::Totp,
    now: Timestamp,
) -> Result<std::result::Result<SecretReply, i64>> {
    let code = vault::code(seed, now)?;
    if code.valid_ms < vault::LEAST_VALID_MS {
        return Ok(Err(code.valid_ms));
    }
    let (alias, lease) = (&ask.alias, ask.fenced.lease);
    let fresh = credentials::use_step(tx, attempt.credential, alias, code.time_step, lease).await?;
    Ok(if fresh {
        Ok(SecretReply { value: code.digits, valid_ms: Some(code.valid_ms) })
    } else {
        Err(code.valid_ms)
    })
}

/// What the pinned script says an alias is; none when the script cannot be read: then what is stored decides.
async fn kind_of(tx: &mut Tx, script_sha256: &str, alias: &str) -> Result<Option<SecretKind>> {
    let script = scripts::get_in(tx, script_sha256).await?;
    let bundle = Bundle::load(&script.files, &script.script).ok();
    Ok(bundle.and_then(|bundle| bundle.secret_kind(alias)))
}
