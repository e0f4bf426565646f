//! AS2 with pyas2lib as the partner, both ways, and receipts and messages that are not what they should be.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use transport::{
    Certificate, Fate, Identity, Secret,
    as2::{
        self, As2Error, CmsFault, Delivery, Digest, Document, MdnError, Outgoing, Partner,
        ReceiptWanted, mdn, message,
    },
    credential::{Rotation, State, inventory},
    http::Endpoint,
    mime::{Fields, Part},
};

use crate::{
    judges::judges,
    stand::{Act, Authority, Stand, limits, rsa},
};

const BATCH: &[u8] = b"ISA*00*MEMBER BIRCH~GS*HR~ST*276*0001~SE*2*0001~GE*1*1~IEA*1*000000101~";
const BEGIN: (i32, u8, u8) = (2026, 1, 1);
const END: (i32, u8, u8) = (2027, 1, 1);

fn now() -> Timestamp {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

/// A certificate with its key, in PEM.
struct Pair(String, String);

impl Pair {
    fn new(name: &str) -> Self {
        let (certificate, key) = rsa(name, BEGIN, END);
        Self(certificate, key)
    }

    fn certificate(&self) -> Certificate {
        Certificate::new(self.0.as_bytes()).unwrap()
    }

    fn identity(&self) -> Identity {
        Identity::new(self.0.as_bytes(), &Secret::text(self.1.clone())).unwrap()
    }
}

/// A partner as one side knows it.
fn partner(us: (&str, &Pair), them: (&str, &Pair)) -> Partner {
    Partner {
        us: us.0.into(),
        them: them.0.into(),
        ours: Rotation::new(us.1.identity()),
        theirs: Rotation::new(them.1.certificate()),
        digest: Digest::Sha256,
        compress: false,
        largest: 1 << 20,
    }
}

/// Both sides, as they know each other.
fn both() -> (Partner, Partner, Pair, Pair) {
    let (ours, theirs) = (Pair::new("River Clinic"), Pair::new("Acme Health"));
    let us = partner(("RIVER", &ours), ("ACME EDI", &theirs));
    let them = partner(("ACME EDI", &theirs), ("RIVER", &ours));
    (us, them, ours, theirs)
}

fn document(bytes: &[u8]) -> Document<'_> {
    Document { name: "batch.edi", media: "application/edi-x12", bytes }
}

fn wrapped(us: &Partner, bytes: &[u8]) -> Outgoing {
    message::wrap(us, &document(bytes), &ReceiptWanted::Now, now()).unwrap()
}

