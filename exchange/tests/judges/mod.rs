//! Where other people's libraries lie that judge tests, of this crate and (by path) of `transport`: `.ci/judge NAME` installs them below
//! `target/`. Without them those tests judge nothing, unless `FLEET_ORACLE` demands them, as `make test` does.

use std::path::{Path, PathBuf};

/// The folder of the judge of that name, if it is installed.
pub(crate) fn judges(name: &str) -> Option<PathBuf> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = house.join("target/judges").join(name);
    let there = folder.join(".stamp").exists();
    if !there {
        missing(&format!("run `.ci/judge {name}`"));
    }
    there.then_some(folder)
}

/// A judge is not there: a fault where judges are demanded.
pub(crate) fn missing(remedy: &str) {
    assert!(std::env::var_os("FLEET_ORACLE").is_none(), "a judge is missing: {remedy}");
}
