//! What lists have in common: paging, and the same rows as JSON or as CSV.

use axum::{
    Json,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    error::{Problem, Reply},
    input::header_text,
    types::{PageOf, Paging},
};

/// Most items of one page.
const LIMIT_MAX: u32 = 200;
/// Items of a page when nothing is said.
const LIMIT: u32 = 50;

impl Paging {
    /// The page's size.
    ///
    /// # Errors
    /// 400 beyond the limits.
    pub fn size(&self) -> Reply<u32> {
        match self.limit.unwrap_or(LIMIT) {
            n @ 1..=LIMIT_MAX => Ok(n),
            _ => Err(Problem::new("bad-request", "`limit` is 1 to 200").at("limit")),
        }
    }

    /// The key to continue after, as an id or number of the list's own kind.
    ///
    /// # Errors
    /// 400 when it is not one.
    pub fn key<T: std::str::FromStr>(&self) -> Reply<Option<T>> {
        let Some(after) = &self.after else { return Ok(None) };
        after.parse().map(Some).map_err(|_| {
            Problem::new("bad-request", "`after` takes the `next` of the page before").at("after")
        })
    }
}

/// Answers with the page as JSON, or as CSV where the caller asks for that.
///
/// # Errors
/// 400 for an unknown `format`.
pub fn answer<T: Serialize>(
    page: PageOf<T>,
    paging: &Paging,
    headers: &HeaderMap,
) -> Reply<Response> {
    let csv = match paging.format.as_deref() {
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(Problem::new("bad-request", "`format` is json or csv").at("format")),
        None => header_text(headers, "accept").is_some_and(|a| a.starts_with("text/csv")),
    };
    let caching = (header::CACHE_CONTROL, "no-store");
    if !csv {
        return Ok(([caching], Json(page)).into_response());
    }
    let rows: Vec<Value> =
        page.items.iter().filter_map(|item| serde_json::to_value(item).ok()).collect();
    let next = page.next.unwrap_or_default();
    Ok((
        [
            caching,
            (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"list.csv\""),
        ],
        [("fleet-next", next)],
        csv_of(&rows),
    )
        .into_response())
}

/// Rows as CSV (RFC 4180). The columns are the union of the rows' fields, in the order they appear; nested values are JSON.
fn csv_of(rows: &[Value]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut out = line(columns.iter().map(|c| (*c).to_owned()));
    for row in rows {
        out.push_str(&line(columns.iter().map(|column| match row.get(*column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })));
    }
    out
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells
        .map(|cell| {
            // A spreadsheet runs what begins with one of these; text of a portal must stay text.
            let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                format!("'{cell}")
            } else {
                cell
            };
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell
            }
        })
        .collect();
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_is_quoted_and_never_a_formula() {
        let rows =
            [json!({"a": "x,\"y\"", "b": 1}), json!({"a": "=HYPERLINK(1)", "c": {"d": null}})];
        assert_eq!(
            csv_of(&rows),
            "a,b,c\r\n\"x,\"\"y\"\"\",1,\r\n'=HYPERLINK(1),,\"{\"\"d\"\":null}\"\r\n"
        );
    }
}
