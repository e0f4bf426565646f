//! The overlap of an old and a new credential: both are accepted, the new one is used from its day on, and the step can be
//! taken back.

use jiff::Timestamp;

/// A credential and, during a change, the one that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation<T> {
    current: T,
    next: Option<(T, Timestamp)>,
}

/// Why a change cannot begin or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// Another one is not finished.
    #[error("a change is under way: finish it or take it back first")]
    UnderWay,
    /// None is under way.
    #[error("no change is under way")]
    None,
    /// The new one is not used yet.
    #[error("the new one is not in use before {0}")]
    TooEarly(Timestamp),
}

impl<T> Rotation<T> {
    /// One, and no change in sight.
    pub fn new(current: T) -> Self {
        Self { current, next: None }
    }

    /// Every one that is accepted from the other side: one or two, the older first.
    pub fn accepted(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.current).chain(self.next.as_ref().map(|(next, _)| next))
    }

    /// The one we use ourselves at that time.
    #[must_use]
    pub fn used(&self, now: Timestamp) -> &T {
        match &self.next {
            Some((next, from)) if *from <= now => next,
            _ => &self.current,
        }
    }

    /// Begins a change: from now on both are accepted, from `from` on the new one is used.
    ///
    /// # Errors
    /// While another change is not finished: never more than two are accepted.
    pub fn begin(&mut self, next: T, from: Timestamp) -> Result<(), RotationError> {
        if self.next.is_some() {
            return Err(RotationError::UnderWay);
        }
        self.next = Some((next, from));
        Ok(())
    }

    /// Ends a change: the old one is accepted no longer, and given back.
    ///
    /// # Errors
    /// Without a change, and before the new one is in use.
    pub fn finish(&mut self, now: Timestamp) -> Result<T, RotationError> {
        match self.next.take() {
            None => Err(RotationError::None),
            Some((next, from)) if now < from => {
                self.next = Some((next, from));
                Err(RotationError::TooEarly(from))
            }
            Some((next, _)) => Ok(std::mem::replace(&mut self.current, next)),
        }
    }

    /// Takes a change back: the new one is accepted no longer, and given back.
    ///
    /// # Errors
    /// Without a change.
    pub fn roll_back(&mut self) -> Result<T, RotationError> {
        self.next.take().map(|(next, _)| next).ok_or(RotationError::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_accepted_and_the_new_one_is_used_from_its_day() {
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let (before, from, after) =
            (day("2026-11-01T00:00:00Z"), day("2026-11-10T00:00:00Z"), day("2026-11-11T00:00:00Z"));
        let mut keys = Rotation::new("old");
        assert_eq!(keys.accepted().collect::<Vec<_>>(), [&"old"]);
        keys.begin("new", from).unwrap();
        assert_eq!(keys.begin("third", from), Err(RotationError::UnderWay));
        assert_eq!(keys.accepted().collect::<Vec<_>>(), [&"old", &"new"]);
        assert_eq!((keys.used(before), keys.used(after)), (&"old", &"new"));
        assert_eq!(keys.finish(before), Err(RotationError::TooEarly(from)));
        let mut back = keys.clone();
        assert_eq!(back.roll_back(), Ok("new"));
        assert_eq!(back.used(after), &"old");
        assert_eq!(keys.finish(after), Ok("old"));
        assert_eq!(keys.accepted().collect::<Vec<_>>(), [&"new"]);
        assert_eq!(keys.finish(after), Err(RotationError::None));
    }
}
