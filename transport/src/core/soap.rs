//! CORE envelopes as SOAP 1.2, with payloads as text, base64 or MTOM. XML is read without document types: what declares an
//! entity is refused before it can be expanded. A field stands once, and there is nothing in it but its text.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};
use zeroize::Zeroizing;

use super::{
    Envelope, EnvelopeFault, ErrorCode, Field, Form, Operation, Rule, Said,
    fields::{self, Fields},
    measured::measured,
};
use crate::{
    mime::{Media, base64_lines, multipart},
    random,
    secret::Secret,
};

const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const SOAP_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const XOP: &str = "http://www.w3.org/2004/08/xop/include";
const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const PASSWORD_TEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";
/// Elements, attributes and texts of the largest envelope, many times over.
const NODES: u32 = 4096;

/// A message as it goes out: its media type and its bytes.
pub struct Message {
    /// The Content-Type.
    pub content_type: String,
    /// The body. It may hold a password, and is overwritten when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

/// What is written besides the envelope.
pub struct Wrapping<'a> {
    /// The operation.
    pub operation: Operation,
    /// Request or response.
    pub request: bool,
    /// The rule.
    pub rule: Rule,
    /// How the payload lies in it.
    pub form: Form,
    /// User and password.
    pub login: Option<(&'a str, &'a Secret)>,
}

/// Writes an envelope.
///
/// # Errors
/// A payload that cannot be text, or a password that is none.
pub fn write(envelope: &Envelope, wrapping: &Wrapping<'_>) -> Result<Message, EnvelopeFault> {
    let operation = wrapping.operation;
    let (request, response) = operation.elements();
    let element = if wrapping.request { request } else { response };
    let token = crate::hex(&random::<12>());
    let mut xml = Zeroizing::new(format!("<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Header>"));
    if let Some((user, password)) = wrapping.login {
        let password = password.expose_text().ok_or(EnvelopeFault::Illegal(Field::Password))?;
        let (user, password) =
            (escaped(user, Field::UserName)?, Zeroizing::new(escaped(password, Field::Password)?));
        xml.push_str(&format!(
            "<wsse:Security xmlns:wsse=\"{WSSE}\" soap:mustUnderstand=\"true\"><wsse:UsernameToken>\
             <wsse:Username>{user}</wsse:Username><wsse:Password Type=\"{PASSWORD_TEXT}\">"
        ));
        xml.push_str(&password);
        xml.push_str("</wsse:Password></wsse:UsernameToken></wsse:Security>");
    }
    let namespace = wrapping.rule.namespace();
    xml.push_str(&format!("</soap:Header><soap:Body><c:{element} xmlns:c=\"{namespace}\">"));
    for (name, value) in fields::in_order(envelope, operation) {
        xml.push_str(&format!("<{name}>{}</{name}>", escaped(&value, Field::Payload)?));
    }
    let payload = envelope.payload.as_deref();
    if let Some(payload) = payload {
        xml.push_str("<Payload>");
        match wrapping.form {
            Form::Text => xml.push_str(&text(payload)?),
            Form::Base64 => xml.push_str(&base64_lines(payload).replace("\r\n", "")),
            Form::Mtom => xml.push_str(&format!(
                "<xop:Include xmlns:xop=\"{XOP}\" href=\"cid:payload-{token}@fleet\"/>"
            )),
        }
        xml.push_str("</Payload>");
    }
    if !wrapping.request {
        let code = envelope.error_code.as_ref().map(ErrorCode::text).unwrap_or_default();
        let said = envelope.error_message.as_ref().map_or("", |said| said.text());
        for (name, value) in [("ErrorCode", &*code), ("ErrorMessage", said)] {
            xml.push_str(&format!("<{name}>{}</{name}>", escaped(value, Field::Payload)?));
        }
    }
    xml.push_str(&format!("</c:{element}></soap:Body></soap:Envelope>"));
    let action = operation.action();
    Ok(match payload {
        Some(payload) if wrapping.form == Form::Mtom => related(&xml, payload, &token, action),
        _ => Message {
            content_type: format!("application/soap+xml; charset=UTF-8; action=\"{action}\""),
            body: Zeroizing::new(xml.as_bytes().to_vec()),
        },
    })
}

