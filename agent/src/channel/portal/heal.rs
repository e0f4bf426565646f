//! When no strategy finds an element any more: what was remembered of it is compared with what the page offers. Never at a commit,
//! never for a secret, never when anything is in doubt; what was found, or would have been, is told as drift with the change it
//! proposes to the script.

mod form;
pub mod gather;
pub mod score;
mod screen;
mod words;

pub use domain::drift::{Drift, DriftKind, Prints};

use domain::{
    evidence::Moment,
    lease::Purpose,
    script::{
        Name,
        ast::{Heal, Screen, Target},
    },
};

use super::{
    Halt, Portal,
    locate::{Chosen, Sought},
};
use crate::browser::{By, Deadline, Found, Page, Query};
use score::{Fingerprint, Unhealed, choose};

/// How long the page must have come to rest.
const QUIET: std::time::Duration = std::time::Duration::from_secs(2);

/// A candidate for a lost element.
struct StandIn {
    name: Name,
    /// What the script says of healing it.
    mode: Heal,
    found: Found,
    /// How it is found from now on.
    query: Query,
    /// What is told of it.
    drift: Drift,
}

impl Portal<'_> {
    /// Remembers what an element looks like now. Only named elements, once per attempt, and nothing of the patient.
    pub(crate) async fn remember(&mut self, target: &Target, page: &Page, found: &Found) {
        let Target::Named(name) = target else { return };
        if !self.errand.remembers || self.prints.contains_key(name.as_str()) {
            return;
        }
        // A page that goes away in between is remembered another time.
        let masker = &self.observe.masker;
        let Some(print) = gather::remembered(page, found, masker).await else { return };
        // People compare two pictures of an element: one is taken when it is first seen, and when it reads otherwise.
        let known = self.errand.prints.get(name.as_str());
        if known.is_none_or(|known| !known.reads_like(&print)) {
            let placed = page.placed(found.clone()).await;
            if let Some(crop) = self.observe.crop(page, &placed.rect, Moment::Before).await {
                self.crops.insert(name.text.clone(), crop);
            }
        }
        self.prints.insert(name.text.clone(), print);
    }

    /// Tells that the first strategy did not find an element, and which one did.
    pub(crate) fn told_fallback(&mut self, target: &Target, sought: &Sought, chosen: &Chosen) {
        let (number, of) = (chosen.by + 1, sought.strategies.len());
        self.observe.log(&format!("`{}` was found by its strategy {number}", sought.name));
        let Target::Named(name) = target else { return };
        let known =
            |drift: &Drift| drift.kind == DriftKind::FallbackUsed && drift.element == name.as_str();
        if self.drift.iter().any(known) {
            return;
        }
        let Ok(element) = self.element(target) else { return };
        let source = crate::observe::place(&element.span);
        let drift = Drift::new(DriftKind::FallbackUsed, name.as_str(), source)
            .with_detail(format!("found by strategy {number} of {of}"));
        let now = self.prints.get(name.as_str()).cloned();
        let before = self.errand.prints.get(name.as_str()).cloned();
        let now_picture = self.crops.get(name.as_str()).copied();
        self.drift.push(Drift { before, now, now_picture, ..drift });
    }

    /// The one element of the page that may stand for a lost one, if healing is `auto`; with `suggest` it is only told.
    pub(crate) async fn healed(
        &mut self,
        target: &Target,
        page: &Page,
    ) -> Result<Option<Found>, Halt> {
        let Target::Named(name) = target else { return Ok(None) };
        let known = self.may_heal()
            && self.errand.prints.contains_key(name.as_str())
            && self.known_otherwise(page, name.as_str()).await?;
        if !known {
            return Ok(None);
        }
        page.quiet(Deadline::within(QUIET)).await;
        let Some(stand_in) = self.stand_in(name, page).await? else { return Ok(None) };
        self.tell_stand_in(&stand_in, stand_in.mode, "", page).await;
        if stand_in.mode != Heal::Auto {
            return Ok(None);
        }
        // For the rest of the attempt it is found that way: read-backs and later steps mean the same element.
        self.stand_ins.insert(name.text.clone(), stand_in.query);
        Ok(Some(stand_in.found))
    }

    /// Nothing is healed while a commit is under way, after it, or where its trace is looked for.
    fn may_heal(&self) -> bool {
        !self.dialogs_held
            && self.commit == super::CommitState::None
            && self.errand.purpose == Purpose::Work
    }

    /// The one element of the page that may stand for a lost one, whatever is done with it then.
    async fn stand_in(&mut self, name: &Name, page: &Page) -> Result<Option<StandIn>, Halt> {
        let target = Target::Named(name.clone());
        let element = self.element(&target)?;
        let mode = element.heal(self.bundle.script.parts.defaults.heal);
        let source = crate::observe::place(&element.span);
        let old = self.errand.prints.get(name.as_str()).cloned();
        let (Some(old), true) = (old, mode != Heal::Never) else { return Ok(None) };
        // A page that cannot be asked offers nothing.
        let candidates =
            gather::candidates(page, &old, &self.observe.masker).await.unwrap_or_default();
        let prints: Vec<Fingerprint> = candidates.iter().map(|(_, print)| print.clone()).collect();
        let choice = match choose(&old, &prints) {
            Ok(choice) if !self.belongs_to_another(name.as_str(), &old, &prints[choice.at]) => {
                choice
            }
            Ok(_) => return Ok(self.not_healed(name, "it is another element of the script")),
            Err(Unhealed::Nobody) => return Ok(self.not_healed(name, "no control of its kind")),
            Err(Unhealed::Unlike(best)) => {
                let why = format!("the nearest is too unlike ({best:.2})");
                return Ok(self.not_healed(name, &why));
            }
            Err(Unhealed::Close(lead)) => {
                let why = format!("two are too much alike (lead {lead:.2})");
                return Ok(self.not_healed(name, &why));
            }
        };
        let now = prints[choice.at].clone();
        let (proposal, query) = proposal(&now);
        let drift = Drift {
            score: Some(choice.score),
            margin: Some(choice.margin),
            proposal,
            before: Some(old),
            now: Some(now),
            ..Drift::new(DriftKind::Suggested, name.as_str(), source)
        };
        let found = candidates.into_iter().nth(choice.at).map(|(found, _)| found);
        Ok(found.map(|found| StandIn { name: name.clone(), mode, found, query, drift }))
    }

    /// Tells of a candidate, with a picture around it. `auto`: it is used.
    async fn tell_stand_in(&mut self, stand_in: &StandIn, mode: Heal, detail: &str, page: &Page) {
        let kind = if mode == Heal::Auto { DriftKind::Healed } else { DriftKind::Suggested };
        let mut drift = Drift { kind, ..stand_in.drift.clone() }.with_detail(detail);
        self.observe.log(&format!(
            "`{}` is lost; {}: {} (likeness {:.2}, lead {:.2})",
            stand_in.name,
            kind.word(),
            drift.proposal,
            drift.score.unwrap_or_default(),
            drift.margin.unwrap_or_default()
        ));
        let candidate = page.placed(stand_in.found.clone()).await;
        drift.now_picture = self.observe.crop(page, &candidate.rect, Moment::Before).await;
        self.drift.push(drift);
    }

    fn not_healed<T>(&mut self, name: &Name, why: &str) -> Option<T> {
        self.observe.log(&format!("`{name}` is lost and not replaced: {why}"));
        None
    }

    /// The page is one the script knows by something else than the lost element.
    async fn known_otherwise(&mut self, page: &Page, lost: &str) -> Result<bool, Halt> {
        let bundle = self.bundle;
        let uses = |target: &Target| matches!(target, Target::Named(name) if name.as_str() == lost);
        let others = |screen: &&Screen| {
            let seen = screen.see.iter().filter(|target| !uses(target)).count();
            seen > 0 || screen.text.is_some() || screen.title.is_some() || screen.url.is_some()
        };
        let mut look = self.look_at(page);
        let mut known = false;
        for (_, screen) in bundle.screens().filter(|(_, screen)| others(screen)) {
            let mut rest = screen.clone();
            rest.see.retain(|target| !uses(target));
            if self.lacks(page, &mut look, &rest).await?.is_none() {
                known = true;
                break;
            }
        }
        self.keep_look(look);
        Ok(known)
    }

    /// Another element of the script is more like the candidate than the lost one was.
    fn belongs_to_another(&self, lost: &str, old: &Fingerprint, candidate: &Fingerprint) -> bool {
        let others = self.errand.prints.iter().map(|(name, print)| (name.as_str(), print));
        score::belongs_to_another(lost, old, candidate, others)
    }
}

