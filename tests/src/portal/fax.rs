//! The fax machine of one payer: a folder with what it sent (`in`, as its readers see it) and what was sent to it (`out`).
//! Each fax is a document and a note about it. Read and fed at `fax.sim.test` with a bearer value of its own. A fax with
//! the payer's bar code joins the request it names; any other lies unmatched until a person sorts it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path as Named, Query, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    bearer, html, letters,
    sim::Sim,
    store::{Case, Document},
};
use crate::ledger::{Entry, hex};

/// The host faxes are read and sent at.
pub const HOST: &str = "fax.sim.test";

/// The practice's own number, invented.
const OURS: &str = "+1 555 010 0100";

/// The largest fax taken, bytes.
const BYTES_MAX: usize = 20 * 1024 * 1024;

/// Which way a fax went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the payer to the practice.
    In,
    /// From the practice to the payer.
    Out,
}

impl Way {
    fn folder(self) -> &'static str {
        match self {
            Way::In => "in",
            Way::Out => "out",
        }
    }
}

/// The note about a fax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Name of the fax (`fax-3`).
    pub id: String,
    /// Number it came from.
    pub from: String,
    /// Number it went to.
    pub to: String,
    /// Pages, as whoever sent it counted them.
    pub pages: usize,
    /// When, on the payer's clock.
    pub received_at: Timestamp,
    /// Text of the bar code on its first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// Where a fax to the payer went: `attached`, `unmatched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The fax machine of one payer.
pub struct Fax {
    /// What a reader has to show.
    pub bearer: String,
    dir: PathBuf,
}

impl Fax {
    /// The folder kept so far, with the bearer value it had.
    pub fn open(dir: &Path, bearer: String) -> std::io::Result<Fax> {
        let dir = dir.join("fax");
        for way in [Way::In, Way::Out] {
            std::fs::create_dir_all(dir.join(way.folder()))?;
        }
        Ok(Fax { bearer, dir })
    }

    fn path(&self, way: Way, id: &str, ending: &str) -> PathBuf {
        self.dir.join(way.folder()).join(format!("{id}.{ending}"))
    }

    /// Keeps a fax. The note is written last: a fax without one is not there yet.
    fn put(&self, way: Way, note: &Note, bytes: &[u8]) -> std::io::Result<()> {
        std::fs::write(self.path(way, &note.id, "pdf"), bytes)?;
        let note_text = serde_json::to_vec(note).map_err(std::io::Error::other)?;
        std::fs::write(self.path(way, &note.id, "json"), note_text)
    }

    /// The faxes that went one way, oldest first.
    pub fn list(&self, way: Way) -> Vec<Note> {
        let Ok(entries) = std::fs::read_dir(self.dir.join(way.folder())) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let notes = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let read = |path: PathBuf| serde_json::from_slice(&std::fs::read(path).ok()?).ok();
        let mut found: Vec<Note> = notes.filter_map(read).collect();
        found.sort_by_key(|note| (note.received_at, ordinal(&note.id)));
        found
    }

    /// The document of a fax.
    pub fn document(&self, way: Way, id: &str) -> Option<Vec<u8>> {
        // Only names this machine gave: nothing else is looked for in the folder.
        self.list(way).iter().find(|note| note.id == id)?;
        std::fs::read(self.path(way, id, "pdf")).ok()
    }
}

