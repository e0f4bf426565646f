//! `coordinator scripts …`, `evidence …` and `users …`.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    client::{Client, Done, Exit, Failed},
    fleet::{change, list, send, show},
    jobs::{Act, Paging},
    print,
};
use crate::access::key;

const SCRIPTS: &[print::Column] = &[
    ("SCRIPT", "/script"),
    ("STATE", "/state"),
    ("SHA-256", "/sha256"),
    ("PUBLISHED", "/published_at"),
    ("BY", "/published_by"),
];
const EVIDENCE: &[print::Column] = &[
    ("EVIDENCE", "/id"),
    ("ATTEMPT", "/attempt"),
    ("STEP", "/step"),
    ("KIND", "/kind"),
    ("MOMENT", "/moment"),
    ("BYTES", "/size_bytes"),
    ("SHA-256", "/sha256"),
];
const USERS: &[print::Column] = &[
    ("USER", "/id"),
    ("LOGIN", "/login"),
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("STATE", "/state"),
];
const KEYS: &[print::Column] = &[
    ("KEY", "/id"),
    ("USER", "/user"),
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("MADE", "/created_at"),
    ("REVOKED", "/revoked_at"),
];

/// Verbs of `scripts`.
#[derive(Debug, Subcommand)]
pub enum Scripts {
    /// List published scripts
    #[command(after_help = "Example: coordinator scripts list")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Show one published script by its hash
    #[command(after_help = "Example: coordinator scripts show 3f2a… --json")]
    Show {
        /// SHA-256 of the bundle
        sha256: String,
    },
    /// Hold a script: its jobs wait until it is let go on
    #[command(
        after_help = "Example: coordinator scripts hold 3f2a… --reason \"wrong button\" --yes"
    )]
    Hold(Act),
    /// Let a held script go on
    #[command(after_help = "Example: coordinator scripts unhold 3f2a… --reason \"looked at it\"")]
    Unhold(Act),
    /// Check and publish a script with its fragments; running jobs keep the one they are pinned to
    #[command(after_help = "Example: coordinator scripts publish harbor/submit --dir scripts")]
    Publish {
        /// `<payer>/<task>`
        script: String,
        /// The scripts folder
        #[arg(long, default_value = "scripts")]
        dir: String,
    },
}

impl Scripts {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List { page } => list(client, "scripts", &page.query(&[]), SCRIPTS, json).await,
            Self::Show { sha256 } => show(client, &format!("scripts/{sha256}"), json).await,
            Self::Hold(act) => {
                print::confirm(&format!("Hold {}?", act.id), act.yes)?;
                change(client, "scripts", act, "hold", json).await
            }
            Self::Unhold(act) => change(client, "scripts", act, "unhold", json).await,
            Self::Publish { script, dir } => {
                let files = yaml_files(Path::new(&dir))?;
                let body = json!({"script": script, "files": files});
                print::thing(&client.create("scripts", &body, None).await?, json);
                Ok(Exit::Done)
            }
        }
    }
}

fn yaml_files(dir: &Path) -> Done<Value> {
    let mut files = serde_json::Map::new();
    let mut folders = vec![dir.to_owned()];
    let cannot = |at: &Path, e: &dyn std::fmt::Display| {
        Failed::new(Exit::Usage, format!("cannot read {}: {e}", at.display()))
    };
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| cannot(&folder, &e))? {
            let path = entry.map_err(|e| cannot(&folder, &e))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                let text = std::fs::read_to_string(&path).map_err(|e| cannot(&path, &e))?;
                let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
                files.insert(name, Value::String(text));
            }
        }
    }
    Ok(Value::Object(files))
}

/// Verbs of `evidence`.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// List the evidence of an attempt or a case
    #[command(
        after_help = "Example: coordinator evidence list --attempt att_01J8ZQ4N5B6C7D8E9F0G1H2J3K"
    )]
    List {
        /// Attempt id
        #[arg(long, required_unless_present = "case")]
        attempt: Option<String>,
        /// Case id
        #[arg(long)]
        case: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Write the bytes of one item to a file; written to the audit
    #[command(
        after_help = "Example: coordinator evidence export ev_01J8ZQ4N5B6C7D8E9F0G1H2J3K --to after.png"
    )]
    Export {
        /// Evidence id
        evidence: String,
        /// File to write
        #[arg(long, value_name = "FILE")]
        to: String,
    },
    /// Read every item of an attempt back and compare its hash
    #[command(after_help = "Example: coordinator evidence verify att_01J8ZQ4N5B6C7D8E9F0G1H2J3K")]
    Verify {
        /// Attempt id
        attempt: String,
    },
}

