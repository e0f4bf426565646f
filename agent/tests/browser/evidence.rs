//! Pictures, prints, looks, events, live texts.

use crate::shared::{SOON, at, browser, run, showing, slot, soon, until};
use agent::browser::{
    AboutToAct, Area, BeforeInput, Event, ImageFormat, NotDone, Page, Query, Rect, Stop,
};
use futures_util::future::BoxFuture;

fn size(png: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory(png).unwrap();
    (image.width(), image.height())
}

#[test]
fn pictures_have_the_sizes_asked_for_and_change_nothing() {
    run(async {
        let (_context, page) = showing("<div style='height:3000px;background:linear-gradient(red,blue)'></div><p id=w></p><script>onresize = () => w.textContent = 'resized'</script>").await;
        assert_eq!(
            size(&page.screenshot(Area::Viewport, ImageFormat::Png).await.unwrap()),
            (1280, 900)
        );
        let full = size(&page.screenshot(Area::FullPage, ImageFormat::Png).await.unwrap());
        assert!(full.0 == 1280 && full.1 > 3000, "{full:?}");
        let clip = Rect { x: 10.0, y: 20.0, width: 100.0, height: 50.0 };
        assert_eq!(
            size(&page.screenshot(Area::Clip(clip), ImageFormat::Png).await.unwrap()),
            (100, 50)
        );
        let jpeg = page.screenshot(Area::Viewport, ImageFormat::Jpeg(70)).await.unwrap();
        assert_eq!(&jpeg[..2], [0xff, 0xd8]);
        assert_eq!(
            size(&page.screenshot(Area::Viewport, ImageFormat::Png).await.unwrap()),
            (1280, 900),
            "emulation is kept"
        );
        assert!(page.pdf().await.unwrap().starts_with(b"%PDF-"));
    });
}

struct Camera(Vec<(AboutToAct, usize)>, bool);

impl BeforeInput for Camera {
    fn about_to_act<'a>(
        &'a mut self,
        page: &'a Page,
        at: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let picture = page
                .screenshot(Area::Viewport, ImageFormat::Png)
                .await
                .map_err(|e| e.to_string())?;
            self.0.push((at.clone(), picture.len()));
            if self.1 { Ok(()) } else { Err("the disk is full".into()) }
        })
    }
}

#[test]
fn the_observer_sees_the_point_before_the_click_and_may_forbid_it() {
    run(async {
        let (_context, page) = showing("<div style='height:2000px'></div><button style='margin-left:300px' onclick='document.title=\"done\"'>Act</button><div style='height:2000px'></div>").await;
        let mut camera = Camera(Vec::new(), false);
        let end = page.click(&Query::role("button", "Act"), soon(), &mut camera).await.unwrap_err();
        assert!(matches!(end, NotDone::Stopped(Stop::Refused(_))), "{end}");
        assert_eq!(page.title().await.unwrap(), "t");
        camera.1 = true;
        page.click(&Query::role("button", "Act"), soon(), &mut camera).await.unwrap();
        assert_eq!(page.title().await.unwrap(), "done");
        let (at, picture) = &camera.0[1];
        assert!(
            *picture > 1000
                && at.target.x >= 300.0
                && at.scroll.y > 500.0
                && at.viewport == (1280.0, 900.0)
        );
        assert!(
            at.point.x > at.target.x
                && at.point.x < at.target.right()
                && at.point.y < at.target.bottom()
        );
    });
}

#[test]
fn events_tell_requests_answers_and_commits_with_bodies_on_demand() {
    run(async {
        let (context, page) = slot().await;
        let mut events = context.events();
        let url = at("a.test", "<form method=post action=/submit/events><input name=a value=b><button>Go</button></form>").await;
        page.navigate(&url, SOON).await.unwrap();
        page.click(&Query::role("button", "Go"), soon(), &mut agent::browser::Unobserved)
            .await
            .unwrap();
        let (mut post, mut statuses, mut commits) = (None, Vec::new(), 0);
        // Answers and commits come in an order of their own.
        while post.is_none() || statuses.len() < 3 || commits < 2 {
            let next = tokio::time::timeout(SOON, events.recv()).await;
            match next.expect("the page after the form is told").unwrap() {
                Event::Request { method, id, has_body, .. } if method == "POST" => {
                    post = Some((id, has_body))
                }
                Event::Response { status, kind, .. } if kind == "Document" => statuses.push(status),
                Event::Navigated { main: true, .. } => commits += 1,
                _ => {}
            }
        }
        let (id, has_body) = post.expect("the post was told");
        assert!(has_body);
        assert_eq!(statuses, [200, 303, 200]);
        assert_eq!(commits, 2);
        assert_eq!(&page.request_body(&id).await.unwrap()[..], b"a=b");
    });
}

