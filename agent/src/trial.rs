//! `agent try`: one script once, at a desk. The same interpreter, checks and evidence as in the fleet; a folder
//! stands in for the coordinator, and a local journal for its intents.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    id::IntentId,
    mailbox::Mailbox,
    script::{ast::SecretKind, value::FileRef},
    step::Step,
    time::Timestamp,
    wire::Order,
};
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::{
    channel::{Denied, Doors, Item, Permit, Secret, Standing, Wish},
    clock::{self, Allowed},
    mailbox::Post,
};

/// Life of a permit at the desk.
const PERMIT_MS: i64 = 10_000;
/// The value of a `person_code` that is asked for on the terminal.
const ASK: &str = "ask";
/// How long a person may take to type a code.
const PERSON_PATIENCE: Duration = Duration::from_secs(300);
/// How long a code may be on its way by e-mail.
const MAIL_PATIENCE: Duration = Duration::from_secs(120);
/// A code with less time left than this is not typed.
const CODE_LEFT: Duration = Duration::from_secs(5);

/// Secrets of a trial, by alias. No `Debug`.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, zeroize::Zeroizing<String>>,
}

impl Secrets {
    /// Reads `alias = "value"` lines; a file others can read is refused.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without values.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mode =
            fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err(format!("{0}: others can read it; chmod 600 {0}", path.display()));
        }
        let text = zeroize::Zeroizing::new(
            fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?,
        );
        let mut values = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let value = line.split_once('=').and_then(|(alias, value)| {
                let value = value.trim();
                let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'))?;
                Some((alias.trim().to_owned(), value.replace("\\\"", "\"").replace("\\\\", "\\")))
            });
            let Some((alias, value)) = value else {
                return Err(format!("{}:{}: expected alias = \"value\"", path.display(), at + 1));
            };
            values.insert(alias, zeroize::Zeroizing::new(value));
        }
        Ok(Self { values })
    }

    fn value(&self, alias: &str) -> Option<zeroize::Zeroizing<String>> {
        let from_env = || {
            let name = format!("AGENT_SECRET_{}", alias.to_uppercase());
            std::env::var(name).ok().map(zeroize::Zeroizing::new)
        };
        self.values.get(alias).cloned().or_else(from_env)
    }

    /// Whether there is a value for the alias.
    #[must_use]
    pub fn has(&self, alias: &str) -> bool {
        self.value(alias).is_some()
    }
}

/// The desk: keeps evidence and journal in folders.
pub struct Desk {
    /// Where evidence and steps go.
    pub out: PathBuf,
    /// Where intents are remembered.
    pub journal: PathBuf,
    /// Input files are relative to this.
    pub inputs: PathBuf,
    /// Values by alias.
    pub secrets: Secrets,
    /// Kinds by alias.
    pub kinds: BTreeMap<String, SecretKind>,
    /// How mailboxes are reached.
    pub post: Post,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: BTreeMap<u32, Step>,
    entry: Option<PathBuf>,
    last_code: Option<u64>,
    /// When something was typed that a code may answer.
    asked_at: Option<Timestamp>,
    /// Messages whose code was used.
    used_messages: Vec<String>,
}

impl Desk {
    /// A desk with these folders; makes them.
    ///
    /// # Errors
    /// A folder cannot be made.
    pub fn new(
        out: PathBuf,
        journal: PathBuf,
        inputs: PathBuf,
        secrets: Secrets,
        kinds: BTreeMap<String, SecretKind>,
        post: Post,
    ) -> std::io::Result<Self> {
        fs::create_dir_all(&out)?;
        fs::create_dir_all(&journal)?;
        Ok(Self { out, journal, inputs, secrets, kinds, post, state: Mutex::default() })
    }

