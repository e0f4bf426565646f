//! Elements of a draft: alternatives become ordered strategies, and what breaks next week is dropped.

use domain::script::check::reads_as_submission;
use domain::script::text::normalise_label;

use super::ask::Ask;
use super::fold::Seen;
use super::privacy::{Taint, looks_generated, looks_like_data};
use super::selector::{Alternative, Control, Named, says_nothing, spoken};
use super::strategy::{Finder, Strategy, given_id, given_names, same_id, strip_templates};
use super::values::{Source, Use, Values};
use super::yaml::{Matched, Names, scalar, snake};

/// Most strategies of an element.
const MAX: usize = 6;

/// A declared element.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) strategies: Vec<Strategy>,
    pub(super) asks: Vec<Ask>,
    /// What a commit clicks.
    pub(super) commits: bool,
    pub(super) used: bool,
}

impl Element {
    /// Whether its words read like a submission.
    pub(super) fn reads_as_submission(&self) -> bool {
        self.strategies.iter().filter_map(Strategy::words).any(reads_as_submission)
    }

    /// Its words for a sentence.
    pub(super) fn called(&self) -> String {
        let words = self.strategies.iter().find_map(Strategy::words);
        let words = words.filter(|words| !words.is_empty() && !words.contains("${"));
        words.map_or_else(|| self.name.clone(), str::to_owned)
    }

    /// Whether nothing in the recording tells it from others.
    pub(super) fn is_unknown(&self) -> bool {
        self.strategies.iter().any(Strategy::is_to_do)
    }

    /// Whether two ways that do not depend on each other lead to it.
    pub(super) fn is_anchored(&self) -> bool {
        self.strategies.len() > 1 || self.strategies.iter().any(|one| !one.inside.is_empty())
    }

    /// As YAML.
    pub(super) fn written(&self) -> String {
        let all: Vec<String> = self
            .strategies
            .iter()
            .enumerate()
            .map(|(at, strategy)| strategy.written(self.commits && at == 0))
            .collect();
        match all.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", all.join(", ")),
        }
    }
}

/// All elements of a draft.
pub(super) struct Elements<'a> {
    pub(super) list: Vec<Element>,
    names: Names,
    typed: &'a Taint,
    data: Taint,
}

impl<'a> Elements<'a> {
    /// Elements whose texts hold nothing that was typed; what the inputs explain becomes a template.
    pub(super) fn new(typed: &'a Taint, values: &Values) -> Self {
        Self { list: Vec::new(), names: Names::with('_'), typed, data: values.taint() }
    }

    /// Declares an element, or finds it declared; `field` when something is put into it.
    pub(super) fn add(&mut self, seen: &Seen, field: bool, values: &mut Values) -> usize {
        let mut strategies = self.strategies(seen, field, values);
        strategies.truncate(MAX);
        let mut asks = Vec::new();
        if strategies.is_empty() {
            let finder = if field { Finder::Label } else { Finder::Text };
            let finder = finder(Matched::ToDo);
            strategies.push(Strategy { finder, inside: Vec::new(), in_frame: seen.in_frame });
            let text = "Nothing in the recording finds this again: what does the page call it? Write the words beside it, \
                        such as {right_of: {text: Member ID}}, a label, or a role and name.";
            asks.push(Ask::new(format!("{}.selectors", seen.path), text));
        } else if strategies
            .iter()
            .all(|one| matches!(one.finder, Finder::Css(_) | Finder::Xpath(_)))
        {
            let by_end = |one: &Strategy| matches!(&one.finder, Finder::Css(css) if css.starts_with("[id$="));
            let text = if strategies.iter().any(by_end) {
                "Found by the end of its id alone: add the words beside it, such as {right_of: {text: Member ID}}, or a label."
            } else {
                "Found by its place in the page alone: add a label, role or text."
            };
            asks.push(Ask::new(format!("{}.selectors", seen.path), text));
        }
        if seen.in_frame {
            let text = "The recording names its frame by number only: write the frame's name, title or address.";
            asks.push(Ask::new(format!("{}.frame", seen.path), text));
        }
        let first = strategies[0].clone();
        let known = self
            .list
            .iter_mut()
            .enumerate()
            .find(|(_, element)| element.strategies[0] == first && !first.is_to_do());
        if let Some((at, element)) = known {
            // what does not hold everywhere would vote for something else
            element.strategies.retain(|one| strategies.contains(one));
            return at;
        }
        let wish = strategies.iter().find_map(Strategy::words).map(strip_templates);
        let wish = wish.map(|words| snake(&words)).unwrap_or_default();
        let wish = if wish.is_empty() { given_id(&strategies).unwrap_or_default() } else { wish };
        let wish = match &strategies[0].finder {
            // all of its words are somebody's data
            Finder::Role(role, _) if wish.is_empty() => snake(role),
            _ => wish,
        };
        let taken = self.list.iter().any(|element| element.name == wish);
        let wish = if taken && !field { format!("{wish}_button") } else { wish };
        let name = self.names.give(&wish, if field { "field" } else { "control" });
        self.list.push(Element { name, strategies, asks, commits: false, used: false });
        self.list.len() - 1
    }

