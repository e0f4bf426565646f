//! Sandboxing, crashes, killed and stopped browsers, and an agent that dies without warning.

use crate::shared::{SOON, config, posts, profile_root, run, show, showing, until};
use agent::browser::{Browser, Error, Query};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
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

/// Waits until no process knows this folder any more. Whose end nobody else waits for has no other sign than `/proc`.
async fn none_left(folder: &Path) {
    until("no process of the browser is left", async || {
        processes_of(folder).is_empty().then_some(())
    })
    .await;
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
        let patience = SOON * 2;
        let crash = page.navigate("chrome://crash", patience).await;
        assert!(crash.is_err());
        until("the page is crashed", async || page.is_crashed().then_some(())).await;
        assert_eq!(page.find(&Query::css("h1")).await.unwrap_err(), Error::Crashed);
        assert_eq!(page.title().await, Err(Error::Crashed));
        assert!(start.elapsed() < patience, "at once, not at the deadline: {:?}", start.elapsed());
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
        let slow = "http://a.test/slow/90000";
        let (end, ()) = tokio::join!(page.navigate(slow, SOON * 2), async {
            let asked = || posts().lock().unwrap().iter().any(|call| call == "slow 90000");
            until("the server is asked", async || asked().then_some(())).await;
            kill(Pid::from_raw(i32::try_from(browser.pid()).unwrap()), Signal::SIGKILL).unwrap();
        });
        assert_eq!(end, Err(agent::browser::NavigationError::Browser(Error::Gone)));
        tokio::time::timeout(SOON, browser.closed()).await.unwrap();
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
        // Twice as long without an answer counts as dead: longer than any start on a busy machine takes.
        config.heartbeat = Duration::from_secs(6);
        let browser = Browser::launch(config).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        kill(Pid::from_raw(i32::try_from(browser.pid()).unwrap()), Signal::SIGSTOP).unwrap();
        tokio::time::timeout(SOON, browser.closed()).await.unwrap();
        assert_eq!(page.title().await, Err(Error::Gone));
        none_left(&browser.profile_dir()).await;
    });
}

/// Set for the process that the test below starts from its own program, which then only holds a browser until it is killed.
const HOLD_IN: &str = "FLEET_TEST_HOLDS_A_BROWSER_IN";

/// Starts a browser with its folder below `root`, tells the folder in `root/profile`, and never ends by itself.
async fn hold(root: &Path) {
    let mut config = config().await;
    config.profile_root = Some(root.join("profiles"));
    let browser = Browser::launch(config).await.unwrap();
    let page = browser.new_context().await.unwrap().new_page().await.unwrap();
    show(&page, "<h1>held</h1>").await;
    let profile = browser.profile_dir();
    std::fs::write(root.join("new"), profile.to_string_lossy().as_bytes()).unwrap();
    std::fs::rename(root.join("new"), root.join("profile")).unwrap();
    browser.closed().await;
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an agent that can be killed is a process")]
fn an_agent_killed_without_warning_leaves_no_browser() {
    run(async {
        if let Some(root) = std::env::var_os(HOLD_IN) {
            return hold(Path::new(&root)).await;
        }
        // A root of its own: other tests sweep theirs at each start.
        let root = profile_root().join(format!("killed-{}", std::process::id()));
        let profiles = root.join("profiles");
        std::fs::create_dir_all(&profiles).unwrap();
        let mut agent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "death::an_agent_killed_without_warning_leaves_no_browser"])
            .env(HOLD_IN, &root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let profile = until("the agent to kill holds a browser", async || {
            assert_eq!(agent.try_wait().unwrap(), None, "it ended by itself");
            Some(PathBuf::from(std::fs::read_to_string(root.join("profile")).ok()?))
        })
        .await;
        assert!(processes_of(&profile).len() >= 3, "{:?}", processes_of(&profile));
        kill(Pid::from_raw(i32::try_from(agent.id()).unwrap()), Signal::SIGKILL).unwrap();
        agent.wait().unwrap();
        none_left(&profile).await;
        assert!(profile.exists(), "the folder of a killed agent is left over …");
        assert_eq!(agent::browser::sweep(&profiles), 1);
        assert!(!profile.exists(), "… and goes at the next start");
        std::fs::remove_dir_all(&root).unwrap();
    });
}
