//! Questions about requests for authorization: the 278 request, and the 278 inquiry.

use domain::{
    outcome::FailureKind,
    request::{self, Member, PriorAuth, Setting, Urgency},
};
use exchange::x12::{
    Decimal,
    parts::{Facility, Information},
    parts_review::{Hi, Sv1, Um},
    t278,
    transaction::Transaction,
};
use jiff::civil::Date;
use serde_json::Value;

use super::{
    super::super::talk::{Stop, failed},
    Asker, Question, born, canonical, hl, insured, of_days, party, procedure, provider, reference,
    unfit,
};

/// Most diagnoses of a segment.
const DIAGNOSES: usize = 12;
/// The guide of an inquiry. It was not read in a primary source: the levels are those of the request.
const INQUIRY: &str = "005010X215";

impl Asker<'_> {
    /// The request of a submission. Documents do not go with it.
    pub(in super::super) fn submit(&self) -> Result<Question, Stop> {
        let request::Request::PriorAuth(asked) = canonical(self.exchange.inputs)? else {
            return Err(unfit("only a prior authorization is submitted"));
        };
        if !asked.documents.is_empty() {
            return Err(failed(
                FailureKind::BadInput,
                "documents_not_carried",
                "no document goes with a 278 here: the profile's order wants `without_documents`",
            ));
        }
        if asked.diagnoses.len() > DIAGNOSES {
            return Err(unfit("a 278 has room for twelve diagnoses"));
        }
        let trace = self.submission()?.to_owned();
        let event = self.event(&asked, &trace)?;
        let requester = provider("1P", &asked.requesting);
        let set = self.review("005010X217", "13", &trace, (&asked.member, requester), event);
        Ok(Question {
            set,
            group: ("HI", "005010X217"),
            payload: transport::core::payload_type::REVIEW,
            trace,
        })
    }

    fn event(&self, asked: &PriorAuth, trace: &str) -> Result<t278::PatientEvent, Stop> {
        let um = um(asked);
        let service = |(line, number): (&request::Line, u32)| -> Result<t278::Service, Stop> {
            let units = Decimal::new(i64::from(line.units), 0).ok_or_else(|| unfit("units"))?;
            Ok(t278::Service {
                hl: hl(number, 4, "SS", false),
                um: Some(Um {
                    category: um.category.clone(),
                    certification: um.certification.clone(),
                    ..Um::default()
                }),
                dates: vec![of_days("472", line.from, line.to)],
                professional: Some(Sv1 {
                    procedure: procedure(&line.code),
                    unit: "UN".to_owned(),
                    quantity: Some(units),
                    ..Sv1::default()
                }),
                ..t278::Service::default()
            })
        };
        let services =
            asked.lines.iter().zip(5..).map(service).collect::<Result<Vec<_>, Stop>>()?;
        Ok(t278::PatientEvent {
            hl: hl(4, 3, "EV", true),
            traces: vec![self.trace(trace)],
            references: asked.renews.iter().map(|n| reference("BB", n)).collect(),
            dates: days(asked).map(|(from, to)| of_days("472", from, to)).into_iter().collect(),
            diagnoses: Some(diagnoses(&asked.diagnoses)),
            um: Some(um),
            parties: vec![provider("SJ", &asked.servicing)],
            services,
            ..t278::PatientEvent::default()
        })
    }

    fn review(
        &self,
        guide: &str,
        purpose: &str,
        trace: &str,
        (member, requester): (&Member, t278::Provider),
        event: t278::PatientEvent,
    ) -> Transaction {
        let subscriber = t278::Subscriber {
            hl: hl(3, 2, "22", true),
            member: Some(t278::Member {
                name: insured(member),
                birth: Some(born(member)),
                ..t278::Member::default()
            }),
            events: vec![event],
            ..t278::Subscriber::default()
        };
        let requester = t278::Requester {
            hl: hl(2, 1, "21", true),
            name: Some(requester),
            subscribers: vec![subscriber],
            ..t278::Requester::default()
        };
        let payer = party("X3", self.payer(), "PI", self.payer());
        let reviewer = t278::Reviewer {
            hl: hl(1, 0, "20", true),
            name: Some(t278::ReviewerName { name: payer, ..t278::ReviewerName::default() }),
            requesters: vec![requester],
            ..t278::Reviewer::default()
        };
        Transaction::Review(t278::Review {
            st: Self::st("278", guide),
            bht: self.bht("0007", purpose, trace),
            reviewers: vec![reviewer],
            ..t278::Review::default()
        })
    }

    /// What the payer knows about the member of the inputs, or of a record that is known to be there. Its trace is its own: that of
    /// a request stands in the answer at the request.
    pub(in super::super) fn inquiry(&self, known: Option<&Value>) -> Result<Question, Stop> {
        let asked = canonical(self.exchange.inputs)?;
        let (mut requester, mut span) = (None, None);
        if let request::Request::PriorAuth(asked) = &asked {
            requester = Some(asked.requesting.clone());
            span = days(asked);
        }
        let mut member = asked.member().clone();
        if let Some(known) = known {
            let mut shown = known["member"].clone();
            // Only numbers are compared; the given name of somebody else's case is not told here.
            shown["first_name"] = shown["last_name"].clone();
            member = serde_json::from_value(shown)
                .map_err(|_| unfit("the known record has no member"))?;
            let day = |field: &str| known[field].as_str().and_then(|day| day.parse().ok());
            span = day("from").zip(day("to"));
        }
        let requester = match requester {
            Some(requester) => requester,
            None => request::Provider { npi: self.npi()?.to_owned(), name: None, taxonomy: None },
        };
        let trace = format!("Q{:010}", rand::random::<u32>());
        let event = t278::PatientEvent {
            hl: hl(4, 3, "EV", false),
            traces: vec![self.trace(&trace)],
            um: Some(Um { category: "HS".to_owned(), ..Um::default() }),
            dates: span.map(|(from, to)| of_days("472", from, to)).into_iter().collect(),
            ..t278::PatientEvent::default()
        };
        let mut of = insured(&member);
        if known.is_some() {
            of.first.clear();
        }
        let mut set =
            self.review(INQUIRY, "28", &trace, (&member, provider("1P", &requester)), event);
        if let Transaction::Review(review) = &mut set
            && let Some(member) = review
                .reviewers
                .first_mut()
                .and_then(|r| r.requesters.first_mut())
                .and_then(|r| r.subscribers.first_mut())
                .and_then(|s| s.member.as_mut())
        {
            member.name = of;
        }
        Ok(Question { set, group: ("HI", INQUIRY), payload: "X12_278_Request_005010X215", trace })
    }
}

