//! Channels: the ways a payer can be reached, and what a payer's profile says about each one beside its portal.

mod partner;

pub use partner::{CoreForm, Files, Partner};

use serde::{Deserialize, Serialize};

use crate::{calendar::Calendar, job::Task, permission::Permission, polite::Pace};

/// A way of reaching a payer.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The payer's pages in a browser, by a script.
    #[default]
    Portal,
    /// FHIR Da Vinci PAS: `$submit` and `$inquire`.
    FhirPas,
    /// X12 in real time by CORE connectivity.
    X12Core,
    /// X12 in files over SFTP.
    X12Sftp,
    /// X12 over AS2.
    X12As2,
    /// An interface of the payer's own, as its profile describes it.
    Rest,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] =
        [Self::Portal, Self::FhirPas, Self::X12Core, Self::X12Sftp, Self::X12As2, Self::Rest];

    /// The word in SQL, API, CLI and profiles.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::FhirPas => "fhir_pas",
            Self::X12Core => "x12_core",
            Self::X12Sftp => "x12_sftp",
            Self::X12As2 => "x12_as2",
            Self::Rest => "rest",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// Whether a job of this task can go by it.
    #[must_use]
    pub fn carries(self, task: Task) -> bool {
        match self {
            Self::Portal => true,
            Self::FhirPas => matches!(task, Task::Submit | Task::Renewal | Task::AuthStatus),
            Self::X12Core | Self::X12As2 => !matches!(task, Task::Precheck | Task::Letter),
            // An answer that comes the next morning proves no submission tonight.
            Self::X12Sftp => matches!(task, Task::ClaimStatus | Task::Eligibility),
            // Submissions by an interface of the payer's own need a proof that no description can promise.
            Self::Rest => !task.commits(),
        }
    }

    /// The channel as staff say it.
    #[must_use]
    pub fn say(self) -> &'static str {
        match self {
            Self::Portal => "Portal",
            Self::FhirPas => "FHIR PAS",
            Self::X12Core => "X12 in real time",
            Self::X12Sftp => "X12 files (SFTP)",
            Self::X12As2 => "X12 by AS2",
            Self::Rest => "Payer's own interface",
        }
    }
}

/// What a payer's profile says about a channel beside the portal: whether and when it may be used, how fast, and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Which channel.
    pub channel: Channel,
    /// Permission for this channel; that of the portal says nothing about it.
    pub permission: Permission,
    /// When it may be used, in the payer's time zone.
    #[serde(default, skip_serializing_if = "Calendar::is_empty")]
    pub calendar: Calendar,
    /// When its breaker opens, and how many submissions it takes within a minute.
    #[serde(default)]
    pub pace: Pace,
    /// Calls at a time over the whole fleet.
    pub calls_max: u32,
    /// Where it is.
    pub endpoint: Endpoint,
    /// How the payer tells us of news, if it does (FHIR PAS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
}

/// A subscription of ours at a payer: its notifications come to `/fhir/notices/{payer}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Its address at the payer, or the last part of that: `Subscription/4711`.
    pub subscription: String,
    /// Name of the secret the payer sends as a bearer key.
    pub secret: String,
}

impl Way {
    /// The addresses a permission for it speaks of.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        self.endpoint.addresses().into_iter().map(str::to_owned).collect()
    }
}

/// Where a channel is and how one is let in. Secrets are named, never held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Address everything is below, without a slash at the end: `https://fhir.payer.example/r4`, `sftp://files.payer.example:22`.
    pub base: String,
    /// How one is let in.
    pub auth: Auth,
    /// The payer's own identifier in messages, where it is not the payer's id here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insurer: Option<Identifier>,
    /// Who asks where a request does not say it: an inquiry by number alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_npi: Option<String>,
    /// Longest wait for an answer, milliseconds.
    #[serde(default = "answer_ms")]
    pub answer_ms: u64,
    /// For an interface of the payer's own: what it calls things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Dialect>,
    /// For X12: what was agreed upon with the payer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x12: Option<Partner>,
}

fn answer_ms() -> u64 {
    30_000
}

/// A value with the system it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The value.
    pub value: String,
}

/// How a channel lets one in. Every text is the name of a secret in the vault, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// A key that lasts, sent with every call.
    Bearer {
        /// Name of the secret.
        secret: String,
    },
    /// OAuth 2.0 client credentials: a token is fetched first.
    ClientCredentials {
        /// Where tokens are given.
        token_url: String,
        /// Name of the secret that holds the client's id.
        client_id: String,
        /// Name of the secret that holds the client's secret.
        client_secret: String,
        /// What is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
    /// User and password in the message itself (CORE by SOAP).
    Password {
        /// Name of the secret that holds the user's name.
        user: String,
        /// Name of the secret that holds the password.
        password: String,
    },
    /// A certificate of ours, shown when the connection is made.
    Certificate {
        /// Name of the secret that holds the certificates in PEM form, ours first.
        certificate: String,
        /// Name of the secret that holds the private key in PEM form.
        key: String,
    },
    /// A key of SSH.
    SshKey {
        /// Name of the secret that holds the private key in the form of OpenSSH.
        key: String,
    },
}

