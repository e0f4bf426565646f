//! The console's own icons: 16 by 16, one stroke, drawn in the text's colour. No icon font, no external file.

use maud::{Markup, html};

/// One of our icons. An icon never stands alone: a word is always beside it, so it is hidden from screen readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Done, allowed.
    Check,
    /// Failed, refused.
    Cross,
    /// Under way.
    Running,
    /// Not begun.
    Ready,
    /// Waits for time.
    Clock,
    /// A person must answer.
    Person,
    /// It may have been submitted.
    Doubt,
    /// Paused by a person.
    Pause,
    /// Vanished.
    Lost,
    /// Cancelled, withdrawn, prohibited.
    Ban,
    /// A caution.
    Warning,
    /// A commit: cannot be undone.
    Commit,
    /// A draft: changes an unfinished request.
    Draft,
    /// A picture.
    Picture,
    /// A document or text.
    Document,
    /// A number the payer gave.
    Reference,
    /// Search.
    Search,
    /// The folded menu.
    Menu,
    /// A sign-in code or password.
    Key,
    /// A page that changed.
    Changed,
    /// Several things match.
    Choose,
    /// Taken in.
    Intake,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Check => "M3 8.5l3.2 3.2L13 4.8",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Running => "M8 2.5a5.5 5.5 0 1 1-5.5 5.5M8 5v3l2 1.5",
            Self::Ready => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11",
            Self::Clock => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11M8 5v3.2l2.2 1.3",
            Self::Person => {
                "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8zM3 13.4c.6-2.4 2.6-3.6 5-3.6s4.4 1.2 5 3.6"
            }
            Self::Doubt => "M2.5 9.5c1.4-3.4 3.4-3.4 5.5-1.5s4.1 1.9 5.5-1.5",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Lost => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11M6 6l4 4M10 6l-4 4",
            Self::Ban => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11M4.2 4.2l7.6 7.6",
            Self::Warning => "M8 2.6l5.8 10.6H2.2zM8 6.6v3M8 11.4v.2",
            Self::Commit => "M13.5 2.5L7.2 8.8M13.5 2.5L9.6 13.5L7.2 8.8L2.5 6.4z",
            Self::Draft => "M3 13l.6-2.8 6.8-6.8 2.2 2.2-6.8 6.8zM9 4.8l2.2 2.2",
            Self::Picture => "M2.5 3.5h11v9h-11zM2.5 10.5l3-3 2.5 2.5 2-2 3.5 3M10.5 6.2v.1",
            Self::Document => "M4 2.5h5l3 3v8H4zM9 2.5v3h3M6 8.5h4M6 10.8h4",
            Self::Reference => "M6.5 2.5l-1.5 11M11 2.5l-1.5 11M3 6h10.5M2.5 10H13",
            Self::Search => "M7 2.8a4.2 4.2 0 1 1 0 8.4a4.2 4.2 0 1 1 0-8.4M10.2 10.2l3.3 3.3",
            Self::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Self::Key => {
                "M10.3 2.8a2.9 2.9 0 1 1 0 5.8a2.9 2.9 0 1 1 0-5.8M8.2 7.8L3 13M5 11l1.6 1.6"
            }
            Self::Changed => "M8 2.5l5.5 5.5L8 13.5 2.5 8z",
            Self::Choose => "M5.8 6a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.9-1.1 1.7M8 12v.2",
            Self::Intake => "M8 2.5v7M5 6.8l3 3 3-3M3 10.5v3h10v-3",
        }
    }

    /// The drawing.
    #[must_use]
    pub fn svg(self) -> Markup {
        html! { svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(self.path()); } }
    }
}
