//! What may have become of something that was to be sent.

/// What an error says about the thing that was to be sent. Whoever decides about a repetition decides by this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Not one byte of it left this machine, or what left was never put where the payer takes it from.
    NotSent,
    /// It arrived, and the payer's side says that it was not taken.
    Refused,
    /// It may have been taken. Look before anything else is sent.
    Unknown,
}

impl Fate {
    /// What a status of HTTP says about the message it answers. A status between "refused at the door" and "something went
    /// wrong after it" proves nothing.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            // A request that came too slowly, stood against another one, or was in the way of itself may have been read.
            408 | 409 | 423 | 425 => Self::Unknown,
            307 | 308 | 400..=499 => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fate;

    #[test]
    fn only_a_clear_refusal_is_one() {
        for (status, fate) in [
            (400, Fate::Refused),
            (401, Fate::Refused),
            (429, Fate::Refused),
            (307, Fate::Refused),
            (303, Fate::Unknown),
            (408, Fate::Unknown),
            (409, Fate::Unknown),
            (500, Fate::Unknown),
            (503, Fate::Unknown),
        ] {
            assert_eq!(Fate::of_status(status), fate, "{status}");
        }
    }
}
