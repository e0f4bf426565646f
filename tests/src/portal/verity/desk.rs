//! A call of somebody who is signed in: the portal session, what was posted back, the unfinished case, and what happens
//! to a call that comes too late, from an old page, or from a session that is over.

#![expect(clippy::result_large_err, reason = "the error is the answer itself, made once and sent")]

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, RequestExt as _,
    extract::{FromRequest, FromRequestParts, Multipart, Request},
    http::{StatusCode, header, request::Parts},
    response::Response,
};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    draft::{self, Closed, Draft},
    look::{self, Ids, Page},
    signin,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        accounts::{PortalSession, Stage},
        call::Call,
        html,
        sim::Sim,
    },
};

/// Somebody signed in, at work.
pub(super) struct Desk {
    pub(super) sim: Arc<Sim>,
    pub(super) call: Call,
    pub(super) session: PortalSession,
}

impl FromRequestParts<Arc<Sim>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Desk, Response> {
        let Ok(Extension(call)) = Extension::<Call>::from_request_parts(parts, sim).await else {
            return Err(html::page(StatusCode::INTERNAL_SERVER_ERROR, String::new()));
        };
        let ms = u64::try_from(sim.knobs.number("page_delay_ms")).unwrap_or(0);
        sim.page_delay(ms).await;
        draft::withdraw_overdue(sim);
        match call.session.clone() {
            Some(session) if session.stage == Stage::Live => {
                Ok(Desk { sim: Arc::clone(sim), call, session })
            }
            Some(_) => Err(to("login.aspx")),
            None => Err(match call.ended {
                Some("displaced" | "displaced-by-second-login") => to("sessionEnded.aspx?r=other"),
                Some("log out") | None => to("login.aspx"),
                Some(_) => to("sessionEnded.aspx?r=idle"),
            }),
        }
    }
}

/// On to another page.
pub(super) fn to(page: &str) -> Response {
    html::redirect(StatusCode::FOUND, &format!("/{page}"))
}

/// What a form posted back: values by the logical names of their fields, whatever ids this answer had.
#[derive(Debug, Default)]
pub(super) struct Posted {
    values: HashMap<String, Vec<String>>,
    target: String,
    argument: String,
    view_state: String,
    /// A file: name and bytes.
    pub(super) file: Option<(String, Vec<u8>)>,
}

/// The last part of `ctl00$k7Qx2$txtMember` without its prefix, or of `vr$k7Qx2$memberFld` without its ending.
fn logical(name: &str) -> String {
    let last = name.rsplit('$').next().unwrap_or_default();
    match last.strip_suffix("Fld") {
        Some(redesigned) => redesigned.to_ascii_lowercase(),
        None => last.get(3..).unwrap_or_default().to_ascii_lowercase(),
    }
}

