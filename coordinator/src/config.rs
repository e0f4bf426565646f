//! The coordinator's configuration: one struct, from flags and environment, checked once, printable without secrets.
//! What operators change while the fleet runs (limits, pauses, permissions) is not in here: it is in the database.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use url::Url;

/// A setting that cannot be used; says which variable and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} ({from}): {reason}")]
pub struct BadSetting {
    /// The environment variable's name.
    pub variable: &'static str,
    /// Where the value came from.
    pub from: Origin,
    /// What is wrong and what is expected; never the value itself.
    pub reason: String,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Command line.
    Flag,
    /// Environment.
    Environment,
    /// Neither was given.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Default => "default",
        })
    }
}

/// Flags of `serve`, `migrate` and `doctor`. Each has an environment variable of the same meaning; the flag wins.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Folder for the database, evidence and keys; every verb has this flag, so it is read with the client's.
    #[arg(skip)]
    pub data_dir: Option<String>,
    /// sqlite:… or postgres://… [env: FLEET_DATABASE_URL, DATABASE_URL] [default: sqlite:<data>/fleet.db]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Address to listen on; port 0 takes a free one [env: FLEET_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Address people use in their browser, when a proxy stands in front; with https the cookie is marked Secure [env: FLEET_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Master key, 32 bytes in base64, outside the data folder [env: FLEET_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<String>,
    /// Folder for sealed evidence and documents [env: FLEET_FILES_DIR] [default: <data>/files]
    #[arg(long, value_name = "DIR")]
    pub files_dir: Option<String>,
    /// Scripts published at start [env: FLEET_SCRIPTS_DIR] [default: scripts]
    #[arg(long, value_name = "DIR")]
    pub scripts_dir: Option<String>,
    /// JSON list of payers, taken in at start [env: FLEET_PAYERS_FILE]
    #[arg(long, value_name = "FILE")]
    pub payers_file: Option<String>,
    /// Lease length in milliseconds [env: FLEET_LEASE_TTL_MS] [default: 60000]
    #[arg(long, value_name = "MS")]
    pub lease_ttl_ms: Option<String>,
    /// Period of heartbeats in milliseconds [env: FLEET_HEARTBEAT_MS] [default: 15000]
    #[arg(long, value_name = "MS")]
    pub heartbeat_ms: Option<String>,
    /// Unit of the retry schedule in milliseconds [env: FLEET_REST_UNIT_MS] [default: 60000]
    #[arg(long, value_name = "MS")]
    pub rest_unit_ms: Option<String>,
    /// How long a sign-in waits for a code that a person has, in milliseconds [env: FLEET_CODE_WAIT_MS] [default: 300000]
    #[arg(long, value_name = "MS")]
    pub code_wait_ms: Option<String>,
    /// Where mailboxes of simulated payers are: HOST=ADDR:PORT, with commas between [env: FLEET_HOST_RULES]
    #[arg(long, value_name = "RULES")]
    pub host_rules: Option<String>,
    /// PEM file of a further authority that mailboxes may show [env: FLEET_EXTRA_CA]
    #[arg(long, value_name = "FILE")]
    pub extra_ca: Option<String>,
    /// Most open connections [env: FLEET_CONNECTIONS_MAX] [default: 1024]
    #[arg(long, value_name = "N")]
    pub connections_max: Option<String>,
    /// Print every setting with its origin, then end
    #[arg(long)]
    pub print_config: bool,
}

/// The checked configuration.
#[derive(Clone)]
pub struct Config {
    /// Folder of this coordinator's own files.
    pub data_dir: PathBuf,
    /// `sqlite:…` or `postgres://…`; may hold a password, so it is never printed whole.
    pub database_url: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people use in their browser, where it is not `listen`: scheme, host and port of a proxy.
    pub public_url: Option<Url>,
    /// The master key's file.
    pub key_file: PathBuf,
    /// Sealed evidence and documents.
    pub files_dir: PathBuf,
    /// Scripts published at start.
    pub scripts_dir: PathBuf,
    /// Payers taken in at start.
    pub payers_file: Option<PathBuf>,
    /// The agents' key when given by the environment instead of a file.
    pub agent_key: Option<String>,
    /// Lease length, milliseconds.
    pub lease_ttl_ms: i64,
    /// Heartbeat period, milliseconds.
    pub heartbeat_ms: i64,
    /// Unit of the retry schedule, milliseconds.
    pub rest_unit_ms: i64,
    /// How long a sign-in waits for a code that a person has, milliseconds.
    pub code_wait_ms: i64,
    /// Host names of mailboxes that are not asked of DNS.
    pub host_rules: BTreeMap<String, SocketAddr>,
    /// A further authority that mailboxes may show.
    pub extra_ca: Option<PathBuf>,
    /// Most open connections.
    pub connections_max: usize,
    origins: BTreeMap<&'static str, Origin>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.print())
    }
}

