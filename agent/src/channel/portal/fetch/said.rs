//! What a fetched answer said, beside what the page shows or the last check said. Whoever differs is named, never by value.

use std::collections::BTreeSet;

use domain::{
    drift::{Drift, DriftKind},
    outcome::{Answer, Fact, Outcome, Reference, ReferenceKind},
    script::ast::{CaptureSpec, ReadAs, Take},
};

use super::Reading;
use crate::channel::portal::Portal;

/// What a fetched answer said, kept for the comparison with the rendered page.
pub(crate) struct Fetched {
    pub(super) outcome: Option<Outcome>,
    pub(super) facts: Vec<Fact>,
    pub(super) references: Vec<Reference>,
    /// What it would have said as well, had it been there.
    pub(super) declared: Declared,
    /// The step, and where its `fetch` is written.
    pub(super) step: String,
    pub(super) source: String,
}

/// Names of facts and kinds of references a `fetch` reads, there or not.
#[derive(Default)]
pub(super) struct Declared {
    facts: Vec<String>,
    kinds: Vec<ReferenceKind>,
}

impl Declared {
    pub(super) fn captures(&mut self, specs: &[CaptureSpec]) {
        for spec in specs {
            self.one(spec.name.as_str(), &spec.read_as, spec.kind);
        }
    }

    pub(super) fn takes(&mut self, takes: &[Take]) {
        for take in takes {
            self.one(take.name.as_str(), &take.read_as, take.kind);
        }
    }

    fn one(&mut self, name: &str, read_as: &ReadAs, kind: Option<ReferenceKind>) {
        if *read_as == ReadAs::Reference {
            self.kinds.push(kind.unwrap_or(ReferenceKind::Tracking));
        } else {
            self.facts.push(name.to_owned());
        }
    }

    /// Whether a fact is one of these; those of further lines have the line's number behind their name.
    fn has(&self, fact: &str) -> bool {
        let of_line = |rest: &str| {
            rest.is_empty()
                || rest.strip_prefix('_').is_some_and(|line| {
                    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
                })
        };
        self.facts.iter().any(|name| fact.strip_prefix(name.as_str()).is_some_and(of_line))
    }
}

impl Fetched {
    /// Whether another answer to the same question says the same in everything that is fetched.
    pub(super) fn says(&self, other: &Outcome) -> bool {
        self.differs(other).is_empty()
    }

    /// Names of what differs; never values. What only the other one says counts where it could have been fetched.
    fn differs(&self, other: &Outcome) -> Vec<String> {
        let mut names = BTreeSet::new();
        if self.outcome.as_ref().is_some_and(|outcome| outcome.answer != other.answer) {
            names.insert("answer".to_owned());
        }
        for fact in &self.facts {
            let same = |known: &&Fact| known.name == fact.name;
            if other.facts.iter().find(same).is_none_or(|known| known.value != fact.value) {
                names.insert(fact.name.clone());
            }
        }
        for fact in other.facts.iter().filter(|fact| self.declared.has(&fact.name)) {
            if !self.facts.iter().any(|known| known.name == fact.name) {
                names.insert(fact.name.clone());
            }
        }
        let holds = |all: &[Reference], wanted: &Reference| {
            all.iter().any(|one| one.kind == wanted.kind && one.value == wanted.value)
        };
        let told = other.references.iter().filter(|one| self.declared.kinds.contains(&one.kind));
        if self.references.iter().any(|one| !holds(&other.references, one))
            || told.into_iter().any(|one| !holds(&self.references, one))
        {
            names.insert("reference".to_owned());
        }
        names.into_iter().collect()
    }
}

impl Portal<'_> {
    /// After the rendered way: whether it said the same. A disagreement is told as drift, and ends fetching for this script.
    pub(crate) fn compare_readings(&mut self) {
        let Some(fetched) = self.fetched.take() else { return };
        let shown = Outcome {
            answer: self.outcome.as_ref().map_or(Answer::Received, |outcome| outcome.answer),
            raw_words: String::new(),
            references: self.references.clone(),
            facts: self.facts.clone(),
            via: String::new(),
        };
        let differs = fetched.differs(&shown);
        if differs.is_empty() {
            self.reading = Reading::Agreed;
            return;
        }
        self.reading = Reading::Disagreed;
        let value = format!("differed in {}", differs.join(", "));
        self.facts.push(Fact { name: "fetched_answer".to_owned(), value: value.clone() });
        let drift = Drift::new(DriftKind::FetchedDiffers, fetched.step, fetched.source);
        self.drift.push(drift.with_detail(value));
        tracing::warn!(
            script = %self.bundle.script.id,
            "a fetched answer differs from the shown page; the coordinator ends fetching for this script"
        );
    }
}

#[cfg(test)]
mod tests {
    use domain::{id::EvidenceId, time::Timestamp};

    use super::*;

    fn said(answer: Answer, facts: &[(&str, &str)], numbers: &[(ReferenceKind, &str)]) -> Outcome {
        let reference = |(kind, value): &(ReferenceKind, &str)| Reference {
            kind: *kind,
            issuer: "field".to_owned(),
            value: (*value).to_owned(),
            read_by: "dom".to_owned(),
            confidence: None,
            at: Timestamp::from_ms(0),
            evidence: None::<EvidenceId>,
            bounds: None,
        };
        let fact = |(name, value): &(&str, &str)| Fact {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Outcome {
            answer,
            raw_words: String::new(),
            references: numbers.iter().map(reference).collect(),
            facts: facts.iter().map(fact).collect(),
            via: "agent".to_owned(),
        }
    }

    fn fetched(outcome: &Outcome) -> Fetched {
        Fetched {
            facts: outcome.facts.clone(),
            references: outcome.references.clone(),
            outcome: Some(outcome.clone()),
            declared: Declared {
                facts: vec!["code".to_owned(), "wanted".to_owned()],
                kinds: vec![ReferenceKind::Tracking, ReferenceKind::Authorization],
            },
            step: "fetch-it".to_owned(),
            source: "field/status.yaml:9:7".to_owned(),
        }
    }

    #[test]
    fn what_could_have_been_fetched_counts_and_what_only_a_page_shows_does_not() {
        let tracking = (ReferenceKind::Tracking, "T1");
        let fetched = fetched(&said(Answer::Approved, &[("code", "64490")], &[tracking]));
        let shown = |facts: &[(&str, &str)], numbers: &[(ReferenceKind, &str)]| {
            fetched.differs(&said(Answer::Approved, facts, numbers))
        };
        let code = ("code", "64490");
        let letter = (ReferenceKind::Letter, "N9");
        assert!(shown(&[code, ("picture", "x")], &[tracking, letter]).is_empty());
        assert_eq!(shown(&[code, ("wanted", "notes")], &[tracking]), ["wanted"]);
        assert_eq!(shown(&[code, ("code_2", "64491")], &[tracking]), ["code_2"]);
        assert!(shown(&[code, ("code_word", "x")], &[tracking]).is_empty(), "another name");
        let granted = (ReferenceKind::Authorization, "A7");
        assert_eq!(shown(&[code], &[tracking, granted]), ["reference"]);
        assert_eq!(shown(&[], &[(ReferenceKind::Tracking, "T2")]), ["code", "reference"]);
        let other = said(Answer::Denied, &[code], &[tracking]);
        assert_eq!(fetched.differs(&other), ["answer"]);
    }
}