    /// The name of an element, which counts as used from now on.
    pub(super) fn named(&mut self, at: usize) -> String {
        self.list[at].used = true;
        self.list[at].name.clone()
    }

    /// A text of the page as it may be written: inputs in it become templates, data in it forbids it.
    pub(super) fn caption(&self, text: &str, values: &mut Values) -> Option<Matched> {
        let slashed =
            text.len() > 2 && text.starts_with('/') && text.trim_end_matches('i').ends_with('/');
        if text.is_empty()
            || text.chars().count() > 80
            || slashed
            || text.chars().any(char::is_control)
        {
            return None;
        }
        if let Some((template, sources)) = values.templated(text) {
            let rest = strip_templates(&template);
            if looks_like_data(&rest) || self.typed.touches(&rest) || self.data.touches(&rest) {
                return None;
            }
            sources.iter().for_each(|source: &Source| values.mark(source, Use::Plain));
            return Some(Matched::Equals(template));
        }
        if self.holds_data(text) || looks_like_data(text) || text.contains("${") {
            return None;
        }
        let curly = |c: char| matches!(c, '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}');
        if text.contains(curly) {
            let parts: Vec<String> = text.split(curly).map(regex::escape).collect();
            return Some(Matched::Pattern(parts.join(".")));
        }
        Some(Matched::Equals(text.to_owned()))
    }

    /// Whether something typed, or an input, stands in this text.
    pub(super) fn holds_data(&self, text: &str) -> bool {
        self.typed.touches(text) || self.data.touches(text)
    }

