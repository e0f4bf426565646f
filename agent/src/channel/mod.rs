//! Channels: ways of doing a task at a payer: the portal, and those without a page ([`talk::Way`]). A channel knows nothing of HTTP
//! to the coordinator: everything it needs from outside goes through [`Doors`].

mod inquiry;
pub mod pas;
pub mod portal;
pub mod rest;
#[cfg(feature = "faults")]
pub mod standin;
pub mod talk;
pub mod x12;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    channel::Channel,
    evidence::{EvidenceKind, Moment},
    gate::Arming,
    id::{EvidenceId, IntentId},
    lease::Purpose,
    script::{Bundle, value::FileRef},
    step::Step,
    time::Timestamp,
    wire::Order,
};
use futures_util::future::BoxFuture;

use crate::{browser::PassSaid, clock::Allowed};

/// Channels this program works; it is leased jobs for no others.
pub const WORKED: [Channel; 5] =
    [Channel::Portal, Channel::FhirPas, Channel::X12Core, Channel::X12Sftp, Channel::Rest];

/// What works a channel beside the portal; none for what this program does not work.
#[must_use]
pub(crate) fn way(channel: Channel) -> Option<&'static dyn talk::Way> {
    match channel {
        Channel::FhirPas => Some(&pas::Pas),
        Channel::Rest => Some(&rest::Rest),
        Channel::X12Core => Some(&x12::Core),
        Channel::X12Sftp => Some(&x12::Sftp),
        Channel::Portal | Channel::X12As2 => None,
    }
}

/// A secret on its way to one field. Overwritten when dropped; has no `Debug` and is never written anywhere.
pub struct Secret {
    value: zeroize::Zeroizing<String>,
    /// For a one-time code: how long it is still good.
    pub valid_for: Option<Duration>,
}

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: String, valid_for: Option<Duration>) -> Self {
        Self { value: zeroize::Zeroizing::new(value), valid_for }
    }

    /// The value; for the one door (`secret.rs`) only.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

/// Why a door stayed shut. Texts never carry values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The lease is over: stop at once.
    #[error("the lease has ended")]
    LeaseEnded,
    /// Refused, with the code and a sentence.
    #[error("{code}: {because}")]
    No {
        /// Code of the refusal.
        code: String,
        /// Why.
        because: String,
    },
    /// Whoever keeps the door cannot be reached.
    #[error("cannot be reached: {0}")]
    Away(String),
}

/// A piece of evidence, masked, ready to be kept.
#[derive(Clone)]
pub struct Item {
    /// Its id, made here.
    pub id: EvidenceId,
    /// Step it belongs to.
    pub step: u32,
    /// What it is.
    pub kind: EvidenceKind,
    /// When in the step.
    pub moment: Moment,
    /// Whether masking was applied.
    pub masked: bool,
    /// The bytes.
    pub bytes: Bytes,
}

/// What is said when a permit is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Step index of the commit.
    pub step: u32,
    /// The script's name of the commit.
    pub commit: String,
    /// SHA-256 over what the form holds, hexadecimal.
    pub payload_sha256: String,
    /// Full-page picture before.
    pub before: EvidenceId,
    /// The script's own key, for the local journal of a trial.
    pub once_per: String,
    /// The gate that waits for the permit, where it is a process of its own.
    pub gate: Option<Arming>,
}

/// The answer to a [`Wish`].
#[derive(Debug, Clone)]
pub enum Permit {
    /// Click once, while allowed.
    Go {
        /// The open intent.
        intent: IntentId,
        /// Until when.
        until: Allowed,
        /// The permit for the gate, where somebody signs.
        pass: Option<PassSaid>,
    },
    /// Already submitted or under way.
    Already(String),
    /// Nearly the same request is submitted or under way: a person says whether this one is meant too.
    Similar(String),
    /// Not now.
    No(String),
}

/// How the lease stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// What is left of it.
    pub left: Duration,
    /// Its whole length; what must be left for an act is measured by it.
    pub length: Duration,
    /// The last order.
    pub order: Order,
}

impl Standing {
    /// Whether enough is left for an act that takes `usual`, or a quarter of the lease where leases are short.
    #[must_use]
    pub fn has(&self, usual: Duration) -> bool {
        self.left >= usual.min(self.length / 4) && !self.left.is_zero()
    }
}

