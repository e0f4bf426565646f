//! From the canonical request to a question in X12: 270 and 276, those about authorizations (`review`), and the envelopes around it.

mod review;

use domain::{
    channel::Partner,
    outcome::FailureKind,
    request::{self, Member},
};
use exchange::x12::{
    Fault,
    file::{Group, Gs, Interchange, Isa},
    parts::{Bht, Dmg, Dtp, Eq, Hl, Nm1, Procedure, Ref, St, Trn},
    t270, t276, t278,
    transaction::Transaction,
};
use jiff::civil::Date;
use serde_json::Value;

use super::super::talk::{Exchange, Stop, failed};

/// A question, and how its answer is known.
pub(super) struct Question {
    /// What is asked.
    pub(super) set: Transaction,
    /// The functional group it travels in (GS01) and its guide (GS08).
    pub(super) group: (&'static str, &'static str),
    /// What CORE calls it.
    pub(super) payload: &'static str,
    /// Our trace in it: TRN02 and BHT03.
    pub(super) trace: String,
}

/// What every question of a job has in common.
pub(super) struct Asker<'e> {
    exchange: &'e Exchange<'e>,
    partner: &'e Partner,
    now: jiff::Timestamp,
}

fn unfit(what: &str) -> Stop {
    failed(FailureKind::BadInput, "inputs_unfit", what)
}

/// The canonical request within the inputs, without what the coordinator adds to it.
fn canonical(inputs: &Value) -> Result<request::Request, Stop> {
    let mut inputs = inputs.clone();
    if let Some(fields) = inputs.as_object_mut() {
        for added in ["reference", "submission", "known"] {
            fields.remove(added);
        }
    }
    serde_json::from_value(inputs).map_err(|_| unfit("the inputs are no request"))
}

