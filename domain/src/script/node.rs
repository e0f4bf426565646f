//! YAML events → our own tree with places: refuses whatever two readers of YAML would read
//! differently (anchors, tags, merge keys, duplicate keys, second documents), types nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, StructureStyle};
use sha2::{Digest, Sha256};

use super::finding::Findings;
use super::span::Span;

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 20_000;

/// One value of a YAML file; scalars are text until their position says otherwise.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// How it is written.
    pub style: Style,
    /// Where it is written.
    pub span: Span,
}

/// The three shapes of a node.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text.
    Scalar(String),
    /// Items in order.
    List(Vec<Node>),
    /// Keys and values in written order; keys are scalars and unique.
    Map(Vec<(Node, Node)>),
}

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single or double quotes.
    Quoted,
    /// A block of text, or a block list or map.
    Block,
    /// `[…]` or `{…}`.
    Flow,
}

impl Node {
    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|(name, _)| name.scalar() == Some(key)).map(|(_, value)| value)
            }
            Value::Scalar(_) | Value::List(_) => None,
        }
    }

    /// Feeds the canonical form into a hash: shape, order and texts; no styles, comments or places.
    pub(super) fn feed(&self, hash: &mut Sha256) {
        match &self.value {
            Value::Scalar(text) => {
                hash.update(format!("s{}:", text.len()));
                hash.update(text);
            }
            Value::List(items) => {
                hash.update(format!("l{}:", items.len()));
                items.iter().for_each(|item| item.feed(hash));
            }
            Value::Map(entries) => {
                hash.update(format!("m{}:", entries.len()));
                for (key, value) in entries {
                    key.feed(hash);
                    value.feed(hash);
                }
            }
        }
    }
}

/// Reads a file's bytes; `None` when there is no tree worth decoding.
pub fn read(file: &Arc<str>, bytes: &[u8], findings: &mut Findings) -> Option<Node> {
    let start = Span::start_of(file);
    if bytes.len() > MAX_BYTES {
        findings.error("too-large", &start, format!("the file is larger than {MAX_BYTES} bytes"));
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = before.matches('\n').count() as u32 + 1;
            let column =
                before.rsplit('\n').next().map_or(0, |last| last.chars().count()) as u32 + 1;
            let span = Span { line, column, end_line: line, end_column: column + 1, ..start };
            findings.error("not-utf8", &span, "the file is not UTF-8 from here on");
            return None;
        }
    };
    findings.remember(file, text);
    if tabs(file, text, findings) {
        return None;
    }
    Builder { file, text, findings, nodes: 0, comment: None, open: Vec::new() }.run()
}

/// Reports tabs in the indentation, which YAML forbids and editors hide.
fn tabs(file: &Arc<str>, text: &str, findings: &mut Findings) -> bool {
    let mut found = false;
    for (index, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(at) = line[..indent].find('\t')
            && indent < line.len()
        {
            let line = index as u32 + 1;
            let column = at as u32 + 1;
            let span = Span {
                file: Arc::clone(file),
                line,
                column,
                end_line: line,
                end_column: column + 1,
            };
            findings.error_hint("tab-indent", &span, "a tab in the indentation", "use spaces");
            found = true;
        }
    }
    found
}

struct Builder<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    findings: &'a mut Findings,
    nodes: usize,
    /// First comment inside `{…}` or `[…]`: the likely culprit of a syntax error after it.
    comment: Option<Span>,
    open: Vec<Open>,
}

/// A list or map under construction.
struct Open {
    items: Vec<Node>,
    is_map: bool,
    style: Style,
    start: Marker,
}

