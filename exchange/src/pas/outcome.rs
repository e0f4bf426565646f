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

impl OperationOutcome {
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
