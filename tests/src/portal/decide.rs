//! How simulated payers decide: rules DE-01 to DE-16, as data; the first match wins.
//! The result is a course per line: what happens how long after receipt. Rules of the business, not of any page.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Where one line of a request stands at the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// No authorisation needed.
    NotRequired,
    /// Another company reviews it.
    Redirected,
    /// Under review.
    Pended,
    /// The payer waits for documents.
    InfoRequested,
    /// Granted as asked.
    Approved,
    /// Granted with less.
    Modified,
    /// Refused.
    Denied,
    /// Refused since asked-for documents never came.
    DeniedIncomplete,
    /// The payer wants a call.
    ContactPayer,
    /// Withdrawn.
    Cancelled,
}

impl LineStatus {
    /// A positive decision.
    pub fn granted(self) -> bool {
        matches!(self, LineStatus::Approved | LineStatus::Modified)
    }

    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, LineStatus::Pended | LineStatus::InfoRequested)
    }
}

/// What is asked, as far as rules look at it.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// Which payer (`crestline`, `harbor`, …).
    pub payer: &'a str,
    /// Imaging for this member is reviewed by another company.
    pub imaging_delegated: bool,
    /// Code and units of each line.
    pub lines: Vec<(&'a str, u32)>,
    /// Every delay is divided by four.
    pub expedited: bool,
    /// The questionnaire says at least six weeks of therapy.
    pub six_weeks_of_therapy: bool,
    /// A document was attached.
    pub note_attached: bool,
}

/// One thing that happens to a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Simulated seconds after receipt.
    pub after_s: i64,
    /// What the line becomes.
    pub status: LineStatus,
    /// Units granted, where they differ from those asked.
    pub units: Option<u32>,
    /// Days the authorisation is good for.
    pub valid_days: Option<i64>,
    /// Our own reason code.
    pub reason: Option<String>,
    /// The reason in words.
    pub text: Option<String>,
    /// Documents the payer asks for.
    #[serde(default)]
    pub documents: Vec<String>,
}

/// The course of one line and the rule it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// `DE-05`.
    pub rule: &'static str,
    /// What happens, in order of time; the first is at receipt.
    pub changes: Vec<Change>,
}

/// What the payer gives a request that was asked for documents: the documents, and the time after they came.
pub const INFO_DOCUMENTS: [&str; 2] = ["Office note", "Imaging report"];

/// How long after the asked-for documents came the decision is made.
pub const AFTER_INFO: SignedDuration = SignedDuration::from_hours(20);

/// A payer closes a request whose documents never came after so long (ten working days).
const INFO_LIMIT_H: i64 = 14 * 24;

fn change(after_h: i64, status: LineStatus) -> Change {
    Change {
        after_s: after_h * 3600,
        status,
        units: None,
        valid_days: None,
        reason: None,
        text: None,
        documents: Vec::new(),
    }
}

fn approved(after_h: i64, valid_days: i64) -> Change {
    Change { valid_days: Some(valid_days), ..change(after_h, LineStatus::Approved) }
}

fn denied(after_h: i64, reason: &str, text: &str) -> Change {
    Change {
        reason: Some(reason.to_owned()),
        text: Some(text.to_owned()),
        ..change(after_h, LineStatus::Denied)
    }
}

fn pended_then(then: Vec<Change>) -> Vec<Change> {
    let mut changes = vec![change(0, LineStatus::Pended)];
    changes.extend(then);
    changes
}

/// The course of each line, in the order asked.
pub fn decide(asked: &Asked<'_>) -> Vec<Course> {
    let mut courses: Vec<Course> =
        asked.lines.iter().map(|(code, units)| line(asked, code, *units)).collect();
    // DE-15 comes on top of whatever matched.
    if asked.expedited {
        for change in courses.iter_mut().flat_map(|course| &mut course.changes) {
            change.after_s /= 4;
        }
    }
    courses
}

