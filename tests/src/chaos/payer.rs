//! The simulated payer of the stand-in rows: takes a request, records it, answers or fails to, and can be searched. Its ledger is the
//! same kind of record every simulated payer keeps, on disk before an answer leaves.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use super::key_of;
use crate::{
    ledger::{Entry, Ledger, Wanted},
    portal::{clock::real_now, journal::lock},
};

/// What may go wrong with one submission at this payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upset {
    /// The request arrives, nothing is recorded, the connection ends.
    CutBeforeRecord,
    /// Recorded; the connection ends without an answer.
    CutAfterRecord,
    /// Recorded; the answer is an error page.
    ErrorAfterRecord,
    /// Recorded; half an answer.
    HalfAnswer,
    /// Recorded; a page that says it failed.
    ErrorShown,
    /// Recorded; no answer for a long time.
    Silence,
    /// No answer; recorded a while later.
    RecordedLate,
}

impl Upset {
    /// All of them.
    pub const ALL: [Upset; 7] = [
        Upset::CutBeforeRecord,
        Upset::CutAfterRecord,
        Upset::ErrorAfterRecord,
        Upset::HalfAnswer,
        Upset::ErrorShown,
        Upset::Silence,
        Upset::RecordedLate,
    ];

    /// Its word in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Upset::CutBeforeRecord => "cut-before-record",
            Upset::CutAfterRecord => "cut-after-record",
            Upset::ErrorAfterRecord => "502-after-record",
            Upset::HalfAnswer => "half-a-page",
            Upset::ErrorShown => "error-shown-but-recorded",
            Upset::Silence => "never-answers",
            Upset::RecordedLate => "records-late",
        }
    }
}

/// How this payer behaves.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Of a hundred submissions so many are upset.
    pub upset_percent: u32,
    /// Of a hundred searches so many come back empty because their source is down.
    pub search_down_percent: u32,
    /// Longest time an ordinary answer takes, milliseconds.
    pub slow_ms: u64,
    /// Longest time until a late request is on record, milliseconds.
    pub late_ms: u64,
}

impl Habits {
    /// Everything works; answers take a moment.
    pub fn good() -> Habits {
        Habits { upset_percent: 0, search_down_percent: 0, slow_ms: 120, late_ms: 400 }
    }
}

struct Shop {
    ledger: Ledger,
    habits: Habits,
    chance: Mutex<StdRng>,
    recorded: Mutex<Vec<(String, String)>>,
    numbers: AtomicU64,
    open: AtomicUsize,
}

/// The payer while it serves.
pub struct Payer {
    address: SocketAddr,
    shop: Arc<Shop>,
    accepting: AbortHandle,
}

impl Payer {
    /// Serves on a free port with its ledger in `dir`.
    ///
    /// # Errors
    /// The folder cannot be written, or no port is free.
    pub async fn start(dir: &Path, habits: Habits, seed: u64) -> Result<Payer> {
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shop = Arc::new(Shop {
            ledger: Ledger::open(dir, "CX")?,
            habits,
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            recorded: Mutex::default(),
            numbers: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shop);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shop = Arc::clone(&serving);
                tokio::spawn(async move {
                    shop.open.fetch_add(1, Ordering::SeqCst);
                    // A client that goes away in the middle is the client's business.
                    let _ended = shop.serve(stream).await;
                    shop.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Payer { address, shop, accepting: task.abort_handle() })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its whole record.
    pub fn ledger(&self) -> Vec<Value> {
        self.shop.ledger.entries(&Wanted::default())
    }
}

impl Drop for Payer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shop {
    fn draw(&self, percent: u32) -> bool {
        lock(&self.chance).random_range(0..100) < percent
    }

    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let (path, body) = read(&mut stream).await?;
        let form: Value = serde_json::from_slice(&body)?;
        let wait = lock(&self.chance).random_range(0..=self.habits.slow_ms);
        tokio::time::sleep(Duration::from_millis(wait / 2)).await;
        if path == "/search" {
            let (status, said) = self.search(&form);
            return answer(&mut stream, status, &said).await;
        }
        let received = self.ledger.append(
            real_now(),
            Entry::new("submit_received")
                .with("origin", "fleet")
                .with("open", self.open.load(Ordering::SeqCst))
                .fields(form.clone()),
        );
        let upset = self
            .draw(self.habits.upset_percent)
            .then(|| Upset::ALL[lock(&self.chance).random_range(0..Upset::ALL.len())]);
        if let Some(upset) = upset {
            let fired = Entry::new("fault_fired").with("do", upset.word());
            self.ledger.append(real_now(), fired.with("received_seq", received));
        }
        match upset {
            Some(Upset::CutBeforeRecord) => {
                self.ledger.flush().await;
                return Ok(());
            }
            Some(Upset::RecordedLate) => {
                let late = lock(&self.chance).random_range(0..=self.habits.late_ms);
                self.ledger.flush().await;
                // The connection ends now; the record comes when it comes.
                drop(stream);
                tokio::time::sleep(Duration::from_millis(late)).await;
                self.record(received, &form).await;
                return Ok(());
            }
            _ => {}
        }
        let number = self.record(received, &form).await;
        tokio::time::sleep(Duration::from_millis(wait / 2)).await;
        match upset {
            Some(Upset::CutAfterRecord) => Ok(()),
            Some(Upset::ErrorAfterRecord) => answer(&mut stream, 502, &json!({})).await,
            Some(Upset::ErrorShown) => {
                answer(&mut stream, 200, &json!({"error": "Your request failed."})).await
            }
            Some(Upset::HalfAnswer) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le").await?;
                Ok(())
            }
            Some(Upset::Silence) => {
                tokio::time::sleep(Duration::from_secs(4)).await;
                Ok(())
            }
            _ => answer(&mut stream, 200, &json!({"number": number})).await,
        }
    }

    async fn record(&self, received: u64, form: &Value) -> String {
        let number = format!("CX{:09}", self.numbers.fetch_add(1, Ordering::SeqCst) + 1);
        let entry = Entry::new("submit_committed")
            .with("effect", true)
            .with("received_seq", received)
            .with("numbers", json!([{"kind": "tracking", "value": number}]))
            .fields(form.clone());
        self.ledger.append(real_now(), entry);
        lock(&self.recorded).push((key_of(form), number.clone()));
        self.ledger.flush().await;
        number
    }

    fn search(&self, form: &Value) -> (u16, Value) {
        if self.draw(self.habits.search_down_percent) {
            return (200, json!({"works": false, "numbers": []}));
        }
        let key = key_of(form);
        let recorded = lock(&self.recorded);
        let found: Vec<&String> =
            recorded.iter().filter(|(of, _)| *of == key).map(|(_, number)| number).collect();
        (200, json!({"works": true, "numbers": found}))
    }
}

async fn read(stream: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let n = stream.read(&mut chunk).await?;
        anyhow::ensure!(n > 0 && bytes.len() < 65_536, "the call broke off");
        bytes.extend_from_slice(&chunk[..n]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|n| n.trim().parse::<usize>().ok())
            .unwrap_or(0);
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            let n = stream.read(&mut chunk).await?;
            anyhow::ensure!(n > 0, "the body broke off");
            body.extend_from_slice(&chunk[..n]);
        }
        return Ok((path, body));
    }
}

async fn answer(stream: &mut TcpStream, status: u16, said: &Value) -> Result<()> {
    let body = said.to_string();
    let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