/// Reads settings and remembers where each came from.
struct Reader<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Reader<'_> {
    fn text(&mut self, variable: &'static str, flag: Option<&String>) -> Option<String> {
        let (value, from) = match (flag, (self.env)(variable).filter(|v| !v.is_empty())) {
            (Some(value), _) => (Some(value.clone()), Origin::Flag),
            (None, Some(value)) => (Some(value), Origin::Environment),
            (None, None) => (None, Origin::Default),
        };
        self.origins.insert(variable, from);
        value
    }

    fn number(
        &mut self,
        variable: &'static str,
        flag: Option<&String>,
        otherwise: i64,
    ) -> Result<i64, BadSetting> {
        let Some(text) = self.text(variable, flag) else { return Ok(otherwise) };
        match text.parse::<i64>() {
            Ok(n) if (1..=86_400_000).contains(&n) => Ok(n),
            _ => Err(self.bad(variable, "expected a whole number from 1 to 86400000")),
        }
    }

    fn bad(&self, variable: &'static str, reason: &str) -> BadSetting {
        let from = self.origins.get(variable).copied().unwrap_or(Origin::Default);
        BadSetting { variable, from, reason: reason.to_owned() }
    }
}

impl Config {
    /// From flags and the process environment.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn load(flags: &Flags) -> Result<Self, BadSetting> {
        Self::from(flags, &|name| std::env::var(name).ok())
    }

    /// From flags and a given environment (tests).
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn from(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let mut r = Reader { env, origins: BTreeMap::new() };
        let data_dir = PathBuf::from(
            r.text("FLEET_DATA_DIR", flags.data_dir.as_ref()).unwrap_or("data".into()),
        );
        let database_url = database_url(&mut r, flags, &data_dir)?;
        let listen = r
            .text("FLEET_LISTEN", flags.listen.as_ref())
            .unwrap_or("127.0.0.1:8080".into())
            .parse()
            .map_err(|_| r.bad("FLEET_LISTEN", "expected address:port, such as 127.0.0.1:8080"))?;
        let path = |text: Option<String>, otherwise: PathBuf| text.map_or(otherwise, PathBuf::from);
        let key_file = path(
            r.text("FLEET_KEY_FILE", flags.key_file.as_ref()),
            config_dir(env).join("fleet").join("master.key"),
        );
        let public_url = public_url(&mut r, flags)?;
        let host_rules = host_rules(&mut r, flags)?;
        let config = Self {
            database_url,
            listen,
            public_url,
            files_dir: path(
                r.text("FLEET_FILES_DIR", flags.files_dir.as_ref()),
                data_dir.join("files"),
            ),
            scripts_dir: path(
                r.text("FLEET_SCRIPTS_DIR", flags.scripts_dir.as_ref()),
                "scripts".into(),
            ),
            payers_file: r.text("FLEET_PAYERS_FILE", flags.payers_file.as_ref()).map(PathBuf::from),
            agent_key: r.text("FLEET_AGENT_KEY", None),
            lease_ttl_ms: r.number("FLEET_LEASE_TTL_MS", flags.lease_ttl_ms.as_ref(), 60_000)?,
            heartbeat_ms: r.number("FLEET_HEARTBEAT_MS", flags.heartbeat_ms.as_ref(), 15_000)?,
            rest_unit_ms: r.number("FLEET_REST_UNIT_MS", flags.rest_unit_ms.as_ref(), 60_000)?,
            code_wait_ms: r.number("FLEET_CODE_WAIT_MS", flags.code_wait_ms.as_ref(), 300_000)?,
            host_rules,
            extra_ca: r.text("FLEET_EXTRA_CA", flags.extra_ca.as_ref()).map(PathBuf::from),
            connections_max: usize::try_from(r.number(
                "FLEET_CONNECTIONS_MAX",
                flags.connections_max.as_ref(),
                1024,
            )?)
            .expect("a number from 1 to 86400000 fits"),
            data_dir,
            key_file,
            origins: r.origins.clone(),
        };
        config.check(&r)?;
        Ok(config)
    }

    fn check(&self, r: &Reader<'_>) -> Result<(), BadSetting> {
        if absolute(&self.key_file).starts_with(absolute(&self.data_dir)) {
            return Err(r.bad(
                "FLEET_KEY_FILE",
                "the master key must not lie in the data folder: whoever copies the data would have the key",
            ));
        }
        if self.heartbeat_ms * 2 > self.lease_ttl_ms {
            return Err(r.bad(
                "FLEET_HEARTBEAT_MS",
                "at most half of FLEET_LEASE_TTL_MS, so that one lost heartbeat does not end a lease",
            ));
        }
        if self.agent_key.as_ref().is_some_and(|k| k.len() < 20) {
            return Err(r.bad("FLEET_AGENT_KEY", "at least 20 characters"));
        }
        Ok(())
    }

    /// Whether browsers reach the coordinator by TLS: at a proxy, as the public address says. Without one an address that is not a
    /// loopback's is taken for such, since a cookie must not travel in clear.
    #[must_use]
    pub fn over_tls(&self) -> bool {
        self.public_url
            .as_ref()
            .map_or(!self.listen.ip().is_loopback(), |url| url.scheme() == "https")
    }

    /// Whether the public address is told to be one of TLS: then browsers may be held to it.
    #[must_use]
    pub fn tls_is_certain(&self) -> bool {
        self.public_url.is_some() && self.over_tls()
    }

    fn rules_text(&self) -> String {
        let rules: Vec<String> =
            self.host_rules.iter().map(|(host, at)| format!("{host}={at}")).collect();
        if rules.is_empty() { "-".to_owned() } else { rules.join(",") }
    }

    /// Where a file of this coordinator lies, such as `address`, `agent.key`.
    #[must_use]
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// One line per setting: name, value, origin. Secrets appear as names only.
    #[must_use]
    pub fn print(&self) -> String {
        let show = |p: &Path| p.display().to_string();
        let rows = [
            ("FLEET_DATA_DIR", show(&self.data_dir)),
            ("FLEET_DATABASE_URL", without_password(&self.database_url)),
            ("FLEET_LISTEN", self.listen.to_string()),
            ("FLEET_PUBLIC_URL", self.public_url.as_ref().map_or("-".into(), ToString::to_string)),
            ("FLEET_KEY_FILE", show(&self.key_file)),
            ("FLEET_FILES_DIR", show(&self.files_dir)),
            ("FLEET_SCRIPTS_DIR", show(&self.scripts_dir)),
            ("FLEET_PAYERS_FILE", self.payers_file.as_deref().map(show).unwrap_or("-".into())),
            (
                "FLEET_AGENT_KEY",
                if self.agent_key.is_some() {
                    "(set, not shown)".into()
                } else {
                    format!("(file {})", show(&self.data_file("agent.key")))
                },
            ),
            ("FLEET_LEASE_TTL_MS", self.lease_ttl_ms.to_string()),
            ("FLEET_HEARTBEAT_MS", self.heartbeat_ms.to_string()),
            ("FLEET_REST_UNIT_MS", self.rest_unit_ms.to_string()),
            ("FLEET_CODE_WAIT_MS", self.code_wait_ms.to_string()),
            ("FLEET_HOST_RULES", self.rules_text()),
            ("FLEET_EXTRA_CA", self.extra_ca.as_deref().map(show).unwrap_or("-".into())),
            ("FLEET_CONNECTIONS_MAX", self.connections_max.to_string()),
        ];
        rows.iter()
            .map(|(name, value)| {
                let origin = self.origins.get(name).copied().unwrap_or(Origin::Default);
                format!("{name:<22} {value}  ({origin})\n")
            })
            .collect()
    }
}