fn fields(headers: &[(&'static str, String)]) -> Fields {
    headers.iter().map(|(name, value)| (*name, value.clone())).collect()
}

fn raw(headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let head: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    [head.as_bytes(), b"\r\n", body].concat()
}

/// pyas2lib, being the partner.
struct Judge {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Judge {
    #[expect(clippy::disallowed_methods, reason = "ended by its id when the test drops it")]
    fn start() -> Option<Self> {
        let folder = judges("as2")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transport/judges/judge.py");
        let mut child = Command::new("python3")
            .arg(script)
            .env("PYTHONPATH", folder.join("py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asks, says) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { child, asks, says: BufReader::new(says) })
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.asks, "{what}").unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("the judge ended; its reason is above")
    }

    fn partner(&mut self, theirs: &Pair, ours: &Pair, more: &Value) {
        let mut asked = json!({
            "do": "partner", "here": "ACME EDI", "there": "RIVER",
            "key": STANDARD.encode(format!("{}{}", theirs.0, theirs.1)),
            "certificate": STANDARD.encode(&ours.0),
        });
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        self.ask(&asked);
    }

    fn bytes(&mut self, what: &str, bytes: &[u8]) -> Value {
        self.ask(
            &json!({ "do": what, "raw": STANDARD.encode(bytes), "data": STANDARD.encode(bytes) }),
        )
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn pyas2lib_takes_what_we_send_and_we_take_its_receipt() {
    let Some(mut judge) = Judge::start() else { return };
    let (mut us, _, ours, theirs) = both();
    let odd = [b"ISA*\r\nA~\nB\r~".as_slice(), &[0, 255, 13, 10, 7]].concat();
    for (digest, name) in [(Digest::Sha256, "sha256"), (Digest::Sha512, "sha512")] {
        judge.partner(&theirs, &ours, &json!({ "digest": name }));
        for (compress, bytes) in [(false, BATCH), (true, BATCH), (true, &odd)] {
            (us.digest, us.compress) = (digest, compress);
            let outgoing = wrapped(&us, bytes);
            let said = judge.bytes("receive", &raw(&outgoing.headers, &outgoing.body));
            assert_eq!(said["status"], "processed", "{said}");
            assert_eq!(decoded(&said["content"]), bytes);
            assert_eq!(said["compressed"], compress);
            let receipt = decoded(&said["mdn"]);
            let receipt = Part::read(&receipt).unwrap();
            let good =
                mdn::judge(&us, &outgoing.sent, &receipt.fields, receipt.body, now()).unwrap();
            assert_eq!((good.message_id, good.digest), (outgoing.sent.message_id.clone(), digest));
            assert_eq!(mdn::about(&receipt.fields, receipt.body), Some(outgoing.sent.message_id));
        }
    }
    // What pyas2lib refuses, its receipt says; we read that as a refusal.
    let impostor = partner(("RIVER", &Pair::new("River Clinic")), ("ACME EDI", &theirs));
    let outgoing = wrapped(&impostor, BATCH);
    let said = judge.bytes("receive", &raw(&outgoing.headers, &outgoing.body));
    assert_ne!(said["status"], "processed");
    let receipt = decoded(&said["mdn"]);
    let receipt = Part::read(&receipt).unwrap();
    let error = mdn::judge(&us, &outgoing.sent, &receipt.fields, receipt.body, now()).unwrap_err();
    assert!(matches!(error, MdnError::Failed(_)), "{error}");
    assert_eq!(error.fate(), Fate::Refused);
}

#[test]
fn we_take_what_pyas2lib_sends_and_it_takes_our_receipt() {
    let Some(mut judge) = Judge::start() else { return };
    let (us, _, ours, theirs) = both();
    for more in [
        json!({}),
        json!({ "compress": true }),
        json!({ "digest": "sha384", "cipher": "aes_128_cbc" }),
        json!({ "digest": "sha512", "cipher": "aes_192_cbc", "compress": true }),
    ] {
        judge.partner(&theirs, &ours, &more);
        let said = judge.bytes("build", BATCH);
        let came = decoded(&said["raw"]);
        let came = Part::read(&came).unwrap();
        let received = as2::message::receive(&us, &came.fields, came.body, now())
            .map_err(|rejected| rejected.error)
            .unwrap();
        assert_eq!(received.bytes, BATCH, "{more}");
        assert_eq!(
            (received.mic.as_str(), received.name.as_deref()),
            (said["mic"].as_str().unwrap(), Some("batch.edi"))
        );
        assert_eq!(received.receipt, Some(ReceiptWanted::Now));
        let answer = mdn::answer(&us, &came.fields, Ok(&received), now()).unwrap();
        let verdict = judge.bytes("judge", &raw(&answer.headers, &answer.body));
        assert_eq!(verdict["status"], "processed", "{verdict}");
        // And what we do not take, it reads as not taken.
        let stranger = partner(("RIVER", &ours), ("ACME EDI", &Pair::new("Somebody")));
        let rejected =
            as2::message::receive(&stranger, &came.fields, came.body, now()).err().unwrap();
        assert_eq!(rejected.error, As2Error::Cms(CmsFault::Signer));
        let answer = mdn::answer(&us, &came.fields, Err(&rejected), now()).unwrap();
        let verdict = judge.bytes("judge", &raw(&answer.headers, &answer.body));
        assert_eq!(verdict["status"], "processed/error", "{verdict}");
    }
    // Ciphers of the last century are refused by name.
    judge.partner(&theirs, &ours, &json!({ "cipher": "tripledes_192_cbc" }));
    let came = decoded(&judge.bytes("build", BATCH)["raw"]);
    let came = Part::read(&came).unwrap();
    let rejected = as2::message::receive(&us, &came.fields, came.body, now()).err().unwrap();
    assert_eq!(rejected.error, As2Error::Cms(CmsFault::Algorithm));
}

#[tokio::test]
async fn a_batch_goes_to_pyas2lib_by_http() {
    let Some(mut judge) = Judge::start() else { return };
    let (us, _, ours, theirs) = both();
    judge.partner(&theirs, &ours, &json!({}));
    let port = judge.ask(&json!({ "do": "serve" }))["port"].as_u64().unwrap();
    let tls = Authority::new().tls(None);
    let endpoint = Endpoint::new(&format!("http://127.0.0.1:{port}/as2"), &tls).unwrap();
    let outgoing = wrapped(&us, BATCH);
    let delivery = as2::send(&endpoint, &limits(), &us, &outgoing, now()).await.unwrap();
    let Delivery::Received(receipt) = delivery else { panic!("no receipt") };
    assert_eq!(receipt.message_id, outgoing.sent.message_id);
}

/// A receipt of the other side for a message that reached it, as bytes.
fn receipt_for(them: &Partner, outgoing: &Outgoing) -> (Fields, Vec<u8>) {
    let head = fields(&outgoing.headers);
    let came = message::receive(them, &head, &outgoing.body, now()).map_err(|r| r.error).unwrap();
    assert_eq!(came.bytes, BATCH);
    let answer = mdn::answer(them, &head, Ok(&came), now()).unwrap();
    (fields(&answer.headers), answer.body)
}

#[test]
fn receipts_that_are_none() {
    let (us, them, ours, theirs) = both();
    let outgoing = wrapped(&us, BATCH);
    let (head, body) = receipt_for(&them, &outgoing);
    let judge = |us: &Partner, head: &Fields, body: &[u8]| {
        mdn::judge(us, &outgoing.sent, head, body, now()).map(|_| ())
    };
    assert_eq!(judge(&us, &head, &body), Ok(()));
    let text = String::from_utf8(body.clone()).unwrap();
    // Wrong signature: one letter of what was signed is another.
    let changed = text.replace("automatic-action", "Automatic-action");
    let wrong = Err(MdnError::Signature(CmsFault::Signature));
    assert_eq!(judge(&us, &head, changed.as_bytes()), wrong);
    // Signed by somebody else, or by a certificate that is over.
    let stranger = Pair::new("Acme Health");
    let other = partner(("RIVER", &ours), ("ACME EDI", &stranger));
    assert_eq!(judge(&other, &head, &body), Err(MdnError::Signature(CmsFault::Signer)));
    let after: Timestamp = "2027-01-02T00:00:00Z".parse().unwrap();
    let late = mdn::judge(&us, &outgoing.sent, &head, &body, after).map(|_| ());
    assert_eq!(late, Err(MdnError::Signature(CmsFault::Expired)));
    // While a certificate changes, both are good.
    let mut changing = other.clone();
    changing.theirs.begin(theirs.certificate(), now()).unwrap();
    assert_eq!(judge(&changing, &head, &body), Ok(()));
    // Not signed: the report without its signature.
    let whole = Part { fields: head.clone(), body: &body, whole: &body };
    let report = whole.parts().unwrap()[0].clone();
    assert_eq!(judge(&us, &report.fields, report.body), Err(MdnError::Unsigned));
    // For another message; with another check value.
    let mut sent = outgoing.sent.clone();
    sent.message_id = "other@fleet".into();
    assert_eq!(mdn::judge(&us, &sent, &head, &body, now()), Err(MdnError::OtherMessage));
    let mut sent = outgoing.sent.clone();
    sent.mic = STANDARD.encode(Digest::Sha256.of(b"something else"));
    let error = mdn::judge(&us, &sent, &head, &body, now()).unwrap_err();
    assert_eq!((&error, error.fate()), (&MdnError::Mic, Fate::Unknown));
    // A "no" is one; the partner's words for it are for people, not for texts of errors.
    let asked = fields(&outgoing.headers);
    let rejected = message::receive(&them, &asked, b"no message", now()).err().unwrap();
    let no = mdn::answer(&them, &asked, Err(&rejected), now()).unwrap();
    let error = judge(&us, &fields(&no.headers), &no.body).unwrap_err();
    let MdnError::Failed(said) = &error else { panic!("{error}") };
    assert!(said.text().contains("decryption-failed"), "{}", said.text());
    assert!(!format!("{error} {error:?}").contains("decryption"), "{error:?}");
    // Cut short anywhere it is no receipt.
    for cut in (0..text.len() - 4).step_by(97) {
        assert!(judge(&us, &head, &text.as_bytes()[..cut]).is_err(), "{cut}");
    }
    let html: Fields = [("Content-Type", "text/html")].into_iter().collect();
    assert_eq!(judge(&us, &html, b"<html>"), Err(MdnError::Form));
}

#[test]
fn messages_that_are_not_taken() {
    let (us, them, ours, theirs) = both();
    let receive = |them: &Partner, head: &Fields, body: &[u8]| {
        message::receive(them, head, body, now()).map(|_| ()).map_err(|rejected| rejected.error)
    };
    let outgoing = wrapped(&us, BATCH);
    let head = fields(&outgoing.headers);
    assert_eq!(receive(&them, &head, &outgoing.body), Ok(()));
    // Somebody else's; for somebody else; from one who only says that he is the partner.
    assert_eq!(receive(&us, &head, &outgoing.body), Err(As2Error::Partner));
    let other = partner(("ACME EDI", &Pair::new("Acme Health")), ("RIVER", &ours));
    assert_eq!(receive(&other, &head, &outgoing.body), Err(As2Error::Cms(CmsFault::Recipient)));
    let impostor = partner(("RIVER", &Pair::new("River Clinic")), ("ACME EDI", &theirs));
    let forged = wrapped(&impostor, BATCH);
    let told = receive(&them, &fields(&forged.headers), &forged.body);
    assert_eq!(told, Err(As2Error::Cms(CmsFault::Signer)));
    // Not encrypted.
    let bare: Fields = [
        ("AS2-From", "RIVER"),
        ("AS2-To", "\"ACME EDI\""),
        ("Message-ID", "<1@x>"),
        ("Content-Type", "application/edi-x12"),
    ]
    .into_iter()
    .collect();
    assert_eq!(receive(&them, &bare, BATCH), Err(As2Error::Missing("encryption")));
    // Every byte that is another byte, and every cut: never a panic, and never taken but as what was signed.
    for at in (0..outgoing.body.len()).step_by(61) {
        let mut body = outgoing.body.clone();
        body[at] ^= 0x10;
        if let Ok(received) = message::receive(&them, &head, &body, now()) {
            assert_eq!(
                (received.bytes.as_slice(), &received.mic),
                (BATCH, &outgoing.sent.mic),
                "{at}"
            );
        }
        assert!(receive(&them, &head, &outgoing.body[..at]).is_err(), "{at}");
    }
    // Small on the wire, and too large unpacked.
    let mut packing = us.clone();
    packing.compress = true;
    let zeros = vec![b'0'; 5 << 20];
    let bomb = wrapped(&packing, &zeros);
    assert!(bomb.body.len() < 100_000);
    let told = receive(&them, &fields(&bomb.headers), &bomb.body);
    assert_eq!(told, Err(As2Error::Cms(CmsFault::Large(1 << 20))));
}

/// RFC 5280 writes "no end that is known" as the last second of the year 9999.
#[test]
fn a_certificate_without_an_end_is_one() {
    let (certificate, key) = rsa("Acme Health", BEGIN, (9999, 12, 31));
    let endless = Certificate::new(certificate.as_bytes()).unwrap();
    assert!(endless.good(now()) && endless.good(Timestamp::MAX));
    let identity = Identity::new(certificate.as_bytes(), &Secret::text(key)).unwrap();
    let ended = Pair::new("River Clinic").certificate();
    let list = inventory(&[("a", &endless), ("b", &identity), ("c", &ended)], now());
    let told: Vec<_> = list.iter().map(|entry| (entry.purpose.as_str(), entry.state)).collect();
    assert_eq!(told, [("c", State::TwoMonths), ("a", State::Endless), ("b", State::Endless)]);
    assert_eq!(list[1].until, None);
}

/// By the answers nobody can find out what is in a message: whatever fails before the partner's signature is good fails in the same
/// words, of the same length.
#[test]
fn refusals_of_what_is_sealed_are_all_the_same() {
    let (us, them, _, theirs) = both();
    let outgoing = wrapped(&us, BATCH);
    let head = fields(&outgoing.headers);
    let refusal = |head: &Fields, body: &[u8]| {
        let rejected = message::receive(&them, head, body, now()).err().unwrap();
        let answer = mdn::answer(&them, head, Err(&rejected), now()).unwrap();
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let said = text.lines().find(|line| line.starts_with("Disposition:")).unwrap();
        (rejected.error, said.to_owned(), answer.body.len())
    };
    let changed = |from_end: usize| {
        let mut body = outgoing.body.clone();
        let at = body.len() - from_end;
        body[at] ^= 1;
        body
    };
    // The last block decrypts to other padding; the first one to another head; the key is another.
    let key = outgoing.body.windows(4).position(|w| w == [4, 0x82, 1, 0]).unwrap() + 40;
    let mut other_key = outgoing.body.clone();
    other_key[key] ^= 1;
    let mut seen = vec![
        refusal(&head, &changed(17)),
        refusal(&head, &changed(outgoing.body.len() / 2)),
        refusal(&head, &other_key),
        refusal(&head, &outgoing.body[..outgoing.body.len() / 2]),
    ];
    // Decrypted without a fault: signed by somebody else, by nobody any more, for somebody else.
    let impostor = partner(("RIVER", &Pair::new("River Clinic")), ("ACME EDI", &theirs));
    let forged = wrapped(&impostor, BATCH);
    seen.push(refusal(&head, &forged.body));
    let other = Pair::new("Somebody");
    let elsewhere = partner(("RIVER", &Pair::new("River Clinic")), ("ACME EDI", &other));
    seen.push(refusal(&head, &wrapped(&elsewhere, BATCH).body));
    let errors: Vec<&As2Error> = seen.iter().map(|(error, ..)| error).collect();
    assert!(errors.contains(&&As2Error::Cms(CmsFault::Signer)), "our own log tells: {errors:?}");
    assert!(errors.contains(&&As2Error::Cms(CmsFault::Recipient)), "{errors:?}");
    for (error, said, length) in &seen {
        assert_eq!((said, length), (&seen[0].1, &seen[0].2), "{error}");
    }
    assert!(seen[0].1.contains("decryption-failed"), "{}", seen[0].1);
    // What is wrong with the head is no secret.
    let bare: Fields = [("AS2-From", "RIVER"), ("AS2-To", "\"ACME EDI\""), ("Message-ID", "<1@x>")]
        .into_iter()
        .collect();
    assert!(refusal(&bare, BATCH).1.contains("insufficient-message-security"));
}

#[tokio::test]
async fn sending_says_what_became_of_the_document() {
    let (us, them, ..) = both();
    let tls = Authority::new().tls(None);
    let now_wanted = ReceiptWanted::Now;
    let later = ReceiptWanted::At("https://river.example/as2/receipts".into());
    let good = {
        let them = them.clone();
        move |seen: &crate::stand::Seen| {
            let head: Fields =
                seen.head.lines().skip(1).filter_map(|line| line.split_once(": ")).collect();
            let came =
                message::receive(&them, &head, &seen.body, now()).map_err(|r| r.error).unwrap();
            let answer = mdn::answer(&them, &head, Ok(&came), now()).unwrap();
            let kind = fields(&answer.headers).get("content-type").to_owned();
            Act::Reply(200, kind, answer.body)
        }
    };
    let ask = async |stand: &Stand, receipt: &ReceiptWanted| {
        let endpoint = Endpoint::new(&stand.url("/as2"), &tls).unwrap();
        let outgoing = message::wrap(&us, &document(BATCH), receipt, now()).unwrap();
        let result = as2::send(&endpoint, &limits(), &us, &outgoing, now()).await;
        assert_eq!(stand.counts(), (1, 1), "sent once");
        assert!(!format!("{result:?}").contains("BIRCH"));
        result
    };
    let delivered = ask(&Stand::new(good).await, &now_wanted).await.unwrap();
    assert!(matches!(delivered, Delivery::Received(_)));
    let empty =
        |status| move |_: &crate::stand::Seen| Act::Reply(status, "text/plain".into(), Vec::new());
    assert_eq!(ask(&Stand::new(empty(202)).await, &later).await, Ok(Delivery::Awaiting));
    for (status, fate) in [(200, Fate::Unknown), (403, Fate::Refused), (500, Fate::Unknown)] {
        let error = ask(&Stand::new(empty(status)).await, &now_wanted).await.unwrap_err();
        assert_eq!(error.fate(), fate, "{status}: {error}");
    }
    // A certificate that is over sends nothing.
    let after: Timestamp = "2027-01-02T00:00:00Z".parse().unwrap();
    let error = message::wrap(&us, &document(BATCH), &now_wanted, after).err().unwrap();
    assert_eq!((error.fate(), matches!(error, As2Error::Certificate(_))), (Fate::NotSent, true));
}
