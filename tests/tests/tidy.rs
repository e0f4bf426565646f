//! Keeps the house as ARCHITECTURE.md draws it: arrows between rooms, budgets of files, words of the glossary, a line
//! on top of every file, and docs that say what the code says. A failure names the file, the line and the mending.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// Files tracked by git, or all files where the tree is not a checkout, as paths below the root.
fn files(extensions: &[&str]) -> Vec<String> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("the tree can be read").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | "node_modules" | "data" | ".agent")
                {
                    walk(&path, out);
                }
            } else {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root(), &mut out);
    let mut names: Vec<String> = out
        .into_iter()
        .filter(|p| {
            extensions.is_empty()
                || p.extension().is_some_and(|e| extensions.contains(&e.to_string_lossy().as_ref()))
        })
        .map(|p| p.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no files found below {}", root().display());
    names
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn judge(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

#[test]
fn every_file_says_what_lives_there() {
    let faults: Vec<String> = files(&["rs"])
        .into_iter()
        .filter(|path| !text(path).trim_start().starts_with("//!"))
        .map(|path| format!("{path}: begin it with `//!` and a sentence"))
        .collect();
    judge("files without a line on top", &faults);
}

#[test]
fn the_points_that_are_killed_at_are_in_the_agent() {
    let agent: String = files(&["rs"])
        .iter()
        .filter(|path| path.starts_with("agent/src/"))
        .map(|path| text(path))
        .collect();
    let faults: Vec<String> = tests::chaos::rows::POINTS
        .iter()
        .filter(|point| !agent.contains(&format!("\"{point}\"")))
        .map(|point| format!("{point}: no such fault point in the agent"))
        .collect();
    judge("fault points without a place", &faults);
}

#[test]
fn no_file_outgrows_its_room() {
    let faults: Vec<String> = files(&["rs", "ts", "css"])
        .into_iter()
        .filter_map(|path| {
            let lines = text(&path).lines().count();
            let limit = if path.ends_with(".css") { 1200 } else { 600 };
            (lines > limit).then(|| format!("{path}: {lines} lines, at most {limit}"))
        })
        .collect();
    judge("files that are too long; split them by what they hold", &faults);
    let main = |path: &str| text(path).lines().count();
    for path in ["coordinator/src/main.rs", "agent/src/main.rs"] {
        assert!(main(path) <= 100, "{path} is a door, not a room: at most 100 lines");
    }
}

/// `(room, words its code must not contain, why)`. A room is a path prefix; the longest matching room's rules and those of
/// every shorter one hold.
const ARROWS: &[(&str, &[&str], &str)] = &[
    (
        "domain/src/",
        &[
            "tokio::",
            "sqlx::",
            "axum::",
            "reqwest::",
            "std::fs",
            "std::net",
            "std::env::",
            "SystemTime",
            "Timestamp::now",
            "Zoned::now",
            "Instant::now",
        ],
        "domain is pure: no clock, no socket, no file, no environment",
    ),
    (
        "exchange/src/",
        &[
            "domain::",
            "tokio::",
            "sqlx::",
            "axum::",
            "reqwest::",
            "std::fs",
            "std::net",
            "std::env::",
            "SystemTime",
            "Instant::now",
        ],
        "exchange is pure and stands alone: bytes in, values out",
    ),
    (
        "transport/src/",
        &[
            "domain::",
            "agent::",
            "coordinator::",
            "sqlx::",
            "axum::",
            "reqwest::",
            "SystemTime",
            "Timestamp::now",
            "Zoned::now",
            "std::env::",
        ],
        "transport knows no case, no job and no clock: a channel gives it bytes, credentials, limits and the time",
    ),
    (
        "agent/src/",
        &["sqlx::", "coordinator::store", "use coordinator"],
        "the agent meets the coordinator in domain::wire only",
    ),
    (
        "agent/src/browser/",
        &[
            "domain::script",
            "domain::wire",
            "domain::evidence",
            "domain::job",
            "crate::channel",
            "crate::observe",
            "crate::secret",
            "crate::coordinator",
        ],
        "the driver knows nothing of payers, scripts, jobs or evidence",
    ),
    (
        "agent/src/channel/",
        &["reqwest::", "crate::coordinator"],
        "a channel reports through its sink and door; it speaks no HTTP to the coordinator",
    ),
    ("coordinator/src/", &["use agent::"], "the coordinator meets agents in domain::wire only"),
    (
        "coordinator/src/store/",
        &["crate::flow", "crate::api", "crate::console", "axum::", "maud::"],
        "the store knows tables, not decisions or pages",
    ),
    (
        "coordinator/src/flow/",
        &["crate::api", "crate::console", "axum::", "maud::", "reqwest::"],
        "flow decides; it speaks neither HTTP nor HTML",
    ),
    (
        "coordinator/src/cli/",
        &["crate::store", "crate::flow"],
        "operator verbs are clients of the HTTP interface",
    ),
];

#[test]
fn arrows_point_one_way() {
    let mut faults = Vec::new();
    for path in files(&["rs"]) {
        for (room, words, why) in ARROWS {
            if !path.starts_with(room) {
                continue;
            }
            for (number, line) in text(&path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or("");
                for word in *words {
                    if contains_path(code, word) {
                        faults.push(format!("{path}:{}: `{word}`: {why}", number + 1));
                    }
                }
            }
        }
    }
    judge("arrows that are crossed", &faults);
}

/// Whether `word` occurs in `code` and is not the tail of a longer identifier.
fn contains_path(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"'))
}

#[test]
fn crates_depend_one_way() {
    let rules: [(&str, &[&str]); 5] = [
        ("domain/Cargo.toml", &["agent", "coordinator", "tests", "exchange", "transport"]),
        ("exchange/Cargo.toml", &["agent", "coordinator", "tests", "domain", "transport"]),
        ("transport/Cargo.toml", &["agent", "coordinator", "tests", "domain"]),
        ("agent/Cargo.toml", &["coordinator", "tests", "sqlx"]),
        ("coordinator/Cargo.toml", &["agent", "tests", "chromiumoxide"]),
    ];
    for (manifest, never) in rules {
        assert!(!text(manifest).is_empty(), "{manifest} is missing");
        let names: Vec<String> = text(manifest)
            .lines()
            .filter_map(|line| line.split(['.', '=', ' ']).next().map(str::to_owned))
            .collect();
        for name in never {
            assert!(!names.iter().any(|n| n == name), "{manifest} must not depend on {name}");
        }
    }
}

#[test]
fn one_file_names_the_database() {
    let faults: Vec<String> = files(&["rs"])
        .into_iter()
        .filter(|path| {
            path.starts_with("coordinator/src/") && path != "coordinator/src/store/db.rs"
        })
        .filter(|path| {
            text(path)
                .lines()
                .any(|line| contains_path(line.split("//").next().unwrap_or(""), "sqlx::"))
        })
        .collect();
    judge("only coordinator/src/store/db.rs may name the database library", &faults);
}

/// Words that mean something else in this house, as whole identifiers.
const FOREIGN: &[&str] = &[
    "carrier",
    "website",
    "rail",
    "ticket",
    "work_item",
    "execution",
    "workflow",
    "robot",
    "artifact",
    "confirmation_code",
    "incident",
    "remote_control",
    "worker",
    "bot",
];

#[test]
fn words_are_the_house_s_own() {
    let identifiers = Regex::new(r"[A-Za-z_][A-Za-z0-9_]*").expect("the pattern is fixed");
    let foreign: BTreeSet<&str> = FOREIGN.iter().copied().collect();
    let mut faults = Vec::new();
    for path in files(&["rs", "sql"]) {
        // The driver and the simulated payers speak other people's words.
        if path.starts_with("agent/src/browser/")
            || path.starts_with("agent/tests/browser/")
            || path.starts_with("tests/src/portal/")
            || path.ends_with("tests/tests/tidy.rs")
        {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            let code = strip_texts(line);
            for found in identifiers.find_iter(&code) {
                if foreign.contains(found.as_str()) {
                    faults.push(format!(
                        "{path}:{}: `{}` is not a word of docs/glossary.md",
                        number + 1,
                        found.as_str()
                    ));
                }
            }
        }
    }
    judge("foreign words", &faults);
}

/// A line without its comment and without what stands in double quotes.
fn strip_texts(line: &str) -> String {
    let line = line.split("//").next().unwrap_or("");
    line.split('"').step_by(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_of_a_desk_is_in_the_house() {
    let paths = Regex::new(r"/(root|home/[a-z]+)/").expect("the pattern is fixed");
    let faults: Vec<String> =
        files(&["rs", "md", "toml", "yaml", "json", "sql", "ts", "css", "js", "mjs"])
            .into_iter()
            .filter(|path| path != "tests/tests/tidy.rs")
            .flat_map(|path| {
                text(&path)
                    .lines()
                    .enumerate()
                    .filter(|(_, line)| paths.is_match(line))
                    .map(|(number, _)| format!("{path}:{}: a path of one machine", number + 1))
                    .collect::<Vec<_>>()
            })
            .collect();
    judge("paths that exist on one machine only", &faults);
    for lock in files(&["json"]).into_iter().filter(|p| p.ends_with("package-lock.json")) {
        assert!(
            !text(&lock).contains("\"resolved\""),
            "{lock} records download addresses; make it with omit-lockfile-registry-resolved"
        );
    }
}

#[test]
fn docs_stay_short_enough_to_be_read() {
    for (path, limit) in [("README.md", 120), ("ARCHITECTURE.md", 250), ("CONTRIBUTING.md", 150)] {
        let lines = text(path).lines().count();
        assert!(lines > 0, "{path} is missing");
        assert!(lines <= limit, "{path}: {lines} lines, at most {limit}");
    }
}

#[test]
fn every_room_of_the_map_exists() {
    let map = text("ARCHITECTURE.md");
    let rooms = Regex::new(
        r"`((?:domain|exchange|transport|agent|coordinator|tests|scripts|migrations|docs)/[A-Za-z0-9_/.]*)`",
    )
    .expect("the pattern is fixed");
    let faults: Vec<String> = rooms
        .captures_iter(&map)
        .map(|found| found[1].to_owned())
        .filter(|path| !root().join(path).exists())
        .map(|path| format!("ARCHITECTURE.md names `{path}`, which does not exist"))
        .collect();
    judge("rooms on the map that are not in the house", &faults);
}

#[test]
fn migrations_use_portable_words() {
    let banned = Regex::new(r"(?i)\b(NOW\s*\(|CURRENT_TIMESTAMP|AUTOINCREMENT|SERIAL|JSONB|TIMESTAMPTZ|UUID|BOOLEAN|ILIKE|INTERVAL)\b").expect("the pattern is fixed");
    let mut faults = Vec::new();
    for path in files(&["sql"]) {
        for (number, line) in text(&path).lines().enumerate() {
            let code = line.split("--").next().unwrap_or("");
            if let Some(found) = banned.find(code) {
                faults.push(format!(
                    "{path}:{}: `{}` is not understood alike by both databases",
                    number + 1,
                    found.as_str()
                ));
            }
        }
    }
    judge("migrations with words of one database", &faults);
}

#[test]
fn tests_end_only_what_they_started() {
    let banned = Regex::new(r"\b(pkill|killall)\b").expect("the pattern is fixed");
    let faults: Vec<String> = files(&[])
        .into_iter()
        .filter(|p| p != "tests/tests/tidy.rs" && !p.ends_with(".png"))
        .filter(|p| banned.is_match(&text(p)))
        .collect();
    judge("processes are ended by id, never by name", &faults);
}
