//! The program `agent`: takes work from the coordinator, or tries and checks scripts at a desk.

use std::process::ExitCode;

use agent::cli::{
    self, doctor::Doctor, import::Import, script::ScriptCommand, trial::Try, work::Work,
};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::filter_fn, prelude::*};

/// Stack of each thread of the runtime.
const STACK_BYTES: usize = 16 << 20;

/// Drives browsers through payer portals by scripts.
#[derive(Parser)]
#[command(name = "agent", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the fleet: takes leases until it is told to end.
    Work(Box<Work>),
    /// Runs one script once, without a coordinator.
    Try(Box<Try>),
    /// Checks scripts.
    Script {
        #[command(subcommand)]
        command: ScriptCommand,
    },
    /// Makes a draft of a script from a recording of Chrome's Recorder.
    Import(Box<Import>),
    /// Looks whether everything an agent needs is there.
    Doctor(Box<Doctor>),
    /// The submit gate of one context; started by the agent itself.
    #[command(hide = true)]
    Gate,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            cli::tell(&format!("agent: {error:#}"));
            ExitCode::from(cli::exit::ERROR)
        }
    }
}

fn run() -> anyhow::Result<u8> {
    let cli = Cli::parse();
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // A step of a script is a deep nest of futures, and a debug build gives each its own large frame.
        .thread_stack_size(STACK_BYTES)
        .build()
        .context("the runtime could not be started")?;
    Ok(runtime.block_on(async {
        match cli.command {
            Command::Work(options) => cli::work::run(*options).await,
            Command::Try(options) => cli::trial::run(&options).await,
            Command::Script { command } => cli::script::run(&command),
            Command::Import(options) => cli::import::run(&options),
            Command::Doctor(options) => cli::doctor::run(&options).await,
            Command::Gate => cli::gate::run().await,
        }
    }))
}

/// Logs as JSON lines on standard error. What the browser library logs is denied whatever the filter says: it prints
/// whole commands.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("FLEET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(std::io::stderr)
        .with_filter(filter_fn(|event| !event.target().starts_with("chromiumoxide")));
    tracing_subscriber::registry().with(filter).with(lines).init();
}
