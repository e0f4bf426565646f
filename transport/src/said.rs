//! Words of the other side.

/// Words of the other side: for a person who may see them, never for a log. They have no `Display`, and their `Debug` counts them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Said(String);

impl Said {
    /// Takes words in, at most a thousand characters of them.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().take(1000).collect())
    }

    /// The words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Said({} bytes)", self.0.len())
    }
}
