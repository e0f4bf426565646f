//! Further information: what a payer wants (CommunicationRequest), and the task a requester makes of it (PAS Task).

use serde_json::Value;

use super::{
    base::{Concept, Extension, Identifier, Reference},
    element::{element, resource},
    fault::{Code, Fault, Path},
    name::{extension, profile, system},
};

resource! {
    /// What a payer wants to know. Its identifier is the control number of the attachment.
    CommunicationRequest {
        /// The control number.
        "identifier" => identifier: Vec<Identifier>,
        /// `active`.
        "status" => status: String,
        /// Kind of report (list 755).
        "category" => category: Vec<Concept>,
        /// By what way.
        "medium" => medium: Vec<Concept>,
        /// What, each with its item.
        "payload" => payload: Vec<Payload>,
        /// The payer.
        "requester" => requester: Option<Reference>,
        /// Who is to send it.
        "sender" => sender: Option<Reference>,
    }
}

element! {
    /// One thing wanted.
    Payload {
        /// The item, and the kind of document as LOINC.
        "extension" => extension: Vec<Extension>,
        /// In words, or as a code.
        "contentString" => content: Option<String>,
    }
}

resource! {
    /// The task to send information of one kind.
    Task {
        /// The payer's number.
        "identifier" => identifier: Vec<Identifier>,
        /// `requested`, `completed` and the like.
        "status" => status: String,
        /// `order`.
        "intent" => intent: String,
        /// By code or by questionnaire.
        "code" => code: Option<Concept>,
        /// The patient.
        "for" => subject: Option<Reference>,
        /// Who wants it.
        "requester" => requester: Option<Reference>,
        /// Who is to send it.
        "owner" => owner: Option<Reference>,
        /// Prior authorization.
        "reasonCode" => reason_code: Option<Concept>,
        /// The Claim.
        "reasonReference" => reason_reference: Option<Reference>,
        /// Until when.
        "restriction" => restriction: Option<Value>,
        /// Where to and what.
        "input" => input: Vec<Input>,
    }
}

element! {
    /// Where to, or one thing wanted.
    Input {
        /// The line.
        "extension" => extension: Vec<Extension>,
        /// `payer-url`, `attachments-needed`, `questionnaire-context`.
        "type" => kind: Concept,
    }
}

/// The LOINC code that stands for "fill in the payer's questionnaire".
pub const QUESTIONNAIRE_LOINC: &str = "102089-0";

/// How a thing wanted is named. One task holds things of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A document of a LOINC code.
    Loinc(String),
    /// A report of list 755.
    Report(String),
    /// A questionnaire; its context is the trace number.
    Questionnaire(String),
    /// In words only, or by a code of another list.
    Words(String),
}

/// One thing wanted, with the item it is about (none: the whole request).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub thing: Thing,
    /// The item of the request.
    pub line: Option<u32>,
    /// The payer's control number.
    pub control_number: Option<String>,
}

impl CommunicationRequest {
    /// What it asks for.
    ///
    /// # Errors
    /// An extension of another shape, with its place.
    pub fn wanted(&self, at: &Path<'_>) -> Result<Vec<Wanted>, Fault> {
        let control = self.identifier.iter().find_map(|i| i.value.clone());
        let reports = self.category.iter().filter_map(|c| c.code_of(system::REPORT_755));
        let mut out: Vec<Wanted> = reports
            .map(|code| Wanted {
                thing: Thing::Report(code.to_owned()),
                line: None,
                control_number: control.clone(),
            })
            .collect();
        let all = at.field("payload");
        for (i, payload) in self.payload.iter().enumerate() {
            let at = all.index(i);
            let line = line_of(&payload.extension, extension::SERVICE_LINE_NUMBER, &at)?;
            let modifiers =
                payload.extension.iter().filter(|e| e.url == extension::CONTENT_MODIFIER);
            let mut things = Vec::new();
            for modifier in modifiers {
                let code: Option<Concept> = modifier.value("valueCodeableConcept", &at)?;
                things.extend(code.and_then(|c| c.any_code().map(str::to_owned)));
            }
            if things.is_empty() {
                things.extend(payload.content.clone());
            }
            for thing in things {
                let thing = match thing.as_str() {
                    QUESTIONNAIRE_LOINC => {
                        Thing::Questionnaire(control.clone().unwrap_or_default())
                    }
                    code if is_loinc(code) => Thing::Loinc(thing),
                    _ => Thing::Words(thing),
                };
                out.push(Wanted { thing, line, control_number: control.clone() });
            }
        }
        Ok(out)
    }

