//! A page that was fetched and never rendered, read as a document: texts, cells, tables. Nothing is laid out, so roles,
//! positions, frames and shadow roots do not exist here; a strategy that needs one of them abstains.
//!
//! Data (`as: json`) become a document too: a list of objects is a table named by its place (`rows`, `data.lines`), any
//! other value a term with its description. So elements, screens and `classify` are written the same way for both.

use domain::id::EvidenceId;
use scraper::{ElementRef, Html, Node as Tree, Selector};
use serde_json::Value;

use crate::browser::{By, Node, Query, Row, Table, Text, text};

/// Rows and cells kept of one table.
const ROWS_MAX: usize = 2_000;

/// A fetched document.
pub(crate) struct Paper {
    /// Where it came from.
    pub(crate) url: String,
    /// The masked answer as it was kept.
    pub(crate) evidence: EvidenceId,
    /// The data, when the answer was data.
    pub(crate) data: Option<Value>,
    html: Html,
}

/// What one strategy gives.
pub(crate) enum Vote<'p> {
    /// Exactly one element.
    One(ElementRef<'p>),
    /// None, or several.
    Not(usize),
    /// It cannot be followed here.
    Abstains,
}

impl Paper {
    pub(crate) fn page(url: &str, evidence: EvidenceId, body: &str) -> Self {
        Self { url: url.to_owned(), evidence, data: None, html: Html::parse_document(body) }
    }

    pub(crate) fn data(url: &str, evidence: EvidenceId, data: Value) -> Self {
        let html = Html::parse_document(&document_of(&data));
        Self { url: url.to_owned(), evidence, data: Some(data), html }
    }

    /// The `<title>`.
    pub(crate) fn title(&self) -> String {
        let found = select(self.html.root_element(), "title").into_iter().next();
        found.map(|title| text::spaces(&title.text().collect::<String>())).unwrap_or_default()
    }

    /// The text a reader would see, spaces normalised.
    pub(crate) fn text(&self) -> String {
        let body = select(self.html.root_element(), "body").into_iter().next();
        shown(body.unwrap_or_else(|| self.html.root_element()))
    }

