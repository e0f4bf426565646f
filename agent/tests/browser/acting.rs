//! Navigation, clicks, covers, dialogs, popups.

use crate::shared::{SOON, at, done, refused, run, show, showing, slot, soon, until, waits};
use agent::browser::{
    Attempted, DialogMode, DialogRule, NavigationError, NotDone, Query, Unobserved, Why,
};
use std::time::Duration;

#[test]
fn a_navigation_tells_status_and_every_failure_has_a_type() {
    run(async {
        let (context, page) = slot().await;
        let url = at("a.test", "<h1>Hello</h1>").await;
        let there = page.navigate(&url, SOON).await.unwrap();
        assert_eq!((there.status, there.url.as_str()), (Some(200), url.as_str()));
        assert_eq!(page.title().await.unwrap(), "t");
        let go = async |url: &str| page.navigate(url, SOON).await;
        assert_eq!(
            go("http://a.test/status/503").await.unwrap().require_ok(),
            Err(NavigationError::Http(503))
        );
        assert_eq!(go("http://a.test/empty/404").await, Err(NavigationError::Http(404)));
        assert_eq!(go("http://nowhere.test/").await, Err(NavigationError::Dns));
        assert_eq!(go("http://a.test/file.csv").await, Err(NavigationError::Download));
        let short = Duration::from_millis(300);
        assert_eq!(
            page.navigate("http://a.test/slow/60000", short).await,
            Err(NavigationError::TimedOut(short))
        );
        assert_eq!(go(&url).await.unwrap().status, Some(200), "the page works on after failures");
        context.dispose().await.unwrap();
        assert!(page.is_closed());
    });
}

#[test]
fn a_click_waits_for_the_button_and_for_the_navigation_it_starts() {
    run(async {
        let (_context, page) = showing(
            "<button id=b disabled>Search</button><script>
             setTimeout(() => b.disabled = false, 300);
             b.onclick = () => setTimeout(() => location = '/slow/300', 0)</script>",
        )
        .await;
        page.click(&Query::role("button", "search"), soon(), &mut Unobserved).await.unwrap();
        assert_eq!(page.url(), "http://a.test/slow/300");
        assert_eq!(page.document_status(), Some(200));
    });
}

#[test]
fn a_covered_button_is_not_clicked_and_the_cover_is_named() {
    run(async {
        let (_context, page) = showing(
            "<button id=b onclick='document.title=\"clicked\"'>Send</button>
             <div id=veil style='position:fixed;inset:0;background:#0008'>Please wait</div>",
        )
        .await;
        let send = Query::role("button", "Send");
        refused(
            async |deadline| page.click(&send, deadline, &mut Unobserved).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::Covered(by), .. } if by.contains("veil")),
        )
        .await;
        assert_eq!(page.title().await.unwrap(), "t");
    });
}

/// Where two controls overlap by accident, a person presses the part that can be seen.
#[test]
fn a_neighbour_over_the_middle_is_gone_round_and_a_bar_of_the_page_is_not() {
    run(async {
        for (over, clicked) in [("absolute", true), ("fixed", false)] {
            let (_context, page) = showing(&format!(
                "<div style='position:relative;height:200px'>
                 <button id=one style='position:absolute;left:20px;top:20px;width:120px;height:60px'
                   onclick='document.title=\"one\"'>One</button>
                 <button id=two style='position:{over};left:60px;top:10px;width:120px;height:120px'
                   onclick='document.title=\"two\"'>Two</button></div>"
            ))
            .await;
            let one = Query::role("button", "One");
            if clicked {
                let done = page.click(&one, soon(), &mut Unobserved).await.unwrap();
                assert!(done.at.point.x < 68.0, "left of its neighbour: {:?}", done.at.point);
                assert_eq!(page.title().await.unwrap(), "one");
            } else {
                refused(
                    async |deadline| page.click(&one, deadline, &mut Unobserved).await,
                    |end| matches!(end, NotDone::OutOfTime { why: Why::Covered(by), .. } if by.contains("two")),
                )
                .await;
                assert_eq!(page.title().await.unwrap(), "t");
            }
        }
    });
}

#[test]
fn a_cover_that_comes_after_the_check_gets_nothing_and_the_page_neither() {
    run(async {
        let (_context, page) = showing(
            "<button id=b onclick='hits.push(\"button\")'>Send</button><script>hits = [];
             b.onmousemove = () => { const d = document.createElement('div'); d.id = 'late';
               d.style.cssText = 'position:fixed;inset:0'; d.onclick = () => hits.push('cover'); document.body.append(d);
               b.onmousemove = null; document.onkeydown = () => d.remove() }</script>
             <output id=o></output><script>setInterval(() => o.value = hits.join(), 50)</script>",
        ).await;
        let found = page.find(&Query::css("#b")).await.unwrap();
        let button = &found[0].node;
        waits(
            async |n| page.try_click(button, n, &mut Unobserved).await,
            |why| matches!(why, Why::Covered(by) if by.contains("late")),
        )
        .await;
        done(async |_| page.press(Some(button), "s").await).await;
        page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        let one = page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        assert!(one.at.point.x > 0.0);
        let output = page.find(&Query::css("#o")).await.unwrap().remove(0).node;
        let text = until("both clicks are told", async || {
            let told = done(async |_| page.value(&output).await).await;
            (told.matches(',').count() >= 1).then_some(told)
        })
        .await;
        assert_eq!(text, "button,button", "never the cover");
    });
}