fn public_url(r: &mut Reader<'_>, flags: &Flags) -> Result<Option<Url>, BadSetting> {
    const VARIABLE: &str = "FLEET_PUBLIC_URL";
    let Some(text) = r.text(VARIABLE, flags.public_url.as_ref()) else { return Ok(None) };
    let plain = |url: &Url| {
        ["http", "https"].contains(&url.scheme())
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
    };
    match Url::parse(&text) {
        Ok(url) if plain(&url) => Ok(Some(url)),
        _ => {
            Err(r
                .bad(VARIABLE, "expected an address such as https://fleet.example, without a path"))
        }
    }
}

fn host_rules(
    r: &mut Reader<'_>,
    flags: &Flags,
) -> Result<BTreeMap<String, SocketAddr>, BadSetting> {
    const VARIABLE: &str = "FLEET_HOST_RULES";
    let Some(text) = r.text(VARIABLE, flags.host_rules.as_ref()) else {
        return Ok(BTreeMap::new());
    };
    let rule = |rule: &str| {
        let (host, at) = rule.trim().split_once('=')?;
        Some((host.to_owned(), at.parse().ok()?))
    };
    let rules = text.split(',').filter(|one| !one.trim().is_empty()).map(rule).collect();
    let rules: Option<BTreeMap<_, _>> = rules;
    rules.ok_or_else(|| r.bad(VARIABLE, "expected HOST=ADDR:PORT, with commas between"))
}

