//! Certificates and private keys, with the time they are good for; what expires when; and the overlap of an old and a new one.

pub mod inventory;
pub mod rotation;

use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

pub use inventory::{Entry, Expires, State, inventory};
pub use rotation::{Rotation, RotationError};

use crate::secret::Secret;

/// Why a credential cannot be used. Never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// No certificate.
    #[error("this is no certificate in PEM or DER form")]
    Certificate,
    /// No private key, or one with a pass phrase.
    #[error("this is no private key in PEM form, or it has a pass phrase")]
    Key,
    /// A key of a kind this is not done with.
    #[error("keys of this kind are not used here; RSA of 2048 bits or more is wanted")]
    Kind,
    /// Key and certificate are not of one pair.
    #[error("the private key does not belong to the certificate")]
    Pair,
    /// No certificate authority to trust.
    #[error("no certificate authority is known that could be trusted")]
    Roots,
}

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    parsed: Box<x509_cert::Certificate>,
    from: Timestamp,
    until: Timestamp,
}

impl Certificate {
    /// From DER, or from the first certificate of a PEM text.
    ///
    /// # Errors
    /// What is no certificate.
    pub fn new(bytes: &[u8]) -> Result<Self, CredentialError> {
        let der = if bytes.starts_with(&[0x30]) {
            CertificateDer::from(bytes.to_vec())
        } else {
            CertificateDer::from_pem_slice(bytes).map_err(|_| CredentialError::Certificate)?
        };
        Self::of(der)
    }

    /// Every certificate of a PEM text, in its order.
    ///
    /// # Errors
    /// None, or one that cannot be read.
    pub fn all(pem: &[u8]) -> Result<Vec<Self>, CredentialError> {
        let all = CertificateDer::pem_slice_iter(pem)
            .map(|der| der.map_err(|_| CredentialError::Certificate).and_then(Self::of))
            .collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() { Err(CredentialError::Certificate) } else { Ok(all) }
    }

    fn of(der: CertificateDer<'static>) -> Result<Self, CredentialError> {
        let bad = |_| CredentialError::Certificate;
        let parsed = Box::new(x509_cert::Certificate::from_der(&der).map_err(bad)?);
        let validity = parsed.tbs_certificate.validity;
        // RFC 5280 has a day for "no end that is known", the last second of the year 9999: later than the last moment there is here.
        let at = |time: x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
            seconds.and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX)
        };
        Ok(Self { from: at(validity.not_before), until: at(validity.not_after), der, parsed })
    }

    /// The bytes.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(crate) fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.parsed
            .tbs_certificate
            .subject_public_key_info
            .to_der()
            .expect("what was read from DER can be written again")
    }

    /// The subject key identifier, if it has one.
    pub(crate) fn key_id(&self) -> Option<Vec<u8>> {
        use x509_cert::ext::pkix::SubjectKeyIdentifier;
        let found = self.parsed.tbs_certificate.get::<SubjectKeyIdentifier>().ok().flatten();
        found.map(|(_, id)| id.0.as_bytes().to_vec())
    }

    /// Whom it names.
    #[must_use]
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate.subject.to_string()
    }

    /// SHA-256 of its bytes, hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der).as_ref())
    }

    /// From when it is good.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Until when it is good; the last moment there is, where it says that its end is not known.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether it is good at that time.
    #[must_use]
    pub fn good(&self, now: Timestamp) -> bool {
        self.from <= now && now <= self.until
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, until {})", self.subject(), self.until)
    }
}

/// A certificate of ours with its private key. Has no `Debug`.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<Certificate>,
    key: Secret,
}

impl Identity {
    /// From a PEM text of certificates, ours first, and one of a private key (PKCS #8, PKCS #1 or SEC 1) without a pass phrase.
    ///
    /// # Errors
    /// What cannot be read, and a key of another pair (RSA only; others are found out by the first use).
    pub fn new(certificates: &[u8], key: &Secret) -> Result<Self, CredentialError> {
        let chain = Certificate::all(certificates)?;
        let read = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| CredentialError::Key)?;
        let identity = Self { chain, key: Secret::new(read.secret_der().to_vec()) };
        if let Ok(pair) = identity.rsa() {
            use aws_lc_rs::signature::KeyPair as _;
            let public = &identity.certificate().parsed.tbs_certificate.subject_public_key_info;
            if public.subject_public_key.raw_bytes() != pair.public_key().as_ref() {
                return Err(CredentialError::Pair);
            }
        }
        Ok(identity)
    }

    /// Our certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// Our certificate and those that vouch for it.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The key for TLS.
    pub(crate) fn key(&self) -> Result<PrivateKeyDer<'static>, CredentialError> {
        PrivateKeyDer::try_from(self.key.expose().to_vec()).map_err(|_| CredentialError::Key)
    }

    /// The key for signatures.
    pub(crate) fn rsa(&self) -> Result<aws_lc_rs::rsa::KeyPair, CredentialError> {
        aws_lc_rs::rsa::KeyPair::from_pkcs8(self.key.expose())
            .or_else(|_| aws_lc_rs::rsa::KeyPair::from_der(self.key.expose()))
            .map_err(|_| CredentialError::Kind)
    }

    /// The key for what was encrypted for us; in PKCS #8 form only.
    pub(crate) fn opener(&self) -> Result<aws_lc_rs::rsa::PrivateDecryptingKey, CredentialError> {
        aws_lc_rs::rsa::PrivateDecryptingKey::from_pkcs8(self.key.expose())
            .map_err(|_| CredentialError::Kind)
    }
}
