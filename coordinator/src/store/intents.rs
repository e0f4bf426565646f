//! A row is an intent: the durable record that a commit is about to happen. Made by the permit; closed once by proof, by a release
//! or by a person. A partial unique index holds "one open or confirmed per request hash and round".

use domain::{
    channel::Channel,
    id::{AgentId, AttemptId, CaseId, EvidenceId, IntentId, JobId},
    intent::{IntentState, VoidProof},
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Store, Tx, db, open_text, seal_text};
use crate::vals;

/// An intent.
#[derive(Debug, Clone, Serialize)]
pub struct Intent {
    /// Which.
    pub id: IntentId,
    /// Case.
    pub case: CaseId,
    /// Job.
    pub job: JobId,
    /// Attempt that asked for the permit.
    pub attempt: AttemptId,
    /// Agent that got it.
    pub agent: AgentId,
    /// Fence it was given under.
    pub fence: i64,
    /// Request hash.
    #[serde(skip)]
    pub dedup_key: String,
    /// Round.
    pub round: u32,
    /// Step index of the commit.
    pub step: u32,
    /// The script's name of the commit.
    pub commit: String,
    /// Hash over what the form held.
    pub payload_sha256: String,
    /// Picture before.
    pub before: EvidenceId,
    /// The ask's random value.
    #[serde(skip)]
    pub ask: String,
    /// State word: `open`, `confirmed`, `void`.
    pub state: String,
    /// How we know that nothing was sent, when void.
    pub void_proof: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// After this instant nothing of this submission should leave the agent any more.
    pub fenced_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Looks that found nothing.
    pub looks: u32,
    /// The first of them.
    pub first_empty_at: Option<Timestamp>,
    /// Public key of the submit gate that took the permit.
    #[serde(skip)]
    pub gate_key: Option<String>,
    /// The arming it was taken under.
    #[serde(skip)]
    pub gate_nonce: Option<String>,
}

fn read(row: &db::Row) -> Result<Intent, Error> {
    let certified = row.opt_at("certified_at_ms")?.is_some();
    Ok(Intent {
        id: row.parse("id")?,
        case: row.parse("case_id")?,
        job: row.parse("job_id")?,
        attempt: row.parse("attempt_id")?,
        agent: row.parse("agent_id")?,
        fence: row.int("fence")?,
        dedup_key: row.text("dedup_key")?,
        round: row.count("round")?,
        step: row.count("step_index")?,
        commit: row.text("commit_name")?,
        payload_sha256: row.text("payload_sha256")?,
        before: row.parse("before_id")?,
        ask: row.text("ask")?,
        state: row.text("state")?,
        void_proof: if certified {
            Some("not_sent".to_owned())
        } else {
            row.opt_text("void_proof")?
        },
        opened_at: row.at("opened_at_ms")?,
        fenced_at: row.at("fenced_at_ms")?,
        closed_at: row.opt_at("closed_at_ms")?,
        looks: row.count("looks")?,
        first_empty_at: row.opt_at("first_empty_at_ms")?,
        gate_key: row.opt_text("gate_key")?,
        gate_nonce: row.opt_text("gate_nonce")?,
    })
}

const OPEN: &str = "INSERT INTO intents (id, case_id, job_id, attempt_id, agent_id, fence, dedup_key, round, step_index, \
     commit_name, payload_sha256, before_id, state, ask, opened_at_ms, fenced_at_ms, gate_key, gate_nonce) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING";
const OF_GATE: &str = "SELECT * FROM intents WHERE gate_nonce = $1";
const GET: &str = "SELECT * FROM intents WHERE id = $1";
const OF_ASK: &str = "SELECT * FROM intents WHERE job_id = $1 AND ask = $2";
const LIVE: &str =
    "SELECT * FROM intents WHERE dedup_key = $1 AND round = $2 AND state IN ('open', 'confirmed')";
const CONFIRM: &str = "UPDATE intents SET state = 'confirmed', after_id = $2, reference_id = $3, closed_at_ms = $4 \
     WHERE id = $1 AND state = 'open'";
