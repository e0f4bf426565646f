//! Approved HTML of each page in each state: empty, one, many, failed, no permission; and hostile text shown as text.
//! `PAGES_OUT=folder` writes the whole pages for a person to look at.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempt;
mod bed;
mod case;
mod drift;
mod fixture;
mod fleet;
mod inbox;
mod other;
mod served;
mod work;