    fn strategies(&self, seen: &Seen, field: bool, values: &mut Values) -> Vec<Strategy> {
        let mut found: Vec<(u8, Strategy)> = Vec::new();
        let mut css_ids: Vec<String> = Vec::new();
        for alternative in &seen.alternatives {
            let made = match alternative {
                Alternative::Aria(path) => {
                    self.by_name(path, seen, field, values).map(|one| (0, one))
                }
                // a field's text is what was typed into it
                Alternative::Text(_) if field => None,
                Alternative::Text(text) => self.by_text(text, seen, values).map(|one| (1, one)),
                Alternative::Css(parts) => self.by_css(parts, seen.in_frame).map(|one| (2, one)),
                Alternative::Xpath(parts) => {
                    self.by_xpath(parts, seen.in_frame).map(|one| (3, one))
                }
            };
            let Some((rank, strategy)) = made else { continue };
            let doubled = found.iter().any(|(_, known)| match (&known.finder, &strategy.finder) {
                (Finder::Css(one), Finder::Css(two)) => one == two || same_id(one, two),
                (one, two) => one == two,
            });
            if let Finder::Css(css) = &strategy.finder {
                css_ids.push(css.clone());
            }
            if !doubled {
                found.push((rank, strategy));
            }
        }
        // `//*[@id="x"]` says what `#x` says
        found.retain(|(_, strategy)| match &strategy.finder {
            Finder::Xpath(path) => {
                let id = path.strip_prefix("//*[@id=\"").and_then(|rest| rest.strip_suffix("\"]"));
                id.is_none_or(|id| !css_ids.iter().any(|css| *css == format!("#{id}")))
            }
            _ => true,
        });
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, strategy)| strategy).collect()
    }

    fn by_name(
        &self,
        path: &[Named],
        seen: &Seen,
        field: bool,
        values: &mut Values,
    ) -> Option<Strategy> {
        let (named, within) = spoken(path)?;
        let name = self.caption(&named.name, values)?;
        let role = named.role.as_deref().filter(|role| !says_nothing(role));
        let assumed = match seen.control {
            Control::Button => Some("button"),
            Control::Link => Some("link"),
            Control::Check => Some("checkbox"),
            Control::Radio => Some("radio"),
            Control::Option => Some("option"),
            _ => None,
        };
        let known_by_text = |one: &Alternative| matches!(one, Alternative::Text(text) if normalise_label(text) == normalise_label(&named.name));
        let finder = match role.or(assumed) {
            Some(role) => Finder::Role(role.to_owned(), name),
            None if field => Finder::Label(name),
            None if seen.alternatives.iter().any(known_by_text) => Finder::Text(name),
            None => Finder::Role("button".to_owned(), name),
        };
        let inside = within.and_then(|outer| {
            let role = outer.role.as_deref().filter(|role| !says_nothing(role))?;
            let name = self.caption(&outer.name, values)?;
            Some(format!("role: {}, name: {}", scalar(role), name.written()))
        });
        let inside = inside.into_iter().collect();
        Some(Strategy { finder, inside, in_frame: seen.in_frame })
    }

    fn by_text(&self, text: &str, seen: &Seen, values: &mut Values) -> Option<Strategy> {
        let same = seen.name().map(|name| {
            let (name, text) = (normalise_label(name), normalise_label(text));
            (name == text, name.starts_with(&text))
        });
        let finder = match (same, self.caption(text, values)?) {
            (Some((true, _)), matched) => Finder::Text(matched),
            // the Recorder cuts long texts; the name holds the whole
            (Some((false, true)), _) => return None,
            (_, Matched::Equals(text)) => Finder::Text(Matched::Contains(text)),
            (_, other) => Finder::Text(other),
        };
        Some(Strategy { finder, inside: Vec::new(), in_frame: seen.in_frame })
    }

    fn by_css(&self, parts: &[String], in_frame: bool) -> Option<Strategy> {
        let (last, hosts) = parts.split_last()?;
        let finder = self.lasting_css(last)?;
        let mut inside = Vec::new();
        for host in hosts {
            // a host by its tag alone is enough: a custom element has a name of its own
            let tag = host.contains('-') && !host.contains(|c: char| c.is_whitespace() || c == '>');
            match self.lasting_css(host) {
                Some(Finder::Css(css)) => inside.push(format!("css: {}", scalar(&css))),
                None if tag && !self.holds_data(host) && !host.contains(['#', '.', '[', ':']) => {
                    inside.push(format!("css: {}", scalar(host)));
                }
                _ => {}
            }
        }
        Some(Strategy { finder, inside, in_frame })
    }

    /// A CSS selector that will still hold next week: by given ids, classes or attributes.
    fn lasting_css(&self, css: &str) -> Option<Finder> {
        let plain: String = css.chars().filter(|c| *c != '\\').collect();
        if css.len() > 200 || css.contains("${") || css.chars().any(char::is_control) {
            return None;
        }
        if let Some(end) = end_of_server_id(&plain).filter(|end| !self.holds_data(end)) {
            return Some(Finder::Css(format!("[id$={end}]")));
        }
        let names = given_names(&plain);
        let breaks = names.is_empty()
            || names.iter().any(|name| looks_generated(name) || self.holds_data(name));
        if breaks || self.holds_data(&plain) {
            return None;
        }
        let test_id = ["data-testid", "data-test-id", "data-test", "data-qa", "data-cy"];
        let whole = plain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some((name, value)) = whole.and_then(|inner| inner.split_once('='))
            && test_id.contains(&name)
            && !value.contains('[')
        {
            return Some(Finder::TestId(value.trim_matches(['"', '\'']).to_owned()));
        }
        Some(Finder::Css(css.to_owned()))
    }

    fn by_xpath(&self, parts: &[String], in_frame: bool) -> Option<Strategy> {
        // XPath does not see into shadow roots
        let [path] = parts else { return None };
        let absolute = !path.starts_with("//");
        if absolute || path.len() > 200 || path.contains("${") || path.chars().any(char::is_control)
        {
            return None;
        }
        let quoted: Vec<&str> = path.split('"').skip(1).step_by(2).collect();
        let breaks = quoted.is_empty()
            || quoted.iter().any(|name| {
                looks_generated(name) || looks_like_data(name) || self.holds_data(name)
            });
        (!breaks).then(|| Strategy {
            finder: Finder::Xpath(path.clone()),
            inside: Vec::new(),
            in_frame,
        })
    }
}

/// The end of an id as post-back servers write it, `#ctl00_k7Qx2_txtMember`: `_txtMember` is given by the page, what is
/// before it counts its place or changes with every answer.
fn end_of_server_id(css: &str) -> Option<&str> {
    let id = css.strip_prefix('#').filter(|id| id.starts_with("ctl"))?;
    let end = &id[id.rfind('_')?..];
    let named = end.len() > 4
        && end[1..].starts_with(|c: char| c.is_ascii_lowercase())
        && end[1..].chars().all(|c| c.is_ascii_alphabetic());
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (named && plain).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn css(text: &str) -> Option<Finder> {
        let typed = Taint::words();
        Elements::new(&typed, &Values::default()).lasting_css(text)
    }

    #[test]
    fn selectors_that_break_are_dropped() {
        for good in [
            "#memberId",
            "form.search > button",
            "#form > div:nth-of-type(2) > input",
            "input[name='q']",
        ] {
            assert_eq!(css(good), Some(Finder::Css(good.into())), "{good}");
        }
        for bad in [
            "body > div:nth-of-type(3) > input",
            "#ember412",
            "#ctl00_k7Qx2_3",
            "#ctl00_k7Qx2_Member > input",
            "div.css-1x2y3z > button",
            "#row_20931 a",
            "li:nth-of-type(4)",
        ] {
            assert_eq!(css(bad), None, "{bad}");
        }
        let end = Finder::Css("[id$=_txtMember]".into());
        assert_eq!(css("#ctl00_k7Qx2_txtMember"), Some(end));
        assert_eq!(css("[data-testid='wizard-next']"), Some(Finder::TestId("wizard-next".into())));
    }
}
