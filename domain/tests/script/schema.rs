//! The committed JSON Schemas: up to date, accept what is good, refuse what the decoder refuses.

use std::fs;
use std::path::PathBuf;

use domain::script::schema::{fragment_schema, script_schema, to_file};
use serde_json::Value as Json;

use crate::support::{SHELL_FILE, SUBMIT_FILE, example};
use crate::validator::{from_yaml, validate};

fn committed(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/schema").join(name)
}

#[test]
fn the_committed_schemas_are_the_generated_ones() {
    let mut stale = Vec::new();
    for (name, schema) in
        [("script.v1.schema.json", script_schema()), ("fragment.v1.schema.json", fragment_schema())]
    {
        let wanted = to_file(&schema);
        let path = committed(name);
        if fs::read_to_string(&path).unwrap_or_default() != wanted {
            fs::create_dir_all(path.parent().expect("a folder")).expect("can be made");
            fs::write(&path, wanted).expect("can be written");
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} were out of date and are rewritten; look and run again");
}

#[test]
fn the_example_is_accepted() {
    let files = example();
    for (file, schema) in [(SUBMIT_FILE, script_schema()), (SHELL_FILE, fragment_schema())] {
        let faults = validate(&schema, &from_yaml(&files[file]));
        assert!(faults.is_empty(), "{file}: {faults:?}");
    }
}

/// What the schema refuses: `(file, from, to)`.
pub(crate) fn refused(file: &str, from: &str, to: &str) -> bool {
    let mut text = example()[file].clone();
    text = text.replacen(from, to, 1);
    let schema: Json = if file == SUBMIT_FILE { script_schema() } else { fragment_schema() };
    !validate(&schema, &from_yaml(&text)).is_empty()
}