#[test]
fn buttons_under_sticky_bars_in_scrollers_and_far_away_are_reached() {
    run(async {
        let (_context, page) = showing(
            "<header style='position:sticky;top:0;height:120px;background:#ccc'>bar</header>
             <div style='height:3000px'></div><div style='overflow:auto;height:200px'><div style='height:900px'></div>
             <button onclick='document.title=\"yes\"'>Deep</button></div><div style='height:3000px'></div>
             <footer style='position:fixed;bottom:0;height:120px;width:100%;background:#ccc'>foot</footer>",
        ).await;
        page.click(&Query::role("button", "Deep"), soon(), &mut Unobserved).await.unwrap();
        assert_eq!(page.title().await.unwrap(), "yes");
    });
}

#[test]
fn twins_are_ambiguous_and_hidden_twins_are_not() {
    run(async {
        let (_context, page) =
            showing("<button>Go</button><button style='display:none'>Go</button>").await;
        assert!(matches!(page.one(&Query::role("button", "Go")).await, Attempted::Done(_)));
        show(&page, "<button>Go</button> <button>Go</button>").await;
        let Attempted::Wait(Why::Ambiguous(list)) = page.one(&Query::role("button", "Go")).await
        else {
            panic!()
        };
        assert_eq!(list.len(), 2);
        let Attempted::Done(second) = page.one(&Query::role("button", "Go").nth(2)).await else {
            panic!()
        };
        assert!(second.rect.x > 20.0);
        show(&page, "<button style='visibility:hidden'>Go</button>").await;
        assert!(matches!(page.one(&Query::text("Go")).await, Attempted::Wait(Why::NotVisible)));
    });
}

#[test]
fn dialogs_never_hang_and_are_answered_as_declared() {
    run(async {
        let (context, page) = showing(
            "<button onclick='document.title = alert(\"hello\") ?? \"alerted\"'>A</button>
             <button onclick='document.title = confirm(\"Really submit?\")'>C</button>
             <button onclick='document.title = prompt(\"Why?\")'>P</button>",
        )
        .await;
        let click = async |name: &str| {
            page.click(&Query::role("button", name), soon(), &mut Unobserved).await.unwrap();
            page.title().await.unwrap()
        };
        assert_eq!(click("A").await, "alerted");
        assert_eq!(click("C").await, "false", "undeclared: dismissed");
        context.expect_dialogs(vec![
            DialogRule {
                kind: Some("confirm".into()),
                text: Some(agent::browser::Text::contains("submit")),
                accept: true,
                prompt_text: None,
            },
            DialogRule {
                kind: Some("prompt".into()),
                text: None,
                accept: true,
                prompt_text: Some("because".into()),
            },
        ]);
        assert_eq!(click("C").await, "true");
        assert_eq!(click("P").await, "because");
        let seen = context.take_dialogs();
        let told: Vec<_> = seen.iter().map(|d| (d.kind.as_str(), d.accepted, d.declared)).collect();
        assert_eq!(
            told,
            [
                ("alert", true, false),
                ("confirm", false, false),
                ("confirm", true, true),
                ("prompt", true, true)
            ]
        );
        assert_eq!(seen[0].text, "hello");
    });
}

#[test]
fn leaving_a_page_that_asks_works_when_the_script_means_it() {
    run(async {
        let (context, page) = showing("<input id=i><script>addEventListener('beforeunload', e => { e.preventDefault(); e.returnValue = 'x' })</script>").await;
        page.fill(&Query::css("#i"), "touched", soon()).await.unwrap();
        let next = at("a.test", "<h1>next</h1>").await;
        assert_eq!(page.navigate(&next, SOON).await, Err(NavigationError::Aborted));
        context.set_dialog_mode(DialogMode::Leaving);
        let there = page.navigate(&next, SOON).await;
        assert_eq!(there.clone().map(|t| t.status), Ok(Some(200)), "{:?}", context.take_dialogs());
    });
}

