//! The draft: answers that save themselves, attachments that become one PDF, and the signature. None of it is an effect.

#![expect(clippy::result_large_err, reason = "the error is the answer itself, made once and sent")]

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Status,
    desk::{Desk, good, wrong},
    questions::Answers,
    request::{self, Attached, Request, Signature},
};
use crate::ledger::{Entry, hex};

/// What is signed, word for word.
pub const SIGNATURE: &str = "I am the prescriber or agent of the prescriber, and the answers above are true to the best \
    of my knowledge.";

/// The largest attachment, bytes.
const FILE_MAX: usize = 10 * 1024 * 1024;

/// Answers as typed; those not named stay.
#[derive(Deserialize)]
pub(super) struct Typed {
    answers: Answers,
}

/// Is it still a draft, or asked about again?
fn open(desk: &Desk, request: &Request) -> Result<(), Response> {
    let waiting = desk.sim.store.get(&request.key).is_some_and(|case| !case.recorded);
    let case = request::case_of(&desk.sim, &request.key);
    let open = case.as_ref().is_none_or(|case| Status::of(case) == Status::FollowUp);
    if open && !waiting {
        return Ok(());
    }
    Err(wrong("This request was sent to the plan."))
}

/// `PUT /api/requests/{key}/answers`
pub(super) async fn save(
    desk: Desk,
    Path(key): Path<String>,
    Json(typed): Json<Typed>,
) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if let Err(refused) = open(&desk, &request) {
        return refused;
    }
    let (now, delay) = (desk.sim.now(), request::delay(&desk.sim));
    let left = request::change(&desk.sim, &key, |request| {
        request.answers.extend(typed.answers);
        request.changed_at = now;
        request.schedule(now, delay);
        request.ask(now, delay);
        let seq = request.messages.last().map_or(0, |message| message.seq);
        (request.left(), seq)
    });
    let ((left, waiting), seq) = left.unwrap_or_default();
    desk.note(Entry::new("draft").with("what", "saved").with("case", key.as_str()));
    good(
        &json!({"message": "Your answers were saved.", "left": left, "waiting": waiting, "seq": seq}),
    )
}

/// Name of an uploaded file.
#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// `POST /api/requests/{key}/files?name=`
pub(super) async fn attach(
    desk: Desk,
    Path(key): Path<String>,
    Query(named): Query<Named>,
    bytes: Bytes,
) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if let Err(refused) = open(&desk, &request) {
        return refused;
    }
    let pages = match pages(&bytes) {
        Ok(_) if desk.call.fires("scan-pending") => {
            desk.note(Entry::new("upload").with("what", "scanning"));
            return good(
                &json!({"scanning": true, "files": shown(&request), "pages": request.pages()}),
            );
        }
        Ok(pages) => pages,
        Err(words) => {
            desk.note(Entry::new("upload").with("what", "refused").with("why", words));
            return wrong(words);
        }
    };
    let file = Attached {
        name: named.name,
        size_bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(&bytes)),
        pages,
    };
    let entry = Entry::new("upload")
        .with("what", "ok")
        .with("size_bytes", file.size_bytes)
        .with("pages", file.pages)
        .with("sha256", file.sha256.as_str());
    desk.note(entry);
    merged(&desk, &key, |files| files.push(file))
}

/// `DELETE /api/requests/{key}/files/{at}`
pub(super) async fn detach(desk: Desk, Path((key, at)): Path<(String, usize)>) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if let Err(refused) = open(&desk, &request) {
        return refused;
    }
    if at < request.files_before || at >= request.files.len() {
        return wrong("This file cannot be removed.");
    }
    merged(&desk, &key, |files| drop(files.remove(at)))
}

fn merged(desk: &Desk, key: &str, change: impl FnOnce(&mut Vec<Attached>)) -> Response {
    let now = desk.sim.now();
    let body = request::change(&desk.sim, key, |request| {
        change(&mut request.files);
        request.changed_at = now;
        json!({"files": shown(request), "pages": request.pages()})
    });
    good(&body.unwrap_or_default())
}

fn shown(request: &Request) -> Vec<Value> {
    request.files.iter().map(|file| json!({"name": file.name, "pages": file.pages})).collect()
}

/// Pages of a document, as they count in the merged PDF; pictures are one page each.
fn pages(bytes: &[u8]) -> Result<usize, &'static str> {
    if bytes.is_empty() {
        return Err("The file is empty.");
    }
    if bytes.len() > FILE_MAX {
        return Err("The file is larger than 10 MB.");
    }
    let picture = bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff");
    if picture {
        return Ok(1);
    }
    if !bytes.starts_with(b"%PDF-") {
        return Err("Only PDF, PNG and JPEG files can be attached.");
    }
    let text = String::from_utf8_lossy(bytes);
    let marks = text.match_indices("/Type").filter(|(at, mark)| {
        let rest = text[at + mark.len()..].trim_start();
        rest.strip_prefix("/Page")
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    });
    Ok(marks.count().max(1))
}

/// A signature as typed.
#[derive(Deserialize)]
pub(super) struct Typing {
    name: String,
    agent: bool,
}

/// `POST /api/requests/{key}/signature`
pub(super) async fn sign(
    desk: Desk,
    Path(key): Path<String>,
    Json(typing): Json<Typing>,
) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if let Err(refused) = open(&desk, &request) {
        return refused;
    }
    let received = desk.note(Entry::new("signature_received").with("case", key.as_str()));
    let name = typing.name.trim();
    if name.is_empty() || !typing.agent {
        let refused = Entry::new("signature_refused").with("code", "incomplete");
        desk.note(refused.with("received_seq", received));
        return wrong("Type your full name and tick the box.");
    }
    let signature = Signature { name: name.to_owned(), at: desk.sim.now() };
    request::change(&desk.sim, &key, |request| request.signed = Some(signature));
    desk.note(Entry::new("signature_committed").with("received_seq", received));
    good(&json!({"signed": name}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_and_other_kinds_refused() {
        let two =
            b"%PDF-1.4 << /Type /Pages /Count 2 >> << /Type /Page >> << /Type/Page/Parent 2 0 R >>";
        assert_eq!(pages(two), Ok(2));
        assert_eq!(pages(b"%PDF-1.7 compressed"), Ok(1));
        assert_eq!(pages(b"\x89PNG\r\n"), Ok(1));
        assert!(pages(b"").is_err() && pages(b"PK\x03\x04").is_err());
        let mut large = b"%PDF-".to_vec();
        large.resize(FILE_MAX + 1, b' ');
        assert!(pages(&large).is_err());
    }
}
