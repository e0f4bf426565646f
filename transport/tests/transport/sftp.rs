//! Batch files by SFTP, judged by OpenSSH's own server.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use transport::{
    Fate, Secret,
    credential::{State, inventory},
    sftp::{
        After, Arrival, Cause, Folder, Keeper, Kept, Put, Ready, Rules, Session, Settled, Skipped,
        SshLogin, session::Listed,
    },
};

use crate::sshd::Sshd;

/// Far enough from the times the files of a test get.
fn later() -> Timestamp {
    "2099-01-01T00:00:00Z".parse().unwrap()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn a_file_is_put_whole_and_never_over_another() {
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let inbound = sshd.folder("inbound");
    for (name, length) in [("empty.edi", 0), ("one.edi", 1), ("large.edi", 600_001)] {
        let put = session.put(&inbound, name, &bytes(length)).await.unwrap();
        assert!(put.durable, "this server can say that it is on its disk");
        assert_eq!(put.size as usize, length);
        assert_eq!(fs::read(sshd.path("inbound").join(name)).unwrap(), bytes(length));
        assert_eq!(session.settle(&inbound, name, &put).await, Ok(Settled::Arrived));
        let other = Put { sha256: [0; 32], ..put };
        assert_eq!(session.settle(&inbound, name, &other).await, Ok(Settled::Other));
    }
    let error = session.put(&inbound, "one.edi", b"other").await.unwrap_err();
    assert_eq!((&error.cause, error.fate()), (&Cause::Exists, Fate::NotSent));
    for name in ["../escape.edi", "a/b", ""] {
        let error = session.put(&inbound, name, b"x").await.unwrap_err();
        assert_eq!((&error.cause, error.fate()), (&Cause::Name, Fate::NotSent));
    }
    let error = session.put(&sshd.folder("nowhere"), "a.edi", b"x").await.unwrap_err();
    assert_eq!(
        (&error.cause, error.fate()),
        (&Cause::Status("No such file".into()), Fate::NotSent)
    );
    assert_eq!(sshd.names("inbound"), ["empty.edi", "large.edi", "one.edi"], "nothing left behind");
    session.close().await;
}

/// The name is the one step that counts. What the server says of it, or does not say, is believed only where a look shows it.
#[tokio::test]
async fn a_name_that_was_perhaps_given_is_known_by_a_look_or_not_at_all() {
    let Some(sshd) = Sshd::meddling() else { return };
    let lies = |name: &str| fs::read(sshd.path("inbound").join(name)).ok();
    for (mode, wanted, there) in [
        ("", Ok(()), Some(b"ours".as_slice())),
        // "No", and it was done: our bytes have their name.
        ("done", Ok(()), Some(b"ours")),
        // "No", and it was done, and the payer took it: nothing shows it.
        ("done-and-taken", Err(Fate::Unknown), None),
        ("done-and-written-over", Err(Fate::Unknown), Some(b"another's")),
        // "No", and our bytes still lie under the other name.
        ("never", Err(Fate::Refused), None),
        ("another-came", Err(Fate::Refused), Some(b"another's")),
        // No answer at all.
        ("done-silence", Err(Fate::Unknown), Some(b"ours")),
        ("silence", Err(Fate::Unknown), None),
    ] {
        sshd.meddle("");
        let session = Session::open(&sshd.site("host")).await.unwrap();
        let name = format!("batch-{mode}.edi");
        sshd.meddle(mode);
        let put = session.put(&sshd.folder("inbound"), &name, b"ours").await;
        let told = put.as_ref().map(|_| ()).map_err(transport::sftp::SftpError::fate);
        assert_eq!(told, wanted, "{mode}: {put:?}");
        assert_eq!(lies(&name).as_deref(), there, "{mode}");
        if mode == "another-came" {
            assert_eq!(put.unwrap_err().cause, Cause::Exists);
        }
        let begun: Vec<String> =
            sshd.names("inbound").into_iter().filter(|n| n.ends_with(".tmp")).collect();
        let left = usize::from(mode == "silence");
        assert_eq!(begun.len(), left, "{mode}: {begun:?}");
    }
}

#[tokio::test]
async fn what_was_begun_is_found_and_taken_away() {
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let inbound = sshd.folder("inbound");
    fs::write(sshd.path("inbound/a.edi.0badcafe.tmp"), b"ISA").unwrap();
    let put = Put { size: 3, sha256: [1; 32], durable: false };
    let left = vec!["a.edi.0badcafe.tmp".to_owned()];
    assert_eq!(session.settle(&inbound, "a.edi", &put).await, Ok(Settled::Absent(left.clone())));
    session.discard(&inbound, &left[0]).await.unwrap();
    assert_eq!(session.settle(&inbound, "a.edi", &put).await, Ok(Settled::Absent(Vec::new())));
    assert!(session.discard(&inbound, "a.edi").await.is_err(), "only what is unfinished");
}

#[tokio::test]
async fn a_changed_host_key_is_told_and_nothing_is_sent() {
    let Some(mut sshd) = Sshd::start() else { return };
    let site = sshd.site("host");
    Session::open(&site).await.unwrap().close().await;
    // A host with several keys shows the one that is known.
    Session::open(&sshd.site("host_rsa")).await.unwrap().close().await;
    sshd.change_keys(&["host_new"]);
    let error = Session::open(&site).await.err().unwrap();
    let (known, seen) =
        (sshd.host_key("host").fingerprint(), sshd.host_key("host_new").fingerprint());
    assert_eq!(error.cause, Cause::HostKey { known: vec![known.clone()], seen: seen.clone() });
    assert_eq!(error.fate(), Fate::NotSent);
    let text = error.to_string();
    assert!(text.contains(&known) && text.contains(&seen) && known != seen, "{text}");
    let log = sshd.log();
    let log = log.split("log-host_new\n").nth(1).unwrap();
    assert!(!log.contains("Accepted") && !log.contains("user "), "{log}");
    // A host that has only a key of another kind is no better.
    sshd.change_keys(&["host_rsa"]);
    let error = Session::open(&site).await.err().unwrap();
    assert!(matches!(error.cause, Cause::HostKey { .. }), "{error}");
    // While it changes, both are good; afterwards the old one is not.
    let mut site = site;
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    site.keys.begin(sshd.host_key("host_rsa"), now).unwrap();
    Session::open(&site).await.unwrap().close().await;
    sshd.change_keys(&["host"]);
    Session::open(&site).await.unwrap().close().await;
    let list = inventory(&[("P4 batch", &site.keys)], "2027-05-28T00:00:00Z".parse().unwrap());
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].kind, list[0].state), ("host key", State::Week));
    site.keys.finish(now).unwrap();
    assert!(Session::open(&site).await.is_err());
}

