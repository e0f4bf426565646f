//! Reads the mailboxes that portals send codes to. What a box is read with comes from the vault and leaves this process to the
//! box alone; agents get nothing but the code.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use domain::mailbox::Mailbox;

/// One look.
const LOOK_MAX: Duration = Duration::from_secs(15);
/// Longest answer that is read.
const ANSWER_MAX: usize = 1 << 20;

/// How mailboxes are reached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Post(reqwest::Client);

impl Post {
    /// A reader; `host_rules` answer host names instead of DNS, `extra_ca` is the PEM file of a further authority to trust.
    ///
    /// # Errors
    /// A sentence: the file cannot be read, or holds no certificate.
    pub fn new(
        host_rules: &BTreeMap<String, SocketAddr>,
        extra_ca: Option<&PathBuf>,
    ) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LOOK_MAX);
        for (host, at) in host_rules {
            builder = builder.resolve(host, *at);
        }
        if let Some(ca) = extra_ca {
            let unfit = |error: &dyn std::fmt::Display| format!("{}: {error}", ca.display());
            let pem = std::fs::read(ca).map_err(|e| unfit(&e))?;
            for one in reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| unfit(&e))? {
                builder = builder.add_root_certificate(one);
            }
        }
        builder.build().map(Self).map_err(|error| format!("mailboxes cannot be asked: {error}"))
    }

    /// What lies in a box now; none when it cannot be read, which the log says without naming the box.
    pub async fn read(&self, mailbox: &Mailbox) -> Option<String> {
        match self.answer(mailbox).await {
            Ok(text) => Some(text),
            Err(why) => {
                tracing::warn!(why, "a mailbox could not be read");
                None
            }
        }
    }

    async fn answer(&self, mailbox: &Mailbox) -> Result<String, String> {
        let silent = |error: reqwest::Error| error.without_url().to_string();
        let asked = self.0.get(&mailbox.url).bearer_auth(&mailbox.bearer);
        let mut answer = asked.send().await.map_err(silent)?;
        if !answer.status().is_success() {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(silent)? {
            if bytes.len() + more.len() > ANSWER_MAX {
                return Err("the answer is too long".to_owned());
            }
            bytes.extend_from_slice(&more);
        }
        String::from_utf8(bytes).map_err(|_| "the answer is not text".to_owned())
    }
}