fn ccyymmdd(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

fn hl(number: u32, parent: u32, level: &str, children: bool) -> Hl {
    Hl {
        number: number.to_string(),
        parent: if parent == 0 { String::new() } else { parent.to_string() },
        level: level.to_owned(),
        children: if children { "1" } else { "0" }.to_owned(),
        ..Hl::default()
    }
}

fn reference(list: &str, number: &str) -> Ref {
    Ref { list: list.to_owned(), number: number.to_owned(), ..Ref::default() }
}

fn of_days(of: &str, from: Date, to: Date) -> Dtp {
    let (format, value) = if from == to {
        ("D8", ccyymmdd(from))
    } else {
        ("RD8", format!("{}-{}", ccyymmdd(from), ccyymmdd(to)))
    };
    Dtp { of: of.to_owned(), format: format.to_owned(), value, ..Dtp::default() }
}

/// An organisation with its number.
fn party(entity: &str, name: &str, list: &str, id: &str) -> Nm1 {
    Nm1 {
        entity: entity.to_owned(),
        kind: "2".to_owned(),
        last: name.to_uppercase(),
        id_list: list.to_owned(),
        id: id.to_owned(),
        ..Nm1::default()
    }
}

fn provider(entity: &str, of: &request::Provider) -> t278::Provider {
    let name = of.name.clone().unwrap_or_else(|| of.npi.clone());
    t278::Provider { name: party(entity, &name, "XX", &of.npi), ..t278::Provider::default() }
}

fn insured(member: &Member) -> Nm1 {
    Nm1 {
        entity: "IL".to_owned(),
        kind: "1".to_owned(),
        last: member.last_name.to_uppercase(),
        first: member.first_name.to_uppercase(),
        id_list: "MI".to_owned(),
        id: member.id.clone(),
        ..Nm1::default()
    }
}

fn born(member: &Member) -> Dmg {
    Dmg { format: "D8".to_owned(), born: ccyymmdd(member.dob), ..Dmg::default() }
}

fn procedure(code: &str) -> Procedure {
    Procedure { list: "HC".to_owned(), code: code.to_uppercase(), ..Procedure::default() }
}

impl<'e> Asker<'e> {
    /// For a job at `now`.
    pub(super) fn new(exchange: &'e Exchange<'e>, now: jiff::Timestamp) -> Result<Self, Stop> {
        let partner = exchange.endpoint.x12.as_ref();
        let none = || {
            let detail = "the profile does not say what was agreed upon with this partner";
            failed(FailureKind::BadInput, "no_partner", detail)
        };
        Ok(Self { exchange, partner: partner.ok_or_else(none)?, now })
    }

    /// What was agreed upon with the payer.
    pub(super) fn partner(&self) -> &'e Partner {
        self.partner
    }

    /// Our name of the request: the same in every attempt.
    pub(super) fn submission(&self) -> Result<&'e str, Stop> {
        let own = self.exchange.inputs["submission"].as_str();
        own.ok_or_else(|| unfit("the inputs name no submission"))
    }

    fn payer(&self) -> &str {
        self.exchange.endpoint.insurer.as_ref().map_or(self.exchange.payer, |id| id.value.as_str())
    }

    fn npi(&self) -> Result<&'e str, Stop> {
        self.exchange.endpoint.requester_npi.as_deref().ok_or_else(|| {
            unfit("nobody is named who asks: the profile's endpoint needs `requester_npi`")
        })
    }

    fn st(set: &str, guide: &str) -> St {
        St {
            set: set.to_owned(),
            control: "0001".to_owned(),
            guide: guide.to_owned(),
            ..St::default()
        }
    }

    fn bht(&self, structure: &str, purpose: &str, reference: &str) -> Bht {
        Bht {
            structure: structure.to_owned(),
            purpose: purpose.to_owned(),
            reference: reference.to_owned(),
            date: self.now.strftime("%Y%m%d").to_string(),
            time: self.now.strftime("%H%M").to_string(),
            ..Bht::default()
        }
    }

    fn trace(&self, number: &str) -> Trn {
        Trn {
            kind: "1".to_owned(),
            number: number.to_owned(),
            company: self.partner.company(),
            ..Trn::default()
        }
    }

    /// Whether a member is covered on a day.
    pub(super) fn eligibility(&self) -> Result<Question, Stop> {
        let request::Request::Eligibility(asked) = canonical(self.exchange.inputs)? else {
            return Err(unfit("only coverage is asked for in this way"));
        };
        let (trace, npi) = (self.submission()?.to_owned(), self.npi()?);
        let eq = match &asked.service {
            Some(code) => Eq { procedure: procedure(code), ..Eq::default() },
            None => Eq { service_types: vec!["30".to_owned()], ..Eq::default() },
        };
        let member = t270::Member {
            name: insured(&asked.member),
            birth: Some(born(&asked.member)),
            dates: vec![of_days("291", asked.from, asked.from)],
            questions: vec![t270::Question { eq, ..t270::Question::default() }],
            ..t270::Member::default()
        };
        let subscriber = t270::Subscriber {
            hl: hl(3, 2, "22", false),
            traces: vec![self.trace(&trace)],
            member: Some(member),
            ..t270::Subscriber::default()
        };
        let asker = t270::Asker { name: party("1P", npi, "XX", npi), ..t270::Asker::default() };
        let receiver = t270::Receiver {
            hl: hl(2, 1, "21", true),
            asker: Some(asker),
            subscribers: vec![subscriber],
            ..t270::Receiver::default()
        };
        let payer = party("PR", self.payer(), "PI", self.payer());
        let source = t270::Source {
            hl: hl(1, 0, "20", true),
            payer: Some(t270::Payer { name: payer, ..t270::Payer::default() }),
            receivers: vec![receiver],
            ..t270::Source::default()
        };
        let set = t270::Eligibility {
            st: Self::st("270", "005010X279A1"),
            bht: self.bht("0022", "13", &trace),
            sources: vec![source],
            ..t270::Eligibility::default()
        };
        Ok(Question {
            set: Transaction::Eligibility(set),
            group: ("HS", "005010X279A1"),
            payload: transport::core::payload_type::ELIGIBILITY,
            trace,
        })
    }

    /// How a claim stands.
    pub(super) fn claim_status(&self) -> Result<Question, Stop> {
        let request::Request::ClaimStatus(asked) = canonical(self.exchange.inputs)? else {
            return Err(unfit("only the status of a claim is asked for in this way"));
        };
        let (trace, npi) = (self.submission()?.to_owned(), self.npi()?);
        let mut named = self.trace(&trace);
        // This guide knows the number alone.
        named.company.clear();
        let claim = t276::Claim {
            trace: named,
            references: asked.number.iter().map(|n| reference("1K", n)).collect(),
            dates: vec![of_days("472", asked.from, asked.from)],
            ..t276::Claim::default()
        };
        let subscriber = t276::Subscriber {
            hl: hl(4, 3, "22", false),
            birth: Some(born(&asked.member)),
            name: insured(&asked.member),
            claims: vec![claim],
            ..t276::Subscriber::default()
        };
        let provider = t276::Provider {
            hl: hl(3, 2, "19", true),
            name: party("1P", npi, "XX", npi),
            subscribers: vec![subscriber],
            ..t276::Provider::default()
        };
        let sender = &self.partner.sender;
        let receiver = t276::Receiver {
            hl: hl(2, 1, "21", true),
            name: party("41", sender, "46", sender),
            providers: vec![provider],
            ..t276::Receiver::default()
        };
        let payer = t276::Payer {
            hl: hl(1, 0, "20", true),
            name: party("PR", self.payer(), "PI", self.payer()),
            receivers: vec![receiver],
            ..t276::Payer::default()
        };
        let set = t276::ClaimStatus {
            st: Self::st("276", "005010X212"),
            bht: self.bht("0010", "13", &trace),
            payers: vec![payer],
            ..t276::ClaimStatus::default()
        };
        Ok(Question {
            set: Transaction::ClaimStatus(set),
            group: ("HR", "005010X212"),
            payload: transport::core::payload_type::CLAIM_STATUS,
            trace,
        })
    }

    /// The question in its envelopes, under a control number of its own.
    pub(super) fn wrap(&self, question: &Question, control: u32) -> Interchange {
        let partner = self.partner;
        let (functional, version) = question.group;
        let gs = Gs {
            functional: functional.to_owned(),
            sender: partner.sender.clone(),
            receiver: partner.receiver.clone(),
            date: self.now.strftime("%Y%m%d").to_string(),
            time: self.now.strftime("%H%M").to_string(),
            control: control.to_string(),
            agency: "X".to_owned(),
            version: version.to_owned(),
        };
        let isa = Isa {
            sender_list: partner.sender_list.clone(),
            sender: partner.sender.clone(),
            receiver_list: partner.receiver_list.clone(),
            receiver: partner.receiver.clone(),
            date: self.now.strftime("%y%m%d").to_string(),
            time: self.now.strftime("%H%M").to_string(),
            control: format!("{control:09}"),
            usage: if partner.production { "P" } else { "T" }.to_owned(),
            ..Isa::default()
        };
        let groups = vec![Group { gs, sets: vec![question.set.clone()] }];
        Interchange { isa, groups, ..Interchange::default() }
    }
}

/// The bytes of an interchange; nothing that has a fault is sent.
pub(super) fn written(interchange: &Interchange) -> Result<Vec<u8>, Stop> {
    interchange.write().map_err(|faults| {
        let first = faults.first().map_or("", |fault: &Fault| &fault.detail);
        unfit(&format!("the request cannot be written in X12: {first}"))
    })
}
