//! The driver against a real Chromium and small pages of our own. One browser serves most tests.
#![expect(clippy::unwrap_used, reason = "tests")]

mod acting;
mod apart;
mod controls;
mod death;
mod evidence;
mod finding;
mod frames;
mod gate;
mod hostile;
mod keeper;
mod names;
mod resend;
mod shared;
mod tls;
