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
    file::{File, Group, Interchange},
    parts_review::Ta1,
    transaction::{Kind, Transaction},
};
use sha2::{Digest as _, Sha256};

use super::{
    answer::answer,
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
    store::{
        cases::{self, Case},
        jobs, payers, references,
    },
};
use asked::{Asked, NO_PAYER, TWICE, refused_field};
use said::Standing;

/// The media type of the answers.
const MEDIA: &str = "application/edi-x12";
/// How long a question waits for the payer: CORE wants an answer within 20 seconds, the network included.
const WAIT: Duration = Duration::from_secs(17);
/// Most bytes of a question.
const QUESTION_MAX: usize = 256 * 1024;

/// Asks in X12: one interchange with one 270, 276 or 278 about one patient. The payer's identifier (NM109 of 2100A or its like) is a
/// payer's id in the fleet. The same interchange again gets the same case and its present answer. `Prefer: wait=<seconds>` shortens
/// the wait for the payer (17 at most).
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
    let now = app.now();
    let came = Came::read(&body)?;
    if let Some(receipt) = came.receipt(now) {
        return written(&receipt);
    }
    let today = now.jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
    let asked = asked::read(&came.set, today)?;
    let standing = match work(&app, &caller, &came, asked, wait(&headers, WAIT)).await {
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
    asked: Asked,
    time: Duration,
) -> Result<Standing, Stopped> {
    let request = match asked.request {
        Ok(request) => request,
        Err(refused) => return Ok(Standing::Refused(refused)),
    };
    let known = payers::all(app.store()).await?.into_iter().map(|p| p.profile.id);
    let Some(payer) = known.into_iter().find(|id| asked.payer.trim().eq_ignore_ascii_case(id))
    else {
        return Ok(Standing::Refused(NO_PAYER));
    };
    let once = Once {
        actor: caller.as_actor().to_string(),
        key: came.once_key(),
        call_sha256: came.sha256.clone(),
    };
    let wanted = Intake { payer, request: request.clone(), again: None, spoken: None };
    let actor = caller.as_actor();
    let made = match intake::take_in(&app.core, &actor, &wanted, Some(&once), app.now()).await {
        Ok(made) => made,
        Err(Error::Invalid { field, .. }) => return Ok(Standing::Refused(refused_field(&field))),
        Err(Error::Refused { code: DUPLICATE, .. }) => return Ok(Standing::Refused(TWICE)),
        Err(Error::Refused { code: "idempotency-key-reused", .. }) => return Err(Stopped::Reused),
        Err(error) => return Err(error.into()),
    };
    settled(app, made.case, time).await?;
    let case = cases::get(app.store(), made.case).await?;
    Ok(stands(app, &case, &request).await?)
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
        // What is no question is a set this address does not know, whatever else can be read.
        for seen in checked.interchanges.iter_mut().flat_map(|i| &mut i.groups) {
            for seen in &mut seen.sets {
                let question = matches!(seen.set.as_str(), "270" | "276" | "278");
                // An answer, or an inquiry, which is not taken here.
                let other = matches!(&set, Transaction::Review(review) if !review.is_request());
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

    /// The sender's numbers make a call that is sent again the same call.
    fn once_key(&self) -> String {
        let (isa, gs) = (&self.interchange.isa, &self.group.gs);
        let mut hash = Sha256::new();
        for part in [&isa.sender_list, &isa.sender, &isa.control, &gs.sender, &gs.control] {
            hash.update(part.trim());
            hash.update([0]);
        }
        format!("x12:{}", key::hex(&hash.chain_update(self.set.control()).finalize()))
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
        let set = said::answer(&self.set, standing, now.jiff());
        out.groups = vec![Group { gs, sets: vec![set] }];
        File { interchanges: vec![out] }
    }
}
