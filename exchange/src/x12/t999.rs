//! 999: the answer to a group (005010X231A1).

use super::{
    part::looped,
    parts::St,
    parts_review::{Ak1, Ak2, Ak9, Ctx, Ik3, Ik4, Ik5},
};

looped! {
    /// An answer to a group: ST to SE without SE.
    Receipt "ST", St {
        one st: St,
        one group: Ak1,
        each sets: SetReceipt,
        one verdict: Ak9,
    }
}
looped! {
    /// The answer to one set.
    SetReceipt "2000", Ak2 {
        one set: Ak2,
        each segments: SegmentFault,
        one verdict: Ik5,
    }
}
looped! {
    /// A segment with faults.
    SegmentFault "2100", Ik3 {
        one segment: Ik3,
        many context: Ctx,
        each elements: ElementFault,
    }
}
looped! {
    /// An element with a fault.
    ElementFault "2110", Ik4 {
        one element: Ik4,
        many context: Ctx,
    }
}

impl Receipt {
    /// Whether the group as a whole was taken; accepted with faults is accepted.
    #[must_use]
    pub fn accepted(&self) -> bool {
        matches!(self.verdict.verdict.as_str(), "A" | "E")
    }
}