/// Envelope and payload beside each other.
fn related(xml: &str, payload: &[u8], token: &str, action: &str) -> Message {
    let mut body = Zeroizing::new(Vec::with_capacity(xml.len() + payload.len() + 700));
    body.extend_from_slice(
        format!(
            "--mime-{token}\r\nContent-Type: application/xop+xml; charset=UTF-8; \
             type=\"application/soap+xml; action=\\\"{action}\\\"\"\r\n\
             Content-Transfer-Encoding: 8bit\r\nContent-ID: <envelope-{token}@fleet>\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(xml.as_bytes());
    body.extend_from_slice(
        format!(
            "\r\n--mime-{token}\r\nContent-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: binary\r\nContent-ID: <payload-{token}@fleet>\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(payload);
    body.extend_from_slice(format!("\r\n--mime-{token}--\r\n").as_bytes());
    Message {
        content_type: format!(
            "multipart/related; boundary=\"mime-{token}\"; type=\"application/xop+xml\"; \
             start=\"<envelope-{token}@fleet>\"; start-info=\"application/soap+xml\"; action=\"{action}\""
        ),
        body,
    }
}

/// What XML can hold at all.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn escaped(value: &str, field: Field) -> Result<String, EnvelopeFault> {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            c if allowed(c) => out.push(c),
            _ => return Err(EnvelopeFault::Illegal(field)),
        }
    }
    Ok(out)
}

/// A payload as text. A carriage return would be lost in CDATA; separators below the blank cannot be text at all.
fn text(payload: &[u8]) -> Result<String, EnvelopeFault> {
    let illegal = EnvelopeFault::Illegal(Field::Payload);
    let text = std::str::from_utf8(payload).map_err(|_| illegal.clone())?;
    if !text.chars().all(allowed) {
        return Err(illegal);
    }
    if text.contains('\r') {
        return escaped(text, Field::Payload);
    }
    Ok(format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>")))
}

/// What a SOAP message is.
pub(super) enum Body {
    /// An envelope.
    Envelope {
        /// The element it is.
        element: String,
        /// Its name space.
        namespace: String,
        /// Its fields.
        fields: Fields,
        /// User and password, if there were any.
        login: Option<(String, Secret)>,
    },
    /// A fault: whether the sender is to blame.
    Fault {
        /// It is the sender's fault: nothing was done.
        sender: bool,
    },
}

/// Reads a message.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Body, EnvelopeFault> {
    let media = Media::read(content_type);
    let mut parts = Vec::new();
    let xml: Cow<'_, [u8]> = match media.kind.as_str() {
        "multipart/related" => {
            parts = multipart(body, &media)?;
            let start = media.get("start");
            let root = parts
                .iter()
                .position(|part| !start.is_empty() && part.fields.get("content-id") == start)
                .unwrap_or(0);
            parts.swap(0, root);
            parts[0].decoded()?
        }
        "application/soap+xml" | "application/xop+xml" | "text/xml" | "application/xml" => {
            Cow::Borrowed(body)
        }
        other => return Err(EnvelopeFault::Other(Said::new(other))),
    };
    let xml = std::str::from_utf8(&xml)
        .map_err(|_| EnvelopeFault::Form("the XML is not UTF-8".to_owned()))?;
    if !measured(xml.as_bytes()) {
        return Err(EnvelopeFault::Form(
            "a tag that has no end, or more in it than any".to_owned(),
        ));
    }
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
        .map_err(|error| EnvelopeFault::Form(reason(&error)))?;
    let cid = |href: &str| {
        let wanted = unescaped_cid(href.strip_prefix("cid:")?)?;
        let named = |part: &&crate::mime::Part<'_>| {
            part.fields.get("content-id").trim_matches(['<', '>']) == wanted
        };
        parts.get(1..)?.iter().find(named)?.decoded().ok().map(Cow::into_owned)
    };
    body_of(&document, &cid)
}

