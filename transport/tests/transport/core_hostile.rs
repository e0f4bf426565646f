//! Answers of CORE servers that are broken, hostile, endless, or somebody else's.

use std::time::{Duration, Instant};

use transport::{
    Fate,
    core::{
        Client, CoreError, EnvelopeFault, ErrorCode, Form, PayloadId, Rule, client::Style,
        payload_type, server,
    },
    http::{HttpError, Limits},
    mime::MimeError,
};

use crate::{
    core_round::{now, password, profile, question},
    stand::{Act, Authority, Seen, Stand, limits},
};

const ASKED: &[u8] = b"ISA*00*MEMBER BIRCH~";

/// Asks a stand-in once, within limits.
async fn ask(stand: &Stand, limits: Limits) -> CoreError {
    let tls = Authority::new().tls(None);
    let mut profile = profile(&stand.url("/"), &tls, Style::soap(Rule::V2), password());
    profile.limits = limits;
    let error = Client::new(profile).unwrap().call(&question(ASKED), now()).await.unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("BIRCH") && !text.contains("p<a>s"), "{text}");
    }
    error
}

async fn answered(body: impl Into<Vec<u8>>) -> CoreError {
    let body = body.into();
    let act = move |_: &Seen| Act::Reply(200, "application/soap+xml".into(), body.clone());
    ask(&Stand::new(act).await, limits()).await
}

fn form(error: &CoreError) -> &str {
    match error {
        CoreError::Answer(EnvelopeFault::Form(why)) => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn entities_are_refused_before_they_grow() {
    let mut bomb = "<?xml version=\"1.0\"?><!DOCTYPE e [<!ENTITY a0 \"BIRCH\">".to_owned();
    for i in 1..12 {
        let ten = format!("&a{};", i - 1).repeat(10);
        bomb.push_str(&format!("<!ENTITY a{i} \"{ten}\">"));
    }
    bomb.push_str("]><e>&a11;</e>");
    let began = Instant::now();
    let error = answered(bomb.clone()).await;
    assert!(form(&error).contains("document type"), "{error}");
    assert_eq!(error.fate(), Fate::Unknown);
    assert!(began.elapsed() < Duration::from_secs(20));
    let outside = "<!DOCTYPE e [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><e>&x;</e>";
    assert!(form(&answered(outside).await).contains("document type"));
    assert!(form(&answered("<e>&x;</e>").await).contains("entity nobody declared"));
    // The server half reads with the same eyes.
    let told = server::read_soap("application/soap+xml", bomb.as_bytes()).err().unwrap();
    assert!(matches!(told, EnvelopeFault::Form(_)));
}

#[tokio::test]
async fn xml_without_end_or_measure_is_refused() {
    let deep = "<e>".repeat(1_000_000);
    assert!(!form(&answered(deep).await).is_empty());
    let wide = format!("<e>{}</e>", "<x/>".repeat(100_000));
    assert!(form(&answered(wide).await).contains("more elements"));
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    for begin in ["<e", "<e b=\">\"", "<!-- > --><e b='>'", "<e><![CDATA[>]]></e><e b='\">'"] {
        let told = answered(format!("{begin}{attributes}/>")).await;
        assert!(form(&told).contains("more in it than any"), "{told}");
    }
    assert!(form(&answered(b"<e>\xff</e>".to_vec()).await).contains("not UTF-8"));
}

/// What two readers could read in two ways is read in none.
#[tokio::test]
async fn a_field_is_one_text_and_stands_once() {
    let stand = Stand::new(|_| Act::Silence).await;
    let tls = Authority::new().tls(None);
    let mut asking = profile(&stand.url("/"), &tls, Style::soap(Rule::V2), password());
    asking.limits.answer = Duration::from_secs(60);
    let (client, asked) = (Client::new(asking).unwrap(), question(ASKED));
    let seen = tokio::select! {
        _ = client.call(&asked, now()) => panic!("nothing was answered"),
        seen = stand.first() => seen,
    };
    let good = String::from_utf8(seen.body).unwrap();
    let read = |text: &str| server::read_soap("application/soap+xml", text.as_bytes()).err();
    assert_eq!(read(&good), None);
    let id = good.split_once("<PayloadID>").unwrap().1.split_once("</PayloadID>").unwrap().0;
    let field = format!("<PayloadID>{id}</PayloadID>");
    let (front, back) = id.split_at(8);
    for (bad, why) in [
        (format!("<PayloadID>{front}<!-- x -->{back}</PayloadID>"), "more in a field"),
        (format!("<PayloadID>{front}<?x y?>{back}</PayloadID>"), "more in a field"),
        (format!("<PayloadID>{id}<x>{id}</x></PayloadID>"), "more in a field"),
        (format!("{field}{field}"), "twice"),
        (format!("<PayloadID/>{field}"), "twice"),
        (format!("{field}<Payload>ISA*other~</Payload>"), "twice"),
    ] {
        let Some(EnvelopeFault::Form(told)) = read(&good.replace(&field, &bad)) else {
            panic!("taken: {why}")
        };
        assert!(told.contains(why), "{told}");
    }
    // CDATA is text, wherever it stands.
    let packed = format!("<PayloadID>{front}<![CDATA[{back}]]></PayloadID>");
    assert_eq!(read(&good.replace(&field, &packed)), None);
    // A body of somebody else's before the message's own.
    let other =
        good.replacen("<soap:Body>", "<x:Body xmlns:x=\"urn:x\"><a/></x:Body><soap:Body>", 1);
    assert_eq!(read(&other), None, "the message's own body is read");
}

#[tokio::test]
async fn heads_and_bodies_have_limits() {
    let long = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; 10 << 20], b"\r\n\r\n"].concat();
    let stand = Stand::new(move |_| Act::Raw(long.clone())).await;
    let error = ask(&stand, limits()).await;
    assert!(matches!(error, CoreError::Http(HttpError::Head { .. })), "{error}");
    assert_eq!(error.fate(), Fate::Unknown);

    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 65536], b"\r\n"].concat();
    let stand = Stand::new(move |_| Act::Endless(head.clone(), chunk.clone())).await;
    let error = ask(&stand, Limits { body: 1 << 20, ..limits() }).await;
    let limit =
        CoreError::Http(HttpError::Body { host: stand.address.to_string(), limit: 1 << 20 });
    assert_eq!((&error, error.fate()), (&limit, Fate::Unknown));

    // A length that is said, and too long, is not waited for.
    let said = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let stand = Stand::new(move |_| Act::Endless(said.clone(), vec![b'x'; 65536])).await;
    let error = ask(&stand, Limits { body: 1 << 20, ..limits() }).await;
    assert_eq!(
        error,
        CoreError::Http(HttpError::Body { host: stand.address.to_string(), limit: 1 << 20 })
    );
}

