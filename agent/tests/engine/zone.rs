//! The time zone a script says is what its pages see, their frames and windows too; and no later job's.

use std::sync::Arc;

use domain::{lease::Purpose, wire::End};
use serde_json::json;

use crate::{
    book::{Book, Wanted, alone, attempt_with, session},
    lab::{script, shown},
};

const ZONE: &str = "<p class=zone></p><script>document.querySelector('.zone').textContent = Intl.DateTimeFormat().resolvedOptions().timeZone</script>";

fn zone_script(defaults: &str) -> String {
    format!(
        "needs: {{note: string?}}
defaults: {{{defaults}}}
elements:
  page_zone: {{css: 'body > .zone'}}
  frame_zone: {{css: .zone, frame: inner}}
  open_window: {{role: button, name: Open}}
  done: {{css: h2}}
screens:
  main: {{see: [open_window]}}
  window: {{see: [done]}}
flow:
  - step: look
    effect: read
    open: LAB/main
    until: main
    capture: {{page: {{from: page_zone}}, frame: {{from: frame_zone}}}}
  - step: window
    effect: read
    click: open_window
    until: window
    capture: {{window: {{from: page_zone}}}}
  - classify: {{from: done, received: {{text: Window}}, else: {{raise: unknown}}}}
exceptions: {{unknown: {{queue: review}}}}
"
    )
}

#[test]
fn pages_frames_and_windows_see_the_scripts_time_zone() {
    alone(async {
        let main = format!(
            "{ZONE}<iframe name=inner src=/lab/inner></iframe><button onclick='window.open(\"/lab/window\")'>Open</button>"
        );
        let window = format!("<h2>Window</h2>{ZONE}");
        shown(&[("main", &main), ("inner", &format!("<div>{ZONE}</div>")), ("window", &window)])
            .await;
        let mut session = session().await;
        for (defaults, zone) in [
            ("within: 8s, timezone: Asia/Tokyo", "Asia/Tokyo"),
            ("within: 9s, timezone: America/Phoenix", "America/Phoenix"),
            // The browser's own.
            ("within: 8s", "America/New_York"),
        ] {
            let book = Arc::new(Book::default());
            let wanted = Wanted::of(script(&zone_script(defaults)));
            let finished =
                attempt_with(&book, &mut session, Purpose::Work, json!({}), wanted).await;
            assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
            let seen: Vec<&str> =
                finished.captured.iter().map(|(_, value, _)| value.as_str()).collect();
            assert_eq!(seen, [zone; 3]);
            session.rest();
        }
        session.close().await;
    });
}
