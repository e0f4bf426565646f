//! A row is an account at a payer with its secrets, sealed. Only `vault.rs` opens them. Beside it: which secrets were released to
//! which lease, which time steps of a one-time code are used up, and the logins that were tried.

use domain::{
    channel::Channel,
    id::{CredentialId, LeaseId},
    permission::Permission,
    polite::Login,
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Store, Tx, channels, db};
use crate::vals;

/// An account without its secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Credential {
    /// Which.
    pub id: CredentialId,
    /// Payer id.
    pub payer: String,
    /// Name of the account.
    pub account: String,
    /// Names of its secrets.
    pub aliases: Vec<String>,
    /// When the portal refused it; no login is tried until a person acts.
    pub refused_at: Option<Timestamp>,
    /// Which program signs in with it, as the payer knows it.
    pub identity: Option<String>,
    /// The person who answers for it.
    pub owner: Option<String>,
    /// The channel it is for.
    pub channel: Channel,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// Revision.
    pub rev: i64,
}

impl Credential {
    /// Whether this permission lets it be used.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn under(&self, permission: &Permission) -> Result<(), &'static str> {
        permission.may_use(&self.account, self.identity.is_some() && self.owner.is_some())
    }
}

fn read(row: &db::Row) -> Result<Credential, Error> {
    Ok(Credential {
        id: row.parse("id")?,
        payer: row.text("payer_id")?,
        account: row.text("account")?,
        aliases: row.json("aliases")?,
        refused_at: row.opt_at("refused_at_ms")?,
        identity: row.opt_text("identity")?,
        owner: row.opt_text("owner")?,
        channel: channels::channel(row)?,
        created_at: row.at("created_at_ms")?,
        rev: row.int("rev")?,
    })
}

const FIND: &str = "SELECT * FROM credentials WHERE payer_id = $1 AND account = $2";
const INSERT: &str = "INSERT INTO credentials (id, payer_id, account, aliases, secrets, state, created_at_ms, channel) \
     VALUES ($1, $2, $3, $4, $5, 'good', $6, $7)";
const RENEW: &str = "UPDATE credentials SET aliases = $2, secrets = $3, state = 'good', refused_at_ms = NULL, rev = rev + 1 WHERE id = $1";
const REFUSE: &str = "UPDATE credentials SET state = 'refused', refused_at_ms = $2, rev = rev + 1 WHERE id = $1 AND state = 'good'";
const FORGIVE: &str = "UPDATE credentials SET state = 'good', refused_at_ms = NULL, rev = rev + 1 WHERE payer_id = $1 AND state = 'refused'";
const CLEAR: &str = "UPDATE credentials SET state = 'good', refused_at_ms = NULL, rev = rev + 1 WHERE id = $1 AND state = 'refused'";
const IDENTIFY: &str =
    "UPDATE credentials SET identity = $2, owner = $3, rev = rev + 1 WHERE id = $1";
const OF_PAYER: &str = "SELECT * FROM credentials WHERE payer_id = $1 ORDER BY account";
const GET: &str = "SELECT * FROM credentials WHERE id = $1";
const SECRETS: &str = "SELECT id, secrets FROM credentials WHERE id = $1";

/// The account of that name, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn find_in(tx: &mut Tx, payer: &str, account: &str) -> Result<Option<Credential>, Error> {
    tx.opt("credentials", FIND, vals![payer, account]).await?.map(|r| read(&r)).transpose()
}

/// Records an account; `secrets` is sealed already.
///
/// # Errors
/// [`Error::Unique`].
pub(crate) async fn insert(tx: &mut Tx, c: &Credential, secrets: &str) -> Result<(), Error> {
    let aliases = serde_json::to_string(&c.aliases).unwrap_or_default();
    let channel = c.channel.word();
    tx.exec(INSERT, vals![c.id, &c.payer, &c.account, aliases, secrets, c.created_at, channel])
        .await?;
    Ok(())
}

/// Replaces the secrets of an account and takes back a refusal.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn renew(
    tx: &mut Tx,
    id: CredentialId,
    aliases: &[String],
    secrets: &str,
) -> Result<(), Error> {
    let aliases = serde_json::to_string(aliases).unwrap_or_default();
    tx.exec(RENEW, vals![id, aliases, secrets]).await?;
    Ok(())
}

