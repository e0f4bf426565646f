//! Any bytes as remittances, claim by claim: no panic, an end, and the same claims as reading the whole file.
#![no_main]

use exchange::x12::{
    Limits, Token, Tokens,
    stream::{Piece, Remittances},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut tokens = Tokens::with_limits(bytes, Limits { segment: 512, binary: 512 });
    let mut last = 0;
    while let Some(token) = tokens.next().expect("memory cannot fail") {
        if let Token::Segment(segment) = token {
            assert!(segment.at.offset >= last, "segments go forward");
            last = segment.at.offset;
            (0..=segment.len()).for_each(|n| drop(segment.text(n)));
        }
    }
    let mut reader = Remittances::new(bytes);
    let mut pieces = 0_usize;
    while let Some(piece) = reader.next().expect("memory cannot fail") {
        pieces += 1;
        assert!(pieces <= bytes.len() * 64 + 64, "reading ends");
        drop::<Piece>(piece);
    }
});