fn ordinal(id: &str) -> u64 {
    id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Sim {
    /// Faxes a letter about a case to the practice.
    pub fn send_fax(&self, case: &Case, letter: &str, at: Timestamp) {
        let mut others = self.store.all();
        others.retain(|other| other.recorded && other.filing.member_id != case.filing.member_id);
        let Some((bytes, pages)) = letters::paper(letter, case, others.last()) else { return };
        let note = Note {
            id: format!("fax-{}", self.kept.next("fax")),
            from: format!("+1 555 010 {}", 2000 + self.profile.slug.len()),
            to: OURS.to_owned(),
            pages,
            received_at: at,
            barcode: None,
            state: None,
        };
        if let Err(error) = self.fax.put(Way::In, &note, &bytes) {
            tracing::warn!(%error, "a fax could not be kept");
            return;
        }
        let entry = Entry::new("fax").with("what", "out").with("holds", letter);
        self.note_control(entry.with("case", case.id.as_str()).with("fax", note.id));
    }

    /// Takes a fax from the practice: joins it to the request its bar code names.
    fn take_fax(&self, sent: Sent, bytes: &[u8]) -> std::io::Result<Note> {
        let text = String::from_utf8_lossy(bytes);
        let barcode = sent.barcode.or_else(|| barcode(&text));
        let number = barcode.as_deref().and_then(|code| code.split('/').nth(1));
        let case = number.and_then(|number| self.store.find(number));
        let state = if case.is_some() { "attached" } else { "unmatched" };
        let note = Note {
            id: format!("fax-{}", self.kept.next("fax")),
            from: OURS.to_owned(),
            to: sent.to,
            pages: text.matches("/Type /Page ").count().max(1),
            received_at: self.now(),
            barcode,
            state: Some(state.to_owned()),
        };
        self.fax.put(Way::Out, &note, bytes)?;
        let entry = Entry::new("fax").with("what", "in").with("state", state);
        let entry = entry.with("fax", note.id.as_str()).with("origin", "person");
        let named = case.as_ref().map(|case| case.id.clone());
        self.note_control(entry.with("case", named));
        if let Some(mut case) = case {
            let document = Document {
                kind: case.wanted.first().cloned().unwrap_or_else(|| "Fax".to_owned()),
                name: format!("{}.pdf", note.id),
                size_bytes: bytes.len() as u64,
                sha256: hex(&Sha256::digest(bytes)),
            };
            case.take_document(document, self.now());
            self.keep(&case);
        }
        Ok(note)
    }
}

/// The payer's bar code in the text layer of a cover sheet: `HSM/26061000123/SUPPORT`.
fn barcode(text: &str) -> Option<String> {
    let found = text.split(['(', ')']).find(|piece| {
        let mut parts = piece.split('/');
        let upper = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase());
        parts.next().is_some_and(upper)
            && parts.next().is_some_and(|number| number.len() >= 6)
            && parts.next().is_some_and(upper)
            && parts.next().is_none()
    });
    found.map(str::to_owned)
}

/// What is said about a fax that is sent.
#[derive(Deserialize)]
struct Sent {
    to: String,
    #[serde(default)]
    barcode: Option<String>,
}

/// `GET /in`, `GET /out`, `GET /{way}/{fax}.pdf`, `POST /out?to=`.
pub fn router(sim: Arc<Sim>) -> Router {
    Router::new()
        .route("/{way}", get(list))
        .route("/{way}/{file}", get(document))
        .route("/out", post(send).get(sent))
        .layer(DefaultBodyLimit::max(BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&sim), guard))
        .with_state(sim)
}

async fn guard(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    if !bearer::shown(&request, &sim.fax.bearer) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    bearer::served(&sim, request, next).await
}

fn way(name: &str) -> Option<Way> {
    [Way::In, Way::Out].into_iter().find(|way| way.folder() == name)
}

async fn list(State(sim): State<Arc<Sim>>, Named(name): Named<String>) -> Response {
    match way(&name) {
        Some(way) => Json(json!({"faxes": sim.fax.list(way)})).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn sent(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(json!({"faxes": sim.fax.list(Way::Out)}))
}

async fn document(
    State(sim): State<Arc<Sim>>,
    Named((name, file)): Named<(String, String)>,
) -> Response {
    let id = file.strip_suffix(".pdf");
    match way(&name).zip(id).and_then(|(way, id)| sim.fax.document(way, id)) {
        Some(bytes) => html::answer(StatusCode::OK, "application/pdf", bytes),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn send(State(sim): State<Arc<Sim>>, Query(about): Query<Sent>, bytes: Bytes) -> Response {
    let known =
        bytes.starts_with(b"%PDF-") || bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    if !known {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "a fax is PDF or TIFF").into_response();
    }
    match sim.take_fax(about, &bytes) {
        Ok(note) => (StatusCode::CREATED, Json(json!(note))).into_response(),
        Err(_) => StatusCode::INSUFFICIENT_STORAGE.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::pdf::{Sheet, pdf};

    #[test]
    fn the_bar_code_is_found_in_a_cover_sheet_and_nowhere_else() {
        let lines = vec!["PA number 26061000123 (see below)".to_owned(), "A/B".to_owned()];
        let code = "HSM/26061000123/SUPPORT";
        let cover = pdf(&Sheet { title: "Cover", lines: &lines, barcode: Some(code) });
        assert_eq!(barcode(&String::from_utf8_lossy(&cover)).as_deref(), Some(code));
        let plain = pdf(&Sheet { title: "Cover", lines: &lines, barcode: None });
        assert_eq!(barcode(&String::from_utf8_lossy(&plain)), None);
    }
}
