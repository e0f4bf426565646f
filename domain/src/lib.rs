//! The words and rules of the fleet; pure: no clock, no socket, no file, no database.
//!
//! One line runs through the whole product:
//! intake → case → job → lease → attempt → steps and evidence → outcome → case status → console.
//! There is one loop back, the exception (a person answers), and one detour, the doubt: an attempt that
//! ends after it may have submitted is followed by a read-only attempt that goes and looks.
//!
//! Every entity's states are one enum whose variants carry what that state owns, with one pure `next`;
//! the database repeats the same rules as CHECK constraints. `now` is always an argument.

#![warn(missing_docs)]

pub mod attempt;
pub mod calendar;
pub mod case;
pub mod channel;
pub mod drift;
pub mod evidence;
pub mod exception;
pub mod fleet;
pub mod gate;
pub mod id;
pub mod intent;
pub mod job;
pub mod lease;
pub mod mailbox;
pub mod outcome;
pub mod permission;
pub mod polite;
pub mod request;
pub mod route;
pub mod script;
pub mod step;
pub mod time;
pub mod wire;
