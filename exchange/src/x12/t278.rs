//! 278: a review of services, asked and answered (005010X217). A refusal at the door (AAA) and a denial (HCR A3) are
//! different things: the first was never evaluated, the second was decided.

use serde::Serialize;

use super::{
    fault::{Fault, FaultCode, Place},
    part::looped,
    parts::{Aaa, Bht, Dmg, Dtp, Hl, Hsd, Ins, Msg, N3, N4, Nm1, Per, Prv, Ref, St, Trn},
    parts_review::{Cl1, Cr1, Cr2, Cr5, Cr6, Crc, Hcr, Hi, Pwk, Sv1, Sv2, Sv3, Too, Um},
};

looped! {
    /// A question or an answer on services: ST to SE without SE.
    Review "ST", St {
        one st: St,
        one bht: Bht,
        all reviewers: Reviewer,
    }
}
looped! {
    /// Who decides.
    Reviewer "2000A", Hl(3 in "20") {
        one hl: Hl,
        many refusals: Aaa,
        only name: ReviewerName,
        each requesters: Requester,
    }
}
looped! {
    /// The name of who decides.
    ReviewerName "2010A", Nm1 {
        one name: Nm1,
        many contacts: Per,
        many refusals: Aaa,
    }
}
looped! {
    /// Who asks.
    Requester "2000B", Hl(3 in "21") {
        one hl: Hl,
        only name: Provider,
        each subscribers: Subscriber,
    }
}
looped! {
    /// A provider: the one who asks, or one of an event or a service.
    Provider "2010B", Nm1 {
        one name: Nm1,
        many references: Ref,
        opt street: N3,
        opt town: N4,
        many contacts: Per,
        many refusals: Aaa,
        opt provider: Prv,
    }
}
looped! {
    /// The subscriber.
    Subscriber "2000C", Hl(3 in "22") {
        one hl: Hl,
        only member: Member,
        each dependents: Dependent,
        each events: PatientEvent,
    }
}
looped! {
    /// A dependent.
    Dependent "2000D", Hl(3 in "23") {
        one hl: Hl,
        only member: Member,
        each events: PatientEvent,
    }
}
looped! {
    /// A subscriber's or dependent's facts.
    Member "2010C", Nm1 {
        one name: Nm1,
        many references: Ref,
        opt street: N3,
        opt town: N4,
        many refusals: Aaa,
        opt birth: Dmg,
        opt relation: Ins,
    }
}
looped! {
    /// What is asked for a patient: an admission, a course of care.
    PatientEvent "2000E", Hl(3 in "EV") {
        one hl: Hl,
        many traces: Trn,
        many refusals: Aaa,
        opt um: Um,
        opt decision: Hcr,
        many references: Ref,
        many dates: Dtp,
        opt diagnoses: Hi,
        opt delivery: Hsd,
        many conditions: Crc,
        opt admission: Cl1,
        opt ambulance: Cr1,
        opt chiropractic: Cr2,
        opt oxygen: Cr5,
        opt home: Cr6,
        many documents: Pwk,
        opt message: Msg,
        each parties: Provider,
        each services: Service,
    }
}
looped! {
    /// One service of an event.
    Service "2000F", Hl(3 in "SS") {
        one hl: Hl,
        many traces: Trn,
        many refusals: Aaa,
        opt um: Um,
        opt decision: Hcr,
        many references: Ref,
        many dates: Dtp,
        opt diagnoses: Hi,
        opt professional: Sv1,
        opt institutional: Sv2,
        opt dental: Sv3,
        many teeth: Too,
        opt delivery: Hsd,
        many documents: Pwk,
        opt message: Msg,
        each parties: Provider,
    }
}

