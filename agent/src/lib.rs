//! The agent: takes leases, drives a browser through a payer's portal by a script, and brings back steps,
//! evidence and an outcome.

#![warn(missing_docs)]

pub mod attempt;
pub mod browser;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod coordinator;
pub mod doctor;
pub mod fault;
pub mod http;
pub mod import;
pub mod keeper;
pub mod mailbox;
pub mod mask;
pub mod observe;
pub mod polite;
pub mod read;
pub mod scripts_on_disk;
mod secret;
pub mod slot;
pub mod spool;
pub mod trial;
pub mod work;
