//! 276 and 277: the status of a claim, asked and answered (005010X212).

use super::{
    part::looped,
    parts::{Amt, Bht, Dmg, Dtp, Hl, Nm1, Per, Ref, St, Stc, Svc, Trn},
};

looped! {
    /// A question or an answer on the status of claims: ST to SE without SE.
    ClaimStatus "ST", St {
        one st: St,
        one bht: Bht,
        all payers: Payer,
    }
}
looped! {
    /// The payer.
    Payer "2000A", Hl(3 in "20") {
        one hl: Hl,
        one name: Nm1,
        opt contact: Per,
        each receivers: Receiver,
    }
}
looped! {
    /// Who asks.
    Receiver "2000B", Hl(3 in "21") {
        one hl: Hl,
        one name: Nm1,
        sole answer: Answer,
        each providers: Provider,
    }
}
looped! {
    /// Whose claims they are.
    Provider "2000C", Hl(3 in "19") {
        one hl: Hl,
        one name: Nm1,
        sole answer: Answer,
        each subscribers: Subscriber,
    }
}
looped! {
    /// What is said of a receiver or provider as a whole: an answer may end there.
    Answer "2200B", Trn {
        one trace: Trn,
        many statuses: Stc,
    }
}
looped! {
    /// The subscriber.
    Subscriber "2000D", Hl(3 in "22") {
        one hl: Hl,
        opt birth: Dmg,
        one name: Nm1,
        each claims: Claim,
        each dependents: Dependent,
    }
}
looped! {
    /// A dependent.
    Dependent "2000E", Hl(3 in "23") {
        one hl: Hl,
        opt birth: Dmg,
        one name: Nm1,
        each claims: Claim,
    }
}
looped! {
    /// A claim.
    Claim "2200D", Trn {
        one trace: Trn,
        many statuses: Stc,
        many references: Ref,
        opt amount: Amt,
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
