//! The submit gate: one matching request, everything else barred until its answer.

use crate::shared::{SOON, at, briefly, posts, press, run, showing, soon};
use agent::browser::{GatePattern, NavigationError, Query};

fn received(name: &str) -> usize {
    posts().lock().unwrap().iter().filter(|p| p.starts_with(name)).count()
}

#[test]
fn one_submission_passes_with_its_body_and_everything_else_is_barred() {
    run(async {
        let inner = at("b.test", "<script>setInterval(() => fetch('http://b.test/other?n=one-frame').catch(() => 0), 50)</script>").await;
        let (context, page) = showing(&format!(
            "<iframe src='{inner}'></iframe><form method=post action=/submit/one><input name=code value='99 213'><button>Submit</button></form>
             <script>setInterval(() => fetch('/other?n=one-top').catch(() => 0), 50);
             document.forms[0].onsubmit = () => {{ fetch('/submit/one', {{method: 'POST', body: 'again', keepalive: true}}).catch(() => 0) }}</script>",
        )).await;
        let gate = context
            .arm_gate(GatePattern { method: "POST".into(), url: "http://a.test/submit/*".into() })
            .await
            .unwrap();
        let deadline = soon();
        let from_frame = |(_, url): &(String, String)| url.contains("n=one-frame");
        while !gate.refused().iter().any(from_frame) && !deadline.passed() {
            page.wait_change(deadline).await;
        }
        // What was under way before the gate arrives at the server still.
        let mut before = usize::MAX;
        while before != received("other one") && !deadline.passed() {
            before = received("other one");
            let pause = briefly();
            while !pause.passed() {
                page.wait_change(pause).await;
            }
        }
        posts().lock().unwrap().retain(|p| !p.starts_with("other one"));
        press(&page, &Query::role("button", "Submit")).await;
        let held = gate.held(soon()).await.unwrap().expect("the submission is held");
        assert_eq!((held.method.as_str(), held.url.as_str()), ("POST", "http://a.test/submit/one"));
        let body = String::from_utf8(held.body.clone().unwrap().to_vec()).unwrap();
        assert!(body == "code=99+213" || body == "again", "{body}");
        assert_eq!(received("one"), 0, "nothing left before it was let go");
        assert_eq!(
            received("other one"),
            0,
            "timers of the page and of its frame are barred: {:?}",
            posts()
        );
        assert!(gate.refused().iter().any(from_frame), "{:?}", gate.refused());
        held.proceed().await.unwrap();
        let status = gate.answered(soon()).await;
        assert!(matches!(status, Some(302 | 303 | 200)), "{status:?}");
        let deadline = soon();
        while !gate.refused().iter().any(|(m, _)| m == "POST") {
            assert!(!deadline.passed(), "the second submission of the page comes and is barred");
            page.wait_change(briefly()).await;
        }
        gate.disarm().await.unwrap();
        page.settle(soon()).await;
        assert_eq!(received("one"), 1);
    });
}

#[test]
fn a_submission_that_is_failed_never_leaves() {
    run(async {
        let (context, page) =
            showing("<form method=post action=/submit/two><button>Submit</button></form>").await;
        let gate = context
            .arm_gate(GatePattern { method: "POST".into(), url: "*/submit/two".into() })
            .await
            .unwrap();
        assert!(gate.held(briefly()).await.unwrap().is_none(), "nothing was sent yet");
        assert!(!gate.used());
        press(&page, &Query::role("button", "Submit")).await;
        gate.held(soon()).await.unwrap().unwrap().fail().await.unwrap();
        assert!(gate.answered(briefly()).await.is_none());
        gate.disarm().await.unwrap();
        page.settle(soon()).await;
        assert_eq!(received("two"), 0);
    });
}

#[test]
fn workers_and_new_pages_are_barred_too_and_an_undecided_submission_is_failed() {
    run(async {
        let (context, page) = showing(
            "<form method=post action=/submit/three><button>Submit</button></form><script>
             const work = \"setInterval(() => fetch('http://a.test/other?n=worker').catch(() => 0), 50)\";
             new Worker(URL.createObjectURL(new Blob([work])))</script>",
        )
        .await;
        let deadline = soon();
        while received("other worker") == 0 {
            assert!(!deadline.passed(), "the worker runs");
            page.wait_change(briefly()).await;
        }
        let gate = context
            .arm_gate(GatePattern { method: "POST".into(), url: "*/submit/three".into() })
            .await
            .unwrap();
        let deadline = soon();
        while !gate.refused().iter().any(|(_, u)| u.contains("n=worker")) {
            assert!(!deadline.passed(), "the worker is barred: {:?}", gate.refused());
            page.wait_change(briefly()).await;
        }
        let second = context.new_page().await.unwrap();
        let barred = second.navigate("http://a.test/other?n=page", SOON).await;
        assert_eq!(barred, Err(NavigationError::Network("ERR_BLOCKED_BY_CLIENT".into())));
        press(&page, &Query::role("button", "Submit")).await;
        drop(gate.held(soon()).await.unwrap().expect("held"));
        gate.disarm().await.unwrap();
        page.settle(soon()).await;
        assert_eq!((received("three"), received("other page")), (0, 0));
    });
}
