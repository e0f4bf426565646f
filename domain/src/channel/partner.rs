//! What two partners agreed upon who exchange X12: identifiers of the envelopes, the form of CORE, the folders of files and how long
//! each receipt is waited for.

use serde::{Deserialize, Serialize};

/// A partner of X12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Our identifier: ISA06, GS02, the sender of CORE, and NM109 of who submits.
    pub sender: String,
    /// Kind of our identifier (ISA05).
    #[serde(default = "mutual")]
    pub sender_list: String,
    /// The payer's identifier: ISA08, GS03, the receiver of CORE.
    pub receiver: String,
    /// Kind of the payer's identifier (ISA07).
    #[serde(default = "mutual")]
    pub receiver_list: String,
    /// The number of our company in traces (TRN03): ten characters, the first one 1 or 9. Made of the sender where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Whether messages are real ones (ISA15); tests, where nothing is said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub production: bool,
    /// How CORE is spoken.
    #[serde(default)]
    pub core: CoreForm,
    /// For files: where they are put and taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
}

fn mutual() -> String {
    "ZZ".to_owned()
}

impl Partner {
    /// The number of our company in traces.
    #[must_use]
    pub fn company(&self) -> String {
        self.company.clone().unwrap_or_else(|| {
            let letters = self.sender.chars().filter(char::is_ascii_alphanumeric);
            let own: String = letters.take(9).collect();
            format!("9{own:0<9}")
        })
    }

    /// The series of control numbers that sender and receiver share, whatever channel carries them.
    #[must_use]
    pub fn series(&self) -> String {
        format!("{}:{}>{}:{}", self.sender_list, self.sender, self.receiver_list, self.receiver)
    }
}

/// A form of CORE connectivity.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CoreForm {
    /// SOAP by vC2.2.0: user and password, or a certificate.
    #[default]
    SoapV2,
    /// SOAP by vC4.0.0: a certificate.
    SoapV4,
    /// REST by vC4.0.0: a token, or a certificate.
    RestV4,
}

/// Files that go and come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Our name at the host.
    pub user: String,
    /// The keys the host is known by, as in `known_hosts` without the host: one, or two while it changes them.
    pub host_keys: Vec<String>,
    /// Folder for what we send.
    pub put: String,
    /// Folder with what comes back.
    pub take: String,
    /// End of the name of the marker beside a file that is whole (`.done`). Without it a file is whole under its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// How often is looked, milliseconds.
    #[serde(default = "look_ms")]
    pub look_ms: u64,
    /// How long after sending a TA1 is waited for, milliseconds; nothing where this payer sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interchange_ms: Option<i64>,
    /// How long after sending a 999 is waited for, milliseconds; CORE wants it within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_ms: Option<i64>,
    /// How long after sending the answer is waited for, milliseconds.
    pub answer_ms: i64,
}

fn look_ms() -> u64 {
    5_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_has_ten_characters() {
        let partner = |sender: &str| Partner {
            sender: sender.to_owned(),
            sender_list: mutual(),
            receiver: "PAYER01".to_owned(),
            receiver_list: mutual(),
            company: None,
            production: false,
            core: CoreForm::default(),
            files: None,
        };
        assert_eq!(partner("RIVER").company(), "9RIVER0000");
        assert_eq!(partner("PROVIDER-0123").company(), "9PROVIDER0");
        assert_eq!(partner("RIVER").series(), "ZZ:RIVER>ZZ:PAYER01");
    }
}
