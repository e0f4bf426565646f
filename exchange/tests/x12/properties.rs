//! What must hold of any input: nothing panics, what was read is written and read again as the same value, and a balance
//! is broken by a single cent.

use exchange::x12::{
    Decimal, FaultCode, Severity,
    file::{File, Group, Gs, Interchange, Isa},
    part::Loop as _,
    parts::{Bpr, Cas, Clp, Lx, N1, Per, Plb, Procedure, Reason, St, Svc, Trn},
    stream::{Piece, Remittances},
    t835::{Claim, ClaimGroup, Line, Payee, Payer, Remittance},
    transaction::Transaction,
};
use proptest::prelude::*;

fn corpus() -> Vec<String> {
    ["270", "271", "276", "277", "277ca", "278_request", "278_response", "835", "999"]
        .iter()
        .map(|name| {
            let path = format!("{}/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap()
        })
        .collect()
}

/// A change of one segment inside the set.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Double(usize),
    Insert(usize, String),
    Element(usize, usize, String),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<usize>().prop_map(Change::Drop),
        any::<usize>().prop_map(Change::Double),
        (any::<usize>(), "[A-Z][A-Z0-9]{1,2}(\\*[A-Z0-9:^]{0,5}){1,4}")
            .prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<usize>(), 1..6_usize, "[A-Z0-9.:^ -]{0,12}")
            .prop_map(|(at, n, text)| Change::Element(at, n, text)),
    ]
}

/// Changes the segments between ST and SE.
fn changed(text: &str, changes: &[Change]) -> String {
    let mut segments: Vec<String> = text.split_terminator('~').map(str::to_owned).collect();
    for change in changes {
        let inner = segments.len() - 6;
        let place = |at: &usize| 3 + at % inner.max(1);
        match change {
            _ if inner < 2 => {}
            Change::Drop(at) => drop(segments.remove(place(at))),
            Change::Double(at) => segments.insert(place(at), segments[place(at)].clone()),
            Change::Insert(at, segment) => segments.insert(place(at), segment.clone()),
            Change::Element(at, n, value) => {
                let segment = &mut segments[place(at)];
                let mut elements: Vec<&str> = segment.split('*').collect();
                if *n < elements.len() {
                    elements[*n] = value;
                    *segment = elements.join("*");
                }
            }
        }
    }
    segments.join("~") + "~"
}

fn cents() -> impl Strategy<Value = i64> {
    0..1_000_000_i64
}

fn cas(group: &str, reason: &str, cents: i64) -> Cas {
    Cas {
        group: group.into(),
        reason_1: reason.into(),
        amount_1: Some(Decimal::cents(cents)),
        ..Cas::default()
    }
}

/// A claim that balances: lines of (paid, contractual, patient's).
fn claim(number: usize, lines: &[(i64, i64, i64)]) -> Claim {
    let sum = |f: fn(&(i64, i64, i64)) -> i64| lines.iter().map(f).sum::<i64>();
    Claim {
        clp: Clp {
            patient_control: format!("PCN-{number}"),
            status: "1".into(),
            charged: Some(Decimal::cents(sum(|(p, c, s)| p + c + s))),
            paid: Some(Decimal::cents(sum(|(p, ..)| *p))),
            patient_share: Some(Decimal::cents(sum(|(.., s)| *s))),
            ..Clp::default()
        },
        lines: lines
            .iter()
            .map(|&(paid, contract, share)| Line {
                svc: Svc {
                    procedure: Procedure {
                        list: "HC".into(),
                        code: "99214".into(),
                        ..Procedure::default()
                    },
                    charged: Some(Decimal::cents(paid + contract + share)),
                    paid: Some(Decimal::cents(paid)),
                    ..Svc::default()
                },
                adjustments: vec![cas("CO", "45", contract), cas("PR", "1", share)],
                ..Line::default()
            })
            .collect(),
        ..Claim::default()
    }
}

fn remittance(claims: Vec<Claim>, taken: i64) -> Remittance {
    let paid = Decimal::sum(claims.iter().filter_map(|c| c.clp.paid)).unwrap();
    let text = str::to_owned;
    Remittance {
        st: St { set: text("835"), control: text("0001"), ..St::default() },
        bpr: Bpr {
            handling: text("I"),
            amount: paid.sub(Decimal::cents(taken)),
            side: text("C"),
            method: text("CHK"),
            date: text("20261115"),
            ..Bpr::default()
        },
        trace: Trn {
            kind: text("1"),
            number: text("CHK1"),
            company: text("1512345678"),
            ..Trn::default()
        },
        payer: Some(Payer {
            name: N1 { entity: text("PR"), name: text("ACME HEALTH PLAN"), ..N1::default() },
            contacts: vec![Per { role: text("BL"), name: text("DESK"), ..Per::default() }],
            ..Payer::default()
        }),
        payee: Some(Payee {
            name: N1 { entity: text("PE"), name: text("RIVER CLINIC"), ..N1::default() },
            ..Payee::default()
        }),
        groups: vec![ClaimGroup {
            lx: Lx { number: text("1"), ..Lx::default() },
            claims,
            ..ClaimGroup::default()
        }],
        adjustments: vec![Plb {
            provider: text("1234567893"),
            until: text("20261231"),
            reason_1: Reason { code: text("WO"), ..Reason::default() },
            amount_1: Some(Decimal::cents(taken)),
            ..Plb::default()
        }],
        ..Remittance::default()
    }
}

