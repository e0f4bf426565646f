//! A throw-away Postgres of our own: its own cluster in a temporary folder, durability on, on a free port of the loopback. It ends
//! with this process, however that ends: a small shell waits for the end of a pipe that only we hold.
#![expect(clippy::disallowed_methods, reason = "a database server of our own is a process")]

use std::{
    env, fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

const INSTALL: &str = "Postgres is missing; the suite runs on both databases. Install it: apt-get install -y postgresql";

struct Cluster {
    bin: PathBuf,
    port: u16,
    // Closed when this process ends; the shell then ends the server.
    _pipe: std::process::ChildStdin,
}

fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .collect();
    found.sort();
    found.reverse();
    found.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let whole = |p: &PathBuf| {
        ["initdb", "postgres", "pg_ctl", "createdb"].iter().all(|b| p.join(b).is_file())
    };
    found.into_iter().find(whole).expect(INSTALL)
}

/// As root the server must run as somebody else; `setpriv` is part of every Debian.
fn run_as() -> (Vec<String>, Option<nix::unistd::User>) {
    if !nix::unistd::geteuid().is_root() {
        return (Vec::new(), None);
    }
    let user = nix::unistd::User::from_name("postgres").unwrap().expect(INSTALL);
    let by = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
    (by.map(str::to_owned).to_vec(), Some(user))
}

fn command(by: &[String], program: &Path) -> Command {
    let mut words = by.iter();
    match words.next() {
        None => Command::new(program),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    }
}

fn start() -> Cluster {
    let bin = binaries();
    // Not under the build folder: that may lie in a home that the server's user cannot enter.
    let place = tempfile::Builder::new().prefix("fleet-pg-").tempdir().unwrap().keep();
    let (by, user) = run_as();
    if let Some(user) = user {
        chown(&place, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
    let data = place.join("data");
    let made = command(&by, &bin.join("initdb"))
        .args(["-A", "trust", "-U", "fleet", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
        .arg(&data)
        .current_dir("/")
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // `pg_ctl -w` comes back when the server takes connections, or says that it never will.
    let script = format!(
        "trap '' HUP INT TERM; {by} {bin}/pg_ctl -w -t 60 -D {data} -l {place}/log \
         -o '-k {place} -h 127.0.0.1 -p {port} -c max_connections=300' start >{place}/told 2>&1 </dev/null \
         && echo started || echo refused; cat >/dev/null; {by} {bin}/pg_ctl -m fast -D {data} stop >/dev/null 2>&1; rm -rf {place}",
        by = by.join(" "),
        bin = bin.display(),
        data = data.display(),
        place = place.display(),
    );
    #[expect(
        clippy::zombie_processes,
        reason = "it ends with its input, when this whole program ends"
    )]
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = [0; 8];
    shell.stdout.take().unwrap().read_exact(&mut told).unwrap();
    let pipe = shell.stdin.take().unwrap();
    let log = || fs::read_to_string(place.join("log")).unwrap_or_default();
    assert!(told == *b"started\n", "Postgres did not start: {}", log());
    Cluster { bin, port, _pipe: pipe }
}

/// The address of a new, empty database.
pub(crate) fn database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(cluster.bin.join("createdb"))
        .args(["-h", "127.0.0.1", "-U", "fleet", "-p", &cluster.port.to_string(), &name])
        .output()
        .unwrap();
    assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
    format!("postgres://fleet@127.0.0.1:{}/{name}", cluster.port)
}
