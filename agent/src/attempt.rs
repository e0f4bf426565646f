//! One lease: its clock, its doors to the coordinator, and the report at its end.

mod deliver;

pub use deliver::{flush, report, resend, tell_not_sent};

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    id::{AttemptId, IntentId},
    outcome::{Failure, FailureKind},
    script::value::FileRef,
    step::Step,
    wire::{
        End, EvidencePut, Fenced, LoginAsk, NotClicked, Order, PermitAsk, PermitReply, SecretAsk,
        StepsReport, refusal,
    },
};
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::{
    browser::PassSaid,
    channel::{Denied, Doors, Item, Permit, Secret, Standing, Wish},
    clock::{self, Allowed},
    coordinator::{Coordinator, Refusal},
    spool::{Latch, Piece, Spool},
};
use deliver::{deliver, send_piece};

/// What is taken off a lease for replies on their way, at most.
const MARGIN_MS: i64 = 5_000;
/// Longest wait for a code; the coordinator ends it sooner.
const CODE_MAX: Duration = Duration::from_secs(700);
/// How long steps and evidence are tried to be sent before they are kept on the agent's disk.
const TRY_FOR: Duration = Duration::from_secs(3);
/// Longest document that is taken.
const DOCUMENT_MAX: usize = 25 << 20;

/// The clock of one lease, shared by its attempt and the heartbeat. Counts on the boot clock from the moment a call was
/// sent: it can only end earlier than the coordinator's own.
#[derive(Debug)]
pub struct LeaseClock {
    until: AtomicI64,
    length_ms: AtomicI64,
    /// 0 continue, 1 hold before commit, 2 stop.
    order: AtomicU32,
    latched: AtomicBool,
    refused: AtomicBool,
}

impl LeaseClock {
    /// A lease asked for at `asked_at` (boot clock) and given for `ttl_ms`.
    #[must_use]
    pub fn new(asked_at: i64, ttl_ms: i64) -> Self {
        let clock = Self {
            until: AtomicI64::new(0),
            length_ms: AtomicI64::new(0),
            order: AtomicU32::new(0),
            latched: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        };
        clock.extend(asked_at, ttl_ms);
        clock
    }

    /// The lease was extended by a call sent at `asked_at`.
    pub fn extend(&self, asked_at: i64, ttl_ms: i64) {
        let until = Allowed::granted(asked_at, ttl_ms, margin_of(ttl_ms)).raw();
        self.until.fetch_max(until, Ordering::Relaxed);
        self.length_ms.store(ttl_ms, Ordering::Relaxed);
    }

    /// The coordinator's order. `Stop` is final.
    pub fn order(&self, order: Order) {
        let number = match order {
            Order::Continue => 0,
            Order::HoldBeforeCommit => 1,
            Order::Stop => 2,
        };
        if self.order.load(Ordering::Relaxed) < 2 {
            self.order.store(number, Ordering::Relaxed);
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let length = self.length_ms.load(Ordering::Relaxed).max(0).unsigned_abs();
        Standing {
            left: Allowed::from_raw(self.until.load(Ordering::Relaxed)).left(),
            length: Duration::from_millis(length),
            order: match self.order.load(Ordering::Relaxed) {
                0 => Order::Continue,
                1 => Order::HoldBeforeCommit,
                _ => Order::Stop,
            },
        }
    }

    /// Whether nothing more may be done under it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let standing = self.standing();
        standing.order == Order::Stop || standing.left.is_zero()
    }

    /// Whether the lease is still ours, although we may have been told to stop: then the portal may be left politely.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !self.refused.load(Ordering::Relaxed) && !self.standing().left.is_zero()
    }

    /// Whether the one click of this attempt may have happened.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.latched.load(Ordering::SeqCst)
    }
}

fn margin_of(ttl_ms: i64) -> i64 {
    MARGIN_MS.min(ttl_ms / 10)
}

/// The doors of an attempt of the fleet.
pub struct FleetDoors {
    /// The coordinator.
    pub coordinator: Coordinator,
    /// The lease.
    pub fenced: Fenced,
    /// The attempt.
    pub attempt: AttemptId,
    /// Latches, reports, and what the coordinator could not take.
    pub spool: Spool,
    /// How many pieces of this attempt were kept there so far; also the number of the next one.
    pub kept: AtomicU64,
    /// The lease's clock.
    pub clock: Arc<LeaseClock>,
    /// The coordinator's public key for permits, if it signs them.
    pub permit_key: Option<String>,
    /// Where documents are put.
    pub folder: PathBuf,
}

impl FleetDoors {
    fn refused(&self, refusal: Refusal) -> Denied {
        match refusal {
            Refusal::LeaseEnded => {
                self.clock.refused.store(true, Ordering::Relaxed);
                self.clock.order(Order::Stop);
                Denied::LeaseEnded
            }
            Refusal::Refused { code, detail } => Denied::No { code, because: detail },
            Refusal::Away(why) | Refusal::Failing(why) | Refusal::Unreadable(why) => {
                Denied::Away(why)
            }
        }
    }

