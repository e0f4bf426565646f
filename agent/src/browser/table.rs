//! Reading tables and grids: header names, rows of cell texts, a handle for each row.

use super::attempt::{Attempted, Stop, Why};
use super::error::Error;
use super::page::Page;
use super::query::{By, Node, Query};
use super::text::{Text, fold_name};
use serde::Deserialize;
use serde_json::json;

/// A table as read at one moment.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its node.
    pub node: Node,
    /// Caption, accessible name, or the heading before it.
    pub name: String,
    /// Column names; empty where a column has none.
    pub headers: Vec<String>,
    /// Body rows that are visible.
    pub rows: Vec<Row>,
    /// Rows there are in all, where the page says so (`aria-rowcount`, which counts the header as well).
    pub total: Option<u64>,
}

/// One body row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its node: look inside it for what to click ([`Query::within`]).
    pub node: Node,
    /// Cell texts, one per column, spans repeated.
    pub cells: Vec<String>,
    /// Its place among all rows, where the page says so (`aria-rowindex`).
    pub place: Option<u64>,
}

/// How the rows of a table come into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Scrolls {
    /// A box around the rows scrolls, not the whole document.
    pub own: bool,
    /// There is more than is in view.
    pub more: bool,
}

impl Table {
    /// Index of the column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        let want = fold_name(name);
        self.headers.iter().position(|h| fold_name(h) == want)
    }

    /// Rows whose cells match all of these (column, text); rows that lack a column are left out.
    #[must_use]
    pub fn rows_where(&self, wanted: &[(&str, &Text)]) -> Vec<&Row> {
        let fits = |row: &Row| {
            wanted.iter().all(|(column, text)| {
                let cell = self.column(column).and_then(|i| row.cells.get(i));
                cell.is_some_and(|c| text.accepts(c))
            })
        };
        self.rows.iter().filter(|r| fits(r)).collect()
    }
}

#[derive(Deserialize)]
struct Read {
    name: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    token: i64,
    #[serde(default)]
    places: Vec<Option<f64>>,
    total: Option<f64>,
}

impl Page {
    /// All visible tables and grids, or those with this name.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn tables(&self, name: Option<&Text>) -> Result<Vec<Table>, Error> {
        let by = match name {
            Some(t) => By::Table(t.clone()),
            None => By::Css("table,[role=table],[role=grid],[role=treegrid]".to_owned()),
        };
        let mut tables = Vec::new();
        for found in self.find(&Query::by(by)).await?.into_iter().filter(|f| f.visible) {
            match self.read_table(&found.node).await {
                Attempted::Done(t) => tables.push(t),
                Attempted::Wait(_) => {}
                Attempted::Stop(Stop::Browser(e)) => return Err(e),
                Attempted::Stop(_) => {}
            }
        }
        Ok(tables)
    }

    /// What scrolls the rows of a table.
    pub async fn table_scrolls(&self, node: &Node) -> Attempted<Scrolls> {
        match self.inner.run_on(node, "tableScroll", json!([])).await.map(serde_json::from_value) {
            Ok(Ok(scrolls)) => Attempted::Done(scrolls),
            Ok(Err(_)) => Attempted::Stop(Stop::Browser(Error::Script("tableScroll"))),
            Err(e) => Attempted::from_error(e),
        }
    }

    /// Reads one table.
    pub async fn read_table(&self, node: &Node) -> Attempted<Table> {
        match self.read_table_now(node).await {
            Ok(Some(t)) => Attempted::Done(t),
            Ok(None) => Attempted::Wait(Why::Other("the table changed while it was read".into())),
            Err(e) => Attempted::from_error(e),
        }
    }

    async fn read_table_now(&self, node: &Node) -> Result<Option<Table>, Error> {
        let read = self.inner.run_on(node, "table", json!([])).await?;
        let read: Read = serde_json::from_value(read).map_err(|_| Error::Script("table"))?;
        let mut rows = Vec::with_capacity(read.rows.len());
        if !read.rows.is_empty() {
            let numbers = self.inner.run(&node.frame, "rowsOf", json!([read.token])).await?;
            let numbers: Vec<i64> =
                serde_json::from_value(numbers).map_err(|_| Error::Script("rowsOf"))?;
            if numbers.len() != read.rows.len() {
                return Ok(None);
            }
            let places = read.places.into_iter().chain(std::iter::repeat(None));
            let place = |place: Option<f64>| place.filter(|at| *at >= 1.0).map(|at| at as u64);
            rows.extend(numbers.into_iter().zip(read.rows).zip(places).map(
                |((number, cells), at)| Row {
                    node: Node { number, ..node.clone() },
                    cells,
                    place: place(at),
                },
            ));
        }
        // -1 says that the page does not know either.
        let total = read.total.filter(|t| *t >= 1.0).map(|t| t as u64);
        Ok(Some(Table { node: node.clone(), name: read.name, headers: read.headers, rows, total }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_column_names() {
        let node = Node { frame: "F".into(), loader: "L".into(), context: 1, number: 1 };
        let row = |cells: &[&str]| Row {
            node: node.clone(),
            cells: cells.iter().map(|c| (*c).to_owned()).collect(),
            place: None,
        };
        let table = Table {
            node: node.clone(),
            name: String::new(),
            headers: vec!["Reference #:".into(), "Status".into()],
            rows: vec![row(&["A1", "Pending"]), row(&["A2", "Approved"]), row(&["total"])],
            total: None,
        };
        let approved = Text::equals("approved");
        assert_eq!(table.rows_where(&[("status", &approved)])[0].cells[0], "A2");
        assert_eq!(table.column("reference #"), Some(0));
        assert!(table.rows_where(&[("Nope", &approved)]).is_empty());
    }
}