impl Builder<'_> {
    fn run(mut self) -> Option<Node> {
        let mut options = Options::default();
        options.emit_unresolved_aliases = true;
        options.emit_anchor_events = true;
        let mut root = None;
        for next in Parser::new_from_str_with_options(self.text, options) {
            let (event, span) = match next {
                Ok(pair) => pair,
                Err(error) => {
                    self.syntax(error.marker(), &error.info());
                    return None;
                }
            };
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    let at = self.span(&span.start, &span.end);
                    self.findings.error_hint(
                        "second-document",
                        &at,
                        "a second document begins here",
                        "one file holds one script; remove the `---`",
                    );
                    return root;
                }
                Event::Scalar(text, style, _, tag) => {
                    let at = self.span(&span.start, &span.end);
                    if tag.is_some() {
                        self.tag(&at);
                    }
                    // the parser writes `~` where nothing is written
                    let absent = text == "~" && span.start.index() == span.end.index();
                    let text = if absent { String::new() } else { text.into_owned() };
                    let node = self.scalar(text, style, at);
                    self.close(node, &mut root)?;
                }
                Event::SequenceStart(style, _, tag) => {
                    self.start(false, style, span.start, tag.is_some())?;
                }
                Event::MappingStart(style, _, tag) => {
                    self.start(true, style, span.start, tag.is_some())?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let node = self.end(&span.end);
                    self.close(node, &mut root)?;
                }
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    let at = self.span(&span.start, &span.end);
                    self.alias(&at);
                    let node = Node {
                        value: Value::Scalar("alias".into()),
                        style: Style::Quoted,
                        span: at,
                    };
                    self.close(node, &mut root)?;
                }
                Event::Anchor(..) => {
                    let at = self.span(&span.start, &span.end);
                    self.anchor(&at);
                }
                Event::Comment(..) => self.comment(&span),
                _ => {}
            }
        }
        if root.is_none() {
            let at = Span::start_of(self.file);
            self.findings.error("syntax", &at, "the file is empty");
        }
        root
    }

    fn start(
        &mut self,
        is_map: bool,
        style: StructureStyle,
        start: Marker,
        tagged: bool,
    ) -> Option<()> {
        let at = self.span(&start, &start);
        if tagged {
            self.tag(&at);
        }
        if self.open.len() >= MAX_DEPTH {
            self.findings.error("too-deep", &at, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        let style = match style {
            StructureStyle::Block => Style::Block,
            StructureStyle::Flow => Style::Flow,
        };
        self.open.push(Open { items: Vec::new(), is_map, style, start });
        Some(())
    }

    fn end(&mut self, end: &Marker) -> Node {
        let open = self.open.pop().expect("the parser closes only what it opened");
        let mut span = self.span(&open.start, end);
        if open.style == Style::Block
            && let Some(last) = open.items.last()
        {
            // a block ends where its last value ends, not at the next key
            (span.end_line, span.end_column) = (last.span.end_line, last.span.end_column);
        }
        if !open.is_map {
            return Node { value: Value::List(open.items), style: open.style, span };
        }
        let mut entries: Vec<(Node, Node)> = Vec::with_capacity(open.items.len() / 2);
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let mut items = open.items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if self.key_is_fine(&key, &value, open.style, &mut seen) {
                entries.push((key, value));
            }
        }
        Node { value: Value::Map(entries), style: open.style, span }
    }

    fn key_is_fine(
        &mut self,
        key: &Node,
        value: &Node,
        style: Style,
        seen: &mut BTreeMap<String, u32>,
    ) -> bool {
        let Some(text) = key.scalar() else {
            self.findings.error("wrong-type", &key.span, "a key must be a text");
            return false;
        };
        if text == "<<" && key.style == Style::Plain {
            self.findings.error("merge-key", &key.span, "merge keys are not allowed");
            return false;
        }
        if let Some(line) = seen.get(text) {
            let hint = format!("first given at line {line}");
            let message = format!("`{text}` is given twice");
            self.findings.error_hint("duplicate-key", &key.span, message, hint);
            return false;
        }
        seen.insert(text.to_owned(), key.span.line);
        let empty = value.style == Style::Plain && value.scalar() == Some("");
        if style == Style::Flow && empty {
            let hint = if text.contains(':') {
                "a name is followed by `:` and a space"
            } else {
                "is the comma part of the text? quote it"
            };
            let message = format!("`{text}` has no value");
            self.findings.error_hint("split-by-comma", &key.span, message, hint);
            return false;
        }
        true
    }

    fn close(&mut self, node: Node, root: &mut Option<Node>) -> Option<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.findings.error("too-large", &node.span, format!("more than {MAX_NODES} values"));
            return None;
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => *root = Some(node),
        }
        Some(())
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: Span) -> Node {
        let (style, block) = match style {
            ScalarStyle::Plain => (Style::Plain, false),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (Style::Quoted, false),
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, true),
        };
        let bad = text.chars().find(|c| c.is_control() && !(block && *c == '\n'));
        if let Some(bad) = bad {
            let at = self.escape(&span).unwrap_or_else(|| span.clone());
            let (what, hint) = match bad {
                '\u{8}' => {
                    ("a backspace", "in double quotes \\b is a backspace; use single quotes")
                }
                '\n' => ("a line break", "write the text on one line"),
                _ => ("a control character", "patterns go in single quotes"),
            };
            self.findings.error_hint(
                "control-character",
                &at,
                format!("this text contains {what}"),
                hint,
            );
        }
        if let Some(odd) = text.chars().find(|c| is_invisible(*c)) {
            let message = format!("this text contains U+{:04X}", u32::from(odd));
            let hint = "typed by an editor? replace it by a plain space, quote or hyphen";
            self.findings.warn("invisible-character", &span, message, Some(hint));
        }
        Node { value: Value::Scalar(text), style, span }
    }

    /// The first escape of a quoted text that stands for a control character.
    fn escape(&self, span: &Span) -> Option<Span> {
        let line = self.text.lines().nth(span.line as usize - 1)?;
        let chars: Vec<char> = line.chars().collect();
        let mut at = span.column as usize;
        while at + 1 < chars.len() {
            if chars[at] == '\\' {
                if "0abtnvfre".contains(chars[at + 1]) || "xuU".contains(chars[at + 1]) {
                    let column = at as u32 + 1;
                    let end_line = span.line;
                    return Some(Span { column, end_line, end_column: column + 2, ..span.clone() });
                }
                at += 1;
            }
            at += 1;
        }
        None
    }

    fn anchor(&mut self, at: &Span) {
        let hint = "write the thing out where it is used, or quote the text";
        self.findings.error_hint("anchor", at, "anchors are not allowed", hint);
    }

    fn comment(&mut self, span: &granit_parser::Span) {
        if self.comment.is_none() && self.open.iter().any(|open| open.style == Style::Flow) {
            self.comment = Some(self.span(&span.start, &span.end));
        }
    }

    fn alias(&mut self, at: &Span) {
        let hint = "a text that begins with `*` must be quoted";
        self.findings.error_hint("anchor", at, "aliases are not allowed", hint);
    }

    fn tag(&mut self, at: &Span) {
        let hint = "a text that begins with `!` must be quoted";
        self.findings.error_hint("tag", at, "tags are not allowed", hint);
    }

    fn syntax(&mut self, mark: &Marker, message: &str) {
        let at = self.span(mark, mark);
        if let Some(comment) = self.comment.take() {
            let hint = "`#` after a space begins a comment; quote the text";
            self.findings.error_hint(
                "syntax",
                &comment,
                "the `{` or `[` before this is never closed",
                hint,
            );
        } else if message.contains("escape") {
            let hint = "in double quotes a backslash begins an escape; use single quotes";
            self.findings.error_hint("syntax", &at, message.to_owned(), hint);
        } else if let Some((_, hint)) = HINTS.iter().find(|(part, _)| message.contains(part)) {
            self.findings.error_hint("syntax", &at, message.to_owned(), *hint);
        } else {
            self.findings.error("syntax", &at, message.to_owned());
        }
    }

    fn span(&self, start: &Marker, end: &Marker) -> Span {
        Span {
            file: Arc::clone(self.file),
            line: start.line() as u32,
            column: start.col() as u32 + 1,
            end_line: end.line() as u32,
            end_column: end.col() as u32 + 1,
        }
    }
}

