//! Amounts and quantities as exact decimals: no float ever touches money.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};

/// A decimal number of at most 30 digits, with the decimals it came with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    units: i128,
    scale: u8,
}

/// Text that is no decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most 30 digits")]
pub struct NotDecimal;

const DIGITS: usize = 30;

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// So many cents.
    #[must_use]
    pub const fn cents(cents: i64) -> Self {
        Self { units: cents as i128, scale: 2 }
    }

    /// `units` with `scale` decimals: `new(15, 1)` is 1.5. None beyond 30 digits.
    #[must_use]
    pub fn new(units: i64, scale: u8) -> Option<Self> {
        (usize::from(scale) <= DIGITS).then_some(Self { units: units.into(), scale })
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.units == 0
    }

    /// Whether it is below nothing.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.units < 0
    }

    /// Both as units of the finer scale, when they fit.
    fn level(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        let lift = |d: Self| {
            10_i128.checked_pow(u32::from(scale - d.scale)).and_then(|f| d.units.checked_mul(f))
        };
        Some((lift(self)?, lift(other)?, scale))
    }

    /// The sum, or none beyond what can be held.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the operator has no place for an overflow")]
    pub fn add(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.level(other)?;
        Some(Self { units: a.checked_add(b)?, scale })
    }

    /// The difference, or none beyond what can be held.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the operator has no place for an overflow")]
    pub fn sub(self, other: Self) -> Option<Self> {
        self.add(Self { units: -other.units, scale: other.scale })
    }

    /// The sum of all, or none beyond what can be held.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().try_fold(Self::ZERO, Self::add)
    }

    /// From the bytes of an element: digits with at most one point and a sign before.
    ///
    /// # Errors
    /// Anything else, or more than 30 digits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotDecimal> {
        let (negative, rest) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let mut units = 0_i128;
        let mut digits = 0_usize;
        let mut point = None;
        for (i, &byte) in rest.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    if digits > DIGITS {
                        return Err(NotDecimal);
                    }
                    units = units * 10 + i128::from(byte - b'0');
                }
                b'.' if point.is_none() => point = Some(i),
                _ => return Err(NotDecimal),
            }
        }
        if digits == 0 {
            return Err(NotDecimal);
        }
        let scale = point.map_or(0, |at| rest.len() - at - 1);
        let scale = u8::try_from(scale).map_err(|_| NotDecimal)?;
        Ok(Self { units: if negative { -units } else { units }, scale })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.level(*other) {
            Some((a, b, _)) => a.cmp(&b),
            // Out of reach of one scale: whole parts differ by then.
            None => {
                let whole = |d: &Self| d.units / 10_i128.pow(u32::from(d.scale).min(38));
                whole(self).cmp(&whole(other))
            }
        }
    }
}

/// As X12 writes it: no zero before the point, no plus.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.units < 0 {
            f.write_str("-")?;
        }
        let digits = self.units.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return f.write_str(&digits);
        }
        let padded = format!("{digits:0>scale$}");
        let (whole, part) = padded.split_at(padded.len() - scale);
        // Zero with decimals keeps a digit before the point, so that it reads as a number.
        let whole = if whole.is_empty() && self.units == 0 { "0" } else { whole };
        write!(f, "{whole}.{part}")
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        Self::parse(text.as_bytes())
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_decimal_keeps_what_it_came_with() {
        for text in ["0", "450", "-450", "375.5", ".2", "-.05", "1500.00", "0.00"] {
            assert_eq!(d(text).to_string(), text);
        }
        assert_eq!(d("+5").to_string(), "5");
        assert_eq!(d("0.2").to_string(), ".2");
        assert_eq!(d("1."), d("1"));
    }

    #[test]
    fn equal_by_value_and_summed_to_the_cent() {
        assert_eq!(d("450"), d("450.00"));
        assert!(d(".1") < d("0.11") && d("-1") < d("0"));
        assert_eq!(Decimal::sum([d(".1"), d(".2")]), Some(d(".3")));
        assert_eq!(d("320").sub(d("20.01")), Some(d("299.99")));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in
            ["", "-", ".", "1e5", "1,5", "1.2.3", "NaN", "--1", "1234567890123456789012345678901"]
        {
            assert!(Decimal::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