fn file(remittance: Remittance) -> File {
    let gs = Gs {
        functional: "HP".into(),
        sender: "PAYER01".into(),
        receiver: "PROVIDER01".into(),
        date: "20261121".into(),
        time: "0930".into(),
        control: "1".into(),
        agency: "X".into(),
        version: "005010X221A1".into(),
    };
    let isa = Isa {
        sender: "PAYER01".into(),
        receiver: "PROVIDER01".into(),
        date: "261121".into(),
        time: "0930".into(),
        control: "000000001".into(),
        ..Isa::default()
    };
    let group = Group { gs, sets: vec![Transaction::Remittance(remittance)] };
    File { interchanges: vec![Interchange { isa, groups: vec![group], ..Interchange::default() }] }
}

/// The same remittance read claim by claim.
fn streamed(bytes: &[u8]) -> (Vec<Claim>, Vec<FaultCode>, u64) {
    let mut reader = Remittances::new(bytes);
    let (mut claims, mut faults, mut ends) = (Vec::new(), Vec::new(), 0);
    while let Some(piece) = reader.next().unwrap() {
        match piece {
            Piece::Claim(claim) => claims.push(*claim),
            Piece::Fault(fault) if fault.severity > Severity::Note => faults.push(fault.code),
            Piece::End(_, sums) => {
                ends += 1;
                assert_eq!(sums.claims, claims.len() as u64);
            }
            Piece::Begin(_) | Piece::Group(_) | Piece::Fault(_) => {}
        }
    }
    (claims, faults, ends)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = File::read(bytes.as_slice()).unwrap();
    }

    #[test]
    fn any_bytes_behind_a_good_header(bytes in prop::collection::vec(
        prop_oneof![Just(b'~'), Just(b'*'), Just(b':'), Just(b'\n'), any::<u8>()], 0..300)) {
        let mut whole = corpus()[0].clone().into_bytes();
        whole.truncate(160);
        whole.extend(bytes);
        let _ = File::read(whole.as_slice()).unwrap();
    }

    #[test]
    fn what_was_read_is_written_and_read_again_as_the_same(
        which in 0..9_usize, changes in prop::collection::vec(change(), 1..5)) {
        let text = changed(&corpus()[which], &changes);
        let (first, faults) = File::read(text.as_bytes()).unwrap();
        let moved = faults.iter().any(|f| matches!(f.code,
            // What stands out of order is written in order; what is no number, and a segment that holds nothing, is told
            // and not written; a text that was no single value is written as one that is.
            FaultCode::OutOfOrder | FaultCode::Character | FaultCode::MissingElement
            | FaultCode::MissingSegment));
        if !moved {
            let written = first.write().unwrap();
            let (again, _) = File::read(written.as_slice()).unwrap();
            prop_assert_eq!(&again, &first, "{}", text);
            prop_assert_eq!(again.write().unwrap(), written);
            let json = serde_json::to_string(&first).unwrap();
            prop_assert_eq!(serde_json::from_str::<File>(&json).unwrap(), first);
        }
    }

    #[test]
    fn a_remittance_balances_and_one_cent_breaks_it(
        lines in prop::collection::vec(prop::collection::vec((cents(), cents(), cents()), 1..4), 1..6),
        taken in cents(), at in any::<usize>()) {
        let claims: Vec<Claim> = lines.iter().enumerate().map(|(i, l)| claim(i, l)).collect();
        let good = remittance(claims.clone(), taken);
        let bytes = file(good.clone()).write().unwrap();
        let (read, faults) = File::read(bytes.as_slice()).unwrap();
        prop_assert!(faults.is_empty(), "{:?}", faults);
        prop_assert_eq!(&read, &file(good.clone()));
        let (streamed_claims, told, ends) = streamed(&bytes);
        prop_assert_eq!(streamed_claims, claims);
        prop_assert!(told.is_empty() && ends == 1);

        let mut broken = good;
        let at = at % broken.groups[0].claims.len();
        let svc = &mut broken.groups[0].claims[at].lines[0].svc;
        svc.paid = svc.paid.and_then(|paid| paid.add(Decimal::cents(1)));
        let bytes = file(broken.clone()).write().unwrap();
        let (_, faults) = File::read(bytes.as_slice()).unwrap();
        prop_assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), vec![FaultCode::LineBalance]);
        prop_assert_eq!(streamed(&bytes).1, vec![FaultCode::LineBalance]);

        let clp = &mut broken.groups[0].claims[at].clp;
        clp.paid = clp.paid.and_then(|paid| paid.add(Decimal::cents(1)));
        let codes: Vec<FaultCode> = streamed(&file(broken).write().unwrap()).1;
        prop_assert!(codes.contains(&FaultCode::ClaimBalance) && codes.contains(&FaultCode::PaymentBalance));
    }

    #[test]
    fn decimals_add_up(a in any::<i32>(), b in any::<i32>()) {
        let sum = Decimal::cents(a.into()).add(Decimal::cents(b.into())).unwrap();
        prop_assert_eq!(sum, Decimal::cents(i64::from(a) + i64::from(b)));
        prop_assert_eq!(sum.to_string().parse::<Decimal>().unwrap(), sum);
    }
}

#[test]
fn a_remittance_knows_its_segments() {
    assert!(Remittance::knows(b"CAS") && Remittance::knows(b"PLB") && !Remittance::knows(b"EB"));
}
