//! Bad input, one test per kind: the fault and its place are asserted, and what could be read is there.

use exchange::x12::{
    Event, Fault, FaultCode, Limits, Reader, Severity,
    check::{Answering, check},
    file::File,
    transaction::Transaction,
};

fn corpus(name: &str) -> String {
    let path = format!("{}/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn faults(bytes: impl AsRef<[u8]>) -> Vec<Fault> {
    File::read(bytes.as_ref()).unwrap().1
}

/// The only fault of that kind.
fn one(faults: &[Fault], code: FaultCode) -> &Fault {
    let found: Vec<_> = faults.iter().filter(|f| f.code == code).collect();
    assert_eq!(found.len(), 1, "{code:?} in {faults:#?}");
    found[0]
}

const WHEN: Answering<'_> = Answering { date: "20261121", time: "0931", control: 900 };

fn answer(bytes: &str) -> String {
    let answer = check(bytes.as_bytes()).unwrap().answer(&WHEN);
    let written = String::from_utf8(answer.write().unwrap()).unwrap();
    let told = faults(&written);
    assert!(told.iter().all(|f| f.severity == Severity::Note), "our own answer: {told:?}");
    written
}

#[test]
fn nothing_and_text_that_is_no_interchange() {
    for nothing in ["", "\r\n  \n"] {
        one(&faults(nothing), FaultCode::NoInterchange);
    }
    let told = faults("dear payer, please find attached");
    one(&told, FaultCode::TextOutside);
    let before = format!("mail header\r\n\r\n{}bye", corpus("270"));
    let (file, told) = File::read(before.as_bytes()).unwrap();
    assert_eq!(file.interchanges.len(), 1);
    assert_eq!(told.iter().filter(|f| f.code == FaultCode::TextOutside).count(), 2);
}

#[test]
fn a_byte_order_mark() {
    let (file, told) = File::read(format!("\u{feff}{}", corpus("270")).as_bytes()).unwrap();
    assert_eq!(one(&told, FaultCode::ByteOrderMark).place.at.offset, 0);
    assert_eq!(file.interchanges[0].groups.len(), 1);
}

#[test]
fn line_ends_anywhere() {
    // Wrapped at 80 columns, in the middle of the ISA too.
    let text = corpus("835");
    let wrapped: Vec<&str> =
        text.as_bytes().chunks(80).map(|c| std::str::from_utf8(c).unwrap()).collect();
    let (file, told) = File::read(wrapped.join("\r\n").as_bytes()).unwrap();
    assert!(told.iter().all(|f| f.code == FaultCode::LineBreakInside), "{told:?}");
    assert_eq!(told[0].place.id, "ISA");
    assert_eq!(file, File::read(text.as_bytes()).unwrap().0);
}

#[test]
fn an_isa_that_was_not_padded_or_has_no_separators() {
    let narrow = corpus("270").replace("PROVIDER01     *ZZ", "PROVIDER01*ZZ");
    let (file, told) = File::read(narrow.as_bytes()).unwrap();
    one(&told, FaultCode::HeaderWidth);
    assert_eq!(file.interchanges[0].isa.sender, "PROVIDER01");
    assert_eq!(file.interchanges[0].groups[0].sets.len(), 1);
    let short = "ISA*00*too*short~GS*HS~";
    assert_eq!(one(&faults(short), FaultCode::HeaderUnreadable).place.id, "ISA");
    let clash = corpus("270").replacen(":~", "*~", 1);
    one(&faults(clash), FaultCode::HeaderUnreadable);
}

#[test]
fn wrong_counts_and_control_numbers() {
    let text = corpus("270");
    let told = faults(text.replace("SE*13*", "SE*14*"));
    let fault = one(&told, FaultCode::Count);
    assert_eq!(
        (fault.place.id.as_str(), fault.place.element, fault.place.at.segment),
        ("SE", 1, 13)
    );
    assert_eq!(fault.place.at.offset, text.find("SE*13").unwrap() as u64 + 3);
    let told = faults(text.replace("SE*13*0001", "SE*13*0002"));
    assert_eq!(one(&told, FaultCode::ControlNumber).place.element, 2);
    let told = faults(text.replace("GE*1*", "GE*2*"));
    assert_eq!(one(&told, FaultCode::Count).place.id, "GE");
    let told = faults(text.replace("IEA*1*0", "IEA*3*0"));
    assert_eq!(one(&told, FaultCode::Count).place.id, "IEA");
}

#[test]
fn envelopes_inside_each_other_and_missing_ends() {
    let text = corpus("270");
    let cut = text.replace("SE*13*0001~", "");
    assert_eq!(one(&faults(&cut), FaultCode::MissingTrailer).place.id, "ST");
    // An interchange inside a set: the outer ones are told to have no end, the inner one is whole.
    let at = text.find("EQ*30").unwrap();
    let nested =
        format!("{}{}{}", &text[..at], text.replace("000000101", "000000999"), &text[at..]);
    let (file, told) = File::read(nested.as_bytes()).unwrap();
    let ends: Vec<_> = told
        .iter()
        .filter(|f| f.code == FaultCode::MissingTrailer)
        .map(|f| f.place.id.as_str())
        .collect();
    assert_eq!(ends, ["ST", "GS", "ISA"]);
    assert_eq!(file.interchanges.len(), 2);
    assert!(matches!(file.interchanges[1].groups[0].sets[0], Transaction::Eligibility(_)));
    // Two sets, the first without its end.
    let st = text.find("ST*").unwrap();
    let twice = format!("{}{}", &text[..at], &text[st..]).replace("GE*1*", "GE*2*");
    let (file, told) = File::read(twice.as_bytes()).unwrap();
    assert_eq!(file.interchanges[0].groups[0].sets.len(), 2);
    one(&told, FaultCode::MissingTrailer);
    one(&told, FaultCode::Duplicate);
    // A trailer without a header.
    assert_eq!(
        one(&faults(text.replace("ST*270*0001*005010X279A1~", "")), FaultCode::MissingHeader)
            .place
            .id,
        "SE"
    );
}

#[test]
fn control_numbers_used_twice() {
    let text = corpus("270");
    let told = faults(format!("{text}{text}"));
    let fault = one(&told, FaultCode::Duplicate);
    assert_eq!((fault.place.at.interchange, fault.place.id.as_str()), (2, "ISA"));
    let answered = answer(&format!("{text}{text}"));
    assert!(answered.contains("TA1*000000101*261121*0930*R*025~"), "{answered}");
}

#[test]
fn an_element_of_ten_megabytes() {
    let huge = corpus("270").replace("RIVER CLINIC", &"A".repeat(10 << 20));
    let (file, told) = File::read(huge.as_bytes()).unwrap();
    let fault = one(&told, FaultCode::SegmentTooLong);
    assert_eq!(fault.place.at.set, 1);
    assert_eq!(fault.place.at.offset, huge.find("NM1*1P").unwrap() as u64);
    assert_eq!(file.interchanges[0].groups.len(), 1, "reading goes on behind it");
    assert!(file.write().unwrap().len() < 1000, "nothing of it is kept");
    let mut reader =
        Reader::with_limits(huge.as_bytes(), Limits { segment: 64 << 20, ..Limits::default() });
    let mut longest = 0;
    while let Some(event) = reader.next().unwrap() {
        if let Event::Segment(segment) = event {
            longest = longest.max(segment.bytes().len());
        }
    }
    assert!(longest > 10 << 20, "a larger limit reads it");
}

#[test]
fn bytes_that_are_not_utf_8() {
    let mut bytes = corpus("270").into_bytes();
    let at = String::from_utf8(bytes.clone()).unwrap().find("CLINIC").unwrap();
    bytes[at] = 0xE9;
    let told = faults(&bytes);
    let fault = one(&told, FaultCode::NotUtf8);
    assert_eq!((fault.place.at.offset, fault.place.element), (at as u64, 3));
    let accented = corpus("270").replace("CLINIC", "CLÍNIC");
    assert!(faults(accented).iter().all(|f| f.code != FaultCode::NotUtf8));
}

#[test]
fn empty_segments_and_separators_at_the_end() {
    let told = faults(corpus("270").replace("EQ*30~", "~EQ*30**~"));
    one(&told, FaultCode::EmptySegment);
    assert_eq!(one(&told, FaultCode::TrailingSeparator).place.id, "EQ");
    assert!(told.iter().all(|f| f.severity < Severity::Error));
}

#[test]
fn versions_and_groups_that_do_not_belong_together() {
    let text = corpus("278_request");
    let told = faults(text.replace("GS*HI*", "GS*HC*"));
    assert_eq!(one(&told, FaultCode::VersionMix).place.id, "ST");
    let told = faults(text.replace("*00501*", "*00401*"));
    assert_eq!(one(&told, FaultCode::VersionMix).place.id, "GS");
    let old = text.replace("005010X217", "004010X094A1");
    assert!(matches!(
        File::read(old.as_bytes()).unwrap().0.interchanges[0].groups[0].sets[0],
        Transaction::Other(_)
    ));
}

#[test]
fn segments_and_elements_at_fault_are_answered_by_a_999() {
    let text = corpus("276");
    let bad = text
        .replace("DMG*D8*19800214*F~", "DMG*D8*1980021*F~XYZ*1~")
        .replace("REF*EJ*PCN-7781~", "REF*EJTOOLONG*PCN-7781~")
        .replace("SE*16*", "SE*17*");
    let checked = check(bad.as_bytes()).unwrap();
    assert!(!checked.acceptable());
    let date = one(&checked.faults, FaultCode::BadDate);
    assert_eq!((date.place.id.as_str(), date.place.at.segment, date.place.element), ("DMG", 10, 2));
    assert_eq!(one(&checked.faults, FaultCode::UnknownSegment).place.at.segment, 11);
    let answered = answer(&bad);
    for line in [
        "AK1*HR*104*005010X212~",
        "AK2*276*0001*005010X212~",
        "IK3*DMG*10**8~IK4*2*1251*8~",
        "IK3*XYZ*11*2000*1~",
        "IK3*REF*14*2200*8~IK4*1*128*5~",
        "IK5*R*5~",
        "AK9*R*1*1*0~",
    ] {
        assert!(answered.contains(line), "{line} in {answered}");
    }
    assert!(!answered.contains("1980021"), "no value is repeated");
    let fine = answer(&text);
    assert!(
        fine.contains("IK5*A~") && fine.contains("AK9*A*1*1*1~") && !fine.contains("TA1"),
        "{fine}"
    );
}

#[test]
fn receipts_are_never_answered_and_a_refused_interchange_gets_a_ta1_alone() {
    for name in ["999", "ta1"] {
        assert!(
            check(corpus(name).as_bytes()).unwrap().answer(&WHEN).interchanges.is_empty(),
            "{name}"
        );
    }
    let answered = answer(&corpus("276").replace("IEA*1*", "IEA*2*"));
    assert!(answered.contains("*R*021~IEA*0*"), "{answered}");
    let wanted = answer(&corpus("276").replace("*0*T*:~", "*1*T*:~"));
    assert!(wanted.contains("*A*000~GS*FA*PAYER01*PROVIDER01*"), "{wanted}");
}

#[test]
fn a_remittance_off_by_one_cent() {
    let text = corpus("835");
    for (from, to, code) in [
        ("CAS*CO*45*30~", "CAS*CO*45*30.01~", FaultCode::LineBalance),
        ("CLP*PCN-7781*1*450*320*", "CLP*PCN-7781*1*450*319.99*", FaultCode::ClaimBalance),
        ("BPR*I*300*", "BPR*I*300.01*", FaultCode::PaymentBalance),
        ("*20~SE", "*20.01~SE", FaultCode::PaymentBalance),
        ("*320*50*", "*320*49.99*", FaultCode::PatientShare),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        one(&faults(broken), code);
    }
    assert!(faults(text.replace("BPR*I*300*", "BPR*I*300.00*")).is_empty());
}

#[test]
fn a_denial_is_no_refusal() {
    let text = corpus("278_response");
    let review = |text: &str| {
        let (file, faults) = File::read(text.as_bytes()).unwrap();
        match file.interchanges[0].groups[0].sets[0].clone() {
            Transaction::Review(review) => (review, faults),
            other => panic!("{other:?}"),
        }
    };
    let said = |text: &str| {
        let (review, _) = review(text);
        let event = review.events().next().unwrap();
        serde_json::to_value(event.said()).unwrap()["says"].as_str().unwrap().to_owned()
    };
    assert_eq!(said(&text.replace("HCR*A1*AUTH0042~", "HCR*A3**0F~")), "decided");
    assert_eq!(said(&text.replace("HCR*A1*AUTH0042~", "")), "nothing");
    assert_eq!(said(&text.replace("UM*HS*I*73*11:B~HCR*A1*AUTH0042~", "AAA*N**33*C~")), "refused");
    let (_, told) = review(&text.replace("HCR*A1*AUTH0042~", "HCR*A1~"));
    assert_eq!(told.iter().filter(|f| f.code == FaultCode::DecisionBare).count(), 2);
    let (_, told) = review(&text.replace("BHT*0007*11*", "BHT*0007*13*"));
    assert_eq!(told.iter().filter(|f| f.code == FaultCode::DecisionInRequest).count(), 2);
    let (_, told) = review(&text.replace("HCR*A1*AUTH0042~", ""));
    assert!(told.iter().any(|f| f.code == FaultCode::Undecided));
}

#[test]
fn hierarchies_identifiers_and_codes() {
    let text = corpus("270");
    let told = faults(text.replace("HL*3*2*22*0~", "HL*4*2*22*1~"));
    assert_eq!(told.iter().filter(|f| f.code == FaultCode::Hierarchy).count(), 2);
    let told = faults(text.replace("HL*3*2*22", "HL*3*9*22"));
    assert!(told.iter().any(|f| f.code == FaultCode::Hierarchy && f.place.element == 2));
    one(&faults(text.replace("1234567893", "1234567890")), FaultCode::ProviderDigit);
    let told = faults(corpus("277").replace("STC*F1:65", "STC*F9:65"));
    let fault = one(&told, FaultCode::Unmapped);
    assert_eq!((fault.place.element, fault.place.component), (1, 1));
    let told = faults(corpus("278_request").replace("20261201-20261231", "20261231-20261201"));
    one(&told, FaultCode::DateOrder);
    let told = faults(corpus("277ca").replace("QTY*90*1~", "QTY*90*2~"));
    assert!(one(&told, FaultCode::Totals).detail.contains("90"));
}

#[test]
fn binary_data_may_hold_separators_and_lies_about_its_length_are_told() {
    let text = corpus("275");
    let (file, told) = File::read(text.as_bytes()).unwrap();
    assert!(told.iter().all(|f| f.severity == Severity::Note), "{told:?}");
    let Transaction::Attachment(attachment) = &file.interchanges[0].groups[0].sets[0] else {
        panic!("no 275")
    };
    let data = attachment.documents[0].contents[0].data.as_ref().unwrap();
    assert!(data.data.0.ends_with(b"* ~ ^ are data here</ClinicalDocument>"));
    let lie = text.replace("BIN*67*", "BIN*60*");
    if lie == text {
        panic!("the corpus changed: {text}");
    }
    one(&faults(lie), FaultCode::BinaryLength);
    let huge = text.replace("BIN*67*", "BIN*99999999999*");
    assert!(faults(huge).iter().any(|f| f.code == FaultCode::SegmentTooLong));
}

#[test]
fn no_value_stands_in_any_fault() {
    for name in ["270", "271", "276", "277", "277ca", "278_request", "278_response", "835"] {
        let text = corpus(name)
            .replace("BIRCH", "BIR\u{1}CH")
            .replace("19800214", "19809914")
            .replace("W123456789", "W");
        for fault in faults(text) {
            let said = serde_json::to_string(&fault).unwrap() + &fault.to_string();
            for value in ["BIRCH", "CH*", "TESTB", "19809914", "CLINIC"] {
                assert!(!said.contains(value), "{name}: {said}");
            }
        }
    }
}

#[test]
fn a_value_that_holds_a_separator_is_not_written() {
    let (mut file, _) = File::read(corpus("270").as_bytes()).unwrap();
    let Transaction::Eligibility(t) = &mut file.interchanges[0].groups[0].sets[0] else {
        panic!("no 270")
    };
    t.bht.reference = "A*B".into();
    let told = file.write().unwrap_err();
    let fault = one(&told, FaultCode::Unwritable);
    assert_eq!((fault.place.id.as_str(), fault.place.element), ("BHT", 3));
    assert!(!fault.to_string().contains("A*B"));
}
