//! The fault proxy: carries TCP from here to there, and cuts, delays, swallows one way, truncates, or cuts on a word, when told to.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

/// What the proxy does now. Connections that are open feel a change at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Carries everything.
    Open,
    /// Cuts what is open and refuses what comes.
    Cut,
    /// What the client says never arrives; the client is not told.
    SwallowThere,
    /// What the server says never arrives.
    SwallowBack,
    /// Everything takes so long, each way.
    Slow(Duration),
    /// Cuts each connection after so many bytes to the server.
    CutAfter(usize),
    /// Cuts a connection when the client says this word, before it arrives.
    CutOn(&'static [u8]),
    /// Cuts a connection when the server says this word, before it arrives: what was asked for was done, and nobody was told.
    CutOnBack(&'static [u8]),
}

/// The proxy while it runs.
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    accepting: AbortHandle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    There,
    Back,
}

impl Proxy {
    /// Carries from a free port to `target`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: SocketAddr) -> Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let way = watch::channel(Way::Open).0;
        let told = way.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let told = told.clone();
                tokio::spawn(async move {
                    if *told.borrow() == Way::Cut {
                        return;
                    }
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    // When one way ends, the other ends with it.
                    tokio::select! {
                        () = carry(from_client, to_server, told.subscribe(), Heading::There) => {}
                        () = carry(from_server, to_client, told.subscribe(), Heading::Back) => {}
                    }
                });
            }
        });
        Ok(Proxy { address, way, accepting: task.abort_handle() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.send_replace(Way::Cut);
        self.accepting.abort();
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    heading: Heading,
) {
    let mut chunk = vec![0_u8; 16 * 1024];
    let mut carried = 0;
    loop {
        let now = way.borrow_and_update().clone();
        if now == Way::Cut {
            return;
        }
        let read = tokio::select! {
            read = from.read(&mut chunk) => read,
            changed = way.changed() => if changed.is_ok() { continue } else { return },
        };
        let n = match read {
            Ok(0) | Err(_) => return,
            Ok(n) => n,
        };
        let bytes = &chunk[..n];
        match (&now, heading) {
            (Way::SwallowThere, Heading::There) | (Way::SwallowBack, Heading::Back) => continue,
            (Way::Slow(long), _) => tokio::time::sleep(*long).await,
            (Way::CutAfter(most), Heading::There) if carried + n > *most => {
                let rest = most.saturating_sub(carried);
                let _sent = to.write_all(&bytes[..rest]).await;
                return;
            }
            (Way::CutOn(word), Heading::There) | (Way::CutOnBack(word), Heading::Back)
                if bytes.windows(word.len()).any(|w| w == *word) =>
            {
                return;
            }
            _ => {}
        }
        carried += n;
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says everything back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ended = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    /// What must come back may take its time; what must not is waited for a moment.
    const COMES: Duration = Duration::from_secs(60);
    const STAYS_AWAY: Duration = Duration::from_millis(500);

    /// What comes back of what is said.
    async fn said(proxy: &Proxy, text: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(proxy.address()).await.ok()?;
        stream.write_all(text).await.ok()?;
        let mut back = vec![0; text.len()];
        let read = tokio::time::timeout(patience, stream.read_exact(&mut back));
        matches!(read.await, Ok(Ok(_))).then_some(back)
    }

    #[tokio::test]
    async fn every_way_does_what_it_says() {
        let proxy = Proxy::start(echo().await).await.expect("starts");
        assert_eq!(said(&proxy, b"hello", COMES).await.as_deref(), Some(&b"hello"[..]));
        for way in [
            Way::Cut,
            Way::SwallowThere,
            Way::SwallowBack,
            Way::CutAfter(3),
            Way::CutOn(b"ell"),
            Way::CutOnBack(b"ell"),
            Way::Slow(Duration::from_secs(120)),
        ] {
            proxy.set(way.clone());
            assert_eq!(said(&proxy, b"hello", STAYS_AWAY).await, None, "{way:?}");
        }
        proxy.set(Way::CutOn(b"COMMIT"));
        assert!(said(&proxy, b"hello", COMES).await.is_some(), "another word is carried");
        proxy.set(Way::Open);
        assert!(said(&proxy, b"hello", COMES).await.is_some(), "healed");
    }
}
