//! `coordinator agents …`, `pools …` and `payers …`: what operators see and change while the fleet runs.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    client::{Client, Done, Exit, Failed},
    jobs::{Act, Paging},
    print,
};

const AGENTS: &[print::Column] = &[
    ("AGENT", "/id"),
    ("NAME", "/name"),
    ("POOL", "/pool"),
    ("STATE", "/state"),
    ("HEALTH", "/health"),
    ("SLOTS", "/slots"),
    ("BUSY", "/leases"),
    ("SEEN", "/seen_at"),
    ("BROWSER", "/browser"),
];
const POOLS: &[print::Column] = &[
    ("POOL", "/id"),
    ("PAUSED", "/paused_reason"),
    ("SLOTS", "/slots"),
    ("LEASED", "/slots_leased"),
    ("WANTED", "/slots_wanted"),
];
const PAYERS: &[print::Column] = &[
    ("PAYER", "/id"),
    ("NAME", "/profile/name"),
    ("PERMISSION", "/profile/permission/state"),
    ("UNTIL", "/profile/permission/expires_at"),
    ("SESSIONS", "/sessions"),
    ("OF", "/profile/limits/sessions_max"),
    ("PAUSED", "/paused_reason"),
    ("RESTS UNTIL", "/rests_until"),
];

const REGISTER: &[print::Column] = &[
    ("PAYER", "/payer"),
    ("CHANNEL", "/channel"),
    ("STATE", "/state"),
    ("READS", "/may_read"),
    ("SUBMITS", "/may_submit"),
    ("BASIS", "/basis"),
    ("UNTIL", "/expires_at"),
    ("DECIDED BY", "/decided_by"),
    ("SUSPENDED", "/suspended"),
];

/// Verbs of `agents`.
#[derive(Debug, Subcommand)]
pub enum Agents {
    /// List agents
    #[command(after_help = "Example: coordinator agents list --json")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Show one agent
    #[command(after_help = "Example: coordinator agents show agent_01J8ZQ4N5B6C7D8E9F0G1H2J3K")]
    Show {
        /// Agent id
        agent: String,
    },
    /// Finish what it has, take nothing new
    #[command(
        after_help = "Example: coordinator agents drain agent_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"new version\""
    )]
    Drain(Act),
    /// Take work again
    #[command(
        after_help = "Example: coordinator agents resume agent_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"checked\""
    )]
    Resume(Act),
}

impl Agents {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List { page } => list(client, "agents", &page.query(&[]), AGENTS, json).await,
            Self::Show { agent } => show(client, &format!("agents/{agent}"), json).await,
            Self::Drain(act) => change(client, "agents", act, "drain", json).await,
            Self::Resume(act) => change(client, "agents", act, "resume", json).await,
        }
    }
}

/// Verbs of `pools`.
#[derive(Debug, Subcommand)]
pub enum Pools {
    /// List pools with the slots they want
    #[command(after_help = "Example: coordinator pools list")]
    List,
    /// Lease nothing in this pool
    #[command(
        after_help = "Example: coordinator pools pause default --reason \"network change\" --yes"
    )]
    Pause(Act),
    /// Lease again
    #[command(after_help = "Example: coordinator pools resume default --reason \"done\"")]
    Resume(Act),
}

impl Pools {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List => list(client, "pools", &[], POOLS, json).await,
            Self::Pause(act) => {
                print::confirm(&format!("Pause the whole pool {}?", act.id), act.yes)?;
                change(client, "pools", act, "pause", json).await
            }
            Self::Resume(act) => change(client, "pools", act, "resume", json).await,
        }
    }
}

