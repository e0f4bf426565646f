//! What comes back, read into the words of the chain: from files of X12 as `exchange` reads them.

use exchange::x12::{
    file::{File, Interchange, Isa},
    parts_review::{Ak9, Ik5, Ta1},
    t999::{Receipt, SegmentFault},
    transaction::Transaction,
};
use serde_json::Value;

use super::{Sent, SentSet, Verdict};

/// Something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The transport says so.
    Transport(Verdict),
    /// A TA1.
    Interchange {
        /// ISA13 of what it is for.
        control: String,
        /// ISA09 and ISA10 of what it is for.
        written: (String, String),
        /// What it says.
        verdict: Verdict,
    },
    /// A 999.
    Group {
        /// GS01 of what it is for.
        functional: String,
        /// GS06 of what it is for.
        control: String,
        /// The codes of a group that is rejected as a whole.
        rejected: Option<Vec<String>>,
        /// What it says of sets, by ST02.
        sets: Vec<(String, Verdict)>,
    },
    /// An answer, with every trace in it.
    Business {
        /// BHT03, and every TRN02.
        traces: Vec<String>,
    },
}

fn codes(all: &[&str]) -> Vec<String> {
    all.iter().filter(|code| !code.is_empty()).map(|code| (*code).to_owned()).collect()
}

fn interchange(ta1: &Ta1) -> Heard {
    let verdict = match ta1.verdict.as_str() {
        "A" | "E" => Verdict::Accepted,
        _ => Verdict::Rejected(codes(&[&ta1.note])),
    };
    let written = (ta1.date.to_string(), ta1.time.to_string());
    Heard::Interchange { control: ta1.control.to_string(), written, verdict }
}

/// The codes of a set that is not taken: its own, and those of its segments.
fn set_verdict(verdict: &Ik5, segments: &[SegmentFault]) -> Verdict {
    if matches!(verdict.verdict.as_str(), "A" | "E") {
        return Verdict::Accepted;
    }
    let own: [&str; 5] =
        [&verdict.fault_1, &verdict.fault_2, &verdict.fault_3, &verdict.fault_4, &verdict.fault_5];
    let mut all = codes(&own);
    for fault in segments {
        all.push(format!("{}:{}:{}", fault.segment.id, fault.segment.number, fault.segment.fault));
    }
    Verdict::Rejected(all)
}

fn group(receipt: &Receipt) -> Heard {
    let verdict: &Ak9 = &receipt.verdict;
    let all: [&str; 5] =
        [&verdict.fault_1, &verdict.fault_2, &verdict.fault_3, &verdict.fault_4, &verdict.fault_5];
    let taken = matches!(verdict.verdict.as_str(), "A" | "E" | "P");
    let sets = receipt
        .sets
        .iter()
        .map(|set| (set.set.control.to_string(), set_verdict(&set.verdict, &set.segments)));
    Heard::Group {
        functional: receipt.group.functional.to_string(),
        control: receipt.group.control.to_string(),
        rejected: (!taken).then(|| codes(&all)),
        sets: sets.collect(),
    }
}

/// BHT03 and every TRN02, wherever they stand.
fn traces(set: &Transaction) -> Vec<String> {
    fn walk(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| walk(one, out)),
            Value::Object(object) => {
                for (name, inner) in object {
                    let (wanted, field) = match name.as_str() {
                        "bht" => (true, "reference"),
                        "trace" | "traces" => (true, "number"),
                        _ => (false, ""),
                    };
                    if wanted {
                        let list = std::slice::from_ref(inner);
                        let list = inner.as_array().map_or(list, Vec::as_slice);
                        let texts = list.iter().filter_map(|one| one.get(field)?.as_str());
                        out.extend(texts.map(str::to_owned));
                    }
                    walk(inner, out);
                }
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    if let Ok(value) = serde_json::to_value(set) {
        walk(&value, &mut out);
    }
    out.retain(|trace| !trace.is_empty());
    out.sort();
    out.dedup();
    out
}

/// Everything a file says to a chain, in its order. What is no receipt and has no trace says nothing.
#[must_use]
pub fn hear(file: &File) -> Vec<Heard> {
    let mut heard = Vec::new();
    for one in &file.interchanges {
        heard.extend(one.receipts.iter().map(interchange));
        for set in one.groups.iter().flat_map(|group| &group.sets) {
            match set {
                Transaction::Receipt(receipt) => heard.push(group(receipt)),
                other => {
                    let traces = traces(other);
                    if !traces.is_empty() {
                        heard.push(Heard::Business { traces });
                    }
                }
            }
        }
    }
    heard
}

impl Sent {
    /// What is sent, read from the interchange itself.
    #[must_use]
    pub fn of(interchange: &Interchange) -> Self {
        let sets = interchange.groups.iter().flat_map(|group| {
            group.sets.iter().map(|set| SentSet {
                functional: group.gs.functional.clone(),
                group: group.gs.control.clone(),
                control: set.control().to_owned(),
                traces: traces(set),
            })
        });
        Self {
            between: (interchange.isa.sender.clone(), interchange.isa.receiver.clone()),
            control: interchange.isa.control.clone(),
            written: (interchange.isa.date.clone(), interchange.isa.time.clone()),
            sets: sets.collect(),
        }
    }

    /// Whether an interchange goes back the way this one went: from whom it was sent to, to who sent it. In a folder that is shared
    /// with others, control numbers alone tell nothing: each partner counts its own.
    #[must_use]
    pub fn is_answered_by(&self, isa: &Isa) -> bool {
        let (from, to) = &self.between;
        isa.sender == *to && isa.receiver == *from
    }
}
