//! Evidence given by an agent: durable bytes first, then the row that refers to them.

use domain::{
    evidence::Evidence,
    id::{DocumentId, EvidenceId},
    time::Timestamp,
    wire::{EvidencePut, Fenced, refusal},
};

use super::{Core, Error, Result, change::fenced, change::fenced_record};
use crate::{
    files,
    live::Topic,
    store::{cases, documents, evidence},
};

/// Keeps an item of evidence under a live lease, or late for an attempt that was lost; answers only when it is durable. The same item again is not an error, another one
/// under the same id is.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`, `hash-mismatch`; [`Error::Files`].
pub async fn put_evidence(
    core: &Core,
    id: EvidenceId,
    put: &EvidencePut,
    bytes: bytes::Bytes,
    now: Timestamp,
) -> Result<Evidence> {
    let lease = Fenced { agent: put.agent, job: put.job, lease: put.lease, fence: put.fence };
    // Asked before the bytes are written, so that a stranger cannot fill the disk; and again in the transaction that counts.
    let mut tx = core.store.begin(now).await?;
    fenced_record(&mut tx, &lease, put.attempt, put.late).await?;
    drop(tx);
    let item = Evidence {
        id,
        attempt: put.attempt,
        step: put.step,
        kind: put.kind,
        moment: put.moment,
        sha256: put.sha256.clone(),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        masked: put.masked,
        received_at: now,
    };
    if files::sha256(&bytes) != item.sha256 {
        return Err(Error::refused(
            refusal::HASH_MISMATCH,
            "the bytes do not have the stated sha256; send the item again",
        ));
    }
    core.files.put(bytes).await?;
    let mut tx = core.store.begin(now).await?;
    fenced_record(&mut tx, &lease, put.attempt, put.late).await?;
    if !evidence::insert(&mut tx, &item).await? {
        let known = evidence::find_in(&mut tx, id).await?;
        return match known {
            Some(known) if known.sha256 == item.sha256 && known.attempt == item.attempt => {
                Ok(known)
            }
            _ => Err(Error::invalid("id", "is taken by another item of evidence")),
        };
    }
    tx.changed(Topic::Attempt(put.attempt.to_string()));
    tx.commit().await?;
    Ok(item)
}

/// The bytes of a document for whoever holds a live lease of a case it belongs to.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`; not found when it belongs to another case.
pub async fn document_for_lease(
    core: &Core,
    lease: &Fenced,
    id: DocumentId,
    now: Timestamp,
) -> Result<(domain::request::Document, Vec<u8>)> {
    let mut tx = core.store.begin(now).await?;
    let (job, _) = fenced(&mut tx, lease).await?;
    drop(tx);
    if !cases::has_document(&core.store, job.case, id).await? {
        return Err(crate::store::Error::NotFound("document").into());
    }
    let document = documents::get(&core.store, id).await?;
    let bytes = core.files.get(&document.sha256).await?;
    Ok((document, bytes))
}

/// The bytes of an item of evidence. Showing them to a person is an act: callers note it with [`super::people::saw`].
///
/// # Errors
/// Not found; [`Error::Files`] when they are gone or changed.
pub async fn evidence_bytes(core: &Core, id: EvidenceId) -> Result<(Evidence, Vec<u8>)> {
    let item = evidence::get(&core.store, id).await?;
    let bytes = core.files.get(&item.sha256).await?;
    Ok((item, bytes))
}
