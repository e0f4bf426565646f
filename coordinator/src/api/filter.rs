//! Filters of lists: only words of the vocabulary and well-formed keys pass; an absent one is an empty text, which means any.

use std::{fmt::Display, str::FromStr};

use super::{
    error::{Problem, Reply},
    types::Paging,
};

/// A word of a vocabulary, or any.
///
/// # Errors
/// 400 that lists the words.
pub fn word(field: &str, given: &Option<String>, words: &[&str]) -> Reply<String> {
    match given {
        None => Ok(String::new()),
        Some(word) if words.contains(&word.as_str()) => Ok(word.clone()),
        Some(_) => {
            Err(Problem::new("bad-request", format!("`{field}` is one of {}", words.join(", ")))
                .at(field))
        }
    }
}

/// An id, or any.
///
/// # Errors
/// 400 that says what such an id looks like.
pub fn id<T: FromStr<Err: Display>>(field: &str, given: &Option<String>) -> Reply<String> {
    let Some(text) = given else { return Ok(String::new()) };
    match text.parse::<T>() {
        Ok(_) => Ok(text.clone()),
        Err(bad) => Err(Problem::new("bad-request", format!("`{field}`: {bad}")).at(field)),
    }
}

/// The key to continue after, as text, and the page's size.
///
/// # Errors
/// 400 when either is out of bounds.
pub fn page<T: FromStr + Display>(paging: &Paging) -> Reply<(String, u32)> {
    let key: Option<T> = paging.key()?;
    Ok((key.map(|k| k.to_string()).unwrap_or_default(), paging.size()?))
}
