//! OpenSSH's own server, started on a free port with throw-away keys. The system's server and its settings are left alone.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use transport::{
    Secret,
    credential::Rotation,
    sftp::{HostKey, Limits, Site, SshLogin},
};

use crate::judges::missing;

const SSHD: &str = "/usr/sbin/sshd";

pub(crate) struct Sshd {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
    meddles: bool,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "ends by itself, and is waited for")]
fn keygen(kind: &str, file: &Path, pass_phrase: &str) {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", pass_phrase, "-C", "throw-away", "-f"])
        .arg(file)
        .status()
        .unwrap();
    assert!(done.success());
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

impl Sshd {
    /// Starts one; none where OpenSSH's server is not installed and nobody demands the judges.
    pub(crate) fn start() -> Option<Self> {
        Self::begin(false)
    }

    /// Starts one that does with a rename what [`Sshd::meddle`] says.
    pub(crate) fn meddling() -> Option<Self> {
        Self::begin(true)
    }

    /// What is done wrong from now on; nothing where it is empty.
    pub(crate) fn meddle(&self, mode: &str) {
        std::fs::write(self.path("mode"), mode).unwrap();
    }

    fn begin(meddles: bool) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            missing("no OpenSSH server; run `.ci/deps`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (kind, name) in [("ed25519", "host"), ("rsa", "host_rsa"), ("ed25519", "host_new")] {
            keygen(kind, &path(name), "");
        }
        keygen("ed25519", &path("user"), "");
        keygen("ecdsa", &path("user_ecdsa"), "open sesame");
        keygen("rsa", &path("user_rsa"), "");
        let keys = ["user.pub", "user_ecdsa.pub", "user_rsa.pub"].map(|name| read(&path(name)));
        std::fs::write(path("authorized"), keys.concat()).unwrap();
        for name in ["inbound", "outbound", "archive"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(path("mode"), "").unwrap();
        let child = Self::spawn(folder.path(), port, &["host", "host_rsa"], meddles);
        let sshd = Self { child, folder, port, meddles };
        sshd.wait();
        Some(sshd)
    }

    #[expect(clippy::disallowed_methods, reason = "ended by its id when the test drops it")]
    fn spawn(folder: &Path, port: u16, keys: &[&str], meddles: bool) -> Child {
        let path = |name: &str| folder.join(name).display().to_string();
        let server = ["/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];
        let server = server.into_iter().find(|path| Path::new(path).exists());
        let mut subsystem = server.unwrap_or("internal-sftp").to_owned();
        if meddles {
            let script = Path::new(env!("CARGO_MANIFEST_DIR"));
            let script = script.join("tests/transport/judges/meddler.py");
            subsystem = format!("python3 {} {} {subsystem}", script.display(), path("mode"));
        }
        let mut config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             AuthorizedKeysFile {}\nSubsystem sftp {subsystem}\n",
            path("authorized"),
        );
        for key in keys {
            config.push_str(&format!("HostKey {}\n", path(key)));
        }
        std::fs::write(folder.join("config"), config).unwrap();
        // As root, the server wants this folder; a running system has it.
        let separation = Path::new("/run/sshd");
        if !separation.exists() {
            let _ = std::fs::create_dir(separation);
        }
        let log = std::fs::File::create(folder.join(format!("log-{}", keys.join("-")))).unwrap();
        Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(folder.join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = self.log();
            assert!(Instant::now() < until, "OpenSSH's server does not start: {log}");
            std::thread::yield_now();
        }
    }

    /// Starts it again with other host keys.
    pub(crate) fn change_keys(&mut self, keys: &[&str]) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = Self::spawn(self.folder.path(), self.port, keys, self.meddles);
        self.wait();
    }

    /// A file or folder of the payer.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder as the client names it.
    pub(crate) fn folder(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// What the servers wrote down, each under the names of its keys.
    pub(crate) fn log(&self) -> String {
        let logs = self.names(".").into_iter().filter(|name| name.starts_with("log-"));
        logs.map(|name| format!("{name}\n{}", read(&self.path(&name)))).collect()
    }

    pub(crate) fn host_key(&self, name: &str) -> HostKey {
        let until: Timestamp = "2027-06-01T00:00:00Z".parse().unwrap();
        HostKey::new(&read(&self.path(&format!("{name}.pub"))), None, Some(until)).unwrap()
    }

    pub(crate) fn key(&self, name: &str) -> Secret {
        Secret::text(read(&self.path(name)))
    }

    /// What a client knows of it, with our first key and one host key.
    pub(crate) fn site(&self, host_key: &str) -> Site {
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        Site {
            host: "127.0.0.1".into(),
            port: self.port,
            user,
            login: SshLogin::Key { key: self.key("user"), pass_phrase: None },
            keys: Rotation::new(self.host_key(host_key)),
            limits: Limits { handshake: Duration::from_secs(60), ..Limits::default() },
        }
    }
}
