//! Starting: from a configuration to a serving coordinator, in the one order that is safe (key before data, schema before reads,
//! payers before scripts, duties before the door opens), and the same pieces for `migrate` and `doctor`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use domain::{
    fleet::Payer,
    script::{Finding, Level, check::check_script},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    App,
    access::bootstrap,
    api::{facade::tell::Teller, scripts::bundle},
    cli::print,
    clock::Clock,
    config::Config,
    duties,
    files::Files,
    flow::{Actor, Core, Rules, payers, publish},
    mark::Place,
    post::Post,
    router,
    seal::KeyFile,
    serve,
    store::{
        Store,
        db::{Db, Open, unkept},
        migrate,
    },
};

/// The pool of payers that name none.
pub const POOL: &str = "default";

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The sentence for the operator.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let clock = Clock::System;
    let core = open(&config, &clock).await?;
    let post = Post::new(&config.host_rules, config.extra_ca.as_ref())
        .map_err(|why| anyhow::anyhow!("FLEET_EXTRA_CA: {why}"))?;
    let now = clock.now();
    let mark = Place::of(&config.data_dir);
    if mark.check(&core, now).await? {
        print::note(
            "the database is an older copy: the fleet is in quarantine. See `coordinator quarantine show`",
        );
    }
    for file in bootstrap::first_start(&core, &config, now).await? {
        print::note(&format!("written, readable by you only: {}", file.display()));
    }
    let agent_key_hash = bootstrap::agent_key_hash(&config)?;
    take_in_payers(&core, &config, &clock).await?;
    publish_scripts(&core, &config, &clock).await?;

    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listening on {} (FLEET_LISTEN)", config.listen))?;
    let address = format!("http://{}", listener.local_addr()?);
    let (end, ending) = watch::channel(false);
    let mut duties = duties::start(&core, &clock, &ending);
    let marking = tokio::spawn(keep_mark(mark.clone(), core.clone(), ending.clone()));
    let connections_max = config.connections_max;
    let announced = config.data_file("address");
    fs::write(&announced, &address).with_context(|| format!("writing {}", announced.display()))?;
    let app = Arc::new(App::new(core.clone(), clock, config, post, agent_key_hash, ending));
    let teller = Teller::new(&app).map_err(|why| anyhow::anyhow!("FLEET_EXTRA_CA: {why}"))?;
    duties.spawn(teller.run(Arc::clone(&app)));
    print::line(&serde_json::json!({"listening": address}).to_string());
    tracing::info!(address, "the coordinator serves");

    let shutdown = async {
        serve::asked_to_end().await;
        tracing::info!("asked to end; calls under way may finish");
        let _ = end.send(true);
    };
    tokio::select! {
        () = serve::serve(listener, router(app), connections_max, shutdown) => {}
        () = unkept() => anyhow::bail!(UNKEPT),
    }
    duties.join_all().await;
    marking.await.context("the duty of the mark failed")?;
    if let Err(error) = mark.keep(&core).await {
        tracing::warn!(%error, "the last mark of the audit was not written");
    }
    core.store.db.close().await;
    let _ = fs::remove_file(announced);
    Ok(())
}

/// What is said at such an end.
const UNKEPT: &str = "an fsync of the database failed: what was written may not be on the disk. The coordinator ends and answers nobody; \
     look at the disk, then start it again: it reads what is really there";

/// Marks how far the audit has come, until the end.
async fn keep_mark(mark: Place, core: Core, mut ending: watch::Receiver<bool>) {
    let mut turns = tokio::time::interval(std::time::Duration::from_secs(2));
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            _ = ending.wait_for(|end| *end) => return,
        }
        if let Err(error) = mark.keep(&core).await {
            tracing::warn!(%error, "the mark of the audit was not written");
        }
    }
}

/// Whether a start failed because of the database.
#[must_use]
pub fn is_of_database(error: &anyhow::Error) -> bool {
    error.downcast_ref::<crate::store::Error>().is_some()
}

/// Brings the database to the present schema; how many migrations were applied.
///
/// # Errors
/// The sentence for the operator.
pub async fn migrate(config: &Config) -> anyhow::Result<usize> {
    folder(&config.data_dir)?;
    let db = Db::open(&config.database_url, Open::Coordinator).await?;
    let applied = migrate::run(&db, Clock::System.now()).await?;
    db.close().await;
    Ok(applied)
}