#[test]
fn a_look_gives_headings_controls_and_live_texts_and_toasts_are_kept() {
    run(async {
        let (_context, page) = showing(
            "<main><h1>Search</h1><label>Member <input required></label><table><tr><th>A</th></tr><tr><td>1</td></tr></table></main>
             <div role=status id=s></div><button onclick=\"s.textContent='Saved'; setTimeout(() => s.textContent='', 400)\">Save</button>",
        ).await;
        let look = page.look().await.unwrap().remove(0);
        assert_eq!(
            (look.headings[0].as_str(), look.controls[0].label.as_str(), look.controls[0].required),
            ("Search", "Member", true)
        );
        assert_eq!(look.tables, [["A"]]);
        page.click(&Query::role("button", "Save"), soon(), &mut agent::browser::Unobserved)
            .await
            .unwrap();
        assert!(page.quiet(soon()).await);
        let first = async || page.take_live_texts().into_iter().next();
        assert_eq!(until("the toast is told", first).await, "Saved");
    });
}

#[test]
fn the_world_of_the_page_never_sees_ours() {
    run(async {
        let (_context, page) = showing("<p id=p></p><script>setInterval(() => p.textContent = [typeof __agent, typeof __agentSignal, navigator.webdriver].join(), 50)</script>").await;
        let text = until("the page has told what it sees", async || {
            Some(page.visible_text().await.unwrap()).filter(|text| text.contains(','))
        })
        .await;
        assert_eq!(text, "undefined,undefined,true");
        assert!(browser().await.version().starts_with("Chrome/"));
    });
}

#[test]
fn what_shows_a_value_is_covered_wherever_it_stands() {
    run(async {
        let inner = at("b.test", "<p><span id=deep>ALDERSEN</span>, TESTARA</p>").await;
        let (_context, page) = showing(&format!(
            "<p>Member <span id=id><b>W100</b>000001</span> born <span id=dob>02/14/1980</span></p>\
             <input id=typed value='aldersen'><select><option>Nobody<option selected>Aldersen, T.</select>\
             <p id=street>Alderson Road, a joyful place</p><p>Mrs <span id=short>Jo</span></p>\
             <p style='display:none'>ALDERSEN</p><input id=secret type=password value=x>\
             <iframe src='{inner}' style='margin-left:100px'></iframe>"
        ))
        .await;
        until("the text in the frame", async || {
            let found = page.find(&Query::css("#deep")).await.unwrap();
            found.first().is_some_and(|f| f.visible).then_some(())
        })
        .await;
        let values: Vec<String> =
            ["ALDERSEN", "Jo", "W100000001", "02/14/1980"].map(str::to_owned).into();
        let boxes = page.covers("input[type=password]", &values).await.unwrap();
        let covered = |rect: &Rect| {
            boxes.iter().any(|b| {
                let x = rect.x + rect.width / 2.0;
                let y = rect.y + rect.height / 2.0;
                b.x <= x && x <= b.right() && b.y <= y && y <= b.bottom()
            })
        };
        for seen in ["#id b", "#dob", "#typed", "select", "#short", "#secret", "#deep"] {
            let found = page.find(&Query::css(seen)).await.unwrap();
            assert!(covered(&found[0].rect), "{seen} of {boxes:?}");
        }
        let street = page.find(&Query::css("#street")).await.unwrap();
        let start = Rect { width: 90.0, ..street[0].rect };
        assert!(!covered(&start), "other words stay: {boxes:?}");
        assert_eq!(boxes.len(), 8, "the number in two runs, the rest in one each: {boxes:?}");
    });
}
