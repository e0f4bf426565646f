//! Same-process and out-of-process frames, framesets, frames that come and go.

use crate::shared::{at, done, refused, run, show, showing, soon, until};
use agent::browser::{Attempted, By, Error, NotDone, Page, Query, Stop, Text, Unobserved};

const FORM: &str = "<label>Code <input id=code></label><button onclick='document.title = out.textContent = code.value + \"!\"'>Check</button><p id=out></p>";

async fn use_form(page: &Page, frame: &str) {
    let deadline = soon();
    page.fill(&Query::label("Code").frame(frame), "9 9213ñ", deadline).await.unwrap();
    page.click(&Query::role("button", "Check").frame(frame), deadline, &mut Unobserved)
        .await
        .unwrap();
    let Attempted::Done(out) = page.one(&Query::css("#out").frame(frame)).await else { panic!() };
    assert_eq!(out.facts.text, "9 9213ñ!");
}

#[test]
fn a_form_in_a_same_site_frame_works() {
    run(async {
        let inner = at("a.test", FORM).await;
        let (_context, page) = showing(&format!("<h1>Top</h1><iframe name=inner src='{inner}' style='margin:90px' width=500 height=200></iframe>")).await;
        use_form(&page, "inner").await;
        assert!(page.visible_text().await.unwrap().contains("9 9213ñ!"));
        assert_eq!(page.frames().await.unwrap().len(), 2);
    });
}

#[test]
fn a_form_in_a_cross_site_frame_inside_a_scaled_one_works() {
    run(async {
        let inner = at("b.test", FORM).await;
        let middle = at("a.test", &format!("<iframe name=inner src='{inner}' style='margin:40px; border:7px solid; padding:11px' width=500 height=200></iframe>")).await;
        let (_context, page) = showing(&format!(
            "<div style='height:1500px'></div><iframe name=middle src='{middle}' style='transform:scale(.8)' width=700 height=400></iframe><div style='height:900px'></div>"
        )).await;
        use_form(&page, "middle > inner").await;
        let frames = page.frames().await.unwrap();
        assert_eq!(frames.len(), 3);
        assert!(frames[2].url.starts_with("http://b.test/"));
        assert_eq!(frames[2].parent.as_ref(), Some(&frames[1].id));
        assert_eq!(frames[2].title, "9 9213ñ!");
        let html = page.html().await.unwrap();
        assert!(
            html.iter().any(|(url, h)| url.contains("b.test") && h.contains("id=\"code\"")),
            "the snapshot has every frame"
        );
        let code = page
            .find(&Query::css("#code").inside(Query::css("iframe[name=middle]")))
            .await
            .unwrap();
        assert_eq!(code.len(), 1, "inside works through frames");
    });
}

#[test]
fn framesets_are_frames() {
    run(async {
        let (menu, main) = (
            at("a.test", "<a href='/done' target=main>Go</a>").await,
            at("a.test", "<h1>Start</h1>").await,
        );
        let (_context, page) = showing("<p>x").await;
        show(&page, &format!("<!DOCTYPE html><title>set</title><frameset cols='200,*'><frame name=menu src='{menu}'><frame name=main src='{main}'></frameset>")).await;
        page.click(&Query::role("link", "Go"), soon(), &mut Unobserved).await.unwrap();
        done(async |_| page.one(&Query::role("heading", "Done").frame("main")).await).await;
    });
}

/// A frame goes to another site, back, and out again, and is then removed.
async fn frame_comes_and_goes() -> Result<(), NotDone> {
    let (here, there) = (at("a.test", "<h1>Here</h1>").await, at("b.test", "<h1>There</h1>").await);
    let (_context, page) = showing(&format!("<iframe name=f src='{here}'></iframe><button onclick=\"document.querySelector('iframe').src='{there}'\">Out</button><button onclick=\"document.querySelector('iframe').src='{here}'\">Back</button><button onclick=\"document.querySelector('iframe').remove()\">Gone</button>")).await;
    for (button, heading) in [("Out", "There"), ("Back", "Here"), ("Out", "There")] {
        page.click(&Query::role("button", button), soon(), &mut Unobserved).await?;
        let query = Query::by(By::Role("heading".into(), None)).frame("f");
        let mut tries = agent::browser::Tries::until(soon());
        loop {
            if page.is_crashed() {
                return Err(Stop::Browser(Error::Crashed).into());
            }
            let tried = page.one(&query).await;
            if let Attempted::Done(found) = &tried
                && found.name == heading
            {
                break;
            }
            tries.wait(agent::browser::Why::Other(format!("{button}: {tried:?}"))).await?;
        }
    }
    page.click(&Query::role("button", "Gone"), soon(), &mut Unobserved).await?;
    until("the frame is gone", async || (page.frames().await.unwrap().len() == 1).then_some(()))
        .await;
    Ok(())
}

#[test]
fn a_frame_that_changes_its_site_and_comes_back_is_still_reached() {
    run(async {
        // On a busy machine Chromium's own renderer now and then dies of such a change (seen as a segmentation fault in the system's
        // log). The driver then says so at once, and the story is told to a new page.
        for _ in 0..5 {
            match frame_comes_and_goes().await {
                Err(NotDone::Stopped(Stop::Browser(Error::Crashed))) => {}
                other => return other.unwrap(),
            }
        }
        panic!("the renderer crashed five times");
    });
}

#[test]
fn a_cover_in_the_outer_document_protects_a_button_in_a_frame() {
    run(async {
        let inner = at("b.test", "<button onclick='document.title=\"clicked\"'>Pay</button>").await;
        let (_context, page) = showing(&format!(
            "<iframe src='{inner}'></iframe><div id=veil style='position:fixed;inset:0'>Wait</div>"
        ))
        .await;
        // The frame is in a process of its own and comes when it comes; from then on it is covered.
        let button =
            done(async |_| page.one(&Query::by(By::Text(Text::equals("Pay")))).await).await;
        let pay = Query::role("button", "Pay");
        refused(
            async |deadline| page.click(&pay, deadline, &mut Unobserved).await,
            |end| end.to_string().contains("veil"),
        )
        .await;
        assert!(button.frame_url.starts_with("http://b.test"));
        assert_ne!(page.frames().await.unwrap()[1].title, "clicked");
    });
}
