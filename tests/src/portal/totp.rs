//! Authenticator codes as RFC 6238 has them: HMAC-SHA-1, six digits, thirty seconds.
//! Written here and not taken from the fleet, so that the two check each other.

use aws_lc_rs::hmac;

/// Seconds a code lives.
pub const STEP_S: i64 = 30;

/// The number of the time step a moment (Unix seconds) lies in.
pub fn step_of(unix_s: i64) -> i64 {
    unix_s.div_euclid(STEP_S)
}

/// The code of a time step, six digits; `None` when the seed is not Base32.
pub fn code(seed_base32: &str, step: i64) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(seed_base32)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last()? & 0x0f);
    let four: [u8; 4] = tag.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000))
}

/// What a code is checked against.
#[derive(Clone, Copy, Debug)]
pub struct CheckedAt {
    /// The moment, Unix seconds.
    pub unix_s: i64,
    /// Seconds a code lives: [`STEP_S`] at every payer, shorter only so that a test waits less for the next one.
    pub step_s: i64,
}

/// The step whose code this is, looking at least one step, and half a minute, to either side of the moment.
pub fn matching_step(seed_base32: &str, typed: &str, at: CheckedAt) -> Option<i64> {
    let step_s = at.step_s.max(1);
    let (now, around) = (at.unix_s.div_euclid(step_s), (STEP_S / step_s).max(1));
    (now - around..=now + around).find(|step| code(seed_base32, *step).as_deref() == Some(typed))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bits = 0_u64;
    let mut held = 0;
    let mut bytes = Vec::new();
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238 appendix B, `12345678901234567890`, in Base32; its values cut to six digits.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_agree_with_the_standard() {
        for (unix_s, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code(SEED, step_of(unix_s)).unwrap(), expected);
        }
        assert_eq!(code("not base 32!", 1), None);
    }

    #[test]
    fn one_step_to_either_side_is_taken() {
        let now = 1_234_567_890;
        for (offset, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let typed = code(SEED, step_of(now) + offset).unwrap();
            let at = CheckedAt { unix_s: now, step_s: STEP_S };
            assert_eq!(matching_step(SEED, &typed, at).is_some(), taken, "{offset}");
        }
        let short = CheckedAt { unix_s: now, step_s: 10 };
        for (offset, taken) in [(-4, false), (-3, true), (3, true), (4, false)] {
            let typed = code(SEED, now / 10 + offset).unwrap();
            assert_eq!(matching_step(SEED, &typed, short).is_some(), taken, "{offset} of 10 s");
        }
    }
}
