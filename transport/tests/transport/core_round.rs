//! CORE connectivity both ways: what the client writes the server half reads, and the reverse, in every form.

use jiff::Timestamp;
use transport::{
    Fate, Secret,
    core::{
        Client, CoreError, EnvelopeFault, ErrorCode, Field, Form, Login, Operation, PayloadId,
        Profile, Rule,
        client::{Paths, Sending, Style},
        payload_type, server,
    },
    http::{Endpoint, EndpointError, HttpError, May, Tls},
};

use crate::stand::{Act, Authority, Seen, Stand, limits};

const ASKED: &[u8] = b"ISA*00*          *00*          *ZZ*PROVIDER01     *ZZ*PAYER01        *261121*0930*^*00501*000000101*0*T*:~GS*HS*PROVIDER01*PAYER01*20261121*0930*101*X*005010X279A1~";
const ANSWERED: &[u8] = b"ISA*00*          *00*          *ZZ*PAYER01        *ZZ*PROVIDER01     *261121*0930*^*00501*000000401*0*T*:~TA1*000000101*261121*0930*A*000~IEA*0*000000401~";

pub(crate) fn now() -> Timestamp {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

pub(crate) fn profile(url: &str, tls: &Tls, style: Style, login: Login) -> Profile {
    Profile {
        endpoint: Endpoint::new(url, tls).unwrap(),
        style,
        login,
        sender: "PROVIDER01".into(),
        receiver: "PAYER01".into(),
        limits: limits(),
    }
}

pub(crate) fn password() -> Login {
    Login::Password { user: "river & co".into(), password: Secret::text("p<a>s&s".into()) }
}

/// A question in real time.
pub(crate) fn question(payload: &[u8]) -> Sending<'_> {
    Sending {
        operation: Operation::RealTime,
        payload_type: payload_type::ELIGIBILITY,
        payload_id: PayloadId::new(),
        payload: Some(payload),
        may: None,
    }
}

fn reply(reply: server::Reply) -> Act {
    Act::Reply(reply.status, reply.content_type, reply.body)
}

/// Answers by SOAP with `payload`, where user and password are right.
fn soap_server(seen: &Seen, payload: &[u8], form: Form, login: bool) -> Act {
    let asked = match server::read_soap(seen.field("content-type"), &seen.body) {
        Ok(asked) => asked,
        Err(fault) => return reply(server::refusal(&fault, false)),
    };
    if login && !asked.is_from("river & co", "p<a>s&s") {
        let envelope = server::back(
            &asked,
            payload_type::ENVELOPE_ERROR,
            None,
            ErrorCode::UnAuthorized,
            now(),
        );
        return reply(server::answer(&asked, &envelope, form).unwrap());
    }
    let payload = (asked.operation != Operation::BatchSubmit).then(|| payload.to_vec());
    let kind = payload_type::ELIGIBILITY_ANSWER;
    let envelope = server::back(&asked, kind, payload, ErrorCode::Success, now());
    reply(server::answer(&asked, &envelope, form).unwrap())
}

#[tokio::test]
async fn every_operation_goes_there_and_back_by_soap() {
    let authority = Authority::new();
    let tls = authority.tls(None);
    for rule in [Rule::V2, Rule::V4] {
        for form in [Form::Text, Form::Base64, Form::Mtom] {
            let with_password = rule == Rule::V2;
            let stand =
                Stand::new(move |seen| soap_server(seen, ANSWERED, form, with_password)).await;
            let style = Style::Soap { rule, real_time: form, batch: form };
            let login = if with_password { password() } else { Login::Certificate };
            let client = Client::new(profile(&stand.url("/core"), &tls, style, login)).unwrap();
            for operation in Operation::ALL {
                let payload = operation.submits().then_some(ASKED);
                let sending = Sending { operation, payload, ..question(ASKED) };
                let answer = client.call(&sending, now()).await.unwrap();
                assert_eq!(answer.payload_id, sending.payload_id);
                assert_eq!(answer.error_code, Some(ErrorCode::Success));
                assert_eq!((answer.sender.as_str(), answer.time_stamp), ("PAYER01", Some(now())));
                if operation != Operation::BatchSubmit {
                    assert_eq!(answer.payload.as_deref(), Some(ANSWERED), "{rule:?} {form:?}");
                }
                let seen = stand.seen.lock().unwrap().last().unwrap().clone();
                assert!(seen.head.starts_with("POST /core HTTP/1.1"));
                assert!(seen.field("content-type").contains(operation.action()));
                let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
                assert_eq!((asked.operation, asked.rule), (operation, rule));
                assert_eq!(asked.envelope.payload.as_deref(), payload);
                assert_eq!(asked.is_from("river & co", "p<a>s&s"), with_password);
                assert!(!asked.is_from("river & co", "p<a>s&"));
            }
            assert_eq!(stand.counts(), (5, 5), "one connection and one request each");
        }
    }
}

