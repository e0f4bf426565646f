//! The papers of the submit gate: what the coordinator's permit says to it, and what it says itself when nothing was sent. Texts only:
//! who signs and who checks lives with the keys.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, IntentId};

/// A gate that is shut and waits for a permit. Goes with the ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Arming {
    /// The gate's public key (Ed25519, hexadecimal): its word on what was sent is checked with it.
    pub key: String,
    /// Made by the gate for this one arming; hexadecimal.
    pub nonce: String,
}

/// A permit as the gate takes it: its text, and the coordinator's signature over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Pass {
    /// What [`Permit::text`] gives.
    pub text: String,
    /// The coordinator's signature (Ed25519, hexadecimal).
    pub signature: String,
}

/// What a permit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The intent it was given for.
    pub intent: IntentId,
    /// Fence it was given under.
    pub fence: i64,
    /// Agent it was given to.
    pub agent: AgentId,
    /// The arming it opens, and no other.
    pub nonce: String,
    /// Its life from the arming on, milliseconds: until then the click and the one connection.
    pub ttl_ms: i64,
    /// How much longer what was sent may take; then the gate shuts by itself, milliseconds.
    pub submit_max_ms: i64,
}

const PERMIT: &str = "fleet permit 1";

impl Permit {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{PERMIT}\nintent {}\nfence {}\nagent {}\nnonce {}\nttl_ms {}\nsubmit_max_ms {}",
            self.intent, self.fence, self.agent, self.nonce, self.ttl_ms, self.submit_max_ms
        )
    }

    /// Reads what [`Permit::text`] wrote, and nothing else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(PERMIT)?.strip_prefix('\n')?.lines();
        let mut next = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let permit = Self {
            intent: next("intent")?.parse().ok()?,
            fence: next("fence")?.parse().ok()?,
            agent: next("agent")?.parse().ok()?,
            nonce: next("nonce")?.to_owned(),
            ttl_ms: next("ttl_ms")?.parse().ok()?,
            submit_max_ms: next("submit_max_ms")?.parse().ok()?,
        };
        // One way to write it only.
        (permit.text() == text).then_some(permit)
    }
}

/// The gate's own line on an arming: whether it is shut for good, and how many connections it let out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Certificate {
    /// The arming.
    pub nonce: String,
    /// Connections that were let out since then.
    pub opened: u32,
    /// The gate is shut and never opens again.
    pub shut: bool,
    /// The gate's signature over [`Certificate::text`] (Ed25519, hexadecimal).
    pub signature: String,
}

impl Certificate {
    /// The text that is signed.
    #[must_use]
    pub fn text(nonce: &str, opened: u32, shut: bool) -> String {
        format!("fleet gate 1\nnonce {nonce}\nopened {opened}\nshut {shut}")
    }

    /// Whether what it says means that nothing was sent and nothing can be; else why not.
    ///
    /// # Errors
    /// The reason, for the audit.
    pub fn means_not_sent(&self) -> Result<(), &'static str> {
        match (self.shut, self.opened) {
            (false, _) => Err("the gate is still open"),
            (true, 0) => Ok(()),
            (true, _) => Err("a connection was let out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_permit_is_read_as_it_was_written_and_in_no_other_way() {
        let at = Timestamp::from_ms(1_772_460_000_000);
        let permit = Permit {
            intent: IntentId::new(at, 1),
            fence: 3,
            agent: AgentId::new(at, 2),
            nonce: "0a1b".to_owned(),
            ttl_ms: 10_000,
            submit_max_ms: 60_000,
        };
        let text = permit.text();
        assert_eq!(Permit::read(&text), Some(permit));
        for bent in [
            text.replace("fence 3", "fence +3"),
            text.replace("permit 1", "permit 2"),
            format!("{text}\n"),
            format!("{text}\nmore 1"),
            text.replace("\nnonce 0a1b", ""),
            String::new(),
        ] {
            assert_eq!(Permit::read(&bent), None, "{bent}");
        }
    }

    #[test]
    fn only_a_shut_gate_that_let_nothing_out_means_not_sent() {
        let said = |opened, shut| {
            let (nonce, signature) = ("0a1b".to_owned(), String::new());
            Certificate { nonce, opened, shut, signature }.means_not_sent().is_ok()
        };
        assert!(said(0, true) && !said(1, true) && !said(0, false));
        assert_ne!(Certificate::text("0a1b", 0, true), Certificate::text("0a1b", 0, false));
    }
}
