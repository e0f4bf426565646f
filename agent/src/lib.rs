//! The agent: drives browsers and channels. This crate holds everything below the binary.

pub mod browser;
