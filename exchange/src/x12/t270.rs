//! 270 and 271: what a plan covers, asked and answered (005010X279A1).

use super::{
    part::looped,
    parts::{
        Aaa, Amt, Bht, Dmg, Dtp, Eb, Eq, Hl, Hsd, Iii, Ins, Le, Ls, Msg, N3, N4, Nm1, Per, Prv,
        Ref, St, Trn,
    },
    parts_review::Hi,
};

looped! {
    /// A question or an answer on eligibility: ST to SE without SE.
    Eligibility "ST", St {
        one st: St,
        one bht: Bht,
        all sources: Source,
    }
}
looped! {
    /// The payer.
    Source "2000A", Hl(3 in "20") {
        one hl: Hl,
        many refusals: Aaa,
        only payer: Payer,
        each receivers: Receiver,
    }
}
looped! {
    /// The payer's name.
    Payer "2100A", Nm1 {
        one name: Nm1,
        many references: Ref,
        many contacts: Per,
        many refusals: Aaa,
    }
}
looped! {
    /// Who asks.
    Receiver "2000B", Hl(3 in "21") {
        one hl: Hl,
        only asker: Asker,
        each subscribers: Subscriber,
    }
}
looped! {
    /// The name of who asks.
    Asker "2100B", Nm1 {
        one name: Nm1,
        many references: Ref,
        opt street: N3,
        opt town: N4,
        many refusals: Aaa,
        opt provider: Prv,
    }
}
looped! {
    /// The subscriber, with what was asked or answered of them.
    Subscriber "2000C", Hl(3 in "22") {
        one hl: Hl,
        many traces: Trn,
        only member: Member,
        each dependents: Dependent,
    }
}
looped! {
    /// A dependent of the subscriber, with what was asked or answered of them.
    Dependent "2000D", Hl(3 in "23") {
        one hl: Hl,
        many traces: Trn,
        only member: Member,
    }
}
looped! {
    /// A subscriber's or dependent's facts, then the questions or the benefits.
    Member "2100C", Nm1 {
        one name: Nm1,
        many references: Ref,
        opt street: N3,
        opt town: N4,
        many refusals: Aaa,
        opt provider: Prv,
        opt birth: Dmg,
        opt relation: Ins,
        opt diagnoses: Hi,
        many dates: Dtp,
        each questions: Question,
        each benefits: Benefit,
    }
}
looped! {
    /// A question.
    Question "2110C", Eq {
        one eq: Eq,
        many amounts: Amt,
        opt iii: Iii,
        many references: Ref,
        many dates: Dtp,
    }
}
looped! {
    /// A benefit.
    Benefit "2110C", Eb {
        one eb: Eb,
        many limits: Hsd,
        many references: Ref,
        many dates: Dtp,
        many refusals: Aaa,
        many messages: Msg,
        many more: Iii,
        opt begin: Ls,
        each parties: BenefitParty,
        opt end: Le,
    }
}
looped! {
    /// A party a benefit has to do with.
    BenefitParty "2120C", Nm1 {
        one name: Nm1,
        opt street: N3,
        opt town: N4,
        many contacts: Per,
        opt provider: Prv,
    }
}
