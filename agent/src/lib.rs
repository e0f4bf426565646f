//! The agent: takes leases, drives a browser through a payer's portal by a script, and brings back steps,
//! evidence and an outcome.

#![warn(missing_docs)]

pub mod browser;
pub mod channel;
pub mod clock;
pub mod coordinator;
pub mod fault;
pub mod polite;
pub mod spool;
