//! The way out of one context: a proxy of its own on loopback that carries its TLS connections and nothing else. It runs in a process
//! of its own ([`crate::keeper`]).
//!
//! It is the second half of the submit gate. Chromium repeats a POST by itself, and tells nobody, when a connection that
//! was open before dies without an answer: the payer then has the request twice. So when the gate is armed, what was open
//! is cut and nothing new is let out; a permit lets out one new connection for each host, and a repetition finds no way out. All times
//! are of the boot clock, which goes on while the machine sleeps; they are looked at again before every piece that leaves. A connection
//! that is cut is reset: what the kernel still held of it goes nowhere. Only what it had handed to the network by then may arrive.

use super::connection::lock;
use crate::clock::boot_ms;
use crate::fault::broken;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Longest head of a `CONNECT`, in bytes.
const HEAD_MAX: usize = 8 * 1024;
/// How long a client may take to say where to.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a host may take to accept a connection.
const DIAL_TIME: Duration = Duration::from_secs(20);
/// Bytes carried in one piece.
const PIECE: usize = 16 * 1024;
/// Told and not yet read: hosts that were refused, connections that were let out.
const NEWS_MAX: usize = 256;

/// The tunnels of one context. Dropped, they are all cut.
#[derive(Debug)]
pub(crate) struct Tunnels {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What happened at the tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// A host was asked for that is not on the list.
    NotListed(String),
    /// A connection was let out; so many since the arming.
    Admitted(u32),
}

#[derive(Debug)]
struct Shared {
    rules: HashMap<String, SocketAddr>,
    only_listed: bool,
    /// Hosts that may be reached at all; none: every host.
    listed: Mutex<Option<HashSet<String>>>,
    gate: Mutex<Gate>,
    news: mpsc::Sender<News>,
    cut: watch::Sender<u64>,
}

/// How the gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// Any number of connections.
    Free,
    /// What was open is cut; so many for each host are let out, for what the page opens again by itself.
    Armed { more: u32 },
    /// Nothing new, until there is a permit.
    Waits,
    /// One new connection for each host until `until`; everything is cut at `shuts_at`, or at `until` if nobody clicked by then.
    Open { until: i64, shuts_at: i64, clicked: bool },
    /// Nothing, for good.
    Shut,
}

#[derive(Debug)]
struct Gate {
    stand: Stand,
    /// Connections of an older generation carry nothing any more.
    generation: u64,
    /// Let out by host since the gate took this stand.
    used: HashMap<String, u32>,
    /// Let out since the arming.
    opened: u32,
}

impl Gate {
    fn cut(&mut self, stand: Stand) {
        self.stand = stand;
        self.generation += 1;
        self.used.clear();
    }

    /// Shuts for good when its time is over; whether it has just done so.
    fn tick(&mut self, now: i64) -> bool {
        let over = match self.stand {
            Stand::Open { until, clicked, shuts_at } => {
                // Nothing let out by then, nothing can be any more.
                now >= shuts_at || now >= until && (!clicked || self.opened == 0)
            }
            _ => false,
        };
        if over && !broken("tunnel-stays-open") {
            self.cut(Stand::Shut);
            return true;
        }
        false
    }

    fn admit(&mut self, host: &str, now: i64) -> bool {
        let most = match self.stand {
            Stand::Free => return true,
            Stand::Armed { more } => more,
            Stand::Waits | Stand::Shut => 0,
            Stand::Open { until, .. } => u32::from(now < until),
        };
        let used = self.used.entry(host.to_owned()).or_insert(0);
        if *used >= most {
            return false;
        }
        *used += 1;
        self.opened += 1;
        true
    }
}

