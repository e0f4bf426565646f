//! Trying again as a value: what one try gives, why it must wait, and the one place that waits.

use super::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// What one try gave.
#[derive(Debug)]
pub enum Attempted<T> {
    /// It is done.
    Done(T),
    /// Not yet; looking again can help.
    Wait(Why),
    /// Trying again cannot help.
    Stop(Stop),
}

impl<T> Attempted<T> {
    /// Changes the result of a finished try.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Attempted<U> {
        match self {
            Self::Done(t) => Attempted::Done(f(t)),
            Self::Wait(w) => Attempted::Wait(w),
            Self::Stop(s) => Attempted::Stop(s),
        }
    }

    /// A browser error as a value: a replaced document is a reason to wait, the rest is final.
    #[must_use]
    pub fn from_error(e: Error) -> Self {
        if e.is_stale() { Self::Wait(Why::Detached) } else { Self::Stop(Stop::Browser(e)) }
    }
}

impl<T> From<Result<T, Error>> for Attempted<T> {
    fn from(r: Result<T, Error>) -> Self {
        match r {
            Ok(t) => Self::Done(t),
            Err(e) => Self::from_error(e),
        }
    }
}

/// Why a try must wait. Reads as the end of "could not act because …".
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// Nothing matches.
    Missing,
    /// Matches exist, none is visible.
    NotVisible,
    /// More than one visible match; up to ten described.
    Ambiguous(Vec<String>),
    /// The node went away.
    Detached,
    /// Disabled.
    Disabled,
    /// Not to be edited now.
    ReadOnly,
    /// It moves.
    Moved,
    /// Something else lies over the point.
    Covered(String),
    /// It cannot be scrolled into the viewport.
    OutsideViewport,
    /// The wanted option is not there (options that are, up to twenty).
    NoOption(Vec<String>),
    /// A navigation is pending.
    Navigating,
    /// The page does not show what was entered yet.
    NotShown,
    /// Anything else, in words without page data.
    Other(String),
}

impl Why {
    /// True where the element has to be resolved again before the next try.
    #[must_use]
    pub fn resolve_again(&self) -> bool {
        matches!(self, Self::Missing | Self::NotVisible | Self::Ambiguous(_) | Self::Detached)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("nothing on the page matches"),
            Self::NotVisible => f.write_str("it is there but not visible"),
            Self::Ambiguous(list) => {
                write!(f, "{} elements match: {}", list.len(), list.join("; "))
            }
            Self::Detached => f.write_str("it was removed from the page"),
            Self::Disabled => f.write_str("it is disabled"),
            Self::ReadOnly => f.write_str("it is read-only"),
            Self::Moved => f.write_str("it keeps moving"),
            Self::Covered(by) => write!(f, "it is covered by {by}"),
            Self::OutsideViewport => f.write_str("it cannot be scrolled into view"),
            Self::NoOption(list) => {
                write!(f, "the option is not offered, only: {}", list.join(", "))
            }
            Self::Navigating => f.write_str("a navigation is pending"),
            Self::NotShown => f.write_str("the page does not show what was entered"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Why trying again cannot help.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The browser failed.
    #[error(transparent)]
    Browser(#[from] Error),
    /// The element can never take this input (wrong kind of control).
    #[error("the element cannot take this input: {0}")]
    WrongKind(String),
    /// The page refused the value (validation, `maxlength`, a value that does not stick).
    #[error("the page refused the value: {0}")]
    Rejected(String),
    /// The observer refused the act ("no evidence, no click").
    #[error("the act was not allowed: {0}")]
    Refused(String),
}

/// How a loop ended without success.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotDone {
    /// The deadline passed; the last reason to wait.
    #[error("gave up after {tries} tries: {why}")]
    OutOfTime {
        /// The last `Why`.
        why: Why,
        /// How often it was tried.
        tries: u32,
    },
    /// A try said it cannot work.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl From<Error> for NotDone {
    fn from(e: Error) -> Self {
        Self::Stopped(Stop::Browser(e))
    }
}

/// A moment until which something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now on for this long.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// True when it has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }

    /// The moment itself.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.0
    }

    /// The earlier of this and a shorter time from now.
    #[must_use]
    pub fn at_most(&self, time: Duration) -> Self {
        Self(self.0.min(Instant::now() + time))
    }
}

/// Same node, not actionable yet (engine.md §6.1), in ms; the last repeats.
const SAME_NODE: [u64; 5] = [0, 20, 100, 100, 500];
/// Resolve again, in ms; the last repeats.
const RESOLVE_AGAIN: [u64; 6] = [0, 20, 50, 100, 100, 500];
/// Table rows, options, screens, captures, in ms; the last repeats.
pub const LOOKS: [u64; 4] = [0, 50, 100, 250];

/// Between two looks at a page that changes all the time.
const AT_LEAST: Duration = Duration::from_millis(15);

