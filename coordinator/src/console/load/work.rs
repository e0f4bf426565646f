//! The Work page from the store.

use std::collections::BTreeMap;

use domain::{job::Task, request::Request, time::Timestamp};

use super::{payer_name, payer_names};
use crate::{
    App,
    console::{
        parts,
        work::{Row, Tab, Work},
    },
    store::{
        self,
        work::{Filter, Listed, counts, list},
    },
};

/// The query string of the page.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// Tab's word.
    pub tab: String,
    /// Searched text.
    pub q: String,
    /// Payer id.
    pub payer: String,
    /// Kind.
    pub kind: String,
    /// Continue below this case.
    pub after: String,
}

impl Query {
    fn tab(&self) -> Option<Tab> {
        if self.q.trim().is_empty() {
            Some(Tab::from_word(&self.tab).unwrap_or(Tab::NeedsUs))
        } else {
            None
        }
    }

    /// What is searched for, if anything.
    #[must_use]
    pub fn searched(&self) -> Option<&str> {
        Some(self.q.trim()).filter(|q| !q.is_empty())
    }

    fn filter(&self) -> Filter {
        Filter {
            list: self.tab().map_or(String::new(), |t| t.word().to_owned()),
            payer: self.payer.clone(),
            kind: self.kind.clone(),
            q: self.q.trim().to_owned(),
        }
    }
}

/// The page. Without a tab in the address the first list that has anything is opened.
///
/// # Errors
/// The database cannot be read.
pub async fn load(app: &App, query: &Query) -> Result<Work, store::Error> {
    let store = app.store();
    let counted = counts(store, &query.payer, &query.kind).await?;
    let count = |tab: Tab| counted.iter().find(|(w, _)| w == tab.word()).map_or(0, |(_, n)| *n);
    let mut query = query.clone();
    if query.tab.is_empty()
        && let Some(first) = Tab::ALL.into_iter().find(|t| count(*t) > 0)
    {
        query.tab = first.word().to_owned();
    }
    let names = payer_names(store).await?;
    let page = list(store, &query.filter(), &query.after, 50).await?;
    let next = page.next.map(|after| {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("tab", if query.tab().is_some() { query.tab.as_str() } else { "" }),
            ("q", query.q.as_str()),
            ("payer", query.payer.as_str()),
            ("kind", query.kind.as_str()),
            ("after", after.as_str()),
        ] {
            if !value.is_empty() {
                out.append_pair(name, value);
            }
        }
        out.finish()
    });
    Ok(Work {
        tab: query.tab(),
        counts: Tab::ALL.map(|t| (t, count(t))),
        q: query.q.clone(),
        payer: query.payer.clone(),
        kind: query.kind.clone(),
        rows: page.items.into_iter().map(|l| row(l, &names, app.now())).collect(),
        payers: names.into_iter().collect(),
        next,
        paged: !query.after.is_empty(),
    })
}

/// Every row of the view, for the export; at most 10,000.
///
/// # Errors
/// The database cannot be read.
pub async fn rows(app: &App, query: &Query) -> Result<Vec<Row>, store::Error> {
    let names = payer_names(app.store()).await?;
    let page = list(app.store(), &query.filter(), "", 10_000).await?;
    Ok(page.items.into_iter().map(|l| row(l, &names, app.now())).collect())
}

fn row(l: Listed, names: &BTreeMap<String, String>, now: Timestamp) -> Row {
    let (next, due) = next_of(&l, now);
    Row {
        case: l.case,
        payer: payer_name(names, &l.payer),
        member: member(&l.request),
        service: service(&l.request),
        kind: l.kind,
        status: l.status,
        answer: l.answer,
        reference: l.reference.map(|r| r.value),
        next,
        due,
        changed_at: l.updated_at,
    }
}

/// The member's initials.
#[must_use]
pub fn initials(request: &Request) -> String {
    let m = request.member();
    let initial = |name: &str| name.chars().next().map_or(String::new(), |c| format!("{c}."));
    format!("{} {}", initial(&m.first_name), initial(&m.last_name))
}

/// Initials and the end of the member identifier.
fn member(request: &Request) -> String {
    format!("{} {}", initials(request), parts::masked(&request.member().id, 4))
}

fn service(request: &Request) -> String {
    let Request::PriorAuth(r) = request else { return String::new() };
    let Some(first) = r.lines.first() else { return String::new() };
    let more = r.lines.len() - 1;
    let rest = if more > 0 { format!(" +{more}") } else { String::new() };
    format!("{} ×{}{rest}", first.code, first.units)
}

fn next_of(l: &Listed, now: Timestamp) -> (String, Option<Timestamp>) {
    let Some(newest) = &l.newest else { return ("–".to_owned(), None) };
    let task = match newest.task {
        Task::Submit => "Submit",
        Task::AuthStatus | Task::ClaimStatus => "Status check",
        Task::Eligibility => "Eligibility check",
        Task::Precheck => "Pre-check",
        Task::Renewal => "Renewal",
        Task::Letter => "Letter",
    };
    let text = match newest.state.as_str() {
        "ready" if newest.at.is_some_and(|at| at <= now) => {
            return (format!("{task}, ready"), newest.at);
        }
        "ready" => task,
        "leased" if newest.task.commits() => "Being submitted",
        "leased" => "Being checked",
        "resting" => "Tried again",
        "waiting" => "A person answers",
        "in_doubt" => "Read-only look",
        "done" if l.list == "done" => "Nothing",
        "done" => "Status check is planned",
        _ => "Nothing",
    };
    (text.to_owned(), newest.at)
}
