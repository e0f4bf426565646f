//! `coordinator cases …` and `coordinator exceptions …`: what customers asked for, and what people must answer.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    client::{Client, Done, Exit, Failed},
    fleet::{list, show},
    jobs::Paging,
    print,
};

const CASES: &[print::Column] = &[
    ("CASE", "/id"),
    ("KIND", "/kind"),
    ("PAYER", "/payer"),
    ("STATUS", "/status"),
    ("CREATED", "/created_at"),
];
const EXCEPTIONS: &[print::Column] = &[
    ("EXCEPTION", "/id"),
    ("KIND", "/kind"),
    ("QUEUE", "/queue"),
    ("PAYER", "/payer"),
    ("STATE", "/state"),
    ("JOB", "/job"),
    ("OPENED", "/opened_at"),
    ("WHAT HAPPENED", "/failure/say"),
];

/// Verbs of `cases`.
#[derive(Debug, Subcommand)]
pub enum Cases {
    /// List cases; patient data is masked
    #[command(after_help = "Example: coordinator cases list --status attention")]
    List {
        /// received, working, attention, complete, failed, withdrawn
        #[arg(long)]
        status: Option<String>,
        /// Payer id
        #[arg(long)]
        payer: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Show one case with its jobs
    #[command(
        after_help = "Example: coordinator cases show case_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reveal"
    )]
    Show {
        /// Case id
        case: String,
        /// Show patient data; written to the audit
        #[arg(long)]
        reveal: bool,
    },
}

impl Cases {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List { status, payer, page } => {
                let query = page.query(&[("status", status), ("payer", payer)]);
                list(client, "cases", &query, CASES, json).await
            }
            Self::Show { case, reveal } => {
                let query: &[(&str, String)] =
                    if reveal { &[("reveal", "true".to_owned())] } else { &[] };
                print::thing(&client.get(&format!("cases/{case}"), query).await?, json);
                Ok(Exit::Done)
            }
        }
    }
}

/// Verbs of `exceptions`.
#[derive(Debug, Subcommand)]
pub enum Exceptions {
    /// List what people must answer
    #[command(after_help = "Example: coordinator exceptions list --state open")]
    List {
        /// open, claimed, seconding, resolved, withdrawn
        #[arg(long)]
        state: Option<String>,
        /// Kind, such as page_changed
        #[arg(long)]
        kind: Option<String>,
        /// The list it stands on: coding, credentials, drift, eligibility, operations, review, takeover, or a script's own
        #[arg(long)]
        queue: Option<String>,
        /// Payer id
        #[arg(long)]
        payer: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Show one exception with the resolutions that are possible
    #[command(after_help = "Example: coordinator exceptions show exc_01J8ZQ4N5B6C7D8E9F0G1H2J3K")]
    Show {
        /// Exception id
        exception: String,
    },
    /// Hold it for a while, so that nobody else answers it
    #[command(after_help = "Example: coordinator exceptions claim exc_01J8ZQ4N5B6C7D8E9F0G1H2J3K")]
    Claim {
        /// Exception id
        exception: String,
    },
    /// Let it go
    #[command(
        after_help = "Example: coordinator exceptions release exc_01J8ZQ4N5B6C7D8E9F0G1H2J3K"
    )]
    Release {
        /// Exception id
        exception: String,
    },
    /// Answer it
    #[command(
        after_help = "Example: coordinator exceptions resolve exc_01J8ZQ4N5B6C7D8E9F0G1H2J3K retry --reason \"password changed\""
    )]
    Resolve {
        /// Exception id
        exception: String,
        /// give_code, retry, look_again, give_outcome, declare_absent, cancel
        choice: String,
        /// Why; kept in the audit. Not with give_code
        #[arg(long, required_unless_present = "code_file")]
        reason: Option<String>,
        /// For give_code: file that holds the code; `-` reads standard input. A code is never an argument
        #[arg(long, value_name = "FILE", required_if_eq("choice", "give_code"))]
        code_file: Option<String>,
        /// For give_outcome: JSON file with the outcome; `-` reads standard input
        #[arg(long, value_name = "FILE", required_if_eq("choice", "give_outcome"))]
        outcome: Option<String>,
    },
}

impl Exceptions {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        let (exception, act, body) = match self {
            Self::List { state, kind, queue, payer, page } => {
                let wanted = [("state", state), ("kind", kind), ("queue", queue), ("payer", payer)];
                let query = page.query(&wanted);
                return list(client, "exceptions", &query, EXCEPTIONS, json).await;
            }
            Self::Show { exception } => {
                return show(client, &format!("exceptions/{exception}"), json).await;
            }
            Self::Claim { exception } => (exception, "claim", json!({})),
            Self::Release { exception } => (exception, "release", json!({})),
            Self::Resolve { exception, choice, reason, code_file, outcome } => {
                let mut body = json!({"resolution": choice});
                if let Some(reason) = reason {
                    body["reason"] = json!(reason);
                }
                if let Some(file) = code_file {
                    body["code"] = json!(print::read_text(&file)?.trim());
                }
                if let Some(file) = outcome {
                    body["outcome"] = print::read_json(&file)?;
                }
                (exception, "resolve", body)
            }
        };
        let done = client.change(&format!("exceptions/{exception}"), act, &body).await?;
        print::thing(&done, json);
        if done.get("state").and_then(Value::as_str) == Some("seconding") {
            return Err(Failed::new(
                Exit::NeedsPerson,
                "written down; a second person must agree before it takes effect",
            ));
        }
        Ok(Exit::Done)
    }
}
