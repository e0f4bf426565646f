//! The vault: secrets of accounts at payers, sealed, and what is made of them. Only `flow/secret.rs` gives one out, and
//! `flow/payers.rs` takes them in.

use std::collections::BTreeMap;

use domain::{id::CredentialId, mailbox::Mailbox, script::ast::SecretKind, time::Timestamp};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Secret as TotpSecret};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    flow,
    seal::{Context, Seal},
    store,
};

/// A code with less time left is not given out: typing and sending take a moment.
pub const LEAST_VALID_MS: i64 = 5_000;

/// One secret. Never logged; no `Debug` that shows it.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(untagged)]
pub enum Secret {
    /// Typed as it is.
    Text(String),
    /// A seed from which one-time codes are made.
    Totp(Totp),
}

/// The seed of a time-based one-time code (RFC 6238, SHA-1, as portals' authenticator set-ups use).
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Totp {
    /// The seed in base32.
    pub totp: String,
    /// Digits of a code.
    #[serde(default = "six")]
    pub digits: u32,
    /// Length of a time step, seconds.
    #[serde(default = "thirty")]
    pub period_s: u64,
}

fn six() -> u32 {
    6
}

fn thirty() -> u64 {
    30
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(••••)")
    }
}

/// A one-time code.
pub(crate) struct Code {
    pub(crate) digits: String,
    pub(crate) time_step: i64,
    pub(crate) valid_ms: i64,
}

/// A seed as it is written down: base32, or the `otpauth:` address of an authenticator's set-up; none when it gives no codes.
pub(crate) fn seed(text: &str) -> Option<Totp> {
    let mut seed = Totp { totp: text.trim().to_owned(), digits: six(), period_s: thirty() };
    if text.trim_start().starts_with("otpauth:") {
        let address = url::Url::parse(text.trim()).ok()?;
        let value = |name: &str| {
            address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        seed.totp = value("secret")?;
        if let Some(digits) = value("digits") {
            seed.digits = digits.parse().ok()?;
        }
        if let Some(period) = value("period") {
            seed.period_s = period.parse().ok()?;
        }
    }
    builder(&seed).is_some().then_some(seed)
}

/// The code of this instant.
pub(crate) fn code(seed: &Totp, now: Timestamp) -> flow::Result<Code> {
    let unfit = || flow::Error::invalid("secrets", "holds a seed that gives no codes");
    let totp = builder(seed).ok_or_else(unfit)?;
    let period_ms = i64::try_from(seed.period_s).map_err(|_| unfit())? * 1000;
    let seconds = u64::try_from(now.ms() / 1000).map_err(|_| unfit())?;
    Ok(Code {
        digits: totp.generate(seconds).to_string(),
        time_step: now.ms() / period_ms,
        valid_ms: period_ms - now.ms() % period_ms,
    })
}

fn builder(seed: &Totp) -> Option<totp_rs::Totp> {
    if !(10..=300).contains(&seed.period_s) || !(6..=8).contains(&seed.digits) {
        return None;
    }
    let spelled = seed.totp.replace([' ', '-'], "").to_uppercase();
    let secret = TotpSecret::try_from_base32(spelled).ok()?;
    let digits = u8::try_from(seed.digits).ok()?;
    // Portals still hand out seeds shorter than the 128 bits the RFC asks for, so its length is not judged here.
    Some(
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(digits)
            .with_step_duration(seed.period_s)
            .with_secret(secret)
            .build_noncompliant(),
    )
}

/// Whether every secret can be used as the scripts of the payer use it; never repeats a value. `kinds` holds what the scripts say
/// of an alias.
pub(crate) fn check(
    secrets: &BTreeMap<String, Secret>,
    kinds: &BTreeMap<String, SecretKind>,
) -> flow::Result<()> {
    for (alias, secret) in secrets {
        let field = format!("secrets.{alias}");
        match (kinds.get(alias), secret) {
            (Some(SecretKind::MailCode), Secret::Text(line)) if Mailbox::parse(line).is_some() => {}
            (Some(SecretKind::MailCode), _) => {
                return Err(flow::Error::invalid(
                    field,
                    "needs the line of its mailbox: https://reader:…@host/path#subject=words&code=pattern",
                ));
            }
            (Some(SecretKind::Totp), Secret::Text(text)) if seed(text).is_none() => {
                return Err(flow::Error::invalid(
                    field,
                    "needs a base32 seed or an otpauth: address",
                ));
            }
            _ => {}
        }
        match secret {
            Secret::Text(value) if value.is_empty() || value.len() > 1000 => {
                return Err(flow::Error::invalid(field, "needs 1 to 1000 characters"));
            }
            Secret::Totp(seed) if builder(seed).is_none() => {
                return Err(flow::Error::invalid(
                    field,
                    "needs a base32 seed, 6 to 8 digits and a period of 10 to 300 seconds",
                ));
            }
            Secret::Text(_) | Secret::Totp(_) => {}
        }
    }
    Ok(())
}

fn context(id: &str) -> Context<'_> {
    Context { table: "credentials", column: "secrets", record: id }
}