/// Verbs of `payers`.
#[derive(Debug, Subcommand)]
pub enum Payers {
    /// List payers with permission and portal sessions
    #[command(after_help = "Example: coordinator payers list")]
    List,
    /// Show one payer's profile
    #[command(after_help = "Example: coordinator payers show crestline --json")]
    Show {
        /// Payer id
        payer: String,
    },
    /// Show the register of permissions: every channel of every payer, what may be done there, and on what it rests
    #[command(after_help = "Example: coordinator payers register --payer harbor")]
    Register {
        /// Of this payer alone
        #[arg(long)]
        payer: Option<String>,
        /// As CSV, for a spreadsheet or an auditor
        #[arg(long)]
        csv: bool,
    },
    /// Lease nothing for this payer
    #[command(
        after_help = "Example: coordinator payers pause harbor --reason \"portal upgrade tonight\" --yes"
    )]
    Pause(Act),
    /// Lease again, and end a rest after failures of the portal (a refused account: clear-account)
    #[command(
        after_help = "Example: coordinator payers resume harbor --reason \"upgrade is over\""
    )]
    Resume(Act),
    /// Let an account that the portal refused be tried again with the secrets it has
    #[command(
        after_help = "Example: coordinator payers clear-account harbor --account clinic-7 --reason \"unlocked by their help desk\""
    )]
    ClearAccount {
        #[command(flatten)]
        act: Act,
        /// Name of the account
        #[arg(long)]
        account: String,
    },
    /// Change the politeness limits; what is not given stays
    #[command(
        after_help = "Example: coordinator payers limit harbor --sessions-max 1 --reason \"asked by the payer\""
    )]
    Limit {
        #[command(flatten)]
        act: Act,
        /// Portal sessions at a time
        #[arg(long)]
        sessions_max: Option<u32>,
        /// Least time between two page loads, milliseconds
        #[arg(long)]
        gap_ms: Option<u64>,
        /// Page loads per minute and slot
        #[arg(long)]
        pages_per_minute: Option<u32>,
        /// Logins per hour over the whole fleet
        #[arg(long)]
        logins_per_hour_max: Option<u32>,
    },
    /// Record whether a channel may be automated
    #[command(
        after_help = "Example: coordinator payers permit harbor --state permitted --basis written_permission --until 2027-01-01T00:00:00Z --tasks submit,auth_status --reason \"letter of 2 March\""
    )]
    Permit {
        #[command(flatten)]
        act: Act,
        /// portal, fhir_pas, x12_core, x12_sftp, x12_as2, rest
        #[arg(long, default_value = "portal")]
        channel: String,
        /// unknown, permitted, registered, prohibited
        #[arg(long)]
        state: String,
        /// contract, written_permission, payer_registration, terms_reviewed, admin_override, simulator
        #[arg(long)]
        basis: String,
        /// The paper it rests on: a clause, a letter, the payer's registration number, a document's id
        #[arg(long)]
        document: Option<String>,
        /// What the payer asks for beside the limits
        #[arg(long)]
        conditions: Option<String>,
        /// Only these accounts
        #[arg(long, value_delimiter = ',')]
        accounts: Vec<String>,
        /// Every account must name its program and its owner
        #[arg(long)]
        named_identity: bool,
        /// Who read the paper
        #[arg(long)]
        reviewer: Option<String>,
        /// Why it is suspended
        #[arg(long)]
        suspended: Option<String>,
        /// Mandatory end, RFC 3339
        #[arg(long)]
        until: String,
        /// Tasks that may be automated
        #[arg(long, value_delimiter = ',')]
        tasks: Vec<String>,
    },
    /// Agree, as the second person, to a permission that replaces a prohibition
    #[command(
        after_help = "Example: coordinator payers second northgate --reason \"read the new contract\""
    )]
    Second {
        #[command(flatten)]
        act: Act,
        /// portal, fhir_pas, x12_core, x12_sftp, x12_as2, rest
        #[arg(long, default_value = "portal")]
        channel: String,
    },
    /// Say which program signs in with an account and who answers for it
    #[command(
        after_help = "Example: coordinator payers identify harbor --account auto01 --identity \"fleet 7, registration REG-2026-114\" --owner \"Robin Gale\" --reason \"new account\""
    )]
    Identify {
        #[command(flatten)]
        act: Act,
        /// Name of the account
        #[arg(long)]
        account: String,
        /// The program, as the payer knows it
        #[arg(long)]
        identity: String,
        /// The person who answers for it
        #[arg(long)]
        owner: String,
    },
    /// Set an account with its secrets, read from a JSON file or standard input, never from the command line
    #[command(
        after_help = "Example: coordinator payers credential harbor --account clinic-7 --file - < secrets.json\n(the file: {\"user\": \"…\", \"password\": \"…\", \"code\": \"<TOTP seed in base32>\"})"
    )]
    Credential {
        /// Payer id
        payer: String,
        /// Name of the account, for people
        #[arg(long)]
        account: String,
        /// The channel it is for: portal, fhir_pas, x12_core, x12_sftp, x12_as2, rest
        #[arg(long, default_value = "portal")]
        channel: String,
        /// JSON file with one value per alias; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
}