    /// One element by its strategies, as everywhere: the first with a unique match wins, a vote for another one is an error.
    pub(crate) fn element(
        &self,
        strategies: &[Vec<Query>],
    ) -> Result<Option<ElementRef<'_>>, String> {
        let mut winner: Option<ElementRef<'_>> = None;
        let mut several = 0;
        for ways in strategies {
            for way in ways {
                match self.vote(way) {
                    Vote::One(found) => match winner {
                        None => winner = Some(found),
                        Some(won) if same(won, found) => {}
                        Some(_) => {
                            return Err("two strategies point at different places".to_owned());
                        }
                    },
                    Vote::Not(count) => several = several.max(count),
                    Vote::Abstains => {}
                }
            }
        }
        match (winner, several) {
            (None, 2..) => Err(format!("{several} places fit")),
            (winner, _) => Ok(winner),
        }
    }

    /// Whether any strategy finds anything at all.
    pub(crate) fn any(&self, strategies: &[Vec<Query>]) -> bool {
        strategies
            .iter()
            .flatten()
            .any(|way| !matches!(self.vote(way), Vote::Not(0) | Vote::Abstains))
    }

    fn vote(&self, query: &Query) -> Vote<'_> {
        if query.beside.is_some() || query.inside.is_some() || query.frame.is_some() {
            return Vote::Abstains;
        }
        let Some(mut found) = self.all(&query.by) else { return Vote::Abstains };
        found.retain(|one| !is_hidden(*one));
        if let Some(nth) = query.nth {
            return found.get(nth - 1).map_or(Vote::Not(0), |one| Vote::One(*one));
        }
        match found.as_slice() {
            [one] => Vote::One(*one),
            many => Vote::Not(many.len()),
        }
    }

    fn all(&self, by: &By) -> Option<Vec<ElementRef<'_>>> {
        let root = self.html.root_element();
        let with = |attribute: &str, wanted: &Text| {
            let every = select(root, &format!("[{attribute}]"));
            let fits = |one: &ElementRef<'_>| {
                one.attr(attribute).is_some_and(|shown| wanted.accepts_name(shown))
            };
            every.into_iter().filter(fits).collect()
        };
        Some(match by {
            By::Css(css) => select(root, css),
            By::Title(wanted) => with("title", wanted),
            By::Alt(wanted) => with("alt", wanted),
            By::Placeholder(wanted) => with("placeholder", wanted),
            By::TestId(id) => {
                select(root, "[data-testid],[data-test],[data-test-id],[data-qa],[data-cy]")
                    .into_iter()
                    .filter(|one| {
                        let names =
                            ["data-testid", "data-test", "data-test-id", "data-qa", "data-cy"];
                        names.iter().any(|name| one.attr(name) == Some(id))
                    })
                    .collect()
            }
            By::Text(wanted) => self.smallest(wanted),
            By::Label(wanted) => select(root, "th,dt,label,td")
                .into_iter()
                .filter(|label| wanted.accepts_name(&shown(*label)))
                .filter_map(|label| beside(root, label))
                .collect(),
            By::Table(wanted) => select(root, "table")
                .into_iter()
                .filter(|table| wanted.accepts_name(&name_of(root, *table)))
                .collect(),
            By::Role(..) | By::Xpath(_) | By::Dialog(_) | By::Region(_) | By::Control => {
                return None;
            }
        })
    }

    /// The deepest elements whose text fits.
    fn smallest(&self, wanted: &Text) -> Vec<ElementRef<'_>> {
        let fits = |one: &ElementRef<'_>| wanted.accepts(&shown(*one));
        let all: Vec<ElementRef<'_>> = select(self.html.root_element(), "body, body *")
            .into_iter()
            .filter(|one| !is_hidden(*one))
            .filter(fits)
            .collect();
        let deeper = |one: &ElementRef<'_>| {
            all.iter().any(|other| other.id() != one.id() && is_inside(*other, *one))
        };
        all.iter().filter(|one| !deeper(one)).copied().collect()
    }

    /// A table with its headers and rows; spans are repeated, as in a rendered one.
    pub(crate) fn table(&self, element: ElementRef<'_>) -> Table {
        let mut grid: Vec<(bool, Vec<String>)> = Vec::new();
        let mut hanging: Vec<(usize, usize, String)> = Vec::new();
        for row in select(element, "tr").into_iter().filter(|row| !is_hidden(*row)).take(ROWS_MAX) {
            let mut cells = Vec::new();
            let mut begun = Vec::new();
            let (mut heads, mut count) = (0, 0);
            for cell in row.child_elements().filter(|one| matches!(one.value().name(), "td" | "th"))
            {
                hang(&mut cells, &mut hanging);
                count += 1;
                heads += usize::from(cell.value().name() == "th");
                let words = value(cell);
                let span = |name: &str| {
                    cell.attr(name).and_then(|n| n.parse().ok()).unwrap_or(1_usize).clamp(1, 100)
                };
                for _ in 0..span("colspan") {
                    if span("rowspan") > 1 {
                        begun.push((cells.len(), span("rowspan") - 1, words.clone()));
                    }
                    cells.push(words.clone());
                }
            }
            hang(&mut cells, &mut hanging);
            hanging.iter_mut().for_each(|(_, left, _)| *left = left.saturating_sub(1));
            hanging.retain(|(_, left, _)| *left > 0);
            hanging.append(&mut begun);
            let head = count > 0 && heads == count;
            grid.push((head, cells));
        }
        let heads =
            grid.iter().take_while(|(head, _)| *head).count().max(usize::from(!grid.is_empty()));
        let width = grid.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let headers = (0..width)
            .map(|column| {
                let mut words: Vec<&str> = grid[..heads]
                    .iter()
                    .filter_map(|(_, cells)| cells.get(column).map(String::as_str))
                    .filter(|text| !text.is_empty())
                    .collect();
                // A header that reaches over both lines is one header.
                words.dedup();
                words.join(" ")
            })
            .collect();
        let rows = grid
            .into_iter()
            .skip(heads)
            .filter(|(_, cells)| cells.len() == width)
            .map(|(_, cells)| Row { node: nowhere(), cells, place: None })
            .collect();
        Table { node: nowhere(), name: String::new(), headers, rows, total: None }
    }
}

/// Cells that hang down from rows above come first at their column.
fn hang(cells: &mut Vec<String>, hanging: &mut [(usize, usize, String)]) {
    while let Some((_, _, words)) =
        hanging.iter().find(|(column, left, _)| *column == cells.len() && *left > 0)
    {
        cells.push(words.clone());
    }
}

/// A fetched row can be read, never acted on.
fn nowhere() -> Node {
    Node::nowhere()
}

/// What an element shows: a control's value, else its text.
pub(crate) fn value(element: ElementRef<'_>) -> String {
    match element.value().name() {
        "input" => element.attr("value").unwrap_or_default().to_owned(),
        "select" => {
            let chosen = select(element, "option[selected]").into_iter().next();
            let first = || select(element, "option").into_iter().next();
            chosen.or_else(first).map(shown).unwrap_or_default()
        }
        _ => shown(element),
    }
}

