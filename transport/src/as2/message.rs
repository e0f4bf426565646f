//! Messages: a document wrapped for a partner, and one unwrapped that came from it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::{As2Error, CmsFault, Digest, Partner, cms, date, quoted};
use crate::{
    mime::{Fields, Media, Part, base64_lines, pieces, unquoted},
    random,
};

/// A document that is to be sent.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// A file name for it, without anything that leads elsewhere.
    pub name: &'a str,
    /// Its media type, as `application/edi-x12`.
    pub media: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Where a receipt is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptWanted {
    /// In the answer.
    Now,
    /// At this address, later.
    At(String),
}

/// What a receipt is compared with. It is written down before the message is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The number of the message, without its brackets.
    pub message_id: String,
    /// The digest of the check value.
    pub digest: Digest,
    /// The check value (MIC), base64.
    pub mic: String,
}

/// A message as it goes out.
pub struct Outgoing {
    /// What its receipt is compared with.
    pub sent: Sent,
    /// The head.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the receipt comes later.
    pub later: bool,
}

/// A part signed: a multipart with the signature beside it, as head and body.
pub(super) fn signed(
    partner: &Partner,
    part: &[u8],
    digest: Digest,
    now: Timestamp,
) -> Result<(String, Vec<u8>), As2Error> {
    let identity = partner.ours.used(now);
    if !identity.certificate().good(now) {
        return Err(As2Error::Certificate("our certificate"));
    }
    let signature = cms::sign(identity, part, digest, now)?;
    let boundary = format!("signed-{}", crate::hex(&random::<12>()));
    let kind = format!(
        "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={}; boundary=\"{boundary}\"",
        digest.name()
    );
    let mut body = format!("--{boundary}\r\n").into_bytes();
    body.extend_from_slice(part);
    let second = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n\
         {}--{boundary}--\r\n",
        base64_lines(&signature)
    );
    body.extend_from_slice(second.as_bytes());
    Ok((kind, body))
}

/// Wraps a document.
///
/// # Errors
/// Names that cannot stand in a head, certificates that are not good today, keys that are not RSA.
pub fn wrap(
    partner: &Partner,
    document: &Document<'_>,
    receipt: &ReceiptWanted,
    now: Timestamp,
) -> Result<Outgoing, As2Error> {
    let theirs = partner.theirs.used(now);
    if !theirs.good(now) {
        return Err(As2Error::Certificate("the partner's certificate"));
    }
    if !crate::sftp::plain(document.name) || document.name.contains('"') {
        return Err(As2Error::Write("a file name that leads elsewhere"));
    }
    if !document.media.chars().all(|c| c.is_ascii_alphanumeric() || "/-.+".contains(c)) {
        return Err(As2Error::Write("a media type that is none"));
    }
    let mut part = format!(
        "Content-Type: {}\r\nContent-Transfer-Encoding: binary\r\n\
         Content-Disposition: attachment; filename=\"{}\"\r\n\r\n",
        document.media, document.name
    )
    .into_bytes();
    part.extend_from_slice(document.bytes);
    if partner.compress {
        part = format!(
            "Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=\"smime.p7z\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7z\"\r\n\r\n{}",
            base64_lines(&cms::compress(&part)).trim_end()
        )
        .into_bytes();
    }
    let mic = STANDARD.encode(partner.digest.of(&part));
    let (kind, body) = signed(partner, &part, partner.digest, now)?;
    let inside = [format!("Content-Type: {kind}\r\n\r\n").as_bytes(), &body].concat();
    let body = cms::encrypt(theirs, inside)?;
    let message_id = format!("{}@fleet", crate::hex(&random::<16>()));
    let mut headers = vec![
        ("AS2-Version", "1.2".to_owned()),
        ("AS2-From", quoted(&partner.us)?),
        ("AS2-To", quoted(&partner.them)?),
        ("Message-ID", format!("<{message_id}>")),
        ("Subject", "Batch".to_owned()),
        ("Date", date(now)),
        ("MIME-Version", "1.0".to_owned()),
        (
            "Content-Type",
            "application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"".to_owned(),
        ),
        ("Content-Transfer-Encoding", "binary".to_owned()),
        ("Content-Disposition", "attachment; filename=\"smime.p7m\"".to_owned()),
        ("Disposition-Notification-To", quoted(&partner.us)?),
        (
            "Disposition-Notification-Options",
            format!(
                "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, {}",
                partner.digest.name()
            ),
        ),
    ];
    if let ReceiptWanted::At(address) = receipt {
        if !address.starts_with("https://") && !address.starts_with("http://127.0.0.1") {
            return Err(As2Error::Write("an address for the receipt that is not `https`"));
        }
        headers.push(("Receipt-Delivery-Option", address.clone()));
    }
    let sent = Sent { message_id, digest: partner.digest, mic };
    Ok(Outgoing { sent, headers, body, later: *receipt != ReceiptWanted::Now })
}

