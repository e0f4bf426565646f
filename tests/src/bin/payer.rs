//! Runs one simulated payer as a process of its own. `serve`, for stories, the demo and measurements, prints one line of JSON
//! when it can be called; `practice`, for people who learn, says what to do. Both serve until they are told to end.

use std::{io::Read as _, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use tests::portal::{
    Options, Pace, Skin, clock::real_now, practice, profiles, serve, tls::Cert, world::world,
};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "payer", about = "A simulated payer on loopback")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serves a payer until SIGTERM.
    Serve(Serve),
    /// Serves a payer with a few cases for a person to practice on, and says how: see docs/tutorial.md.
    Practice(Practice),
}

#[derive(clap::Args)]
struct Practice {
    /// Which payer: the tutorial's is verity.
    #[arg(default_value = "verity", value_parser = ["verity"])]
    payer: String,
    /// Folder of everything it writes; made if missing.
    #[arg(long, default_value = "practice")]
    dir: PathBuf,
    /// How its pages look: as first built, or redesigned.
    #[arg(long, default_value = "v1")]
    skin: Skin,
}

#[derive(clap::Args)]
struct Serve {
    /// Which payer: crestline, verity, larkfield, harbor, planbridge, rxbright.
    payer: String,
    /// Folder of its state; made if missing.
    #[arg(long)]
    dir: PathBuf,
    /// Folder of the test authority, shared by all payers; made if missing.
    #[arg(long)]
    ca_dir: PathBuf,
    /// How fast its pages are.
    #[arg(long, default_value = "quick")]
    pace: Pace,
    /// Decides numbers and chances.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where its clock starts: `now` or an RFC 3339 moment; default: the start of the world.
    #[arg(long)]
    clock: Option<String>,
    /// How fast its clock runs: `frozen` or simulated seconds per second; default 1 with `--clock now`, else frozen.
    #[arg(long)]
    rate: Option<String>,
    /// Which clock authenticator codes are checked against.
    #[arg(long, default_value = "sim", value_parser = ["sim", "real"])]
    totp_clock: String,
    /// Which certificate it shows.
    #[arg(long, default_value = "trusted")]
    cert: Cert,
    /// End when standard input closes.
    #[arg(long)]
    with_parent: bool,
}

impl Serve {
    fn options(&self) -> Result<Options> {
        let (clock, running) = match self.clock.as_deref() {
            None => (world().start, false),
            Some("now") => (real_now(), true),
            Some(text) => (text.parse().context("--clock is now or an RFC 3339 moment")?, false),
        };
        let rate = match self.rate.as_deref() {
            None if running => 1.0,
            None | Some("frozen") => 0.0,
            Some(text) => text.parse().context("--rate is frozen or a number")?,
        };
        if !(0.0..=1e9).contains(&rate) {
            bail!("--rate {rate} is not between 0 and a thousand million");
        }
        Ok(Options {
            dir: self.dir.clone(),
            ca_dir: self.ca_dir.clone(),
            pace: self.pace,
            seed: self.seed,
            clock,
            rate,
            totp_clock: if self.totp_clock == "real" { "real" } else { "sim" },
            cert: self.cert,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    match Cli::parse().verb {
        Verb::Serve(args) => serve(args).await,
        Verb::Practice(args) => practise(args).await,
    }
}

async fn serve(args: Serve) -> Result<()> {
    let profile = profiles()
        .into_iter()
        .find(|profile| profile.slug == args.payer)
        .with_context(|| format!("no simulated payer {}", args.payer))?;
    let running = serve::start(profile, args.options()?).await?;
    say(&serde_json::to_string(&running.ready)?);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = parent_gone(), if args.with_parent => {}
    }
    running.sim.flush().await;
    Ok(())
}

/// Serves, and shows what is e-mailed to the account, until told to end.
async fn practise(args: Practice) -> Result<()> {
    let practice = practice::start(&args.dir, args.skin).await?;
    say(&practice.welcome());
    let mut known = practice.messages().len();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut look = tokio::time::interval(Duration::from_millis(300));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = look.tick() => {
                let all = practice.messages();
                for message in all.iter().skip(known) {
                    say(&format!("E-mail from {}: {}", message.from, message.text));
                }
                known = all.len();
            }
        }
    }
    practice.running.sim.flush().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what is printed is this program's answer")]
fn say(text: &str) {
    println!("{text}");
}

/// Returns when standard input closes.
async fn parent_gone() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 64];
        while std::io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        // Nobody listening any more means that the process is ending anyhow.
        let _ = tell.send(());
    });
    let _ = told.await;
}