/// Text of an element without what a browser does not show; blocks and cells are apart.
fn shown(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    gather(element, &mut out);
    text::spaces(&out)
}

fn gather(element: ElementRef<'_>, out: &mut String) {
    if is_silent(element) {
        return;
    }
    let block = !matches!(
        element.value().name(),
        "a" | "abbr"
            | "b"
            | "bdi"
            | "cite"
            | "code"
            | "em"
            | "font"
            | "i"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "wbr"
    );
    if block {
        out.push(' ');
    }
    for child in element.children() {
        match child.value() {
            Tree::Text(words) => out.push_str(words),
            Tree::Element(_) => {
                if let Some(child) = ElementRef::wrap(child) {
                    gather(child, out);
                }
            }
            _ => {}
        }
    }
    if block {
        out.push(' ');
    }
}

/// Not shown by itself: scripts, styles, `hidden`, and what its own style hides.
fn is_silent(element: ElementRef<'_>) -> bool {
    let style = element.attr("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    matches!(element.value().name(), "script" | "style" | "template" | "noscript" | "head")
        || element.attr("hidden").is_some()
        || (element.value().name() == "input" && element.attr("type") == Some("hidden"))
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

fn is_hidden(element: ElementRef<'_>) -> bool {
    is_silent(element) || element.ancestors().filter_map(ElementRef::wrap).any(is_silent)
}

fn select<'p>(root: ElementRef<'p>, css: &str) -> Vec<ElementRef<'p>> {
    // A selector only a browser understands finds nothing here, so that the strategy abstains.
    Selector::parse(css).map(|selector| root.select(&selector).collect()).unwrap_or_default()
}

fn is_inside(inner: ElementRef<'_>, outer: ElementRef<'_>) -> bool {
    inner.ancestors().any(|ancestor| ancestor.id() == outer.id())
}

/// The same element, or one inside the other with the very same text.
fn same(a: ElementRef<'_>, b: ElementRef<'_>) -> bool {
    a.id() == b.id() || ((is_inside(a, b) || is_inside(b, a)) && shown(a) == shown(b))
}

/// What a label, term or header cell stands for.
fn beside<'p>(root: ElementRef<'p>, label: ElementRef<'p>) -> Option<ElementRef<'p>> {
    match label.value().name() {
        "label" => match label.attr("for") {
            Some(id) => select(root, "input,select,textarea,output")
                .into_iter()
                .find(|one| one.attr("id") == Some(id)),
            None => select(label, "input,select,textarea,output").into_iter().next(),
        },
        "dt" => label
            .next_siblings()
            .filter_map(ElementRef::wrap)
            .find(|one| one.value().name() == "dd"),
        _ => label
            .next_siblings()
            .filter_map(ElementRef::wrap)
            .find(|one| one.value().name() == "td"),
    }
}

/// Caption, `aria-label`, or the last heading before it.
fn name_of(root: ElementRef<'_>, table: ElementRef<'_>) -> String {
    if let Some(caption) = select(table, "caption").into_iter().next() {
        return shown(caption);
    }
    if let Some(label) = table.attr("aria-label") {
        return label.to_owned();
    }
    let mut heading = String::new();
    for one in select(root, "h1,h2,h3,h4,h5,h6,table") {
        if one.id() == table.id() {
            break;
        }
        if one.value().name() != "table" {
            heading = shown(one);
        }
    }
    heading
}

/// Data as a document.
fn document_of(data: &Value) -> String {
    let mut out = String::from("<!doctype html><body>");
    write(data, "", &mut out);
    out.push_str("</body>");
    out
}

fn write(value: &Value, place: &str, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                write(value, &place, out);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            rows(items, place, out)
        }
        Value::Array(items) => {
            for item in items {
                write(item, place, out);
            }
        }
        Value::Null => {}
        plain => {
            let words = words_of(plain);
            out.push_str(&format!(
                "<dl><dt>{}</dt><dd>{}</dd></dl>",
                escaped(place),
                escaped(&words)
            ));
        }
    }
}

