//! Writing and reading dates in the forms of a script.

use jiff::civil::{Date, DateTime, Time};

use super::ast::{DateFormat, DateToken, Digits};

impl DateFormat {
    /// Whether the form has a time of day.
    pub fn has_time(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, DateToken::Hour | DateToken::Hour12(_)))
    }

    /// Writes a local date and time.
    pub fn write(&self, at: DateTime) -> String {
        let padded = |number: i8, digits: Digits| match digits {
            Digits::Two => format!("{number:02}"),
            Digits::Least => number.to_string(),
        };
        let half = (at.hour() + 11) % 12 + 1;
        self.tokens
            .iter()
            .map(|token| match token {
                DateToken::Year => format!("{:04}", at.year()),
                DateToken::ShortYear => format!("{:02}", at.year().rem_euclid(100)),
                DateToken::Month(digits) => padded(at.month(), *digits),
                DateToken::Day(digits) => padded(at.day(), *digits),
                DateToken::Hour => padded(at.hour(), Digits::Two),
                DateToken::Hour12(digits) => padded(half, *digits),
                DateToken::Minute => padded(at.minute(), Digits::Two),
                DateToken::Second => padded(at.second(), Digits::Two),
                DateToken::HalfDay => (if at.hour() < 12 { "AM" } else { "PM" }).to_owned(),
                DateToken::Literal(c) => c.to_string(),
            })
            .collect()
    }

    /// Reads a local date and time; the whole text must be read. Leading zeros may be missing.
    pub fn read(&self, text: &str) -> Option<DateTime> {
        let text = super::text::spaced(text);
        let mut rest = text.as_str();
        let (mut year, mut month, mut day) = (None, 1, 1);
        let (mut hour, mut minute, mut second, mut afternoon) = (0, 0, 0, None);
        for token in &self.tokens {
            match token {
                DateToken::Year => year = Some(number(&mut rest, 4, 4)?),
                DateToken::ShortYear => {
                    let short = number(&mut rest, 2, 2)?;
                    year = Some(if short >= 50 { 1900 + short } else { 2000 + short });
                }
                DateToken::Month(_) => month = number(&mut rest, 1, 2)?,
                DateToken::Day(_) => day = number(&mut rest, 1, 2)?,
                DateToken::Hour | DateToken::Hour12(_) => hour = number(&mut rest, 1, 2)?,
                DateToken::Minute => minute = number(&mut rest, 2, 2)?,
                DateToken::Second => second = number(&mut rest, 2, 2)?,
                DateToken::HalfDay => {
                    let half = rest.get(..2)?.to_ascii_uppercase();
                    afternoon = Some(match half.as_str() {
                        "AM" => false,
                        "PM" => true,
                        _ => return None,
                    });
                    rest = &rest[2..];
                }
                DateToken::Literal(c) => rest = rest.strip_prefix(*c)?,
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if let Some(afternoon) = afternoon {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let small = |number: i16| i8::try_from(number).ok();
        let date = Date::new(year?, small(month)?, small(day)?).ok()?;
        let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
        Some(date.to_datetime(time))
    }
}

/// Takes `least` to `most` digits from the front.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<i16> {
    let wide = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if wide < least {
        return None;
    }
    let (digits, after) = rest.split_at(wide);
    *rest = after;
    digits.parse().ok()
}