    /// The steps as far as told.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.lock().steps.values().cloned().collect()
    }

    /// Writes how the commit ended into the journal.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn close_entry(&self, state: &str) -> std::io::Result<()> {
        let entry = self.lock().entry.clone();
        match entry {
            Some(path) => write_durably(&path, entry_text(state).as_bytes(), false),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn code(&self, seed: &str) -> Result<Secret, Denied> {
        let bad = || Denied::No {
            code: "secret".to_owned(),
            because: "the seed of the one-time code cannot be read".to_owned(),
        };
        let (seed, step) = seed_of(seed).ok_or_else(bad)?;
        let secret = totp_rs::Secret::try_from_base32(&seed).map_err(|_| bad())?;
        let totp = totp_rs::Builder::new()
            .with_secret(secret)
            .with_step_duration(step)
            .build_noncompliant();
        loop {
            let now = u64::try_from(clock::now().ms() / 1_000).unwrap_or(0);
            let (number, left) = (now / step, Duration::from_secs(step - now % step));
            let used = self.lock().last_code == Some(number);
            if !used && left >= CODE_LEFT {
                self.lock().last_code = Some(number);
                return Ok(Secret::new(totp.generate(now).to_string(), Some(left)));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The code a portal has sent by e-mail. The value of the alias is the line of the mailbox.
    async fn mailed(&self, line: &str) -> Result<Secret, Denied> {
        let no = |because: String| Denied::No { code: "code-needed".to_owned(), because };
        let mailbox = Mailbox::parse(line).ok_or_else(|| {
            no("the value of a mail_code is the address of its mailbox, https://reader:…@host/…".to_owned())
        })?;
        let (since, used) = {
            let state = self.lock();
            (state.asked_at.unwrap_or_else(clock::now), state.used_messages.clone())
        };
        let (message, code) =
            self.post.code(&mailbox, since, &used, MAIL_PATIENCE).await.map_err(no)?;
        self.lock().used_messages.push(message);
        Ok(Secret::new(code, None))
    }

    fn keep_now(&self, item: &Item) -> std::io::Result<()> {
        let kind = item.kind.word();
        let ending = match item.kind.media_type() {
            "image/png" => "png",
            "application/json" => "json",
            "application/pdf" => "pdf",
            _ => "txt",
        };
        let name = format!("{:03}-{}-{kind}-{}.{ending}", item.step, item.moment.word(), item.id);
        write_durably(&self.out.join(name), &item.bytes, false)
    }

    fn open_entry(&self, once_per: &str) -> std::io::Result<Option<IntentId>> {
        let name: String =
            Sha256::digest(once_per.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.journal.join(format!("{name}.json"));
        match write_durably(&path, entry_text("open").as_bytes(), true) {
            Ok(()) => {
                self.lock().entry = Some(path);
                Ok(Some(IntentId::new(clock::now(), rand::random())))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn entry_text(state: &str) -> String {
    let now: Timestamp = clock::now();
    format!("{}\n", serde_json::json!({"state": state, "at": now}))
}

/// Asks the person at the terminal for a code; what is typed is not repeated anywhere.
async fn asked(alias: &str) -> Result<Secret, Denied> {
    let no =
        |because: &str| Denied::No { code: "code-needed".to_owned(), because: because.to_owned() };
    let question =
        format!("{alias}: type the code the portal asks for, then Enter (within 5 minutes): ");
    // Nobody can be asked without a terminal; the question itself goes where the log goes.
    std::io::stderr().write_all(question.as_bytes()).map_err(|_| no("there is no terminal"))?;
    // A thread of its own: one that waits for a terminal must not keep the program from ending.
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = zeroize::Zeroizing::new(String::new());
        let read = std::io::stdin().read_line(&mut line);
        // Nobody waits any more: the time was over.
        let _late = tell.send(read.map(|_| line));
    });
    match tokio::time::timeout(PERSON_PATIENCE, told).await {
        Ok(Ok(Ok(line))) if !line.trim().is_empty() => {
            Ok(Secret::new(line.trim().to_owned(), None))
        }
        Ok(_) => Err(no("no code was typed")),
        Err(_) => Err(no("no code was typed within 5 minutes")),
    }
}

/// The base32 seed and the length of a step, from a plain seed or an `otpauth:` address.
fn seed_of(text: &str) -> Option<(String, u64)> {
    if !text.starts_with("otpauth:") {
        return Some((text.replace(' ', "").to_uppercase(), 30));
    }
    let url = url::Url::parse(text).ok()?;
    let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let step = query.get("period").map_or(Some(30), |period| period.parse().ok())?;
    (step > 0).then_some((query.get("secret")?.to_uppercase(), step))
}

fn write_durably(path: &Path, bytes: &[u8], only_new: bool) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).mode(0o600);
    if only_new {
        options.create_new(true)
    } else {
        options.create(true).truncate(true)
    };
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn away(error: &std::io::Error) -> Denied {
    Denied::Away(error.to_string())
}

impl Doors for Desk {
    fn steps(&self, steps: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>> {
        self.lock().steps.extend(steps.into_iter().map(|step| (step.index, step)));
        Box::pin(async { Ok(()) })
    }

    fn keep(&self, item: Item) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async move { self.keep_now(&item).map_err(|error| away(&error)) })
    }

    fn secret<'a>(
        &'a self,
        alias: &'a str,
        _origin: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Denied>> {
        Box::pin(async move {
            let Some(value) = self.secrets.value(alias) else {
                return Err(Denied::No {
                    code: "secret".to_owned(),
                    because: format!("there is no value for the secret `{alias}`"),
                });
            };
            match self.kinds.get(alias) {
                Some(SecretKind::Totp) => self.code(&value).await,
                Some(SecretKind::MailCode) => self.mailed(&value).await,
                Some(SecretKind::PersonCode) if value.as_str() == ASK => asked(alias).await,
                _ => {
                    self.lock().asked_at = Some(clock::now());
                    Ok(Secret::new(value.to_string(), None))
                }
            }
        })
    }

    fn login(&self) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { Ok(()) })
    }

    fn permit(&self, wish: Wish) -> BoxFuture<'_, Result<Permit, Denied>> {
        Box::pin(async move {
            let asked = clock::boot_ms();
            Ok(match self.open_entry(&wish.once_per).map_err(|error| away(&error))? {
                Some(intent) => {
                    Permit::Go { intent, until: Allowed::granted(asked, PERMIT_MS, 0), pass: None }
                }
                None => Permit::Already("the journal knows this request already".to_owned()),
            })
        })
    }

    fn latch(&self, _intent: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { self.close_entry("clicked").map_err(|error| away(&error)) })
    }

    fn not_clicked(&self, _intent: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async {
            let entry = self.lock().entry.take();
            match entry {
                Some(path) => fs::remove_file(path).map_err(|error| away(&error)),
                None => Ok(()),
            }
        })
    }

    fn document<'a>(&'a self, file: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>> {
        Box::pin(async move {
            let path = self.inputs.join(&file.reference);
            if path.is_file() {
                return Ok(path);
            }
            Err(Denied::No {
                code: "document".to_owned(),
                because: "an input file is not there; paths are relative to the input".to_owned(),
            })
        })
    }

    fn standing(&self) -> Standing {
        let hour = Duration::from_secs(3_600);
        Standing { left: hour, length: hour, order: Order::Continue }
    }
}

