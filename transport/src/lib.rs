//! Ways of bringing X12 to a payer and its answers back: CORE connectivity (SOAP and REST), batch files by SFTP, AS2 with its
//! receipts; and the chain of acknowledgements every one of them begins. Knows no case, no job and no channel of the fleet: a
//! channel gives it bytes, credentials, limits and the time, and gets values back.
//!
//! Three rules hold everywhere:
//! * What is sent is sent once: one connection for each call, no repetition, no redirect followed. Who may send again is not
//!   decided here.
//! * Every error says whether what was to be sent may have arrived: [`Fate`].
//! * What comes back is bounded in bytes and in time before it is read. Its words are in no error's text: they are [`Said`].

pub mod as2;
pub mod chain;
pub mod control;
pub mod core;
pub mod credential;
pub mod fate;
pub mod http;
pub mod mime;
pub mod said;
pub mod secret;
pub mod sftp;

pub use credential::{Certificate, Identity};
pub use fate::Fate;
pub use said::Said;
pub use secret::Secret;

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random bytes.
///
/// # Panics
/// Where the system has no random numbers: nothing may be sent without them.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