    /// One request for things of one control number.
    #[must_use]
    pub fn asking(wanted: &[Wanted], requester: Reference) -> Self {
        let control = wanted.iter().find_map(|w| w.control_number.clone());
        let mut out = Self {
            status: "active".to_owned(),
            requester: Some(requester),
            identifier: control.iter().map(|c| Identifier::of("urn:control", c)).collect(),
            ..Self::default()
        };
        for one in wanted {
            let code = match &one.thing {
                Thing::Report(code) => {
                    out.category.push(Concept::of(system::REPORT_755, code));
                    continue;
                }
                Thing::Questionnaire(_) => QUESTIONNAIRE_LOINC.to_owned(),
                Thing::Loinc(code) | Thing::Words(code) => code.clone(),
            };
            let mut payload = Payload { content: Some(code), ..Payload::default() };
            if let Some(line) = one.line {
                let number =
                    Extension::of(extension::SERVICE_LINE_NUMBER, "valuePositiveInt", line);
                payload.extension.push(number);
            }
            out.payload.push(payload);
        }
        out.of_profile(profile::COMMUNICATION_REQUEST)
    }
}

/// Digits, a hyphen, one check digit.
fn is_loinc(text: &str) -> bool {
    let Some((front, check)) = text.split_once('-') else { return false };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    (1..=7).contains(&front.len()) && digits(front) && check.len() == 1 && digits(check)
}

fn line_of(list: &[Extension], url: &str, at: &Path<'_>) -> Result<Option<u32>, Fault> {
    let Some((i, found)) = super::base::find(list, url) else { return Ok(None) };
    let all = at.field("extension");
    let at = all.index(i);
    for name in ["valuePositiveInt", "valueInteger"] {
        if let Some(line) = found.value(name, &at)? {
            return Ok(Some(line));
        }
    }
    Err(Fault::error(Code::Missing, at, "expected the number of a line"))
}

/// The parts of a task that are the same for every kind of thing wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The payer's number of the request.
    pub number: Identifier,
    /// The patient.
    pub patient: Reference,
    /// The Claim.
    pub claim: Reference,
    /// The payer's identifier.
    pub payer: Identifier,
    /// The requester's identifier.
    pub requester: Identifier,
    /// Where the information is sent.
    pub payer_url: String,
}

impl Task {
    /// One task per kind of thing: codes of LOINC, reports of list 755, questionnaires. Things in words become none; a person
    /// reads those.
    #[must_use]
    pub fn asking(wanted: &[Wanted], about: &About) -> Vec<Self> {
        let kinds: [fn(&Thing) -> bool; 3] = [
            |thing| matches!(thing, Thing::Loinc(_)),
            |thing| matches!(thing, Thing::Report(_)),
            |thing| matches!(thing, Thing::Questionnaire(_)),
        ];
        let groups = kinds.map(|is| wanted.iter().filter(|w| is(&w.thing)).collect::<Vec<_>>());
        groups.into_iter().filter(|g| !g.is_empty()).map(|g| Self::of_kind(&g, about)).collect()
    }

