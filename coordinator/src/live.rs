//! "Topic changed", told to event streams and waiting lease polls after a commit. Carries no data: losing any message loses
//! nothing, because whoever listens looks again, and also looks without being told from time to time.

use tokio::sync::broadcast;

/// What changed. The word is the event's name in the event stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Something in this case.
    Case(String),
    /// Steps or evidence of this attempt.
    Attempt(String),
    /// The inbox.
    Exceptions,
    /// Agents, payers, pools, limits.
    Fleet,
    /// Some job may be leased now: wakes long polls.
    Ready,
    /// Scripts.
    Scripts,
}

impl Topic {
    /// The event's name: `case:<id>`, `attempt:<id>`, `exceptions`, `fleet`, `ready`, `scripts`.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Case(id) => format!("case:{id}"),
            Self::Attempt(id) => format!("attempt:{id}"),
            Self::Exceptions => "exceptions".to_owned(),
            Self::Fleet => "fleet".to_owned(),
            Self::Ready => "ready".to_owned(),
            Self::Scripts => "scripts".to_owned(),
        }
    }
}

/// The broadcaster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<Topic>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Live {
    /// A listener for everything from now on. One that falls behind gets `Lagged` and should look at everything it shows.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Topic> {
        self.0.subscribe()
    }

    /// Tells everyone. Only called after a commit.
    pub(crate) fn tell(&self, topics: Vec<Topic>) {
        for topic in topics {
            // No listener is not an error.
            let _ = self.0.send(topic);
        }
    }
}
