//! What is kept apart: the session of one account from that of another (its test is in `acting`), and a page from what listens on this
//! machine. Both are seen where they are broken on purpose.

use crate::shared::{SOON, config, gate_program, posts, run};
use agent::browser::{Browser, LaunchConfig};

#[test]
fn what_listens_on_this_machine_is_not_reached_past_the_way_out() {
    run(async {
        let config = config().await;
        let at = config.host_rules[0].1;
        // Every host may be reached here, so that nothing but the way out stands between.
        let config =
            LaunchConfig { tunnels: Some(gate_program(None)), only_listed_hosts: false, ..config };
        let browser = Browser::launch(config).await.unwrap();
        let page = browser.new_context().await.unwrap().new_page().await.unwrap();
        for host in ["127.0.0.1", "localhost"] {
            let name = format!("past-{}", host.replace('.', "-"));
            let url = format!("http://{host}:{}/other?n={name}", at.port());
            let went = page.navigate(&url, SOON).await;
            let arrived = format!("other {name}");
            let arrived = posts().lock().unwrap().iter().any(|post| post.starts_with(&arrived));
            assert!(!arrived, "{host} was reached past the way out: {went:?}");
        }
        browser.close().await;
    });
}

#[cfg(feature = "faults")]
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a defect is put in by the environment of a process of its own, which ends by itself"
)]
fn what_is_not_kept_apart_is_seen() {
    for (defect, test, says) in [
        (
            "one-profile-for-all",
            "acting::cookies_move_between_contexts_and_do_not_leak",
            "CookieJar(1 cookies)",
        ),
        (
            "loopback-past-the-proxy",
            "apart::what_listens_on_this_machine_is_not_reached_past_the_way_out",
            "was reached past the way out",
        ),
    ] {
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env("FLEET_SABOTAGE", defect)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(!ran.status.success() && said.contains(says), "{defect}: {said}");
    }
}