fn rows(items: &[Value], place: &str, out: &mut String) {
    let mut columns: Vec<&String> = Vec::new();
    for field in items.iter().filter_map(Value::as_object).flat_map(|fields| fields.keys()) {
        if !columns.contains(&field) {
            columns.push(field);
        }
    }
    out.push_str(&format!("<table><caption>{}</caption><tr>", escaped(place)));
    for column in &columns {
        out.push_str(&format!("<th>{}</th>", escaped(column)));
    }
    out.push_str("</tr>");
    for item in items.iter().take(ROWS_MAX) {
        out.push_str("<tr>");
        for column in &columns {
            let words = item.get(column.as_str()).map(words_of).unwrap_or_default();
            out.push_str(&format!("<td>{}</td>", escaped(&words)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
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
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    fn id() -> EvidenceId {
        EvidenceId::new(Timestamp::from_ms(0), 1)
    }

    fn paper(body: &str) -> Paper {
        Paper::page("https://a.test/x", id(), body)
    }

    fn read(paper: &Paper, by: By) -> Option<String> {
        paper.element(&[vec![Query::by(by)]]).ok().flatten().map(value)
    }

    #[test]
    fn texts_labels_and_attributes_are_found_and_hidden_things_are_not() {
        let paper = paper(
            "<title>Claim  detail</title><body><script>Status: PAID</script><h1>Claim</h1>\
             <p hidden>Status: DENIED</p><div style='display: none'>VOID</div>\
             <table><tr><th>Claim Status:</th><td title='Claim Status'>IN <b>PROCESS</b></td></tr></table>\
             <dl><dt>Billed</dt><dd>$ 12.50</dd></dl><label for=n>ICN *</label><input id=n value=2026061>\
             <select><option>a<option selected>b</select></body>",
        );
        assert_eq!(paper.title(), "Claim detail");
        assert_eq!(paper.text(), "Claim Claim Status: IN PROCESS Billed $ 12.50 ICN * a b");
        let equals = |text: &str| Text::equals(text);
        assert_eq!(read(&paper, By::Label(equals("Claim Status"))).as_deref(), Some("IN PROCESS"));
        assert_eq!(read(&paper, By::Label(equals("billed"))).as_deref(), Some("$ 12.50"));
        assert_eq!(read(&paper, By::Label(equals("ICN"))).as_deref(), Some("2026061"));
        assert_eq!(read(&paper, By::Title(equals("Claim Status"))).as_deref(), Some("IN PROCESS"));
        assert_eq!(read(&paper, By::Css("select".into())).as_deref(), Some("b"));
        assert_eq!(read(&paper, By::Text(equals("VOID"))), None);
        assert_eq!(read(&paper, By::Role("cell".into(), None)), None, "there are no roles here");
    }

    #[test]
    fn strategies_vote_and_a_disagreement_is_an_error() {
        let paper = paper("<p class=a>One</p><p class=b>Two</p><p class=c>Two</p>");
        let css = |css: &str| vec![Query::by(By::Css(css.into()))];
        assert!(paper.element(&[css(".a"), css(".b")]).is_err());
        assert!(paper.element(&[css(".a"), css("p.a")]).is_ok_and(|found| found.is_some()));
        assert!(paper.element(&[css("p")]).is_err(), "three fit");
        assert!(paper.element(&[css(".x")]).is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn a_table_is_read_with_its_spans() {
        let paper = paper(
            "<h2>Requests found</h2><table><tr><th rowspan=2>Number</th><th colspan=2>Dates</th></tr>\
             <tr><th>From</th><th>To</th></tr><tr><td rowspan=2>A1</td><td>03/01</td><td>03/02</td></tr>\
             <tr><td>03/05</td><td>03/06</td></tr><tr><td colspan=1>Total</td></tr></table>",
        );
        let table = paper.element(&[vec![Query::by(By::Table(Text::equals("Requests found")))]]);
        let table = paper.table(table.unwrap().unwrap());
        assert_eq!(table.headers, ["Number", "Dates From", "Dates To"]);
        let rows: Vec<_> = table.rows.iter().map(|row| row.cells.join("|")).collect();
        assert_eq!(rows, ["A1|03/01|03/02", "A1|03/05|03/06"]);
    }

    #[test]
    fn data_become_a_document() {
        let data = serde_json::json!({"rows": [
            {"claim": "401", "status": "Finalized/Payment", "paid": 320.5, "x": null},
            {"claim": "402", "status": "Pending <1>", "codes": ["A", "B"]}], "page": {"total": 2}, "note": ""});
        let paper = Paper::data("https://a.test/api", id(), data);
        let table = paper.element(&[vec![Query::by(By::Table(Text::equals("rows")))]]);
        let table = paper.table(table.unwrap().unwrap());
        let at =
            |name: &str, row: usize| table.rows[row].cells[table.column(name).unwrap()].clone();
        assert_eq!((at("status", 0), at("paid", 0)), ("Finalized/Payment".into(), "320.5".into()));
        assert_eq!((at("status", 1), at("codes", 1)), ("Pending <1>".into(), "A, B".into()));
        assert_eq!(read(&paper, By::Label(Text::equals("page.total"))).as_deref(), Some("2"));
    }
}
