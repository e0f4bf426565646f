//! The pop-up windows: member search and code search. A pick writes into the opener and closes the window. In some
//! settings, and redesigned, the same searches are shown in a dialog inside the page.

use axum::response::Response;

use super::{
    desk::{Desk, Fields, Typed, value},
    rules::{self, Edit},
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        world::{Member, world},
    },
};

/// What a button does to open a search. A blocked window opens nothing and says nothing; the field stays empty.
pub(super) fn opens(desk: &Desk, page: &str, size: &str) -> String {
    if desk.has_dialogs() {
        return format!("ask('{}')", desk.href(page));
    }
    if page == "memberSearch" && desk.sim.knobs.text("popup") == "blocked" {
        return "return false".to_owned();
    }
    format!("window.open('{}','{page}','{size},scrollbars=yes')", desk.href(page))
}

/// The dialog that takes the window's place: it fetches the same pages and shows them inside this one.
pub(super) fn dialog(desk: &Desk, title: &str) -> String {
    if !desk.has_dialogs() {
        return String::new();
    }
    let look = desk.look();
    let at = |name: &str| format!("document.forms['{}']['{}']", desk.form_name(), look.name(name));
    let (over, pane) = look.over();
    format!(
        "<div id=\"lk_over\" {over} hidden><div id=\"lk_pane\" {pane} role=\"dialog\" aria-modal=\"true\" \
         aria-label=\"{title}\"></div></div><script>\
         var over=document.getElementById('lk_over'),pane=document.getElementById('lk_pane');\
         function fill(answer){{answer.then(function(a){{return a.text();}}).then(function(text){{\
         pane.innerHTML=new DOMParser().parseFromString(text,'text/html').body.innerHTML;\
         var f=pane.querySelector('form');\
         if(f&&/Search/.test(f.action))f.onsubmit=function(e){{e.preventDefault();\
         fill(fetch(f.action,{{method:'POST',body:new URLSearchParams(new FormData(f))}}));}};\
         }}).catch(function(){{pane.textContent='The search is not available.';}});}}\
         function ask(page){{pane.innerHTML='';over.hidden=false;fill(fetch(page));}}\
         function shut(){{over.hidden=true;pane.innerHTML='';}}\
         function pick(id,name,dob){{{}.value=id;{}.value=name;{}.value=dob;shut();}}\
         function pickCode(code){{{}.value=code;shut();}}</script>",
        at("memberId"),
        at("memberName"),
        at("memberDob"),
        at("procedure"),
        title = look.says(title),
    )
}

/// What a pick in the list does, behind the word "Select".
fn choice(desk: &Desk, does: &str) -> String {
    if desk.look().redesigned() {
        return format!("<button type=\"button\" onclick=\"{does}\">Use</button>");
    }
    format!("<a href=\"#\" onclick=\"{does};return false\">Select</a>")
}

/// The empty search form.
pub(super) async fn member_form(desk: Desk) -> Response {
    member_page(&desk, &Fields::new(), &[], "")
}

fn member_page(desk: &Desk, typed: &Fields, edits: &[Edit], found: &str) -> Response {
    let look = desk.look();
    let fields = [
        look.field("Member ID", "searchId", &value(typed, "searchId"), 14),
        look.field("Date of Birth", "searchDob", &value(typed, "searchDob"), 12),
    ];
    let close = if desk.has_dialogs() { "shut()" } else { "window.close()" };
    let body = format!(
        "<form method=\"post\" action=\"{}\">{}<p>{} {}</p></form>{found}",
        desk.href("memberSearch"),
        look.set(&fields, &[1, 0]),
        look.send("Find Member"),
        look.button("Close", close),
    );
    desk.page("Member Search", edits, &body)
}

/// Members that fit both fields.
pub(super) async fn member_search(desk: Desk, Typed(typed): Typed) -> Response {
    let id = value(&typed, "searchId");
    let Some(born) = rules::date(&value(&typed, "searchDob")) else {
        return member_page(&desk, &typed, &[Edit::DateFormat], "");
    };
    let member = world().member_by_id(super::PROFILE.slug, &id).filter(|member| member.dob == born);
    let Some(member) = member else {
        return member_page(&desk, &typed, &[Edit::MemberNotFound], "");
    };
    desk.note(Entry::new("eligibility").with("member", member.key.as_str()));
    let mut rows = vec![member_row(&desk, member, "HARBOR STATE MEDICAID")];
    if desk.call.fires("two-matches") {
        rows.push(member_row(&desk, member, "HARBOR SPENDDOWN"));
    }
    let headers = ["Member ID", "Name", "Date of Birth", "Program", "Action"];
    let table = desk.look().table("Members found", &headers, &rows);
    let found = if desk.has_dialogs() { table } else { format!("{PICK}{table}") };
    member_page(&desk, &typed, &[], &found)
}

const PICK: &str = "<script>function pick(id,name,dob){var f=window.opener.document.forms['pa'];\
    f.memberId.value=id;f.memberName.value=name;f.memberDob.value=dob;window.close();}</script>";

fn member_row(desk: &Desk, member: &Member, program: &str) -> Vec<String> {
    let born = html::us_date(member.dob);
    // JSON is a JavaScript literal; escaped again for the attribute.
    let literal = |text: &str| esc(&serde_json::to_string(text).unwrap_or_default());
    let (id, name, dob) = (literal(&member.member_id), literal(&member.name()), literal(&born));
    vec![
        esc(&member.member_id),
        esc(&member.name()),
        born,
        program.to_owned(),
        choice(desk, &format!("pick({id},{name},{dob})")),
    ]
}

/// The empty code search.
pub(super) async fn code_form(desk: Desk) -> Response {
    code_page(&desk, "", "")
}

fn code_page(desk: &Desk, typed: &str, found: &str) -> Response {
    let look = desk.look();
    let body = format!(
        "<form method=\"post\" action=\"{}\">{}<p>{}</p></form>{found}",
        desk.href("codeSearch"),
        look.set(&[look.field("Words or Code", "words", typed, 24)], &[0]),
        look.send("Find"),
    );
    desk.page("Code Search", &[], &body)
}

/// Procedure codes with these words.
pub(super) async fn code_search(desk: Desk, Typed(typed): Typed) -> Response {
    let words = value(&typed, "words");
    let wanted = words.to_lowercase();
    let rows: Vec<Vec<String>> = world()
        .procedures
        .iter()
        .filter(|one| {
            one.text.to_lowercase().contains(&wanted) || one.code.to_lowercase() == wanted
        })
        .map(|one| {
            let code = esc(&one.code);
            let pick = if desk.has_dialogs() {
                choice(&desk, &format!("pickCode('{code}')"))
            } else {
                let into = format!("window.opener.document.forms['{}']", desk.form_name());
                let name = desk.look().name("procedure");
                choice(&desk, &format!("{into}.{name}.value='{code}';window.close()"))
            };
            vec![esc(&one.code), esc(&one.text), pick]
        })
        .collect();
    let found = desk.look().table("Codes found", &["Code", "Description", "Action"], &rows);
    code_page(&desk, &words, &found)
}