    async fn keep_now(&self, item: Item) -> Result<(), Denied> {
        let put = EvidencePut {
            job: self.fenced.job,
            lease: self.fenced.lease,
            fence: self.fenced.fence,
            agent: self.fenced.agent,
            attempt: self.attempt,
            step: item.step,
            kind: item.kind,
            moment: item.moment,
            sha256: hex(&Sha256::digest(&item.bytes)),
            masked: item.masked,
            late: false,
        };
        self.record(Piece::Evidence { id: item.id, put, bytes: item.bytes }).await
    }

    /// Makes a piece of the record durable: at the coordinator, or sealed on this disk while it is away. What waits there already goes
    /// first, so that the order is kept.
    async fn record(&self, piece: Piece) -> Result<(), Denied> {
        if !self.waits() {
            match send_piece(&self.coordinator, &piece, TRY_FOR).await {
                Ok(()) => return Ok(()),
                Err(Refusal::Away(why) | Refusal::Failing(why)) => {
                    tracing::warn!(attempt = %self.attempt, why, "steps and evidence are kept for later");
                }
                // What the click led to may come when the lease is over: it is added to the record, and the attempt stops.
                Err(refusal @ Refusal::LeaseEnded) if self.clock.is_latched() => {
                    let late = send_piece(&self.coordinator, &piece.late(), TRY_FOR).await;
                    if let Err(error) = late {
                        tracing::warn!(attempt = %self.attempt, %error, "what came after the lease is not kept");
                    }
                    return Err(self.refused(refusal));
                }
                Err(refusal) => return Err(self.refused(refusal)),
            }
        }
        let (spool, attempt) = (self.spool.clone(), self.attempt);
        let number = self.kept.fetch_add(1, Ordering::SeqCst);
        let clicked = self.clock.is_latched();
        let kept = tokio::task::spawn_blocking(move || {
            spool.keep_piece(attempt, number, &piece.late(), clicked)
        });
        match kept.await {
            Ok(kept) => kept.map_err(|error| Denied::Away(error.to_string())),
            Err(_) => Err(Denied::Away("the agent's spool was interrupted".to_owned())),
        }
    }

    /// Whether something of this attempt waits on the disk.
    fn waits(&self) -> bool {
        self.kept.load(Ordering::SeqCst) > 0 && !self.spool.pieces(self.attempt).is_empty()
    }

    async fn permit_now(&self, wish: Wish) -> Result<Permit, Denied> {
        let ask = PermitAsk {
            fenced: self.fenced,
            attempt: self.attempt,
            step: wish.step,
            commit: wish.commit,
            payload_sha256: wish.payload_sha256,
            before: wish.before,
            ask: format!("{:032x}", rand::random::<u128>()),
            gate: wish.gate,
        };
        let spool = self.spool.clone();
        let room = tokio::task::spawn_blocking(move || spool.has_room()).await;
        if let Err(why) =
            room.unwrap_or_else(|_| Err("the agent's spool was not looked at".to_owned()))
        {
            return Ok(Permit::No(why));
        }
        if self.waits() {
            // The evidence before must be with the coordinator, not with us.
            let taken = deliver(&self.coordinator, &self.spool, self.attempt, TRY_FOR).await;
            taken.map_err(|why| Denied::Away(why.to_string()))?;
        }
        // The permit lives from the moment the question was first sent.
        let asked = clock::boot_ms();
        let reply = self.coordinator.permit(&ask).await;
        Ok(match reply.map_err(|refusal| self.refused(refusal))? {
            PermitReply::Go { intent, ttl_ms, gate } => Permit::Go {
                intent,
                until: Allowed::granted(asked, ttl_ms, margin_of(ttl_ms)),
                pass: gate.map(PassSaid::Signed),
            },
            PermitReply::Already { because, similar: false } => Permit::Already(because),
            PermitReply::Already { because, similar: true } => Permit::Similar(because),
            PermitReply::No { because } => Permit::No(because),
        })
    }

    async fn fetch(&self, file: &FileRef) -> Result<PathBuf, Denied> {
        let refuse =
            |because: &str| Denied::No { code: "document".to_owned(), because: because.to_owned() };
        let bytes = self.coordinator.document(&file.reference, &self.fenced).await;
        let bytes = bytes.map_err(|refusal| self.refused(refusal))?;
        if bytes.is_empty() || bytes.len() > DOCUMENT_MAX {
            return Err(refuse("the document is empty or too large"));
        }
        if file.sha256.as_ref().is_some_and(|wanted| *wanted != hex(&Sha256::digest(&bytes))) {
            return Err(refuse("the document is not the one the request names"));
        }
        let kind = file.kind.as_deref().unwrap_or("bin");
        let safe = kind.len() <= 5 && kind.chars().all(|c| c.is_ascii_alphanumeric());
        let ending = if safe { kind } else { "bin" };
        // Our own id as the name: a customer's file name may name the patient.
        let name = file.reference.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_');
        let path = self.folder.join(format!("{}.{ending}", name.collect::<String>()));
        tokio::fs::write(&path, &bytes).await.map_err(|error| Denied::Away(error.to_string()))?;
        Ok(path)
    }
}

