//! Tables that show a part of their rows only: scrolled through from the top, rows collected by their key, and back to
//! the row that is wanted. What was not seen whole is never concluded from.

use std::{collections::BTreeMap, time::Duration};

use super::{Halt, Portal, STEP_MAX};
use crate::browser::{Attempted, Deadline, Node, Page, Row, Scrolls, Table};

/// Screens looked at before a list counts as one without an end.
const SCREENS_MAX: u32 = 200;
/// How long rows may take to change after scrolling; longer at the end, where more may be fetched.
const CHANGES: Duration = Duration::from_millis(350);
const CHANGES_AT_END: Duration = Duration::from_millis(1_200);
/// How long rows that are shown empty may take to be filled.
const FILLS: Duration = Duration::from_secs(3);
/// How long the page must be still for a reading to count.
const STILL: Duration = Duration::from_millis(60);

/// How far a table was looked through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Looked {
    /// What it shows.
    Shown,
    /// By its own scroll box.
    Box,
    /// By scrolling the document as well.
    All,
}

/// What tells rows apart: the place the page gives, else the cells and the how-manieth of these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Place(u64),
    Cells(Vec<String>, usize),
}

#[derive(Default)]
struct Collected {
    rows: BTreeMap<Key, usize>,
    list: Vec<Row>,
}

impl Collected {
    /// Adds the rows of one screen; whether one was new.
    fn add(&mut self, table: &Table) -> bool {
        let before = self.list.len();
        for (key, row) in keyed(&table.rows) {
            match self.rows.get(&key) {
                // The newest reading counts: a row may have been shown before it was filled.
                Some(at) => self.list[*at] = row.clone(),
                None => {
                    self.rows.insert(key, self.list.len());
                    self.list.push(row.clone());
                }
            }
        }
        self.list.len() > before
    }
}

fn keyed(rows: &[Row]) -> impl Iterator<Item = (Key, &Row)> {
    let mut seen: BTreeMap<&[String], usize> = BTreeMap::new();
    rows.iter().map(move |row| {
        let nth = seen.entry(&row.cells).or_insert(0);
        *nth += 1;
        let key = match row.place {
            Some(place) => Key::Place(place),
            None => Key::Cells(row.cells.clone(), *nth),
        };
        (key, row)
    })
}

fn cells(table: &Table) -> Vec<Vec<String>> {
    table.rows.iter().map(|row| row.cells.clone()).collect()
}

