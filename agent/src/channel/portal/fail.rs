//! How a run stops: named exceptions become failures with the script's wishes; driver errors get their names.

use domain::{
    outcome::{Failure, FailureKind},
    script::ast::{Scope as Reach, Target},
};

use crate::{
    browser::{Error, NavigationError, NotDone, Stop, Why},
    channel::{Denied, portal::Portal, portal::locate},
};

/// Why a flow does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It failed.
    Failed(Box<Failure>),
    /// It may have been submitted; numbers seen on the page are hints.
    Unsure(Box<Failure>, Vec<String>),
    /// A watcher asks to begin again from the safe point.
    Restart,
    /// The lease is over: nothing more may be done or said.
    LeaseEnded,
    /// A trial stops before the commit, as asked.
    Stopped,
}

impl Portal<'_> {
    /// The failure that stands for a named exception, with what the script says about it.
    pub(crate) fn failure(&self, name: &str, detail: &str) -> Failure {
        let short = name.rsplit('.').next().unwrap_or(name);
        let mut failure =
            Failure::new(self.bundle.failure(name), short, self.observe.masker.text(detail));
        if let Some(rule) = self.bundle.exception(name) {
            if let Some(say) = &rule.say {
                failure.say = say.text.clone();
            }
            failure.retry = rule.retry.map(domain::script::ast::Retry::rule);
            failure.hold = rule.hold;
            failure.payer_wide = rule.scope == Reach::Payer;
            failure.queue = rule.queue.as_ref().map(|queue| queue.text.clone());
        } else {
            if let Some(say) = domain::script::ast::built_in_say(short) {
                say.clone_into(&mut failure.say);
            }
            failure.hold = matches!(
                short,
                "off_site"
                    | "ambiguous_screen"
                    | "element_conflict"
                    | "unexpected_dialog"
                    | "new_required_field"
                    | "guard_failed"
                    | "already_filed"
                    | "already_submitted"
                    | "code_needed"
                    | "code_rejected"
            );
            failure.payer_wide = short == "portal_error";
        }
        if let Some((step, source)) = self.observe.place() {
            failure.step = Some(step);
            failure.source = Some(source);
        }
        failure
    }

    /// Ends the attempt with a named exception.
    pub(crate) fn raise(&self, name: &str, detail: &str) -> Halt {
        Halt::Failed(Box::new(self.failure(name, detail)))
    }

    /// A value or template that does not fit.
    pub(crate) fn bad_input(&self, detail: &str) -> Halt {
        let mut failure = self.failure("bad_input", detail);
        failure.kind = FailureKind::BadInput;
        failure.say = FailureKind::BadInput.say().to_owned();
        Halt::Failed(Box::new(failure))
    }

    /// A door stayed shut.
    pub(crate) fn denied(&self, denied: Denied) -> Halt {
        match denied {
            Denied::LeaseEnded => Halt::LeaseEnded,
            Denied::No { code, because } => {
                let mut failure = self.failure(&code.replace('-', "_"), &because);
                failure.kind = match code.as_str() {
                    "origin-not-listed" => FailureKind::OffSite,
                    "login-budget" => FailureKind::Transient,
                    _ => FailureKind::NeedsCode,
                };
                failure.say = failure.kind.say().to_owned();
                Halt::Failed(Box::new(failure))
            }
            Denied::Away(why) => {
                let mut failure = self.failure("coordinator_away", &why);
                failure.kind = FailureKind::Lost;
                failure.say = FailureKind::Lost.say().to_owned();
                Halt::Failed(Box::new(failure))
            }
        }
    }

    /// The browser failed.
    pub(crate) fn broken(&self, error: &Error) -> Halt {
        let name = match error {
            Error::Gone | Error::Launch(_) => "browser_lost",
            Error::Crashed | Error::Closed | Error::Timeout { .. } => "page_crashed",
            Error::BadQuery(_) => "element_missing",
            Error::Protocol { .. }
            | Error::Decode { .. }
            | Error::ResourceLimit(_)
            | Error::Script(_)
            | Error::Io(_) => "not_actionable",
        };
        self.raise(name, &error.to_string())
    }

    /// The portal led to a host the script does not list; nothing was fetched from there.
    pub(crate) fn led_away(&self) -> Halt {
        self.raise("off_site", "the portal led to a host the script does not list")
    }

    /// A navigation failed.
    pub(crate) fn not_navigated(&self, error: &NavigationError) -> Halt {
        let name = match error {
            // A way out that was refused looks like a connection that failed.
            NavigationError::Refused(_)
                if !self.session.context.take_refused_hosts().is_empty() =>
            {
                return self.led_away();
            }
            NavigationError::CertificateInvalid(_) => "off_site",
            NavigationError::Browser(error) => return self.broken(error),
            // "Too many requests": the portal wants to be left alone.
            NavigationError::Http(429) => "portal_error",
            NavigationError::Http(status) if *status < 500 => "no_known_screen",
            NavigationError::Download => "download_failed",
            _ => "portal_error",
        };
        let halt = self.raise(name, &error.to_string());
        match (halt, error) {
            // Nobody answered: that is no error of the portal's.
            (Halt::Failed(mut failure), NavigationError::Dns | NavigationError::Refused(_))
                if self.bundle.exception(name).is_none() =>
            {
                "The portal's address could not be reached.".clone_into(&mut failure.say);
                Halt::Failed(failure)
            }
            (halt, _) => halt,
        }
    }

    /// An act on an element did not come about.
    pub(crate) fn not_done(&self, target: &Target, error: &NotDone, conflict: bool) -> Halt {
        let of = locate::called(target);
        match error {
            NotDone::Stopped(stop) => self.stopped(&of, stop),
            NotDone::OutOfTime { why, .. } => {
                let name = match why {
                    _ if conflict => "element_conflict",
                    Why::Missing | Why::NotVisible => "element_missing",
                    Why::Ambiguous(_) => "element_ambiguous",
                    Why::NoOption(_) => "option_missing",
                    Why::NotShown => "readback_differs",
                    Why::Detached
                    | Why::Disabled
                    | Why::ReadOnly
                    | Why::Moved
                    | Why::Covered(_)
                    | Why::OutsideViewport
                    | Why::Navigating
                    | Why::Other(_) => "not_actionable",
                };
                self.raise(name, &format!("`{of}`: {error}"))
            }
        }
    }

    /// A try said that trying again cannot help.
    pub(crate) fn stopped(&self, of: &str, stop: &Stop) -> Halt {
        match stop {
            Stop::Browser(error) => self.broken(error),
            Stop::WrongKind(_) | Stop::Rejected(_) => {
                self.raise("input_rejected", &format!("`{of}`: {stop}"))
            }
            Stop::Refused(_) => self.raise("not_actionable", &format!("`{of}`: {stop}")),
        }
    }
}
