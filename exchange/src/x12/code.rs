//! Code lists as data, one file each under `codes/`: the code, a class of ours, and our own words for it. The standard's
//! texts are other people's and are not here. A code that is in no table is kept as it came, and told.

use std::sync::OnceLock;

use serde::Serialize;

/// A code of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub code: &'static str,
    /// What kind of thing it says, for programs.
    pub class: &'static str,
    /// What it says, for people.
    pub words: &'static str,
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident $file:literal $words:literal,)*) => {
        /// The lists.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum List { $($(#[$doc])* $name,)* }

        impl List {
            /// Every list.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What the list is of.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            fn table(self) -> &'static [Entry] {
                match self {
                    $(Self::$name => {
                        static TABLE: OnceLock<Vec<Entry>> = OnceLock::new();
                        TABLE.get_or_init(|| parse(include_str!(concat!("codes/", $file, ".tsv"))))
                    })*
                }
            }
        }
    };
}

lists! {
    /// Categories of a claim's status.
    StatusCategory "status_category" "categories of a claim's status",
    /// A claim's status.
    Status "status" "a claim's status",
    /// Reasons of a refusal.
    Refusal "refusal" "reasons of a refusal",
    /// What to do after a refusal.
    FollowUp "follow_up" "what to do after a refusal",
    /// Decisions of a review.
    ReviewAction "review_action" "decisions of a review",
    /// Reasons of a decision.
    ReviewReason "review_reason" "reasons of a decision",
    /// What a plan says of a benefit.
    Benefit "benefit" "what a plan says of a benefit",
    /// What a figure is for.
    Period "period" "what a figure is for",
    /// How a payer processed a claim.
    ClaimStatus "claim_status" "how a payer processed a claim",
    /// Who bears an adjustment.
    AdjustmentGroup "adjustment_group" "who bears an adjustment",
    /// Reasons of an adjustment.
    AdjustmentReason "adjustment_reason" "reasons of an adjustment",
    /// Reasons of a provider's adjustment.
    ProviderAdjustment "provider_adjustment" "reasons of a provider's adjustment",
    /// Verdicts of an acknowledgement.
    Verdict "verdict" "verdicts of an acknowledgement",
    /// Faults of a segment.
    SegmentFault "segment_fault" "faults of a segment",
    /// Faults of an element.
    ElementFault "element_fault" "faults of an element",
    /// Faults of a set.
    SetFault "set_fault" "faults of a set",
    /// Faults of a group.
    GroupFault "group_fault" "faults of a group",
    /// Faults of an interchange.
    InterchangeNote "interchange_note" "faults of an interchange",
}

impl List {
    /// All codes of the list, sorted.
    #[must_use]
    pub fn entries(self) -> &'static [Entry] {
        self.table()
    }

    /// What is known of a code.
    #[must_use]
    pub fn get(self, code: &str) -> Option<&'static Entry> {
        let table = self.table();
        table.binary_search_by(|entry| entry.code.cmp(code)).ok().map(|at| &table[at])
    }

    /// Whether the code is in the list.
    #[must_use]
    pub fn holds(self, code: &str) -> bool {
        self.get(code).is_some()
    }
}

fn parse(text: &'static str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.splitn(3, '\t');
            Some(Entry { code: columns.next()?, class: columns.next()?, words: columns.next()? })
        })
        .collect();
    entries.sort_by_key(|entry| entry.code);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_whole_and_has_no_code_twice() {
        for &list in List::ALL {
            let entries = list.entries();
            assert!(entries.len() > 2, "{list:?}");
            assert!(entries.windows(2).all(|two| two[0].code < two[1].code), "{list:?}");
            assert!(entries.iter().all(|e| !e.class.is_empty() && !e.words.is_empty()), "{list:?}");
            assert_eq!(list.get(entries[0].code), Some(&entries[0]));
            assert!(!list.holds("ZZZ9"));
        }
    }

    #[test]
    fn words_that_public_code_often_swaps() {
        assert_eq!(List::ReviewReason.get("0V").unwrap().class, "review");
        assert_eq!(List::ReviewReason.get("0P").unwrap().class, "information");
        assert_eq!(List::ReviewAction.get("A3").unwrap().class, "denied");
        assert_eq!(List::Refusal.get("75").unwrap().class, "member");
        assert_eq!(List::ClaimStatus.get("4").unwrap().class, "unknown_patient");
    }
}
