//! Types of values as known before a script runs.

use crate::script::ast::{Filter, Need, NeedType, ReadAs};
use crate::script::span::Table;

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    OneOf(Vec<String>),
    Integer,
    Decimal,
    Boolean,
    Date,
    Datetime,
    File,
    List(Box<Type>),
    Group,
}

impl Type {
    pub(super) fn of(kind: &NeedType) -> Self {
        match kind {
            NeedType::String { .. } => Self::Text,
            NeedType::Integer { .. } => Self::Integer,
            NeedType::Decimal { .. } => Self::Decimal,
            NeedType::Boolean => Self::Boolean,
            NeedType::Date => Self::Date,
            NeedType::Datetime => Self::Datetime,
            NeedType::OneOf(words) => Self::OneOf(words.clone()),
            NeedType::File { .. } => Self::File,
            NeedType::List { of, .. } => Self::List(Box::new(Self::of(&of.kind))),
            NeedType::Group(_) => Self::Group,
        }
    }

    pub(super) fn captured(read_as: Option<&ReadAs>) -> Self {
        match read_as {
            None => Self::File,
            Some(ReadAs::Text | ReadAs::Verbatim | ReadAs::Reference) => Self::Text,
            Some(ReadAs::Date(_)) => Self::Date,
            Some(ReadAs::Datetime(_)) => Self::Datetime,
            Some(ReadAs::Integer) => Self::Integer,
            Some(ReadAs::Decimal) => Self::Decimal,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::OneOf(_) => "one of a list of words",
            Self::Integer => "a whole number",
            Self::Decimal => "a decimal number",
            Self::Boolean => "true or false",
            Self::Date => "a date",
            Self::Datetime => "an instant",
            Self::File => "a file",
            Self::List(_) => "a list",
            Self::Group => "a group",
        }
    }

    /// Whether it is inserted into texts as it is.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Text | Self::OneOf(_) | Self::Integer | Self::Decimal)
    }

    /// What a filter makes of it; `None` when the filter does not take it.
    pub(super) fn after(&self, filter: &Filter) -> Option<Self> {
        let text = matches!(self, Self::Text | Self::OneOf(_));
        let number = matches!(self, Self::Integer | Self::Decimal);
        let fits = match filter {
            Filter::Date(_) => matches!(self, Self::Date | Self::Datetime),
            Filter::PlusDays(_) => return (*self == Self::Date).then_some(Self::Date),
            Filter::Digits
            | Filter::Alnum
            | Filter::Upper
            | Filter::Lower
            | Filter::Trim
            | Filter::Start(_)
            | Filter::End(_)
            | Filter::Mask => text,
            Filter::Number(_) => number,
            Filter::Pad(..) => text || *self == Self::Integer,
            Filter::Join(_) => matches!(self, Self::List(item) if item.is_plain()),
            Filter::First | Filter::Last => {
                return match self {
                    Self::List(item) => Some(item.as_ref().clone()),
                    _ => None,
                };
            }
            Filter::Words(_) => text,
            Filter::YesNo(..) => *self == Self::Boolean,
            Filter::Or(_) => self.is_plain(),
        };
        fits.then_some(Self::Text)
    }
}

/// What a path into inputs gives.
pub(super) struct Found {
    pub(super) kind: Type,
    /// The shortest prefix (number of names) that is optional.
    pub(super) optional_at: Option<usize>,
}

/// Follows a path through the declared inputs; the error is the name that does not exist.
pub(super) fn follow(fields: &Table<Need>, names: &[String]) -> Result<Found, usize> {
    let mut fields = fields;
    let mut lists = 0_usize;
    let mut optional_at = None;
    for (at, name) in names.iter().enumerate() {
        let need = fields.get(name).ok_or(at)?;
        if need.optional && optional_at.is_none() {
            optional_at = Some(at + 1);
        }
        if at + 1 == names.len() {
            let kind = (0..lists).fold(Type::of(&need.kind), |kind, _| Type::List(Box::new(kind)));
            return Ok(Found { kind, optional_at });
        }
        let mut inner = need;
        while let NeedType::List { of, .. } = &inner.kind {
            lists += 1;
            inner = of;
        }
        match &inner.kind {
            NeedType::Group(group) => fields = group,
            _ => return Err(at + 1),
        }
    }
    Err(0)
}