#[tokio::test]
async fn silence_and_broken_lines_leave_it_unknown() {
    // How much fits into a limit is the machine's: it is given more until the request was written within it.
    let mut late = false;
    for seconds in [1, 4, 16] {
        let short = Limits { answer: Duration::from_secs(seconds), ..limits() };
        let stand = Stand::new(|_| Act::Silence).await;
        let error = ask(&stand, short).await;
        let CoreError::Http(HttpError::Late { written, .. }) = error.clone() else {
            panic!("{error}")
        };
        if written > 0 {
            assert_eq!(error.fate(), Fate::Unknown);
            stand.first().await;
            assert_eq!(stand.counts(), (1, 1), "not sent again");
            late = true;
            break;
        }
        assert_eq!(error.fate(), Fate::NotSent);
    }
    assert!(late, "nothing was written in 16 s");
    for raw in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<e>",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let stand = Stand::new(move |_| Act::Raw(raw.into())).await;
        let error = ask(&stand, limits()).await;
        assert!(matches!(error, CoreError::Http(HttpError::Broken { .. })), "{raw}: {error}");
        assert_eq!((error.fate(), stand.counts()), (Fate::Unknown, (1, 1)), "{raw}");
    }
    // Nobody there: nothing was sent, and that is known.
    let address = {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        gone.local_addr().unwrap()
    };
    let tls = Authority::new().tls(None);
    let url = format!("http://{address}/");
    let client = Client::new(profile(&url, &tls, Style::soap(Rule::V2), password())).unwrap();
    let error = client.call(&question(ASKED), now()).await.unwrap_err();
    assert!(matches!(error, CoreError::Http(HttpError::Connect { .. })), "{error}");
    assert_eq!(error.fate(), Fate::NotSent);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for (status, fate) in [
        (301, Fate::Unknown),
        (302, Fate::Unknown),
        (303, Fate::Unknown),
        (307, Fate::Refused),
        (308, Fate::Refused),
    ] {
        let there = Stand::new(|_| Act::Silence).await;
        let to = there.url("/");
        let stand = Stand::new(move |_| {
            Act::Raw(
                format!("HTTP/1.1 {status} Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                    .into(),
            )
        })
        .await;
        let error = ask(&stand, limits()).await;
        let host = stand.address.to_string();
        assert_eq!(error, CoreError::Http(HttpError::Redirect { host, status }));
        assert_eq!((error.fate(), there.counts(), stand.counts()), (fate, (0, 0), (1, 1)));
    }
}

