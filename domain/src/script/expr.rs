//! Evaluation of templates: values in, texts out, by the closed list of filters.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ast::{Cell, Expr, Filter, Part, Path, Run, Template, TextMatch, When};
use super::bundle::Bundle;
use super::decimal::Decimal;
use super::inputs::Inputs;
use super::span::{Name, Span};
use super::text::Wanted;
use super::value::Value;
use crate::time::Timestamp;

/// Why a template gave no value; never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{span}: {message}")]
pub struct Fault {
    /// Where it is written.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

/// Everything a template can name. The clock is an argument.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// For `words` tables and the time zone.
    pub bundle: &'a Bundle,
    /// The script's inputs, or a fragment's parameters.
    pub inputs: &'a Inputs,
    /// `each` variables.
    pub variables: Vec<(String, Value)>,
    /// What was captured so far.
    pub captured: &'a BTreeMap<String, Value>,
    /// Now.
    pub now: Timestamp,
    /// `commit.search_from`.
    pub search_from: Option<Timestamp>,
}

impl Scope<'_> {
    /// The portal's time zone: `defaults.timezone`, else UTC.
    pub fn zone(&self) -> TimeZone {
        let name = self.bundle.script.parts.defaults.timezone.as_ref();
        name.and_then(|name| TimeZone::get(&name.text).ok()).unwrap_or(TimeZone::UTC)
    }

    /// The same scope with an `each` variable.
    pub fn with(&self, variable: &str, value: Value) -> Self {
        let mut inner = self.clone();
        inner.variables.retain(|(name, _)| name != variable);
        inner.variables.push((variable.to_owned(), value));
        inner
    }

    /// The parameters of a fragment's flow as `run: … with:` gives them.
    pub fn parameters(&self, run: &Run) -> Result<Inputs, Fault> {
        self.given(&run.with)
    }

    /// The values of a `with`.
    pub fn given(&self, with: &[(Name, Template)]) -> Result<Inputs, Fault> {
        let mut fields = BTreeMap::new();
        for (name, template) in with {
            fields.insert(name.text.clone(), self.value(template)?);
        }
        Ok(Inputs { fields })
    }

    /// The value of a template: of its expression's type when it is a single one, else a text.
    pub fn value(&self, template: &Template) -> Result<Value, Fault> {
        if let [Part::Expr(expr)] = template.parts.as_slice() {
            return self.expression(expr);
        }
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expr(expr) => {
                    let value = self.expression(expr)?;
                    let plain = value.plain();
                    text.push_str(&plain.ok_or_else(|| needs_filter(&expr.path, &value))?);
                }
            }
        }
        Ok(Value::Text(text))
    }

    /// The text of a template.
    pub fn text(&self, template: &Template) -> Result<String, Fault> {
        let value = self.value(template)?;
        value.plain().ok_or_else(|| Fault {
            span: template.span.clone(),
            message: format!("`{}` is {}, not a text", template.source, value.kind()),
        })
    }

    /// One text, or one for every item of a list.
    pub fn texts(&self, template: &Template) -> Result<Vec<String>, Fault> {
        match self.value(template)? {
            Value::List(items) => items
                .iter()
                .map(|item| {
                    item.plain().ok_or_else(|| Fault {
                        span: template.span.clone(),
                        message: format!("an item of `{}` is {}", template.source, item.kind()),
                    })
                })
                .collect(),
            _ => self.text(template).map(|text| vec![text]),
        }
    }

    /// A text match with its templates evaluated.
    pub fn wanted(&self, text: &TextMatch) -> Result<Wanted, Fault> {
        Ok(match text {
            TextMatch::Equals(template) => Wanted::Equals(self.text(template)?),
            TextMatch::Exact(template) => Wanted::Exact(self.text(template)?),
            TextMatch::Contains(template) => Wanted::Contains(self.text(template)?),
            TextMatch::Pattern(pattern) => Wanted::Pattern(pattern.clone()),
        })
    }

    /// Whether a shown cell of a table is the wanted one.
    pub fn cell_fits(&self, cell: &Cell, shown: &str) -> Result<bool, Fault> {
        match cell {
            Cell::Text(wanted) => {
                Ok(self.wanted(wanted)?.matches(shown, super::text::TextKind::Plain))
            }
            Cell::Since { value, reads } => {
                let Some(shown) = reads.read(shown) else { return Ok(false) };
                let since = self.local(&self.value(value)?, &value.span)?;
                Ok(if reads.has_time() { shown >= since } else { shown.date() >= since.date() })
            }
        }
    }

    /// The parts of `when` that need no page: `given` and `is`.
    pub fn inputs_allow(&self, when: &When) -> Result<bool, Fault> {
        for path in &when.given {
            if self.path(path)? == Value::Absent {
                return Ok(false);
            }
        }
        for (path, literal) in &when.is {
            let value = self.path(path)?;
            let shown = match value {
                Value::Boolean(flag) => Some(flag.to_string()),
                Value::Date(date) => Some(date.to_string()),
                other => other.plain(),
            };
            if shown.as_deref() != Some(literal.as_str()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value of a path.
    pub fn path(&self, path: &Path) -> Result<Value, Fault> {
        let (root, rest) = path.names.split_first().ok_or_else(|| unknown(path))?;
        if let Some((_, value)) = self.variables.iter().find(|(name, _)| name == root) {
            return value.follow(rest).ok_or_else(|| unknown(path));
        }
        match (root.as_str(), rest) {
            // What was not captured was not there: a condition or `or('…')` can say what then.
            ("captured", [name]) => Ok(self.captured.get(name).cloned().unwrap_or(Value::Absent)),
            ("commit", [field]) if field == "search_from" => {
                self.search_from.map(Value::Datetime).ok_or_else(|| unknown(path))
            }
            ("today", []) => Ok(Value::Date(self.now.jiff().to_zoned(self.zone()).date())),
            ("now", []) => Ok(Value::Datetime(self.now)),
            _ => match self.inputs.fields.get(root) {
                Some(value) => value.follow(rest).ok_or_else(|| unknown(path)),
                None => Ok(Value::Absent),
            },
        }
    }

    pub(super) fn expression(&self, expr: &Expr) -> Result<Value, Fault> {
        let mut value = self.path(&expr.path)?;
        for filter in &expr.filters {
            value = self.filter(filter, value, &expr.path)?;
        }
        if value == Value::Absent {
            let message = format!("`{}` was not given", expr.path);
            return Err(Fault { span: expr.path.span.clone(), message });
        }
        Ok(value)
    }

    fn filter(&self, filter: &Filter, value: Value, path: &Path) -> Result<Value, Fault> {
        let wrong = |value: &Value| Fault {
            span: path.span.clone(),
            message: format!("a filter of `{path}` cannot take {}", value.kind()),
        };
        if let Value::Absent = value {
            return match filter {
                Filter::Or(text) => Ok(Value::Text(text.clone())),
                _ => Ok(Value::Absent),
            };
        }
        let text = match (filter, value) {
            (Filter::Or(_), value) => return Ok(value),
            (Filter::Date(form), value) => form.write(self.local(&value, &path.span)?),
            (Filter::PlusDays(days), Value::Date(date)) => {
                let moved = date.checked_add(jiff::Span::new().days(*days));
                return moved.map(Value::Date).map_err(|_| wrong(&Value::Date(date)));
            }
            (Filter::Number(places), Value::Integer(number)) => {
                Decimal::whole(number).rounded(*places).to_string()
            }
            (Filter::Number(places), Value::Decimal(number)) => number.rounded(*places).to_string(),
            (Filter::Join(between), Value::List(items)) => {
                let texts: Option<Vec<String>> = items.iter().map(Value::plain).collect();
                texts.ok_or_else(|| wrong(&Value::List(items)))?.join(between)
            }
            (Filter::First, Value::List(items)) => {
                return items.first().cloned().ok_or_else(|| wrong(&Value::List(Vec::new())));
            }
            (Filter::Last, Value::List(items)) => {
                return items.last().cloned().ok_or_else(|| wrong(&Value::List(Vec::new())));
            }
            (Filter::YesNo(yes, no), Value::Boolean(flag)) => (if flag { yes } else { no }).clone(),
            (Filter::Pad(wide, fill), value) => {
                let text = value.plain().ok_or_else(|| wrong(&value))?;
                let missing = wide.saturating_sub(text.chars().count());
                format!("{}{text}", fill.to_string().repeat(missing))
            }
            (Filter::Words(table), Value::Text(word)) => {
                let found = self.bundle.words(table).and_then(|table| table.get(&word));
                let found = found.map(|words| words.text.clone());
                found.ok_or_else(|| wrong(&Value::Text(word)))?
            }
            (filter, Value::Text(text)) => {
                on_text(filter, &text).ok_or_else(|| wrong(&Value::Text(text)))?
            }
            (_, value) => return Err(wrong(&value)),
        };
        Ok(Value::Text(text))
    }

    /// A date or instant as local date and time.
    fn local(&self, value: &Value, span: &Span) -> Result<DateTime, Fault> {
        match value {
            Value::Date(date) => Ok(date.at(0, 0, 0, 0)),
            Value::Datetime(at) => Ok(at.jiff().to_zoned(self.zone()).datetime()),
            other => Err(Fault {
                span: span.clone(),
                message: format!("a date is needed here, not {}", other.kind()),
            }),
        }
    }
}

/// Filters from text to text.
fn on_text(filter: &Filter, text: &str) -> Option<String> {
    let count = text.chars().count();
    Some(match filter {
        Filter::Digits => text.chars().filter(char::is_ascii_digit).collect(),
        Filter::Alnum => text.chars().filter(|c| c.is_alphanumeric()).collect(),
        Filter::Upper => text.to_uppercase(),
        Filter::Lower => text.to_lowercase(),
        Filter::Trim => text.trim().to_owned(),
        Filter::Start(n) => text.chars().take(*n).collect(),
        Filter::End(n) => text.chars().skip(count.saturating_sub(*n)).collect(),
        Filter::Mask => {
            // a short text is hidden whole: its last four would be all of it
            let shown = if count > 4 { 4 } else { 0 };
            let tail: String = text.chars().skip(count - shown).collect();
            format!("••••{tail}")
        }
        Filter::Date(_)
        | Filter::PlusDays(_)
        | Filter::Number(_)
        | Filter::Pad(..)
        | Filter::Join(_)
        | Filter::First
        | Filter::Last
        | Filter::Words(_)
        | Filter::YesNo(..)
        | Filter::Or(_) => return None,
    })
}

fn unknown(path: &Path) -> Fault {
    Fault { span: path.span.clone(), message: format!("there is no `{path}`") }
}

pub(super) fn needs_filter(path: &Path, value: &Value) -> Fault {
    Fault {
        span: path.span.clone(),
        message: format!("`{path}` is {}; inside a text it needs a filter", value.kind()),
    }
}
