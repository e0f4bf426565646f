//! From a recording of Chrome's Recorder to a draft of a script. Secrets are dropped before anything else looks at the
//! file; what was typed is explained by the inputs used, or left to a person; nothing is guessed and no typed text is
//! ever written or shown.

mod address;
mod ask;
mod draft;
mod element;
mod emit;
mod flow;
mod fold;
mod format;
mod leaf;
mod privacy;
mod put;
mod screens;
mod secret;
mod selector;
mod steps;
mod strategy;
mod values;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use domain::script::{Finding, check_script};
use serde_json::Value;

pub use ask::{Note, Question, Refusal};
pub use format::{MAX_BYTES, MAX_STEPS};

/// A draft of a script.
pub struct Draft {
    /// The script as YAML.
    pub yaml: String,
    /// What a person has to answer, in the order of the draft.
    pub questions: Vec<Question>,
    /// What was dropped or left out.
    pub notes: Vec<Note>,
    /// What `agent script check` finds in it; every finding is at a question.
    pub findings: Vec<Finding>,
    marked: BTreeSet<usize>,
}

impl Draft {
    /// Whether a line of the draft waits for a person.
    #[must_use]
    pub fn is_marked(&self, line: usize) -> bool {
        self.marked.contains(&line)
    }
}

/// Makes a draft of a recording. `values` is the input that was used while recording.
pub fn import(bytes: &[u8], values: Option<Value>, id: &str) -> Result<Draft, Vec<Refusal>> {
    let mut recording = format::read(bytes)?;
    let dropped = secret::drop_secrets(&mut recording);
    let mut notes = dropped.notes;
    for path in &recording.unknown {
        notes.push(Note::new(path.clone(), "a field nobody knows; left out"));
    }
    let mut typed = privacy::Taint::words();
    for step in &recording.steps {
        if let format::Kind::Change { value } = &step.kind {
            typed.add(value);
        }
    }
    let folded = fold::fold(&recording, &dropped.aliases);
    drop(recording);
    let with_values = values.is_some();
    let values = values::Values::new(values.unwrap_or(Value::Null));
    let mut model = draft::build(folded, &typed, values, with_values);
    notes.append(&mut model.notes);
    let page = emit::write(id, &model);
    if page.text.len() > domain::script::node::MAX_BYTES {
        let note = "the draft is larger than a script may be: record a shorter walk-through";
        notes.push(Note::new("", note));
    }
    let files = BTreeMap::from([(format!("{id}.yaml"), page.text.clone())]);
    let findings = check_script(&files, id);
    Ok(Draft { yaml: page.text, questions: page.questions, notes, findings, marked: page.marked })
}
