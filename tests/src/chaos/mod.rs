//! Chaos: the real coordinator and agents under faults chosen by seed, and the judgement of what came of it. `check` judges, `altered`
//! judges `check`; `bed` is a fleet that can be hurt, `rows` hurts it, `report` tells.

mod altered;
pub mod bed;
pub mod check;
pub mod payer;
pub mod proxy;
pub mod report;
pub mod rows;

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
