//! Starting: what the first start writes, with which modes, and that a second start changes nothing.

use std::os::unix::fs::PermissionsExt as _;

use coordinator::{
    access::{self, bootstrap, key},
    config::{Config, Flags},
    flow::{self, Actor},
    start,
    store::{fits, payers, people},
};

use crate::test_app::{TestApp, payer, prior_auth};

#[tokio::test]
async fn the_first_start_gives_a_person_a_key_and_an_agent_key_once() {
    let app = TestApp::new().await;
    let config = &app.app.config;
    let (core, now) = (&app.app.core, app.clock.now());
    // The test's own admin stands in the way of the first one.
    let other = TestApp::new().await;
    assert!(bootstrap::first_start(core, config, now).await.is_ok());
    let written = bootstrap::first_start(&other.app.core, &other.app.config, now).await.unwrap();
    assert_eq!(written.len(), 1, "an admin was there already; only the key was missing");
    let mode = std::fs::metadata(config.data_file("operator.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let operator = std::fs::read_to_string(config.data_file("operator.key")).unwrap();
    let known = people::key_by_hash(&core.store, &key::hash(operator.trim())).await.unwrap();
    assert!(known.is_some());
    assert!(bootstrap::first_start(core, config, now).await.unwrap().is_empty(), "once is enough");
    let first = bootstrap::agent_key_hash(config).unwrap();
    assert_eq!(bootstrap::agent_key_hash(config).unwrap(), first);
    let mode = std::fs::metadata(config.data_file("agent.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_empty_database_gets_a_first_person_who_can_sign_in() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let key_file = dir.path().join("keys/master.key").display().to_string();
    let env = |name: &str| match name {
        "FLEET_DATA_DIR" => Some(data.clone()),
        "FLEET_KEY_FILE" => Some(key_file.clone()),
        _ => None,
    };
    let config = Config::from(&Flags::default(), &env).unwrap();
    let clock = coordinator::clock::Clock::System;
    let core = start::open(&config, &clock).await.unwrap();
    let written = bootstrap::first_start(&core, &config, clock.now()).await.unwrap();
    assert_eq!(written.len(), 2);
    let text = std::fs::read_to_string(config.data_file("first-sign-in.txt")).unwrap();
    let password = text.lines().find_map(|l| l.strip_prefix("password: ")).unwrap().to_owned();
    let hash = bootstrap::agent_key_hash(&config).unwrap();
    let (_end, ending) = tokio::sync::watch::channel(false);
    let post = coordinator::post::Post::new(&std::collections::BTreeMap::new(), None).unwrap();
    let app = coordinator::App::new(core, clock, config, post, hash, ending);
    let done = access::sign_in(&app, "admin", &password, "127.0.0.1").await.ok().unwrap();
    let admin = people::user(&app.core.store, done.user).await.unwrap();
    assert_eq!(access::role_of(&admin.roles), Some(access::Role::Admin));
    // A second coordinator on the same file is refused; a lost master key beside data is refused too.
    let config = Config::from(&Flags::default(), &env).unwrap();
    assert!(start::open(&config, &coordinator::clock::Clock::System).await.is_err());
    drop(app);
    std::fs::remove_file(&key_file).unwrap();
    let refused = start::open(&config, &coordinator::clock::Clock::System).await.unwrap_err();
    assert!(refused.to_string().contains("master key"), "{refused}");
}

#[tokio::test]
async fn a_restart_does_not_permit_again_what_was_prohibited() {
    let app = TestApp::new().await;
    let (core, file) = (&app.app.core, app.dir.path().join("payers.json"));
    let mut harbor = payer("harbor", 5);
    harbor.name = "Harbor, renamed in the file".into();
    std::fs::write(&file, serde_json::to_vec(&[&harbor, &payer("acme", 3)]).unwrap()).unwrap();
    let mut decided = harbor.permission.clone();
    decided.state = domain::permission::PermissionState::Prohibited;
    let asked = flow::Asked::new(Actor::Setup, "their letter", None).unwrap();
    flow::payers::set_permission(core, &asked, "harbor", &decided, app.clock.now()).await.unwrap();
    let mut config = app.app.config.clone();
    config.payers_file = Some(file);
    start::take_in_payers(core, &config, &app.clock).await.unwrap();
    let known = payers::get(&core.store, "harbor").await.unwrap().profile;
    assert_eq!((&known.name, &known.permission), (&harbor.name, &decided));
    assert_eq!(known.limits.sessions_max, 1, "limits are people's, too");
    assert_eq!(payers::get(&core.store, "acme").await.unwrap().profile.limits.sessions_max, 3);
}

#[tokio::test]
async fn another_master_key_than_that_of_the_data_is_noticed_at_the_start() {
    let app = TestApp::new().await;
    let store = &app.app.core.store;
    let other = coordinator::seal::Seal::new(&[9; 32], 1);
    app.take_in("crestline", &prior_auth("W100000001")).await;
    assert!(fits::key_fits(&store.db, &store.seal).await.unwrap());
    assert!(!fits::key_fits(&store.db, &other).await.unwrap(), "it opens nothing of this data");
}
