//! The frames somebody works in after the sign-on: banner, menu, main. A frameset, or frames inside a page.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{desk::Desk, eastern, look::Look};
use crate::{
    ledger::Entry,
    portal::html::{self, esc},
};

fn shown(html: String) -> Response {
    html::page(StatusCode::OK, html)
}

/// Signs off.
pub(super) async fn log_off(desk: Desk) -> Response {
    desk.note(Entry::new("logout"));
    desk.sim.end_session(&desk.session.token, "log off");
    let mut response = shown(desk.look().bare(
        "Harbor State Medicaid",
        "<h2>Harbor State Medicaid</h2><p>You have signed off.</p>\
         <p><a href=\"/pa/banner\" target=\"_top\">Sign on again</a></p>",
    ));
    let gone = HeaderValue::from_static("JSESSIONID=; Path=/pa; Max-Age=0; Secure; HttpOnly");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    response
}

/// Name and title of the three frames: banner, menu, main.
fn frames(look: Look) -> [(&'static str, &'static str); 3] {
    if look.redesigned() {
        [("hs_head", "Header"), ("hs_nav", "Navigation"), ("hs_work", "Content")]
    } else {
        [("banner", "Banner"), ("menu", "Menu"), ("main", "Main")]
    }
}

/// The page that holds the frames.
pub(super) async fn index(desk: Desk) -> Response {
    desk.saw("index");
    let look = desk.look();
    let [banner, menu, main] = frames(look);
    if look.redesigned() || desk.sim.knobs.text("frames") == "iframe" {
        let frame = |(name, title): (&str, &str), page: &str, class: &str| {
            let page = desk.href(page);
            format!(
                "<iframe name=\"{name}\" title=\"{title}\" class=\"{class}\" src=\"{page}\"></iframe>"
            )
        };
        let body = format!(
            "<style>html,body{{height:100%;margin:0;padding:0;overflow:hidden}}iframe{{border:0}}\
             .all{{display:flex;flex-direction:column;height:100vh}}.top{{height:64px;width:100%}}.two{{display:flex;flex:1;\
             min-height:0}}.menu{{width:230px}}.work{{flex:1;min-width:0}}@media(max-width:700px){{.two{{flex-direction:column}}\
             .menu{{width:100%;height:150px}}}}</style>\
             <div class=\"all\">{}<div class=\"two\">{}{}</div></div>",
            frame(banner, "top", "top"),
            frame(menu, "menu", "menu"),
            frame(main, "main", "work"),
        );
        return shown(look.bare("Harbor State Medicaid MMIS", &body));
    }
    shown(format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Frameset//EN\"><html lang=\"en\"><head>\
         <title>Harbor State Medicaid MMIS</title></head>\
         <frameset rows=\"64,*\" border=\"1\"><frame name=\"{}\" title=\"{}\" src=\"{}\" scrolling=\"no\">\
         <frameset cols=\"200,*\"><frame name=\"{}\" title=\"{}\" src=\"{}\">\
         <frame name=\"{}\" title=\"{}\" src=\"{}\"></frameset></frameset></html>",
        banner.0,
        banner.1,
        desk.href("top"),
        menu.0,
        menu.1,
        desk.href("menu"),
        main.0,
        main.1,
        desk.href("main")
    ))
}

/// The banner frame.
pub(super) async fn top(desk: Desk) -> Response {
    let look = desk.look();
    let user = esc(&desk.session.account.id.to_uppercase());
    let day = esc(&html::us_date(eastern(desk.sim.now()).date()));
    let off = desk.href("logoff");
    let body = if look.redesigned() {
        format!(
            "<header class=\"hs-bar\"><strong>Harbor State Medicaid</strong><span>Signed on as {user}</span>\
             <span>{day}</span><a href=\"{off}\" target=\"_top\">Sign Off</a></header>"
        )
    } else {
        format!(
            "<style>body{{background:#12305e;color:#fff}}a{{color:#fff}}</style><table width=\"100%\"><tr><td><b>Harbor State Medicaid</b> Provider Portal</td>\
             <td>Signed on as {user}</td><td>{day}</td>\
             <td align=\"right\"><a href=\"{off}\" target=\"_top\">Log Off</a></td></tr></table>"
        )
    };
    shown(look.bare("Banner", &body))
}