impl Tunnels {
    /// Opens the proxy; what happens comes out of the receiver. `rules` name the address of a host; with `only_listed` no other host is
    /// reached.
    pub(crate) async fn open(
        rules: &[(String, SocketAddr)],
        only_listed: bool,
    ) -> io::Result<(Self, mpsc::Receiver<News>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = rules.iter().map(|(host, to)| (host.to_lowercase(), *to)).collect();
        let (news, heard) = mpsc::channel(NEWS_MAX);
        let gate = Gate { stand: Stand::Free, generation: 0, used: HashMap::new(), opened: 0 };
        let shared = Arc::new(Shared {
            rules,
            only_listed,
            listed: Mutex::default(),
            gate: Mutex::new(gate),
            news,
            cut: watch::channel(0).0,
        });
        let accepted = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((client, _)) => {
                        tokio::spawn(Arc::clone(&accepted).carry(client));
                    }
                    // Out of descriptors, or the client has gone again: the next one may be luckier.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Ok((Self { address, shared, accepting: task.abort_handle() }, heard))
    }

    /// Where the proxy listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on only these hosts are reached; what is open stays.
    pub(crate) fn list(&self, hosts: HashSet<String>) {
        *lock(&self.shared.listed) = Some(hosts);
    }

    /// Cuts every connection; from now on `more` new ones per host, for what the page opens again by itself. False when it is shut.
    pub(crate) fn arm(&self, more: u32) -> bool {
        self.shared.change(|gate| {
            if gate.stand == Stand::Shut {
                return false;
            }
            gate.cut(Stand::Armed { more });
            gate.opened = 0;
            true
        })
    }

    /// Nothing new any more, until there is a permit. False when it was not armed.
    pub(crate) fn wait(&self) -> bool {
        self.shared.change(|gate| {
            let armed = matches!(gate.stand, Stand::Armed { .. });
            if armed {
                gate.stand = Stand::Waits;
            }
            armed
        })
    }

    /// One new connection for each host until `until`, everything cut at `shuts_at` (boot clock). False when it does not wait.
    pub(crate) fn permit(&self, until: i64, shuts_at: i64) -> bool {
        self.shared.change(|gate| {
            let again =
                broken("permit-reused") && matches!(gate.stand, Stand::Open { .. } | Stand::Shut);
            if gate.stand != Stand::Waits && !again {
                return false;
            }
            gate.stand = Stand::Open { until, shuts_at, clicked: false };
            gate.used.clear();
            true
        })
    }

    /// The click is about to happen: what is let out may stay until the end. False when the permit is over.
    pub(crate) fn clicked(&self) -> bool {
        self.shared.change(|gate| match &mut gate.stand {
            Stand::Open { clicked, .. } => {
                *clicked = true;
                true
            }
            _ => false,
        })
    }

    /// Any number of connections again; those open stay. False when it is shut for good.
    pub(crate) fn release(&self) -> bool {
        self.shared.change(|gate| {
            if gate.stand != Stand::Shut {
                gate.stand = Stand::Free;
            }
            gate.stand == Stand::Free
        })
    }

    /// Shuts for good.
    pub(crate) fn shut(&self) {
        self.shared.change(|gate| {
            if gate.stand != Stand::Shut {
                gate.cut(Stand::Shut);
            }
        });
    }

    /// Whether it is shut for good, and how many connections were let out since the arming.
    pub(crate) fn standing(&self) -> (bool, u32) {
        self.shared.change(|gate| (gate.stand == Stand::Shut, gate.opened))
    }
}

impl Drop for Tunnels {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shut();
    }
}

/// A connection to a payer. Dropped in the middle it is reset, so that the kernel does not go on sending what it still holds of it.
struct Outbound {
    stream: TcpStream,
    /// Both ends have ended it: it may close as connections do.
    ended: bool,
}

impl Drop for Outbound {
    fn drop(&mut self) {
        if !self.ended
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection cannot be reset");
        }
    }
}

impl Shared {
    /// Changes the gate as it is at this moment; connections that it cut end.
    fn change<T>(&self, change: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gate = lock(&self.gate);
        let before = gate.generation;
        gate.tick(boot_ms());
        let changed = change(&mut gate);
        if gate.generation != before {
            self.cut.send_replace(gate.generation);
        }
        changed
    }

