//! From a lease to what the portal channel works on: the pinned script, checked by its hash, and the errand.

use std::{path::Path, sync::Arc};

use domain::{
    script::Bundle,
    wire::{End, Leased},
};

use super::{Shared, lost};
use crate::channel::{Errand, ReadingRules};

/// What the portal channel is given of a lease.
pub(super) fn errand(leased: &Leased, bundle: Arc<Bundle>, folder: &Path) -> Errand {
    Errand {
        bundle,
        inputs: leased.inputs.clone(),
        purpose: leased.purpose,
        login_origins: leased.login_origins.clone(),
        intent_opened_at: leased.intent_opened_at,
        begun_before: leased.attempt_number > 1,
        may_commit: true,
        reading: ReadingRules {
            allowed: leased.fetch_allowed,
            last: leased.last.clone(),
            draw: draw(leased),
        },
        prints: leased.prints.clone(),
        remembers: true,
        folder: folder.to_owned(),
    }
}

/// The chance of an attempt: its id ends in random letters.
fn draw(leased: &Leased) -> u32 {
    let id = leased.attempt.to_string();
    id.bytes()
        .rev()
        .take(6)
        .fold(0_u32, |sum, byte| sum.wrapping_mul(36).wrapping_add(u32::from(byte)))
}

/// The pinned script: from memory, or fetched and its hash checked.
pub(super) async fn bundle(shared: &Shared, leased: &Leased) -> Result<Arc<Bundle>, End> {
    let mut scripts = shared.scripts.lock().await;
    if let Some(bundle) = scripts.get(&leased.script_sha256) {
        return Ok(Arc::clone(bundle));
    }
    let files = shared.coordinator.script(&leased.script_sha256).await;
    let files = files.map_err(|refusal| lost("script_missing", &refusal.to_string()))?;
    let bundle = Bundle::load(&files.files, &files.script)
        .map_err(|_| lost("script_unreadable", "the pinned script does not decode"))?;
    if bundle.hash() != leased.script_sha256 {
        return Err(lost("script_changed", "the script is not the one the job is pinned to"));
    }
    let bundle = Arc::new(bundle);
    scripts.insert(leased.script_sha256.clone(), Arc::clone(&bundle));
    Ok(bundle)
}
