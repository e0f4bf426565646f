//! Starts one simulated payer: opens its state, its hosts, and its control and truth planes. Ports and the bearer are
//! kept with the state, so that a restarted payer is found where it was.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Pace, fax, mail, people, plane,
    process::{Mailboxes, Ready},
    sim::{Profile, Sim, Start},
    tls::{self, Authority, Cert, Certificates},
};

/// How to start a simulated payer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of its state.
    pub dir: PathBuf,
    /// Folder of the test authority, shared by all payers.
    pub ca_dir: PathBuf,
    /// How fast pages are.
    pub pace: Pace,
    /// Decides numbers and chances.
    pub seed: u64,
    /// Where the clock starts.
    pub clock: Timestamp,
    /// Rate of the clock; 0 = frozen.
    pub rate: f64,
    /// Check authenticator codes against real time instead of the payer's clock.
    pub totp_clock: &'static str,
    /// Certificate shown.
    pub cert: Cert,
}

impl Options {
    /// A quick payer with a frozen clock at the start of the world.
    pub fn quick(dir: PathBuf, ca_dir: PathBuf) -> Options {
        Options {
            dir,
            ca_dir,
            pace: Pace::Quick,
            seed: 1,
            clock: super::world::world().start,
            rate: 0.0,
            totp_clock: "sim",
            cert: Cert::Trusted,
        }
    }
}

/// A payer that serves in this process until it is dropped.
pub struct Running {
    /// Where it is.
    pub ready: Ready,
    /// The payer itself.
    pub sim: Arc<Sim>,
    servers: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

/// Starts a payer; it answers calls when this returns.
pub async fn start(profile: &'static Profile, options: Options) -> Result<Running> {
    let authority = Authority::open(&options.ca_dir)?;
    let hosts = profile.hosts.iter().chain([&mail::HOST, &fax::HOST]);
    let hosts: Vec<String> = hosts.map(|host| (*host).to_owned()).collect();
    let certs = Arc::new(Certificates::new(&authority, &hosts, options.cert)?);
    let start = Start {
        dir: options.dir,
        pace: options.pace,
        seed: options.seed,
        clock: options.clock,
        rate: options.rate,
        totp_clock: options.totp_clock,
        certs: Arc::clone(&certs),
    };
    let sim = Sim::open(profile, start).context("opening the state of a simulated payer")?;
    let sim = Arc::new(sim);
    let bearer = kept_secret(&sim, "bearer");
    let shared: Arc<str> = Arc::from(bearer.as_str());
    let mut servers = Vec::new();
    let ids = Arc::new(AtomicU64::new(0));
    let mut addresses = BTreeMap::new();
    for (host, router) in (profile.routers)(Arc::clone(&sim)) {
        let listening = bind(&sim, host).await?;
        addresses.insert(host.to_owned(), listening.addr.to_string());
        servers.push(tokio::spawn(listening.serve_tls(
            router,
            Arc::clone(&certs),
            Arc::clone(&ids),
        )));
    }
    let read = Side { host: mail::HOST, bearer: sim.mail.bearer.clone() };
    let mail = read.serve(&sim, &mut servers, mail::router(Arc::clone(&sim)), &ids).await?;
    let machine = Side { host: fax::HOST, bearer: sim.fax.bearer.clone() };
    let fax = machine.serve(&sim, &mut servers, fax::router(Arc::clone(&sim)), &ids).await?;
    let watching = bind(&sim, "people").await?;
    let key = kept_secret(&sim, "people");
    let people = format!("http://{}/{key}/", watching.addr);
    servers.push(tokio::spawn(watching.serve_plain(people::router(Arc::clone(&sim), &key))));
    let control = bind(&sim, "ctl").await?;
    let truth = bind(&sim, "truth").await?;
    let ready = Ready {
        payer: profile.slug.to_owned(),
        hosts: addresses,
        ctl: format!("http://{}", control.addr),
        truth: format!("http://{}", truth.addr),
        bearer,
        ca: authority.path.clone(),
        mail,
        fax,
        people,
    };
    let planes = [
        (control, plane::control(Arc::clone(&sim), Arc::clone(&shared))),
        (truth, plane::truth(Arc::clone(&sim), shared)),
    ];
    for (listening, router) in planes {
        servers.push(tokio::spawn(listening.serve_plain(router)));
    }
    sim.flush().await;
    Ok(Running { ready, sim, servers })
}

/// A secret value that stays the same over restarts.
fn kept_secret(sim: &Sim, name: &str) -> String {
    let kept = sim.kept.get(name).and_then(|kept| Some(kept.as_str()?.to_owned()));
    let secret = kept.unwrap_or_else(Sim::secret);
    sim.kept.put(name, json!(secret));
    secret
}

/// A system beside the portal: messages, faxes.
struct Side {
    host: &'static str,
    bearer: String,
}

impl Side {
    async fn serve(
        self,
        sim: &Sim,
        servers: &mut Vec<tokio::task::JoinHandle<()>>,
        router: axum::Router,
        ids: &Arc<AtomicU64>,
    ) -> Result<Mailboxes> {
        let listening = bind(sim, self.host).await?;
        let addr = listening.addr.to_string();
        let serving = listening.serve_tls(router, Arc::clone(&sim.certs), Arc::clone(ids));
        servers.push(tokio::spawn(serving));
        Ok(Mailboxes { host: self.host.to_owned(), addr, bearer: self.bearer })
    }
}

/// Binds the port this listener had before, if it is still free.
async fn bind(sim: &Sim, name: &str) -> Result<tls::Listening> {
    let key = format!("port/{name}");
    let before = sim.kept.get(&key).and_then(|port| port.as_u64());
    let listening = tls::bind(before.and_then(|port| u16::try_from(port).ok())).await?;
    sim.kept.put(&key, json!(listening.addr.port()));
    Ok(listening)
}
