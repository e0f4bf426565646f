//! One request with its key: what was typed, attached and signed so far, and the numbered messages whoever has it open gets
//! over the socket. It is a draft until it is sent; then the case of the same number says where it stands.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Status,
    questions::{self, About, Answers},
};
use crate::portal::{
    decide::LineStatus,
    html::{read_date, us_date},
    journal::lock,
    sim::Sim,
    store::{Case, Document, Filed, FiledLine, Filing},
};

/// A document as attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attached {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
    pub(super) pages: usize,
}

/// Who signed, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signature {
    pub(super) name: String,
    pub(super) at: Timestamp,
}

/// A message for the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) seq: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) data: Value,
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) key: String,
    /// Account that began it.
    pub(super) by: String,
    pub(super) made_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) drug: String,
    pub(super) plan: String,
    pub(super) member_id: String,
    pub(super) npi: String,
    pub(super) answers: Answers,
    pub(super) files: Vec<Attached>,
    pub(super) signed: Option<Signature>,
    /// Sets of questions pushed so far.
    pub(super) asked: u8,
    /// When the next set is pushed.
    pub(super) due: Option<Timestamp>,
    /// Files that were already with the plan when it asked again.
    pub(super) files_before: usize,
    pub(super) messages: Vec<Message>,
    pub(super) renewed_from: Option<String>,
    pub(super) discarded: bool,
    /// The status last told over the socket.
    pub(super) told: String,
    /// The plan asks something it never asked before.
    #[serde(default)]
    pub(super) unheard_of: bool,
}

/// What a new request is about.
pub(super) struct Subject {
    pub(super) drug: String,
    pub(super) plan: String,
    pub(super) member_id: String,
    pub(super) npi: String,
}

impl Request {
    /// A request just begun; its first questions come when they are due.
    pub(super) fn begun(
        key: String,
        by: &str,
        subject: Subject,
        now: Timestamp,
        delay: SignedDuration,
    ) -> Request {
        Request {
            key,
            by: by.to_owned(),
            made_at: now,
            changed_at: now,
            drug: subject.drug,
            plan: subject.plan,
            member_id: subject.member_id,
            npi: subject.npi,
            answers: Answers::new(),
            files: Vec::new(),
            signed: None,
            asked: 0,
            due: now.checked_add(delay).ok(),
            files_before: 0,
            messages: Vec::new(),
            renewed_from: None,
            discarded: false,
            told: Status::Initiated.words().to_owned(),
            unheard_of: false,
        }
    }

    /// A request somebody at the plan took by phone.
    pub(super) fn by_phone(key: String, from: &Filed<'_>, filing: &Filing) -> Request {
        let line = filing.lines.first();
        let subject = Subject {
            drug: line.map(|line| line.code.clone()).unwrap_or_default(),
            plan: if filing.plan.is_empty() { "RXB".to_owned() } else { filing.plan.clone() },
            member_id: filing.member_id.clone(),
            npi: filing.requesting_npi.clone(),
        };
        let mut request =
            Request::begun(key, from.account, subject, from.now, SignedDuration::ZERO);
        (request.asked, request.due) = (2, None);
        let mut put = |id: &str, answer: String| request.answers.insert(id.to_owned(), answer);
        put("diagnosis", filing.diagnoses.join(", "));
        if let Some(line) = line {
            put("quantity", line.units.to_string());
            put("start", us_date(line.from));
            put("end", us_date(line.to));
        }
        put("urgent", if filing.expedited { "Yes" } else { "No" }.to_owned());
        put("site", "Infusion centre".to_owned());
        // The weight of that day.
        put("weight", "71".to_owned());
        if filing.six_weeks_of_therapy {
            put("step", "true".to_owned());
        }
        request.tell_set(1);
        request.tell_set(2);
        request
    }

