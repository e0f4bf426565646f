//! The command line: `serve`, `migrate`, `doctor`, and the operator's verbs as a client of the HTTP API.

pub mod cases;
pub mod client;
pub mod drift;
pub mod edi;
pub mod fleet;
pub mod jobs;
pub mod keep;
pub mod print;

use clap::{Parser, Subcommand};

use crate::config::{Config, Flags};
pub use client::{Client, Target};
use client::{Done, Exit, Failed};

/// The coordinator of the fleet: leases jobs to agents, keeps every number with its proof.
#[derive(Debug, Parser)]
#[command(name = "coordinator", version, propagate_version = true)]
#[command(after_help = "Example: coordinator serve --data-dir data --listen 127.0.0.1:8080")]
pub struct Cli {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    verb: Verb,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the coordinator until SIGTERM or SIGINT
    #[command(after_help = "Example: coordinator serve --data-dir data --payers-file payers.json")]
    Serve(Box<Flags>),
    /// Bring the database to the present schema, then end
    #[command(
        after_help = "Example: coordinator migrate --database-url postgres://fleet@localhost/fleet"
    )]
    Migrate(Box<Flags>),
    /// Say what is missing, and the command that mends it
    #[command(after_help = "Example: coordinator doctor --json")]
    Doctor(Box<Flags>),
    /// Units of work at payers
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// What customers asked for
    #[command(subcommand)]
    Cases(cases::Cases),
    /// What people must answer
    #[command(subcommand)]
    Exceptions(cases::Exceptions),
    /// Agents and their slots
    #[command(subcommand)]
    Agents(fleet::Agents),
    /// Pools of agents
    #[command(subcommand)]
    Pools(fleet::Pools),
    /// Payers: permission, limits, accounts
    #[command(subcommand)]
    Payers(fleet::Payers),
    /// The fleet's quarantine after an older database was put in place
    #[command(subcommand)]
    Quarantine(fleet::Quarantine),
    /// Navigation scripts
    #[command(subcommand)]
    Scripts(keep::Scripts),
    /// Where payers' pages differ from scripts
    #[command(subcommand)]
    Drift(drift::Drift),
    /// X12 files on this machine
    #[command(subcommand)]
    Edi(edi::Edi),
    /// Pictures and texts that prove what was done
    #[command(subcommand)]
    Evidence(keep::Evidence),
    /// People and API keys
    #[command(subcommand)]
    Users(keep::Users),
}

impl Cli {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self) -> Done {
        let json = self.target.json;
        match self.verb {
            Verb::Serve(flags) => match self.target.config(*flags)? {
                Some(config) => crate::start::serve(config).await.map_err(|e| of_start(&e))?,
                None => return Ok(Exit::Done),
            },
            Verb::Migrate(flags) => match self.target.config(*flags)? {
                Some(config) => {
                    let applied = crate::start::migrate(&config).await.map_err(|e| of_start(&e))?;
                    print::note(&format!("{applied} migrations applied"));
                }
                None => return Ok(Exit::Done),
            },
            Verb::Doctor(flags) => {
                return match self.target.config(*flags)? {
                    Some(config) => crate::doctor::run(&config, json).await,
                    None => Ok(Exit::Done),
                };
            }
            Verb::Edi(verb) => return verb.run(json),
            verb => return verb.ask(&Client::new(&self.target)?, json).await,
        }
        Ok(Exit::Done)
    }
}

impl Target {
    /// The configuration of a verb that works on this machine; none when it was only to be printed.
    fn config(&self, mut flags: Flags) -> Done<Option<Config>> {
        flags.data_dir.clone_from(&self.data_dir);
        let config =
            Config::load(&flags).map_err(|bad| Failed::new(Exit::Usage, bad.to_string()))?;
        if flags.print_config {
            print::line(config.print().trim_end());
            return Ok(None);
        }
        Ok(Some(config))
    }
}

impl Verb {
    async fn ask(self, client: &Client, json: bool) -> Done {
        match self {
            Self::Jobs(verb) => verb.run(client, json).await,
            Self::Cases(verb) => verb.run(client, json).await,
            Self::Exceptions(verb) => verb.run(client, json).await,
            Self::Agents(verb) => verb.run(client, json).await,
            Self::Pools(verb) => verb.run(client, json).await,
            Self::Payers(verb) => verb.run(client, json).await,
            Self::Quarantine(verb) => verb.run(client, json).await,
            Self::Scripts(verb) => verb.run(client, json).await,
            Self::Drift(verb) => verb.run(client, json).await,
            Self::Evidence(verb) => verb.run(client, json).await,
            Self::Users(verb) => verb.run(client, json).await,
            Self::Serve(_) | Self::Migrate(_) | Self::Doctor(_) | Self::Edi(_) => Ok(Exit::Usage),
        }
    }
}

fn of_start(error: &anyhow::Error) -> Failed {
    let exit = if crate::start::is_of_database(error) { Exit::Unreachable } else { Exit::Usage };
    Failed::new(exit, format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_verb_ends_its_help_with_an_example() {
        fn walk(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().filter(|c| c.get_name() != "help").for_each(walk);
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.starts_with("Example: coordinator "), "{}", command.get_name());
            }
        }
        Cli::command().debug_assert();
        walk(&Cli::command());
    }

    #[test]
    fn a_secret_is_never_an_argument() {
        let refused = Cli::try_parse_from([
            "coordinator",
            "payers",
            "credential",
            "harbor",
            "--account",
            "a",
            "--password",
            "x",
        ]);
        assert!(refused.is_err());
    }
}