/// The time may end while the connection is made: then nothing of the question leaves.
#[tokio::test]
async fn a_question_whose_time_is_over_stays_here() {
    let stand = Stand::new(|_| Act::Silence).await;
    let (tls, style) = (Authority::new().tls(None), Style::soap(Rule::V2));
    let client = Client::new(profile(&stand.url("/core"), &tls, style, password())).unwrap();
    let may = May::new(|| false);
    let sending = Sending { may: Some(&may), ..question(ASKED) };
    let (got, answer) = client.heard(&sending, now()).await;
    let error = answer.unwrap_err();
    assert!(got.is_none() && error.fate() == Fate::NotSent, "{error}");
    assert!(matches!(error, CoreError::Http(HttpError::Over { .. })), "{error}");
    assert_eq!(stand.seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn every_operation_goes_there_and_back_by_rest() {
    let tls = Authority::new().tls(None);
    let batch = PayloadId::new();
    let paths = move |operation| match operation {
        Operation::RealTime => "POST /v4/realtime".to_owned(),
        Operation::BatchSubmit => "POST /v4/batch".to_owned(),
        Operation::BatchReceipt => format!("GET /v4/batch/{batch}/acknowledgement"),
        Operation::BatchResults => format!("GET /v4/batch/{batch}/results"),
        Operation::ResultsReceipt => format!("POST /v4/batch/{batch}/results/acknowledgement"),
    };
    for form in [Form::Text, Form::Base64] {
        let stand = Stand::new(move |seen| {
            assert_eq!(seen.field("authorization"), "Bearer token-1");
            let here = |operation: &Operation| {
                seen.head.starts_with(&format!("{} HTTP", paths(*operation)))
            };
            let operation = Operation::ALL.into_iter().find(|one| here(one)).unwrap();
            if seen.body.is_empty() {
                let body = format!(
                    "{{\"PayloadID\":\"{batch}\",\"PayloadType\":\"{}\",\"ErrorCode\":\"Success\",\"Payload\":{}}}",
                    payload_type::ELIGIBILITY_ANSWER,
                    serde_json::to_string(std::str::from_utf8(ANSWERED).unwrap()).unwrap()
                );
                return Act::Reply(200, "application/json".into(), body.into_bytes());
            }
            let asked =
                server::read_rest(seen.field("content-type"), &seen.body, operation).unwrap();
            assert_eq!(asked.envelope.payload.as_deref(), Some(ASKED));
            let kind = payload_type::ELIGIBILITY_ANSWER;
            let envelope =
                server::back(&asked, kind, Some(ANSWERED.to_vec()), ErrorCode::Success, now());
            reply(server::answer(&asked, &envelope, form).unwrap())
        })
        .await;
        let style = Style::Rest { paths: Paths::default(), form };
        let login = Login::Bearer(Secret::text("token-1".into()));
        let client = Client::new(profile(&stand.url("/v4/"), &tls, style, login)).unwrap();
        for operation in Operation::ALL {
            let payload = operation.submits().then_some(ASKED);
            let sending = Sending { operation, payload, payload_id: batch, ..question(ASKED) };
            let answer = client.call(&sending, now()).await.unwrap();
            assert_eq!(answer.payload.as_deref(), Some(ANSWERED), "{operation:?}");
        }
        assert_eq!(stand.counts(), (5, 5));
    }
}

/// Bytes that XML is bad at.
#[tokio::test]
async fn payloads_come_through_as_they_are() {
    let tls = Authority::new().tls(None);
    let odd: [&[u8]; 4] = [
        b"ISA*00~\r\nGS*HS~\r\n",
        b"ISA*<&>]]>*\"'~]]>]]>",
        b"ISA*00*\x1c\x1d\x1e~",
        b"ISA*\xff\xfe\0~",
    ];
    for (i, payload) in odd.into_iter().enumerate() {
        for form in [Form::Text, Form::Base64, Form::Mtom] {
            let stand = Stand::new(move |seen| soap_server(seen, payload, form, true)).await;
            let style = Style::Soap { rule: Rule::V2, real_time: form, batch: form };
            let client = Client::new(profile(&stand.url("/"), &tls, style, password())).unwrap();
            let answer = match client.call(&question(payload), now()).await {
                Ok(answer) => answer,
                Err(error) => {
                    // Control characters are not text, and nothing was sent.
                    assert!(i >= 2 && form == Form::Text, "{error}");
                    assert_eq!(error, CoreError::Write(EnvelopeFault::Illegal(Field::Payload)));
                    assert_eq!((error.fate(), stand.counts()), (Fate::NotSent, (0, 0)));
                    continue;
                }
            };
            assert_eq!(answer.payload.as_deref(), Some(payload), "{i} {form:?}");
            let seen = stand.seen.lock().unwrap()[0].clone();
            let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
            assert_eq!(asked.envelope.payload.as_deref(), Some(payload), "{i} {form:?}");
        }
    }
}

#[tokio::test]
async fn codes_faults_and_statuses_say_what_became_of_it() {
    let tls = Authority::new().tls(None);
    let fault = |code: &str| {
        format!(
            "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><e:Fault><e:Code><e:Value>e:{code}\
             </e:Value></e:Code></e:Fault></e:Body></e:Envelope>"
        )
        .into_bytes()
    };
    let html = b"<html>MEMBER BIRCH</html>".to_vec();
    let xml = "application/soap+xml";
    for (status, kind, body, fate, words) in [
        (500, xml, fault("Sender"), Fate::Refused, "SOAP fault (ours)"),
        (500, xml, fault("Receiver"), Fate::Unknown, "SOAP fault (its own)"),
        (400, xml, fault("MustUnderstand"), Fate::Refused, "SOAP fault (ours)"),
        (500, "text/html", html.clone(), Fate::Unknown, "status 500"),
        (502, "text/html", html.clone(), Fate::Unknown, "status 502"),
        (401, "text/html", html.clone(), Fate::Refused, "status 401"),
        (404, "text/plain", Vec::new(), Fate::Refused, "status 404"),
        (200, "text/html", html, Fate::Unknown, "another message than expected"),
        (200, xml, Vec::new(), Fate::Unknown, "it is no XML"),
    ] {
        let act = move |_: &Seen| Act::Reply(status, kind.to_owned(), body.clone());
        let stand = Stand::new(act).await;
        let style = Style::soap(Rule::V2);
        let client = Client::new(profile(&stand.url("/"), &tls, style, password())).unwrap();
        let error = client.call(&question(ASKED), now()).await.unwrap_err();
        assert_eq!(error.fate(), fate, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("BIRCH") && !text.contains("p<a>s"), "{text}");
        }
        assert_eq!(stand.counts(), (1, 1));
    }
}

#[tokio::test]
async fn an_error_code_is_read_before_the_payload() {
    let tls = Authority::new().tls(None);
    for (code, fate) in [
        ("PayloadTypeIllegal", Fate::Refused),
        ("UnAuthorized", Fate::Refused),
        ("VersionMismatch", Fate::Refused),
        ("ChecksumMismatched", Fate::Refused),
        ("DownForLunch", Fate::Unknown),
    ] {
        let stand = Stand::new(move |seen| {
            let asked = server::read_soap(seen.field("content-type"), &seen.body).unwrap();
            let payload = Some(ANSWERED.to_vec());
            let code = ErrorCode::read(code);
            let envelope = server::back(&asked, payload_type::ENVELOPE_ERROR, payload, code, now());
            reply(server::answer(&asked, &envelope, Form::Text).unwrap())
        })
        .await;
        let client =
            Client::new(profile(&stand.url("/"), &tls, Style::soap(Rule::V2), password())).unwrap();
        let error = client.call(&question(ASKED), now()).await.unwrap_err();
        let CoreError::Code { code: told, said } = &error else { panic!("{error}") };
        assert_eq!((&*told.text(), error.fate()), (code, fate));
        assert_eq!(said.as_ref().unwrap().text(), "see the code");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("Lunch") && !text.contains("see the code"), "{text}");
    }
}