    /// What decides its questions.
    pub(super) fn about(&self) -> About<'_> {
        About { drug: &self.drug, answers: &self.answers, unheard_of: self.unheard_of }
    }

    /// An answer, or nothing.
    pub(super) fn answer(&self, id: &str) -> &str {
        self.answers.get(id).map(|text| text.trim()).unwrap_or_default()
    }

    /// The sets that are open now: those of the present round.
    pub(super) fn sets(&self) -> Vec<u8> {
        match self.asked {
            0 => Vec::new(),
            3.. => vec![3],
            some => (1..=some).collect(),
        }
    }

    /// Required questions without an answer, and whether more questions are still to come.
    pub(super) fn left(&self) -> (usize, bool) {
        let open = self.sets().iter().map(|set| questions::open(*set, self.about())).sum();
        (open, self.asked < 2)
    }

    /// Adds a message for the socket.
    pub(super) fn tell(&mut self, kind: &str, data: Value) {
        let seq = self.messages.last().map_or(0, |last| last.seq) + 1;
        self.messages.push(Message { seq, kind: kind.to_owned(), data });
    }

    fn tell_set(&mut self, set: u8) {
        let data = json!({"set": set, "questions": questions::set(set, self.about())});
        let before =
            self.messages.iter().rev().find(|message| {
                message.kind == "question_set" && message.data["set"] == json!(set)
            });
        if before.is_none_or(|message| message.data != data) {
            self.tell("question_set", data);
        }
    }

    fn tell_status(&mut self, status: Status) -> bool {
        if self.told == status.words() {
            return false;
        }
        status.words().clone_into(&mut self.told);
        self.tell("status", json!({"status": status.words()}));
        true
    }

    /// Pushes what is due at `now`; true if anything was.
    pub(super) fn ask(&mut self, now: Timestamp, delay: SignedDuration) -> bool {
        let before = self.messages.len();
        while self.asked < 2 && self.due.is_some_and(|due| due <= now) {
            self.asked += 1;
            self.due = None;
            self.tell_set(self.asked);
            self.tell_status(Status::FollowUp);
            self.schedule(now, delay);
        }
        if self.asked == 2 {
            // An answer of the first set can change the second.
            self.tell_set(2);
        }
        self.messages.len() > before
    }

    /// The second set follows when the first is answered.
    pub(super) fn schedule(&mut self, now: Timestamp, delay: SignedDuration) {
        if self.asked == 1 && self.due.is_none() && questions::open(1, self.about()) == 0 {
            self.due = now.checked_add(delay).ok();
        }
    }

    /// Follows the case it became: tells a new status, and asks the second round.
    pub(super) fn follow(&mut self, case: &Case, now: Timestamp) {
        let status = Status::of(case);
        if !self.tell_status(status) {
            return;
        }
        self.changed_at = now;
        let line = case.lines.first();
        let text = line.and_then(|line| line.text.clone()).unwrap_or_default();
        let words = match status {
            Status::Approved => {
                format!("Approved. Authorization {}", case.number("authorization").unwrap_or("-"))
            }
            Status::Denied => format!("Denied. {text}"),
            Status::FollowUp => "The plan needs more information.".to_owned(),
            Status::Cancelled => "This request was cancelled by the plan.".to_owned(),
            Status::Initiated | Status::Submitted | Status::NotApplicable => String::new(),
        };
        if status == Status::FollowUp {
            self.signed = None;
            self.files_before = self.files.len();
            if line.is_some_and(|line| {
                line.rule == "DE-14" && line.status == LineStatus::InfoRequested
            }) && case.wanted.is_empty()
            {
                self.asked = 3;
                self.tell_set(3);
            }
        }
        if !words.is_empty() {
            self.tell("toast", json!({"text": words}));
        }
    }

    /// What is filed with the plan.
    pub(super) fn filing(&self) -> Filing {
        let day = |id: &str| read_date(self.answer(id)).unwrap_or_default();
        let line = FiledLine {
            code: self.drug.clone(),
            units: self.answer("quantity").parse().unwrap_or(0),
            from: day("start"),
            to: day("end"),
        };
        let documents = self.files.iter().map(|file| Document {
            kind: "Supporting document".to_owned(),
            name: file.name.clone(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.clone(),
        });
        Filing {
            member_id: self.member_id.clone(),
            plan: self.plan.clone(),
            request_type: "Drug".to_owned(),
            requesting_npi: self.npi.clone(),
            diagnoses: questions::codes(self.answer("diagnosis")).map(str::to_owned).collect(),
            lines: vec![line],
            expedited: self.answer("urgent") == "Yes",
            six_weeks_of_therapy: self.drug == "J1745" && self.answer("step") == "true",
            documents: documents.collect(),
            ..Filing::default()
        }
    }

    /// The business fields as the ledger keeps them: the filing, and what only this payer asks.
    pub(super) fn fields(&self) -> Value {
        let mut fields = serde_json::to_value(self.filing()).unwrap_or_default();
        fields["key"] = json!(self.key);
        fields["answers"] = json!(self.answers);
        fields["signed"] = json!(self.signed.is_some());
        fields["pages"] = json!(self.pages());
        fields["renewedFrom"] = json!(self.renewed_from);
        fields
    }

    /// Pages of the one PDF that all attachments are merged into.
    pub(super) fn pages(&self) -> usize {
        self.files.iter().map(|file| file.pages).sum()
    }
}