#[tokio::test]
async fn logins_are_by_key_and_refused_by_name() {
    let Some(sshd) = Sshd::start() else { return };
    let mut site = sshd.site("host");
    let pass = |text: &str| Some(Secret::text(text.to_owned()));
    let login = |name: &str, pass_phrase| SshLogin::Key { key: sshd.key(name), pass_phrase };
    for (way, cause) in [
        (login("user_ecdsa", pass("open sesame")), None),
        (login("user_ecdsa", pass("wrong")), Some(Cause::Key)),
        (login("user_ecdsa", None), Some(Cause::Key)),
        (login("user_rsa", None), Some(Cause::Key)),
        (login("host_new", None), Some(Cause::Login)),
        (SshLogin::Password(Secret::text("secret".into())), Some(Cause::Login)),
        (SshLogin::Key { key: Secret::text("no key".into()), pass_phrase: None }, Some(Cause::Key)),
    ] {
        site.login = way;
        let error = Session::open(&site).await.err();
        assert_eq!(error.as_ref().map(|error| &error.cause), cause.as_ref());
        assert!(error.is_none_or(|error| error.fate() == Fate::NotSent));
    }
}

#[tokio::test]
async fn every_file_is_taken_once() {
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let folder = Folder::new(kept.path()).unwrap();
    let keeper: Arc<dyn Keeper> = Arc::new(folder.clone());
    let put =
        |name: &str, bytes: &[u8]| fs::write(sshd.path("outbound").join(name), bytes).unwrap();
    let rules =
        |ready, after| Rules { folder: sshd.folder("outbound"), ready, after, largest: 1_000_000 };
    put("a.277", &bytes(100_000));
    put("b.277", b"ISA*b~");
    put("c.277.tmp", b"ISA*half");
    put("huge.835", &bytes(1_000_001));
    fs::create_dir(sshd.path("outbound/d.277")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", sshd.path("outbound/e.277")).unwrap();
    let leave = rules(Ready::Renamed, After::Leave);
    let first = session.collect(&leave, &keeper, later()).await.unwrap();
    let names = |list: &[(String, [u8; 32])]| -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&first.new), ["a.277", "b.277"]);
    let skipped = vec![
        ("c.277.tmp".to_owned(), Skipped::NotReady),
        ("huge.835".to_owned(), Skipped::TooLarge),
    ];
    assert_eq!(first.skipped, skipped);
    assert_eq!(fs::read(folder.path(&first.new[0].1)).unwrap(), bytes(100_000));
    // Left there, it is met again and known; so is the same under another name. What grew is something else.
    put("a again.277", &bytes(100_000));
    put("b.277", b"ISA*b~IEA*1*000000001~");
    let second = session.collect(&leave, &keeper, later()).await.unwrap();
    assert_eq!(names(&second.known), ["a again.277", "a.277"]);
    assert_eq!(names(&second.new), ["b.277"]);
    // Moved away, the payer's name may come again.
    let moving = rules(Ready::Renamed, After::Move(sshd.folder("archive")));
    session.collect(&moving, &keeper, later()).await.unwrap();
    put("a.277", b"ISA*new~");
    let third = session.collect(&moving, &keeper, later()).await.unwrap();
    assert_eq!(names(&third.new), ["a.277"]);
    assert_eq!(sshd.names("archive").len(), 4, "{:?}", sshd.names("archive"));
    assert_eq!(sshd.names("outbound"), ["c.277.tmp", "d.277", "e.277", "huge.835"]);
    assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 4, "nothing but what was kept");
}