/// A message that came, unwrapped. Has no `Debug`: what is in it is a patient's.
pub struct Received {
    /// Its number, without brackets. Who sends the same again is answered with the same receipt; that is the caller's store.
    pub message_id: String,
    /// The name of the document, if it says one.
    pub name: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// The digest it was signed with.
    pub digest: Digest,
    /// The check value (MIC), base64.
    pub mic: String,
    /// Where a receipt is wanted, if one is.
    pub receipt: Option<ReceiptWanted>,
}

/// A message that came and is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its number, if it has one.
    pub message_id: String,
    /// Why.
    pub error: As2Error,
    /// Where a receipt is wanted, if one is.
    pub receipt: Option<ReceiptWanted>,
    /// How far it came.
    stage: Stage,
}

/// How far a message was opened when it was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its head was looked at: whoever sent it knows it as well as we do.
    Head,
    /// It was being decrypted, and whether that went well shows only in what was found inside.
    Sealed,
    /// The partner's signature is good.
    Signed,
}

impl Rejected {
    /// The words RFC 4130 has for it. Before the partner's signature is good there is one answer for everything: by asking again
    /// and again with a changed message, and reading which answer comes, anybody could find out what is in one that he has caught.
    /// What was really wrong is in [`Rejected::error`], for our own log.
    pub(super) fn modifier(&self) -> &'static str {
        match (self.stage, &self.error) {
            (Stage::Sealed, _) => "error: decryption-failed",
            (Stage::Head, As2Error::Partner) => "error: authentication-failed",
            (Stage::Head, As2Error::Missing("encryption")) => {
                "error: insufficient-message-security"
            }
            (Stage::Signed, As2Error::Cms(_)) => "error: decompression-failed",
            (Stage::Head | Stage::Signed, _) => "error: unexpected-processing-error",
        }
    }
}