/// A desk behind the trait.
#[must_use]
pub fn doors(desk: &Arc<Desk>) -> Arc<dyn Doors> {
    Arc::<Desk>::clone(desk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_lets_a_request_pass_once() {
        let dir = tempfile::tempdir().expect("temp dir");
        let desk = Desk::new(
            dir.path().join("out"),
            dir.path().join("journal"),
            dir.path().to_owned(),
            Secrets::default(),
            BTreeMap::new(),
            Post::default(),
        )
        .expect("desk");
        assert!(desk.open_entry("W1/70551").expect("writes").is_some());
        assert!(desk.open_entry("W1/70551").expect("writes").is_none());
        assert!(desk.open_entry("W2/70551").expect("writes").is_some());
    }

    #[test]
    fn a_secrets_file_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("s.toml");
        fs::write(&path, "user = \"jo\"\n# note\npassword = \"a\\\"b\"\n").expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
        assert!(Secrets::read(&path).err().expect("refused").contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        let Ok(secrets) = Secrets::read(&path) else { panic!("reads") };
        assert_eq!(secrets.value("password").expect("there").as_str(), "a\"b");
        assert!(!secrets.has("pin"));
    }

    #[test]
    fn seeds_come_plain_or_as_an_address() {
        assert_eq!(seed_of("abcd efgh"), Some(("ABCDEFGH".to_owned(), 30)));
        let address = "otpauth://totp/x?secret=abcd&period=60";
        assert_eq!(seed_of(address), Some(("ABCD".to_owned(), 60)));
    }
}