#[tokio::test]
async fn a_file_is_whole_when_the_payer_says_so() {
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let keeper: Arc<dyn Keeper> = Arc::new(Folder::new(kept.path()).unwrap());
    let put = |name: &str| fs::write(sshd.path("outbound").join(name), name).unwrap();
    let rules = |ready| Rules {
        folder: sshd.folder("outbound"),
        ready,
        after: After::Delete,
        largest: 1000,
    };
    put("a.999");
    put("b.999");
    put("b.999.done");
    let marker = rules(Ready::Marker(".done".into()));
    let found = session.collect(&marker, &keeper, later()).await.unwrap();
    assert_eq!(found.new.len(), 1);
    assert_eq!(found.skipped, [("a.999".to_owned(), Skipped::NotReady)]);
    assert_eq!(sshd.names("outbound"), ["a.999"], "taken away with its marker");
    let aged = rules(Ready::Aged(SignedDuration::from_secs(60)));
    let listed: Vec<Listed> = session.list(&sshd.folder("outbound")).await.unwrap();
    let changed = Timestamp::from_second(listed[0].changed.unwrap()).unwrap();
    let soon = session.collect(&aged, &keeper, changed + Duration::from_secs(59)).await.unwrap();
    assert_eq!(soon.skipped, [("a.999".to_owned(), Skipped::NotReady)]);
    let found = session.collect(&aged, &keeper, changed + Duration::from_secs(60)).await.unwrap();
    assert_eq!(found.new.len(), 1);
    assert!(sshd.names("outbound").is_empty());
}

/// What was kept is told, whatever becomes of it and of other files there.
#[tokio::test]
async fn what_was_taken_is_told_though_others_fail() {
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let keeper: Arc<dyn Keeper> = Arc::new(Folder::new(kept.path()).unwrap());
    let put = |name: &str| fs::write(sshd.path("outbound").join(name), name).unwrap();
    for name in ["a.277", "b.277", "c.277"] {
        put(name);
    }
    // Nothing can be moved to a folder that is not there.
    let rules = |folder: &str, ready| Rules {
        folder: sshd.folder("outbound"),
        ready,
        after: After::Move(sshd.folder(folder)),
        largest: 1000,
    };
    let nowhere = rules("nowhere", Ready::Renamed);
    let found = session.collect(&nowhere, &keeper, later()).await.unwrap();
    assert_eq!((found.new.len(), found.failed.len(), found.complete), (3, 3, true), "{found:?}");
    let found = session.collect(&rules("archive", Ready::Renamed), &keeper, later()).await.unwrap();
    assert_eq!((found.known.len(), found.failed.len()), (3, 0), "known, and put away now");
    // A mark goes before its file; one that is older than its file, or has none, is nobody's.
    let marked = rules("nowhere", Ready::Marker(".done".into()));
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for name in ["d.277.done", "e.277.done", "f.277.done"] {
        put(name);
    }
    fs::File::open(sshd.path("outbound/e.277.done")).unwrap().set_modified(old).unwrap();
    put("e.277");
    put("f.277");
    fs::File::open(sshd.path("outbound/f.277")).unwrap().set_modified(old).unwrap();
    let found = session.collect(&marked, &keeper, later()).await.unwrap();
    let skipped =
        [("d.277.done".to_owned(), Skipped::Orphan), ("e.277".to_owned(), Skipped::NotReady)];
    assert_eq!(found.skipped, skipped);
    assert_eq!((found.new.len(), found.failed.len()), (1, 1), "{found:?}");
    assert_eq!(sshd.names("outbound"), ["d.277.done", "e.277", "e.277.done", "f.277"]);
}

