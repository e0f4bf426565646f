//! `coordinator drift …`: where payers' pages differ from scripts.

use clap::Subcommand;

use super::{
    client::{Client, Done},
    fleet::{change, list, show},
    jobs::{Act, Paging},
    print,
};

const DRIFT: &[print::Column] = &[
    ("DRIFT", "/id"),
    ("STATE", "/state"),
    ("KIND", "/kind"),
    ("PAYER", "/payer"),
    ("ELEMENT", "/element"),
    ("WRITTEN AT", "/source"),
    ("ATTEMPTS", "/sightings"),
    ("LAST SEEN", "/last_seen_at"),
];

/// Verbs of `drift`.
#[derive(Debug, Subcommand)]
pub enum Drift {
    /// List where pages differ from scripts
    #[command(after_help = "Example: coordinator drift list --state open --payer harbor")]
    List {
        /// open, accepted, dismissed
        #[arg(long)]
        state: Option<String>,
        /// fallback_used, healed, suggested, form_changed, fetched_differs, screen_unknown, meaning_changed
        #[arg(long)]
        kind: Option<String>,
        /// Payer id
        #[arg(long)]
        payer: Option<String>,
        /// `<payer>/<task>`
        #[arg(long)]
        script: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Show one item with both fingerprints and the proposed change
    #[command(
        after_help = "Example: coordinator drift show drift_01J8ZQ4N5B6C7D8E9F0G1H2J3K --json"
    )]
    Show {
        /// Drift id
        drift: String,
    },
    /// Take it for the payer's new look
    #[command(
        after_help = "Example: coordinator drift accept drift_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"the same button, renamed\""
    )]
    Accept(Act),
    /// Say that it is not; a dismissed candidate is never used again
    #[command(
        after_help = "Example: coordinator drift dismiss drift_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"another list\" --yes"
    )]
    Dismiss(Act),
}

impl Drift {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List { state, kind, payer, script, page } => {
                let query = page.query(&[
                    ("state", state),
                    ("kind", kind),
                    ("payer", payer),
                    ("script", script),
                ]);
                list(client, "drift", &query, DRIFT, json).await
            }
            Self::Show { drift } => show(client, &format!("drift/{drift}"), json).await,
            Self::Accept(act) => {
                print::confirm(&format!("Accept {}?", act.id), act.yes)?;
                change(client, "drift", act, "accept", json).await
            }
            Self::Dismiss(act) => {
                print::confirm(&format!("Dismiss {}?", act.id), act.yes)?;
                change(client, "drift", act, "dismiss", json).await
            }
        }
    }
}