const RELEASE: &str = "UPDATE intents SET state = 'void', void_proof = $2, closed_at_ms = $3, certified_at_ms = $4 \
     WHERE id = $1 AND state = 'open'";
const NOTE_LOOK: &str = "UPDATE intents SET looks = looks + 1, first_empty_at_ms = COALESCE(first_empty_at_ms, $2) \
     WHERE id = $1 AND state = 'open' RETURNING *";
const NOTE_CANDIDATES: &str = "UPDATE intents SET candidates = $2 WHERE id = $1";
const PROVEN_ABSENT: &str =
    "SELECT id FROM intents WHERE job_id = $1 AND void_proof = 'proven_absent'";
const NOT_SENT: &str = "SELECT id FROM intents WHERE job_id = $1 AND certified_at_ms IS NOT NULL";

/// Opens an intent; false when another one lives for the same request hash and round.
///
/// # Errors
/// [`Error::Database`].
pub async fn open(tx: &mut Tx, i: &Intent) -> Result<bool, Error> {
    let values = vals![
        i.id,
        i.case,
        i.job,
        i.attempt,
        i.agent,
        i.fence,
        &i.dedup_key,
        i.round,
        i.step,
        &i.commit,
        &i.payload_sha256,
        i.before,
        &i.ask,
        i.opened_at,
        i.fenced_at,
        i.gate_key.as_deref(),
        i.gate_nonce.as_deref()
    ];
    Ok(tx.exec(OPEN, values).await? == 1)
}

/// One intent, inside a transaction that holds its job.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, id: IntentId) -> Result<Intent, Error> {
    let row = tx.opt("intents", GET, vals![id]).await?.ok_or(Error::NotFound("intent"))?;
    read(&row)
}

/// The intent that this ask of this job opened.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_ask(tx: &mut Tx, job: JobId, ask: &str) -> Result<Option<Intent>, Error> {
    tx.opt("intents", OF_ASK, vals![job, ask]).await?.map(|r| read(&r)).transpose()
}

/// The intent whose permit a gate took under this arming.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_gate(tx: &mut Tx, nonce: &str) -> Result<Option<Intent>, Error> {
    tx.opt("intents", OF_GATE, vals![nonce]).await?.map(|r| read(&r)).transpose()
}

/// How often the gate certified for this job that nothing was sent.
///
/// # Errors
/// [`Error::Database`].
pub async fn times_not_sent(tx: &mut Tx, job: JobId) -> Result<usize, Error> {
    Ok(tx.all("intents", NOT_SENT, vals![job]).await?.len())
}

/// The living intent of a request hash and round.
///
/// # Errors
/// [`Error::Database`].
pub async fn live(tx: &mut Tx, dedup_key: &str, round: u32) -> Result<Option<Intent>, Error> {
    tx.opt("intents", LIVE, vals![dedup_key, round]).await?.map(|r| read(&r)).transpose()
}

/// Closes an open intent by proof.
///
/// # Errors
/// [`Error::Conflict`] when it is not open.
pub async fn confirm(
    tx: &mut Tx,
    id: IntentId,
    after: EvidenceId,
    reference: &str,
) -> Result<(), Error> {
    let now = tx.now;
    one(tx.exec(CONFIRM, vals![id, after, reference, now]).await?)
}

/// Closes an open intent as known not to have happened.
///
/// # Errors
/// [`Error::Conflict`] when it is not open.
pub async fn release(tx: &mut Tx, id: IntentId, proof: &VoidProof) -> Result<(), Error> {
    let now = tx.now;
    let certified = matches!(proof, VoidProof::NotSent).then_some(now);
    let word = match proof {
        VoidProof::NotClicked | VoidProof::NotSent => "not_clicked",
        VoidProof::ProvenAbsent => "proven_absent",
        VoidProof::Declared => "declared",
    };
    one(tx.exec(RELEASE, vals![id, word, now, certified]).await?)
}

fn one(touched: u64) -> Result<(), Error> {
    if touched == 1 { Ok(()) } else { Err(Error::Conflict { now: "closed".to_owned() }) }
}