/// The recorded case of a request, once it was sent.
pub(super) fn case_of(sim: &Sim, key: &str) -> Option<Case> {
    sim.store.get(key).filter(|case| case.recorded)
}

/// Where a request stands.
pub(super) fn status(request: &Request, case: Option<&Case>) -> Status {
    match case {
        Some(case) => Status::of(case),
        None if request.asked == 0 => Status::Initiated,
        None => Status::FollowUp,
    }
}

/// Changes of one request come one after the other.
static TURN: Mutex<()> = Mutex::new(());

fn name(key: &str) -> String {
    format!("rx/{key}")
}

/// The request with this key, unless it was discarded.
pub(super) fn load(sim: &Sim, key: &str) -> Option<Request> {
    let kept = sim.kept.get(&name(key))?;
    serde_json::from_value(kept).ok().filter(|request: &Request| !request.discarded)
}

/// All requests that were not discarded, the one changed last first.
pub(super) fn all(sim: &Sim) -> Vec<Request> {
    let mut found: Vec<Request> = sim
        .kept
        .starting("rx/")
        .into_iter()
        .filter_map(|(_, kept)| serde_json::from_value(kept).ok())
        .filter(|request: &Request| !request.discarded)
        .collect();
    found.sort_by(|a, b| b.changed_at.cmp(&a.changed_at).then(b.key.cmp(&a.key)));
    found
}

/// Keeps a request as it now is.
pub(super) fn save(sim: &Sim, request: &Request) {
    let value = serde_json::to_value(request).expect("plain data become JSON");
    sim.kept.put(&name(&request.key), value);
}

/// Changes a request; `None` if there is none with this key.
pub(super) fn change<T>(sim: &Sim, key: &str, change: impl FnOnce(&mut Request) -> T) -> Option<T> {
    let _turn = lock(&TURN);
    let mut request = load(sim, key)?;
    let result = change(&mut request);
    save(sim, &request);
    Some(result)
}

/// How long the plan takes to ask.
pub(super) fn delay(sim: &Sim) -> SignedDuration {
    SignedDuration::from_secs(sim.knobs.number("question_delay_s"))
}

/// Pushes what is due for a request that was not sent yet; true if anything was.
pub(super) fn tick(sim: &Sim, key: &str) -> bool {
    let Some(request) = load(sim, key) else { return false };
    if sim.store.get(key).is_some() || !request.clone().ask(sim.now(), delay(sim)) {
        return false;
    }
    change(sim, key, |request| request.ask(sim.now(), delay(sim))).unwrap_or(false)
}
