//! Sandboxing, crashes, killed and stopped browsers, and an agent that dies without warning.

use crate::shared::{at, config, profile_root, run, show, showing};
use agent::browser::{Browser, Error, Query};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Ids of processes whose command line or environment names this folder, with their commands.
fn processes_of(folder: &Path) -> Vec<(i32, String)> {
    let mark = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if line.contains(&mark) || String::from_utf8_lossy(&environ).contains(&mark) {
            found.push((pid, line));
        }
    }
    found
}

fn status(pid: i32, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix(key)).unwrap_or("").trim().to_owned()
}

async fn none_left(folder: &Path) -> Duration {
    let start = Instant::now();
    while !processes_of(folder).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(5), "left: {:?}", processes_of(folder));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

#[test]
fn the_browser_is_sandboxed_unprivileged_and_leaves_nothing() {
    run(async {
        let browser = Browser::launch(config().await).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        show(&page, "<h1>x</h1>").await;
        let folder = browser.profile_dir();
        let all = processes_of(&folder);
        let renderers: Vec<_> = all.iter().filter(|p| p.1.contains("--type=renderer")).collect();
        assert!(!renderers.is_empty(), "{all:?}");
        for (pid, _) in &renderers {
            assert_eq!(
                (status(*pid, "Seccomp:"), status(*pid, "NoNewPrivs:")),
                ("2".into(), "1".into())
            );
        }
        let main = i32::try_from(browser.pid()).unwrap();
        assert!(!status(main, "Uid:").split_whitespace().any(|u| u == "0"), "not root");
        let environ = std::fs::read(format!("/proc/{main}/environ")).unwrap();
        let names: Vec<String> = environ
            .split(|b| *b == 0)
            .filter(|e| !e.is_empty())
            .map(|e| String::from_utf8_lossy(e).split('=').next().unwrap().to_owned())
            .collect();
        assert!(
            names
                .iter()
                .all(|n| n.starts_with("XDG_") || ["HOME", "LANG", "TZ"].contains(&n.as_str())),
            "{names:?}"
        );
        let line = all.iter().find(|p| p.0 == main).unwrap().1.clone();
        let args: Vec<&str> = line.split(' ').collect();
        assert_eq!(agent::browser::flags::forbidden(args.iter().copied()), None);
        for (flag, _) in agent::browser::flags::FLAGS {
            assert!(args.contains(flag), "{flag}");
        }
        browser.close().await;
        none_left(&folder).await;
        assert!(!folder.exists());
    });
}

#[test]
fn a_crashed_page_ends_its_calls_at_once_and_others_live_on() {
    run(async {
        let (context, page) = showing("<h1>one</h1>").await;
        let start = Instant::now();
        let crash = page.navigate("chrome://crash", Duration::from_secs(20)).await;
        assert!(crash.is_err());
        let deadline = crate::shared::soon();
        while !page.is_crashed() && !deadline.passed() {
            page.wait_change(deadline).await;
        }
        assert!(page.is_crashed(), "{crash:?}");
        assert_eq!(page.find(&Query::css("h1")).await.unwrap_err(), Error::Crashed);
        assert_eq!(page.title().await, Err(Error::Crashed));
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        let other = context.new_page().await.unwrap();
        show(&other, "<h1>two</h1>").await;
        page.close().await.unwrap();
        assert_eq!(context.pages().len(), 1);
    });
}

#[test]
fn a_killed_browser_ends_every_call_at_once() {
    run(async {
        let browser = Browser::launch(config().await).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        let slow = "http://a.test/slow/20000";
        let (end, ()) = tokio::join!(page.navigate(slow, Duration::from_secs(30)), async {
            page.wait_change(crate::shared::soon()).await;
            kill(Pid::from_raw(i32::try_from(browser.pid()).unwrap()), Signal::SIGKILL).unwrap();
        });
        assert_eq!(end, Err(agent::browser::NavigationError::Browser(Error::Gone)));
        tokio::time::timeout(Duration::from_secs(2), browser.closed()).await.unwrap();
        assert!(!browser.is_alive());
        assert_eq!(browser.new_context().await.unwrap_err(), Error::Gone);
        assert_eq!(page.title().await, Err(Error::Gone));
        none_left(&browser.profile_dir()).await;
    });
}

#[test]
fn a_stopped_browser_is_noticed_and_ended() {
    run(async {
        let mut config = config().await;
        config.heartbeat = Duration::from_millis(1500);
        let browser = Browser::launch(config).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        kill(Pid::from_raw(i32::try_from(browser.pid()).unwrap()), Signal::SIGSTOP).unwrap();
        let start = Instant::now();
        assert_eq!(page.title().await, Err(Error::Gone));
        assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
        none_left(&browser.profile_dir()).await;
    });
}

/// Not a test of its own: the process that the next test kills. It holds a browser until then.
#[test]
#[ignore = "started by an_agent_killed_without_warning_leaves_no_browser"]
fn holds_a_browser() {
    run(async {
        let mut config = config().await;
        config.profile_root = Some(std::env::var("ROOT").unwrap().into());
        let browser = Browser::launch(config).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        let url = at("a.test", "<h1>held</h1>").await;
        page.navigate(&url, Duration::from_secs(20)).await.unwrap();
        std::fs::write(
            std::env::var("TELL").unwrap(),
            browser.profile_dir().to_string_lossy().as_bytes(),
        )
        .unwrap();
        browser.closed().await;
    });
}

#[test]
fn an_agent_killed_without_warning_leaves_no_browser() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let tell = folder.path().join("profile");
        // A root of its own: other tests sweep theirs at each start.
        let root = profile_root().join(format!("killed-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let mut helper = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "death::holds_a_browser"])
            .env("TELL", &tell)
            .env("ROOT", &root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let profile = loop {
            match std::fs::read_to_string(&tell) {
                Ok(p) if !p.is_empty() => break std::path::PathBuf::from(p),
                _ => assert!(start.elapsed() < Duration::from_secs(60), "the helper did not start"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(processes_of(&profile).len() >= 3, "{:?}", processes_of(&profile));
        kill(Pid::from_raw(i32::try_from(helper.id()).unwrap()), Signal::SIGKILL).unwrap();
        helper.wait().unwrap();
        let took = none_left(&profile).await;
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(profile.exists(), "the folder of a killed agent is left over …");
        assert_eq!(agent::browser::sweep(&root), 1);
        assert!(!profile.exists(), "… and goes at the next start");
        std::fs::remove_dir(&root).unwrap();
    });
}
