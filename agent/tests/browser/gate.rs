//! The submit gate: one matching request, everything else barred until its answer.

use crate::shared::{SOON, at, briefly, posts, press, run, show, showing, soon, until};
use agent::browser::{GatePattern, NavigationError, Query};

fn received(name: &str) -> usize {
    posts().lock().unwrap().iter().filter(|p| p.starts_with(name)).count()
}

/// Numbers of the calls `name` made that arrived although one made before them was refused. What was under way when the gate was
/// armed may arrive at any later time.
fn slipped_through(name: &str, refused: &[(String, String)]) -> Vec<u64> {
    let mark = format!("n={name}&i=");
    let number = |url: &str| url.split(&mark).nth(1).and_then(|i| i.parse::<u64>().ok());
    let Some(first) = refused.iter().filter_map(|(_, url)| number(url)).min() else {
        return Vec::new();
    };
    let prefix = format!("other {name} ");
    let arrived = posts().lock().unwrap();
    let numbers = arrived.iter().filter_map(|p| p.strip_prefix(&prefix)?.parse().ok());
    numbers.filter(|i| *i > first).collect()
}

#[test]
fn one_submission_passes_with_its_body_and_everything_else_is_barred() {
    run(async {
        let inner = at("b.test", "<script>let i = 0; setInterval(() => fetch('http://b.test/other?n=one-frame&i=' + i++).catch(() => 0), 50)</script>").await;
        let (context, page) = showing(&format!(
            "<iframe src='{inner}'></iframe><button>Submit</button>
             <script>let i = 0; setInterval(() => fetch('/other?n=one-top&i=' + i++).catch(() => 0), 50);
             document.querySelector('button').onclick = () => {{ for (const body of ['first', 'again']) fetch('/submit/one', {{method: 'POST', body, keepalive: true}}).catch(() => 0) }}</script>",
        )).await;
        let gate = context
            .arm_gate(GatePattern {
                method: "POST".into(),
                url: "http://a.test/submit/*".into(),
                reconnects: 0,
            })
            .await
            .unwrap();
        let deadline = soon();
        let from_frame = |(_, url): &(String, String)| url.contains("n=one-frame");
        while !gate.refused().iter().any(from_frame) && !deadline.passed() {
            page.wait_change(deadline).await;
        }
        press(&page, &Query::role("button", "Submit")).await;
        let held = gate.held(soon()).await.unwrap().expect("the submission is held");
        assert_eq!((held.method.as_str(), held.url.as_str()), ("POST", "http://a.test/submit/one"));
        assert_eq!(held.body.as_deref(), Some(b"first".as_slice()));
        assert_eq!(received("one"), 0, "nothing left before it was let go");
        let refused = gate.refused();
        for timer in ["one-top", "one-frame"] {
            let through = slipped_through(timer, &refused);
            assert!(through.is_empty(), "{timer} is barred: {through:?} after {refused:?}");
        }
        assert!(refused.iter().any(from_frame), "{refused:?}");
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
            showing("<form method=post action=/submit/two><input name=code value='99 213'><button>Submit</button></form>").await;
        let gate = context
            .arm_gate(GatePattern {
                method: "POST".into(),
                url: "*/submit/two".into(),
                reconnects: 0,
            })
            .await
            .unwrap();
        assert!(gate.held(briefly()).await.unwrap().is_none(), "nothing was sent yet");
        assert!(!gate.used());
        press(&page, &Query::role("button", "Submit")).await;
        let held = gate.held(soon()).await.unwrap().expect("the submission is held");
        assert_eq!(held.body.as_deref(), Some(b"code=99+213".as_slice()));
        held.fail().await.unwrap();
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
            .arm_gate(GatePattern {
                method: "POST".into(),
                url: "*/submit/three".into(),
                reconnects: 0,
            })
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

#[test]
fn a_page_that_repeats_its_submission_later_is_barred_for_good_and_the_rest_goes_on() {
    run(async {
        // The answer is waited for, then the same request is sent again and again; a look at a list goes on besides.
        let (context, page) = showing(
            "<button>Submit</button><script>
             const send = () => fetch('/submit/four', {method: 'POST', body: 'x'}).catch(() => 0);
             const look = () => fetch('/other?n=four-look').catch(() => 0);
             document.querySelector('button').onclick = async () => { await send(); setInterval(() => { send(); look() }, 100) }</script>",
        )
        .await;
        let gate = context
            .arm_gate(GatePattern {
                method: "POST".into(),
                url: "http://a.test/submit/four".into(),
                reconnects: 0,
            })
            .await
            .unwrap();
        press(&page, &Query::role("button", "Submit")).await;
        gate.held(soon()).await.unwrap().expect("held").proceed().await.unwrap();
        assert!(gate.answered(soon()).await.is_some());
        gate.bar().await.unwrap();
        let looks = received("other four-look");
        until("the page goes on looking and sending", async || {
            (received("other four-look") > looks + 5).then_some(())
        })
        .await;
        assert_eq!(received("four"), 1, "one submission, however often the page tries");
        // A new page of the same session is barred too.
        let second = context.new_page().await.unwrap();
        show(&second, "<script>fetch('/submit/four', {method: 'POST', body: 'y'}).finally(() => fetch('/other?n=four-new'))</script>").await;
        until("the new page has tried", async || (received("other four-new") == 1).then_some(()))
            .await;
        assert_eq!(received("four"), 1);
    });
}
