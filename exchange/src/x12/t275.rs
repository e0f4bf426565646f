//! 275: documents for a claim or a review (005010X210 and 005010X211). What partners really use varies; the loops are
//! read as they come and nothing of a situation is judged.

use super::{
    part::looped,
    parts::{Bgn, Bht, Dmg, Dtp, Lx, N3, N4, Nm1, Per, Prv, Ref, St, Stc, Trn},
    parts_review::{Bds, Bin, Cat, Efi, Ooi, Pwk},
};

looped! {
    /// Documents: ST to SE without SE.
    Attachment "ST", St {
        one st: St,
        opt bgn: Bgn,
        opt bht: Bht,
        each parties: Party,
        all documents: Document,
    }
}
looped! {
    /// Payer, sender, provider or patient.
    Party "1000", Nm1 {
        one name: Nm1,
        opt street: N3,
        opt town: N4,
        many references: Ref,
        many contacts: Per,
        opt provider: Prv,
        opt birth: Dmg,
        many dates: Dtp,
    }
}
looped! {
    /// A document that was wanted, or that a claim or request announced.
    Document "2000", Lx {
        one lx: Lx,
        opt trace: Trn,
        many wanted: Stc,
        many references: Ref,
        many dates: Dtp,
        many announced: Pwk,
        each contents: Content,
    }
}
looped! {
    /// What is attached.
    Content "2110", Cat {
        one cat: Cat,
        many references: Ref,
        many dates: Dtp,
        many links: Ooi,
        opt security: Efi,
        opt data: Bin,
        opt filtered: Bds,
    }
}