#[test]
fn a_popup_is_set_up_before_it_loads_and_its_opener_comes_back() {
    run(async {
        let popup =
            at("b.test", "<h1>Popup</h1><button onclick='window.close()'>Close</button>").await;
        let (context, page) =
            showing(&format!("<a href='{popup}' target=_blank rel=opener>Open</a>")).await;
        page.click(&Query::role("link", "Open"), soon(), &mut Unobserved).await.unwrap();
        let two = async || {
            let pages = context.pages();
            (pages.len() == 2).then(|| pages[1].clone())
        };
        let popup = until("the popup is there", two).await;
        assert_eq!(popup.opener().as_deref(), Some(page.id()));
        assert_eq!(
            context.current().unwrap().id(),
            page.id(),
            "a popup becomes current only when told"
        );
        context.make_current(&popup);
        popup.wait_ready(soon()).await.unwrap();
        assert!(popup.visible_text().await.unwrap().contains("Popup"));
        assert_eq!(popup.document_status(), Some(200));
        let closed = popup.click(&Query::role("button", "Close"), soon(), &mut Unobserved).await;
        assert!(closed.is_ok(), "{closed:?}");
        until("the popup is closed", async || popup.is_closed().then_some(())).await;
        assert_eq!(context.current().unwrap().id(), page.id());
        page.click(&Query::role("link", "Open"), soon(), &mut Unobserved).await.unwrap();
        until("there is a popup again", two).await;
    });
}

#[test]
fn downloads_and_pdfs_become_files() {
    run(async {
        let (context, page) = showing("<a href=/file.csv>csv</a> <a href=/letter.pdf>pdf</a> <a href=/letter.pdf target=_blank>tab</a> <a href=/big.bin>big</a>").await;
        for (name, suggested, size) in
            [("csv", "list.csv", 8), ("pdf", "letter.pdf", 15), ("tab", "letter.pdf", 15)]
        {
            page.click(&Query::role("link", name), soon(), &mut Unobserved).await.unwrap();
            let file = context.wait_download(soon()).await.unwrap();
            assert_eq!((file.suggested_name.as_str(), file.size_bytes), (suggested, size));
            assert_eq!(std::fs::metadata(&file.path).unwrap().len(), size);
        }
        assert!(page.url().contains("/page/"), "the page stays");
        page.click(&Query::role("link", "big"), soon(), &mut Unobserved).await.unwrap();
        let refused = context.wait_download(soon()).await.unwrap_err();
        assert!(refused.to_string().contains("25 MiB"), "{refused}");
    });
}

#[test]
fn moving_targets_are_waited_for() {
    run(async {
        let (_context, page) = showing(
            // Moved by the page itself, in every frame and never back to where it stood in the last:
            // an animation that turns round stands still for the two frames about its turn.
            "<button id=b onclick='document.title=\"hit\"'>Catch</button>
             <script>
               let at = 0, moving = true
               const step = () => { if (moving) { b.style.marginLeft = `${at = (at + 4) % 600}px`; requestAnimationFrame(step) } }
               step()
               onkeydown = () => moving = false
             </script>",
        ).await;
        let found = page.find(&Query::css("#b")).await.unwrap();
        let button = &found[0].node;
        waits(async |n| page.try_click(button, n, &mut Unobserved).await, |why| *why == Why::Moved)
            .await;
        done(async |_| page.press(Some(button), "s").await).await;
        page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        assert_eq!(page.title().await.unwrap(), "hit");
    });
}

#[test]
fn cookies_move_between_contexts_and_do_not_leak() {
    run(async {
        let (one, page) = slot().await;
        page.navigate("http://a.test/cookie", SOON).await.unwrap();
        let jar = one.cookies().await.unwrap();
        assert_eq!(format!("{jar:?}"), "CookieJar(1 cookies)");
        let (two, other) = slot().await;
        assert_eq!(format!("{:?}", two.cookies().await.unwrap()), "CookieJar(0 cookies)");
        two.set_cookies(&jar).await.unwrap();
        show(&other, "<p id=c></p><script>c.textContent = document.cookie</script>").await;
        assert!(other.visible_text().await.unwrap().contains("session=tasty"));
    });
}

#[test]
fn a_click_lost_to_a_page_that_renders_anew_is_made_again() {
    run(async {
        let (_context, page) = showing(
            "<p id=p><button id=b onclick='document.title = `${presses} presses`'>Send</button></p><script>presses = 0;
             b.onmousedown = () => { if (!presses++) p.append(b) }</script>",
        )
        .await;
        page.click(&Query::role("button", "Send"), soon(), &mut Unobserved).await.unwrap();
        assert_eq!(page.title().await.unwrap(), "2 presses");
        // The one click of a commit is never made again: what the page was told has happened.
        show(&page, "<p id=p><button id=b>Send</button></p><script>b.onmousedown = () => p.append(b)</script>").await;
        let button = page.find(&Query::css("#b")).await.unwrap().remove(0).node;
        let once = page.click_once(&button, &mut Unobserved).await;
        assert!(matches!(once, Attempted::Done(clicked) if clicked.lost), "told, and not repeated");
    });
}
