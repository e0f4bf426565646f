//! The simulated payers: one module each, built from the shared parts in this folder. Every simulated payer runs as its
//! own process (`payer serve …`), on loopback only, with a truth ledger, knobs and faults.
//!
//! Shared parts: [`clock`], [`world`], [`decide`], [`store`], [`accounts`], [`faults`], [`tls`], [`sim`] (all of them
//! together), [`call`] (what every call to a portal goes through), [`planted`] (what faults put into pages), [`pulse`]
//! (clicks), [`edi`] (what comes in X12), [`plane`] (control and truth), [`mail`] and [`fax`] (what it writes to people), [`reviewer`], [`html`].
//! [`practice`] is a payer for people who learn.
//! Harnesses use [`Control`], [`Truth`] and [`process::PayerProcess`].

pub mod accounts;
mod bearer;
pub mod call;
pub mod clock;
pub mod control;
pub mod crestline;
pub mod decide;
pub mod edi;
pub mod faults;
pub mod fax;
pub mod harbor;
pub mod html;
pub mod journal;
pub mod knobs;
pub mod larkfield;
mod letters;
pub mod mail;
pub mod pdf;
mod people;
pub mod planbridge;
pub mod plane;
pub mod planted;
pub mod practice;
pub mod process;
pub mod pulse;
pub mod reviewer;
pub mod rxbright;
pub mod serve;
pub mod sim;
pub mod store;
pub mod tls;
pub mod totp;
pub mod verity;
pub mod world;

pub use control::{Act, Control, Truth};
pub use faults::Fault;
pub use process::{Mailboxes, PayerProcess, Ready};
pub use serve::Options;
pub use sim::{Profile, Sim};

/// How fast pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Pace {
    /// Page delays of 0 to 50 ms: for tests.
    Quick,
    /// Delays of real portals.
    Lifelike,
}

/// One rendering of a portal's pages.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Skin {
    /// As first built.
    V1,
    /// The redesigned one.
    V2,
}

impl Skin {
    /// Name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Skin::V1 => "v1",
            Skin::V2 => "v2",
        }
    }
}

/// The simulated payers there are.
pub fn profiles() -> Vec<&'static Profile> {
    vec![
        &crestline::PROFILE,
        &verity::PROFILE,
        &larkfield::PROFILE,
        &harbor::PROFILE,
        &planbridge::PROFILE,
        &rxbright::PROFILE,
    ]
}
