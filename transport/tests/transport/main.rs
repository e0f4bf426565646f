//! The transports against stand-ins of payers, other people's servers and other people's libraries.
#![expect(clippy::unwrap_used, reason = "a stand-in that cannot start is a test that failed")]

mod as2;
mod chain;
mod core_hostile;
mod core_round;
#[path = "../../../exchange/tests/judges/mod.rs"]
mod judges;
mod sftp;
mod sshd;
mod stand;
