//! Exact decimal numbers: amounts are never binary fractions.

use std::cmp::Ordering;
use std::fmt;

/// `units` divided by ten to the power of `places`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    /// Reads `-12.50`; at most 18 digits on each side of the point.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let (whole, part) = body.split_once('.').unwrap_or((body, ""));
        let digits = |part: &str| part.len() <= 18 && part.chars().all(|c| c.is_ascii_digit());
        let missing = whole.is_empty() || (body.contains('.') && part.is_empty());
        if missing || !digits(whole) || !digits(part) {
            return None;
        }
        let units: i128 = format!("{whole}{part}").parse().ok()?;
        let places = u32::try_from(part.len()).ok()?;
        Some(Self { units: if negative { -units } else { units }, places })
    }

    /// The whole number as a decimal.
    pub fn whole(number: i64) -> Self {
        Self { units: i128::from(number), places: 0 }
    }

    /// Rounded half away from zero to that many places.
    pub fn rounded(self, places: u32) -> Self {
        let places = places.min(18);
        if places >= self.places {
            return Self { units: self.units * 10_i128.pow(places - self.places), places };
        }
        let step = 10_i128.pow(self.places - places);
        let half = if self.units < 0 { -step / 2 } else { step / 2 };
        Self { units: (self.units + half) / step, places }
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
        let places = self.places.max(other.places);
        // 18 whole digits and at most 18 places fit into 128 bits
        let at = |number: &Self| number.units * 10_i128.pow(places - number.places);
        at(self).cmp(&at(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = format!("{:0>1$}", self.units.unsigned_abs(), self.places as usize + 1);
        let (whole, part) = digits.split_at(digits.len() - self.places as usize);
        if part.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}
