//! Secrets that go with a call instead of into a field: the same door, for channels without a page. Where they may go is checked by
//! whoever keeps them, against the addresses of the payer's profile.

use crate::{channel::Secret, http::Sealed};

/// The header of a key that lasts.
pub(crate) fn bearer(key: &Secret) -> Sealed {
    Sealed::new(format!("Bearer {}", key.value()))
}

/// A token that was fetched.
fn granted(answer: &[u8]) -> Option<zeroize::Zeroizing<String>> {
    #[derive(serde::Deserialize)]
    struct Granted {
        access_token: String,
    }
    let granted: Granted = serde_json::from_slice(answer).ok()?;
    Some(zeroize::Zeroizing::new(granted.access_token))
}

/// The header of a token that was fetched.
pub(crate) fn token(answer: &[u8]) -> Option<Sealed> {
    Some(Sealed::new(format!("Bearer {}", granted(answer)?.as_str())))
}

/// A secret on its way into a message of X12's transports.
pub(crate) fn carried(secret: &Secret) -> transport::Secret {
    transport::Secret::text(secret.value().to_owned())
}

/// A token that was fetched, for the same.
pub(crate) fn carried_token(answer: &[u8]) -> Option<transport::Secret> {
    Some(transport::Secret::text(granted(answer)?.to_string()))
}

/// User and password of a SOAP message.
pub(crate) fn login(user: &Secret, password: &Secret) -> transport::core::Login {
    transport::core::Login::Password { user: user.value().to_owned(), password: carried(password) }
}

/// A certificate of ours with its key.
pub(crate) fn identity(
    certificate: &Secret,
    key: &Secret,
) -> Result<transport::Identity, transport::credential::CredentialError> {
    transport::Identity::new(certificate.value().as_bytes(), &carried(key))
}

/// The form that asks for a token by client credentials (RFC 6749 §4.4).
pub(crate) fn client_form(id: &Secret, secret: &Secret, scope: Option<&str>) -> Sealed {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("client_id", id.value()).append_pair("client_secret", secret.value());
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    Sealed::new(form.finish())
}