/// A number without its brackets.
pub(super) fn bare(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// Unwraps a message: from this partner, to us, encrypted for us, signed by it.
///
/// # Errors
/// What is not; [`super::mdn::answer`] tells the partner so.
pub fn receive(
    partner: &Partner,
    head: &Fields,
    body: &[u8],
    now: Timestamp,
) -> Result<Received, Rejected> {
    let message_id = bare(head.get("message-id"));
    let receipt = (!head.get("disposition-notification-to").is_empty()).then(|| {
        match head.get("receipt-delivery-option") {
            "" => ReceiptWanted::Now,
            address => ReceiptWanted::At(address.to_owned()),
        }
    });
    let opened = open(partner, head, body, now);
    match opened {
        Ok((name, bytes, digest, mic)) => {
            Ok(Received { message_id, name, bytes, digest, mic, receipt })
        }
        Err((stage, error)) => Err(Rejected { message_id, error, receipt, stage }),
    }
}

type Opened = (Option<String>, Vec<u8>, Digest, String);

fn open(
    partner: &Partner,
    head: &Fields,
    body: &[u8],
    now: Timestamp,
) -> Result<Opened, (Stage, As2Error)> {
    let at = |stage| move |error| (stage, error);
    let whole = addressed(partner, head, body).map_err(at(Stage::Head))?;
    let (part, digest) = unsealed(partner, &whole, now).map_err(at(Stage::Sealed))?;
    document(partner, &part, digest).map_err(at(Stage::Signed))
}

/// What can be said of a message without a key: from whom, to whom, and that it is encrypted.
fn addressed<'b>(partner: &Partner, head: &Fields, body: &'b [u8]) -> Result<Part<'b>, As2Error> {
    if unquoted(head.get("as2-from")) != partner.them || unquoted(head.get("as2-to")) != partner.us
    {
        return Err(As2Error::Partner);
    }
    if bare(head.get("message-id")).is_empty() {
        return Err(As2Error::Missing("number"));
    }
    let whole = Part { fields: head.clone(), body, whole: body };
    if !is_cms(&whole.media(), "enveloped-data") {
        return Err(As2Error::Missing("encryption"));
    }
    Ok(whole)
}

/// The part the partner has signed, and the digest it signed with.
fn unsealed(
    partner: &Partner,
    whole: &Part<'_>,
    now: Timestamp,
) -> Result<(Vec<u8>, Digest), As2Error> {
    let inside = cms::decrypt(&whole.decoded()?, partner.ours.accepted())?;
    let mut inside = Part::read(&inside)?;
    let unpacked;
    if is_cms(&inside.media(), "compressed-data") {
        unpacked = cms::decompress(&inside.decoded()?, partner.largest)?;
        inside = Part::read(&unpacked)?;
    }
    if inside.media().kind != "multipart/signed" {
        return Err(As2Error::Missing("signature"));
    }
    let parts = inside.parts()?;
    let digest = verified(partner, &parts, now)?;
    Ok((parts[0].whole.to_vec(), digest))
}

/// What is in the part that was signed.
fn document(partner: &Partner, part: &[u8], digest: Digest) -> Result<Opened, As2Error> {
    let mic = STANDARD.encode(digest.of(part));
    let mut document = Part::read(part)?;
    let unpacked;
    if is_cms(&document.media(), "compressed-data") {
        unpacked = cms::decompress(&document.decoded()?, partner.largest)?;
        document = Part::read(&unpacked)?;
    }
    let bytes = document.decoded()?.into_owned();
    if bytes.len() > partner.largest {
        return Err(As2Error::Cms(CmsFault::Large(partner.largest)));
    }
    let disposition = Media::read(document.fields.get("content-disposition"));
    let name = Some(disposition.get("filename").to_owned()).filter(|name| crate::sftp::plain(name));
    Ok((name, bytes, digest, mic))
}

fn is_cms(media: &Media, kind: &str) -> bool {
    matches!(media.kind.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
        && (media.get("smime-type") == kind)
}

/// Judges the signature of a multipart that is signed.
pub(super) fn verified(
    partner: &Partner,
    parts: &[Part<'_>],
    now: Timestamp,
) -> Result<Digest, As2Error> {
    let [part, signature] = parts else { return Err(As2Error::Missing("signature")) };
    let kinds = ["application/pkcs7-signature", "application/x-pkcs7-signature"];
    if !kinds.contains(&signature.media().kind.as_str()) {
        return Err(As2Error::Missing("signature"));
    }
    let signature = signature.decoded()?;
    Ok(cms::verify(&signature, part.whole, partner.theirs.accepted(), now)?)
}

/// The digest a partner wants its receipt signed with.
pub(super) fn wanted_digest(head: &Fields) -> Option<Digest> {
    let options = head.get("disposition-notification-options").to_owned();
    let option = pieces(&options, ';').find(|one| one.contains("signed-receipt-micalg"))?;
    let (_, list) = option.split_once('=')?;
    list.split(',').find_map(Digest::named)
}