/// What an answer says of one event or service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "says")]
pub enum Said<'a> {
    /// Refused at the door: nothing was evaluated; correct and ask again.
    Refused { reasons: Vec<&'a str> },
    /// Decided, or pended: the review action with its number and reasons, as they came.
    Decided { action: &'a str, number: &'a str, reasons: &'a [String] },
    /// Nothing.
    Nothing,
}

fn said<'a>(refusals: &'a [Aaa], decision: Option<&'a Hcr>) -> Said<'a> {
    match decision {
        Some(hcr) => {
            Said::Decided { action: &hcr.action, number: &hcr.number, reasons: &hcr.reasons }
        }
        None if !refusals.is_empty() => {
            Said::Refused { reasons: refusals.iter().map(|a| a.reason.as_str()).collect() }
        }
        None => Said::Nothing,
    }
}

impl PatientEvent {
    /// What is said of the event as a whole. Services may say something else: look at each.
    #[must_use]
    pub fn said(&self) -> Said<'_> {
        said(&self.refusals, self.decision.as_ref())
    }
}

impl Service {
    /// What is said of this service.
    #[must_use]
    pub fn said(&self) -> Said<'_> {
        said(&self.refusals, self.decision.as_ref())
    }
}

impl Review {
    /// Whether this is an answer: request and answer share set, group and guide and differ in BHT02 alone.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.bht.purpose == "11"
    }

    /// Whether this asks for a review, rather than for what is known of one (an inquiry has BHT02 28).
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.bht.purpose == "13"
    }

    /// Whether more answers follow: a decision that stands in this one may still change.
    #[must_use]
    pub fn is_preliminary(&self) -> bool {
        self.is_answer() && self.bht.kind == "19"
    }

    /// Every refusal above the events.
    fn refusals_above(&self) -> bool {
        self.reviewers.iter().any(|reviewer| {
            let name = reviewer.name.iter().any(|n| !n.refusals.is_empty());
            let requester = reviewer.requesters.iter().any(|r| {
                let members = r.subscribers.iter().any(|s| {
                    let own = s.member.iter().any(|m| !m.refusals.is_empty());
                    let dependents = s.dependents.iter();
                    own || dependents.flat_map(|d| &d.member).any(|m| !m.refusals.is_empty())
                });
                members || r.name.iter().any(|n| !n.refusals.is_empty())
            });
            !reviewer.refusals.is_empty() || name || requester
        })
    }

    /// Every event, of subscribers and of dependents.
    pub fn events(&self) -> impl Iterator<Item = &PatientEvent> {
        let subscribers =
            self.reviewers.iter().flat_map(|r| &r.requesters).flat_map(|r| &r.subscribers);
        subscribers.flat_map(|s| s.events.iter().chain(s.dependents.iter().flat_map(|d| &d.events)))
    }
}

/// The rules of decisions: X-278-01 and X-278-02.
#[must_use]
pub fn decisions(review: &Review, place: &Place) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut tell = |code, id: &str, hl: &Hl, detail: &str| {
        let mut place = place.clone();
        id.clone_into(&mut place.id);
        let detail = format!("{detail} (level {})", hl.number.chars().take(12).collect::<String>());
        faults.push(Fault::new(code, place, detail));
    };
    let above = review.refusals_above();
    for event in review.events() {
        if event.um.is_none() && event.refusals.is_empty() {
            tell(FaultCode::Undecided, "UM", &event.hl, "an event without UM and without refusal");
        }
        let below = event.services.iter().any(|s| s.said() != Said::Nothing);
        if review.is_answer() && !above && !below && event.said() == Said::Nothing {
            tell(
                FaultCode::Undecided,
                "HCR",
                &event.hl,
                "an answer that neither decides nor refuses",
            );
        }
        let services = event.services.iter().map(|s| (&s.hl, &s.decision, &s.refusals));
        let all = services.chain([(&event.hl, &event.decision, &event.refusals)]);
        for (hl, decision, refusals) in all {
            if !review.is_answer() && (decision.is_some() || !refusals.is_empty()) {
                tell(FaultCode::DecisionInRequest, "HCR", hl, "a decision or refusal in a request");
            }
            let Some(hcr) = decision else { continue };
            if matches!(hcr.action.as_str(), "A1" | "A2" | "A6") && hcr.number.is_empty() {
                tell(FaultCode::DecisionBare, "HCR", hl, "an approval without its number");
            }
            let reason = hcr.reasons.iter().any(|r| !r.is_empty());
            if matches!(hcr.action.as_str(), "A3" | "A4") && !reason {
                tell(FaultCode::DecisionBare, "HCR", hl, "a denial or pend without a reason");
            }
        }
    }
    faults
}