/// The waiting of one loop: counts tries, picks the delay, gives up at the deadline.
#[derive(Debug)]
pub struct Tries {
    deadline: Deadline,
    tries: u32,
    same: usize,
    again: usize,
}

impl Tries {
    /// A fresh count with a deadline.
    #[must_use]
    pub fn until(deadline: Deadline) -> Self {
        Self { deadline, tries: 0, same: 0, again: 0 }
    }

    /// Number of tries so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.tries
    }

    /// The deadline given.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Waits as long as the table says for this reason.
    ///
    /// # Errors
    /// [`NotDone::OutOfTime`] with this reason when the deadline has passed.
    pub async fn wait(&mut self, why: Why) -> Result<(), NotDone> {
        self.tries += 1;
        let (table, at): (&[u64], &mut usize) = if why.resolve_again() {
            (&RESOLVE_AGAIN, &mut self.again)
        } else {
            (&SAME_NODE, &mut self.same)
        };
        let delay = Duration::from_millis(table[(*at).min(table.len() - 1)]);
        *at += 1;
        self.sleep(delay, why).await
    }

    /// As [`Tries::wait`], and ends when `changed` does; a moment at least, so that a page that never rests is not tried
    /// without end.
    ///
    /// # Errors
    /// As [`Tries::wait`].
    pub async fn wait_or(
        &mut self,
        why: Why,
        changed: impl Future<Output = ()>,
    ) -> Result<(), NotDone> {
        self.tries += 1;
        let (table, at): (&[u64], &mut usize) = if why.resolve_again() {
            (&RESOLVE_AGAIN, &mut self.again)
        } else {
            (&SAME_NODE, &mut self.same)
        };
        let delay = Duration::from_millis(table[(*at).min(table.len() - 1)]);
        *at += 1;
        // A page that changes all the time is tried less and less often, too.
        let least = AT_LEAST.max(delay / 4).min(delay);
        self.sleep(least, why).await?;
        let left = delay.saturating_sub(least).min(self.deadline.left());
        // Both ends mean the same: try again.
        let _woken = tokio::time::timeout(left, changed).await;
        Ok(())
    }

    /// Waits as the table for looks says.
    ///
    /// # Errors
    /// As [`Tries::wait`].
    pub async fn wait_look(&mut self, why: Why) -> Result<(), NotDone> {
        self.tries += 1;
        let delay = Duration::from_millis(LOOKS[self.same.min(LOOKS.len() - 1)]);
        self.same += 1;
        self.sleep(delay, why).await
    }

    /// Waits until `changed` ends, at most as the table for looks says; a moment at least, so that a page that never
    /// rests is not looked at without end.
    ///
    /// # Errors
    /// As [`Tries::wait`].
    pub async fn wait_look_or(
        &mut self,
        why: Why,
        changed: impl Future<Output = ()>,
    ) -> Result<(), NotDone> {
        let first = self.same == 0;
        let delay = Duration::from_millis(LOOKS[self.same.min(LOOKS.len() - 1)]);
        if first {
            return self.wait_look(why).await;
        }
        self.tries += 1;
        self.same += 1;
        self.sleep(AT_LEAST, why).await?;
        let left = delay.saturating_sub(AT_LEAST).min(self.deadline.left());
        // Both ends mean the same: look again.
        let _woken = tokio::time::timeout(left, changed).await;
        Ok(())
    }

    async fn sleep(&self, delay: Duration, why: Why) -> Result<(), NotDone> {
        let left = self.deadline.left();
        if left.is_zero() {
            return Err(NotDone::OutOfTime { why, tries: self.tries });
        }
        tokio::time::sleep(delay.min(left)).await;
        Ok(())
    }

    /// Turns one try into "finished" or "go round again".
    ///
    /// # Errors
    /// Out of time, or the try said stop.
    pub async fn next<T>(&mut self, tried: Attempted<T>) -> Result<Option<T>, NotDone> {
        match tried {
            Attempted::Done(t) => Ok(Some(t)),
            Attempted::Wait(why) => self.wait(why).await.map(|()| None),
            Attempted::Stop(s) => Err(NotDone::Stopped(s)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_reason_is_what_is_reported() {
        // A busy machine may have time for one try only; then it is given more.
        for seconds in [1, 4, 16, 64] {
            let mut tries = Tries::until(Deadline::within(Duration::from_secs(seconds)));
            let end = loop {
                let why =
                    if tries.count() == 0 { Why::Missing } else { Why::Covered("DIV".into()) };
                if let Err(e) = tries.next::<()>(Attempted::Wait(why)).await {
                    break e;
                }
            };
            match end {
                NotDone::OutOfTime { tries: 0..3, .. } => {}
                NotDone::OutOfTime { why, .. } => {
                    assert_eq!(why, Why::Covered("DIV".into()));
                    return;
                }
                NotDone::Stopped(s) => panic!("{s}"),
            }
        }
        panic!("0 and 20 ms first: there is time for three tries");
    }
}
