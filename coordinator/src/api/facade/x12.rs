//! `/x12`: X12 005010 in real time. A 270, 276 or 278 becomes a case by the ordinary intake and is answered with what the payer says,
//! if it says so in time; what cannot be read is answered with a TA1 or 999, what cannot be worked with AAA (or its like in a 277).

mod asked;
mod said;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{case::CaseStatus, request::Request, time::Timestamp};
use exchange::x12::{
    check::{Answering, Checked, check},
    file::{File, Group, Gs, Interchange},
    parts_review::Ta1,
    t278::Review,
    transaction::{Kind, Transaction},
};
use jiff::{civil::Date, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use super::{
    answer::{answer, duplicate},
    asked::spoken,
    pas::{settled, standing, wait},
};
use crate::{
    App,
    access::{Caller, Role, key},
    api::{
        error::{Problem, Reply},
        input::{Raw, header_text},
    },
    flow::{
        DUPLICATE, Error, Once,
        intake::{self, Intake},
    },
    seal::Index,
    store::{
        self,
        cases::{self, Case},
        jobs, payers, references,
    },
};
use asked::{NO_PAYER, TRACE_USED, refused_field};
use said::{Pen, Standing};

/// The media type of the answers.
const MEDIA: &str = "application/edi-x12";
/// How long a question waits for the payer: CORE wants an answer within 20 seconds, the network included.
const WAIT: Duration = Duration::from_secs(17);
/// Most bytes of a question.
const QUESTION_MAX: usize = 256 * 1024;
/// The guide of a 278 that asks what is known of a request.
const INQUIRY: &str = "005010X215";

/// Asks in X12: one interchange with one 270, 276 or 278 about one patient. The payer's identifier (NM109 of 2100A or its like) is a
/// payer's id in the fleet. The same interchange again, and the same 278 by its BHT03 and TRN02, gets the same case and its present
/// answer. `Prefer: wait=<seconds>` shortens the wait for the payer (17 at most).
#[utoipa::path(post, path = "/x12", tag = "standards", request_body(content = String, content_type = "application/edi-x12"),
    responses((status = 200, description = "271, 277 or 278; 999 or TA1 where the question cannot be read", body = String, content_type = "application/edi-x12"),
        (status = "4XX", description = "No interchange, or more than one question", body = Problem, content_type = "application/problem+json")))]
pub async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Reply<Response> {
    caller.needs(Role::Operator)?;
    is_x12(&headers, body.len())?;
    let came = Came::read(&body)?;
    if let Some(receipt) = came.receipt(app.now()) {
        return written(&receipt);
    }
    let standing = match work(&app, &caller, &came, wait(&headers, WAIT)).await {
        Ok(standing) => standing,
        Err(Stopped::Reused) => return written(&came.used_before()),
        Err(Stopped::Problem(problem)) => return Err(*problem),
    };
    written(&came.answered(&standing, app.now()))
}

/// Why there is no answer of business.
enum Stopped {
    /// The control numbers were used for another question.
    Reused,
    Problem(Box<Problem>),
}

impl<E: Into<Problem>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

/// Takes the question in and waits for the payer.
async fn work(
    app: &App,
    caller: &Caller,
    came: &Came,
    time: Duration,
) -> Result<Standing, Stopped> {
    let named = asked::payer(&came.set)?.trim();
    let known = payers::all(app.store()).await?.into_iter().map(|p| p.profile);
    let Some(payer) = known.into_iter().find(|p| named.eq_ignore_ascii_case(&p.id)) else {
        return Ok(Standing::Refused(NO_PAYER));
    };
    let request = match asked::read(&came.set, today(&payer.time_zone, app.now()))? {
        Ok(request) => request,
        Err(refused) => return Ok(Standing::Refused(refused)),
    };
    let wanted = Intake { payer: payer.id, request, again: None, spoken: None };
    let actor = caller.as_actor();
    let (key, call_sha256) = came.once(app, &wanted)?;
    let once = Once { actor: actor.to_string(), key, call_sha256 };
    let made = match intake::take_in(&app.core, &actor, &wanted, Some(&once), app.now()).await {
        Ok(made) => made,
        Err(Error::Invalid { field, .. }) => return Ok(Standing::Refused(refused_field(&field))),
        Err(Error::Refused { code: DUPLICATE, .. }) => return Ok(twin(app, &wanted).await?),
        Err(Error::Refused { code: "idempotency-key-reused", .. }) => {
            return match came.trace() {
                Some(_) => Ok(Standing::Refused(TRACE_USED)),
                None => Err(Stopped::Reused),
            };
        }
        Err(error) => return Err(error.into()),
    };
    settled(app, made.case, time).await?;
    let case = cases::get(app.store(), made.case).await?;
    Ok(stands(app, &case, &wanted.request).await?)
}

