//! Tables: wanted rows, exactly one row, the number of rows, and further pages.

use std::time::Duration;

use domain::{
    id::EvidenceId,
    script::{
        ast::{Cell, Pages, PickRow, ReadAs, RowCount, Take, Target, Words},
        text::normalise_label,
    },
    step::ReadValue,
};

use super::{
    Halt, Portal,
    act::Deed,
    locate::{self, Located},
    long::Looked,
};
use crate::browser::{Attempted, Deadline, Page, Row, Table, Tries, Why};

/// How cells of a shown page are read; the picture of the step is their proof.
pub(crate) const SHOWN: (&str, Option<EvidenceId>) = ("table", None);

impl Portal<'_> {
    /// Waits for a table and reads it.
    pub(crate) async fn table(
        &mut self,
        from: &Target,
        deadline: Deadline,
    ) -> Result<(Page, Table), Halt> {
        let mut tries = Tries::until(deadline);
        loop {
            let (page, found) = self.find(from, deadline).await?;
            let tried = page.read_table(&found.node).await;
            match tries.next(tried).await {
                Ok(Some(table)) => return Ok((page, table)),
                Ok(None) => {}
                Err(error) => return Err(self.not_done(from, &error, false)),
            }
        }
    }

    /// The rows in which every wanted cell fits.
    pub(crate) fn wanted_rows(
        &self,
        table: &Table,
        cells: &[(Words, Cell)],
    ) -> Result<Vec<Row>, Halt> {
        let mut columns = Vec::new();
        for (header, cell) in cells {
            let Some(at) = column(table, header.as_str()) else {
                // Without the column nothing can be told apart: that is no "no match".
                let detail = format!(
                    "the table has no column `{header}`, only: {}",
                    table.headers.join(", "),
                    header = header.as_str()
                );
                return Err(self.raise("element_missing", &detail));
            };
            columns.push((at, cell));
        }
        let mut rows = Vec::new();
        for row in &table.rows {
            let mut fits = true;
            for (at, cell) in &columns {
                fits = fits
                    && match row.cells.get(*at) {
                        Some(shown) => self.eval(|scope| scope.cell_fits(cell, shown))?,
                        None => false,
                    };
            }
            if fits {
                rows.push(row.clone());
            }
        }
        Ok(rows)
    }

    /// `pick_row`: exactly one row, its cells kept, and a click inside it.
    pub(crate) async fn pick_row(
        &mut self,
        pick: &PickRow,
        deadline: Deadline,
    ) -> Result<(), Halt> {
        let (page, table, mut row) = self.one_row(pick, deadline).await?;
        self.take_cells(&table, &row, &pick.take, SHOWN)?;
        self.observe.log("one row fits");
        let Some(target) = &pick.click else { return Ok(()) };
        match self.row_now(&page, &table, &row).await {
            Some(again) => row = again,
            None if self.is_read(&page, &table).await => {
                return Err(self.raise("element_missing", "the row changed before the click"));
            }
            None => {}
        }
        self.click_in_row(target, &table, row, deadline).await
    }

    /// The row as it is rendered now.
    async fn row_now(&self, page: &Page, table: &Table, row: &Row) -> Option<Row> {
        let Attempted::Done(again) = page.read_table(&table.node).await else { return None };
        let same = |other: &Row| other.cells == row.cells && other.place == row.place;
        again.rows.into_iter().find(same)
    }

    async fn is_read(&self, page: &Page, table: &Table) -> bool {
        matches!(page.read_table(&table.node).await, Attempted::Done(_))
    }

    async fn one_row(
        &mut self,
        pick: &PickRow,
        deadline: Deadline,
    ) -> Result<(Page, Table, Row), Halt> {
        let mut tries = Tries::until(deadline);
        let mut turned = 0;
        let (mut looked, mut scans) = (Looked::Shown, 0);
        loop {
            self.watch().await?;
            let (page, table) = self.table(&pick.from, deadline).await?;
            // An answered search shows its rows at once; an empty table is given a few seconds more.
            let patience = if table.rows.is_empty() { 40 } else { 16 };
            let shown = table.rows.len();
            let none = self.wanted_rows(&table, &pick.cells)?.is_empty() && tries.count() > 4;
            let table = match looked {
                Looked::Box if !none => table,
                _ => self.with_all_rows(&page, table, &mut looked, none).await?,
            };
            let mut rows = self.wanted_rows(&table, &pick.cells)?;
            match rows.len() {
                1 => {
                    if let Some(mut row) = rows.pop() {
                        if table.rows.len() > shown || looked == Looked::All {
                            row = self.back_to(&page, &table, &row).await?;
                        }
                        return Ok((page, table, row));
                    }
                }
                0 => {
                    if let Some(pages) = &pick.pages
                        && !table.rows.is_empty()
                        && turned < pages.at_most
                        && self.turn_page(pages, &table, deadline).await?
                    {
                        turned += 1;
                        (looked, scans) = (Looked::Shown, 0);
                        continue;
                    }
                }
                _ => {
                    // Lists settle: more than one counts only when it stays so.
                    let stays = tries.count() > 8 || looked == Looked::All && scans > 0;
                    if stays || tries.deadline().left() < Duration::from_secs(2) {
                        let detail = format!("{} rows fit", rows.len());
                        return Err(self.raise(pick.many.as_str(), &detail));
                    }
                }
            }
            if looked == Looked::All {
                (looked, scans) = (Looked::Shown, scans + 1);
            }
            let over = tries.count() > patience || scans > 2;
            if over || tries.wait_look(Why::Missing).await.is_err() {
                return Err(self.no_row(pick, turned, table.rows.len()).await);
            }
        }
    }

    /// No row fits. Where the list goes on beyond what may be turned, nobody can say so.
    async fn no_row(&mut self, pick: &PickRow, turned: u32, rows: usize) -> Halt {
        if let Some(pages) = &pick.pages
            && turned >= pages.at_most
            && let Ok(page) = self.page()
            && let Ok(Some(next)) = self.glance(&page, &pages.next).await
            && next.facts.enabled
        {
            let detail = format!("{turned} further pages read and the list goes on");
            return self.raise("no_known_screen", &detail);
        }
        self.raise(pick.none.as_str(), &format!("none of {rows} rows fits"))
    }

    async fn click_in_row(
        &mut self,
        target: &Target,
        table: &Table,
        mut row: Row,
        deadline: Deadline,
    ) -> Result<(), Halt> {
        let plain = self.sought(target)?;
        self.pace.gap().await;
        let mut tries = Tries::until(deadline);
        loop {
            self.may_go_on()?;
            let page = self.page()?;
            let mut sought = plain.clone();
            for way in sought.strategies.iter_mut().flatten() {
                *way = way.clone().within(row.node.clone());
            }
            let why = match self.look_for(&page, &sought).await? {
                Located::One(chosen) => {
                    let mut seam = self.observe.at_act("pick_row", Some(sought.name.clone()));
                    let node = &chosen.found.stands_for;
                    match page.try_click(node, tries.count(), &mut seam).await {
                        Attempted::Done(_) => {
                            self.settle(deadline).await;
                            self.check_dialogs().await?;
                            return Ok(());
                        }
                        Attempted::Wait(why) => why,
                        Attempted::Stop(stop) => {
                            return Err(self.stopped(&sought.name, &stop));
                        }
                    }
                }
                Located::Not(why) => why,
                Located::Conflict(how) => Why::Other(how),
            };
            let rendered_anew = matches!(why, Why::Detached | Why::Missing);
            if let Err(error) = tries.wait(why).await {
                return Err(self.not_done(target, &error, false));
            }
            if rendered_anew && let Some(again) = self.row_now(&page, table, &row).await {
                row = again;
            }
        }
    }

    /// Keeps cells of a row as captures, with how they were read and what proves them.
    pub(crate) fn take_cells(
        &mut self,
        table: &Table,
        row: &Row,
        take: &[Take],
        (read_by, proof): (&str, Option<EvidenceId>),
    ) -> Result<(), Halt> {
        for one in take {
            let cell = column(table, one.column.as_str()).and_then(|at| row.cells.get(at));
            // A cell left empty says nothing, which is no fault where only its words are wanted.
            let silent = cell.is_some_and(|shown| shown.trim().is_empty());
            if silent && one.read_as == ReadAs::Text {
                continue;
            }
            let shown = cell.cloned().unwrap_or_default();
            let text = match &one.pattern {
                Some(pattern) => pattern.extract(&shown).unwrap_or_default().to_owned(),
                None => shown,
            };
            let read = ReadValue {
                name: one.name.text.clone(),
                value: text,
                read_by: read_by.to_owned(),
                bounds: None,
                picture: proof,
                confidence: None,
            };
            self.keep_value(read, &one.read_as, one.kind, false)?;
        }
        Ok(())
    }

    /// `until: {rows}`: exactly that many rows.
    pub(crate) async fn until_rows(
        &mut self,
        rows: &RowCount,
        deadline: Deadline,
    ) -> Result<(), Halt> {
        let mut tries = Tries::until(deadline);
        let mut count = 0;
        loop {
            self.may_go_on()?;
            self.check_dialogs().await?;
            self.watch().await?;
            let page = self.page()?;
            if let Some(found) = self.glance(&page, &rows.from).await?
                && let Attempted::Done(table) = page.read_table(&found.node).await
                && rows.cells.iter().all(|(header, _)| column(&table, header.as_str()).is_some())
            {
                count = self.wanted_rows(&table, &rows.cells)?.len();
                if count == rows.count as usize {
                    return Ok(());
                }
            }
            if tries.wait_look(Why::NotShown).await.is_err() {
                let of = locate::called(&rows.from);
                let detail = format!("`{of}` shows {count} fitting rows, awaited {}", rows.count);
                return Err(self.raise("no_known_screen", &detail));
            }
        }
    }

    /// Turns to the next page of a table. False when there is none, or it did not change anything.
    pub(crate) async fn turn_page(
        &mut self,
        pages: &Pages,
        table: &Table,
        deadline: Deadline,
    ) -> Result<bool, Halt> {
        let page = self.page()?;
        let Some(next) = self.glance(&page, &pages.next).await? else { return Ok(false) };
        if !next.facts.enabled {
            return Ok(false);
        }
        let rows = |of: &Table| of.rows.iter().map(|row| row.cells.clone()).collect::<Vec<_>>();
        let mut before: Vec<Vec<Vec<String>>> = vec![rows(table)];
        let shown = page.tables(None).await.unwrap_or_default();
        before.extend(shown.iter().filter(|other| other.headers == table.headers).map(rows));
        self.pace.page().await;
        self.deed(&pages.next, &Deed::Click, deadline).await?;
        self.settle(deadline).await;
        let mut tries = Tries::until(deadline.at_most(Duration::from_secs(6)));
        loop {
            let page = self.page()?;
            for now in page.tables(None).await.unwrap_or_default() {
                if now.headers == table.headers && !before.contains(&rows(&now)) {
                    return Ok(true);
                }
            }
            if tries.wait_look(Why::NotShown).await.is_err() {
                return Ok(false);
            }
        }
    }

    /// Tables on the page right now that could be this one; for telling "empty" from "not there".
    pub(crate) async fn glance_table(&self, from: &Target) -> Result<Option<Table>, Halt> {
        let page = self.page()?;
        let Some(found) = self.glance(&page, from).await? else { return Ok(None) };
        Ok(match page.read_table(&found.node).await {
            Attempted::Done(table) => Some(table),
            _ => None,
        })
    }
}

/// Position of a column by its header.
pub(crate) fn column(table: &Table, header: &str) -> Option<usize> {
    let wanted = normalise_label(header);
    let bare = |shown: &str| {
        // Sort arrows are part of some headers' text.
        normalise_label(shown.trim_end_matches(['▲', '▼', '↑', '↓', '⇅', ' ']))
    };
    table.headers.iter().position(|shown| bare(shown) == wanted)
}
