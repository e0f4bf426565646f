//! A payer that takes a submission in and then behaves so that a browser sends it again: at the level of sockets and, for HTTP/2, of
//! frames, since no web framework lets a server be that rude.

use std::net::SocketAddr;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// After so many the payer gives in and answers: a page that tries for ever would never end.
const ENOUGH: usize = 6;

/// What happens after a submission was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is answered.
    Answer,
    /// The connection is closed without a byte.
    Close,
    /// The connection is reset.
    Drop,
    /// "Request timeout", and closed.
    Timeout,
    /// A gateway says that it is not there.
    BadGateway,
    /// HTTP/2: the server goes away and says that it has not looked at the stream.
    GoAway,
    /// HTTP/2: the stream is refused, which means "not processed, try again".
    RefuseStream,
}

/// How one payer behaves.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) then: Then,
    /// Connections stay open after a page was shown.
    pub(crate) keeps_alive: bool,
    pub(crate) http2: bool,
    pub(crate) page: &'static str,
    /// What a submission is answered with.
    pub(crate) answer: &'static str,
}

/// A running payer.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) at: SocketAddr,
    received: Arc<AtomicUsize>,
}

impl Payer {
    /// How many submissions arrived.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }

    /// Counts from nothing again.
    pub(crate) fn forget(&self) {
        self.received.store(0, Ordering::SeqCst);
    }

    pub(crate) async fn open(manner: Manner, tls: &rustls::ServerConfig) -> Payer {
        let mut tls = tls.clone();
        if manner.http2 {
            tls.alpn_protocols.push(b"h2".to_vec());
        }
        tls.alpn_protocols.push(b"http/1.1".to_vec());
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let payer = Payer { at: listener.local_addr().unwrap(), received: Arc::default() };
        let (received, manner) = (Arc::clone(&payer.received), Arc::new(manner));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let line = Line {
                    acceptor: acceptor.clone(),
                    manner: Arc::clone(&manner),
                    received: Arc::clone(&received),
                };
                // Browsers leave connections whenever they like.
                tokio::spawn(async move { line.serve(socket).await.unwrap_or(()) });
            }
        });
        payer
    }
}

struct Line {
    acceptor: TlsAcceptor,
    manner: Arc<Manner>,
    received: Arc<AtomicUsize>,
}

type Tls = TlsStream<TcpStream>;

impl Line {
    async fn serve(self, socket: TcpStream) -> std::io::Result<()> {
        let mut tls = self.acceptor.accept(socket).await?;
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(&mut tls).await
        } else {
            self.http1(&mut tls).await
        }
    }

    /// Counts a submission and says what becomes of it.
    fn take(&self) -> Then {
        let before = self.received.fetch_add(1, Ordering::SeqCst);
        if before + 1 >= ENOUGH { Then::Answer } else { self.manner.then }
    }

    async fn http1(&self, tls: &mut Tls) -> std::io::Result<()> {
        loop {
            let head = head(tls).await?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let mut body = vec![0; length.unwrap_or(0)];
            tls.read_exact(&mut body).await?;
            if !head.starts_with("POST ") {
                let connection = if self.manner.keeps_alive { "keep-alive" } else { "close" };
                say(tls, "200 OK", connection, self.manner.page).await?;
                if self.manner.keeps_alive {
                    continue;
                }
                return tls.shutdown().await;
            }
            match self.take() {
                // A refusal of HTTP/2 has no words in HTTP/1.1: then there is an answer.
                Then::Answer | Then::GoAway | Then::RefuseStream => {
                    say(tls, "200 OK", "keep-alive", self.manner.answer).await?;
                }
                Then::Close => return tls.shutdown().await,
                Then::Drop => return reset(tls),
                Then::Timeout => {
                    say(tls, "408 Request Timeout", "close", "").await?;
                    return tls.shutdown().await;
                }
                Then::BadGateway => say(tls, "502 Bad Gateway", "keep-alive", "no").await?,
            }
        }
    }

    async fn http2(&self, tls: &mut Tls) -> std::io::Result<()> {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await?;
        frame(tls, SETTINGS, 0, 0, &[]).await?;
        let mut submitting = None;
        loop {
            let mut head = [0; 9];
            tls.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            tls.read_exact(&mut payload).await?;
            let ends = flags & END_STREAM != 0;
            match kind {
                SETTINGS if flags & ACK == 0 => frame(tls, SETTINGS, ACK, 0, &[]).await?,
                PING if flags & ACK == 0 => frame(tls, PING, ACK, 0, &payload).await?,
                // What has a body is the submission: pages are asked for without one.
                HEADERS if ends => answer(tls, stream, self.manner.page).await?,
                HEADERS => submitting = Some(stream),
                DATA if ends && submitting == Some(stream) => match self.take() {
                    Then::Answer => answer(tls, stream, self.manner.answer).await?,
                    Then::Close => return tls.shutdown().await,
                    Then::Drop => return reset(tls),
                    Then::GoAway => {
                        // Last stream 0, no error.
                        frame(tls, GOAWAY, 0, 0, &[0; 8]).await?;
                        return tls.shutdown().await;
                    }
                    Then::RefuseStream => {
                        frame(tls, RST_STREAM, 0, stream, &7_u32.to_be_bytes()).await?;
                    }
                    Then::Timeout | Then::BadGateway => unreachable!("only told over HTTP/1.1"),
                },
                _ => {}
            }
        }
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

async fn frame(
    tls: &mut Tls,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    tls.write_all(&bytes).await?;
    tls.flush().await
}

/// Status 200 and `text/html` by HPACK's static table (entries 8 and 31), then the body.
async fn answer(tls: &mut Tls, stream: u32, body: &str) -> std::io::Result<()> {
    let mut headers = vec![0x88, 0x0f, 0x10, 9];
    headers.extend(b"text/html");
    frame(tls, HEADERS, END_HEADERS, stream, &headers).await?;
    frame(tls, DATA, END_STREAM, stream, body.as_bytes()).await
}

async fn head(tls: &mut Tls) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tls.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn say(tls: &mut Tls, status: &str, connection: &str, body: &str) -> std::io::Result<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: {connection}\r\n\r\n{body}",
        body.len()
    );
    tls.write_all(text.as_bytes()).await?;
    tls.flush().await
}

/// Closed with a reset instead of a farewell.
fn reset(tls: &mut Tls) -> std::io::Result<()> {
    tls.get_ref().0.set_zero_linger()
}

/// Certificates for these hosts, and the authority that browsers have to be told of.
pub(crate) fn certificates(hosts: Vec<String>) -> (rustls::ServerConfig, String) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Rude Authority");
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(hosts).unwrap().signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (config, ca.pem())
}

/// How long the payers are listened to after the last row has ended: what would be repeated is repeated at once.
pub(crate) const AFTERWARDS: Duration = Duration::from_millis(700);
