//! One deed on one element: resolve, act, and again, until it is done or the time is over.

use std::path::PathBuf;

use domain::script::ast::Target;

use super::{Halt, Portal, locate::Located};
use crate::browser::{
    Attempted, BeforeInput, Deadline, Found, Node, NotDone, Page, Text, Tries, Why,
};

/// What is done to an element.
pub(crate) enum Deed {
    /// Click.
    Click,
    /// Move the pointer there.
    Hover,
    /// Replace the text.
    Fill(String),
    /// Select by label.
    Choose(Text),
    /// On or off.
    Tick(bool),
    /// Attach files.
    Upload(Vec<PathBuf>),
    /// Type and pick.
    Typeahead(String, Text),
    /// A key.
    Press(&'static str),
}

/// What a deed left.
pub(crate) struct Did {
    /// What the control shows now, where it shows anything.
    pub(crate) shown: String,
}

impl Deed {
    fn verb(&self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Hover => "hover",
            Self::Fill(_) => "fill",
            Self::Choose(_) | Self::Tick(_) | Self::Typeahead(..) => "choose",
            Self::Upload(_) => "attach",
            Self::Press(_) => "press",
        }
    }

    fn uses_pointer(&self) -> bool {
        matches!(
            self,
            Self::Click | Self::Hover | Self::Choose(_) | Self::Tick(_) | Self::Typeahead(..)
        )
    }
}