fn line(asked: &Asked<'_>, code: &str, units: u32) -> Course {
    let has = |wanted: &str| asked.lines.iter().any(|(code, _)| *code == wanted);
    let both = has("G0299") && has("97110");
    let (rule, changes) = match code {
        "99213" => ("DE-01", vec![change(0, LineStatus::NotRequired)]),
        "72148" if asked.imaging_delegated => ("DE-02", vec![change(0, LineStatus::Redirected)]),
        "72148" if asked.six_weeks_of_therapy && asked.note_attached => {
            ("DE-03", vec![approved(0, 90)])
        }
        "72148" => ("DE-04", pended_then(vec![approved(26, 90)])),
        "70551" => ("DE-05", pended_then(vec![approved(26, 90)])),
        "27447" => ("DE-06", pended_then(documents_wanted())),
        // The pair stands before the rules of its single codes: as one request it is decided together.
        "97110" if both => (
            "DE-10",
            pended_then(vec![denied(8, "N10", "Therapy is not covered with home nursing.")]),
        ),
        "G0299" if both => ("DE-10", pended_then(vec![approved(8, 60)])),
        "97110" if units > 12 => {
            let twelve = Change {
                units: Some(12),
                reason: Some("U12".to_owned()),
                text: Some("Twelve units are granted; ask again with progress notes.".to_owned()),
                valid_days: Some(60),
                ..change(6, LineStatus::Modified)
            };
            ("DE-07", pended_then(vec![twelve]))
        }
        "97110" => ("DE-08", pended_then(vec![approved(2, 60)])),
        "E0601" => ("DE-09", vec![approved(0, 90)]),
        "K0005" => {
            ("DE-11", pended_then(vec![denied(30, "M01", "Not medically necessary as described.")]))
        }
        "A9282" => ("DE-12", vec![denied(0, "C01", "Not a covered benefit.")]),
        "95810" => ("DE-13", vec![change(0, LineStatus::ContactPayer)]),
        "J1745" if asked.payer == "rxbright" => {
            // Without answered question rounds the drug is refused; the rounds are the payer's own pages.
            ("DE-14", pended_then(vec![denied(24, "S01", "Step therapy was not shown.")]))
        }
        _ => ("DE-16", pended_then(vec![approved(48, 90)])),
    };
    Course { rule, changes }
}

fn documents_wanted() -> Vec<Change> {
    let asks = Change {
        documents: INFO_DOCUMENTS.iter().map(|name| (*name).to_owned()).collect(),
        text: Some("Additional information requested.".to_owned()),
        ..change(4, LineStatus::InfoRequested)
    };
    let closes = Change {
        reason: Some("I01".to_owned()),
        text: Some("Requested information was not received.".to_owned()),
        ..change(4 + INFO_LIMIT_H, LineStatus::DeniedIncomplete)
    };
    vec![asks, closes]
}

#[cfg(test)]
mod tests {
    use super::*;
    use LineStatus::{
        Approved, ContactPayer, Denied, InfoRequested, Modified, NotRequired, Pended, Redirected,
    };

    fn one(code: &str, units: u32) -> Asked<'_> {
        Asked { payer: "crestline", lines: vec![(code, units)], ..Asked::default() }
    }

    /// The second-to-last or only fact: rule, first status, last named status, hours until it.
    fn check(asked: &Asked<'_>, rule: &str, first: LineStatus, then: Option<(i64, LineStatus)>) {
        let courses = decide(asked);
        let course = &courses[0];
        assert_eq!(course.rule, rule);
        assert_eq!((course.changes[0].after_s, course.changes[0].status), (0, first), "{rule}");
        let next = course.changes.get(1).map(|change| (change.after_s, change.status));
        assert_eq!(next, then.map(|(hours, status)| (hours * 3600, status)), "{rule}");
    }

    #[test]
    fn every_rule() {
        check(&one("99213", 1), "DE-01", NotRequired, None);
        let delegated = Asked { imaging_delegated: true, ..one("72148", 1) };
        check(&delegated, "DE-02", Redirected, None);
        let shown = Asked { six_weeks_of_therapy: true, note_attached: true, ..one("72148", 1) };
        check(&shown, "DE-03", Approved, None);
        check(&one("72148", 1), "DE-04", Pended, Some((26, Approved)));
        check(&one("70551", 1), "DE-05", Pended, Some((26, Approved)));
        check(&one("27447", 1), "DE-06", Pended, Some((4, InfoRequested)));
        check(&one("97110", 13), "DE-07", Pended, Some((6, Modified)));
        assert_eq!(decide(&one("97110", 13))[0].changes[1].units, Some(12));
        check(&one("97110", 12), "DE-08", Pended, Some((2, Approved)));
        check(&one("E0601", 1), "DE-09", Approved, None);
        check(&one("K0005", 1), "DE-11", Pended, Some((30, Denied)));
        check(&one("A9282", 1), "DE-12", Denied, None);
        check(&one("95810", 1), "DE-13", ContactPayer, None);
        let drug = Asked { payer: "rxbright", ..one("J1745", 1) };
        check(&drug, "DE-14", Pended, Some((24, Denied)));
        check(&one("J1745", 1), "DE-16", Pended, Some((48, Approved)));
        check(&one("97112", 1), "DE-16", Pended, Some((48, Approved)));
    }

    #[test]
    fn the_pair_of_codes_is_decided_together_and_other_lines_alone() {
        let asked = Asked {
            payer: "crestline",
            lines: vec![("97110", 20), ("G0299", 1), ("E0601", 1)],
            ..Asked::default()
        };
        let courses = decide(&asked);
        assert_eq!(
            [courses[0].rule, courses[1].rule, courses[2].rule],
            ["DE-10", "DE-10", "DE-09"]
        );
        assert_eq!(courses[0].changes[1].status, Denied);
        assert_eq!(courses[1].changes[1].status, Approved);
    }

    #[test]
    fn expedited_is_four_times_as_fast() {
        let asked = Asked { expedited: true, ..one("97110", 4) };
        assert_eq!(decide(&asked)[0].changes[1].after_s, 1800);
    }
}
