//! YAML trees → [`Script`] and [`Fragment`]: asks each position for what belongs there and collects
//! every finding instead of stopping at the first.

mod decode;
mod element;
mod expr;
mod flow;
mod names;
mod needs;
mod outcome;
mod top;
mod value;
mod verb;

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::bundle::{Bundle, Source};
use super::finding::Findings;
use super::node::{self, Node as Yaml};
use super::span::{Name, Span};
use decode::Decoder;
pub use names::{Kind, Names};

use super::ast::{Fragment, Script};

/// What an imported draft writes where only a person knows the answer.
pub const TO_DO: &str = "TODO";

/// What reading a script and its fragments gave, with or without findings.
pub struct Loaded {
    /// The bundle, as far as it could be decoded.
    pub bundle: Bundle,
    /// Every declared name.
    pub names: Names,
    /// Names that are used somewhere.
    pub used: BTreeSet<(Kind, String)>,
    /// Places a draft leaves to a person.
    pub to_do: Vec<Span>,
}

/// Reads a script by id (`harbor/submit`) with its fragments.
pub fn load(source: &dyn Source, id: &str, findings: &mut Findings) -> Option<Loaded> {
    let tree = read_file(source, id, None, findings)?;
    let mut file_hashes = vec![tree_hash(&tree)];
    let mut to_do = Vec::new();
    left_to_do(&tree, &mut to_do);

    let mut names = Names::default();
    names.declare(&tree, "");
    let mut parts: Vec<(Name, Name, Yaml)> = Vec::new();
    for (prefix, fragment) in used_fragments(&tree) {
        let Some(part) = read_file(source, &fragment.text, Some(&fragment.span), findings) else {
            continue;
        };
        file_hashes.push(tree_hash(&part));
        left_to_do(&part, &mut to_do);
        names.declare(&part, &prefix.text);
        parts.push((prefix, fragment, part));
    }

    let mut used = BTreeSet::new();
    let mut fragments: Vec<Fragment> = Vec::new();
    for (prefix, id, part) in &parts {
        let mut decoder = Decoder::new(findings, &names, &prefix.text);
        fragments.extend(decoder.fragment(part, &id.text));
        used.append(&mut decoder.used);
    }
    let mut decoder = Decoder::new(findings, &names, "");
    let script: Option<Script> = decoder.script(&tree, id);
    used.append(&mut decoder.used);
    let hash = hex(Sha256::digest(file_hashes.join("\n")));
    let bundle = Bundle { script: script?, fragments, hash, file_hashes };
    Some(Loaded { bundle, names, used, to_do })
}

/// The values that are the one word [`TO_DO`].
fn left_to_do(node: &Yaml, found: &mut Vec<Span>) {
    match &node.value {
        node::Value::Scalar(text) if text == TO_DO => found.push(node.span.clone()),
        node::Value::Scalar(_) => {}
        node::Value::List(items) => items.iter().for_each(|item| left_to_do(item, found)),
        node::Value::Map(entries) => {
            entries.iter().for_each(|(_, value)| left_to_do(value, found));
        }
    }
}

fn tree_hash(tree: &Yaml) -> String {
    let mut hash = Sha256::new();
    tree.feed(&mut hash);
    hex(hash.finalize())
}

fn hex(digest: impl IntoIterator<Item = u8>) -> String {
    digest.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a fragment by itself, as nobody's part; for fragments no script uses.
pub fn load_fragment(source: &dyn Source, id: &str, findings: &mut Findings) -> Option<Fragment> {
    let tree = read_file(source, id, None, findings)?;
    let mut names = Names::default();
    names.declare(&tree, "");
    let mut decoder = Decoder::new(findings, &names, "");
    decoder.alone = true;
    decoder.fragment(&tree, id)
}

fn read_file(
    source: &dyn Source,
    id: &str,
    asked_at: Option<&Span>,
    findings: &mut Findings,
) -> Option<Yaml> {
    let file: Arc<str> = Arc::from(format!("scripts/{id}.yaml"));
    match source.read(&format!("{id}.yaml")) {
        Ok(bytes) => node::read(&file, &bytes, findings),
        Err(reason) => {
            let start = Span::start_of(&file);
            let message = format!("cannot read {file}: {reason}");
            findings.error("unreadable", asked_at.unwrap_or(&start), message);
            None
        }
    }
}

/// Prefix and id of each fragment; wrong entries are reported by the decoder.
fn used_fragments(tree: &Yaml) -> Vec<(Name, Name)> {
    let Some(node::Value::Map(entries)) = tree.get("use").map(|uses| &uses.value) else {
        return Vec::new();
    };
    let named = |node: &Yaml| {
        node.scalar().map(|text| Name { text: text.to_owned(), span: node.span.clone() })
    };
    entries
        .iter()
        .filter_map(|(prefix, id)| Some((named(prefix)?, named(id)?)))
        .filter(|(_, id)| top::is_id(&id.text))
        .collect()
}