    fn of_kind(wanted: &[&Wanted], about: &About) -> Self {
        let by_questionnaire = matches!(wanted[0].thing, Thing::Questionnaire(_));
        let code = if by_questionnaire {
            "attachment-request-questionnaire"
        } else {
            "attachment-request-code"
        };
        let by = |identifier: &Identifier| Reference {
            identifier: Some(identifier.clone()),
            ..Reference::default()
        };
        let to = Input::of("payer-url", "valueUrl", about.payer_url.clone().into(), None);
        let things = wanted.iter().map(|one| {
            let line = Some(one.line.unwrap_or(0));
            let coded = |system, code| super::json(&Concept::of(system, code));
            match &one.thing {
                Thing::Questionnaire(context) => {
                    let context = context.clone().into();
                    Input::of("questionnaire-context", "valueString", context, line)
                }
                Thing::Report(code) => {
                    let code = coded(system::REPORT_755, code);
                    Input::of("attachments-needed", "valueCodeableConcept", code, line)
                }
                Thing::Loinc(code) | Thing::Words(code) => {
                    let code = coded(system::LOINC, code);
                    Input::of("attachments-needed", "valueCodeableConcept", code, line)
                }
            }
        });
        Self {
            identifier: vec![about.number.clone()],
            status: "requested".to_owned(),
            intent: "order".to_owned(),
            code: Some(Concept::of(system::PAS, code)),
            subject: Some(about.patient.clone()),
            requester: Some(by(&about.payer)),
            owner: Some(by(&about.requester)),
            reason_code: Some(Concept::of(system::PAS, "priorAuthorization")),
            reason_reference: Some(about.claim.clone()),
            input: std::iter::once(to).chain(things).collect(),
            ..Self::default()
        }
        .of_profile(profile::TASK)
    }

    /// Where the information is sent.
    #[must_use]
    pub fn payer_url(&self) -> Option<&str> {
        let found = self.input.iter().find(|i| i.kind.any_code() == Some("payer-url"))?;
        found.rest.get("valueUrl").and_then(Value::as_str)
    }

    /// What it asks for.
    ///
    /// # Errors
    /// An input of another shape, with its place.
    pub fn wanted(&self, at: &Path<'_>) -> Result<Vec<Wanted>, Fault> {
        let control = self.identifier.iter().find_map(|i| i.value.clone());
        let all = at.field("input");
        let mut out = Vec::new();
        for (i, input) in self.input.iter().enumerate() {
            let at = all.index(i);
            let thing = match input.kind.any_code() {
                Some("questionnaire-context") => {
                    let context = input.rest.get("valueString").and_then(Value::as_str);
                    let wanted = "expected the context of a questionnaire";
                    let context = context.ok_or_else(|| {
                        Fault::error(Code::Missing, at.field("valueString"), wanted)
                    })?;
                    Thing::Questionnaire(context.to_owned())
                }
                Some("attachments-needed") => needed(input, &at)?,
                _ => continue,
            };
            let line = line_of(&input.extension, extension::LINE_NUMBER, &at)?;
            // Line 0 is how a task says "the whole request".
            let line = line.filter(|line| *line > 0);
            out.push(Wanted { thing, line, control_number: control.clone() });
        }
        Ok(out)
    }
}

fn needed(input: &Input, at: &Path<'_>) -> Result<Thing, Fault> {
    use super::element::Element as _;
    let at = at.field("valueCodeableConcept");
    let value = input.rest.get("valueCodeableConcept").cloned();
    let concept = value.map(|v| Concept::read(v, &at)).transpose()?.unwrap_or_default();
    if let Some(code) = concept.code_of(system::REPORT_755) {
        return Ok(Thing::Report(code.to_owned()));
    }
    if let Some(code) = concept.code_of(system::LOINC) {
        return Ok(Thing::Loinc(code.to_owned()));
    }
    let other = concept.any_code().or(concept.text.as_deref());
    let other =
        other.ok_or_else(|| Fault::error(Code::Missing, at, "expected a code or a text"))?;
    Ok(Thing::Words(other.to_owned()))
}

impl Input {
    fn of(kind: &str, name: &str, value: Value, line: Option<u32>) -> Self {
        let mut out = Self { kind: Concept::of(system::PAS, kind), ..Self::default() };
        out.rest.insert(name.to_owned(), value);
        out.extension
            .extend(line.map(|line| Extension::of(extension::LINE_NUMBER, "valueInteger", line)));
        out
    }
}
