//! X12: the corpus both ways, bad input, properties of any input, and what two other libraries say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod corpus;
mod hostile;
mod judged;
#[path = "../judges/mod.rs"]
mod judges;
mod properties;
