//! Pages that are too much: each ends in bounded time with a typed answer, and the next page is an ordinary one.

use crate::shared::{SOON, at, run, show, showing, slot, soon, until};
use agent::browser::{NavigationError, Page, Query, Unobserved};

/// The page after the bad one is worked on like any other.
async fn next_is_clean(page: &Page) {
    show(page, "<button onclick='document.title = \"clicked\"'>Go on</button>").await;
    page.click(&Query::role("button", "Go on"), soon(), &mut Unobserved).await.unwrap();
    assert_eq!(page.title().await.unwrap(), "clicked");
}

#[test]
fn a_page_of_20_megabytes_is_read_in_part_and_worked_on() {
    run(async {
        let row =
            "<tr><td>W100000001</td><td>an entry like thousands of others in this list</td></tr>";
        // Two megabytes of rows, and the rest of what portals put into a page: data for its scripts.
        let rows = row.repeat((2 << 20) / row.len());
        let data = "0123456789abcdef".repeat((18 << 20) / 16);
        let body = format!(
            "<h1>Everything</h1><button id=b>Close</button><table>{rows}</table><script type=application/json>\"{data}\"</script>"
        );
        let (_context, page) = showing(&body).await;
        let text = page.visible_text().await.unwrap();
        assert!(text.starts_with("Everything") && text.len() <= 2 << 20, "{}", text.len());
        page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        next_is_clean(&page).await;
    });
}

#[test]
fn a_page_that_never_stops_loading_is_used_as_soon_as_it_is_there() {
    run(async {
        let (_context, page) = slot().await;
        let body = "<img src='http://a.test/slow/600000'><button id=b onclick='document.title=\"there\"'>Go</button>";
        let url = at("a.test", body).await;
        assert_eq!(page.navigate(&url, SOON).await.unwrap().status, Some(200));
        page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        assert_eq!(page.title().await.unwrap(), "there");
        next_is_clean(&page).await;
    });
}

#[test]
fn a_redirect_loop_is_an_error_with_a_name() {
    run(async {
        let (_context, page) = slot().await;
        let Err(NavigationError::Network(error)) = page.navigate("http://a.test/loop", SOON).await
        else {
            panic!("a loop leads nowhere");
        };
        assert_eq!(error, "ERR_TOO_MANY_REDIRECTS");
        next_is_clean(&page).await;
    });
}

#[test]
fn a_storm_of_windows_is_held_down_and_the_page_lives_on() {
    run(async {
        // Chromium itself opens one window for each click, however many the page asks for.
        let (context, page) = showing(
            "<button id=b onclick='for (let i = 0; i < 40; i++) window.open(\"/other?n=storm&i=\" + i)'>Open</button>",
        )
        .await;
        for _ in 0..9 {
            page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        }
        until("the windows too many are closed", async || {
            (context.pages().len() == 6 && context.refused_windows() == 4).then_some(())
        })
        .await;
        next_is_clean(&page).await;
    });
}

#[test]
fn a_storm_of_downloads_leaves_a_bounded_folder() {
    run(async {
        let (context, page) = showing(
            "<button id=b onclick='for (let i = 0; i < 40; i++) { const a = document.createElement(\"a\"); \
             a.href = \"/file.csv?\" + i; a.download = \"f\" + i; a.click() }'>Fetch</button>",
        )
        .await;
        page.click(&Query::css("#b"), soon(), &mut Unobserved).await.unwrap();
        // The last thing the page does is answered after everything it began.
        until("the page answers", async || page.title().await.ok()).await;
        next_is_clean(&page).await;
        assert!(
            context.take_downloads().len() <= 20,
            "more files than anybody asked for are not kept"
        );
    });
}
