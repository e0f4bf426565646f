//! Texts that mean something: templates, text matches, patterns, address globs, date formats.

use regex::RegexBuilder;

use super::decode::Decoder;
use super::expr;
use super::names::Kind;
use crate::script::ast::{
    DateFormat, DateToken, Digits, Expr, Filter, Part, Path, Pattern, Template, TextMatch, UrlGlob,
};
use crate::script::finding::closest;
use crate::script::node::{Node as Yaml, Style};
use crate::script::span::Span;

/// Memory a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

impl Decoder<'_> {
    /// A text with `${…}`.
    pub(super) fn template(&mut self, node: &Yaml, what: &str) -> Option<Template> {
        let words = self.text(node, what)?;
        let pieces = match expr::split(&words.text) {
            Ok(pieces) => pieces,
            Err(error) => {
                let at = inside(node, error.at, error.wide);
                self.findings.error("bad-filter", &at, error.message);
                return None;
            }
        };
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                expr::Piece::Text(text) => parts.push(Part::Text(text)),
                expr::Piece::Expr(raw) => parts.push(Part::Expr(self.expression(node, raw)?)),
            }
        }
        Some(Template { source: words.text, parts, span: node.span.clone() })
    }

    fn expression(&mut self, node: &Yaml, raw: expr::Raw) -> Option<Expr> {
        let path = Path { names: raw.path, span: inside(node, raw.at, raw.wide) };
        if raw.filters.len() > 5 {
            self.findings.error("bad-filter", &path.span, "more than five filters");
            return None;
        }
        let mut filters = Vec::new();
        for call in raw.filters {
            let at = inside(node, call.at, call.wide);
            filters.push(self.filter(&call, &at)?);
        }
        Some(Expr { path, filters })
    }

    fn filter(&mut self, call: &expr::Call, at: &Span) -> Option<Filter> {
        use expr::Arg::{Number, Text, Word};
        let filter = match (call.name.as_str(), call.args.as_slice()) {
            ("date", [Text(format)]) => match date_format(format) {
                Ok(format) => Filter::Date(format),
                Err(message) => {
                    self.findings.error("bad-filter", at, message);
                    return None;
                }
            },
            ("plus_days", [Number(days)]) if days.abs() <= 36_600 => Filter::PlusDays(*days),
            ("digits", []) => Filter::Digits,
            ("alnum", []) => Filter::Alnum,
            ("upper", []) => Filter::Upper,
            ("lower", []) => Filter::Lower,
            ("trim", []) => Filter::Trim,
            ("mask", []) => Filter::Mask,
            ("first", []) => Filter::First,
            ("last", []) => Filter::Last,
            ("start", [Number(n @ 1..=1000)]) => Filter::Start(*n as usize),
            ("end", [Number(n @ 1..=1000)]) => Filter::End(*n as usize),
            ("number", [Number(n @ 0..=10)]) => Filter::Number(*n as u32),
            ("pad", [Number(n @ 1..=100), Text(fill)]) if fill.chars().count() == 1 => {
                Filter::Pad(*n as usize, fill.chars().next().unwrap_or('0'))
            }
            ("join", [Text(between)]) => Filter::Join(between.clone()),
            ("or", [Text(text)]) => Filter::Or(text.clone()),
            ("yes_no", [Text(yes), Text(no)]) => Filter::YesNo(yes.clone(), no.clone()),
            ("words", [Word(table)]) => Filter::Words(self.resolve(Kind::Words, table, at).text),
            (name, _) => {
                let known = expr::FILTERS.iter().find(|(known, _)| *known == name);
                let (message, hint) = match known {
                    Some((_, form)) => (format!("`{name}` is written {form}"), None),
                    None => {
                        let near = closest(name, expr::FILTERS.iter().map(|(known, _)| *known));
                        (format!("there is no filter `{name}`"), near)
                    }
                };
                let hint = hint.map_or(String::new(), |near| format!("did you mean `{near}`?"));
                self.findings.error_hint("bad-filter", at, message, hint);
                return None;
            }
        };
        Some(filter)
    }

    /// A path such as `request.lines`.
    pub(super) fn path(&mut self, node: &Yaml, what: &str) -> Option<Path> {
        let text = self.scalar(node, what)?;
        match expr::path(text) {
            Some(names) => Some(Path { names, span: node.span.clone() }),
            None => {
                self.wrong(&node.span, format!("{what} must be a path such as member.id"));
                None
            }
        }
    }

    /// A text, `{contains: text}`, `{exact: text}` or `/pattern/`.
    pub(super) fn text_match(&mut self, node: &Yaml, what: &str) -> Option<TextMatch> {
        if node.scalar().is_none() {
            let map = self.map(node, what, &["contains", "exact"], &[])?;
            return match (map.get("contains"), map.get("exact")) {
                (Some(text), None) => self.template(text, "`contains`").map(TextMatch::Contains),
                (None, Some(text)) => self.template(text, "`exact`").map(TextMatch::Exact),
                _ => {
                    self.wrong(&node.span, format!("{what} says either `contains` or `exact`"));
                    None
                }
            };
        }
        let text = node.scalar().unwrap_or_default();
        if let Some((source, ignore_case)) = slashed(text) {
            return self.compile(source, ignore_case, &node.span).map(TextMatch::Pattern);
        }
        if text.is_empty() && node.style != Style::Plain {
            self.wrong(&node.span, format!("{what} must not be empty"));
            return None;
        }
        self.template(node, what).map(TextMatch::Equals)
    }

    /// A bare pattern, as `match:` takes it.
    pub(super) fn pattern(&mut self, node: &Yaml, what: &str) -> Option<Pattern> {
        let text = self.text(node, what)?;
        let (source, ignore_case) = slashed(&text.text).unwrap_or((text.as_str(), false));
        self.compile(source, ignore_case, &node.span)
    }

    fn compile(&mut self, source: &str, ignore_case: bool, span: &Span) -> Option<Pattern> {
        if source.contains("${") {
            let message = "a pattern cannot hold a template";
            self.findings.error("template-in-selector", span, message);
            return None;
        }
        let pattern = self.compile_any(source, ignore_case, span)?;
        if pattern.regex.is_match("") {
            let message = "this pattern matches the empty text, so it matches everything";
            self.findings.error("pattern-matches-empty", span, message);
        }
        Some(pattern)
    }

    pub(super) fn compile_any(
        &mut self,
        source: &str,
        ignore_case: bool,
        span: &Span,
    ) -> Option<Pattern> {
        let built = RegexBuilder::new(source)
            .case_insensitive(ignore_case)
            .size_limit(PATTERN_BYTES)
            .build();
        match built {
            Ok(regex) => {
                Some(Pattern { source: source.to_owned(), ignore_case, regex, span: span.clone() })
            }
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim().to_owned();
                let reason = last.strip_prefix("error: ").unwrap_or(&last);
                self.findings.error("bad-pattern", span, format!("not a pattern: {reason}"));
                None
            }
        }
    }

    pub(super) fn glob(&mut self, node: &Yaml, what: &str) -> Option<UrlGlob> {
        let words = self.literal(node, what)?;
        if words.text.contains("://") || words.text.contains(' ') {
            let message =
                format!("{what} is a path like /auth/new* or host/path, without https://");
            self.wrong(&node.span, message);
            return None;
        }
        Some(UrlGlob { source: words.text, span: words.span })
    }

    pub(super) fn date_form(&mut self, node: &Yaml, what: &str) -> Option<DateFormat> {
        let words = self.full_text(node, what)?;
        match date_format(&words.text) {
            Ok(format) => Some(format),
            Err(message) => {
                self.findings.error("bad-filter", &node.span, message);
                None
            }
        }
    }
}

