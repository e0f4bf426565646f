//! Embeds the console's script when `make web` has built it; without it the pages work as plain HTML. No network.

use std::{env, fs, path::Path};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let script = Path::new(&root).join("../target/web/console.js");
    println!("cargo::rerun-if-changed={}", script.display());
    let value = match fs::canonicalize(&script) {
        Ok(path) => format!("Some(include_str!({path:?}))"),
        Err(_) => {
            println!("cargo::warning=target/web is not built (make web): pages are plain HTML");
            "None".to_owned()
        }
    };
    let text =
        format!("/// The script, when it was built.\npub const SCRIPT: Option<&str> = {value};\n");
    fs::write(Path::new(&out).join("web.rs"), text).expect("the output folder can be written");
}
