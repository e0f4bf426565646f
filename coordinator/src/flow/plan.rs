//! The planner: a submitted prior authorization without a final answer gets its next status check when the payer's cadence says so.

use domain::{job::Task, time::Timestamp};

use super::{Actor, Core, Error, Result, intake::further_job};
use crate::store::cases;

/// Makes the status checks that are due; how many.
///
/// # Errors
/// [`Error::Store`].
pub async fn plan(core: &Core, now: Timestamp) -> Result<usize> {
    let mut planned = 0;
    for (case, payer, ended_at) in cases::waiting_for_answer(&core.store).await? {
        if now.since_ms(ended_at) < payer.status_every_ms {
            continue;
        }
        let mut tx = core.store.begin(now).await?;
        // Looked at again under the case's lock: another coordinator or a person may have been first, or there is no number yet.
        match further_job(&mut tx, core, &Actor::Duty("plan"), (case, Task::AuthStatus, None)).await
        {
            Ok(_) => {
                tx.commit().await?;
                planned += 1;
            }
            Err(Error::Refused { because, .. } | Error::Invalid { reason: because, .. }) => {
                tracing::debug!(case.id = %case, because, "no status check can be planned now");
            }
            Err(other) => return Err(other),
        }
    }
    Ok(planned)
}
