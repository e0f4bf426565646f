//! What can be judged of a request without the payer: lengths, shapes and check digits.

use super::{Invalid, Line, Member, Precheck, PriorAuth, Provider};

#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Invalid>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, reason: &str) {
        self.0.push(Invalid { field: field.into(), reason: reason.into() });
    }

    pub(super) fn member(&mut self, m: &Member) {
        for (field, text) in [
            ("member.id", &m.id),
            ("member.last_name", &m.last_name),
            ("member.first_name", &m.first_name),
        ] {
            self.text(field, text, 60);
        }
        if m.dob.year() < 1880 {
            self.add("member.dob", "is before 1880; check the year");
        }
    }

    fn text(&mut self, field: &str, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.add(field, "is empty");
        } else if text.chars().count() > max {
            self.add(field, "is too long");
        } else if text.chars().any(char::is_control) {
            self.add(field, "contains a control character");
        }
    }

    pub(super) fn number(&mut self, field: &str, text: &str) {
        self.text(field, text, 40);
    }

    pub(super) fn prior_auth(&mut self, r: &PriorAuth) {
        self.provider("requesting.npi", &r.requesting);
        self.provider("servicing.npi", &r.servicing);
        self.diagnoses(&r.diagnoses);
        self.lines(&r.lines);
        if r.documents.len() > 10 {
            self.add("documents", "at most 10 files can be attached");
        }
        if let Some(number) = &r.renews {
            self.number("renews", number);
        }
    }

    pub(super) fn precheck(&mut self, r: &Precheck) {
        self.provider("requesting.npi", &r.requesting);
        if let Some(servicing) = &r.servicing {
            self.provider("servicing.npi", servicing);
        }
        self.diagnoses(&r.diagnoses);
        self.lines(&r.lines);
    }

    fn provider(&mut self, field: &str, provider: &Provider) {
        if !npi_is_valid(&provider.npi) {
            self.add(
                field,
                "is not a National Provider Identifier: ten digits with a valid check digit",
            );
        }
    }

    fn diagnoses(&mut self, codes: &[String]) {
        if codes.is_empty() || codes.len() > 12 {
            self.add("diagnoses", "needs 1 to 12 ICD-10-CM codes");
        }
        for (i, code) in codes.iter().enumerate() {
            if !diagnosis_is_valid(code) {
                self.add(
                    format!("diagnoses[{i}]"),
                    "is not shaped like an ICD-10-CM code, such as M54.50",
                );
            }
        }
    }

    fn lines(&mut self, lines: &[Line]) {
        if lines.is_empty() || lines.len() > 10 {
            self.add("lines", "needs 1 to 10 service lines");
        }
        for (i, line) in lines.iter().enumerate() {
            self.code(&format!("lines[{i}].code"), &line.code);
            if line.units == 0 || line.units > 9_999 {
                self.add(format!("lines[{i}].units"), "must be 1 to 9999");
            }
            if line.to < line.from {
                self.add(format!("lines[{i}].to"), "is before `from`");
            }
        }
    }

    pub(super) fn code(&mut self, field: &str, code: &str) {
        let code = code.as_bytes();
        if code.len() != 5 || !code.iter().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()) {
            self.add(field, "is not a five-character CPT or HCPCS code");
        }
    }
}

/// The check digit of a National Provider Identifier: Luhn over `80840` and the ten digits (CMS NPI standard).
#[must_use]
pub fn npi_is_valid(npi: &str) -> bool {
    if npi.len() != 10 || !npi.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = format!("80840{npi}")
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = u32::from(b - b'0') * if i % 2 == 1 { 2 } else { 1 };
            d / 10 + d % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

fn diagnosis_is_valid(code: &str) -> bool {
    let b = code.as_bytes();
    let (head, tail) = if b.len() > 3 { b.split_at(3) } else { (b, &[][..]) };
    head.len() == 3
        && head[0].is_ascii_uppercase()
        && head[1].is_ascii_digit()
        && head[2].is_ascii_alphanumeric()
        && match tail {
            [] => true,
            [b'.', rest @ ..] => {
                (1..=4).contains(&rest.len()) && rest.iter().all(u8::is_ascii_alphanumeric)
            }
            _ => false,
        }
}