impl Doors for FleetDoors {
    fn steps(&self, steps: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async move {
            let (fenced, attempt) = (self.fenced, self.attempt);
            self.record(Piece::Steps(StepsReport { fenced, attempt, steps, late: false })).await
        })
    }

    fn keep(&self, item: Item) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(self.keep_now(item))
    }

    fn secret<'a>(
        &'a self,
        alias: &'a str,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Denied>> {
        Box::pin(async move {
            let ask = SecretAsk {
                fenced: self.fenced,
                alias: alias.to_owned(),
                origin: origin.to_owned(),
            };
            let began = Instant::now();
            let reply = loop {
                let refusal = match self.coordinator.secret(&ask).await {
                    Ok(reply) => break reply,
                    Err(refusal) => refusal,
                };
                // A code that is on its way: the coordinator says when the time is over, and the lease may end before.
                let on_its_way =
                    matches!(&refusal, Refusal::Refused { code, .. } if code == refusal::NOT_YET);
                if !on_its_way || self.clock.is_over() || began.elapsed() > CODE_MAX {
                    return Err(self.refused(refusal));
                }
            };
            let valid = reply.valid_ms.map(|ms| Duration::from_millis(ms.max(0).unsigned_abs()));
            Ok(Secret::new(reply.value, valid))
        })
    }

    fn login(&self) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async move {
            let counted = self.coordinator.login(&LoginAsk { fenced: self.fenced }).await;
            counted.map_err(|refusal| self.refused(refusal))
        })
    }

    fn signed_in(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(refusal) =
                self.coordinator.signed_in(&LoginAsk { fenced: self.fenced }).await
            {
                tracing::info!(error = %refusal, "the login counts as unclear until the report");
            }
        })
    }

    fn permit(&self, wish: Wish) -> BoxFuture<'_, Result<Permit, Denied>> {
        Box::pin(self.permit_now(wish))
    }

    fn permit_key(&self) -> Option<String> {
        self.permit_key.clone()
    }

    fn latch(&self, intent: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async move {
            let latch = Latch { intent, lease: self.fenced.lease, attempt: self.attempt };
            let spool = self.spool.clone();
            self.clock.latched.store(true, Ordering::SeqCst);
            let set = tokio::task::spawn_blocking(move || spool.latch(&latch)).await;
            match set {
                Ok(Ok(())) => Ok(()),
                // Half a latch counts as set: the attempt ends in doubt rather than in a lie.
                Ok(Err(error)) => Err(Denied::Away(error.to_string())),
                Err(_) => Err(Denied::Away("the latch was interrupted".to_owned())),
            }
        })
    }

    fn not_clicked(&self, intent: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async move {
            if self.spool.is_latched(intent) {
                return Err(Denied::Away("the latch is set".to_owned()));
            }
            self.clock.latched.store(false, Ordering::SeqCst);
            let said = NotClicked { fenced: self.fenced, intent };
            let released = self.coordinator.not_clicked(&said).await;
            released.map_err(|refusal| self.refused(refusal))
        })
    }

    fn document<'a>(&'a self, file: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>> {
        Box::pin(self.fetch(file))
    }

    fn standing(&self) -> Standing {
        self.clock.standing()
    }
}

/// How an attempt ends whose own code failed: lost, or in doubt once the click may have happened.
#[must_use]
pub fn broken_end(latched: bool, name: &str, detail: &str) -> End {
    let kind = if latched { FailureKind::Unsure } else { FailureKind::Lost };
    End::Failure { failure: Failure::new(kind, name, detail), candidates: Vec::new() }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_final_and_an_extension_never_shortens() {
        let now = clock::boot_ms();
        let lease = LeaseClock::new(now, 60_000);
        assert!(!lease.is_over() && lease.standing().left > Duration::from_secs(50));
        lease.extend(now - 100_000, 60_000);
        assert!(lease.standing().left > Duration::from_secs(50), "a late reply changes nothing");
        lease.order(Order::HoldBeforeCommit);
        assert_eq!(lease.standing().order, Order::HoldBeforeCommit);
        lease.order(Order::Stop);
        lease.order(Order::Continue);
        assert!(lease.is_over());
    }

    #[test]
    fn short_leases_keep_a_short_margin() {
        let lease = LeaseClock::new(clock::boot_ms(), 6_000);
        let standing = lease.standing();
        assert!(standing.left > Duration::from_millis(3_000), "not the margin of a long one");
        assert!(standing.has(Duration::from_secs(15)), "a quarter of a short lease is enough");
    }
}