/// What a channel may ask of whoever started it: the fleet, or a trial at a desk.
pub trait Doors: Send + Sync {
    /// Tells steps begun or ended; done only when they are durable: where they belong, or sealed on this disk for later.
    fn steps(&self, steps: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>>;
    /// Keeps evidence; done only when it is durable, as with steps. A permit is given only when it is where it belongs.
    fn keep(&self, item: Item) -> BoxFuture<'_, Result<(), Denied>>;
    /// Gives one secret for one page origin.
    fn secret<'a>(
        &'a self,
        alias: &'a str,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Denied>>;
    /// Counts a login, before the act.
    fn login(&self) -> BoxFuture<'_, Result<(), Denied>>;
    /// Says that the portal took the login: it no longer counts as one that may lock the account.
    fn signed_in(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Asks for the permit of a commit.
    fn permit(&self, wish: Wish) -> BoxFuture<'_, Result<Permit, Denied>>;
    /// Whose signature the gate asks of a permit (public key, hexadecimal); none: nobody's.
    fn permit_key(&self) -> Option<String> {
        None
    }
    /// Makes the latch durable; only after this the click.
    fn latch(&self, intent: IntentId) -> BoxFuture<'_, Result<(), Denied>>;
    /// The permit was not used and the latch is unset.
    fn not_clicked(&self, intent: IntentId) -> BoxFuture<'_, Result<(), Denied>>;
    /// The bytes of an input file, as a local file with a fitting name.
    fn document<'a>(&'a self, file: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>>;
    /// How the lease stands now.
    fn standing(&self) -> Standing;
}

/// One task to be done.
pub struct Errand {
    /// The pinned script with its fragments.
    pub bundle: Arc<Bundle>,
    /// The inputs. Patient data.
    pub inputs: serde_json::Value,
    /// Work or reconcile.
    pub purpose: Purpose,
    /// Origins where secrets may be typed, by the payer's profile.
    pub login_origins: Vec<String>,
    /// For a reconcile: when the intent was opened.
    pub intent_opened_at: Option<Timestamp>,
    /// Whether an attempt before this one may have left something unfinished at the portal.
    pub begun_before: bool,
    /// Whether a commit may happen; a trial without it stops before.
    pub may_commit: bool,
    /// What is known for reading without rendering.
    pub reading: ReadingRules,
    /// What elements looked like when the script last worked; empty: nothing can be healed.
    pub prints: portal::heal::Prints,
    /// Whether what elements look like now is to be remembered.
    pub remembers: bool,
    /// Where files of this attempt may be put.
    pub folder: PathBuf,
}

/// What decides whether an answer read without rendering stands alone.
#[derive(Debug, Clone, Default)]
pub struct ReadingRules {
    /// Whether answers may be fetched at all.
    pub allowed: bool,
    /// The answer of the last check of the same question, as it was reported.
    pub last: Option<domain::outcome::Outcome>,
    /// Chance, made by whoever gave the errand: every n-th draw is compared with the shown page.
    pub draw: u32,
}

/// Doors that lead nowhere: for leaving a portal after the attempt is reported. No secret, no permit.
pub struct Silent;

fn shut<T>() -> Result<T, Denied> {
    Err(Denied::No { code: "no-lease".to_owned(), because: "there is no lease".to_owned() })
}

impl Doors for Silent {
    fn steps(&self, _: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { Ok(()) })
    }
    fn keep(&self, _: Item) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { Ok(()) })
    }
    fn secret<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Secret, Denied>> {
        Box::pin(async { shut() })
    }
    fn login(&self) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { shut() })
    }
    fn permit(&self, _: Wish) -> BoxFuture<'_, Result<Permit, Denied>> {
        Box::pin(async { shut() })
    }
    fn latch(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { shut() })
    }
    fn not_clicked(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { shut() })
    }
    fn document<'a>(&'a self, _: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>> {
        Box::pin(async { shut() })
    }
    fn standing(&self) -> Standing {
        let minute = Duration::from_secs(60);
        Standing { left: minute, length: minute, order: Order::Continue }
    }
}
