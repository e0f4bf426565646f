//! A row is a request as it came in a standard format, sealed: what an answer in that format has to repeat. Written by intake, never
//! changed.

use domain::id::CaseId;

use super::{Error, Store, Tx, open_text, seal_text};
use crate::vals;

/// A request in the words of a standard.
#[derive(Clone)]
pub struct Spoken {
    /// `pas` or `x12`.
    pub standard: &'static str,
    /// Who asks: National Provider Identifier.
    pub organization: String,
    /// The request as it came, without documents. Patient data.
    pub text: String,
}

impl std::fmt::Debug for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spoken({})", self.standard)
    }
}

const INSERT: &str = "INSERT INTO exchanges (case_id, standard, request, created_at_ms, organization) VALUES ($1, $2, $3, $4, $5)";
const OF_CASE: &str =
    "SELECT case_id AS id, request FROM exchanges WHERE case_id = $1 AND standard = $2";

/// Keeps a request with its case.
///
/// # Errors
/// [`Error::Unique`] when the case has one.
pub async fn insert(tx: &mut Tx, case: CaseId, spoken: &Spoken) -> Result<(), Error> {
    let (now, id) = (tx.now, case.to_string());
    let sealed = seal_text(&tx.seal, "exchanges", "request", &id, &spoken.text);
    tx.exec(INSERT, vals![&id, spoken.standard, sealed, now, &spoken.organization]).await?;
    Ok(())
}

/// The request of a case as it came in this standard, if it did.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case(store: &Store, case: CaseId, standard: &str) -> Result<Option<String>, Error> {
    let row = store.db.opt("exchanges", OF_CASE, vals![case, standard]).await?;
    row.map(|r| open_text(&store.seal, "exchanges", "request", &r.text("id")?, &r.text("request")?))
        .transpose()
}