#[tokio::test]
async fn an_answer_nobody_asked_to_be_packed_is_not_unpacked() {
    let raw = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx";
    let stand = Stand::new(move |_| Act::Raw(raw.into())).await;
    let error = ask(&stand, limits()).await;
    assert!(matches!(error, CoreError::Http(HttpError::Encoded { .. })), "{error}");
}

#[tokio::test]
async fn the_answer_to_something_else_is_told() {
    let other = PayloadId::new();
    for code in [ErrorCode::Success, ErrorCode::UnAuthorized] {
        let stand = Stand::new(move |seen| {
            let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
            let payload = Some(b"ISA*00~".to_vec());
            let kind = payload_type::ELIGIBILITY_ANSWER;
            let mut envelope = server::back(&asked, kind, payload, code.clone(), now());
            envelope.payload_id = other;
            let reply = server::answer(&asked, &envelope, Form::Text).unwrap();
            Act::Reply(reply.status, reply.content_type, reply.body)
        })
        .await;
        let error = ask(&stand, limits()).await;
        assert!(matches!(error, CoreError::OtherPayload { got, .. } if got == other), "{error}");
        assert_eq!(error.fate(), Fate::Unknown);
    }
}

#[tokio::test]
async fn parts_that_are_cut_short_or_missing_are_told() {
    let good = |seen: &Seen| {
        let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
        let kind = payload_type::ELIGIBILITY_ANSWER;
        let payload = Some(b"ISA*00~".to_vec());
        let envelope = server::back(&asked, kind, payload, ErrorCode::Success, now());
        server::answer(&asked, &envelope, Form::Mtom).unwrap()
    };
    let stand = Stand::new(move |seen| {
        let reply = good(seen);
        let short = reply.body[..reply.body.len() - 8].to_vec();
        Act::Reply(200, reply.content_type, short)
    })
    .await;
    let error = ask(&stand, limits()).await;
    assert_eq!(error, CoreError::Answer(EnvelopeFault::Mime(MimeError::Truncated)));
    assert_eq!(error.fate(), Fate::Unknown);
    // The envelope points to a part that is not there.
    let stand = Stand::new(move |seen| {
        let reply = good(seen);
        let body = String::from_utf8(reply.body).unwrap().replace("<payload-", "<other-");
        Act::Reply(200, reply.content_type, body.into_bytes())
    })
    .await;
    let error = ask(&stand, limits()).await;
    assert!(matches!(error, CoreError::Answer(EnvelopeFault::Missing(_))), "{error}");
}

#[tokio::test]
async fn an_answer_without_anything_in_it_is_no_answer() {
    let stand = Stand::new(|seen| {
        let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
        let envelope = server::back(&asked, "", None, ErrorCode::Success, now());
        let reply = server::answer(&asked, &envelope, Form::Text).unwrap();
        Act::Reply(reply.status, reply.content_type, reply.body)
    })
    .await;
    let error = ask(&stand, limits()).await;
    assert_eq!((&error, error.fate()), (&CoreError::Empty, Fate::Unknown));
}
