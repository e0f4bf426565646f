//! The judgement of a run under faults: `check` judges what the payer recorded, the fleet answered and the audit tells; `altered` judges
//! `check`.

mod altered;
pub mod check;

use serde_json::Value;

/// What makes two requests the same, from the payer's own fields: who, by whom, what, when.
pub fn key_of(fields: &Value) -> String {
    let lines: Vec<String> = fields["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| format!("{}x{} from {}", line["code"], line["units"], line["from"]))
        .collect();
    format!("{} {} {}", fields["memberId"], fields["requestingNpi"], lines.join("+"))
}