    async fn carry(self: Arc<Self>, mut client: TcpStream) {
        let Ok(Some((host, port))) = timeout(HEAD_TIME, wanted(&mut client)).await else {
            refuse(&mut client, "405 Only CONNECT").await;
            return;
        };
        if !self.may_reach(&host).await {
            refuse(&mut client, "403 Not listed").await;
            return;
        }
        let mut cut = self.cut.subscribe();
        let Some((generation, opened)) = self.admit(&host) else {
            refuse(&mut client, "503 One connection only").await;
            return;
        };
        // Somebody who no longer listens needs no news.
        let _told = self.news.send(News::Admitted(opened)).await;
        let tunnel = async {
            match timeout(DIAL_TIME, self.dial(&host, port)).await {
                Ok(Ok(server)) => {
                    let _nodelay = (client.set_nodelay(true), server.set_nodelay(true));
                    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
                    let mut server = Outbound { stream: server, ended: false };
                    let relayed = self.relay(&mut client, &mut server.stream, generation).await;
                    server.ended = relayed.is_ok();
                    relayed
                }
                Ok(Err(_)) | Err(_) => {
                    refuse(&mut client, "502 Not reached").await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            biased;
            _ = cut.wait_for(|now| *now != generation) => {}
            // How a connection ends is the business of its two ends.
            _ended = tunnel => {}
        }
    }

    /// Both ways until one end ends. Before every piece that leaves the gate is looked at: after a sleep of the machine, or of this
    /// process, nothing leaves that may not any more.
    async fn relay(
        &self,
        client: &mut TcpStream,
        server: &mut TcpStream,
        generation: u64,
    ) -> io::Result<()> {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let out = async {
            let mut piece = vec![0; PIECE];
            loop {
                let n = from_client.read(&mut piece).await?;
                if n == 0 {
                    return to_server.shutdown().await;
                }
                if self.change(|gate| gate.generation) != generation {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                to_server.write_all(piece.get(..n).unwrap_or_default()).await?;
            }
        };
        let back = async {
            tokio::io::copy(&mut from_server, &mut to_client).await?;
            to_client.shutdown().await
        };
        tokio::try_join!(out, back).map(drop)
    }

    async fn may_reach(&self, host: &str) -> bool {
        let listed = lock(&self.listed).as_ref().is_none_or(|hosts| hosts.contains(host));
        if !listed {
            let _told = self.news.send(News::NotListed(host.to_owned())).await;
        }
        listed
    }

    /// Leave for one connection: its generation, and how many there were since the arming. The lock makes arming and admitting one
    /// after the other: what is admitted before is cut, what comes after is counted.
    fn admit(&self, host: &str) -> Option<(u64, u32)> {
        self.change(|gate| {
            let admitted = gate.admit(host, boot_ms());
            admitted.then_some((gate.generation, gate.opened))
        })
    }

    async fn dial(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        if let Some(address) = self.rules.get(host) {
            return TcpStream::connect(address).await;
        }
        if self.only_listed {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut last = io::ErrorKind::NotFound.into();
        for address in lookup_host((host, port)).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Host and port of a `CONNECT`; none for anything else.
async fn wanted(client: &mut TcpStream) -> Option<(String, u16)> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let n = client.read(&mut part).await.ok().filter(|n| *n > 0)?;
        head.extend_from_slice(part.get(..n)?);
        if head.len() > HEAD_MAX {
            return None;
        }
    }
    target(std::str::from_utf8(&head).ok()?)
}

fn target(head: &str) -> Option<(String, u16)> {
    let mut words = head.lines().next()?.split(' ');
    if words.next() != Some("CONNECT") {
        return None;
    }
    let (host, port) = words.next()?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_lowercase(), port.parse().ok()?))
}

async fn refuse(client: &mut TcpStream, status: &str) {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    // Somebody who has gone needs no answer.
    let _gone = client.write_all(answer.as_bytes()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn through(tunnels: &Tunnels, host: &str) -> (TcpStream, String) {
        let mut client = TcpStream::connect(tunnels.address()).await.unwrap();
        client.write_all(format!("CONNECT {host}:443 HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        (client, String::from_utf8_lossy(&answer).into_owned())
    }

    async fn opened() -> (Tunnels, mpsc::Receiver<News>) {
        let portal = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = portal.local_addr().unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = portal.accept().await {
                open.push(stream);
            }
        });
        let rules = [("a.test".to_owned(), at), ("b.test".to_owned(), at)];
        Tunnels::open(&rules, true).await.unwrap()
    }

    async fn is_cut(stream: &mut TcpStream) -> bool {
        let mut rest = Vec::new();
        timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await.is_ok()
    }

    #[tokio::test]
    async fn armed_cuts_what_was_open_and_a_permit_lets_out_one_connection_per_host() {
        let (tunnels, mut news) = opened().await;
        let (mut before, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200");
        assert_eq!(through(&tunnels, "elsewhere.test").await.1, "HTTP/1.1 502");
        assert!(!tunnels.permit(i64::MAX, i64::MAX), "not before it is armed");
        assert!(tunnels.arm(1));
        assert!(is_cut(&mut before).await, "what was open is cut");
        let (_socket, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200", "what the page opens again");
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 503", "and no more");
        assert!(tunnels.wait());
        assert_eq!(through(&tunnels, "b.test").await.1, "HTTP/1.1 503", "not without a permit");
        assert!(tunnels.permit(i64::MAX, i64::MAX));
        assert!(!tunnels.permit(i64::MAX, i64::MAX), "once");
        let (_first, answer) = through(&tunnels, "A.test").await;
        assert_eq!(answer, "HTTP/1.1 200");
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 503", "no second one");
        assert_eq!(through(&tunnels, "b.test").await.1, "HTTP/1.1 200", "each host has its own");
        assert_eq!(tunnels.standing(), (false, 3));
        assert!(tunnels.release());
        tunnels.list(HashSet::from(["b.test".to_owned()]));
        assert_eq!(through(&tunnels, "A.test").await.1, "HTTP/1.1 403", "not on the script's list");
        assert_eq!(through(&tunnels, "b.test").await.1, "HTTP/1.1 200");
        let mut told = Vec::new();
        while let Ok(one) = news.try_recv() {
            told.push(one);
        }
        assert!(told.contains(&News::NotListed("a.test".to_owned())), "{told:?}");
        assert!(told.contains(&News::Admitted(1)), "{told:?}");
    }

    #[test]
    fn it_shuts_by_itself_without_a_click_and_at_the_end_with_one() {
        for clicked in [false, true] {
            let stand = Stand::Open { until: 300, shuts_at: 900, clicked };
            let mut gate = Gate { stand, generation: 1, used: HashMap::new(), opened: 0 };
            assert!(gate.admit("a.test", 299) && !gate.admit("a.test", 299));
            assert!(!gate.admit("b.test", 300), "the permit is over");
            let end = if clicked { 900 } else { 300 };
            assert!(!gate.tick(end - 1), "not before its time");
            assert!(gate.tick(end) && gate.stand == Stand::Shut && gate.generation == 2);
            assert!(!gate.tick(end + 1) && !gate.admit("c.test", end + 1), "for good");
        }
        // Clicked, and nothing asked for a connection by the permit's end.
        let stand = Stand::Open { until: 300, shuts_at: 900, clicked: true };
        let mut gate = Gate { stand, generation: 1, used: HashMap::new(), opened: 0 };
        assert!(gate.tick(300));
    }

    #[tokio::test]
    async fn what_is_open_at_the_end_is_cut_and_nothing_opens_it_again() {
        let (tunnels, _news) = opened().await;
        assert!(tunnels.arm(0) && tunnels.wait());
        assert!(tunnels.permit(i64::MAX, i64::MAX));
        let (mut stream, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200");
        tunnels.shut();
        assert_eq!(tunnels.standing(), (true, 1));
        assert!(is_cut(&mut stream).await);
        assert!(!tunnels.clicked() && !tunnels.release() && !tunnels.arm(0), "for good");
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 503");
    }

    #[test]
    fn only_tunnels_are_carried() {
        assert_eq!(target("CONNECT Hub.test:443 HTTP/1.1\r\n"), Some(("hub.test".into(), 443)));
        assert_eq!(target("CONNECT [::1]:8443 HTTP/1.1\r\n"), Some(("::1".into(), 8443)));
        assert_eq!(target("GET http://hub.test/ HTTP/1.1\r\n"), None);
        assert_eq!(target("CONNECT hub.test HTTP/1.1\r\n"), None);
    }
}
