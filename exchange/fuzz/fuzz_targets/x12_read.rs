//! Any bytes: read, checked and answered without a panic; what can be written is read again as the same bytes.
#![no_main]

use exchange::x12::{
    check::{Answering, check},
    file::File,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (file, faults) = File::read(bytes).expect("memory cannot fail");
    for fault in &faults {
        assert!(fault.place.at.offset <= bytes.len() as u64 + 1, "{fault}");
    }
    if let Ok(written) = file.write() {
        let (again, _) = File::read(written.as_slice()).expect("memory cannot fail");
        if faults.is_empty() {
            assert_eq!(again.write().expect("it was written before"), written);
        }
    }
    let when = Answering { date: "20261121", time: "0930", control: 1 };
    let _ = check(bytes).expect("memory cannot fail").answer(&when).write();
});
