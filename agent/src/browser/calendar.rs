//! Dates in controls that refuse typing: open the calendar, step to the month, click the day. Also
//! scrolling of tables that only render what is in view.

use super::act::{BeforeInput, End};
use super::attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
use super::error::Error;
use super::page::Page;
use super::query::{By, Node, Query};
use serde_json::{Value, json};
use std::time::Duration;

/// Most month steps before giving up (twenty years).
const STEPS: u32 = 240;
/// How long a calendar may take to open, all tries together.
const OPENS: Duration = Duration::from_secs(4);
/// How long a control may take to show the day that was clicked.
const TAKES: Duration = Duration::from_secs(1);
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What a scroll of a table did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Scrolled {
    /// The content moved.
    pub moved: bool,
    /// The end (or, upwards, the beginning) is reached.
    pub at_end: bool,
}

impl Page {
    /// Picks an ISO date in the calendar a control opens. `Done`: what the control shows.
    ///
    /// # Errors
    /// No calendar opens, its title names no month, or the day is disabled.
    pub async fn pick_date(
        &self,
        node: &Node,
        iso: &str,
        deadline: Deadline,
        before: &mut dyn BeforeInput,
    ) -> Result<String, NotDone> {
        let wanted = date_of(iso).ok_or(Stop::Rejected("the date is not an ISO date".into()))?;
        let mut opening = Tries::until(deadline.at_most(OPENS));
        loop {
            let open = self.open_calendar(node, opening.count(), before).await.into();
            if opening.next(open).await?.is_some() {
                break;
            }
        }
        let mut tries = Tries::until(deadline);
        let mut steps = 0;
        loop {
            let stepped = self.step_month(wanted, before).await.into();
            match tries.next(stepped).await? {
                Some(true) => break,
                Some(false) => steps += 1,
                None => {}
            }
            if steps > STEPS {
                return Err(Stop::Rejected("the month was not reached".into()).into());
            }
        }
        let earlier = self.value(node).await;
        while tries.next(self.click_day(wanted.2, before).await.into()).await?.is_none() {}
        // What the click sets going may take a moment; a control that shows the same as before may have been right already.
        let soon = deadline.at_most(TAKES);
        loop {
            match (self.value(node).await, &earlier) {
                (Attempted::Done(shown), Attempted::Done(was))
                    if shown == *was && !soon.passed() => {}
                (Attempted::Done(shown), _) => return Ok(shown),
                (Attempted::Wait(why), _) => tries.wait(why).await?,
                (Attempted::Stop(stop), _) => return Err(stop.into()),
            }
            self.wait_change(soon.at_most(Duration::from_millis(50))).await;
        }
    }