/// Counts a look that found nothing.
///
/// # Errors
/// [`Error::Conflict`] when it is not open.
pub async fn note_empty_look(tx: &mut Tx, id: IntentId) -> Result<Intent, Error> {
    let now = tx.now;
    let row = tx.opt("intents", NOTE_LOOK, vals![id, now]).await?;
    read(&row.ok_or_else(|| Error::Conflict { now: "closed".to_owned() })?)
}

/// Keeps numbers seen after an unproved click: hints for people, never proof.
///
/// # Errors
/// [`Error::Database`].
pub async fn note_candidates(
    tx: &mut Tx,
    id: IntentId,
    candidates: &[String],
) -> Result<(), Error> {
    let text = serde_json::to_string(candidates).unwrap_or_default();
    let sealed = seal_text(&tx.seal, "intents", "candidates", &id.to_string(), &text);
    tx.exec(NOTE_CANDIDATES, vals![id, sealed]).await?;
    Ok(())
}

/// How often absence was proven for this job.
///
/// # Errors
/// [`Error::Database`].
pub async fn times_proven_absent(tx: &mut Tx, job: JobId) -> Result<usize, Error> {
    Ok(tx.all("intents", PROVEN_ABSENT, vals![job]).await?.len())
}

/// The state as the domain's enum, for its transition function; a confirmed one's number is not opened here.
#[must_use]
pub fn is_open(intent: &Intent) -> bool {
    intent.state == IntentState::Open.word()
}

const OPENED: &str = "SELECT intents.id AS id, intents.opened_at_ms AS at_ms FROM intents JOIN jobs ON jobs.id = intents.job_id \
     JOIN attempts ON attempts.id = intents.attempt_id \
     WHERE jobs.payer_id = $1 AND attempts.channel = $2 AND intents.opened_at_ms > $3 ORDER BY intents.opened_at_ms";
const OPEN_ON: &str = "SELECT intents.id AS id FROM intents JOIN jobs ON jobs.id = intents.job_id \
     JOIN attempts ON attempts.id = intents.attempt_id \
     WHERE jobs.payer_id = $1 AND attempts.channel = $2 AND intents.state = 'open'";

/// How many submissions by a channel of a payer may be at the payer and are not settled.
///
/// # Errors
/// [`Error::Database`].
pub async fn open_on(tx: &mut Tx, payer: &str, channel: Channel) -> Result<usize, Error> {
    Ok(tx.all("intents", OPEN_ON, vals![payer, channel.word()]).await?.len())
}

/// When permits for a channel of a payer were given after that instant, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn opened_since(
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    after: Timestamp,
) -> Result<Vec<Timestamp>, Error> {
    let rows = tx.all("intents", OPENED, vals![payer, channel.word(), after]).await?;
    rows.iter().map(|r| r.at("at_ms")).collect()
}

// Reads for pages and API.

const OF_CASE: &str = "SELECT * FROM intents WHERE case_id = $1 ORDER BY id";
const OPEN_COUNT: &str = "SELECT id FROM intents WHERE state = 'open' ORDER BY id";
const CANDIDATES: &str = "SELECT id, candidates FROM intents WHERE id = $1";

/// Intents of a case, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case(store: &Store, case: CaseId) -> Result<Vec<Intent>, Error> {
    let rows = store.db.all("intents", OF_CASE, vals![case]).await?;
    rows.iter().map(read).collect()
}

/// Ids of all open intents.
///
/// # Errors
/// [`Error::Database`].
pub async fn all_open(store: &Store) -> Result<Vec<IntentId>, Error> {
    let rows = store.db.all("intents", OPEN_COUNT, vals![]).await?;
    rows.iter().map(|r| r.parse("id")).collect()
}

/// Candidate numbers kept as hints.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn candidates(store: &Store, id: IntentId) -> Result<Vec<String>, Error> {
    let row = store.db.opt("intents", CANDIDATES, vals![id]).await?;
    let row = row.ok_or(Error::NotFound("intent"))?;
    let Some(sealed) = row.opt_text("candidates")? else { return Ok(Vec::new()) };
    let text = open_text(&store.seal, "intents", "candidates", &id.to_string(), &sealed)?;
    serde_json::from_str(&text).map_err(|_| row.corrupt("candidates"))
}
