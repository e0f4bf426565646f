//! Data as a document: a list of objects is a table under a heading, any other value a term with its description. Every table and
//! description carries its place (`data-place`), and the words a script gives to places stand instead of them.

use serde_json::Value;

use super::table::ROWS_MAX;

/// Words for places of data, in the order written.
pub(crate) type Names = [(String, String)];

/// Data as a page.
pub(super) fn document_of(data: &Value, names: &Names) -> String {
    let mut out = String::from("<!doctype html><body>");
    write(data, "", names, &mut out);
    out.push_str("</body>");
    out
}

fn write(value: &Value, place: &str, names: &Names, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                write(value, &place, names, out);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            rows(items, place, names, out);
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for item in items {
                write(item, place, names, out);
            }
        }
        Value::Array(items) => {
            let words: Vec<String> =
                items.iter().map(words_of).filter(|one| !one.is_empty()).collect();
            term(place, names, &words.join("; "), out);
        }
        Value::Null => {}
        plain => term(place, names, &words_of(plain), out),
    }
}

fn term(place: &str, names: &Names, words: &str, out: &mut String) {
    if words.is_empty() {
        return;
    }
    out.push_str(&format!(
        "<dl><dt>{}</dt><dd data-place=\"{}\">{}</dd></dl>",
        escaped(named(place, names)),
        escaped(place),
        escaped(words)
    ));
}

/// A list as a table: of the columns that were given words, in that order; else of every field.
fn rows(items: &[Value], place: &str, names: &Names, out: &mut String) {
    let prefix = format!("{place}.");
    let chosen = names.iter().filter_map(|(at, words)| Some((at.strip_prefix(&prefix)?, words)));
    let mut columns: Vec<(&str, &str)> = chosen.map(|(at, words)| (at, words.as_str())).collect();
    if columns.is_empty() {
        for field in items.iter().filter_map(Value::as_object).flat_map(|fields| fields.keys()) {
            if !columns.iter().any(|(known, _)| known == field) {
                columns.push((field, field));
            }
        }
    }
    out.push_str(&format!(
        "<h2>{}</h2><table data-place=\"{}\"><thead><tr>",
        escaped(named(place, names)),
        escaped(place)
    ));
    for (_, words) in &columns {
        out.push_str(&format!("<th>{}</th>", escaped(words)));
    }
    out.push_str("</tr></thead><tbody>");
    for item in items.iter().take(ROWS_MAX) {
        out.push_str("<tr>");
        for (field, _) in &columns {
            let words = item.get(field).map(words_of).unwrap_or_default();
            out.push_str(&format!("<td>{}</td>", escaped(&words)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
}

fn named<'n>(place: &'n str, names: &'n Names) -> &'n str {
    names.iter().find(|(at, _)| at == place).map_or(place, |(_, words)| words)
}

fn words_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(words) => words.clone(),
        Value::Array(items) => items.iter().map(words_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{id, read};
    use crate::{
        browser::{By, Query, Text},
        channel::portal::paper::Paper,
    };

    fn table(paper: &Paper, name: &str) -> crate::browser::Table {
        let found = paper.element(&[vec![Query::by(By::Table(Text::equals(name)))]]);
        paper.table(found.unwrap().unwrap())
    }

    #[test]
    fn data_become_a_document() {
        let data = serde_json::json!({"rows": [
            {"claim": "401", "status": "Finalized/Payment", "paid": 320.5, "x": null},
            {"claim": "402", "status": "Pending <1>", "codes": ["A", "B"]}], "page": {"total": 2}, "note": "",
            "wanted": ["Notes", "Images"]});
        let paper = Paper::data("https://a.test/api", id(), data, &[]);
        let table = table(&paper, "rows");
        let at =
            |name: &str, row: usize| table.rows[row].cells[table.column(name).unwrap()].clone();
        assert_eq!((at("status", 0), at("paid", 0)), ("Finalized/Payment".into(), "320.5".into()));
        assert_eq!((at("status", 1), at("codes", 1)), ("Pending <1>".into(), "A, B".into()));
        let label = |text: &str| read(&paper, By::Label(Text::equals(text)));
        assert_eq!(label("page.total").as_deref(), Some("2"));
        assert_eq!(label("wanted").as_deref(), Some("Notes; Images"));
        assert_eq!(label("note"), None, "what is empty is not there");
    }

    #[test]
    fn places_get_the_words_of_the_page_and_lists_its_columns() {
        let data = serde_json::json!({"status": "PENDED", "lines": [
            {"to": "03/02", "code": "64490", "units": 2, "own": 7}, {"to": "03/05", "code": "64491"}]});
        let names = [
            ("status", "Status"),
            ("lines", "Service lines"),
            ("lines.code", "Procedure"),
            ("lines.units", "Units"),
        ]
        .map(|(place, words)| (place.to_owned(), words.to_owned()));
        let paper = Paper::data("https://a.test/api", id(), data, &names);
        let table = table(&paper, "Service lines");
        assert_eq!(table.headers, ["Procedure", "Units"], "in the order written, and no others");
        assert_eq!(table.rows[0].cells, ["64490", "2"]);
        assert_eq!(table.rows[1].cells, ["64491", ""]);
        let at = |css: &str| read(&paper, By::Css(css.to_owned()));
        assert_eq!(
            at("table[data-place=lines]").as_deref(),
            Some("Procedure Units 64490 2 64491"),
            "the heading is none of its text"
        );
        assert_eq!(at("dd[data-place=status]").as_deref(), Some("PENDED"));
        assert!(paper.text().contains("Status PENDED"));
    }
}