    /// The visible grid of days; clicks the control when there is none yet.
    async fn open_calendar(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Result<(), End> {
        if self.calendar().await?.is_some() {
            return Ok(());
        }
        let opener = self
            .picked_one(node, "calendarOpener", json!([]))
            .await?
            .unwrap_or_else(|| node.clone());
        match self.try_click(&opener, attempt, before).await {
            Attempted::Done(_) => {}
            Attempted::Wait(w) => return Err(End::Wait(w)),
            Attempted::Stop(s) => return Err(End::Stop(s)),
        }
        let soon = Deadline::within(Duration::from_millis(500));
        loop {
            if self.calendar().await?.is_some() {
                return Ok(());
            }
            if soon.passed() {
                return Err(End::Wait(Why::Other("no calendar opened".into())));
            }
            self.wait_change(soon.at_most(Duration::from_millis(50))).await;
        }
    }

    /// The visible grid of days. Many calendars build a new one for each month.
    async fn calendar(&self) -> Result<Option<Node>, Error> {
        for state in self.inner.frame_states() {
            // A frame that goes away meanwhile holds no calendar.
            let Ok(world) = self.inner.world(&state.id).await else { continue };
            let Ok(grids) = self.inner.run(&state.id, "calendars", json!([])).await else {
                continue;
            };
            if let Some(number) = grids.pointer("/0").and_then(Value::as_i64) {
                return Ok(Some(state.node(&world, number)));
            }
        }
        // In closed shadow roots only Chrome itself sees them.
        for role in ["grid", "table"] {
            for found in self.find(&Query::by(By::Role(role.to_owned(), None))).await? {
                if !found.visible {
                    continue;
                }
                let days = self.inner.run_on(&found.node, "calendarDays", json!([])).await?;
                if days.as_u64().unwrap_or(0) >= 28 {
                    return Ok(Some(found.node));
                }
            }
        }
        Ok(None)
    }

    async fn grid(&self) -> Result<Node, End> {
        self.calendar().await?.ok_or(End::Wait(Why::Other("the calendar is gone".into())))
    }

    /// True when the month is shown; else presses previous or next once and waits for the title to change.
    async fn step_month(
        &self,
        wanted: (i32, u32, u32),
        before: &mut dyn BeforeInput,
    ) -> Result<bool, End> {
        let grid = self.grid().await?;
        let shown = self.shown_month(&grid).await?;
        let ahead = (wanted.0 - shown.0) * 12 + wanted.1 as i32 - shown.1 as i32;
        if ahead == 0 {
            return Ok(true);
        }
        let button = self.picked_one(&grid, "calendarStep", json!([ahead > 0])).await?;
        let button =
            button.ok_or(End::Stop(Stop::WrongKind("the calendar has no month buttons".into())))?;
        match self.try_click(&button, 0, before).await {
            Attempted::Done(_) => {}
            Attempted::Wait(w) => return Err(End::Wait(w)),
            Attempted::Stop(s) => return Err(End::Stop(s)),
        }
        let soon = Deadline::within(Duration::from_secs(1));
        while !soon.passed() {
            let now = match self.shown_month(&grid).await {
                Ok(now) => now,
                // It was built anew.
                Err(End::Wait(_)) => match self.grid().await {
                    Ok(grid) => self.shown_month(&grid).await?,
                    Err(_) => shown,
                },
                Err(end) => return Err(end),
            };
            let moved = (now.0 - shown.0) * 12 + now.1 as i32 - shown.1 as i32;
            if moved.signum() == ahead.signum() {
                return Ok(false);
            }
            if moved != 0 {
                return Err(End::Stop(Stop::Rejected("the calendar steps the wrong way".into())));
            }
            self.wait_change(soon.at_most(Duration::from_millis(50))).await;
        }
        Err(End::Wait(Why::Other("the calendar did not step".into())))
    }

    async fn shown_month(&self, grid: &Node) -> Result<(i32, u32), End> {
        let title = match self.inner.run_on(grid, "calendarTitle", json!([])).await {
            Err(e) if e.is_stale() => Value::Null,
            told => told?,
        };
        month_of(title.as_str().unwrap_or(""))
            .ok_or(End::Wait(Why::Other("the calendar names no month".into())))
    }

    async fn click_day(&self, day: u32, before: &mut dyn BeforeInput) -> Result<(), End> {
        let grid = self.grid().await?;
        let cell = self.picked_one(&grid, "calendarDay", json!([day])).await?;
        let cell = cell.ok_or(End::Wait(Why::NoOption(Vec::new())))?;
        match self.try_click(&cell, 0, before).await {
            Attempted::Done(_) => Ok(()),
            Attempted::Wait(w) => Err(End::Wait(w)),
            Attempted::Stop(s) => Err(End::Stop(s)),
        }
    }

    /// The first element of the array a page-script function gives for a node.
    pub(crate) async fn picked_one(
        &self,
        node: &Node,
        function: &'static str,
        args: Value,
    ) -> Result<Option<Node>, Error> {
        let mut all = vec![json!(function)];
        all.extend(args.as_array().into_iter().flatten().cloned());
        let number = self.inner.run_on(node, "first", Value::Array(all)).await?;
        Ok(number.as_i64().map(|number| Node { number, ..node.clone() }))
    }

    /// Scrolls the container of a table by 80 % of its height, or to its top. Rows rendered before
    /// may be gone afterwards: read the table again.
    pub async fn scroll_table(&self, table: &Node, to_top: bool) -> Attempted<Scrolled> {
        let done = self.inner.run_on(table, "scrollTable", json!([to_top])).await;
        match done.map(serde_json::from_value) {
            Ok(Ok(scrolled)) => Attempted::Done(scrolled),
            Ok(Err(_)) => Attempted::Stop(Stop::Browser(Error::Script("scrollTable"))),
            Err(e) => Attempted::from_error(e),
        }
    }
}

/// Year, month, day of an ISO date.
fn date_of(iso: &str) -> Option<(i32, u32, u32)> {
    let date: jiff::civil::Date = iso.parse().ok()?;
    Some((date.year().into(), date.month().unsigned_abs().into(), date.day().unsigned_abs().into()))
}

/// Year and month a calendar title names: `March 2026`, `Mar 2026`, `03/2026`, `2026-03`.
fn month_of(title: &str) -> Option<(i32, u32)> {
    let lower = title.to_lowercase();
    let numbers: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).collect();
    let year: i32 = numbers.iter().find(|n| n.len() == 4)?.parse().ok()?;
    let words = lower.split(|c: char| !c.is_alphabetic()).filter(|w| w.len() >= 3);
    let named = words.filter_map(|w| MONTHS.iter().position(|m| w.starts_with(m))).next();
    let month = match named {
        Some(at) => u32::try_from(at).ok()? + 1,
        None => numbers.iter().find(|n| n.len() <= 2)?.parse().ok()?,
    };
    (1..=12).contains(&month).then_some((year, month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_from_titles() {
        for title in
            ["March 2026", "MAR 2026 ‹ ›", "03/2026", "2026-03", "Choose a date, March 2026"]
        {
            assert_eq!(month_of(title), Some((2026, 3)), "{title}");
        }
        assert_eq!(month_of("Sun Mon Tue"), None);
        assert_eq!(date_of("2026-02-30"), None);
    }
}
