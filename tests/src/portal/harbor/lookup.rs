//! The pop-up windows: member search and code search. A pick writes into the opener and closes the window.

use axum::{Form, response::Response};

use super::{
    desk::{Desk, Fields, value},
    look,
    rules::{self, Edit},
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        world::{Member, world},
    },
};

/// The empty search form.
pub(super) async fn member_form(desk: Desk) -> Response {
    member_page(&desk, &Fields::new(), &[], "")
}

fn member_page(desk: &Desk, typed: &Fields, edits: &[Edit], found: &str) -> Response {
    let body = format!(
        "<form method=\"post\" action=\"{}\"><table>{}{}</table>\
         <p><input type=\"submit\" value=\"Find Member\"> \
         <input type=\"button\" value=\"Close\" onclick=\"window.close()\"></p></form>{found}",
        desk.href("memberSearch"),
        look::field("Member ID", "searchId", &value(typed, "searchId"), 14),
        look::field("Date of Birth", "searchDob", &value(typed, "searchDob"), 12),
    );
    desk.page("Member Search", edits, &body)
}

/// Members that fit both fields.
pub(super) async fn member_search(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let id = value(&typed, "searchId");
    let Some(born) = rules::date(&value(&typed, "searchDob")) else {
        return member_page(&desk, &typed, &[Edit::DateFormat], "");
    };
    let member = world().member_by_id(super::PROFILE.slug, &id).filter(|member| member.dob == born);
    let Some(member) = member else {
        return member_page(&desk, &typed, &[Edit::MemberNotFound], "");
    };
    desk.note(Entry::new("eligibility").with("member", member.key.as_str()));
    let mut rows = vec![member_row(member, "HARBOR STATE MEDICAID")];
    if desk.call.fires("two-matches") {
        rows.push(member_row(member, "HARBOR SPENDDOWN"));
    }
    let headers = ["Member ID", "Name", "Date of Birth", "Program", "Action"];
    let found = format!("{PICK}{}", look::table("Members found", &headers, &rows));
    member_page(&desk, &typed, &[], &found)
}

const PICK: &str = "<script>function pick(id,name,dob){var f=window.opener.document.forms['pa'];\
    f.memberId.value=id;f.memberName.value=name;f.memberDob.value=dob;window.close();}</script>";

fn member_row(member: &Member, program: &str) -> Vec<String> {
    let born = html::us_date(member.dob);
    // JSON is a JavaScript literal; escaped again for the attribute.
    let literal = |text: &str| esc(&serde_json::to_string(text).unwrap_or_default());
    let (id, name, dob) = (literal(&member.member_id), literal(&member.name()), literal(&born));
    vec![
        esc(&member.member_id),
        esc(&member.name()),
        born,
        program.to_owned(),
        format!("<a href=\"#\" onclick=\"pick({id},{name},{dob});return false\">Select</a>"),
    ]
}

/// The empty code search.
pub(super) async fn code_form(desk: Desk) -> Response {
    code_page(&desk, "", "")
}

fn code_page(desk: &Desk, typed: &str, found: &str) -> Response {
    let body = format!(
        "<form method=\"post\" action=\"{}\"><table>{}</table>\
         <p><input type=\"submit\" value=\"Find\"></p></form>{found}",
        desk.href("codeSearch"),
        look::field("Words or Code", "words", typed, 24),
    );
    desk.page("Code Search", &[], &body)
}

/// Procedure codes with these words.
pub(super) async fn code_search(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let words = value(&typed, "words");
    let wanted = words.to_lowercase();
    let rows: Vec<Vec<String>> = world()
        .procedures
        .iter()
        .filter(|one| one.text.to_lowercase().contains(&wanted) || one.code.to_lowercase() == wanted)
        .map(|one| {
            let pick = format!(
                "<a href=\"#\" onclick=\"window.opener.document.forms['pa'].procedure.value='{}';window.close();\
                 return false\">Select</a>",
                esc(&one.code)
            );
            vec![esc(&one.code), esc(&one.text), pick]
        })
        .collect();
    let found = look::table("Codes found", &["Code", "Description", "Action"], &rows);
    code_page(&desk, &words, &found)
}
