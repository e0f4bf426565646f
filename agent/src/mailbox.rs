//! Reads the mailbox that one-time codes are sent to, at a desk; in the fleet the coordinator does it.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use domain::{mailbox::Mailbox, time::Timestamp};

/// Between two looks into the box.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// One look.
const LOOK: Duration = Duration::from_secs(15);

/// How mailboxes are reached: addresses of hosts that are simulated, and a further authority to trust.
#[derive(Debug, Clone, Default)]
pub struct Post {
    /// Answers a host name with this address instead of DNS.
    pub host_rules: BTreeMap<String, SocketAddr>,
    /// PEM file of a further authority.
    pub extra_ca: Option<PathBuf>,
}

impl Post {
    fn client(&self) -> Result<reqwest::Client, String> {
        let unfit = |error: reqwest::Error| format!("the mailbox cannot be asked: {error}");
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LOOK);
        for (host, at) in &self.host_rules {
            builder = builder.resolve(host, *at);
        }
        if let Some(ca) = &self.extra_ca {
            let pem = std::fs::read(ca).map_err(|e| format!("{}: {e}", ca.display()))?;
            for certificate in reqwest::Certificate::from_pem_bundle(&pem).map_err(unfit)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder.build().map_err(unfit)
    }

    /// Waits for a code that came after `since` in a message not used before; its message's id and the code.
    ///
    /// # Errors
    /// A sentence without values: the box cannot be read, or nothing came in time.
    pub async fn code(
        &self,
        mailbox: &Mailbox,
        since: Timestamp,
        used: &[String],
        patience: Duration,
    ) -> Result<(String, String), String> {
        let client = self.client()?;
        let looks = async {
            loop {
                let answer = client.get(&mailbox.url).bearer_auth(&mailbox.bearer).send().await;
                let answer = answer.map_err(|_| "the mailbox does not answer".to_owned())?;
                if !answer.status().is_success() {
                    return Err(format!("the mailbox answers with status {}", answer.status()));
                }
                let text = answer.text().await;
                let text = text.map_err(|_| "the mailbox does not answer".to_owned())?;
                if let Some(found) = mailbox.newest(&text, since, used) {
                    return Ok(found);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let late = || format!("no code came by e-mail within {} s", patience.as_secs());
        tokio::time::timeout(patience, looks).await.unwrap_or_else(|_| Err(late()))
    }
}
