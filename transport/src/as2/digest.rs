//! The digests AS2 messages are signed and compared with.

use aws_lc_rs::{digest, signature as rsa};
use der::asn1::ObjectIdentifier as Oid;

/// A digest. SHA-1 and MD5 prove nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    pub(super) const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// As in `micalg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// From a `micalg`, with or without the dash.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let bare = |name: &str| name.trim().to_ascii_lowercase().replace('-', "");
        Self::ALL.into_iter().find(|one| bare(one.name()) == bare(name))
    }

    /// The digest of bytes.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    pub(super) fn oid(self) -> Oid {
        Oid::new_unwrap(match self {
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        })
    }

    pub(super) fn signing(self) -> &'static dyn rsa::RsaEncoding {
        match self {
            Self::Sha256 => &rsa::RSA_PKCS1_SHA256,
            Self::Sha384 => &rsa::RSA_PKCS1_SHA384,
            Self::Sha512 => &rsa::RSA_PKCS1_SHA512,
        }
    }

    pub(super) fn verifying(self, pss: bool) -> &'static rsa::RsaParameters {
        match (self, pss) {
            (Self::Sha256, false) => &rsa::RSA_PKCS1_2048_8192_SHA256,
            (Self::Sha384, false) => &rsa::RSA_PKCS1_2048_8192_SHA384,
            (Self::Sha512, false) => &rsa::RSA_PKCS1_2048_8192_SHA512,
            (Self::Sha256, true) => &rsa::RSA_PSS_2048_8192_SHA256,
            (Self::Sha384, true) => &rsa::RSA_PSS_2048_8192_SHA384,
            (Self::Sha512, true) => &rsa::RSA_PSS_2048_8192_SHA512,
        }
    }
}