/// The menu frame: headings open their entries.
pub(super) async fn menu(desk: Desk) -> Response {
    let look = desk.look();
    if look.redesigned() {
        return shown(look.bare("Navigation", &menu_list(&desk)));
    }
    let main = frames(look)[2].0;
    let entry = |page: &str, words: &str| {
        format!(
            "<div>&nbsp;&nbsp;<a href=\"{}\" target=\"{main}\">{words}</a></div>",
            desk.href(page)
        )
    };
    let heading = |id: &str, words: &str| {
        format!("<p><a href=\"#\" onclick=\"opens('{id}');return false\">{words}</a></p>")
    };
    shown(look.bare(
        "Menu",
        &format!(
            "<style>body{{background:#e1e7f1}}p{{margin:10px 0 4px;font-weight:bold}}div{{padding:2px 0}}</style>\
             <script>function opens(id){{['pa','claims','elig'].forEach(function(one){{\
             document.getElementById(one).style.display=id==one?'block':'none';}});}}</script>\
             {}<div id=\"pa\" style=\"display:none\">{}{}</div>\
             {}<div id=\"claims\" style=\"display:none\">{}</div>\
             {}<div id=\"elig\" style=\"display:none\">{}</div>\
             <p><a href=\"{}\" target=\"{main}\">Home</a></p>",
            heading("pa", "Prior Authorization"),
            entry("paEntry1", "Enter Request"),
            entry("paInquiry", "PA Inquiry"),
            heading("claims", "Claims"),
            entry("claimInquiry", "Claim Inquiry"),
            heading("elig", "Eligibility"),
            entry("eligInquiry", "Eligibility Inquiry"),
            desk.href("main")
        ),
    ))
}

/// The redesigned menu: other words, buttons that open their entries.
fn menu_list(desk: &Desk) -> String {
    let work = frames(desk.look())[2].0;
    let group = |words: &str, entries: &[(&str, &str)]| {
        let entries: String = entries
            .iter()
            .map(|(page, words)| {
                let page = desk.href(page);
                format!("<li><a href=\"{page}\" target=\"{work}\">{words}</a></li>")
            })
            .collect();
        format!(
            "<li><button type=\"button\" aria-expanded=\"false\" onclick=\"var l=this.nextElementSibling;\
             l.hidden=!l.hidden;this.setAttribute('aria-expanded',String(!l.hidden))\">{words}</button>\
             <ul hidden>{entries}</ul></li>"
        )
    };
    format!(
        "<nav aria-label=\"Functions\"><ul class=\"hs-menu\"><li><a href=\"{}\" target=\"{work}\">Start</a></li>{}{}{}</ul></nav>",
        desk.href("main"),
        group("Members", &[("eligInquiry", "Coverage Check")]),
        group("PA Requests", &[("paEntry1", "New"), ("paInquiry", "Look Up")]),
        group("Payments", &[("claimInquiry", "Claim Lookup")]),
    )
}

/// The first page of the main frame.
pub(super) async fn main(desk: Desk) -> Response {
    desk.saw("main");
    let wants = desk.session.data.get("bulletin") == Some(&json!(true));
    let mut body = String::from(
        "<p>Welcome to the Harbor State Medicaid Provider Portal.</p>\
         <p>Select a function from the menu.</p>",
    );
    if wants || desk.call.fires("announcement") {
        desk.put("bulletin", json!(false));
        desk.note(Entry::new("announcement").with("what", "shown"));
        body.push_str(if desk.look().redesigned() { NEWS } else { BULLETIN });
    }
    desk.page("Provider Home", &[], &body)
}

const BULLETIN: &str = "<div id=\"bulletin\" role=\"dialog\" aria-label=\"Provider Bulletin\" style=\"position:fixed;left:0;top:0;\
    width:100%;height:100%;background:#fffbe6;padding:20px\"><h3>Provider Bulletin</h3>\
    <p>Fee schedules for the second quarter have been posted.</p>\
    <input type=\"button\" value=\"Close Bulletin\" \
    onclick=\"document.getElementById('bulletin').style.display='none'\"></div>";

const NEWS: &str = "<div class=\"hs-over\" id=\"hs_news\"><div class=\"hs-pane\" role=\"dialog\" aria-label=\"News for Providers\">\
    <h2>News for Providers</h2><p>Fee schedules for the second quarter have been posted.</p><div class=\"hs-foot\">\
    <button type=\"button\" onclick=\"document.getElementById('hs_news').hidden=true\">I have read this</button></div></div></div>";
