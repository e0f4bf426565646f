//! New databases on a throw-away Postgres of our own.
#![expect(clippy::disallowed_methods, reason = "making a database is a program of the server's")]

#[expect(
    dead_code,
    unreachable_pub,
    reason = "shared with the chaos runner, which hurts and ends it"
)]
#[path = "../../../tests/src/chaos/cluster.rs"]
mod cluster;

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use cluster::Cluster;

/// The address of a new, empty database.
pub(crate) fn database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let cluster = CLUSTER.get_or_init(|| Cluster::start(300).unwrap());
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let made = std::process::Command::new(cluster.bin.join("createdb"))
        .args(["-h", "127.0.0.1", "-U", "fleet", "-p", &cluster.port.to_string(), &name])
        .output()
        .unwrap();
    assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
    format!("postgres://fleet@127.0.0.1:{}/{name}", cluster.port)
}
