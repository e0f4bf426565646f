//! What Harbor checks: the `PA-nnnn` codes with their words, and which of them a draft runs into.

use jiff::civil::Date;

use super::{draft::Draft, taxonomy};
use crate::portal::{
    html,
    world::{Member, Provider, world},
};

/// A finding, shown at the top of a page as `PA-nnnn WORDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    MemberNotFound,
    NotEligible,
    NotEnrolled,
    DateFormat,
    DateBeforeToday,
    CodeNotOnFile,
    UnitsRequired,
    ExactDuplicate,
    DuplicateLine,
    CertificationRequired,
    NotPdf,
    TooLarge,
    Empty,
    Unavailable,
}

impl Edit {
    /// Four digits.
    pub(super) fn code(self) -> &'static str {
        match self {
            Edit::MemberNotFound => "0101",
            Edit::NotEligible => "0102",
            Edit::NotEnrolled => "0130",
            Edit::DateFormat => "0204",
            Edit::DateBeforeToday => "0207",
            Edit::CodeNotOnFile => "0310",
            Edit::UnitsRequired => "0311",
            Edit::ExactDuplicate => "0412",
            Edit::DuplicateLine => "0415",
            Edit::CertificationRequired => "0501",
            Edit::NotPdf => "0601",
            Edit::TooLarge => "0602",
            Edit::Empty => "0603",
            Edit::Unavailable => "0900",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Edit::MemberNotFound => "MEMBER NOT FOUND",
            Edit::NotEligible => "MEMBER NOT ELIGIBLE ON DATE OF SERVICE",
            Edit::NotEnrolled => "PROVIDER NOT ENROLLED",
            Edit::DateFormat => "INVALID DATE FORMAT, USE MM/DD/CCYY",
            Edit::DateBeforeToday => "DATE BEFORE TODAY",
            Edit::CodeNotOnFile => "CODE NOT ON FILE",
            Edit::UnitsRequired => "UNITS REQUIRED",
            Edit::ExactDuplicate => "EXACT DUPLICATE OF REQUEST ON FILE",
            Edit::DuplicateLine => "POSSIBLE DUPLICATE LINE",
            Edit::CertificationRequired => "CERTIFICATION REQUIRED",
            Edit::NotPdf => "FILE MUST BE PDF",
            Edit::TooLarge => "FILE TOO LARGE",
            Edit::Empty => "FILE EMPTY",
            Edit::Unavailable => "SYSTEM UNAVAILABLE",
        }
    }

    /// `PA-0101 MEMBER NOT FOUND`.
    pub(super) fn line(self) -> String {
        format!("PA-{} {}", self.code(), self.words())
    }
}

/// The largest document, bytes.
pub(super) const DOCUMENT_MAX: usize = 10 * 1024 * 1024;

/// Judges a document by its bytes.
pub(super) fn document(bytes: &[u8]) -> Option<Edit> {
    match bytes {
        [] => Some(Edit::Empty),
        long if long.len() > DOCUMENT_MAX => Some(Edit::TooLarge),
        other if !other.starts_with(b"%PDF-") => Some(Edit::NotPdf),
        _ => None,
    }
}

/// A date as this portal wants it: `03/09/2026`, nothing else.
pub(super) fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    html::read_date(text).filter(|_| text.len() == 10 && text.contains('/'))
}

/// The enrolled provider with this number.
pub(super) fn enrolled(npi: &str) -> Option<&'static Provider> {
    world().provider(npi.trim()).filter(|provider| provider.enrolled)
}

/// Judges the provider page.
pub(super) fn providers(draft: &Draft) -> Option<Edit> {
    let known = [
        (&draft.requesting_npi, &draft.requesting_taxonomy),
        (&draft.rendering_npi, &draft.rendering_taxonomy),
    ]
    .into_iter()
    .all(|(npi, code)| enrolled(npi).is_some() && taxonomy::known(code));
    (!known).then_some(Edit::NotEnrolled)
}

/// The member of the draft.
pub(super) fn member(draft: &Draft) -> Option<&'static Member> {
    world().member_by_id(super::PROFILE.slug, &draft.member_id)
}

/// Is the member covered on every day of service? No member yet: nothing to object to.
pub(super) fn eligible(draft: &Draft, start: Date) -> bool {
    member(draft).is_none_or(|member| {
        draft
            .lines
            .iter()
            .all(|line| member.covered(line.from, start) && member.covered(line.to, start))
    })
}

/// Judges the diagnosis codes.
pub(super) fn diagnoses(codes: &[String]) -> Option<Edit> {
    let known = !codes.is_empty()
        && codes.len() <= 12
        && codes.iter().all(|code| world().diagnosis(code).is_some());
    (!known).then_some(Edit::CodeNotOnFile)
}

/// Everything again at the submit: a draft can come here with pages skipped or fields left empty.
pub(super) fn whole(draft: &Draft, start: Date) -> Vec<Edit> {
    let mut edits = Vec::new();
    if member(draft).is_none() {
        edits.push(Edit::MemberNotFound);
    }
    edits.extend(providers(draft));
    if draft.lines.is_empty() || diagnoses(&draft.diagnoses).is_some() {
        edits.push(Edit::CodeNotOnFile);
    }
    if !eligible(draft, start) {
        edits.push(Edit::NotEligible);
    }
    if draft.certified_by.is_empty() || draft.certified_on.is_empty() {
        edits.push(Edit::CertificationRequired);
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_judged_by_their_bytes() {
        assert_eq!(document(b"%PDF-1.7 whatever"), None);
        assert_eq!(document(b""), Some(Edit::Empty));
        assert_eq!(document(b"PK\x03\x04"), Some(Edit::NotPdf));
        let mut large = b"%PDF-".to_vec();
        large.resize(DOCUMENT_MAX + 1, b' ');
        assert_eq!(document(&large), Some(Edit::TooLarge));
        large.pop();
        assert_eq!(document(&large), None);
    }

    #[test]
    fn only_one_way_of_writing_dates_is_taken() {
        assert_eq!(date("03/09/2026"), Some(Date::constant(2026, 3, 9)));
        for text in ["3/9/2026", "2026-03-09", "03/09/26", "13/01/2026", ""] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn an_empty_draft_runs_into_everything() {
        let edits = whole(&Draft::default(), Date::constant(2026, 3, 2));
        let codes: Vec<&str> = edits.iter().map(|edit| edit.code()).collect();
        assert_eq!(codes, ["0101", "0130", "0310", "0501"]);
    }
}
