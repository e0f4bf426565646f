//! Rules that hold in every transaction: hierarchies, identifiers and dates.

use super::{
    chunk::Chunk,
    date::{self, Day},
    fault::{Fault, FaultCode, shape},
    segment::Segment,
};

/// Judges all segments of a set.
pub fn generic(chunk: &Chunk, faults: &mut Vec<Fault>) {
    hierarchy(chunk, faults);
    let mut born: Option<Day> = None;
    for segment in chunk.iter() {
        match segment.raw(0) {
            b"NM1" if segment.raw(8) == b"XX" => provider(&segment, 9, faults),
            b"N1" if segment.raw(3) == b"XX" => provider(&segment, 4, faults),
            b"HL" => born = None,
            b"DMG" => {
                born = dates(&segment, 1, 2, faults).map(|(day, _)| day);
            }
            b"DTP" => {
                let range = dates(&segment, 2, 3, faults);
                if let (Some((from, _)), Some(born), b"472") = (range, born, segment.raw(1))
                    && from < born
                {
                    faults.push(Fault::new(
                        FaultCode::DateOrder,
                        segment.place_of(3),
                        "a service before the patient was born",
                    ));
                }
            }
            _ => {}
        }
    }
}

/// A date or range with its format. None when it is another format, or faulty.
fn dates(
    segment: &Segment<'_>,
    format: usize,
    value: usize,
    faults: &mut Vec<Fault>,
) -> Option<(Day, Day)> {
    let (kind, text) = (segment.text(format), segment.text(value));
    if !matches!(kind.as_ref(), "D8" | "RD8") || text.is_empty() {
        return None;
    }
    let Some((from, to)) = date::range(&kind, &text) else {
        let mut place = segment.place_of(value);
        place.dictionary = 1251;
        let detail = format!("no day or range in the format {kind}: {}", shape(&text));
        faults.push(Fault::new(FaultCode::BadDate, place, detail));
        return None;
    };
    if to < from {
        faults.push(Fault::new(
            FaultCode::DateOrder,
            segment.place_of(value),
            "the range ends before it begins",
        ));
    }
    Some((from, to))
}

fn provider(segment: &Segment<'_>, element: usize, faults: &mut Vec<Fault>) {
    if !is_provider(segment.raw(element)) {
        faults.push(Fault::new(
            FaultCode::ProviderDigit,
            segment.place_of(element),
            "not ten digits with the right check digit",
        ));
    }
}

/// Whether these are ten digits with the check digit of a national provider identifier.
#[must_use]
pub fn is_provider(bytes: &[u8]) -> bool {
    if bytes.len() != 10 || !bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // The prefix 80840 adds 24 to the sum.
    let sum: u32 = bytes
        .iter()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0');
            match i % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    (sum + 24).is_multiple_of(10)
}

/// Which level may stand under which.
const UNDER: &[(&str, &[&str])] = &[
    ("20", &[]),
    ("21", &["20"]),
    ("19", &["21"]),
    ("22", &["21", "19"]),
    ("23", &["22"]),
    ("PT", &["19"]),
    ("EV", &["22", "23"]),
    ("SS", &["EV"]),
];

/// Numbers from 1 without gaps, parents that exist and are of a level above, and marks that say whether children follow.
fn hierarchy(chunk: &Chunk, faults: &mut Vec<Fault>) {
    struct Level<'a> {
        segment: Segment<'a>,
        level: String,
        children: bool,
    }
    let mut levels: Vec<Level<'_>> = Vec::new();
    for segment in chunk.iter().filter(|s| s.is("HL")) {
        let level = segment.text(3).into_owned();
        let number = levels.len() + 1;
        let mut tell = |element: usize, detail: String| {
            let mut place = segment.place_of(element);
            place.dictionary = [628, 734, 735, 736][element - 1];
            faults.push(Fault::new(FaultCode::Hierarchy, place, detail));
        };
        if segment.text(1).parse() != Ok(number) {
            tell(1, format!("level number {number} should stand here"));
        }
        let parent = segment.text(2);
        let above = UNDER.iter().find(|(l, _)| *l == level).map_or(&[][..], |(_, above)| above);
        match parent.parse::<usize>().ok().and_then(|p| p.checked_sub(1)) {
            Some(at) if at < levels.len() => {
                levels[at].children = true;
                if !above.is_empty() && !above.contains(&levels[at].level.as_str()) {
                    tell(2, "the level above is of a kind this one cannot stand under".to_owned());
                }
            }
            Some(_) => tell(2, "no such level before this one".to_owned()),
            None if parent.is_empty() && above.is_empty() => {}
            None => tell(2, "the level above is missing".to_owned()),
        }
        levels.push(Level { segment, level, children: false });
    }
    for level in &levels {
        let stated = level.segment.raw(4);
        let wrong = match stated {
            b"1" => !level.children,
            b"0" => level.children,
            _ => false,
        };
        if wrong {
            let mut place = level.segment.place_of(4);
            place.dictionary = 736;
            let detail = if level.children {
                "levels follow under this one"
            } else {
                "no level follows under this one"
            };
            faults.push(Fault::new(FaultCode::Hierarchy, place, detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_providers() {
        for good in ["1234567893", "1999999984", "1000000012", "1000000020", "1000000046"] {
            assert!(is_provider(good.as_bytes()), "{good}");
        }
        for bad in ["1234567890", "123456789", "12345678931", "123456789A", ""] {
            assert!(!is_provider(bad.as_bytes()), "{bad}");
        }
    }
}
