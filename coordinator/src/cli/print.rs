//! What verbs print: tables for people, JSON for programs. Progress goes to standard error, answers to standard output.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use super::client::{Done, Exit, Failed};

/// A column of a table: its heading and where its value lies (a JSON pointer).
pub type Column = (&'static str, &'static str);

/// Prints a line to standard output; a closed pipe is nobody's fault.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a list: one JSON line per item, or a table.
pub fn list(page: &Value, columns: &[Column], json: bool) {
    let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    if json {
        items.iter().for_each(|item| line(&item.to_string()));
    } else if items.is_empty() {
        note("none");
    } else {
        table(&items, columns);
    }
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        note(&format!("there are more: --after {next}"));
    }
}

fn table(items: &[Value], columns: &[Column]) {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| columns.iter().map(|(_, at)| cell(item.pointer(at))).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, (heading, _))| {
            rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0).max(heading.len())
        })
        .collect();
    let print = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        line(padded.join("  ").trim_end());
    };
    print(columns.iter().map(|(heading, _)| *heading).collect());
    rows.iter().for_each(|row| print(row.iter().map(String::as_str).collect()));
}

/// Prints one thing: JSON, or one line per field.
pub fn thing(value: &Value, json: bool) {
    if json {
        line(&serde_json::to_string_pretty(value).unwrap_or_default());
    } else {
        fields(value, "");
    }
}

fn fields(value: &Value, under: &str) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let at = if under.is_empty() { name.clone() } else { format!("{under}.{name}") };
                fields(inner, &at);
            }
        }
        Value::Array(items) if items.iter().any(|i| i.is_object() || i.is_array()) => {
            for (i, inner) in items.iter().enumerate() {
                fields(inner, &format!("{under}[{i}]"));
            }
        }
        Value::Null => {}
        other => line(&format!("{under:<28} {}", cell(Some(other)))),
    }
}

/// A value in a cell. Control characters are made visible: text from a portal must not drive the terminal.
#[must_use]
pub fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            items.iter().map(|i| cell(Some(i))).collect::<Vec<_>>().join(",")
        }
        Some(other) => other.to_string(),
    };
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Asks before something that is hard to take back; `--yes` answers beforehand.
///
/// # Errors
/// The person said no, or there is nobody to ask.
pub fn confirm(question: &str, yes: bool) -> Done<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failed::new(Exit::Usage, format!("{question} Repeat with --yes.")));
    }
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let _ = std::io::stdin().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("y") {
        Ok(())
    } else {
        Err(Failed::new(Exit::Conflict, "nothing was changed"))
    }
}

/// Reads a text from a file, or from standard input for `-`.
///
/// # Errors
/// The file cannot be read.
pub fn read_text(path: &str) -> Done<zeroize::Zeroizing<String>> {
    let text = if path == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map(zeroize::Zeroizing::new)
        .map_err(|e| Failed::new(Exit::Usage, format!("cannot read {path}: {e}")))
}

/// Reads a JSON document from a file, or from standard input for `-`.
///
/// # Errors
/// The file cannot be read, or is not JSON; its content is never repeated.
pub fn read_json(path: &str) -> Done<Value> {
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        Failed::new(Exit::Usage, format!("{path} is not JSON ({place})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_drive_the_terminal() {
        assert_eq!(cell(Some(&Value::String("a\u{1b}[2Jb".into()))), "a\u{fffd}[2Jb");
        assert_eq!(cell(None), "-");
        assert_eq!(cell(Some(&serde_json::json!([1, "x"]))), "1,x");
    }
}
