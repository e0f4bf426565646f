//! The way out of one context: a proxy of its own on loopback that carries its TLS connections and nothing else.
//!
//! It is the second half of the submit gate. Chromium repeats a POST by itself, and tells nobody, when a connection that
//! was open before dies without an answer: the payer then has the request twice. So while a gate is armed, what was open
//! is cut and each host gets one new connection and no more; a repetition finds no way out.

use super::connection::lock;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Longest head of a `CONNECT`, in bytes.
const HEAD_MAX: usize = 8 * 1024;
/// How long a client may take to say where to.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a host may take to accept a connection.
const DIAL_TIME: Duration = Duration::from_secs(20);

/// The tunnels of one context. Dropped, they are all cut.
#[derive(Debug)]
pub(crate) struct Tunnels {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    rules: HashMap<String, SocketAddr>,
    only_listed: bool,
    /// Hosts that may be reached at all; none: every host.
    listed: Mutex<Option<HashSet<String>>>,
    /// Hosts that were asked for and are not listed.
    refused: Mutex<HashSet<String>>,
    /// While armed: how many connections each host has used, of how many.
    passes: Mutex<Option<(HashMap<String, u32>, u32)>>,
    /// How many were admitted since the last arming.
    admitted: watch::Sender<u32>,
    cut: watch::Sender<u64>,
}

impl Tunnels {
    /// Opens the proxy. `rules` name the address of a host; with `only_listed` no other host is reached.
    pub(crate) async fn open(
        rules: &[(String, SocketAddr)],
        only_listed: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = rules.iter().map(|(host, to)| (host.to_lowercase(), *to)).collect();
        let shared = Arc::new(Shared {
            rules,
            only_listed,
            listed: Mutex::default(),
            refused: Mutex::default(),
            passes: Mutex::default(),
            admitted: watch::channel(0).0,
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
        Ok(Self { address, shared, accepting: task.abort_handle() })
    }

    /// Where the proxy listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on only these hosts are reached; what is open stays.
    pub(crate) fn list(&self, hosts: HashSet<String>) {
        *lock(&self.shared.listed) = Some(hosts);
    }

    /// Hosts that were asked for since the last call although they are not listed.
    pub(crate) fn take_refused(&self) -> Vec<String> {
        lock(&self.shared.refused).drain().collect()
    }

    /// Cuts every connection; from now on one new connection per host, and `more` for what the page opens again by itself.
    pub(crate) fn arm(&self, more: u32) {
        let mut passes = lock(&self.shared.passes);
        *passes = Some((HashMap::new(), 1 + more));
        self.shared.admitted.send_replace(0);
        self.shared.cut.send_modify(|n| *n += 1);
    }

    /// Resolves when so many connections were admitted since the arming.
    pub(crate) async fn reconnected(&self, count: u32) {
        let mut admitted = self.shared.admitted.subscribe();
        // The sender lives as long as this value.
        let _all = admitted.wait_for(|so_far| *so_far >= count).await;
    }

    /// Any number of connections again; those open stay.
    pub(crate) fn release(&self) {
        *lock(&self.shared.passes) = None;
    }
}

impl Drop for Tunnels {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.cut.send_modify(|n| *n += 1);
    }
}

impl Shared {
    async fn carry(self: Arc<Self>, mut client: TcpStream) {
        let Ok(Some((host, port))) = timeout(HEAD_TIME, wanted(&mut client)).await else {
            refuse(&mut client, "405 Only CONNECT").await;
            return;
        };
        if !self.may_reach(&host) {
            refuse(&mut client, "403 Not listed").await;
            return;
        }
        let Some(mut cut) = self.admit(&host) else {
            refuse(&mut client, "503 One connection only").await;
            return;
        };
        let tunnel = async {
            match timeout(DIAL_TIME, self.dial(&host, port)).await {
                Ok(Ok(mut server)) => {
                    let _nodelay = (client.set_nodelay(true), server.set_nodelay(true));
                    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
                    copy_bidirectional(&mut client, &mut server).await.map(drop)
                }
                Ok(Err(_)) | Err(_) => {
                    refuse(&mut client, "502 Not reached").await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            biased;
            _ = cut.changed() => {}
            // How a connection ends is the business of its two ends.
            _ended = tunnel => {}
        }
    }

    fn may_reach(&self, host: &str) -> bool {
        let listed = lock(&self.listed).as_ref().is_none_or(|hosts| hosts.contains(host));
        if !listed {
            lock(&self.refused).insert(host.to_owned());
        }
        listed
    }

    /// Leave for one connection, and what ends it. The lock makes arming and admitting one after the other: what is
    /// admitted before is cut, what comes after is counted.
    fn admit(&self, host: &str) -> Option<watch::Receiver<u64>> {
        let mut passes = lock(&self.passes);
        if let Some((used, most)) = passes.as_mut() {
            let used = used.entry(host.to_owned()).or_insert(0);
            if *used >= *most {
                return None;
            }
            *used += 1;
        }
        self.admitted.send_modify(|count| *count += 1);
        Some(self.cut.subscribe())
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

    #[tokio::test]
    async fn armed_cuts_what_was_open_and_lets_one_connection_out_per_host() {
        let portal = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = portal.local_addr().unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = portal.accept().await {
                open.push(stream);
            }
        });
        let rules = [("a.test".to_owned(), at), ("b.test".to_owned(), at)];
        let tunnels = Tunnels::open(&rules, true).await.unwrap();
        let (mut before, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200");
        assert_eq!(through(&tunnels, "elsewhere.test").await.1, "HTTP/1.1 502");
        tunnels.arm(0);
        let mut rest = Vec::new();
        let cut = timeout(Duration::from_secs(5), before.read_to_end(&mut rest)).await;
        assert!(cut.is_ok(), "what was open is cut");
        let (_first, answer) = through(&tunnels, "A.test").await;
        assert_eq!(answer, "HTTP/1.1 200");
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 503", "no second one");
        assert_eq!(through(&tunnels, "b.test").await.1, "HTTP/1.1 200", "each host has its own");
        tunnels.release();
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 200");
        tunnels.arm(1);
        let (_socket, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200", "what the page opens again");
        timeout(Duration::from_secs(5), tunnels.reconnected(1)).await.unwrap();
        let (_request, answer) = through(&tunnels, "a.test").await;
        assert_eq!(answer, "HTTP/1.1 200", "the one of the request");
        assert_eq!(through(&tunnels, "a.test").await.1, "HTTP/1.1 503", "and no third");
        tunnels.release();
        tunnels.list(HashSet::from(["b.test".to_owned()]));
        assert_eq!(through(&tunnels, "A.test").await.1, "HTTP/1.1 403", "not on the script's list");
        assert_eq!(through(&tunnels, "b.test").await.1, "HTTP/1.1 200");
        assert_eq!(tunnels.take_refused(), ["a.test"]);
        assert!(tunnels.take_refused().is_empty());
    }

    #[test]
    fn only_tunnels_are_carried() {
        assert_eq!(target("CONNECT Hub.test:443 HTTP/1.1\r\n"), Some(("hub.test".into(), 443)));
        assert_eq!(target("CONNECT [::1]:8443 HTTP/1.1\r\n"), Some(("::1".into(), 8443)));
        assert_eq!(target("GET http://hub.test/ HTTP/1.1\r\n"), None);
        assert_eq!(target("CONNECT hub.test HTTP/1.1\r\n"), None);
    }
}