/// Seals the secrets of an account.
pub(crate) fn seal(seal: &Seal, id: CredentialId, secrets: &BTreeMap<String, Secret>) -> String {
    let mut plain = serde_json::to_vec(secrets).unwrap_or_default();
    let sealed = seal.seal_base64(&context(&id.to_string()), &plain);
    plain.zeroize();
    sealed
}

/// Opens the secrets of an account.
pub(crate) fn open(
    seal: &Seal,
    id: CredentialId,
    sealed: &str,
) -> Result<BTreeMap<String, Secret>, store::Error> {
    let record = id.to_string();
    let corrupt = || store::Error::Corrupt {
        table: "credentials",
        column: "secrets".to_owned(),
        id: record.clone(),
    };
    let mut plain = seal.open_base64(&context(&record), sealed).map_err(|_| corrupt())?;
    let secrets = serde_json::from_slice(&plain).map_err(|_| corrupt());
    plain.zeroize();
    secrets
}

/// The origin (scheme, host, port) of an address; none when it has none, such as `data:` or a file.
pub(crate) fn origin_of(address: &str) -> Option<url::Origin> {
    let url = url::Url::parse(address).ok()?;
    if url.scheme() == "sftp" {
        // The standard knows no origin of this scheme; a host of files is one by name and port.
        let host = url.host()?.to_owned();
        return Some(url::Origin::Tuple("sftp".to_owned(), host, url.port().unwrap_or(22)));
    }
    let origin = url.origin();
    origin.is_tuple().then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // The SHA-1 vectors of RFC 6238, appendix B.
        let seed =
            Totp { totp: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(), digits: 8, period_s: 30 };
        for (at, digits) in
            [(59, "94287082"), (1_111_111_109, "07081804"), (2_000_000_000, "69279037")]
        {
            let code = code(&seed, Timestamp::from_ms(at * 1000)).unwrap();
            assert_eq!(code.digits, digits);
            assert_eq!(code.time_step, at / 30);
            assert_eq!(code.valid_ms, (30 - at % 30) * 1000);
        }
    }

    #[test]
    fn origins_are_whole_and_exact() {
        let same = |a, b| origin_of(a).is_some() && origin_of(a) == origin_of(b);
        assert!(same("https://portal.example/login?x=1", "https://PORTAL.example:443"));
        assert!(same("sftp://files.example", "sftp://files.example:22/inbound"));
        for (a, b) in [
            ("https://portal.example", "http://portal.example"),
            ("https://portal.example", "https://portal.example:8443"),
            ("https://portal.example", "https://portal.example.evil.test"),
            ("https://portal.example@evil.test", "https://portal.example"),
            ("data:text/html,x", "data:text/html,x"),
            ("about:blank", "about:blank"),
            ("sftp://files.example", "sftp://files.example:2222"),
            ("sftp://files.example", "https://files.example:22"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn seeds_are_read_as_people_write_them_down() {
        let plain = seed(" GEZD GNBV GY3T QOJQ ").unwrap();
        assert_eq!((plain.digits, plain.period_s), (6, 30));
        let address = seed("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=60&digits=8").unwrap();
        assert_eq!((address.digits, address.period_s), (8, 60));
        assert!(seed("not a seed!").is_none());
        assert!(seed("otpauth://totp/x?period=60").is_none());
    }

    #[test]
    fn what_the_scripts_need_is_checked_when_it_is_stored() {
        let text = |value: &str| Secret::Text(value.to_owned());
        let secrets = BTreeMap::from([("link".to_owned(), text("https://r:b@mail.test/box"))]);
        let kinds = |kind| BTreeMap::from([("link".to_owned(), kind)]);
        assert!(check(&secrets, &kinds(SecretKind::MailCode)).is_ok());
        assert!(check(&secrets, &kinds(SecretKind::Totp)).is_err());
        assert!(check(&secrets, &BTreeMap::new()).is_ok());
        let secrets = BTreeMap::from([("link".to_owned(), text("123456"))]);
        let told = check(&secrets, &kinds(SecretKind::MailCode)).unwrap_err().to_string();
        assert!(told.contains("secrets.link") && !told.contains("123456"), "{told}");
    }

    #[test]
    fn a_secret_never_prints() {
        assert!(!format!("{:?}", Secret::Text("hunter2".to_owned())).contains("hunter2"));
    }
}
