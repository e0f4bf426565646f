//! A small page for people who watch a demonstration: the mailboxes, the faxes, and the requests with what a reviewer of
//! the payer can do to them. On loopback, behind an address nobody can guess; nothing the fleet uses leads here.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    control::Act,
    fax::Way,
    html::{self, central, esc},
    sim::Sim,
    store::{Case, Told},
    world::world,
};

const STYLE: &str = "body{font:15px/1.5 system-ui,'DejaVu Sans',sans-serif;margin:0;background:#f5f6f8;color:#1c2733}\
    header{background:#26323f;color:#fff;padding:14px 24px}main{max-width:1100px;margin:0 auto;padding:8px 24px 40px}\
    h1{font-size:20px;margin:0}h2{font-size:17px;margin:26px 0 8px}section{overflow-x:auto}\
    table{border-collapse:collapse;width:100%;background:#fff}th,td{border-bottom:1px solid #dde2e8;padding:7px 10px;\
    text-align:left;vertical-align:top}th{font-size:13px;color:#546473}pre{margin:0;white-space:pre-wrap;font:inherit}\
    form{display:flex;gap:6px;flex-wrap:wrap}select,input,button{font:inherit;padding:4px 8px}p.none{color:#667684}";

/// What a reviewer can do, by the words of the list.
const ACTS: [&str; 11] = [
    "Approve",
    "Deny",
    "Grant units",
    "Ask for documents",
    "Cancel",
    "Letter says the opposite",
    "Portal says the opposite",
    "X12 says the opposite",
    "Fax the determination",
    "Fax the determination upside down",
    "Fax a request with another letter behind it",
];

/// The page, its documents and its one form, all under the address's own key.
pub(super) fn router(sim: Arc<Sim>, key: &str) -> Router {
    Router::new()
        .route(&format!("/{key}/"), get(page))
        .route(&format!("/{key}/act"), post(act))
        .route(&format!("/{key}/fax/{{way}}/{{id}}"), get(fax))
        .with_state(sim)
}

fn table(headers: &[&str], rows: &[Vec<String>], none: &str) -> String {
    if rows.is_empty() {
        return format!("<p class=\"none\">{none}</p>");
    }
    let heads: String = headers.iter().map(|head| format!("<th>{head}</th>")).collect();
    let mut out = format!("<table><tr>{heads}</tr>");
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        // Writing to a string cannot fail.
        let _ = write!(out, "<tr>{cells}</tr>");
    }
    out + "</table>"
}

async fn page(State(sim): State<Arc<Sim>>) -> Response {
    sim.run_due();
    let title = esc(sim.profile.slug);
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}: for people</title><style>{STYLE}</style></head>\
         <body><header><h1>{title}, seen from inside</h1><span>{}</span></header><main>\
         <section><h2>Requests</h2>{}</section><section><h2>Faxes</h2>{}</section>\
         <section><h2>Mail</h2>{}</section></main></body></html>",
        central(sim.now()),
        cases(&sim),
        faxes(&sim),
        mail(&sim)
    );
    html::page(StatusCode::OK, body)
}

fn cases(sim: &Sim) -> String {
    let mut all = sim.store.all();
    all.retain(|case| case.recorded);
    all.reverse();
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    table(&["Number", "Member", "Services", "Received", "Act"], &rows, "No requests yet.")
}

fn row(case: &Case) -> Vec<String> {
    let lines: Vec<String> =
        case.lines.iter().map(|line| format!("{}: {:?}", esc(&line.code), line.status)).collect();
    let options: String = ACTS.iter().map(|act| format!("<option>{act}</option>")).collect();
    let form = format!(
        "<form method=\"post\" action=\"act\"><input type=\"hidden\" name=\"number\" value=\"{}\">\
         <select name=\"act\" aria-label=\"Act\">{options}</select><input name=\"detail\" size=\"18\" \
         aria-label=\"Reason, units or documents\" placeholder=\"reason, units, documents\">\
         <button>Do it</button></form>",
        esc(&case.id)
    );
    vec![
        esc(&case.id),
        esc(&case.filing.member_id),
        lines.join("<br>"),
        central(case.received_at),
        form,
    ]
}

fn faxes(sim: &Sim) -> String {
    let mut rows = Vec::new();
    for (way, words) in [(Way::In, "to the practice"), (Way::Out, "from the practice")] {
        for note in sim.fax.list(way) {
            let folder = if way == Way::In { "in" } else { "out" };
            rows.push(vec![
                format!("<a href=\"fax/{folder}/{0}\">{0}</a>", esc(&note.id)),
                words.to_owned(),
                note.pages.to_string(),
                central(note.received_at),
                esc(&note.barcode.or(note.state).unwrap_or_default()),
            ]);
        }
    }
    table(&["Fax", "Way", "Pages", "When", "Bar code or state"], &rows, "No faxes yet.")
}

fn mail(sim: &Sim) -> String {
    let accounts = world().accounts.iter().filter(|one| one.payer == sim.profile.slug);
    let mut rows = Vec::new();
    for account in accounts {
        for message in sim.mail.messages(&sim.kept, &account.email, sim.now()) {
            rows.push(vec![
                esc(&message.to),
                central(message.at),
                esc(&message.subject),
                format!("<pre>{}</pre>", esc(&message.text)),
            ]);
        }
    }
    table(&["To", "When", "Subject", "Text"], &rows, "No messages yet.")
}

/// What somebody does to a request.
#[derive(Deserialize)]
struct Wish {
    number: String,
    act: String,
    #[serde(default)]
    detail: String,
}

impl Wish {
    fn act(&self) -> Option<Act> {
        let detail = self.detail.trim();
        let or = |usual: &str| if detail.is_empty() { usual.to_owned() } else { detail.to_owned() };
        let letter = |template: &str| Act::PostLetter { template: template.to_owned() };
        Some(match ACTS.iter().position(|act| *act == self.act)? {
            0 => Act::Approve,
            1 => Act::Deny { reason: or("Not medically necessary as described.") },
            2 => Act::Modify { units: detail.parse().ok()? },
            3 => Act::RequestInfo {
                documents: or("Office note").split(',').map(|one| one.trim().to_owned()).collect(),
            },
            4 => Act::Cancel,
            5 => Act::Contradict { told: Told::Letter },
            6 => Act::Contradict { told: Told::Portal },
            7 => Act::Contradict { told: Told::Edi },
            8 => letter("determination"),
            9 => letter("determination+upside_down"),
            _ => letter("request+two_in_one"),
        })
    }
}

async fn act(State(sim): State<Arc<Sim>>, Form(wish): Form<Wish>) -> Response {
    let Some(act) = wish.act() else {
        return (StatusCode::BAD_REQUEST, "Granting units takes a number.").into_response();
    };
    let done = sim.review(&wish.number, &act);
    sim.flush().await;
    match done {
        Ok(_) => html::redirect(StatusCode::SEE_OTHER, "./"),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

async fn fax(State(sim): State<Arc<Sim>>, Path((way, id)): Path<(String, String)>) -> Response {
    let way = if way == "in" { Way::In } else { Way::Out };
    match sim.fax.document(way, &id) {
        Some(bytes) => html::answer(StatusCode::OK, "application/pdf", bytes),
        None => (StatusCode::NOT_FOUND, "No such fax.").into_response(),
    }
}