/// What a person did, by words of the parser's message.
const HINTS: [(&str, &str); 5] = [
    (
        "mapping values",
        "is this line indented as its neighbours are? A text that holds `: ` is quoted",
    ),
    (
        "'-' indicator",
        "a line here is indented otherwise than its neighbours: bring it in line with them",
    ),
    (
        "simple key",
        "a name is followed by `:` and a space; on this line or the one before it is missing",
    ),
    (
        "block mapping",
        "a line here is indented otherwise than its neighbours: bring it in line with them",
    ),
    ("flow", "a `{` or `[` on this line or before it is never closed"),
];

/// White space and quotes that look like others: NBSP, zero width, soft hyphen, curly quotes.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{202f}')
}

/// Whether some reader of YAML takes this unquoted text for a number, truth value, null or date.
pub fn reads_as_other(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "" | "~" | "null" => return Some("nothing"),
        "y" | "yes" | "n" | "no" | "true" | "false" | "on" | "off" => return Some("true or false"),
        ".inf" | "-.inf" | "+.inf" | ".nan" => return Some("a number"),
        _ => {}
    }
    let body = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    let starts = body.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !starts || !body.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let all = |set: &str, part: &str| !part.is_empty() && part.chars().all(|c| set.contains(c));
    for (prefix, set) in [("0x", "0123456789abcdef_"), ("0o", "01234567_"), ("0b", "01_")] {
        if body.strip_prefix(prefix).is_some_and(|rest| all(set, rest)) {
            return Some("a number");
        }
    }
    if all("0123456789_.", body) {
        return (body.matches('.').count() <= 1).then_some("a number");
    }
    if all("0123456789_:.", body) && !body.ends_with(':') {
        return Some("a time or a number in base 60");
    }
    if let Some((mantissa, exponent)) = body.split_once('e') {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        return (all("0123456789_.", mantissa) && all("0123456789", digits)).then_some("a number");
    }
    let day: Vec<&str> = body.split(['t', ' ']).next().unwrap_or("").split('-').collect();
    let is_day =
        day.len() == 3 && day[0].len() == 4 && day.iter().all(|part| all("0123456789", part));
    is_day.then_some("a date")
}
