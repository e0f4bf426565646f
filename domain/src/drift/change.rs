//! The change of a script's text that a healed element proposes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A proposed change of a script's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The file, below `scripts/`.
    pub file: String,
    /// The line it begins at, from 1.
    pub line: u32,
    /// Lines that go.
    pub removed: Vec<String>,
    /// Lines that come.
    pub added: Vec<String>,
}

/// The change that makes `proposal` the first strategy of the element written at `source` (`crestline/submit:68`); none where the
/// text is not written in a way that one line tells.
#[must_use]
pub fn proposed(files: &BTreeMap<String, String>, source: &str, proposal: &str) -> Option<Change> {
    let (path, line) = source.rsplit_once(':')?;
    let file = format!("{path}.yaml");
    let (line, text) = (line.parse().ok()?, files.get(&file)?);
    let (removed, added) = first(text, line, proposal)?;
    Some(Change { file, line, removed, added })
}

/// The old lines and the new ones.
fn first(text: &str, line: u32, proposal: &str) -> Option<(Vec<String>, Vec<String>)> {
    let at = usize::try_from(line.checked_sub(1)?).ok()?;
    let old = text.lines().nth(at)?;
    let indent = &old[..old.len() - old.trim_start().len()];
    let code = old.trim_start();
    if proposal.is_empty() || code.starts_with('#') {
        return None;
    }
    if code.starts_with("- {") {
        let added = vec![format!("{indent}- {proposal}"), old.to_owned()];
        return Some((vec![old.to_owned()], added));
    }
    let colon = code.find(": ")?;
    let (name, rest) = (&code[..colon], code[colon + 1..].trim_start());
    // The columns between name and value stay as they are.
    let gap = &code[colon + 1..code.len() - rest.len()];
    let new = if let Some(list) = rest.strip_prefix('[') {
        format!("{indent}{name}:{gap}[{proposal}, {list}")
    } else if rest.starts_with('{') {
        let end = rest.rfind('}')? + 1;
        format!("{indent}{name}:{gap}[{proposal}, {}]{}", &rest[..end], &rest[end..])
    } else {
        return None;
    };
    Some((vec![old.to_owned()], vec![new]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_written_where_one_line_tells_the_element() {
        let text = "elements:\n  code:  {label: Procedure code, heal: auto}  # the CPT\n  find: [{role: button, name: Find}, {text: Go}]\n  \
                    row:\n    - {label: Row}\n  plain:\n    label: Plain\n";
        let files = BTreeMap::from([("acme/submit.yaml".to_owned(), text.to_owned())]);
        let new = |line: u32| {
            proposed(&files, &format!("acme/submit:{line}"), "{role: textbox, name: 'Codes'}")
                .map(|change| change.added)
        };
        assert_eq!(
            new(2).unwrap(),
            [
                "  code:  [{role: textbox, name: 'Codes'}, {label: Procedure code, heal: auto}]  # the CPT"
            ]
        );
        assert_eq!(
            new(3).unwrap(),
            ["  find: [{role: textbox, name: 'Codes'}, {role: button, name: Find}, {text: Go}]"]
        );
        assert_eq!(new(5).unwrap(), ["    - {role: textbox, name: 'Codes'}", "    - {label: Row}"]);
        assert_eq!((new(4), new(7), new(99), new(0)), (None, None, None, None));
    }
}
