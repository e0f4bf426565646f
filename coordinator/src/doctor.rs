//! `coordinator doctor`: what is missing here, where, and the command that mends it. Looks at this machine's files and database
//! directly, and at the running coordinator when there is one.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::json;

use crate::{
    cli::{
        Client, Target,
        client::{Done, Exit},
        print,
    },
    config::Config,
    seal::KeyFile,
    store::{
        db::{Db, Open},
        migrate,
    },
};

/// What one look found.
struct Look {
    what: &'static str,
    /// What was found.
    found: String,
    /// The command that mends it; none when all is well.
    mend: Option<String>,
}

impl Look {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: found.into(), mend: None }
    }

    fn bad(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Looks at everything and prints it.
///
/// # Errors
/// Never; a failed check is an exit code.
pub async fn run(config: &Config, json: bool) -> Done {
    let mut looks = vec![data_dir(config), key_file(config), files_dir(config)];
    looks.extend(database(config).await);
    looks.push(scripts(config));
    looks.push(payers(config));
    looks.push(running(config).await);
    let failed = looks.iter().filter(|l| l.mend.is_some()).count();
    for look in &looks {
        if json {
            let line = json!({"what": look.what, "good": look.mend.is_none(),
                              "found": look.found, "mend": look.mend});
            print::line(&line.to_string());
        } else {
            let mark = if look.mend.is_some() { "FAIL" } else { "ok" };
            print::line(&format!("{mark:<5} {:<12} {}", look.what, look.found));
            if let Some(mend) = &look.mend {
                print::line(&format!("{:18} mend: {mend}", ""));
            }
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::CheckFailed })
}

fn data_dir(config: &Config) -> Look {
    let (what, dir) = ("data folder", &config.data_dir);
    let at = dir.display();
    match fs::metadata(dir) {
        Err(_) => Look::bad(what, format!("{at} does not exist"), format!("mkdir -p -m 700 {at}")),
        Ok(found) if !found.is_dir() => {
            Look::bad(what, format!("{at} is not a folder"), "set FLEET_DATA_DIR to a folder")
        }
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Look::bad(
            what,
            format!("{at} can be read by other users of this machine"),
            format!("chmod 700 {at}"),
        ),
        Ok(_) => writable(what, dir),
    }
}

fn files_dir(config: &Config) -> Look {
    let dir = &config.files_dir;
    if dir.is_dir() {
        writable("evidence", dir)
    } else {
        Look::bad(
            "evidence",
            format!("{} does not exist", dir.display()),
            format!("mkdir -p -m 700 {}", dir.display()),
        )
    }
}

fn writable(what: &'static str, dir: &Path) -> Look {
    let probe = dir.join(".doctor");
    match fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => Look::good(what, format!("{} is writable", dir.display())),
        Err(error) => Look::bad(
            what,
            format!("{} cannot be written: {error}", dir.display()),
            format!("chown -R \"$USER\" {}", dir.display()),
        ),
    }
}

fn key_file(config: &Config) -> Look {
    let (what, file) = ("master key", &config.key_file);
    let at = file.display();
    match fs::metadata(file) {
        Err(_) => Look::bad(
            what,
            format!(
                "{at} does not exist (made at the first start, or put back from where you keep it)"
            ),
            format!("coordinator serve --key-file {at}"),
        ),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Look::bad(
            what,
            format!("{at} can be read by other users of this machine"),
            format!("chmod 600 {at}"),
        ),
        Ok(_) => match KeyFile::load(file, &config.data_dir, false) {
            Ok(_) => Look::good(what, format!("{at} holds a key")),
            Err(error) => {
                Look::bad(what, error.to_string(), format!("put the right key back at {at}"))
            }
        },
    }
}

