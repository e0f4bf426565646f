//! 835: what was paid and why not more (005010X221A1), with the three balances, to the cent.

use serde::Serialize;

use super::{
    decimal::Decimal,
    fault::{Fault, FaultCode, Place},
    part::looped,
    parts::{
        Amt, Bpr, Cas, Clp, Cur, Dtm, Lq, Lx, Mia, Moa, N1, N3, N4, Nm1, Per, Plb, Qty, Rdm, Ref,
        St, Svc, Trn, Ts2, Ts3,
    },
};

looped! {
    /// A remittance: ST to SE without SE. ST03 is not used in this one.
    Remittance "ST", St {
        one st: St,
        one bpr: Bpr,
        one trace: Trn,
        opt currency: Cur,
        many references: Ref,
        many dates: Dtm,
        only payer: Payer,
        only payee: Payee,
        each groups: ClaimGroup,
        many adjustments: Plb,
    }
}
looped! {
    /// Who pays.
    Payer "1000A", N1(1 in "PR") {
        one name: N1,
        opt street: N3,
        opt town: N4,
        many references: Ref,
        many contacts: Per,
    }
}
looped! {
    /// Who is paid.
    Payee "1000B", N1(1 in "PE") {
        one name: N1,
        opt street: N3,
        opt town: N4,
        many references: Ref,
        opt delivery: Rdm,
    }
}
looped! {
    /// Claims under one number.
    ClaimGroup "2000", Lx {
        one lx: Lx,
        opt totals: Ts3,
        opt inpatient: Ts2,
        each claims: Claim,
    }
}
looped! {
    /// A claim.
    Claim "2100", Clp {
        one clp: Clp,
        many adjustments: Cas,
        many parties: Nm1,
        opt inpatient: Mia,
        opt outpatient: Moa,
        many references: Ref,
        many dates: Dtm,
        many contacts: Per,
        many amounts: Amt,
        many quantities: Qty,
        each lines: Line,
    }
}
looped! {
    /// A line of a claim.
    Line "2110", Svc {
        one svc: Svc,
        many dates: Dtm,
        many adjustments: Cas,
        many references: Ref,
        many amounts: Amt,
        many quantities: Qty,
        many remarks: Lq,
    }
}

/// One reason of an adjustment with its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Adjustment<'a> {
    pub group: &'a str,
    pub reason: &'a str,
    pub amount: Decimal,
}

impl Cas {
    /// The reasons that came, each with its amount.
    pub fn adjustments(&self) -> impl Iterator<Item = Adjustment<'_>> {
        [
            (&self.reason_1, self.amount_1),
            (&self.reason_2, self.amount_2),
            (&self.reason_3, self.amount_3),
            (&self.reason_4, self.amount_4),
            (&self.reason_5, self.amount_5),
            (&self.reason_6, self.amount_6),
        ]
        .into_iter()
        .filter_map(|(reason, amount)| {
            amount.map(|amount| Adjustment { group: &self.group, reason, amount })
        })
    }
}

impl Plb {
    /// The reasons that came, each with its amount; a positive one reduces the payment.
    pub fn adjustments(&self) -> impl Iterator<Item = Adjustment<'_>> {
        [
            (&self.reason_1, self.amount_1),
            (&self.reason_2, self.amount_2),
            (&self.reason_3, self.amount_3),
            (&self.reason_4, self.amount_4),
            (&self.reason_5, self.amount_5),
            (&self.reason_6, self.amount_6),
        ]
        .into_iter()
        .filter_map(|(reason, amount)| {
            amount.map(|amount| Adjustment { group: "PLB", reason: &reason.code, amount })
        })
    }
}