impl Auth {
    /// Whether a channel can be entered like this.
    #[must_use]
    pub fn opens(&self, channel: Channel) -> bool {
        match channel {
            Channel::FhirPas | Channel::Rest => {
                matches!(self, Self::Bearer { .. } | Self::ClientCredentials { .. })
            }
            Channel::X12Core => !matches!(self, Self::SshKey { .. }),
            Channel::X12Sftp => matches!(self, Self::SshKey { .. }),
            Channel::Portal | Channel::X12As2 => false,
        }
    }

    /// Names of the secrets it needs.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Bearer { secret } => vec![secret],
            Self::ClientCredentials { client_id, client_secret, .. } => {
                vec![client_id, client_secret]
            }
            Self::Password { user, password } => vec![user, password],
            Self::Certificate { certificate, key } => vec![certificate, key],
            Self::SshKey { key } => vec![key],
        }
    }
}

impl Endpoint {
    /// Addresses that secrets of this channel may be sent to.
    #[must_use]
    pub fn addresses(&self) -> Vec<&str> {
        match &self.auth {
            Auth::ClientCredentials { token_url, .. } => vec![&self.base, token_url],
            Auth::Bearer { .. }
            | Auth::Password { .. }
            | Auth::Certificate { .. }
            | Auth::SshKey { .. } => vec![&self.base],
        }
    }
}

/// An interface of the payer's own: a call that is answered at once or with 202 and a place to look, and where in the answers
/// things stand (JSON pointers). Texts in braces are filled from the request: `/reviews/{reference}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// Address of a status check, below the base.
    pub status_path: String,
    /// Where the answer's word for the status stands.
    pub status_at: String,
    /// What the words mean: the payer's word, whole, to the answer's word here.
    pub answers: std::collections::BTreeMap<String, crate::outcome::Answer>,
    /// Where numbers stand: kind to pointer.
    #[serde(default)]
    pub numbers_at: std::collections::BTreeMap<crate::outcome::ReferenceKind, String>,
    /// Where further facts stand: name to pointer.
    #[serde(default)]
    pub facts_at: std::collections::BTreeMap<String, String>,
    /// Rest between two looks while the answer is not there, milliseconds.
    pub poll_ms: u64,
}

/// One place in the order of channels for a task, with its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// The channel.
    pub channel: Channel,
    /// Only requests without documents go this way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_documents: bool,
    /// While its usual visit takes longer than so many milliseconds, the next one is preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_after_ms: Option<i64>,
}

impl Leg {
    /// The channel without conditions.
    #[must_use]
    pub fn plain(channel: Channel) -> Self {
        Self { channel, without_documents: false, slow_after_ms: None }
    }
}

/// What a channel may be used for and when: the portal's are those of the payer's profile itself.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'p> {
    /// Permission.
    pub permission: &'p Permission,
    /// Hours and maintenance.
    pub calendar: &'p Calendar,
    /// Pace and breaker.
    pub pace: &'p Pace,
    /// Visits or calls at a time.
    pub at_once: u32,
}

impl crate::fleet::Payer {
    /// The order of channels for a task; the portal alone where the profile says nothing.
    #[must_use]
    pub fn legs(&self, task: Task) -> Vec<Leg> {
        match self.routes.get(&task) {
            Some(legs) if !legs.is_empty() => legs.clone(),
            _ => vec![Leg::plain(Channel::Portal)],
        }
    }

    /// Whether there is nothing but the portal. A channel that is described and in no order any more still counts: a doubt that
    /// began there is looked after only there.
    #[must_use]
    pub fn is_portal_only(&self) -> bool {
        self.ways.is_empty()
            && self.routes.values().flatten().all(|leg| leg.channel == Channel::Portal)
    }

    /// A channel of this payer beside the portal.
    #[must_use]
    pub fn way(&self, channel: Channel) -> Option<&Way> {
        self.ways.iter().find(|way| way.channel == channel)
    }

    /// The permission recorded for a channel, to be changed; none where the profile does not describe it.
    pub fn permission_mut(&mut self, channel: Channel) -> Option<&mut Permission> {
        if channel == Channel::Portal {
            return Some(&mut self.permission);
        }
        self.ways.iter_mut().find(|way| way.channel == channel).map(|way| &mut way.permission)
    }

    /// The addresses that the permission for a channel speaks of.
    #[must_use]
    pub fn origins(&self, channel: Channel) -> Vec<String> {
        match self.way(channel) {
            Some(way) => way.origins(),
            None if channel == Channel::Portal => self.login_origins.clone(),
            None => Vec::new(),
        }
    }

    /// What a channel may be used for and when; none where the profile does not describe it.
    #[must_use]
    pub fn terms(&self, channel: Channel) -> Option<Terms<'_>> {
        if channel == Channel::Portal {
            return Some(Terms {
                permission: &self.permission,
                calendar: &self.calendar,
                pace: &self.pace,
                at_once: self.limits.sessions_max,
            });
        }
        self.way(channel).map(|way| Terms {
            permission: &way.permission,
            calendar: &way.calendar,
            pace: &way.pace,
            at_once: way.calls_max,
        })
    }
}
