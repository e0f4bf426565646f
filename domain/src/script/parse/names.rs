//! What a script and its fragments declare, gathered before anything is decoded.

use std::collections::BTreeMap;

use crate::script::node::{Node as Yaml, Value};
use crate::script::span::Span;

/// What a name is a name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A place on a page.
    Element,
    /// A recognised page.
    Screen,
    /// A fragment's flow.
    Flow,
    /// A flow of `reconcile`.
    Search,
    /// A named exception.
    Exception,
    /// A `words` table.
    Words,
    /// A secret's alias.
    Alias,
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Element => "element",
            Self::Screen => "screen",
            Self::Flow => "flow",
            Self::Search => "reconcile flow",
            Self::Exception => "exception",
            Self::Words => "words table",
            Self::Alias => "alias in `secrets`",
        }
    }
}

/// Every declared name, resolved (`prefix.name`), with its place.
#[derive(Clone, Debug, Default)]
pub struct Names {
    declared: BTreeMap<(Kind, String), Span>,
}

impl Names {
    /// Adds what a file declares. Aliases are not shared, so they keep the prefix too.
    pub(super) fn declare(&mut self, tree: &Yaml, prefix: &str) {
        for (key, kind) in [
            ("elements", Kind::Element),
            ("screens", Kind::Screen),
            ("flows", Kind::Flow),
            ("reconcile", Kind::Search),
            ("exceptions", Kind::Exception),
            ("words", Kind::Words),
            ("secrets", Kind::Alias),
        ] {
            let Some(Value::Map(entries)) = tree.get(key).map(|node| &node.value) else { continue };
            for (name, _) in entries {
                if let Some(text) = name.scalar() {
                    self.declared.insert((kind, qualified(prefix, text)), name.span.clone());
                }
            }
        }
    }

    /// Where a name is declared.
    pub fn place(&self, kind: Kind, name: &str) -> Option<&Span> {
        self.declared.get(&(kind, name.to_owned()))
    }

    /// All names of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &Span)> {
        self.declared
            .iter()
            .filter(move |((known, _), _)| *known == kind)
            .map(|((_, name), span)| (name.as_str(), span))
    }
}

/// `prefix.name`, or the name alone when there is no prefix.
pub(super) fn qualified(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
