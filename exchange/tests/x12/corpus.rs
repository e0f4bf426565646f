//! Every transaction of the corpus: read without a fault, written back byte for byte, by value and through JSON.

use std::{fs, path::PathBuf};

use exchange::x12::{
    Event, FaultCode, Reader, Severity,
    file::File,
    transaction::{Kind, Transaction},
};

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "edi"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 11, "the corpus is there");
    files
}

#[test]
fn canonical_files_are_read_without_a_fault_and_written_back_byte_for_byte() {
    for (name, bytes) in corpus() {
        let (file, faults) = File::read(bytes.as_slice()).unwrap();
        let told: Vec<_> = faults
            .iter()
            .filter(|f| f.severity > Severity::Note)
            .map(ToString::to_string)
            .collect();
        assert!(told.is_empty(), "{name}: {told:#?}");
        let written = file.write().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&written),
            String::from_utf8_lossy(&bytes),
            "{name} is written as it was read"
        );
        let json = serde_json::to_string_pretty(&file).unwrap();
        let back: File = serde_json::from_str(&json).unwrap();
        assert_eq!(back, file, "{name} survives JSON");
        assert!(!json.contains("\"strays\""), "{name}: nothing was left over");
    }
}

#[test]
fn every_file_is_of_the_kind_its_name_says() {
    for (name, bytes) in corpus() {
        let (file, _) = File::read(bytes.as_slice()).unwrap();
        let interchange = &file.interchanges[0];
        if name == "ta1" {
            assert_eq!(interchange.receipts[0].note, "021");
            assert!(interchange.groups.is_empty());
            continue;
        }
        let set = &interchange.groups[0].sets[0];
        let fits = match name.as_str() {
            "270" | "271" => matches!(set, Transaction::Eligibility(_)),
            "276" | "277" => matches!(set, Transaction::ClaimStatus(_)),
            "277ca" => matches!(set, Transaction::Acknowledgement(_)),
            "278_request" => matches!(set, Transaction::Review(r) if !r.is_answer()),
            "278_response" => matches!(set, Transaction::Review(r) if r.is_answer()),
            "275" => matches!(set, Transaction::Attachment(_)),
            "835" => matches!(set, Transaction::Remittance(_)),
            "999" => matches!(set, Transaction::Receipt(r) if !r.accepted()),
            other => panic!("no kind for {other}"),
        };
        assert!(fits, "{name}");
    }
}

#[test]
fn sets_that_share_their_number_are_told_apart_by_their_guide() {
    assert_eq!(Kind::of("277", "005010X212", "0010"), Kind::ClaimStatus);
    assert_eq!(Kind::of("277", "005010X214", "0085"), Kind::Acknowledgement);
    assert_eq!(Kind::of("277", "", "0085"), Kind::Acknowledgement);
    assert_eq!(Kind::of("278", "005010X217E2", "0007"), Kind::Review);
    assert_eq!(Kind::of("278", "004010X094A1", "0078"), Kind::Other);
    assert_eq!(Kind::of("837", "005010X222A1", "0019"), Kind::Other);
}

/// The same message with other separators, line ends and indents means the same.
#[test]
fn separators_are_read_from_the_isa_and_line_ends_mean_nothing() {
    for (name, bytes) in corpus().into_iter().filter(|(name, _)| name != "275") {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let (plain, _) = File::read(bytes.as_slice()).unwrap();
        let other = text.replace('~', "\n").replace('*', "|").replace(':', ">").replace('^', "!");
        let crlf = text.replace('~', "~\r\n");
        let indented = text.replace('~', "~\n    ");
        for (how, variant) in [("other", other), ("crlf", crlf), ("indented", indented)] {
            let (mut file, faults) = File::read(variant.as_bytes()).unwrap();
            assert!(
                faults.iter().all(|f| f.severity < Severity::Warning),
                "{name} {how}: {faults:?}"
            );
            file.interchanges[0].delimiters = plain.interchanges[0].delimiters;
            assert_eq!(file, plain, "{name} {how}");
        }
    }
}

/// A file cut anywhere is told to be cut, and nothing panics.
#[test]
fn a_file_cut_at_any_byte_is_told() {
    for (name, bytes) in corpus() {
        for cut in 0..bytes.len() {
            let (_, faults) = File::read(&bytes[..cut]).unwrap();
            let told = faults.iter().any(|f| {
                matches!(
                    f.code,
                    FaultCode::Truncated
                        | FaultCode::MissingTrailer
                        | FaultCode::HeaderUnreadable
                        | FaultCode::NoInterchange
                        | FaultCode::TextOutside
                )
            });
            assert!(told, "{name} cut at {cut}: {faults:?}");
            assert!(
                faults.iter().all(|f| f.place.at.offset <= cut as u64 + 1),
                "{name} cut at {cut}: {faults:?}"
            );
        }
    }
}

#[test]
fn positions_count_bytes_and_segments() {
    let (_, bytes) = corpus().into_iter().find(|(name, _)| name == "270").unwrap();
    let mut reader = Reader::new(bytes.as_slice());
    let mut seen = 0;
    while let Some(event) = reader.next().unwrap() {
        let segment = match event {
            Event::Fault(fault) => panic!("{fault}"),
            Event::Interchange(s) | Event::Receipt(s) | Event::Group(s) | Event::Set(s) => s,
            Event::Segment(s) | Event::SetEnd(s) | Event::GroupEnd(s) => s,
            Event::InterchangeEnd(s) => s,
        };
        let at = usize::try_from(segment.at.offset).unwrap();
        assert!(bytes[at..].starts_with(segment.bytes()));
        for n in 1..=segment.len() {
            let at = usize::try_from(segment.place_of(n).at.offset).unwrap();
            assert!(bytes[at..].starts_with(segment.raw(n)), "{} {n}", segment.id());
        }
        seen += 1;
    }
    assert_eq!(seen, 17);
}
