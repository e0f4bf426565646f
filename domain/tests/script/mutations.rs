//! Whatever is written, the parser answers with findings and never panics.

use domain::script::{check_script, check_tree};
use proptest::prelude::*;

use crate::support::{SHELL_FILE, SUBMIT, SUBMIT_FILE, example};

const PIECES: [&str; 24] = [
    "",
    " ",
    "\n",
    "\t",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "#",
    "&a",
    "*a",
    "!!x",
    "${",
    "}",
    "~",
    "0",
    "| ",
    "é\u{200b}",
    "---\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spoiled_examples(
        cuts in prop::collection::vec((0.0..1.0_f64, 0..30_usize, 0..PIECES.len()), 1..4),
        fragment in prop::bool::ANY,
    ) {
        let mut files = example();
        let file = if fragment { SHELL_FILE } else { SUBMIT_FILE };
        let mut chars: Vec<char> = files[file].chars().collect();
        for (at, gone, piece) in cuts {
            let at = (at * chars.len() as f64) as usize;
            let end = (at + gone).min(chars.len());
            chars.splice(at..end, PIECES[piece].chars());
        }
        files.insert(file.to_owned(), chars.into_iter().collect());
        for finding in check_script(&files, SUBMIT) {
            prop_assert!(finding.line >= 1 && finding.column >= 1);
            finding.render();
        }
    }

    #[test]
    fn lines_moved_about(from in 0..160_usize, to in 0..160_usize, indent in 0..8_usize) {
        let mut files = example();
        let mut lines: Vec<String> = files[SUBMIT_FILE].lines().map(str::to_owned).collect();
        let (from, to) = (from % lines.len(), to % lines.len());
        let line = lines.remove(from);
        lines.insert(to.min(lines.len()), format!("{}{}", " ".repeat(indent), line.trim_start()));
        files.insert(SUBMIT_FILE.to_owned(), lines.join("\n"));
        prop_assert!(check_tree(&files).is_ok());
    }

    #[test]
    fn anything_at_all(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        struct Raw(Vec<u8>);
        impl domain::script::Source for Raw {
            fn read(&self, _: &str) -> Result<Vec<u8>, String> {
                Ok(self.0.clone())
            }
        }
        prop_assert!(!check_script(&Raw(bytes), "a/b").is_empty());
    }
}

#[test]
fn a_huge_file_full_of_faults_is_answered() {
    // as many wrong names as fit
    let mut text = example()[SUBMIT_FILE].replace("elements:  ", "elements:  #");
    let rest = 256 * 1024 - text.len();
    let step = "  - step: again\n    click: nobody_knows_this\n    until: nor_this\n";
    let flow = text.find("  - classify:").expect("there is one");
    text.insert_str(flow, &step.repeat((rest / step.len()).min(2500)));
    let mut files = example();
    files.insert(SUBMIT_FILE.to_owned(), text);
    let findings = check_script(&files, SUBMIT);
    assert!(findings.len() > 1000);
}
