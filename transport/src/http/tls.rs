//! How server and client recognise each other, and what a server says that does not take our certificate.

use std::sync::Arc;

use rustls::{AlertDescription, ClientConfig, ProtocolVersion, RootCertStore};

use crate::credential::{Certificate, CredentialError, Identity};

/// Whose word about a server is taken.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// That of the authorities this machine knows.
    #[default]
    System,
    /// That of these, and of nobody else.
    These(Vec<Certificate>),
    /// That of the authorities this machine knows, and of these.
    SystemAnd(Vec<Certificate>),
}

/// How the other side is recognised, and how it recognises us. TLS 1.2 or later; there is no way of not looking.
#[derive(Clone)]
pub struct Tls(pub(super) Arc<ClientConfig>);

impl Tls {
    /// With these authorities and, where the payer knows us by it, our certificate.
    ///
    /// # Errors
    /// No authority at all, or a certificate and key that do not fit.
    pub fn new(roots: &Roots, identity: Option<&Identity>) -> Result<Self, CredentialError> {
        let mut store = RootCertStore::empty();
        if matches!(roots, Roots::System | Roots::SystemAnd(_)) {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if let Roots::These(all) | Roots::SystemAnd(all) = roots {
            store.add_parsable_certificates(all.iter().map(|one| one.der().clone()));
        }
        if store.is_empty() {
            return Err(CredentialError::Roots);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(store);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = identity.chain().iter().map(|one| one.der().clone()).collect();
                builder
                    .with_client_auth_cert(chain, identity.key()?)
                    .map_err(|_| CredentialError::Pair)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session could carry data before the other side is known again.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}

/// The alert in an error of TLS, if there is one in it.
fn alert(error: &(dyn std::error::Error + 'static)) -> Option<AlertDescription> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            return Some(*alert);
        }
        next = error.source();
    }
    None
}

/// The alert by which a server says, while both sides make each other's acquaintance, that it does not take our certificate.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use AlertDescription as A;
    let found = alert(error)?;
    matches!(
        found,
        A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::DecryptError
            | A::AccessDenied
    )
    .then(|| format!("{found:?}"))
}

/// The same, after the request was written. With TLS 1.3 a server looks at our certificate after we may write, and before it reads
/// what we wrote: what can only be said of a certificate is said then. With TLS 1.2 it has looked before, so that an alert says
/// nothing about what became of the request.
pub(super) fn refused_late(
    version: Option<ProtocolVersion>,
    error: &(dyn std::error::Error + 'static),
) -> Option<String> {
    let found = alert(error)?;
    // "Denied" may be said of a request that was read; the others are about the handshake only.
    let late = version == Some(ProtocolVersion::TLSv1_3) && found != AlertDescription::AccessDenied;
    refused(error).filter(|_| late)
}