/// A keeper that cannot keep leaves the file where it is.
#[tokio::test]
async fn what_cannot_be_kept_stays_there() {
    struct Full;
    impl Keeper for Full {
        fn keep(&self, _: &Arrival) -> std::io::Result<Kept> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    fs::write(sshd.path("outbound/a.277"), b"ISA~").unwrap();
    let rules = Rules {
        folder: sshd.folder("outbound"),
        ready: Ready::Renamed,
        after: After::Delete,
        largest: 1000,
    };
    let keeper: Arc<dyn Keeper> = Arc::new(Full);
    let found = session.collect(&rules, &keeper, later()).await.unwrap();
    assert_eq!((found.complete, found.failed.len(), found.new.len()), (false, 1, 0));
    assert_eq!(found.failed[0].1.cause, Cause::Keep(std::io::ErrorKind::StorageFull));
    assert_eq!(sshd.names("outbound"), ["a.277"]);
    assert!(!format!("{found:?}").contains("a.277"), "names are the payer's");
    // A folder without end is not read to its end.
    let mut site = sshd.site("host");
    site.limits.names = 20;
    for i in 0..30 {
        fs::write(sshd.path("outbound").join(format!("{i}.277")), b"x").unwrap();
    }
    let session = Session::open(&site).await.unwrap();
    let error = session.list(&sshd.folder("outbound")).await.err().unwrap();
    assert_eq!(error.cause, Cause::Names(20));
}

/// Of files that are left, each is fetched once; and none when nothing more is wanted.
#[tokio::test]
async fn what_is_left_is_fetched_once_and_only_as_long_as_it_is_wanted() {
    /// Wants two files, and counts what it is given.
    #[derive(Default)]
    struct Two(Mutex<Vec<(String, u64, Option<i64>)>>);
    impl Two {
        fn names(&self) -> Vec<String> {
            self.0.lock().unwrap().iter().map(|(name, ..)| name.clone()).collect()
        }
    }
    impl Keeper for Two {
        fn keep(&self, arrival: &Arrival) -> std::io::Result<Kept> {
            let size = arrival.bytes.len() as u64;
            self.0.lock().unwrap().push((arrival.name.clone(), size, arrival.changed));
            Ok(Kept::New)
        }
        fn knows(&self, file: &Listed) -> bool {
            let known = (file.name.clone(), file.size, file.changed);
            self.0.lock().unwrap().contains(&known)
        }
        fn has_enough(&self) -> bool {
            self.0.lock().unwrap().len() >= 2
        }
    }
    let Some(sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let rules = Rules {
        folder: sshd.folder("outbound"),
        ready: Ready::Renamed,
        after: After::Leave,
        largest: 1000,
    };
    fs::write(sshd.path("outbound/a.277"), b"ISA~").unwrap();
    let two = Arc::new(Two::default());
    let keeper: Arc<dyn Keeper> = two.clone();
    let found = session.collect(&rules, &keeper, later()).await.unwrap();
    assert!(found.complete && two.names() == ["a.277"]);
    let found = session.collect(&rules, &keeper, later()).await.unwrap();
    assert_eq!(found.skipped, [("a.277".to_owned(), Skipped::Unchanged)]);
    assert_eq!(two.names(), ["a.277"], "not fetched again");
    // The same name with something else in it, and others beside it: the third is not wanted any more.
    for name in ["a.277", "b.277", "c.277"] {
        fs::write(sshd.path("outbound").join(name), b"ISA*~").unwrap();
    }
    let found = session.collect(&rules, &keeper, later()).await.unwrap();
    assert!(!found.complete && found.failed.is_empty());
    assert_eq!(two.names(), ["a.277", "a.277"]);
}

#[tokio::test]
async fn a_server_that_goes_away_before_the_name_is_given_has_nothing() {
    let Some(mut sshd) = Sshd::start() else { return };
    let session = Session::open(&sshd.site("host")).await.unwrap();
    let inbound = sshd.folder("inbound");
    session.put(&inbound, "a.edi", b"x").await.unwrap();
    sshd.change_keys(&["host"]);
    session.close().await;
    let mut site = sshd.site("host");
    site.port = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap().port()
    };
    let error = Session::open(&site).await.err().unwrap();
    assert!(matches!(error.cause, Cause::Connect(_)), "{error}");
    assert_eq!(error.fate(), Fate::NotSent);
}