/// A first strategy for an element, by test id, role and name, label, else its text: as YAML, and ready to be looked for.
fn proposal(print: &Fingerprint) -> (String, Query) {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let bare = |text: &str| text.trim_end_matches([':', '*', ' ']).to_owned();
    if !print.test_id.is_empty() {
        let yaml = format!("{{test_id: {}}}", quoted(&print.test_id));
        (yaml, Query::by(By::TestId(print.test_id.clone())))
    } else if !print.name.is_empty() {
        let name = bare(&print.name);
        let yaml = format!("{{role: {}, name: {}}}", print.role, quoted(&name));
        (yaml, Query::role(&print.role, &name))
    } else if !print.label.is_empty() {
        let label = bare(&print.label);
        (format!("{{label: {}}}", quoted(&label)), Query::label(&label))
    } else {
        (format!("{{text: {}}}", quoted(&print.text)), Query::text(&print.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_a_strategy_a_person_would_write() {
        let mut print = Fingerprint {
            role: "button".into(),
            name: "Don't send".into(),
            ..Fingerprint::default()
        };
        assert_eq!(proposal(&print).0, "{role: button, name: 'Don''t send'}");
        print.name = "Send:".into();
        assert_eq!(proposal(&print).0, "{role: button, name: 'Send'}");
        print.test_id = "send".into();
        assert_eq!(proposal(&print).0, "{test_id: 'send'}");
    }
}