impl Claim {
    /// All adjustments, of the claim and of its lines.
    pub fn adjustments(&self) -> impl Iterator<Item = Adjustment<'_>> {
        let lines = self.lines.iter().flat_map(|line| &line.adjustments);
        self.adjustments.iter().chain(lines).flat_map(Cas::adjustments)
    }

    /// Whether it takes back an earlier payment.
    #[must_use]
    pub fn is_reversal(&self) -> bool {
        self.clp.status == "22"
    }

    /// The lines and the claim, balanced.
    #[must_use]
    pub fn balance(&self, place: &Place) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut tell = |code, id: &str, detail: String| {
            let mut place = place.clone();
            id.clone_into(&mut place.id);
            faults.push(Fault::new(code, place, detail));
        };
        for (i, line) in self.lines.iter().enumerate() {
            let (Some(charged), paid) = (line.svc.charged, line.svc.paid.unwrap_or_default())
            else {
                continue;
            };
            let sum = total(line.adjustments.iter().flat_map(Cas::adjustments));
            if sum.and_then(|sum| charged.sub(sum)) != Some(paid) {
                let detail = format!(
                    "line {}: {charged} charged less {} adjusted is not {paid} paid",
                    i + 1,
                    shown(sum)
                );
                tell(FaultCode::LineBalance, "SVC", detail);
            }
        }
        let (Some(charged), Some(paid)) = (self.clp.charged, self.clp.paid) else { return faults };
        let sum = total(self.adjustments());
        if sum.and_then(|sum| charged.sub(sum)) != Some(paid) {
            let detail =
                format!("{charged} charged less {} adjusted is not {paid} paid", shown(sum));
            tell(FaultCode::ClaimBalance, "CLP", detail);
        }
        if let Some(share) = self.clp.patient_share.filter(|_| !self.is_reversal()) {
            let owed = total(self.adjustments().filter(|a| a.group == "PR"));
            if owed != Some(share) {
                let detail =
                    format!("{share} stated as the patient's, {} adjusted so", shown(owed));
                tell(FaultCode::PatientShare, "CLP", detail);
            }
        }
        faults
    }
}

fn total<'a>(adjustments: impl Iterator<Item = Adjustment<'a>>) -> Option<Decimal> {
    Decimal::sum(adjustments.map(|a| a.amount))
}

fn shown(sum: Option<Decimal>) -> String {
    sum.map_or_else(|| "too much".to_owned(), |sum| sum.to_string())
}

/// The sums a remittance must bring to one: built claim by claim, so that a long one need not be in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    pub claims: u64,
    /// What the claims paid.
    pub paid: Decimal,
    /// What was adjusted apart from claims; positive amounts reduce the payment.
    pub adjusted: Decimal,
    /// Whether a sum grew beyond what can be held.
    pub beyond: bool,
}

impl Sums {
    /// Counts a claim.
    pub fn claim(&mut self, clp: &Clp) {
        self.claims += 1;
        match self.paid.add(clp.paid.unwrap_or_default()) {
            Some(sum) => self.paid = sum,
            None => self.beyond = true,
        }
    }

    /// Counts adjustments of the provider.
    pub fn adjustment(&mut self, plb: &Plb) {
        match total(plb.adjustments()).and_then(|sum| self.adjusted.add(sum)) {
            Some(sum) => self.adjusted = sum,
            None => self.beyond = true,
        }
    }

    /// Compares with the payment.
    #[must_use]
    pub fn balance(&self, bpr: &Bpr, place: &Place) -> Option<Fault> {
        let payment = bpr.amount?;
        let sum = self.paid.sub(self.adjusted);
        if sum == Some(payment) && !self.beyond {
            return None;
        }
        let mut place = place.clone();
        "BPR".clone_into(&mut place.id);
        let detail = format!(
            "{} claims pay {}, less {} adjusted apart is not the payment of {payment}",
            self.claims, self.paid, self.adjusted
        );
        Some(Fault::new(FaultCode::PaymentBalance, place, detail))
    }
}

impl Remittance {
    /// Every claim of every group.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.groups.iter().flat_map(|group| &group.claims)
    }

    /// The sums of this remittance.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        self.claims().for_each(|claim| sums.claim(&claim.clp));
        self.adjustments.iter().for_each(|plb| sums.adjustment(plb));
        sums
    }
}

/// All balances, and what strict readers want besides.
#[must_use]
pub fn balances(remittance: &Remittance, place: &Place) -> Vec<Fault> {
    let mut faults: Vec<Fault> =
        remittance.claims().flat_map(|claim| claim.balance(place)).collect();
    faults.extend(remittance.sums().balance(&remittance.bpr, place));
    faults.extend(lax(remittance, place));
    faults
}

/// What payers leave out and strict readers want; never left out when writing.
fn lax(remittance: &Remittance, place: &Place) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut tell = |id: &str, detail: &str| {
        let mut place = place.clone();
        id.clone_into(&mut place.id);
        faults.push(Fault::new(FaultCode::Lax, place, detail));
    };
    if remittance.bpr.date.is_empty() {
        tell("BPR", "the day of payment is missing");
    }
    let desk = remittance.payer.iter().any(|p| p.contacts.iter().any(|per| per.role == "BL"));
    if !desk {
        tell("PER", "the payer names no technical contact");
    }
    if !remittance.st.guide.is_empty() {
        tell("ST", "a guide is named, which this set does not do");
    }
    faults
}
