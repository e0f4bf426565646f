//! A page the script does not know: what on it can be named. A control that must be filled and that no element of the
//! script knows is `new_required_field`; a field for a one-time code is `code_needed`.

use domain::{
    outcome::{Failure, FailureKind},
    script::ast::{Commit, Target, Until},
};

use super::{Halt, Portal, locate::Located};
use crate::browser::{Deadline, Empty, Node, Page};

impl Portal<'_> {
    /// Before a commit: nothing in the form of its button must be filled that the script has never heard of.
    pub(super) async fn nothing_new_to_fill(
        &mut self,
        commit: &Commit,
        page: &Page,
    ) -> Result<(), Halt> {
        let Ok(Some(button)) = self.glance(page, &commit.click).await else { return Ok(()) };
        let empties = page.empties(Some(&button.stands_for)).await;
        let empties = empties.map_err(|error| self.broken(&error))?;
        match self.unknown_to_script(page, empties).await {
            Some(control) => Err(self.raise("new_required_field", &told(&control))),
            None => Ok(()),
        }
    }

    /// A wait, whose end on no known screen is told by what the page complained of, or by what stands on it.
    pub(super) async fn until_or_named(
        &mut self,
        until: &Until,
        within: Deadline,
        complaint: Option<String>,
    ) -> Result<String, Halt> {
        match (self.until(until, within).await, complaint) {
            (Err(Halt::Failed(failure)), Some(words)) if failure.name == "no_known_screen" => {
                Err(self.raise("upload_rejected", &words))
            }
            (other, _) => self.or_named(other).await,
        }
    }

    async fn or_named(&mut self, waited: Result<String, Halt>) -> Result<String, Halt> {
        match waited {
            Err(Halt::Failed(failure)) => Err(self.named_by_page(failure).await),
            other => other,
        }
    }

    /// A wait that ended on no known screen, told by what stands on the page where that has a name.
    async fn named_by_page(&mut self, failure: Box<Failure>) -> Halt {
        let plain = Halt::Failed(failure);
        let Halt::Failed(failure) = &plain else { return plain };
        if failure.name != "no_known_screen" || failure.kind != FailureKind::PageChanged {
            return plain;
        }
        let Ok(page) = self.page() else { return plain };
        let Ok(empties) = page.empties(None).await else { return plain };
        let (codes, others): (Vec<Empty>, Vec<Empty>) =
            empties.into_iter().partition(|control| control.code);
        if let Some(control) = self.unknown_to_script(&page, codes).await {
            let detail = format!("{}; {}", told(&control), failure.detail);
            return self.raise("code_needed", &detail);
        }
        // Only what is being filled in can miss something.
        if self.drafted
            && let Some(control) = self.unknown_to_script(&page, others).await
        {
            let detail = format!("{}; {}", told(&control), failure.detail);
            return self.raise("new_required_field", &detail);
        }
        plain
    }

    /// The first control that no element of the script stands for.
    async fn unknown_to_script(&mut self, page: &Page, controls: Vec<Empty>) -> Option<Empty> {
        if controls.is_empty() {
            return None;
        }
        let bundle = self.bundle;
        let own = bundle.script.parts.elements.iter();
        let shared = bundle.fragments.iter().flat_map(|part| part.parts.elements.iter());
        let mut known: Vec<Node> = Vec::new();
        for (name, _) in own.chain(shared) {
            let Ok(sought) = self.sought(&Target::Named(name.clone())) else { continue };
            if let Ok(Located::One(chosen)) = self.look_for(page, &sought).await {
                known.push(chosen.found.node);
                known.push(chosen.found.stands_for);
            }
        }
        let mut unknown = Vec::new();
        for control in controls {
            let mut is_known = known.contains(&control.node);
            for outer in &known {
                // A group of radios is known by the box around it.
                is_known = is_known || page.holds(outer, &control.node).await;
            }
            if !is_known {
                unknown.push(control);
            }
        }
        unknown.into_iter().next()
    }
}

fn told(control: &Empty) -> String {
    let what = if control.code { "asks for a code" } else { "must be filled" };
    format!("`{}` {what} and no element of the script stands for it", control.label)
}