impl Posted {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "__EVENTTARGET" => self.target = logical(&value),
            "__EVENTARGUMENT" => self.argument = value,
            "__VIEWSTATE" => self.view_state = value,
            _ if name.starts_with("__") => {}
            _ => self.values.entry(logical(name)).or_default().push(value),
        }
    }

    /// Reads the body of a post.
    pub(super) async fn read(request: Request) -> Posted {
        let mut posted = Posted::default();
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("multipart/")) {
            let Ok(mut form) = request.extract::<Multipart, _>().await else { return posted };
            while let Ok(Some(field)) = form.next_field().await {
                let name = field.name().unwrap_or_default().to_owned();
                let file = field.file_name().map(str::to_owned);
                let Ok(bytes) = field.bytes().await else { break };
                match file {
                    Some(file) if !file.is_empty() => posted.file = Some((file, bytes.to_vec())),
                    Some(_) => {}
                    None => posted.take(&name, String::from_utf8_lossy(&bytes).into_owned()),
                }
            }
            return posted;
        }
        let Ok(body) = axum::body::Bytes::from_request(request, &()).await else { return posted };
        for (name, value) in url::form_urlencoded::parse(&body) {
            posted.take(&name, value.into_owned());
        }
        posted
    }

    /// A value, trimmed; empty when it is not there.
    pub(super) fn value(&self, key: &str) -> String {
        let values = self.values.get(&key.to_ascii_lowercase());
        values
            .and_then(|values| values.first())
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    }

    /// All values of a name.
    pub(super) fn all(&self, key: &str) -> Vec<String> {
        self.values.get(&key.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// Was this button or link used?
    pub(super) fn used(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        self.target == key || (self.target.is_empty() && self.values.contains_key(&key))
    }

    /// The argument of the link that was used.
    pub(super) fn argument(&self) -> &str {
        &self.argument
    }

    /// A date: one field, or three pick-lists.
    pub(super) fn date(&self, key: &str) -> String {
        let part = |name: &str| self.value(&format!("{key}{name}"));
        let (month, day, year) = (part("Month"), part("Day"), part("Year"));
        if month.is_empty() { self.value(key) } else { format!("{month}/{day}/{year}") }
    }
}

impl Desk {
    /// Writes a ledger entry.
    pub(super) fn note(&self, entry: Entry) -> u64 {
        self.sim.note(&self.call, entry)
    }

    /// Notes that a page was shown.
    pub(super) fn saw(&self, page: &str) {
        self.note(Entry::new("view").with("page", page));
    }

    /// Names for the elements of one answer.
    pub(super) fn ids(&self) -> Ids {
        Ids::new(self.session.skin)
    }

    /// Is this the redesigned rendering?
    pub(super) fn v2(&self) -> bool {
        self.session.skin == crate::portal::Skin::V2
    }

    /// The words of v1, or those of the redesign.
    pub(super) fn words<'a>(&self, first: &'a str, redesigned: &'a str) -> &'a str {
        if self.v2() { redesigned } else { first }
    }

    /// Keeps a value in the portal session.
    pub(super) fn put(&self, name: &str, value: Value) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.data.insert(name.to_owned(), value);
        });
    }

    /// A value of the portal session as it now is.
    pub(super) fn get(&self, name: &str) -> Value {
        let session = self.sim.sessions.get(&self.session.token);
        session.and_then(|session| session.data.get(name).cloned()).unwrap_or_default()
    }

    /// Notes whose record is worked on.
    pub(super) fn works_on(&self, member_id: &str) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.member = Some(member_id.to_owned());
        });
    }

    /// The unfinished case at hand, as it now is: it may have been withdrawn meanwhile.
    pub(super) fn draft(&self) -> Draft {
        let draft: Draft = serde_json::from_value(self.get("draft")).unwrap_or_default();
        if draft.number.is_empty() {
            return draft;
        }
        draft::find(&self.sim, &draft.number).unwrap_or(draft)
    }

    /// Keeps the unfinished case.
    pub(super) fn keep(&self, draft: &Draft) {
        self.put("draft", json!(draft));
        draft::keep(&self.sim, draft);
        if !draft.number.is_empty() {
            let entry = Entry::new("draft").with("saved", true);
            self.note(entry.with("case", draft.number.as_str()));
        }
    }

    /// Goes to a page of the case.
    pub(super) fn go(&self, draft: &mut Draft, page: &str) -> Response {
        page.clone_into(&mut draft.page);
        self.keep(draft);
        to(&format!("{page}.aspx"))
    }

    fn view_state(&self, page: &str, ordinal: u64) -> String {
        let mac = hex(&Sha256::digest(format!("{}/{page}/{ordinal}", self.session.token)));
        let mac: String = mac.chars().take(20).collect();
        base64::engine::general_purpose::STANDARD.encode(format!("{page}|{ordinal}|{mac}"))
    }

    /// A page with its form; pages shown before cannot be posted back any more.
    pub(super) fn page(
        &self,
        ids: &Ids,
        file: &str,
        title: &str,
        message: &str,
        body: String,
    ) -> Response {
        self.saw(file);
        let ordinal = self.get("page").as_u64().unwrap_or(0) + 1;
        self.put("page", json!(ordinal));
        let page = Page {
            title,
            file: &format!("{file}.aspx"),
            view_state: self.view_state(file, ordinal),
            message,
            body,
            user: Some(&self.session.account.id),
            multipart: file == "upload",
        };
        html::page(StatusCode::OK, look::page(ids, &page))
    }

    /// The case at hand for a look at one of its pages, or what is answered instead: an old page, a case that is over.
    pub(super) fn at(&self, page: &str) -> Result<Draft, Response> {
        let draft = self.draft();
        if draft.closed == Some(Closed::Withdrawn) {
            return Err(self.withdrawn(&draft));
        }
        if draft.page != page || draft.closed.is_some() {
            return Err(self.expired());
        }
        Ok(draft)
    }

    /// What was posted back to one of the menu's pages, or what is answered instead.
    pub(super) async fn posted(&self, page: &str, request: Request) -> Result<Posted, Response> {
        let posted = Posted::read(request).await;
        let ordinal = self.get("page").as_u64().unwrap_or(0);
        if posted.view_state != self.view_state(page, ordinal) {
            return Err(self.expired());
        }
        match signin::menu_entry(self, &posted) {
            Some(elsewhere) => Err(elsewhere),
            None => Ok(posted),
        }
    }

    /// What was posted back to a page of the case at hand, and the case.
    pub(super) async fn posted_to(
        &self,
        page: &str,
        request: Request,
    ) -> Result<(Draft, Posted), Response> {
        let posted = self.posted(page, request).await?;
        Ok((self.at(page)?, posted))
    }

    /// The answer to a page that is not the newest one. An unfinished case is kept.
    pub(super) fn expired(&self) -> Response {
        self.saw("expired");
        let body = "<p>This page has expired.</p><p>Nothing was taken. A case that has a number is kept under \
            Incomplete cases.</p><p><a href=\"/home.aspx\">Home</a></p>";
        html::page(StatusCode::OK, look::plain(self.session.skin, "Page expired", body))
    }

    fn withdrawn(&self, draft: &Draft) -> Response {
        self.saw("withdrawn");
        let body = format!(
            "<p>This case has been withdrawn.</p><p>Case {} was not finished in time: Withdrawn - Incomplete.</p>\
             <p><a href=\"/home.aspx\">Home</a></p>",
            html::esc(&draft.number)
        );
        html::page(StatusCode::OK, look::plain(self.session.skin, "Case withdrawn", &body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_by_their_logical_names_in_both_skins() {
        let mut posted = Posted::default();
        posted.take("ctl00$k7Qx2$txtMember", " W1 ".to_owned());
        posted.take("vr$ab3de$lastNameFld", "BIRCH".to_owned());
        posted.take("__EVENTTARGET", "ctl00$k7Qx2$lnkStart".to_owned());
        for (part, value) in [("Month", "11"), ("Day", "30"), ("Year", "1975")] {
            posted.take(&format!("vr$x$dob{part}Fld"), value.to_owned());
        }
        assert_eq!(
            (posted.value("Member"), posted.value("LastName")),
            ("W1".into(), "BIRCH".into())
        );
        assert!(posted.used("Start") && !posted.used("Member"));
        assert_eq!(posted.date("Dob"), "11/30/1975");
    }
}
