//! Host keys: the pinned ones, and the look at the one a host shows.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};

use crate::credential::{CredentialError, Expires};

/// A host's public key, as a payer gave it, with the days it is good for, where the payer said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    key: PublicKey,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl HostKey {
    /// From a line as in `known_hosts` without the host: `ssh-ed25519 AAAA…`.
    ///
    /// # Errors
    /// What is no public key.
    pub fn new(
        line: &str,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, CredentialError> {
        let mut key = PublicKey::from_openssh(line.trim()).map_err(|_| CredentialError::Key)?;
        key.set_comment("");
        Ok(Self { key, from, until })
    }

    /// As `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The algorithms under which a host may show this key.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        match self.key.algorithm() {
            Algorithm::Rsa { .. } => [HashAlg::Sha512, HashAlg::Sha256]
                .map(|hash| Algorithm::Rsa { hash: Some(hash) })
                .to_vec(),
            other => vec![other],
        }
    }
}

impl Expires for HostKey {
    fn kind(&self) -> &'static str {
        "host key"
    }
    fn subject(&self) -> String {
        self.key.algorithm().to_string()
    }
    fn fingerprint(&self) -> String {
        self.fingerprint()
    }
    fn from(&self) -> Option<Timestamp> {
        self.from
    }
    fn until(&self) -> Option<Timestamp> {
        self.until
    }
}

/// Looks at the key a host shows, before anything of ours is said.
pub(super) struct Guard {
    known: Vec<PublicKey>,
    seen: Seen,
}

/// The fingerprint of a key that is not known.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Option<String>>>);

impl Seen {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Guard {
    pub(super) fn new<'a>(known: impl Iterator<Item = &'a HostKey>) -> (Self, Seen) {
        let seen = Seen::default();
        (Self { known: known.map(|one| one.key.clone()).collect(), seen: seen.clone() }, seen)
    }
}

impl russh::client::Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let seen = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                if self.known.iter().any(|known| known.key_data() == key.key_data()) {
                    return Ok(true);
                }
                key.fingerprint(HashAlg::Sha256).to_string()
            }
            PublicKeyOrCertificate::Certificate(_) => "a certificate".to_owned(),
        };
        *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(false)
    }
}