async fn database(config: &Config) -> Vec<Look> {
    let what = "database";
    let file = config
        .database_url
        .strip_prefix("sqlite:")
        .map(|path| path.trim_start_matches("//").split('?').next().unwrap_or_default().to_owned());
    if let Some(file) = &file
        && !Path::new(file).exists()
    {
        return vec![Look::bad(what, format!("{file} does not exist"), "coordinator migrate")];
    }
    let opened =
        tokio::time::timeout(Duration::from_secs(10), Db::open(&config.database_url, Open::Tool));
    let db = match opened.await {
        Ok(Ok(db)) => db,
        Ok(Err(error)) => {
            return vec![Look::bad(
                what,
                error.to_string(),
                "start the database, or set FLEET_DATABASE_URL",
            )];
        }
        Err(_) => {
            return vec![Look::bad(what, "does not answer within 10 s", "set FLEET_DATABASE_URL")];
        }
    };
    let mut looks = Vec::new();
    looks.push(match migrate::applied(&db).await {
        Ok(found) if found == migrate::newest() => {
            Look::good("migrations", format!("schema {found}"))
        }
        Ok(found) => Look::bad(
            "migrations",
            format!("schema {found}, this program wants {}", migrate::newest()),
            "coordinator migrate",
        ),
        Err(error) => Look::bad("migrations", error.to_string(), "coordinator migrate"),
    });
    looks.push(match db.probe().await {
        Ok(()) => Look::good(what, "reachable and writable"),
        Err(error) => Look::bad(
            what,
            error.to_string(),
            file.map_or("grant the user write access".to_owned(), |f| {
                format!("chown \"$USER\" {f}")
            }),
        ),
    });
    db.close().await;
    looks
}

fn scripts(config: &Config) -> Look {
    let what = "scripts";
    let report = crate::start::check_scripts(&config.scripts_dir);
    match report {
        Err(error) => Look::bad(
            what,
            format!("{} cannot be read: {error}", config.scripts_dir.display()),
            "set FLEET_SCRIPTS_DIR to the folder that holds <payer>/<task>.yaml",
        ),
        Ok(checked) if checked.is_empty() => Look::bad(
            what,
            format!("{} holds no script", config.scripts_dir.display()),
            "set FLEET_SCRIPTS_DIR to the folder that holds <payer>/<task>.yaml",
        ),
        Ok(checked) => match checked.iter().find(|(_, fault)| fault.is_some()) {
            Some((script, fault)) => Look::bad(
                what,
                format!("{script}: {}", fault.as_deref().unwrap_or_default()),
                format!("agent script check {}/{script}.yaml", config.scripts_dir.display()),
            ),
            None => Look::good(what, format!("{} check clean", checked.len())),
        },
    }
}

fn payers(config: &Config) -> Look {
    let Some(file) = &config.payers_file else {
        return Look::good("payers file", "none given; payers are those in the database");
    };
    match crate::start::read_payers(file) {
        Ok(list) => Look::good("payers file", format!("{} payers", list.len())),
        Err(error) => Look::bad(
            "payers file",
            format!("{error:#}"),
            "mend the file, or unset FLEET_PAYERS_FILE",
        ),
    }
}

async fn running(config: &Config) -> Look {
    let what = "coordinator";
    let Ok(address) = fs::read_to_string(config.data_file("address")) else {
        return Look::bad(what, "has not been started here", "coordinator serve");
    };
    let target = Target {
        coordinator_url: Some(address.trim().to_owned()),
        data_dir: Some(config.data_dir.display().to_string()),
        json: true,
    };
    let asked = match Client::new(&target) {
        Ok(client) => client.get("agents", &[("limit", "200".to_owned())]).await,
        Err(failed) => Err(failed),
    };
    match asked {
        Err(failed) => Look::bad(what, failed.message, "coordinator serve"),
        Ok(page) => {
            let agents = page.get("items").and_then(|i| i.as_array()).cloned().unwrap_or_default();
            let live = agents.iter().filter(|a| a["health"] == "live").count();
            if live == 0 {
                Look::bad(
                    "agents",
                    "the coordinator runs, but no agent has been seen lately",
                    "agent work",
                )
            } else {
                Look::good("agents", format!("the coordinator runs; {live} agents seen lately"))
            }
        }
    }
}
