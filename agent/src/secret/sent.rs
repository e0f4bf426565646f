//! Secrets that go with a call instead of into a field: the same door, for channels without a page. Where they may go is checked by
//! whoever keeps them, against the addresses of the payer's profile.

use crate::{channel::Secret, http::Sealed};

/// The header of a key that lasts.
pub(crate) fn bearer(key: &Secret) -> Sealed {
    Sealed::new(format!("Bearer {}", key.value()))
}

/// The header of a token that was fetched.
pub(crate) fn token(answer: &[u8]) -> Option<Sealed> {
    #[derive(serde::Deserialize)]
    struct Granted {
        access_token: String,
    }
    let granted: Granted = serde_json::from_slice(answer).ok()?;
    let token = zeroize::Zeroizing::new(granted.access_token);
    Some(Sealed::new(format!("Bearer {}", token.as_str())))
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
