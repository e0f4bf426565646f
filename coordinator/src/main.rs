//! The program `coordinator`.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use coordinator::cli::{Cli, print};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

fn main() -> ExitCode {
    log_to_stderr();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print::note(&format!("the runtime cannot be started: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(cli.run()) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failed) => {
            print::note(&failed.message);
            ExitCode::from(failed.exit as u8)
        }
    }
}

/// Logs go to standard error; what they say is chosen by `RUST_LOG`. Statements of the database are never logged, whatever
/// `RUST_LOG` says: their values may be patients'.
fn log_to_stderr() {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let tells = coordinator::fault::broken("statements-in-the-log");
    let quiet = filter_fn(move |about| tells || !about.target().starts_with("sqlx"));
    let colour = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
    tracing_subscriber::registry().with(lines.with_filter(quiet)).with(wanted).init();
}