/// Opens key, database and files.
///
/// # Errors
/// The sentence for the operator.
pub async fn open(config: &Config, clock: &Clock) -> anyhow::Result<Core> {
    folder(&config.data_dir)?;
    folder(&config.files_dir)?;
    let db = Db::open(&config.database_url, Open::Coordinator).await?;
    let now = clock.now();
    migrate::run(&db, now).await?;
    // A fresh key beside old data would make that data unreadable for ever: only an unused database may get one.
    let unused = crate::store::people::nobody_yet(&db).await?;
    let (key, seal) = KeyFile::load(&config.key_file, &config.data_dir, unused)
        .map_err(|bad| anyhow::anyhow!("{bad}"))?;
    if key.created {
        print::note(&format!(
            "a master key was made: {}. Keep a copy of it away from the data; without it the data cannot be read",
            key.path().display()
        ));
    }
    if !unused && !crate::store::fits::key_fits(&db, &seal).await? {
        anyhow::bail!(
            "the master key {} is not the one that this data was sealed with; put the right key back",
            key.path().display()
        );
    }
    let seal = Arc::new(seal);
    let files = Files::open(&config.files_dir, Arc::clone(&seal))
        .with_context(|| format!("opening {}", config.files_dir.display()))?;
    let rules = Rules {
        code_wait_ms: config.code_wait_ms,
        ..Rules::of(config.lease_ttl_ms, config.heartbeat_ms, config.rest_unit_ms)
    };
    Ok(Core { store: Store::new(db, seal), files, rules, started_at: now })
}

fn folder(at: &Path) -> anyhow::Result<()> {
    if !at.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(at)
            .with_context(|| format!("making the folder {}", at.display()))?;
    }
    let mode = fs::metadata(at)?.permissions().mode();
    if mode & 0o007 != 0 {
        tracing::warn!(folder = %at.display(), "every user of this machine can read it; chmod 700");
    }
    Ok(())
}

/// The payers of a file.
///
/// # Errors
/// It cannot be read, or is not a list of payers.
pub fn read_payers(file: &Path) -> anyhow::Result<Vec<Payer>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not a JSON list of payers", file.display()))
}

/// Takes in the payers of the configured file. What people decide while the fleet runs stays as it is for a payer that is known:
/// a restart must not permit again what somebody has prohibited.
///
/// # Errors
/// The file cannot be read, or a profile does not fit.
pub async fn take_in_payers(core: &Core, config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let Some(file) = &config.payers_file else { return Ok(()) };
    let known = crate::store::payers::all(&core.store).await?;
    for mut payer in read_payers(file)? {
        let id = payer.id.clone();
        let mut pool = POOL.to_owned();
        if let Some(known) = known.iter().find(|k| k.profile.id == id) {
            payer.permission = known.profile.permission.clone();
            payer.limits = known.profile.limits.clone();
            for way in &mut payer.ways {
                if let Some(known) = known.profile.way(way.channel) {
                    way.permission = known.permission.clone();
                }
            }
            // A file that names a channel no more is no reason not to start.
            let kept = payers::undroppable(core, &known.profile, &payer, clock.now()).await?;
            for way in kept {
                let say = way.channel.say();
                print::note(&format!(
                    "{id}: {say} stays, though the file does not name it: it is prohibited, or something sent by it is not settled"
                ));
                payer.ways.push(way);
            }
            pool.clone_from(&known.pool);
        }
        payers::upsert(core, &Actor::Setup, &payer, &pool, clock.now())
            .await
            .with_context(|| format!("taking in the payer {id} of {}", file.display()))?;
    }
    Ok(())
}

/// Every YAML file below a folder: path below it → text.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn read_scripts(dir: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(at) = folders.pop() {
        let entries = fs::read_dir(&at).with_context(|| format!("reading {}", at.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                let name = path.strip_prefix(dir)?.to_string_lossy().replace('\\', "/");
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("reading {}", path.display()))?;
                files.insert(name, text);
            }
        }
    }
    Ok(files)
}

/// The scripts among these files: `<payer>/<task>`.
fn script_ids(files: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    files.keys().filter_map(|path| {
        let id = path.strip_suffix(".yaml")?;
        let (payer, task) = id.split_once('/')?;
        let known = domain::job::Task::from_word(task).is_some();
        (known && payer != "fragments" && !payer.is_empty()).then_some(id)
    })
}

/// Each script of a folder with its first fault, if it has one.
///
/// # Errors
/// The folder cannot be read.
pub fn check_scripts(dir: &Path) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let files = read_scripts(dir)?;
    let fault = |id: &str| {
        let faults = check_script(&files, id);
        let first = faults.iter().find(|f| f.level == Level::Error)?;
        Some(format!("{}:{}: {}", first.file, first.line, first.message))
    };
    Ok(script_ids(&files).map(|id| (id.to_owned(), fault(id))).collect())
}

/// Publishes what checks clean. A script with a fault stays as it was published before, and is named.
async fn publish_scripts(core: &Core, config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let dir = &config.scripts_dir;
    if !dir.is_dir() {
        tracing::warn!(folder = %dir.display(), "there is no folder of scripts (FLEET_SCRIPTS_DIR)");
        return Ok(());
    }
    let files = read_scripts(dir)?;
    for id in script_ids(&files) {
        let new = match bundle(id, &files) {
            Ok(new) => new,
            Err(findings) => {
                let first = findings.first().map(Finding::render).unwrap_or_default();
                tracing::warn!(script = id, first, "not published: the script has a fault");
                continue;
            }
        };
        match publish::publish(core, &Actor::Setup, new, clock.now()).await {
            Ok(_) => {}
            Err(crate::flow::Error::Store(error)) => return Err(error.into()),
            Err(refused) => tracing::warn!(script = id, %refused, "not published"),
        }
    }
    Ok(())
}
