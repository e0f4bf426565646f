//! Every script of this repository is without errors.

use std::fs;
use std::path::{Path, PathBuf};

use domain::script::{Folder, Level, Source, check_tree};

use crate::support::shown;

struct Scripts(PathBuf);

impl Source for Scripts {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

impl Folder for Scripts {
    fn list(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        walk(&self.0, &self.0, &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else if let Ok(below) = path.strip_prefix(root) {
            found.push(below.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[test]
fn every_script_is_without_errors() {
    let folder = Scripts(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts"));
    let mut findings = check_tree(&folder).expect("the folder can be read");
    findings.retain(|finding| finding.level == Level::Error);
    assert!(findings.is_empty(), "{}", shown(&findings));
}
