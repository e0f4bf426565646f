//! Menus that open under the pointer, also where the page takes the pointer's place away again and again.

use domain::wire::End;
use serde_json::json;

use crate::{
    book::{Book, alone, failure},
    lab::{lab, shown},
};

/// A menu in a menu, which opens 200 ms after the pointer came, or by its key at once.
const MENU: &str = "<h1>Requests</h1><ul role=menu id=m><li id=p><div id=d role=menuitem tabindex=-1 aria-haspopup=true>Requests</div>\
    <ul role=menu id=s hidden><li><div role=menuitem tabindex=-1 onclick='o.textContent = \"opened new\"'>New</div></ul></ul><p id=o></p>\
    <script>let t; const open = () => { s.hidden = false };\
    d.onmouseover = () => { clearTimeout(t); t = setTimeout(open, 200) }; m.onkeydown = e => e.key === 'ArrowRight' && open();\
    RENDER</script>";

const SCRIPT: &str = "needs: {note: string?}
defaults: {within: 20s}
elements:
  requests: {role: menuitem, name: Requests}
  new: {role: menuitem, name: New}
  opened: {css: '#o'}
screens: {opened: {text: '/opened new/'}}
flow:
  - step: open
    effect: read
    open: LAB/menu
    hover: requests
  - step: choose
    effect: read
    click: new
    until: opened
  - classify: {from: opened, received: {text: '/opened/'}, else: {raise: unknown}}
exceptions: {unknown: {queue: review}}
";

async fn chosen(render: &str, within: &str) -> Result<(), String> {
    shown(&[("menu", &MENU.replace("RENDER", render))]).await;
    let (_, finished) = lab(Book::default(), &SCRIPT.replace("20s", within), json!({})).await;
    match &finished.end {
        Some(End::Outcome { .. }) => Ok(()),
        _ => Err(failure(&finished).name.clone()),
    }
}

#[test]
fn a_menu_is_opened_by_the_pointer_and_by_its_key_where_the_pointer_finds_no_rest() {
    alone(async {
        assert_eq!(chosen("", "20s").await, Ok(()));
        // Put anew into the document every 50 ms, it has the pointer come anew each time, and never opens by that.
        let anew = "setInterval(() => document.activeElement === document.body && m.parentNode.insertBefore(m, m.nextSibling), 50)";
        assert_eq!(chosen(anew, "20s").await, Ok(()));
        // A menu that opens by nothing is no guess.
        let shut = "m.onkeydown = null; d.onmouseover = null";
        assert_eq!(chosen(shut, "4s").await, Err("element_missing".into()));
    });
}
