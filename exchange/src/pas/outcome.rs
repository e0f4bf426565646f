//! OperationOutcome: what was wrong, as FHIR says it.

use super::{
    base::Concept,
    element::{element, resource},
    fault::{Fault, Severity},
};

resource! {
    /// What went wrong, one issue each.
    OperationOutcome {
        /// The issues.
        "issue" => issue: Vec<Issue>,
    }
}

element! {
    /// One issue.
    Issue {
        /// `fatal`, `error`, `warning`, `information`.
        "severity" => severity: String,
        /// One of FHIR's issue types.
        "code" => code: String,
        /// As a code of ours.
        "details" => details: Option<Concept>,
        /// In words.
        "diagnostics" => diagnostics: Option<String>,
        /// Where.
        "expression" => expression: Vec<String>,
    }
}

impl Issue {
    /// An error of an issue type, in words.
    #[must_use]
    pub fn error(code: &str, diagnostics: &str) -> Self {
        Self {
            severity: "error".to_owned(),
            code: code.to_owned(),
            diagnostics: Some(diagnostics.to_owned()),
            ..Self::default()
        }
    }

    /// With its place.
    #[must_use]
    pub fn at(mut self, expression: &str) -> Self {
        self.expression.push(expression.to_owned());
        self
    }
}

impl From<&Fault> for Issue {
    fn from(fault: &Fault) -> Self {
        let severity = match fault.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        Self {
            severity: severity.to_owned(),
            ..Self::error(fault.code.issue_type(), fault.detail).at(&fault.path)
        }
    }
}

/// Issue types that say what is wrong with a message itself. Not among them: what tells of a state at the payer (`duplicate`,
/// `conflict`, `business-rule`), and what may have happened half-way (`exception`, `timeout`, `processing`).
const OF_THE_CONTENT: [&str; 9] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "not-supported",
    "code-invalid",
    "extension",
    "too-long",
];

impl OperationOutcome {
    /// Whether it refuses a message for what stands in it, and for nothing else: then the message was not worked.
    #[must_use]
    pub fn refuses_content(&self) -> bool {
        let mut errors = self
            .issue
            .iter()
            .filter(|issue| matches!(issue.severity.as_str(), "error" | "fatal"))
            .peekable();
        errors.peek().is_some() && errors.all(|i| OF_THE_CONTENT.contains(&i.code.as_str()))
    }

    /// One issue each.
    #[must_use]
    pub fn of(issues: impl IntoIterator<Item = Issue>) -> Self {
        Self { issue: issues.into_iter().collect(), ..Self::default() }
    }

    /// One issue per fault.
    #[must_use]
    pub fn of_faults(faults: &[Fault]) -> Self {
        Self::of(faults.iter().map(Issue::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_content_alone_says_that_nothing_was_worked() {
        let warning = Issue { severity: "warning".to_owned(), ..Issue::error("conflict", "") };
        let error = |code: &str| Issue::error(code, "");
        for (issues, refuses) in [
            (vec![error("required"), error("code-invalid")], true),
            (vec![warning.clone(), error("value")], true),
            (vec![warning], false),
            (vec![error("required"), error("duplicate")], false),
            (vec![error("exception")], false),
            (vec![error("processing")], false),
            (Vec::new(), false),
        ] {
            assert_eq!(
                OperationOutcome::of(issues.clone()).refuses_content(),
                refuses,
                "{issues:?}"
            );
        }
    }
}
