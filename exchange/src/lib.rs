//! Codecs of the standard formats payers speak. Text or bytes in, values out, and back: no clock, no socket, no file, and
//! nothing of the fleet, so that a person with no interest in fleets can depend on this crate alone.

pub mod pas;
pub mod x12;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