/// The portal refused the account.
///
/// # Errors
/// [`Error::Database`].
pub async fn refuse(tx: &mut Tx, id: CredentialId) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(REFUSE, vals![id, now]).await?;
    Ok(())
}

/// A person says that the accounts of a payer may be tried again; how many were refused.
///
/// # Errors
/// [`Error::Database`].
pub async fn forgive(tx: &mut Tx, payer: &str) -> Result<u64, Error> {
    tx.exec(FORGIVE, vals![payer]).await
}

/// A person says that one account may be tried again; false when it was not refused.
///
/// # Errors
/// [`Error::Database`].
pub async fn clear(tx: &mut Tx, id: CredentialId) -> Result<bool, Error> {
    Ok(tx.exec(CLEAR, vals![id]).await? == 1)
}

/// Notes which program signs in with an account and who answers for it.
///
/// # Errors
/// [`Error::Database`].
pub async fn identify(
    tx: &mut Tx,
    id: CredentialId,
    identity: &str,
    owner: &str,
) -> Result<(), Error> {
    tx.exec(IDENTIFY, vals![id, identity, owner]).await?;
    Ok(())
}

/// Accounts of a payer by name, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_payer_in(tx: &mut Tx, payer: &str) -> Result<Vec<Credential>, Error> {
    tx.all("credentials", OF_PAYER, vals![payer]).await?.iter().map(read).collect()
}

/// One account, inside a transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, id: CredentialId) -> Result<Credential, Error> {
    let row = tx.opt("credentials", GET, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("credential"))?)
}

/// The sealed secrets of an account.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) async fn sealed_in(tx: &mut Tx, id: CredentialId) -> Result<String, Error> {
    let row = tx.opt("credentials", SECRETS, vals![id]).await?;
    row.ok_or(Error::NotFound("credential"))?.text("secrets")
}

const RELEASE: &str = "INSERT INTO releases (lease_id, alias, releases, released_at_ms) VALUES ($1, $2, 1, $3) \
     ON CONFLICT (lease_id, alias) DO UPDATE SET releases = releases.releases + 1, released_at_ms = excluded.released_at_ms, \
     waits_since_ms = NULL RETURNING lease_id AS id, releases";
const WAIT: &str = "INSERT INTO releases (lease_id, alias, releases, waits_since_ms) VALUES ($1, $2, 0, $3) \
     ON CONFLICT (lease_id, alias) DO UPDATE SET waits_since_ms = COALESCE(releases.waits_since_ms, excluded.waits_since_ms) \
     RETURNING lease_id AS id, waits_since_ms";
const RELEASED: &str = "SELECT alias AS id, released_at_ms FROM releases WHERE lease_id = $1 AND released_at_ms IS NOT NULL";
const USE_MESSAGE: &str = "INSERT INTO code_messages (credential_id, alias, message, lease_id, used_at_ms) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const USED_MESSAGES: &str = "SELECT message AS id FROM code_messages WHERE credential_id = $1 AND alias = $2 \
     ORDER BY used_at_ms DESC, message LIMIT 200";
const USE_STEP: &str = "INSERT INTO code_steps (credential_id, alias, time_step, lease_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const FORGET_STEPS: &str =
    "DELETE FROM code_steps WHERE credential_id = $1 AND alias = $2 AND time_step < $3";

/// Counts a release of a secret to a lease; how many it is now.
///
/// # Errors
/// [`Error::Database`].
pub async fn count_release(tx: &mut Tx, lease: LeaseId, alias: &str) -> Result<i64, Error> {
    let now = tx.now;
    let row = tx.opt("releases", RELEASE, vals![lease, alias, now]).await?;
    row.ok_or(Error::NotFound("release"))?.int("releases")
}

/// A lease waits for a secret: since when, from the first ask since it was last given.
///
/// # Errors
/// [`Error::Database`].
pub async fn waits_since(tx: &mut Tx, lease: LeaseId, alias: &str) -> Result<Timestamp, Error> {
    let now = tx.now;
    let row = tx.opt("releases", WAIT, vals![lease, alias, now]).await?;
    row.ok_or(Error::NotFound("release"))?.at("waits_since_ms")
}