/// The day it is at the payer.
fn today(zone: &str, now: Timestamp) -> Date {
    // No profile is kept with a zone that is not known.
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    now.jiff().to_zoned(zone).date()
}

/// The hash of what is asked of whom, in whatever words it came; under a key, since there is little else than a patient's data in it.
fn content_hash(app: &App, wanted: &Intake) -> Result<String, store::Error> {
    let content = serde_json::to_vec(&(&wanted.payer, &wanted.request));
    let content = content.map_err(|error| store::Error::Database(error.to_string()))?;
    Ok(app.store().seal.index(Index::Dedup, &content))
}

/// What is said to a request that was refused as a duplicate: which case it is that has it already.
async fn twin(app: &App, wanted: &Intake) -> Result<Standing, store::Error> {
    let material = wanted.request.dedup_material(&wanted.payer).unwrap_or_default();
    let mut tx = app.store().begin(app.now()).await?;
    let key = tx.seal.index(Index::Dedup, &material);
    let newest = cases::newest_round(&mut tx, &key).await?;
    let (newest, round) = newest.ok_or(store::Error::NotFound("case"))?;
    let case = cases::live_twin(&mut tx, &key, round).await?.unwrap_or(newest);
    let services = match &wanted.request {
        Request::PriorAuth(asked) => asked.lines.len(),
        _ => 0,
    };
    Ok(Standing::Reviewed(Box::new(duplicate(case, services))))
}

/// How a case stands, as an answer tells it.
async fn stands(app: &App, case: &Case, request: &Request) -> Reply<Standing> {
    let own = jobs::of_case(app.store(), case.id).await?;
    let numbers = references::of_case(app.store(), case.id).await?;
    let now = standing(case, &own, &numbers);
    if let Request::PriorAuth(request) = request {
        let (id, created) = (case.id.to_string(), case.created_at.to_string());
        let asked = spoken(&id, &case.payer, request, &created);
        return Ok(Standing::Reviewed(Box::new(answer(&now, &asked, app.now()))));
    }
    let ended = matches!(case.status, CaseStatus::Failed | CaseStatus::Withdrawn);
    Ok(Standing::of(now.outcome(), ended))
}

/// Refuses what does not say that it is X12, and what is longer than a question.
fn is_x12(headers: &HeaderMap, length: usize) -> Reply<()> {
    let media = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(media.as_str(), MEDIA | "application/edi-consent" | "text/plain") {
        let wanted = "send `Content-Type: application/edi-x12`";
        return Err(Problem::new("media-type", wanted).at("content-type"));
    }
    if length > QUESTION_MAX {
        return Err(Problem::new("too-large", "a question in real time has at most 256 KiB"));
    }
    Ok(())
}

