//! Reads fixtures from this folder.

use std::fs;
use std::path::PathBuf;

use domain::script::Source;

/// The folder of the fixtures that are in order.
pub(crate) struct Good;

impl Source for Good {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(folder("good").join(path)).map_err(|error| error.to_string())
    }
}

/// A folder beside this file.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/script").join(name)
}