/// That all is well has to be said, by the envelope and by the status.
#[tokio::test]
async fn what_does_not_say_that_all_is_well_is_not_taken_for_it() {
    let tls = Authority::new().tls(None);
    for (status, code, wanted) in [
        (200, true, None),
        (200, false, Some(CoreError::Unsaid)),
        (500, true, Some(CoreError::Contradiction { status: 500 })),
        (404, true, Some(CoreError::Contradiction { status: 404 })),
    ] {
        for rest in [false, true] {
            let stand = Stand::new(move |seen| {
                let asked = if rest {
                    server::read_rest("application/json", &seen.body, Operation::RealTime)
                } else {
                    server::read_soap(seen.field("content-type"), &seen.body)
                };
                let asked = asked.unwrap();
                let payload = Some(ANSWERED.to_vec());
                let kind = payload_type::ELIGIBILITY_ANSWER;
                let envelope = server::back(&asked, kind, payload, ErrorCode::Success, now());
                let reply = server::answer(&asked, &envelope, Form::Text).unwrap();
                let mut body = String::from_utf8(reply.body).unwrap();
                if !code {
                    body = body.replace("<ErrorCode>Success</ErrorCode>", "");
                    body = body.replace("\"ErrorCode\":\"Success\",", "");
                }
                Act::Reply(status, reply.content_type, body.into_bytes())
            })
            .await;
            let (style, login) = if rest {
                let style = Style::Rest { paths: Paths::default(), form: Form::Text };
                (style, Login::Bearer(Secret::text("token-1".into())))
            } else {
                (Style::soap(Rule::V2), password())
            };
            let client = Client::new(profile(&stand.url("/"), &tls, style, login)).unwrap();
            let error = client.call(&question(ASKED), now()).await.err();
            assert_eq!(error, wanted, "{status}, said: {code}, rest: {rest}");
            assert!(error.is_none_or(|error| error.fate() == Fate::Unknown));
        }
    }
}