impl Payers {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::List => list(client, "payers", &[], PAYERS, json).await,
            Self::Show { payer } => show(client, &format!("payers/{payer}"), json).await,
            Self::Register { payer, csv } => register(client, payer, csv, json).await,
            Self::Pause(act) => {
                print::confirm(&format!("Pause the payer {}?", act.id), act.yes)?;
                change(client, "payers", act, "pause", json).await
            }
            Self::Resume(act) => change(client, "payers", act, "resume", json).await,
            Self::ClearAccount { act, account } => {
                let body = json!({"account": account, "reason": act.reason});
                send(client, &format!("payers/{}", act.id), "clear_account", &body, json).await
            }
            Self::Limit { act, sessions_max, gap_ms, pages_per_minute, logins_per_hour_max } => {
                let seen = client.get(&format!("payers/{}", act.id), &[]).await?;
                let mut limits = seen.pointer("/profile/limits").cloned().unwrap_or(json!({}));
                let given = [
                    ("sessions_max", sessions_max.map(u64::from)),
                    ("gap_ms", gap_ms),
                    ("pages_per_minute", pages_per_minute.map(u64::from)),
                    ("logins_per_hour_max", logins_per_hour_max.map(u64::from)),
                ];
                for (name, value) in given {
                    if let Some(value) = value {
                        limits[name] = json!(value);
                    }
                }
                let body = json!({"limits": limits, "reason": act.reason});
                send(client, &format!("payers/{}", act.id), "limits", &body, json).await
            }
            Self::Second { act, channel } => {
                let body = json!({"channel": channel, "reason": act.reason});
                send(client, &format!("payers/{}", act.id), "second_permission", &body, json).await
            }
            Self::Identify { act, account, identity, owner } => {
                let body = json!({"account": account, "identity": identity, "owner": owner,
                                  "reason": act.reason});
                send(client, &format!("payers/{}", act.id), "identity", &body, json).await
            }
            Self::Permit {
                act,
                channel,
                state,
                basis,
                document,
                conditions,
                accounts,
                named_identity,
                reviewer,
                suspended,
                until,
                tasks,
            } => {
                let body = json!({"channel": channel, "state": state, "basis": basis, "expires_at": until, "tasks": tasks,
                                  "document": document, "conditions": conditions, "accounts": accounts,
                                  "named_identity": named_identity, "reviewer": reviewer,
                                  "suspended": suspended, "reason": act.reason});
                send(client, &format!("payers/{}", act.id), "permission", &body, json).await
            }
            Self::Credential { payer, account, channel, file } => {
                credential(client, &payer, (&account, &channel), &file, json).await
            }
        }
    }
}

/// Shows the register of permissions.
async fn register(client: &Client, payer: Option<String>, csv: bool, json: bool) -> Done {
    let mut query: Vec<_> = payer.map(|payer| ("payer", payer)).into_iter().collect();
    if !csv {
        return list(client, "register", &query, REGISTER, json).await;
    }
    query.push(("format", "csv".to_owned()));
    let mut after = url::form_urlencoded::Serializer::new(String::new());
    after.extend_pairs(&query);
    let text = client.bytes(&format!("register?{}", after.finish())).await?;
    print::line(String::from_utf8_lossy(&text).trim_end());
    Ok(Exit::Done)
}

/// Keeps the secrets of an account, which a file holds.
async fn credential(
    client: &Client,
    payer: &str,
    (account, channel): (&str, &str),
    file: &str,
    json: bool,
) -> Done {
    let secrets = print::read_json(file)?;
    let all_text = secrets.as_object().is_some_and(|m| m.values().all(Value::is_string));
    if !all_text {
        return Err(Failed::new(
            Exit::Usage,
            "the file must hold one JSON object with a text per alias",
        ));
    }
    let body = json!({"account": account, "channel": channel, "secrets": secrets});
    print::thing(&client.put(&format!("payers/{payer}/credential"), &body).await?, json);
    Ok(Exit::Done)
}

/// Verbs of `quarantine`.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// Say whether the fleet is in quarantine, and why
    #[command(after_help = "Example: coordinator quarantine show")]
    Show,
    /// Lease work again; refused while submissions are in doubt
    #[command(
        after_help = "Example: coordinator quarantine lift --reason \"every payer was compared with the list of 2 March\""
    )]
    Lift {
        /// Why; kept in the audit
        #[arg(long)]
        reason: String,
    },
}

impl Quarantine {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::Show => show(client, "quarantine", json).await,
            Self::Lift { reason } => {
                send(client, "quarantine", "lift", &json!({"reason": reason}), json).await
            }
        }
    }
}

/// Lists and prints.
///
/// # Errors
/// As [`Client::get`].
pub async fn list(
    client: &Client,
    path: &str,
    query: &[(&'static str, String)],
    columns: &[print::Column],
    json: bool,
) -> Done {
    print::list(&client.get(path, query).await?, columns, json);
    Ok(Exit::Done)
}

/// Shows one thing.
///
/// # Errors
/// As [`Client::get`].
pub async fn show(client: &Client, path: &str, json: bool) -> Done {
    print::thing(&client.get(path, &[]).await?, json);
    Ok(Exit::Done)
}

/// Changes one thing, with the reason, and shows it.
///
/// # Errors
/// As [`Client::change`].
pub async fn change(client: &Client, noun: &str, act: Act, verb: &str, json: bool) -> Done {
    let body = json!({"reason": act.reason});
    send(client, &format!("{noun}/{}", act.id), verb, &body, json).await
}

/// Changes one thing with a body of its own, and shows it.
///
/// # Errors
/// As [`Client::change`].
pub async fn send(client: &Client, thing: &str, verb: &str, body: &Value, json: bool) -> Done {
    print::thing(&client.change(thing, verb, body).await?, json);
    Ok(Exit::Done)
}
