//! A row is how one element of one script bundle looked when an attempt last succeeded, with the picture around it. Sealed: the
//! words next to an element may name others than the patient of the attempt.

use std::collections::BTreeMap;

use domain::{
    drift::{Fingerprint, Prints, Remembered},
    id::{AttemptId, EvidenceId},
};

use super::{Error, Tx, db, open_json, seal_json};
use crate::vals;

const PRINT: (&str, &str) = ("fingerprints", "print");

// A picture that was taken earlier stays until there is a newer one.
const PUT: &str = "INSERT INTO fingerprints (payer_id, script_sha256, element, print, evidence_id, attempt_id, seen_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (payer_id, script_sha256, element) DO UPDATE SET print = excluded.print, \
     evidence_id = COALESCE(excluded.evidence_id, fingerprints.evidence_id), attempt_id = excluded.attempt_id, \
     seen_at_ms = excluded.seen_at_ms";
// What a person said is another element is not taken for the lost one again.
const OF_SCRIPT: &str = "SELECT element AS id, print FROM fingerprints WHERE payer_id = $1 AND script_sha256 = $2 \
     AND NOT EXISTS (SELECT 1 FROM drift WHERE drift.payer_id = fingerprints.payer_id \
     AND drift.script_sha256 = fingerprints.script_sha256 AND drift.element = fingerprints.element \
     AND drift.kind IN ('healed', 'suggested') AND drift.state = 'dismissed') ORDER BY element";
const PICTURES: &str = "SELECT element AS id, evidence_id FROM fingerprints \
     WHERE payer_id = $1 AND script_sha256 = $2 AND evidence_id IS NOT NULL";

/// Which elements: of a payer's bundle.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// Payer id.
    pub payer: &'a str,
    /// Hash of the bundle.
    pub script_sha256: &'a str,
}

impl Of<'_> {
    /// The place a fingerprint is sealed for: it opens in no other row.
    fn place(&self, element: &str) -> String {
        format!("{}.{}.{element}", self.payer, self.script_sha256)
    }
}

/// Remembers how an element looks.
///
/// # Errors
/// [`Error::Database`].
pub async fn put(
    tx: &mut Tx,
    of: Of<'_>,
    element: &str,
    remembered: &Remembered,
    attempt: AttemptId,
) -> Result<(), Error> {
    let now = tx.now;
    let print = seal_json(&tx.seal, PRINT, &of.place(element), &remembered.print)?;
    let values =
        vals![of.payer, of.script_sha256, element, print, remembered.picture, attempt, now];
    tx.exec(PUT, values).await?;
    Ok(())
}

/// What is remembered of a bundle's elements, without those that may not be healed.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_script_in(tx: &mut Tx, of: Of<'_>) -> Result<Prints, Error> {
    let rows = tx.all("fingerprints", OF_SCRIPT, vals![of.payer, of.script_sha256]).await?;
    let open = |row: &db::Row| {
        let element = row.text("id")?;
        let print: Fingerprint =
            open_json(&tx.seal, PRINT, &of.place(&element), &row.text("print")?)?;
        Ok((element, print))
    };
    rows.iter().map(open).collect()
}

/// The pictures around a bundle's elements.
///
/// # Errors
/// [`Error::Database`].
pub async fn pictures_in(tx: &mut Tx, of: Of<'_>) -> Result<BTreeMap<String, EvidenceId>, Error> {
    let rows = tx.all("fingerprints", PICTURES, vals![of.payer, of.script_sha256]).await?;
    rows.iter().map(|r| Ok((r.text("id")?, r.parse("evidence_id")?))).collect()
}