/// `/…/` or `/…/i` → the pattern and whether case is ignored.
fn slashed(text: &str) -> Option<(&str, bool)> {
    let rest = text.strip_prefix('/')?;
    rest.strip_suffix("/i")
        .map(|source| (source, true))
        .or_else(|| rest.strip_suffix('/').map(|source| (source, false)))
        .filter(|(source, _)| !source.is_empty())
}

/// The place of some characters of a scalar; the whole scalar when it spans lines or has escapes.
fn inside(node: &Yaml, at: usize, wide: usize) -> Span {
    let span = &node.span;
    let length = node.scalar().map_or(0, |text| text.chars().count());
    let quotes = (span.end_column.saturating_sub(span.column) as usize).checked_sub(length);
    let lead = match (quotes, span.line == span.end_line) {
        (Some(0), true) => 0,
        (Some(2), true) => 1,
        _ => return span.clone(),
    };
    let column = span.column + lead + at as u32;
    Span { column, end_column: column + wide as u32, ..span.clone() }
}

/// Reads a date form such as `MM/dd/yyyy h:mm a`.
pub(crate) fn date_format(source: &str) -> Result<DateFormat, String> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let run = chars[at..].iter().take_while(|next| **next == c).count();
        if !c.is_ascii_alphabetic() || c == 'T' {
            tokens.push(DateToken::Literal(c));
            at += 1;
            continue;
        }
        tokens.push(match (c, run) {
            ('y', 4) => DateToken::Year,
            ('y', 2) => DateToken::ShortYear,
            ('M', 2) => DateToken::Month(Digits::Two),
            ('M', 1) => DateToken::Month(Digits::Least),
            ('d', 2) => DateToken::Day(Digits::Two),
            ('d', 1) => DateToken::Day(Digits::Least),
            ('H', 2) => DateToken::Hour,
            ('h', 2) => DateToken::Hour12(Digits::Two),
            ('h', 1) => DateToken::Hour12(Digits::Least),
            ('m', 2) => DateToken::Minute,
            ('s', 2) => DateToken::Second,
            ('a', 1) => DateToken::HalfDay,
            _ => {
                let part: String = chars[at..at + run].iter().collect();
                return Err(format!(
                    "`{part}` in `{source}` is unknown; known are yyyy yy MM M dd d HH hh h mm ss a"
                ));
            }
        });
        at += run;
    }
    if tokens.iter().all(|token| matches!(token, DateToken::Literal(_))) {
        return Err(format!("`{source}` is not a form of writing dates"));
    }
    Ok(DateFormat { source: source.to_owned(), tokens })
}