impl Evidence {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List { attempt, case, page } => {
                let query = page.query(&[("attempt", attempt), ("case", case)]);
                list(client, "evidence", &query, EVIDENCE, json).await
            }
            Self::Export { evidence, to } => {
                let bytes = client.bytes(&format!("evidence/{evidence}/body")).await?;
                std::fs::write(&to, &bytes).map_err(|e| {
                    Failed::new(Exit::Unexpected, format!("cannot write {to}: {e}"))
                })?;
                print::note(&format!("{} bytes written to {to}", bytes.len()));
                Ok(Exit::Done)
            }
            Self::Verify { attempt } => verify(client, &attempt, json).await,
        }
    }
}

async fn verify(client: &Client, attempt: &str, json: bool) -> Done {
    let mut after: Option<String> = None;
    let (mut good, mut bad) = (0u32, 0u32);
    loop {
        let mut query = vec![("attempt", attempt.to_owned()), ("limit", "200".to_owned())];
        query.extend(after.take().map(|key| ("after", key)));
        let page = client.get("evidence", &query).await?;
        for item in page.get("items").and_then(Value::as_array).into_iter().flatten() {
            let (id, said) = (print::cell(item.get("id")), print::cell(item.get("sha256")));
            let found = client.bytes(&format!("evidence/{id}/body")).await;
            let same = found.is_ok_and(|bytes| key::hex(&Sha256::digest(&bytes)) == said);
            if same {
                good += 1;
            } else {
                bad += 1;
            }
            if json {
                print::line(&json!({"id": id, "sha256": said, "intact": same}).to_string());
            } else if !same {
                print::line(&format!("{id} is missing or not what was stored"));
            }
        }
        after = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    print::note(&format!("{good} intact, {bad} not"));
    Ok(if bad == 0 { Exit::Done } else { Exit::CheckFailed })
}

/// Verbs of `users`.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List users
    #[command(after_help = "Example: coordinator users list")]
    List,
    /// Add a person; the password is read from standard input
    #[command(
        after_help = "Example: coordinator users add ann --name \"Ann Field\" --role reviewer < password.txt"
    )]
    Add {
        /// Name to sign in with
        login: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// viewer, operator, reviewer, admin
        #[arg(long)]
        role: String,
    },
    /// Make an API key for a user; it is shown once
    #[command(
        after_help = "Example: coordinator users key user_01J8ZQ4N5B6C7D8E9F0G1H2J3K --name nightly-intake --role operator"
    )]
    Key {
        /// User id
        user: String,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// At most the user's own role
        #[arg(long)]
        role: String,
    },
    /// List API keys; without the role admin only your own
    #[command(after_help = "Example: coordinator users keys")]
    Keys,
    /// Revoke an API key; the next call with it is refused
    #[command(
        after_help = "Example: coordinator users revoke-key key_0193… --reason \"the machine was sold\" --yes"
    )]
    RevokeKey(Act),
    /// Lock a person out; sign-ins end at once, keys of the person are refused
    #[command(
        after_help = "Example: coordinator users lock user_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"left the practice\" --yes"
    )]
    Lock(Act),
    /// Let a locked person in again
    #[command(
        after_help = "Example: coordinator users unlock user_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"came back\""
    )]
    Unlock(Act),
    /// Give a person another password, read from standard input; the person's sign-ins end
    #[command(
        after_help = "Example: coordinator users password user_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"forgotten\" < password.txt"
    )]
    Password(Act),
}

fn password() -> Done<String> {
    let typed = std::io::read_to_string(std::io::stdin())
        .map_err(|e| Failed::new(Exit::Usage, format!("cannot read a password: {e}")))?;
    Ok(typed.trim_end_matches(['\n', '\r']).to_owned())
}

impl Users {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List => list(client, "users", &[], USERS, json).await,
            Self::Add { login, name, role } => {
                let body =
                    json!({"login": login, "name": name, "role": role, "password": password()?});
                print::thing(&client.create("users", &body, None).await?, json);
                Ok(Exit::Done)
            }
            Self::Key { user, name, role } => {
                let body = json!({"name": name, "role": role});
                let path = format!("users/{user}/keys");
                print::thing(&client.create(&path, &body, None).await?, json);
                Ok(Exit::Done)
            }
            Self::Keys => list(client, "keys", &[], KEYS, json).await,
            Self::RevokeKey(act) => {
                print::confirm(&format!("Revoke the key {}?", act.id), act.yes)?;
                let path = format!("keys/{}/revoke", act.id);
                let body = json!({"reason": act.reason});
                print::thing(&client.create(&path, &body, None).await?, json);
                Ok(Exit::Done)
            }
            Self::Lock(act) => {
                print::confirm(&format!("Lock {} out?", act.id), act.yes)?;
                change(client, "users", act, "lock", json).await
            }
            Self::Unlock(act) => change(client, "users", act, "unlock", json).await,
            Self::Password(act) => {
                let body = json!({"password": password()?, "reason": act.reason});
                send(client, &format!("users/{}", act.id), "password", &body, json).await
            }
        }
    }
}