fn written(file: &File) -> Reply<Response> {
    let bytes = file.write().map_err(|faults| {
        let what = faults.first().map_or_else(String::new, ToString::to_string);
        Problem::invalid("ISA", format!("no answer can be written with this header: {what}"))
    })?;
    let mut reply = (StatusCode::OK, bytes).into_response();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

/// Whether a 278 asks for a review, and is neither an answer nor an inquiry, whichever of guide and purpose says so.
fn submits(review: &Review, gs: &Gs) -> bool {
    let guide = if review.st.guide.is_empty() { &gs.version } else { &review.st.guide };
    review.is_request() && !guide.starts_with(INQUIRY)
}

/// A question as it came.
struct Came {
    checked: Checked,
    interchange: Interchange,
    group: Group,
    set: Transaction,
    sha256: String,
}

impl Came {
    fn read(body: &[u8]) -> Reply<Self> {
        let unread = |why: String| Problem::new("bad-request", why).at("body");
        let mut checked = check(body).map_err(|e| unread(e.to_string()))?;
        let (file, _) = File::read(body).map_err(|e| unread(e.to_string()))?;
        let [interchange] = file.interchanges.as_slice() else {
            let first = checked.faults.first().map(ToString::to_string);
            return Err(unread(first.unwrap_or_else(|| "send one interchange a call".to_owned())));
        };
        let mut interchange = interchange.clone();
        let mut groups = std::mem::take(&mut interchange.groups);
        let mut group = groups.pop().filter(|_| groups.is_empty()).unwrap_or_default();
        let mut sets = std::mem::take(&mut group.sets);
        let set = sets.pop().filter(|_| sets.is_empty());
        let set = set.unwrap_or_else(|| Transaction::Other(Vec::new()));
        // What is no question is a set this address does not know, whatever else can be read: answers, and inquiries.
        let other = matches!(&set, Transaction::Review(review) if !submits(review, &group.gs));
        for seen in checked.interchanges.iter_mut().flat_map(|i| &mut i.groups) {
            for seen in &mut seen.sets {
                let question = matches!(seen.set.as_str(), "270" | "276" | "278");
                if !question || other {
                    seen.kind = Kind::Other;
                }
            }
        }
        let sha256 = key::hex(&Sha256::digest(body));
        Ok(Self { checked, interchange, group, set, sha256 })
    }

    /// The TA1 or 999, where the question cannot be taken.
    fn receipt(&self, now: Timestamp) -> Option<File> {
        let mut sets =
            self.checked.interchanges.iter().flat_map(|i| &i.groups).flat_map(|g| &g.sets);
        let known = sets.all(|set| set.kind != Kind::Other);
        if self.checked.acceptable() && known {
            return None;
        }
        let now = now.jiff();
        let (date, time) = (now.strftime("%Y%m%d").to_string(), now.strftime("%H%M").to_string());
        let control = self.interchange.isa.control.parse().unwrap_or(1);
        let answer = self.checked.answer(&Answering { date: &date, time: &time, control });
        (!answer.interchanges.is_empty()).then_some(answer)
    }

    /// The sender's own numbers of a review, BHT03 and TRN02: they stay when it is sent again because the answer was lost.
    fn trace(&self) -> Option<(&str, &str)> {
        let Transaction::Review(review) = &self.set else { return None };
        let trace = review.events().next().and_then(|event| event.traces.first());
        let name = review.bht.reference.trim();
        (!name.is_empty()).then(|| (name, trace.map_or("", |trn| trn.number.trim())))
    }

    /// What makes a call that is sent again the same call: its key, and the hash of what is asked. A review is known by the sender's
    /// own numbers, whatever its control numbers are; a question that may be asked anew every day, by its control numbers.
    fn once(&self, app: &App, wanted: &Intake) -> Result<(String, String), store::Error> {
        let (isa, gs) = (&self.interchange.isa, &self.group.gs);
        let (numbers, hash_of_call) = match self.trace() {
            Some((name, trace)) => (["review", name, trace], content_hash(app, wanted)?),
            None => ([isa.control.as_str(), &gs.control, self.set.control()], self.sha256.clone()),
        };
        let mut hash = Sha256::new();
        for part in [isa.sender_list.as_str(), &isa.sender, &gs.sender].into_iter().chain(numbers) {
            hash.update(part.trim());
            hash.update([0]);
        }
        Ok((format!("x12:{}", key::hex(&hash.finalize())), hash_of_call))
    }

    /// The header of an answer: turned round, under the question's own number, so that an answer sent again is the same one.
    fn header(&self, now: Timestamp) -> Interchange {
        let (mut out, now) = (self.interchange.clone(), now.jiff());
        let isa = &mut out.isa;
        std::mem::swap(&mut isa.sender_list, &mut isa.receiver_list);
        std::mem::swap(&mut isa.sender, &mut isa.receiver);
        isa.date = now.strftime("%y%m%d").to_string();
        isa.time = now.strftime("%H%M").to_string();
        "0".clone_into(&mut isa.receipt_wanted);
        out.receipts.clear();
        out
    }

    /// TA1: the control number was used before (note 025).
    fn used_before(&self) -> File {
        let isa = &self.interchange.isa;
        let mut out = self.interchange.clone();
        std::mem::swap(&mut out.isa.sender_list, &mut out.isa.receiver_list);
        std::mem::swap(&mut out.isa.sender, &mut out.isa.receiver);
        out.receipts = vec![Ta1 {
            control: isa.control.clone(),
            date: isa.date.clone(),
            time: isa.time.clone(),
            verdict: "R".to_owned(),
            note: "025".to_owned(),
            ..Ta1::default()
        }];
        File { interchanges: vec![out] }
    }

    fn answered(&self, standing: &Standing, now: Timestamp) -> File {
        let mut out = self.header(now);
        let mut gs = self.group.gs.clone();
        std::mem::swap(&mut gs.sender, &mut gs.receiver);
        match self.set {
            Transaction::Eligibility(_) => "HB",
            Transaction::ClaimStatus(_) => "HN",
            _ => "HI",
        }
        .clone_into(&mut gs.functional);
        gs.date = now.jiff().strftime("%Y%m%d").to_string();
        gs.time = now.jiff().strftime("%H%M").to_string();
        let pen = Pen { now: now.jiff(), delimiters: self.interchange.delimiters };
        let set = said::answer(&self.set, standing, &pen);
        out.groups = vec![Group { gs, sets: vec![set] }];
        File { interchanges: vec![out] }
    }
}
