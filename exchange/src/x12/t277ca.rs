//! 277CA: which claims of a batch were taken in (005010X214), with the totals that must agree with the claims.

use super::{
    decimal::Decimal,
    fault::{Fault, FaultCode, Place},
    part::looped,
    parts::{Amt, Bht, Dtp, Hl, Nm1, Qty, Ref, St, Stc, Svc, Trn},
};

looped! {
    /// An acknowledgement of claims: ST to SE without SE.
    Acknowledgement "ST", St {
        one st: St,
        one bht: Bht,
        all sources: Source,
    }
}
looped! {
    /// Who acknowledges.
    Source "2000A", Hl(3 in "20") {
        one hl: Hl,
        one name: Nm1,
        opt trace: Trn,
        many dates: Dtp,
        each receivers: Receiver,
    }
}
looped! {
    /// Who sent the claims.
    Receiver "2000B", Hl(3 in "21") {
        one hl: Hl,
        one name: Nm1,
        opt trace: Trn,
        many statuses: Stc,
        many counts: Qty,
        many amounts: Amt,
        each providers: Provider,
    }
}
looped! {
    /// Whose claims they are. A status is written here, and not demanded.
    Provider "2000C", Hl(3 in "19") {
        one hl: Hl,
        one name: Nm1,
        opt trace: Trn,
        many statuses: Stc,
        many references: Ref,
        many counts: Qty,
        many amounts: Amt,
        each patients: Patient,
    }
}
looped! {
    /// A patient with one claim or more.
    Patient "2000D", Hl(3 in "PT") {
        one hl: Hl,
        one name: Nm1,
        each claims: Claim,
    }
}
looped! {
    /// A claim.
    Claim "2200D", Trn {
        one trace: Trn,
        some statuses: Stc,
        many references: Ref,
        many dates: Dtp,
        each lines: Line,
    }
}
looped! {
    /// A line of a claim.
    Line "2220D", Svc {
        one svc: Svc,
        many statuses: Stc,
        many references: Ref,
        many dates: Dtp,
    }
}

impl Claim {
    /// Whether it was taken in; none when nothing says so.
    #[must_use]
    pub fn accepted(&self) -> Option<bool> {
        match self.statuses.first()?.action.as_str() {
            "WQ" => Some(true),
            "U" => Some(false),
            _ => None,
        }
    }

    fn charged(&self) -> Decimal {
        self.statuses.iter().find_map(|stc| stc.charged).unwrap_or(Decimal::ZERO)
    }
}

/// Claims counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: (i64, Decimal),
    rejected: (i64, Decimal),
}

impl Tally {
    fn of<'a>(claims: impl Iterator<Item = &'a Claim>) -> Self {
        let mut tally = Self::default();
        for claim in claims {
            let side = match claim.accepted() {
                Some(true) => &mut tally.accepted,
                Some(false) => &mut tally.rejected,
                None => continue,
            };
            side.0 += 1;
            side.1 = side.1.add(claim.charged()).unwrap_or(side.1);
        }
        tally
    }
}

/// What is told of totals that differ from the claims under them.
#[must_use]
pub fn totals(ack: &Acknowledgement, place: &Place) -> Vec<Fault> {
    let mut faults = Vec::new();
    for receiver in ack.sources.iter().flat_map(|s| &s.receivers) {
        let all = receiver.providers.iter().flat_map(|p| &p.patients).flat_map(|p| &p.claims);
        let codes = ["90", "AA", "YU", "YY"];
        compare(Tally::of(all), codes, (&receiver.counts, &receiver.amounts), place, &mut faults);
        for provider in &receiver.providers {
            let own = provider.patients.iter().flat_map(|p| &p.claims);
            let codes = ["QA", "QC", "YU", "YY"];
            compare(
                Tally::of(own),
                codes,
                (&provider.counts, &provider.amounts),
                place,
                &mut faults,
            );
        }
    }
    faults
}

fn compare(
    there: Tally,
    codes: [&str; 4],
    stated: (&[Qty], &[Amt]),
    place: &Place,
    faults: &mut Vec<Fault>,
) {
    let count = |code| stated.0.iter().find(|q| q.of == code).and_then(|q| q.quantity);
    let amount = |code| stated.1.iter().find(|a| a.of == code).and_then(|a| a.amount);
    let number = |n: i64| Decimal::new(n, 0).unwrap_or_default();
    let pairs = [
        (codes[0], count(codes[0]), number(there.accepted.0)),
        (codes[1], count(codes[1]), number(there.rejected.0)),
        (codes[2], amount(codes[2]), there.accepted.1),
        (codes[3], amount(codes[3]), there.rejected.1),
    ];
    for (code, stated, there) in pairs {
        if let Some(stated) = stated.filter(|stated| *stated != there) {
            let detail = format!("total {code} says {stated}, the claims make {there}");
            faults.push(Fault::new(FaultCode::Totals, place.clone(), detail));
        }
    }
}
