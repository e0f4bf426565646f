//! Secrets: passwords, tokens and private keys on their way to the one place that needs them.

use zeroize::Zeroizing;

/// Bytes nobody may see. Overwritten when dropped; has no `Debug`, no `Display` and no way out of this crate.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Takes a text in.
    #[must_use]
    pub fn text(value: String) -> Self {
        Self::new(value.into_bytes())
    }

    /// The value.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as a text, if it is one.
    pub(crate) fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
