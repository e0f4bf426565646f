//! A menu that opens below the pointer may close again before the next act: a page that renders anew takes the pointer's place away.
//! While what comes next is hidden, the pointer goes back over the innermost element it was moved over that still shows; where that
//! alone does not help, the menu is opened by its key, as a person would try.

use super::{
    Portal,
    act::Deed,
    locate::{Located, Sought},
};
use crate::browser::{Attempted, Page, Why};

/// Every so many tries of an act.
const EVERY: u32 = 4;

impl Portal<'_> {
    /// Remembers what the pointer was moved over; any other act on the page ends that.
    pub(crate) fn moved_over(&mut self, deed: &Deed, sought: Sought) {
        match deed {
            Deed::Hover => self.over.push(sought),
            _ => self.over.clear(),
        }
    }

    /// Moves the pointer back when the next element is hidden, or not there yet.
    pub(crate) async fn move_over_again(&mut self, page: &Page, why: &Why, tries: u32) {
        if !matches!(why, Why::NotVisible | Why::Missing) || tries % EVERY != EVERY - 1 {
            return;
        }
        for sought in self.over.clone().iter().rev() {
            let Ok(Located::One(chosen)) = self.look_for(page, sought).await else { continue };
            let node = &chosen.found.node;
            let mut seam = self.observe.at_act("hover", Some(sought.name.clone()));
            // What is in the way now is looked for again with the next tries.
            let tried = page.try_hover(node, tries / EVERY, &mut seam).await;
            if matches!(tried, Attempted::Done(_)) {
                self.observe.log(&format!("moved over `{}` again", sought.name));
                let by_key = tries > 2 * EVERY && {
                    matches!(page.try_open_menu(node).await, Attempted::Done(true))
                };
                if by_key {
                    self.observe.log(&format!("opened `{}` by its key", sought.name));
                }
            }
            return;
        }
    }
}
