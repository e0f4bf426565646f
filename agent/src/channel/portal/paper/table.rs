//! Tables of a document that is not laid out.

use scraper::ElementRef;

use super::{
    Paper, select,
    words::{is_hidden, value},
};
use crate::browser::{Node, Row, Table};

/// Rows kept of one table.
pub(super) const ROWS_MAX: usize = 2_000;

impl Paper {
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

#[cfg(test)]
mod tests {
    use super::super::tests::paper;
    use crate::browser::{By, Query, Text};

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
}
