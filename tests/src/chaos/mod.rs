//! Chaos: the real coordinator and agents under faults chosen by seed, and the judgement of what came of it. `check` judges, `altered`
//! judges `check`; `bed` is a fleet that can be hurt, on grounds that can be hurt too (`disk`, `postgres`, `proxy`, `payer`); `rows` hurts
//! it, `gather` brings in what came of it, `report` tells.

mod altered;
mod apart;
pub mod bed;
pub mod check;
mod clinic;
pub mod cluster;
pub mod disk;
pub mod gather;
pub mod payer;
pub mod postgres;
pub mod proxy;
pub mod report;
pub mod rows;
pub mod sabotage;

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