/// Why XML was refused, by kind and place only: the library's own words may repeat what was written.
fn reason(error: &roxmltree::Error) -> String {
    let at = error.pos();
    let kind = match error {
        roxmltree::Error::DtdDetected => "a document type is not taken",
        roxmltree::Error::NodesLimitReached => "more elements than an envelope has",
        roxmltree::Error::UnknownEntityReference(..) => "an entity nobody declared",
        _ => "it is no XML",
    };
    format!("{kind} (line {}, column {})", at.row, at.col)
}

fn unescaped_cid(cid: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(cid.len());
    let mut rest = cid.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let two = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(two, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The same, of that name space only.
fn child_of<'a>(node: Node<'a, 'a>, space: &str, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((space, name)))
}

/// The text of a field. Others may read a comment or an element in it otherwise than we do.
fn inner(node: Node<'_, '_>) -> Result<String, EnvelopeFault> {
    if !node.children().all(|child| child.is_text()) {
        return Err(EnvelopeFault::Form("there is more in a field than its text".to_owned()));
    }
    Ok(node.children().filter_map(|child| child.text()).collect())
}

fn body_of(
    document: &Document<'_>,
    cid: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<Body, EnvelopeFault> {
    let root = document.root_element();
    let other = |node: Node<'_, '_>| EnvelopeFault::Other(Said::new(node.tag_name().name()));
    let spoken = root.tag_name().namespace().unwrap_or("");
    if root.tag_name().name() != "Envelope" || !matches!(spoken, SOAP | SOAP_1_1) {
        return Err(other(root));
    }
    let missing = || EnvelopeFault::Form("the SOAP message has no body".to_owned());
    let body = child_of(root, spoken, "Body").ok_or_else(missing)?;
    let node = body.children().find(Node::is_element).ok_or_else(missing)?;
    if node.tag_name().name() == "Fault" {
        let code = child(node, "Code")
            .and_then(|code| child(code, "Value"))
            .or_else(|| child(node, "faultcode"));
        let code = code.map(inner).transpose()?.unwrap_or_default();
        let code = code.trim().rsplit(':').next().unwrap_or("").to_owned();
        let known = ["Sender", "Client", "VersionMismatch", "MustUnderstand"];
        return Ok(Body::Fault { sender: known.contains(&code.as_str()) });
    }
    let mut fields = Fields::default();
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        if fields.has(name) {
            return Err(EnvelopeFault::Form("a field stands there twice".to_owned()));
        }
        if name != Field::Payload.name() {
            fields.put(name, &inner(child)?);
            continue;
        }
        fields.put(name, "");
        let include = child.children().find(|inner| inner.has_tag_name((XOP, "Include")));
        fields.payload = match include {
            Some(include) => {
                let found = include.attribute("href").and_then(cid);
                Some(found.ok_or(EnvelopeFault::Missing(Field::Payload))?)
            }
            None => fields::payload(&inner(child)?),
        };
    }
    let token = child_of(root, spoken, "Header")
        .and_then(|header| child(header, "Security"))
        .and_then(|security| child(security, "UsernameToken"));
    let login = token
        .and_then(|token| Some((child(token, "Username")?, child(token, "Password")?)))
        .map(|(user, password)| {
            Ok::<_, EnvelopeFault>((inner(user)?, Secret::text(inner(password)?)))
        })
        .transpose()?;
    Ok(Body::Envelope {
        element: node.tag_name().name().to_owned(),
        namespace: node.tag_name().namespace().unwrap_or("").to_owned(),
        fields,
        login,
    })
}