impl Portal<'_> {
    /// Does it, with watchers looked for before the first try and while it does not succeed.
    pub(crate) async fn deed(
        &mut self,
        target: &Target,
        deed: &Deed,
        deadline: Deadline,
    ) -> Result<Did, Halt> {
        let sought = self.sought(target)?;
        let mut tries = Tries::until(deadline);
        loop {
            let mut conflict = false;
            self.may_go_on()?;
            // Watchers read the whole page: at first, and then while something is in the way.
            if tries.count().is_multiple_of(5) {
                self.watch().await?;
            }
            let page = self.page()?;
            let mut changes = page.changes();
            let why = match self.look_for(&page, &sought).await? {
                Located::One(chosen) => {
                    self.remember(target, &page, &chosen.found).await;
                    if chosen.by > 0 && tries.count() == 0 {
                        self.told_fallback(target, &sought, &chosen);
                    }
                    match self.once(&page, &chosen.found, deed, &sought.name, &tries).await {
                        Attempted::Done(shown) => {
                            if !deed.uses_pointer() {
                                self.observe.act(deed.verb(), Some(sought.name.clone()));
                            }
                            self.moved_over(deed, sought);
                            return Ok(Did { shown });
                        }
                        Attempted::Wait(why) => why,
                        Attempted::Stop(stop) => return Err(self.stopped(&sought.name, &stop)),
                    }
                }
                Located::Not(why) => why,
                Located::Conflict(how) => {
                    conflict = true;
                    Why::Other(how)
                }
            };
            self.move_over_again(&page, &why, tries.count()).await;
            let changed = async { drop(changes.changed().await) };
            let lost = matches!(why, Why::Missing);
            if let Err(error) = tries.wait_or(why, changed).await {
                if lost
                    && let Some(found) = self.healed(target, &page).await?
                    && let Attempted::Done(shown) =
                        self.once(&page, &found, deed, &sought.name, &tries).await
                {
                    return Ok(Did { shown });
                }
                return Err(self.not_done(target, &error, conflict));
            }
        }
    }

    async fn once(
        &mut self,
        page: &Page,
        found: &Found,
        deed: &Deed,
        name: &str,
        tries: &Tries,
    ) -> Attempted<String> {
        let node = &found.node;
        let count = tries.count();
        let mut seam = self.observe.at_act(deed.verb(), Some(name.to_owned()));
        match deed {
            Deed::Click => {
                page.try_click(&found.stands_for, count, &mut seam).await.map(|_| String::new())
            }
            Deed::Hover => page.try_hover(node, count, &mut seam).await.map(|_| String::new()),
            Deed::Fill(text) if found.facts.input_type == "date" => match iso_date(text) {
                Some(iso) => page.try_fill_date(node, &iso).await,
                None => Attempted::Stop(crate::browser::Stop::Rejected(
                    "this date control needs a date".into(),
                )),
            },
            Deed::Fill(text) => match iso_date(text).filter(|_| only_by_calendar(found, tries)) {
                Some(iso) => pick(page, node, &iso, tries.deadline(), &mut seam).await,
                None => page.try_fill(node, text).await,
            },
            Deed::Choose(label) => page.try_choose(node, label, count, &mut seam).await,
            Deed::Tick(on) => {
                page.try_tick(node, *on, count, &mut seam).await.map(|on| on.to_string())
            }
            Deed::Upload(files) => page.try_upload(node, files, &mut seam).await.map(|listed| {
                listed
                    .into_iter()
                    .map(|(name, size)| format!("{name} {size}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            }),
            Deed::Typeahead(typed, pick) => {
                let deadline = tries.deadline();
                match page.typeahead(node, typed, pick, deadline, &mut seam).await {
                    Ok(shown) => Attempted::Done(shown),
                    Err(crate::browser::NotDone::OutOfTime { why, .. }) => Attempted::Wait(why),
                    Err(crate::browser::NotDone::Stopped(stop)) => Attempted::Stop(stop),
                }
            }
            Deed::Press(key) => page.press(Some(node), key).await.map(|()| String::new()),
        }
    }

    /// Looks for an element until it is there.
    pub(crate) async fn find(
        &mut self,
        target: &Target,
        deadline: Deadline,
    ) -> Result<(Page, Found), Halt> {
        let sought = self.sought(target)?;
        let mut tries = Tries::until(deadline);
        loop {
            self.may_go_on()?;
            let page = self.page()?;
            let mut conflict = false;
            let why = match self.look_for(&page, &sought).await? {
                Located::One(chosen) => {
                    let found = page.placed(chosen.found).await;
                    return Ok((page, found));
                }
                Located::Not(why) => why,
                Located::Conflict(how) => {
                    conflict = true;
                    Why::Other(how)
                }
            };
            if let Err(error) = tries.wait(why).await {
                return Err(self.not_done(target, &error, conflict));
            }
        }
    }

    /// One look: the element when it is uniquely there now.
    pub(crate) async fn glance(&self, page: &Page, target: &Target) -> Result<Option<Found>, Halt> {
        let sought = self.sought(target)?;
        Ok(match self.look_for(page, &sought).await? {
            Located::One(chosen) => Some(chosen.found),
            Located::Not(_) | Located::Conflict(_) => None,
        })
    }
}

/// A field that refuses typing, at a second look.
fn only_by_calendar(found: &Found, tries: &Tries) -> bool {
    let facts = &found.facts;
    facts.tag == "input" && facts.enabled && !facts.editable && tries.count() > 0
}

/// Picks a date in the calendar a field opens; the field must show it afterwards.
async fn pick(
    page: &Page,
    node: &Node,
    iso: &str,
    deadline: Deadline,
    seam: &mut dyn BeforeInput,
) -> Attempted<String> {
    match page.pick_date(node, iso, deadline, seam).await {
        Ok(shown) if iso_date(&shown).as_deref() == Some(iso) => Attempted::Done(shown),
        Ok(_) => Attempted::Wait(Why::NotShown),
        Err(NotDone::OutOfTime { why, .. }) => Attempted::Wait(why),
        Err(NotDone::Stopped(stop)) => Attempted::Stop(stop),
    }
}

/// A date as written for a form, back to `yyyy-mm-dd`: what a native date control takes.
fn iso_date(text: &str) -> Option<String> {
    if let Ok(date) = text.trim().parse::<jiff::civil::Date>() {
        return Some(date.to_string());
    }
    let parts: Vec<&str> = text.trim().split(['/', '-', '.']).collect();
    let [month, day, year] = parts.as_slice() else { return None };
    jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        .ok()
        .map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_reach_a_native_control_as_it_wants_them() {
        assert_eq!(iso_date("02/14/1980").as_deref(), Some("1980-02-14"));
        assert_eq!(iso_date("1980-02-14").as_deref(), Some("1980-02-14"));
        assert_eq!(iso_date("14.02.1980"), None, "a month of 14 is refused, not guessed");
    }
}
