//! The first start: a person who can sign in, a key for the operator's own tools, a key for agents. Each secret is written once to
//! a file that only its owner can read, and its path is told; the value never goes to a log.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use domain::time::Timestamp;

use super::{
    Role, key,
    people::{NewPerson, add, add_key},
};
use crate::{
    api::error::Problem,
    config::Config,
    flow::{Actor, Core},
    store::{Store, people},
};

/// Makes what is missing; the files written, for the operator to be told of.
///
/// # Errors
/// A file cannot be written, or the database cannot.
pub async fn first_start(
    core: &Core,
    config: &Config,
    now: Timestamp,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let store = &core.store;
    let users = people::users(store).await.context("reading the users")?;
    let admin = match users.into_iter().find(|u| u.login == "admin") {
        Some(admin) => admin.id,
        None => {
            let password = key::random();
            let file = config.data_file("first-sign-in.txt");
            // The file first: a user whose password nobody knows would lock everybody out.
            write_new(&file, &format!("login: admin\npassword: {password}\n"))?;
            let new = NewPerson {
                login: "admin",
                name: "Administrator",
                role: Role::Admin,
                password: &password,
            };
            let made = add(core, &Actor::Setup, new, now).await.map_err(told)?;
            written.push(file);
            made
        }
    };
    let file = config.data_file("operator.key");
    if !still_good(store, &file).await? {
        let made = add_key(core, &Actor::Setup, admin, ("operator", Role::Admin), now)
            .await
            .map_err(told)?;
        write_new(&file, &format!("{}\n", made.key))?;
        written.push(file);
    }
    Ok(written)
}

/// Whether the file holds a key that the database knows.
async fn still_good(store: &Store, file: &Path) -> anyhow::Result<bool> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(false) };
    let known = people::key_by_hash(store, &key::hash(text.trim())).await;
    Ok(known.context("reading the keys")?.is_some())
}

/// The hash of the key that agents hold: from the environment, or from `agent.key`, which is made when it is missing.
///
/// # Errors
/// The file cannot be read or written.
pub fn agent_key_hash(config: &Config) -> anyhow::Result<String> {
    if let Some(given) = &config.agent_key {
        return Ok(key::hash(given));
    }
    let file = config.data_file("agent.key");
    if !file.exists() {
        write_new(&file, &format!("{}\n", key::random()))?;
    }
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("reading the agents' key from {}", file.display()))?;
    let text = text.trim();
    anyhow::ensure!(
        text.len() >= 20,
        "{} holds no key; remove it and start again to have one made",
        file.display()
    );
    Ok(key::hash(text))
}

/// Writes a secret to a file that only its owner can read, replacing what was there.
fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let fresh = file.with_extension("new");
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&fresh, file)
    };
    write().with_context(|| format!("writing {}", file.display()))
}

fn told(problem: Problem) -> anyhow::Error {
    anyhow::anyhow!("{}", problem.detail)
}