#[tokio::test]
async fn the_server_half_refuses_what_the_rule_does_not_allow() {
    let tls = Authority::new().tls(None);
    let stand = Stand::new(|seen| soap_server(seen, ANSWERED, Form::Text, false)).await;
    let style = Style::Soap { rule: Rule::V2, real_time: Form::Text, batch: Form::Text };
    let client = Client::new(profile(&stand.url("/"), &tls, style, password())).unwrap();
    let sending = Sending { operation: Operation::BatchSubmit, ..question(ASKED) };
    client.call(&sending, now()).await.unwrap();
    let seen = stand.seen.lock().unwrap()[0].clone();
    let good = String::from_utf8(seen.body).unwrap();
    let read = |text: &str| server::read_soap("application/soap+xml", text.as_bytes()).err();
    assert_eq!(read(&good), None);
    let between = |text: &str, name: &str, value: Option<&str>| {
        let (before, rest) = text.split_once(&format!("<{name}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
        match value {
            Some(value) => format!("{before}<{name}>{value}</{name}>{after}"),
            None => format!("{before}{after}"),
        }
    };
    for field in [
        Field::PayloadType,
        Field::ProcessingMode,
        Field::PayloadId,
        Field::PayloadLength,
        Field::TimeStamp,
        Field::SenderId,
        Field::ReceiverId,
        Field::RuleVersion,
        Field::CheckSum,
        Field::Payload,
    ] {
        let fault = read(&between(&good, field.name(), None));
        assert_eq!(fault, Some(EnvelopeFault::Missing(field)));
        assert_eq!(fault.unwrap().code(), ErrorCode::Required(field));
    }
    for (field, value, fault) in [
        (Field::ProcessingMode, "RealTime", EnvelopeFault::Illegal(Field::ProcessingMode)),
        (Field::PayloadId, "17", EnvelopeFault::Illegal(Field::PayloadId)),
        (Field::TimeStamp, "yesterday", EnvelopeFault::Illegal(Field::TimeStamp)),
        (Field::RuleVersion, "1.1.0", EnvelopeFault::Version),
        (Field::PayloadLength, "3", EnvelopeFault::Mismatch(Field::PayloadLength)),
        (Field::CheckSum, "00", EnvelopeFault::Mismatch(Field::CheckSum)),
    ] {
        assert_eq!(read(&between(&good, field.name(), Some(value))), Some(fault));
    }
    assert_eq!(
        read(&good.replace("CORERule2.2.0.xsd", "CORERule9.xsd")),
        Some(EnvelopeFault::Version)
    );
}

#[tokio::test]
async fn servers_and_clients_know_each_other_by_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let stand = Stand::with_tls(authority.server(true), |seen| {
        soap_server(seen, ANSWERED, Form::Mtom, false)
    })
    .await;
    let us = authority.identity("river clinic");
    let ask = async |tls: Tls| {
        let style = Style::soap(Rule::V4);
        let url = stand.secure_url("/core");
        let client = Client::new(profile(&url, &tls, style, Login::Certificate)).unwrap();
        client.call(&question(ASKED), now()).await
    };
    let answer = ask(authority.tls(Some(&us))).await.unwrap();
    assert_eq!(answer.payload.as_deref(), Some(ANSWERED));
    // Nobody vouches for the server: nothing is sent.
    let error = ask(stranger.tls(Some(&us))).await.unwrap_err();
    assert!(matches!(error, CoreError::Http(HttpError::Tls { .. })), "{error}");
    assert_eq!(error.fate(), Fate::NotSent);
    // Nobody vouches for us, or we say nothing: the server has read nothing.
    for tls in [authority.tls(Some(&stranger.identity("somebody"))), authority.tls(None)] {
        let error = ask(tls).await.unwrap_err();
        assert!(matches!(error, CoreError::Http(HttpError::Certificate { .. })), "{error}");
        assert_eq!(error.fate(), Fate::Refused);
    }
    assert_eq!(stand.counts(), (4, 1));
}

#[test]
fn profiles_that_contradict_themselves_are_refused() {
    let tls = Authority::new().tls(None);
    let of =
        |style, login| Client::new(profile("https://payer.example/", &tls, style, login)).err();
    let bearer = || Login::Bearer(Secret::text("t".into()));
    let rest = || Style::Rest { paths: Paths::default(), form: Form::Text };
    for (style, login, good) in [
        (Style::soap(Rule::V2), password(), true),
        (Style::soap(Rule::V4), Login::Certificate, true),
        (Style::soap(Rule::V4), password(), false),
        (Style::soap(Rule::V2), bearer(), false),
        (rest(), bearer(), true),
        (rest(), password(), false),
    ] {
        assert_eq!(of(style, login).is_none(), good);
    }
    for (address, error) in [
        ("http://payer.example/", EndpointError::Clear),
        ("https://user:word@payer.example/", EndpointError::Login),
        ("ftp://payer.example/", EndpointError::Address),
        ("payer", EndpointError::Address),
    ] {
        assert_eq!(Endpoint::new(address, &tls).err(), Some(error), "{address}");
    }
}
