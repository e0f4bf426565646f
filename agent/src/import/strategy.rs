//! One way to find an element, as it is written, and what a selector's own names tell.

use domain::script::parse::TO_DO;

use super::yaml::{Matched, scalar, snake};

/// One way to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strategy {
    pub(super) finder: Finder,
    /// Containers, outermost first, as written.
    pub(super) inside: Vec<String>,
    pub(super) in_frame: bool,
}

/// What it looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    Role(String, Matched),
    Label(Matched),
    Text(Matched),
    TestId(String),
    Css(String),
    Xpath(String),
}

impl Strategy {
    /// As YAML.
    pub(super) fn written(&self, never_heals: bool) -> String {
        let mut out = match &self.finder {
            Finder::Role(role, name) => format!("role: {}, name: {}", scalar(role), name.written()),
            Finder::Label(text) => format!("label: {}", text.written()),
            Finder::Text(text) => format!("text: {}", text.written()),
            Finder::TestId(id) => format!("test_id: {}", scalar(id)),
            Finder::Css(css) => format!("css: {}", scalar(css)),
            Finder::Xpath(path) => format!("xpath: {}", scalar(path)),
        };
        let mut container = String::new();
        for outer in &self.inside {
            container = if container.is_empty() {
                format!("{{{outer}}}")
            } else {
                format!("{{{outer}, inside: {container}}}")
            };
        }
        if !container.is_empty() {
            out.push_str(&format!(", inside: {container}"));
        }
        if self.in_frame {
            out.push_str(&format!(", frame: {TO_DO}"));
        }
        if never_heals {
            out.push_str(", heal: never");
        }
        format!("{{{out}}}")
    }

    /// The words a person knows it by.
    pub(super) fn words(&self) -> Option<&str> {
        match &self.finder {
            Finder::Role(_, text) | Finder::Label(text) | Finder::Text(text) => Some(text.words()),
            Finder::TestId(_) | Finder::Css(_) | Finder::Xpath(_) => None,
        }
    }

    /// Whether it is left to a person.
    pub(super) fn is_to_do(&self) -> bool {
        matches!(&self.finder, Finder::Label(Matched::ToDo) | Finder::Text(Matched::ToDo))
    }
}

/// `input#npi` and `#npi`.
pub(super) fn same_id(one: &str, two: &str) -> bool {
    let (long, short) = if one.len() > two.len() { (one, two) } else { (two, one) };
    let tag = long.strip_suffix(short).unwrap_or(" ");
    short.starts_with('#') && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Ids, classes and values of attributes in a CSS selector.
pub(super) fn given_names(css: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = css;
    while let Some(at) = rest.find(['#', '.', '[']) {
        let tail = &rest[at + 1..];
        if rest[at..].starts_with('[') {
            let end = tail.find(']').unwrap_or(tail.len());
            let value = tail[..end].split_once('=').map_or("", |(_, value)| value);
            let value = value.trim_matches(['"', '\'']);
            if !value.is_empty() {
                names.push(value);
            }
            rest = &tail[end..];
        } else {
            let end = tail
                .find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
                .unwrap_or(tail.len());
            if end > 0 {
                names.push(&tail[..end]);
            }
            rest = &tail[end..];
        }
    }
    names
}

/// What old servers put before the name of a control to tell its kind.
const PREFIXES: [&str; 10] = ["txt", "chk", "btn", "lnk", "ddl", "rbl", "cbl", "lbl", "fup", "rdo"];

/// A name for an element from its id, where no word of the page is known.
pub(super) fn given_id(strategies: &[Strategy]) -> Option<String> {
    strategies
        .iter()
        .find_map(|strategy| match &strategy.finder {
            Finder::Css(css) => given_names(css).last().map(|name| (*name).to_owned()),
            Finder::TestId(id) => Some(id.clone()),
            _ => None,
        })
        .map(|name| {
            let short = PREFIXES.iter().find_map(|prefix| {
                let rest = name.trim_start_matches('_').strip_prefix(prefix)?;
                rest.starts_with(|c: char| c.is_ascii_uppercase()).then(|| rest.to_owned())
            });
            let name = short.unwrap_or(name);
            let apart: String = name
                .chars()
                .flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c] } else { vec![c] })
                .collect();
            snake(&apart)
        })
}

/// A text without its templates.
pub(super) fn strip_templates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        rest = tail.find('}').map_or("", |end| &tail[end + 1..]);
        out.push(' ');
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_ids_where_no_word_is_known() {
        assert_eq!(given_names("form.search[name='a.b'] > #go"), ["search", "a.b", "go"]);
        let finder = Finder::Css("#memberId".into());
        let one = Strategy { finder, inside: Vec::new(), in_frame: false };
        assert_eq!(given_id(&[one]).as_deref(), Some("member_id"));
        let finder = Finder::Css("[id$=_txtMemberId]".into());
        let one = Strategy { finder, inside: Vec::new(), in_frame: false };
        assert_eq!(given_id(&[one]).as_deref(), Some("member_id"));
    }

    #[test]
    fn strategies_are_written_with_their_containers() {
        let one = Strategy {
            finder: Finder::Css("#go".into()),
            inside: vec!["css: outer-app".into(), "css: inner-app".into()],
            in_frame: true,
        };
        assert_eq!(
            one.written(true),
            "{css: \"#go\", inside: {css: inner-app, inside: {css: outer-app}}, frame: TODO, heal: never}"
        );
    }
}
