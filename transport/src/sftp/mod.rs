//! Batch files by SFTP: put once under their name, taken once from the inbox, and only from a host whose key is known.

pub mod host;
pub mod inbox;
pub mod put;
pub mod session;

use std::time::Duration;

use crate::{credential::Rotation, fate::Fate, secret::Secret};

pub use host::HostKey;
pub use inbox::{After, Arrival, Collected, Folder, Keeper, Kept, Ready, Rules, Skipped};
pub use put::{Put, Settled};
pub use session::Session;

/// How we say who we are.
#[derive(Clone)]
pub enum SshLogin {
    /// By a key (Ed25519 or ECDSA) in the form of OpenSSH or PKCS #8.
    Key {
        /// The private key.
        key: Secret,
        /// Its pass phrase, if it has one.
        pass_phrase: Option<Secret>,
    },
    /// By a password.
    Password(Secret),
}

/// What is known of a payer's SFTP server.
#[derive(Clone)]
pub struct Site {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The user's name.
    pub user: String,
    /// How we say who we are.
    pub login: SshLogin,
    /// The keys by which the host is recognised: one, or two while it changes.
    pub keys: Rotation<HostKey>,
    /// Limits.
    pub limits: Limits,
}

/// Limits of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until both sides know each other.
    pub handshake: Duration,
    /// For each answer, in seconds.
    pub answer_seconds: u64,
    /// Names in a folder.
    pub names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(20),
            answer_seconds: 30,
            names: 10_000,
        }
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Not a file name that may be used.
    #[error("this is no plain file name")]
    Name,
    /// No connection.
    #[error("it cannot be reached: {0}")]
    Connect(String),
    /// The host has another key than the one known. Nothing was sent, not even who we are.
    #[error("the host key is {seen}, and {} is known: nothing was sent; ask the payer before it is changed here", .known.join(" or "))]
    HostKey {
        /// The fingerprints known.
        known: Vec<String>,
        /// The fingerprint seen.
        seen: String,
    },
    /// No common way of speaking.
    #[error("no session could be agreed upon: {0}")]
    Handshake(String),
    /// Our own key cannot be used.
    #[error("our key cannot be used: Ed25519 or ECDSA is wanted, with its pass phrase")]
    Key,
    /// Who we say we are is not taken.
    #[error("the login is refused")]
    Login,
    /// A file of that name is there.
    #[error("a file of that name is there already")]
    Exists,
    /// The server says no.
    #[error("the server says no: {0}")]
    Status(String),
    /// No answer in time, or none at all.
    #[error("no answer: {0}")]
    Lost(String),
    /// Not what was written.
    #[error("the server has {found} bytes of {sent}")]
    Size {
        /// What is there.
        found: u64,
        /// What was sent.
        sent: u64,
    },
    /// A folder with too many names.
    #[error("more than {0} names in the folder")]
    Names(usize),
    /// What came could not be kept here.
    #[error("what came could not be kept: {0}")]
    Keep(std::io::ErrorKind),
}

/// An error, with what was being done and what may have become of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {doing}: {cause}")]
pub struct SftpError {
    /// Host and port.
    pub host: String,
    /// What was being done.
    pub doing: &'static str,
    /// Why it was not done.
    pub cause: Cause,
    fate: Fate,
}

impl SftpError {
    pub(crate) fn new(host: &str, doing: &'static str, cause: Cause) -> Self {
        Self { host: host.to_owned(), doing, cause, fate: Fate::NotSent }
    }

    pub(crate) fn with(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }

    /// What may have become of the file.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.fate
    }
}

/// Whether it is a plain file name: nothing that leads elsewhere, nothing invisible.
#[must_use]
pub fn plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && name.chars().all(|c| !c.is_control() && !matches!(c, '/' | '\\' | '*' | '?'))
}

fn below(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for good in ["276_20261121_000000101.edi", "a b", "x.tmp.edi", "ä"] {
            assert!(plain(good), "{good}");
        }
        for bad in ["", ".", "..", "../a", "a/b", "a\\b", ".hidden", "a\nb", "a\0", "a*"] {
            assert!(!plain(bad), "{bad:?}");
        }
        assert!(!plain(&"x".repeat(201)));
        assert_eq!((below("/in/", "a"), below(".", "a")), ("/in/a".to_owned(), "./a".to_owned()));
    }
}
