//! AS2 (RFC 4130): messages signed, encrypted and, where agreed, compressed; receipts (MDN) judged; and the receiving half with
//! its own receipts. Only a signed receipt that says "processed" with our own check value is one.

mod ber;
mod cms;
pub mod digest;
pub mod mdn;
pub mod message;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use jiff::Timestamp;

pub use cms::CmsFault;
pub use digest::Digest;
pub use mdn::{MdnError, Receipt};
pub use message::{Document, Outgoing, ReceiptWanted, Received, Rejected};

use crate::{
    credential::{Certificate, Identity, Rotation},
    fate::Fate,
    http::{Endpoint, HttpError, Limits, call},
    mime::{Fields, MimeError},
};

/// What two partners have agreed upon. Messages are always signed and encrypted.
#[derive(Clone)]
pub struct Partner {
    /// Our AS2 name.
    pub us: String,
    /// Theirs.
    pub them: String,
    /// Our certificates: one, or two while they change.
    pub ours: Rotation<Identity>,
    /// Theirs.
    pub theirs: Rotation<Certificate>,
    /// The digest of signatures.
    pub digest: Digest,
    /// Whether what we send is compressed.
    pub compress: bool,
    /// The largest document that is unpacked, in bytes.
    pub largest: usize,
}

/// Why a message was not delivered, or a message that came not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum As2Error {
    /// A name, address or document that cannot be sent.
    #[error("the message cannot be written: {0}")]
    Write(&'static str),
    /// Our own certificate, or theirs, cannot be used today.
    #[error("{0} is not good any more, or not yet")]
    Certificate(&'static str),
    /// Signature, encryption or compression.
    #[error(transparent)]
    Cms(#[from] CmsFault),
    /// Not the parts it should have.
    #[error(transparent)]
    Mime(#[from] MimeError),
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is none.
    #[error("the partner's server answers with status {0}")]
    Status(u16),
    /// The answer has no receipt in it.
    #[error("the partner took the message and gave no receipt")]
    NoReceipt,
    /// The receipt is none.
    #[error("the receipt is no receipt: {0}")]
    Receipt(#[from] MdnError),
    /// For or from somebody else.
    #[error("the message is not from this partner to us")]
    Partner,
    /// Without a number, encryption or signature.
    #[error("the message has no {0}")]
    Missing(&'static str),
}

impl As2Error {
    /// What may have become of the document.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Write(_) | Self::Certificate(_) | Self::Cms(_) => Fate::NotSent,
            Self::Http(error) => error.fate(),
            Self::Status(status) => Fate::of_status(*status),
            Self::Receipt(error) => error.fate(),
            Self::Mime(_) | Self::NoReceipt | Self::Partner | Self::Missing(_) => Fate::Unknown,
        }
    }
}

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The partner has it and says so.
    Received(Receipt),
    /// The partner's server has it; its receipt comes to our address.
    Awaiting,
}

/// Sends a message once.
///
/// # Errors
/// Everything but a good receipt, or a good status where the receipt comes later; [`As2Error::fate`] says what may have become
/// of the document.
pub async fn send(
    endpoint: &Endpoint,
    limits: &Limits,
    partner: &Partner,
    outgoing: &Outgoing,
    now: Timestamp,
) -> Result<Delivery, As2Error> {
    let mut request = Request::builder().method(Method::POST);
    for (name, value) in &outgoing.headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(&outgoing.body)))
        .map_err(|_| As2Error::Write("a field of its head"))?;
    let got = call(endpoint, limits, request, None).await?;
    if !(200..300).contains(&got.status) {
        return Err(As2Error::Status(got.status));
    }
    if outgoing.later {
        return Ok(Delivery::Awaiting);
    }
    if got.body.is_empty() {
        return Err(As2Error::NoReceipt);
    }
    let receipt = mdn::judge(partner, &outgoing.sent, &Fields::of(&got.headers), &got.body, now)?;
    Ok(Delivery::Received(receipt))
}

/// A name as it stands in a head: in quotes where it has blanks or quotes.
fn quoted(name: &str) -> Result<String, As2Error> {
    let good = |c: char| c == ' ' || c.is_ascii_graphic();
    if name.is_empty() || name.len() > 128 || !name.chars().all(good) {
        return Err(As2Error::Write("an AS2 name has 1 to 128 characters of ASCII"));
    }
    if name.contains([' ', '"', '\\']) {
        return Ok(format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
    }
    Ok(name.to_owned())
}

/// The day and time of a head.
fn date(now: Timestamp) -> String {
    now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
