//! `coordinator edi`: what is read can be written back byte for byte, faults have a place and an answer, and the exit status says
//! which of the three it was.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../exchange/tests/corpus");

/// Runs the verb with `input` as the file.
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test ends with its input, and is waited for"
)]
fn edi(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_coordinator"))
        .arg("edi")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its first bytes may be gone before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn every_file_of_the_corpus_is_read_and_written_back() {
    let mut files = 0;
    for entry in std::fs::read_dir(CORPUS).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        let read = edi(&["read", "-", "--json"], &bytes);
        assert_eq!(code(&read), 0, "{}", entry.path().display());
        let written = edi(&["write", "-"], &read.stdout);
        assert_eq!(code(&written), 0, "{}", entry.path().display());
        assert_eq!(written.stdout, bytes, "{}", entry.path().display());
        files += 1;
    }
    assert!(files >= 11, "{files} files");
}

#[test]
fn faults_have_a_place_and_an_answer() {
    let whole = std::fs::read_to_string(Path::new(CORPUS).join("276.edi")).unwrap();
    let good = edi(&["check", "-"], whole.as_bytes());
    assert_eq!(code(&good), 0, "{}", String::from_utf8_lossy(&good.stderr));

    let at = whole.find("BHT*").unwrap();
    let end = at + whole[at..].find('~').unwrap() + 1;
    let without = format!("{}{}", &whole[..at], whole[end..].trim_start_matches(['\r', '\n']));
    let broken = edi(&["check", "-"], without.as_bytes());
    assert_eq!(code(&broken), 1);
    let told = String::from_utf8_lossy(&broken.stdout);
    assert!(told.contains("BHT") && told.contains("set 1, segment"), "{told}");
    assert!(told.contains("ST*999*") && told.contains("IK5*R"), "refused: {told}");
}

#[test]
fn what_is_no_interchange_is_refused() {
    for input in ["", "hello", "ISA*00*", "\u{feff}\u{feff}ISA"] {
        for verb in ["read", "check"] {
            let output = edi(&[verb, "-"], input.as_bytes());
            assert_eq!(code(&output), 2, "{verb} {input:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("X-ENV-01"), "{verb} {input:?}: {said}");
        }
    }
    for args in
        [&["write", "-"][..], &["read", "/nowhere/file.edi"], &["check", "/nowhere/file.edi"]]
    {
        let output = edi(args, b"{\"no\": 1}");
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?} says why");
    }
}