fn database_url(r: &mut Reader<'_>, flags: &Flags, data_dir: &Path) -> Result<String, BadSetting> {
    let given = r.text("FLEET_DATABASE_URL", flags.database_url.as_ref()).or_else(|| {
        // The name everybody guesses; ours wins where both are set.
        let guessed = (r.env)("DATABASE_URL").filter(|v| !v.is_empty());
        if guessed.is_some() {
            r.origins.insert("FLEET_DATABASE_URL", Origin::Environment);
        }
        guessed
    });
    let url = given.unwrap_or_else(|| format!("sqlite:{}", data_dir.join("fleet.db").display()));
    if ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        Ok(url)
    } else {
        Err(r.bad("FLEET_DATABASE_URL", "expected sqlite:<file> or postgres://…"))
    }
}

fn config_dir(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    env("XDG_CONFIG_HOME").filter(|v| !v.is_empty()).map_or_else(
        || PathBuf::from(env("HOME").unwrap_or("/".into())).join(".config"),
        PathBuf::from,
    )
}

/// Absolute, with `.` and `..` taken out, and symbolic links followed as far as the path exists.
fn absolute(path: &Path) -> PathBuf {
    let given = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut full = PathBuf::new();
    for part in given.components() {
        if part == std::path::Component::ParentDir {
            full.pop();
        } else {
            full.push(part);
        }
    }
    let mut tail = Vec::new();
    let mut head = full.as_path();
    loop {
        if let Ok(real) = head.canonicalize() {
            return tail.iter().rev().fold(real, |at: PathBuf, part| at.join(part));
        }
        match (head.parent(), head.file_name()) {
            (Some(parent), Some(name)) => {
                tail.push(name.to_owned());
                head = parent;
            }
            _ => return full.clone(),
        }
    }
}

fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let _ = parsed.set_password(Some("***"));
            // A password can also be given as a parameter.
            parsed.set_query(None);
            parsed.to_string()
        }
        Ok(mut parsed) if parsed.query().is_some_and(|q| q.contains("password")) => {
            parsed.set_query(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, BadSetting> {
        let env: BTreeMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from(&Flags::default(), &|name| env.get(name).cloned())
    }

    #[test]
    fn defaults_are_those_of_the_manual() {
        let c = load(&[("HOME", "/h")]).unwrap();
        assert_eq!(c.database_url, "sqlite:data/fleet.db");
        assert_eq!(c.key_file, PathBuf::from("/h/.config/fleet/master.key"));
        assert_eq!(c.files_dir, PathBuf::from("data/files"));
        assert!(c.print().contains("FLEET_LISTEN           127.0.0.1:8080  (default)"));
    }

    #[test]
    fn the_public_address_says_whether_browsers_speak_tls() {
        for (listen, public, tls) in [
            ("127.0.0.1:8080", None, false),
            ("127.0.0.1:8080", Some("https://fleet.example"), true),
            ("127.0.0.1:8080", Some("http://localhost:8080"), false),
            ("10.0.0.7:8080", None, true),
            ("10.0.0.7:8080", Some("http://fleet.internal"), false),
        ] {
            let mut pairs = vec![("FLEET_LISTEN", listen)];
            pairs.extend(public.map(|url| ("FLEET_PUBLIC_URL", url)));
            assert_eq!(load(&pairs).unwrap().over_tls(), tls, "{listen} {public:?}");
        }
    }

    #[test]
    fn a_key_beside_the_data_is_refused_even_through_dots() {
        for key in ["/d/master.key", "/d/sub/../master.key", "/x/../d/k"] {
            let refused = load(&[("FLEET_DATA_DIR", "/d"), ("FLEET_KEY_FILE", key)]);
            assert_eq!(refused.unwrap_err().variable, "FLEET_KEY_FILE", "{key}");
        }
    }

    #[test]
    fn secrets_are_names() {
        let c = load(&[
            ("DATABASE_URL", "postgres://fleet:hunter2hunter2@db/fleet?sslmode=require"),
            ("FLEET_AGENT_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ])
        .unwrap();
        let printed = format!("{c:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("aaaa"), "{printed}");
        assert!(printed.contains("(environment)"));
    }

    #[test]
    fn bad_numbers_name_their_variable() {
        for (name, value) in [
            ("FLEET_LEASE_TTL_MS", "soon"),
            ("FLEET_REST_UNIT_MS", "0"),
            ("FLEET_HEARTBEAT_MS", "59000"),
            ("FLEET_LISTEN", "everywhere"),
            ("FLEET_PUBLIC_URL", "clinic.example"),
            ("FLEET_PUBLIC_URL", "https://clinic.example/console"),
            ("DATABASE_URL", "mysql://x"),
        ] {
            let bad = load(&[(name, value)]).unwrap_err();
            assert!(bad.variable.ends_with(name), "{bad}");
            assert!(!bad.to_string().contains(value) || value == "0", "{bad}");
        }
    }
}