fn um(asked: &PriorAuth) -> Um {
    // Place of service: inpatient hospital, on-campus outpatient hospital, office.
    let (category, place) = match asked.setting {
        Setting::Inpatient => ("AR", "21"),
        Setting::Outpatient => ("HS", "22"),
        Setting::Referral => ("SC", "11"),
    };
    Um {
        category: category.to_owned(),
        certification: if asked.renews.is_some() { "R" } else { "I" }.to_owned(),
        // Medical care: the canonical request has no service type of its own.
        service_type: "1".to_owned(),
        facility: Facility { code: place.to_owned(), list: "B".to_owned(), ..Facility::default() },
        level: match asked.urgency {
            Urgency::Standard => String::new(),
            Urgency::Expedited => "U".to_owned(),
        },
        release: "Y".to_owned(),
        ..Um::default()
    }
}

/// First and last day of the services.
fn days(asked: &PriorAuth) -> Option<(Date, Date)> {
    let from = asked.lines.iter().map(|line| line.from).min()?;
    let to = asked.lines.iter().map(|line| line.to).max()?;
    Some((from, to))
}

/// Diagnoses, the first one principal; codes travel without their dot.
fn diagnoses(codes: &[String]) -> Hi {
    let mut all = codes.iter().enumerate().map(|(at, code)| Information {
        list: if at == 0 { "ABK" } else { "ABF" }.to_owned(),
        code: code.replace('.', ""),
        ..Information::default()
    });
    let mut next = || all.next().unwrap_or_default();
    Hi {
        info_1: next(),
        info_2: next(),
        info_3: next(),
        info_4: next(),
        info_5: next(),
        info_6: next(),
        info_7: next(),
        info_8: next(),
        info_9: next(),
        info_10: next(),
        info_11: next(),
        info_12: next(),
        ..Hi::default()
    }
}
