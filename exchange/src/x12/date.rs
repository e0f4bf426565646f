//! Days and times as the standard writes them: real days of a real calendar.

use std::fmt;

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Day {
    /// From CCYYMMDD; none when that is no day.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 8 {
            return None;
        }
        let year = u16::try_from(digits(&bytes[..4])?).ok()?;
        Self::of(year, digits(&bytes[4..6])?, digits(&bytes[6..])?)
    }

    fn of(year: u16, month: u32, day: u32) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (year >= 1800 && (1..=last).contains(&day)).then_some(Self {
            year,
            month: month as u8,
            day: day as u8,
        })
    }
}

/// As CCYYMMDD.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// One day, or two with a hyphen between: the formats D8 and RD8. None when a day is none, or the format another.
#[must_use]
pub fn range(format: &str, value: &str) -> Option<(Day, Day)> {
    match format {
        "D8" => Day::parse(value.as_bytes()).map(|day| (day, day)),
        "RD8" => {
            let (from, to) = value.split_once('-')?;
            Some((Day::parse(from.as_bytes())?, Day::parse(to.as_bytes())?))
        }
        _ => None,
    }
}

/// Whether it is a day CCYYMMDD.
#[must_use]
pub fn is_day(bytes: &[u8]) -> bool {
    Day::parse(bytes).is_some()
}

/// Whether it is a day YYMMDD of this century.
#[must_use]
pub fn is_short_day(bytes: &[u8]) -> bool {
    bytes.len() == 6
        && digits(&bytes[..2]).is_some_and(|year| {
            let rest = (digits(&bytes[2..4]), digits(&bytes[4..]));
            matches!(rest, (Some(m), Some(d)) if Day::of(2000 + year as u16, m, d).is_some())
        })
}

/// Whether it is a time HHMM, HHMMSS, or HHMMSS with one or two decimals.
#[must_use]
pub fn is_time(bytes: &[u8]) -> bool {
    let Some(_) = digits(bytes) else { return false };
    let part = |from: usize| digits(bytes.get(from..from + 2).unwrap_or(&[])).unwrap_or(99);
    matches!(bytes.len(), 4 | 6..=8)
        && part(0) < 24
        && part(2) < 60
        && (bytes.len() == 4 || part(4) < 60)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    bytes
        .iter()
        .try_fold(0_u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_real_days() {
        assert!(
            is_day(b"20280229")
                && !is_day(b"20270229")
                && !is_day(b"2026111")
                && !is_day(b"20261301")
        );
        assert!(is_short_day(b"261121") && !is_short_day(b"261131"));
        assert!(is_time(b"0930") && is_time(b"09305912") && !is_time(b"2400") && !is_time(b"093"));
        let (from, to) = range("RD8", "20261201-20270228").unwrap();
        assert!(from < to && to.to_string() == "20270228");
        assert!(range("RD8", "20261201").is_none() && range("TM", "0930").is_none());
    }
}