/// Which secrets were given to a lease, and when last.
///
/// # Errors
/// [`Error::Database`].
pub async fn released(tx: &mut Tx, lease: LeaseId) -> Result<Vec<(String, Timestamp)>, Error> {
    let rows = tx.all("releases", RELEASED, vals![lease]).await?;
    rows.iter().map(|r| Ok((r.text("id")?, r.at("released_at_ms")?))).collect()
}

/// Messages of a mailbox whose code was given out.
///
/// # Errors
/// [`Error::Database`].
pub async fn used_messages(
    tx: &mut Tx,
    credential: CredentialId,
    alias: &str,
) -> Result<Vec<String>, Error> {
    let rows = tx.all("code_messages", USED_MESSAGES, vals![credential, alias]).await?;
    rows.iter().map(|r| r.text("id")).collect()
}

/// Uses up a message; false when it was used before.
///
/// # Errors
/// [`Error::Database`].
pub async fn use_message(
    tx: &mut Tx,
    credential: CredentialId,
    alias: &str,
    message: &str,
    lease: LeaseId,
) -> Result<bool, Error> {
    let now = tx.now;
    Ok(tx.exec(USE_MESSAGE, vals![credential, alias, message, lease, now]).await? == 1)
}

/// Uses up a time step of a one-time code; false when it was used before.
///
/// # Errors
/// [`Error::Database`].
pub async fn use_step(
    tx: &mut Tx,
    credential: CredentialId,
    alias: &str,
    step: i64,
    lease: LeaseId,
) -> Result<bool, Error> {
    // Long past steps cannot be asked for any more.
    tx.exec(FORGET_STEPS, vals![credential, alias, step - 100]).await?;
    Ok(tx.exec(USE_STEP, vals![credential, alias, step, lease]).await? == 1)
}

const LOGIN: &str =
    "INSERT INTO logins (id, payer_id, credential_id, lease_id, at_ms) VALUES ($1, $2, $3, $4, $5)";
const LOGINS_SINCE: &str = "SELECT logins.id AS id, logins.credential_id AS credential_id, logins.at_ms AS at_ms, \
     logins.result AS result, attempts.state AS state FROM logins LEFT JOIN attempts ON attempts.lease_id = logins.lease_id \
     WHERE logins.payer_id = $1 AND logins.at_ms > $2 ORDER BY logins.at_ms, logins.id";
const LOGIN_ENDED: &str =
    "UPDATE logins SET result = $2 WHERE lease_id = $1 AND result = 'unknown'";

/// Notes that a login is about to be tried.
///
/// # Errors
/// [`Error::Database`].
pub async fn note_login(
    tx: &mut Tx,
    payer: &str,
    credential: CredentialId,
    lease: LeaseId,
) -> Result<(), Error> {
    let now = tx.now;
    let id = format!("login_{:032x}", rand::random::<u128>());
    tx.exec(LOGIN, vals![id, payer, credential, lease, now]).await?;
    Ok(())
}

/// How the portal answered the logins of a lease: it took them, or said clearly why not. What was told before stays.
///
/// # Errors
/// [`Error::Database`].
pub async fn logins_ended(tx: &mut Tx, lease: LeaseId, good: bool) -> Result<(), Error> {
    tx.exec(LOGIN_ENDED, vals![lease, if good { "good" } else { "refused" }]).await?;
    Ok(())
}

/// A login with its account.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// Account.
    pub credential: CredentialId,
    /// When, and what became of it. A clear refusal is no unclear end: the account itself is stopped by it.
    pub login: Login,
}

/// Logins at a payer that were tried after that instant, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn logins_since(tx: &mut Tx, payer: &str, after: Timestamp) -> Result<Vec<Tried>, Error> {
    let rows = tx.all("logins", LOGINS_SINCE, vals![payer, after]).await?;
    rows.iter()
        .map(|r| {
            let state = r.opt_text("state")?;
            let running = matches!(state.as_deref(), Some("running" | "paused"));
            let login = Login { at: r.at("at_ms")?, good: r.text("result")? != "unknown", running };
            Ok(Tried { credential: r.parse("credential_id")?, login })
        })
        .collect()
}

// Reads for pages and API.

const ALL: &str = "SELECT * FROM credentials ORDER BY payer_id, account";

/// Every account, by payer; never its secrets.
///
/// # Errors
/// [`Error::Database`].
pub async fn all(store: &Store) -> Result<Vec<Credential>, Error> {
    store.db.all("credentials", ALL, vals![]).await?.iter().map(read).collect()
}
