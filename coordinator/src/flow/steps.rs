//! Steps reported by an agent.

use domain::{time::Timestamp, wire::StepsReport};

use super::{Core, Result, change::fenced_record};
use crate::{live::Topic, store::steps};

/// Stores steps begun or ended under a live lease, or late for an attempt that was lost. The same step again is not an error and changes nothing once it has ended.
///
/// # Errors
/// [`super::Error::Refused`] `lease-ended`.
pub async fn report_steps(core: &Core, report: &StepsReport, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    fenced_record(&mut tx, &report.fenced, report.attempt, report.late).await?;
    let mut any = false;
    for step in &report.steps {
        any |= steps::put(&mut tx, report.attempt, step).await?;
    }
    if any {
        tx.changed(Topic::Attempt(report.attempt.to_string()));
    }
    tx.commit().await?;
    Ok(())
}