impl Portal<'_> {
    /// The table with all its rows, where it may have more than it shows. `looked`: how far it was looked through before;
    /// `none`: nothing fits so far, so that the document is scrolled as well.
    pub(crate) async fn with_all_rows(
        &mut self,
        page: &Page,
        table: Table,
        looked: &mut Looked,
        none: bool,
    ) -> Result<Table, Halt> {
        if table.rows.is_empty() {
            return Ok(table);
        }
        let told = table.total.is_some_and(|total| total > table.rows.len() as u64 + 1);
        let scrolls = match page.table_scrolls(&table.node).await {
            Attempted::Done(scrolls) => scrolls,
            Attempted::Wait(_) => return Ok(table),
            Attempted::Stop(stop) => return Err(self.stopped("the table", &stop)),
        };
        let due = match scrolls {
            _ if told => Looked::All,
            Scrolls { own: true, more: true } => Looked::All,
            Scrolls { own: false, more: true } if none => Looked::All,
            _ => Looked::Box,
        };
        *looked = due;
        if due < Looked::All {
            return Ok(table);
        }
        let shown = table.rows.len();
        let all = self.all_rows(page, table).await?;
        if all.rows.len() > shown {
            self.observe.log(&format!("looked through {} rows", all.rows.len()));
        }
        Ok(all)
    }

    /// Every row from the first to the last. An end that is not reached is an exception of its own: nothing can be said
    /// of rows nobody has seen.
    async fn all_rows(&mut self, page: &Page, table: Table) -> Result<Table, Halt> {
        let until = Deadline::within(STEP_MAX).at_most(self.deadline.left());
        let node = table.node.clone();
        let mut found = Collected::default();
        // Rows are drawn a little after the scrolling: what is shown until then is of another place.
        let before = cells(&table);
        let before = self.scroll(page, &node, true).await?.moved.then_some(before);
        let first = self.screenful(page, &node, before.as_ref(), CHANGES).await?;
        let mut last = first.unwrap_or(table);
        found.add(&last);
        let mut still = 0;
        for _ in 0..SCREENS_MAX {
            let told = last.total.unwrap_or(u64::MAX);
            if still >= 2 || found.list.len() as u64 >= told {
                // A header may be counted, too.
                if last.total.is_some_and(|total| found.list.len() as u64 + 2 < total) {
                    let detail = format!(
                        "the table says that it has {told} rows and shows {}",
                        found.list.len()
                    );
                    return Err(self.endless(&detail));
                }
                return Ok(Table { rows: found.list, ..last });
            }
            if until.passed() {
                break;
            }
            let before = cells(&last);
            let scrolled = self.scroll(page, &node, false).await?;
            let patience = if scrolled.at_end { CHANGES_AT_END } else { CHANGES };
            let Some(next) = self.screenful(page, &node, Some(&before), patience).await? else {
                return Err(self.raise("element_missing", "the table went away while scrolled"));
            };
            last = next;
            if found.add(&last) {
                still = 0;
            } else if scrolled.at_end || !scrolled.moved {
                still += 1;
            }
        }
        let detail = format!("{} rows were read and the list goes on", found.list.len());
        Err(self.endless(&detail))
    }

    /// A list whose end was not seen. A minute was spent on it: it is not looked through once more.
    fn endless(&mut self, detail: &str) -> Halt {
        self.repeated = true;
        self.raise("no_known_screen", detail)
    }

    /// The row again, in view: what was read before may not be rendered any more.
    pub(crate) async fn back_to(
        &mut self,
        page: &Page,
        table: &Table,
        row: &Row,
    ) -> Result<Row, Halt> {
        let node = table.node.clone();
        let shown = match page.read_table(&node).await {
            Attempted::Done(table) => Some(cells(&table)),
            _ => None,
        };
        let moved = self.scroll(page, &node, true).await?.moved;
        let mut before = shown.filter(|_| moved);
        let mut ends = 0;
        let mut patience = CHANGES;
        for _ in 0..SCREENS_MAX {
            let shown = self.screenful(page, &node, before.as_ref(), patience).await?;
            let Some(shown) = shown else { break };
            let same = |other: &&Row| other.cells == row.cells && other.place == row.place;
            if let Some(row) = shown.rows.iter().find(same) {
                return Ok(row.clone());
            }
            if ends >= 2 {
                break;
            }
            before = Some(cells(&shown));
            let scrolled = self.scroll(page, &node, false).await?;
            ends += u32::from(scrolled.at_end || !scrolled.moved);
            patience = if scrolled.at_end { CHANGES_AT_END } else { CHANGES };
        }
        Err(self.raise("element_missing", "the row is not in the table any more"))
    }

    async fn scroll(
        &mut self,
        page: &Page,
        node: &Node,
        to_top: bool,
    ) -> Result<crate::browser::Scrolled, Halt> {
        match page.scroll_table(node, to_top).await {
            Attempted::Done(scrolled) => Ok(scrolled),
            Attempted::Wait(why) => {
                Err(self.raise("element_missing", &format!("the table: {why}")))
            }
            Attempted::Stop(stop) => Err(self.stopped("the table", &stop)),
        }
    }

    /// Reads the rows when they have changed and rest, or are as before when the patience is over. None: the table is gone.
    async fn screenful(
        &mut self,
        page: &Page,
        node: &Node,
        before: Option<&Vec<Vec<String>>>,
        patience: Duration,
    ) -> Result<Option<Table>, Halt> {
        let until = Deadline::within(patience);
        let filled = Deadline::within(FILLS);
        loop {
            self.may_go_on()?;
            self.check_dialogs().await?;
            match page.read_table(node).await {
                Attempted::Done(table) => {
                    let now = cells(&table);
                    let blank = now.iter().any(|row| row.iter().all(|cell| cell.trim().is_empty()));
                    let changed = before.is_none_or(|before| *before != now);
                    let rests = page.stillness().for_ >= STILL;
                    let over = if blank { filled.passed() } else { until.passed() };
                    if over || (changed && rests && !blank) {
                        return Ok(Some(table));
                    }
                }
                Attempted::Wait(_) if until.passed() => return Ok(None),
                Attempted::Wait(_) => {}
                Attempted::Stop(stop) => return Err(self.stopped("the table", &stop)),
            }
            page.wait_change(until.at_most(STILL).max(Deadline::within(Duration::from_millis(15))))
                .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str], place: Option<u64>) -> Row {
        let node = Node { frame: "F".into(), loader: "L".into(), context: 1, number: 1 };
        Row { node, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), place }
    }

    fn table(rows: Vec<Row>) -> Table {
        let node = Node { frame: "F".into(), loader: "L".into(), context: 1, number: 1 };
        Table { node, name: String::new(), headers: Vec::new(), rows, total: None }
    }

    #[test]
    fn rows_seen_twice_count_once_and_two_alike_on_one_screen_count_twice() {
        let mut all = Collected::default();
        assert!(all.add(&table(vec![row(&["a"], None), row(&["b"], None), row(&["b"], None)])));
        assert!(!all.add(&table(vec![row(&["b"], None), row(&["b"], None)])), "the same two");
        assert!(all.add(&table(vec![row(&["b"], None), row(&["c"], None)])));
        assert_eq!(all.list.len(), 4);
    }

    #[test]
    fn a_place_tells_rows_apart_whatever_they_show() {
        let mut all = Collected::default();
        all.add(&table(vec![row(&["…"], Some(7)), row(&["x"], Some(8))]));
        assert!(!all.add(&table(vec![row(&["x"], Some(7))])), "now it is filled");
        assert_eq!(all.list.len(), 2);
        assert_eq!(all.list[0].cells, ["x"]);
    }
}
