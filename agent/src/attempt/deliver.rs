//! What goes to the coordinator from the agent's disk: the pieces of an attempt in their order, then its report; now, or when the
//! coordinator is back, or in a later life of this agent.

use std::time::Duration;

use domain::{
    id::{AgentId, AttemptId},
    wire::{NotSent, Report, SpoolKey, SpoolKeyAsk, refusal},
};

use crate::{
    coordinator::{Coordinator, Refusal},
    spool::{Locked, Piece, Spool},
};

/// How long a report is tried to be sent at the end of its attempt.
const AT_THE_END: Duration = Duration::from_secs(30);
/// How long what was kept is tried to be sent each time the coordinator is there.
const AGAIN: Duration = Duration::from_secs(2);

/// Why pieces of an attempt are still on the disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undelivered {
    /// The coordinator cannot be reached.
    #[error("the coordinator cannot be reached: {0}")]
    Away(String),
    /// The coordinator does not take one of them now.
    #[error("the coordinator cannot take it now: {0}")]
    Failing(String),
    /// They cannot be opened.
    #[error(transparent)]
    Locked(#[from] Locked),
}

/// Sends one piece.
pub(super) async fn send_piece(
    coordinator: &Coordinator,
    piece: &Piece,
    patience: Duration,
) -> Result<(), Refusal> {
    match piece {
        Piece::Steps(report) => coordinator.steps(report, patience).await,
        Piece::Evidence { id, put, bytes } => {
            coordinator.evidence(*id, put, bytes.clone(), patience).await
        }
    }
}

/// Takes what waits of an attempt to the coordinator, in its order.
pub(super) async fn deliver(
    coordinator: &Coordinator,
    spool: &Spool,
    attempt: AttemptId,
    patience: Duration,
) -> Result<(), Undelivered> {
    // One at a time: whoever comes second finds nothing left, or what was added meanwhile.
    let _turn = spool.turn().await;
    let mut taken = 0_u32;
    loop {
        let numbers = spool.pieces(attempt);
        if numbers.is_empty() {
            if taken > 0 {
                tracing::info!(%attempt, taken, "steps and evidence that were kept are delivered");
            }
            return Ok(());
        }
        for number in numbers {
            let Some(piece) = spool.piece(attempt, number)? else { continue };
            match send_piece(coordinator, &piece, patience).await {
                Ok(()) => taken += 1,
                // The attempt is closed, or the piece is not accepted. Repeating changes nothing.
                Err(refusal) if refusal.is_judgement() => {
                    tracing::warn!(%attempt, error = %refusal, "a piece that was kept was refused");
                }
                Err(Refusal::Away(why)) => return Err(Undelivered::Away(why)),
                Err(refusal) => return Err(Undelivered::Failing(refusal.to_string())),
            }
            spool.forget_piece(attempt, number);
        }
    }
}

/// Reports the end of an attempt: kept on disk first, forgotten when the coordinator has it. Its steps and evidence go before it.
pub async fn report(coordinator: &Coordinator, spool: &Spool, report: &Report) {
    if let Err(error) = spool.keep_report(report) {
        tracing::error!(%error, attempt = %report.attempt, "the report could not be kept on disk");
    }
    match deliver(coordinator, spool, report.attempt, AT_THE_END).await {
        Ok(()) => {}
        Err(Undelivered::Away(why) | Undelivered::Failing(why)) => {
            tracing::warn!(attempt = %report.attempt, why, "the report is kept for later, with its evidence");
            return;
        }
        // The coordinator judges it by the evidence it has.
        Err(Undelivered::Locked(why)) => {
            tracing::error!(attempt = %report.attempt, %why, "some steps or evidence are lost");
        }
    }
    send(coordinator, spool, report, AT_THE_END).await;
}

/// Sends what an earlier try, or an earlier life of this agent, could not deliver: pieces first, then reports.
pub async fn resend(coordinator: &Coordinator, spool: &Spool) {
    ask_keys(coordinator, spool).await;
    for attempt in spool.attempts_waiting() {
        match deliver(coordinator, spool, attempt, AGAIN).await {
            Ok(()) => {}
            Err(Undelivered::Away(_)) => return,
            // What is not taken of one attempt stands in no other's way.
            Err(why) => tracing::warn!(%attempt, %why, "pieces stay here"),
        }
    }
    for report in spool.reports() {
        // What was added meanwhile goes before it, too.
        match deliver(coordinator, spool, report.attempt, AGAIN).await {
            Err(Undelivered::Away(_)) => return,
            Err(Undelivered::Failing(_)) => continue,
            Ok(()) | Err(Undelivered::Locked(_)) => {}
        }
        send(coordinator, spool, &report, AGAIN).await;
    }
}

/// Sends the pieces of an attempt that gives its lease back: afterwards they would not be taken.
pub async fn flush(coordinator: &Coordinator, spool: &Spool, attempt: AttemptId) {
    if let Err(why) = deliver(coordinator, spool, attempt, AGAIN).await {
        tracing::info!(%attempt, %why, "steps and evidence are kept for later");
    }
}

/// Tells the coordinator what submit gates have certified: nothing was sent. Told until it is judged.
pub async fn tell_not_sent(coordinator: &Coordinator, spool: &Spool, agent: AgentId) {
    for certificate in spool.certificates() {
        let told = coordinator.not_sent(&NotSent { agent, certificate: certificate.clone() }).await;
        match told {
            Ok(()) => tracing::info!("nothing was sent; the coordinator knows it"),
            // It was judged, and does not hold.
            Err(Refusal::Refused { code, detail }) if code == refusal::NOT_ALLOWED => {
                tracing::warn!(detail, "a certificate of the submit gate was refused");
            }
            // Too early, nobody there, or nobody who knows this agent at the moment: it is told again.
            Err(error) => {
                tracing::debug!(%error, "a certificate of the submit gate is told again");
                continue;
            }
        }
        spool.forget_certificate(&certificate);
    }
}

/// Asks for the keys of what an earlier life of this agent left.
async fn ask_keys(coordinator: &Coordinator, spool: &Spool) {
    for lease in spool.leases_without_key() {
        match coordinator.spool_key(&SpoolKeyAsk { lease }).await {
            Ok(SpoolKey { key }) => spool.learn(lease, &key),
            Err(error) if !error.is_judgement() => {
                tracing::warn!(%lease, %error, "the key of what was kept is asked for again");
                return;
            }
            Err(error) => {
                tracing::warn!(%lease, %error, "the key of what was kept is not given");
                spool.bar(lease);
            }
        }
    }
}

async fn send(coordinator: &Coordinator, spool: &Spool, report: &Report, patience: Duration) {
    match coordinator.report(report, patience).await {
        Ok(()) => spool.forget_report(report.attempt),
        Err(error) if !error.is_judgement() => {
            tracing::warn!(attempt = %report.attempt, %error, "the report is kept for later");
        }
        Err(refusal) => {
            // The lease is over, or the report is not accepted. Repeating changes nothing.
            tracing::warn!(attempt = %report.attempt, error = %refusal, "the report was refused");
            spool.forget_report(report.attempt);
        }
    }
}
