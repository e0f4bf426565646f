//! Receipts (MDN): judged when they are a partner's, written when they are ours.

use jiff::Timestamp;

use super::{
    As2Error, CmsFault, Digest, Partner, date,
    message::{Received, Rejected, Sent, bare, signed, verified, wanted_digest},
    quoted,
};
use crate::{
    fate::Fate,
    mime::{Fields, Part, pieces},
    random,
    said::Said,
};

/// A good receipt: signed by the partner, for our message, with our check value, saying "processed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The number of the message it is for.
    pub message_id: String,
    /// The digest it was signed with.
    pub digest: Digest,
    /// A warning it carries, in the words of the partner's software.
    pub warning: Option<Said>,
}

/// Why a receipt is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MdnError {
    /// Not signed.
    #[error("it is not signed")]
    Unsigned,
    /// Its signature is not the partner's.
    #[error("{0}")]
    Signature(CmsFault),
    /// Not a receipt at all, or one that is cut short.
    #[error("it cannot be read")]
    Form,
    /// For another message.
    #[error("it is for another message")]
    OtherMessage,
    /// With another check value: the partner has something else than what was sent.
    #[error("its check value is not that of what was sent")]
    Mic,
    /// Without a check value.
    #[error("it has no check value")]
    NoMic,
    /// It says that the message was not processed, in the words of the partner's software.
    #[error("the partner says that the message was not processed")]
    Failed(Said),
}

impl MdnError {
    /// What it says of the document: only a signed "no" is a refusal.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Failed(_) => Fate::Refused,
            _ => Fate::Unknown,
        }
    }
}

/// The number of the message a receipt is for, before anything is judged: to find what was sent, when receipts come later.
#[must_use]
pub fn about(head: &Fields, body: &[u8]) -> Option<String> {
    let whole = Part { fields: head.clone(), body, whole: body };
    let parts = whole.parts().ok()?;
    let report =
        if whole.media().kind == "multipart/signed" { parts.first()?.parts().ok()? } else { parts };
    Some(bare(notice(&report)?.get("original-message-id")))
}

/// The fields of the notice in a report.
fn notice(report: &[Part<'_>]) -> Option<Fields> {
    let part =
        report.iter().find(|part| part.media().kind == "message/disposition-notification")?;
    Fields::read(&part.decoded().ok()?).ok()
}

/// Judges a receipt, one in an answer or one that came later.
///
/// # Errors
/// Everything but a good one.
pub fn judge(
    partner: &Partner,
    sent: &Sent,
    head: &Fields,
    body: &[u8],
    now: Timestamp,
) -> Result<Receipt, MdnError> {
    let whole = Part { fields: head.clone(), body, whole: body };
    match whole.media().kind.as_str() {
        "multipart/signed" => {}
        "multipart/report" => return Err(MdnError::Unsigned),
        _ => return Err(MdnError::Form),
    }
    let parts = whole.parts().map_err(|_| MdnError::Form)?;
    let digest = verified(partner, &parts, now).map_err(|error| match error {
        As2Error::Cms(fault) => MdnError::Signature(fault),
        As2Error::Missing(_) => MdnError::Unsigned,
        _ => MdnError::Form,
    })?;
    let report = parts[0].parts().map_err(|_| MdnError::Form)?;
    let notice = notice(&report).ok_or(MdnError::Form)?;
    if bare(notice.get("original-message-id")) != sent.message_id {
        return Err(MdnError::OtherMessage);
    }
    let disposition = notice.get("disposition").rsplit(';').next().unwrap_or("").trim();
    let disposition: String = disposition.chars().take(200).collect();
    let (kind, modifier) = disposition.split_once('/').unwrap_or((&disposition, ""));
    let warned = modifier.to_ascii_lowercase().starts_with("warning");
    if !kind.trim().eq_ignore_ascii_case("processed") || !(modifier.is_empty() || warned) {
        return Err(MdnError::Failed(Said::new(&disposition)));
    }
    let mut said = pieces(notice.get("received-content-mic"), ',');
    let mic = said.next().unwrap_or_default().trim().to_owned();
    if mic.is_empty() {
        return Err(MdnError::NoMic);
    }
    let same = said.next().and_then(|name| Digest::named(&name)).is_none_or(|d| d == sent.digest);
    if !same || mic != sent.mic {
        return Err(MdnError::Mic);
    }
    let warning = warned.then(|| Said::new(modifier));
    Ok(Receipt { message_id: sent.message_id.clone(), digest, warning })
}

/// A receipt as it goes out: as the answer, or to the address the message named.
pub struct Answer {
    /// The head.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Writes the signed receipt for a message that came, taken or not.
///
/// # Errors
/// A certificate of ours that is not good today.
pub fn answer(
    partner: &Partner,
    head: &Fields,
    came: Result<&Received, &Rejected>,
    now: Timestamp,
) -> Result<Answer, As2Error> {
    let (message_id, disposition) = match came {
        Ok(received) => (&received.message_id, "processed".to_owned()),
        Err(rejected) => (&rejected.message_id, format!("processed/{}", rejected.modifier())),
    };
    let id: String = message_id.chars().filter(|c| c.is_ascii_graphic()).take(255).collect();
    let us = quoted(&partner.us)?;
    let mut notice = format!(
        "Reporting-UA: fleet\r\nOriginal-Recipient: rfc822; {us}\r\nFinal-Recipient: rfc822; {us}\r\n\
         Original-Message-ID: <{id}>\r\n\
         Disposition: automatic-action/MDN-sent-automatically; {disposition}\r\n"
    );
    if let Ok(received) = came {
        let mic = format!("{}, {}", received.mic, received.digest.name());
        notice.push_str(&format!("Received-Content-MIC: {mic}\r\n"));
    }
    let text = match came {
        Ok(_) => "The message was received, and its signature is good.",
        Err(_) => "The message was not taken; the notice says why.",
    };
    let boundary = format!("report-{}", crate::hex(&random::<12>()));
    let report = format!(
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         {text}\r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n{notice}\r\n--{boundary}--\r\n"
    );
    let digest = wanted_digest(head).unwrap_or(partner.digest);
    let (kind, body) = signed(partner, report.as_bytes(), digest, now)?;
    let headers = vec![
        ("AS2-Version", "1.2".to_owned()),
        ("AS2-From", us),
        ("AS2-To", quoted(&partner.them)?),
        ("Message-ID", format!("<{}@fleet>", crate::hex(&random::<16>()))),
        ("Date", date(now)),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", kind),
    ];
    Ok(Answer { headers, body })
}
