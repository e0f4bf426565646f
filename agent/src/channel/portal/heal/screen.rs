//! Screens that name a lost element: such a screen does not hold, so the wait for it would end on no known screen. At that moment the
//! awaited screens are read once more with stand-ins for what is lost, under the rules of every healing and some more.

use domain::script::{
    Name,
    ast::{FillValue, Flow, Heal, Node, Screen, Target, Verb},
};

use super::{QUIET, StandIn, gather, score};
use crate::browser::Why;
use crate::{
    browser::{Deadline, Node as PageNode, Page},
    channel::portal::{Halt, Portal, locate::Located, screen::Look},
};

impl Portal<'_> {
    /// At the end of a wait: finds the one awaited screen that holds but for lost elements, each of which one candidate may stand for.
    /// True when it holds with them now, for the rest of the attempt. `before`: screens that showed when the wait began.
    pub(crate) async fn heal_screen(
        &mut self,
        names: &[&str],
        before: &[String],
    ) -> Result<bool, Halt> {
        if !self.may_heal() || self.errand.prints.is_empty() {
            return Ok(false);
        }
        let page = self.page()?;
        page.quiet(Deadline::within(QUIET)).await;
        let bundle = self.bundle;
        let mut look = Look::new(&page);
        for (name, screen) in bundle.screens() {
            let other = !names.contains(&name.as_str()) && !before.contains(&name.text);
            if other && self.lacks(&page, &mut look, screen).await?.is_none() {
                return Ok(false);
            }
        }
        let mut held: Option<(&str, &Screen, Vec<StandIn>)> = None;
        for (at, name) in names.iter().enumerate() {
            let Some(screen) = bundle.screen(name) else { continue };
            if names[..at].contains(name) || self.must_stand_as_written(name, screen) {
                continue;
            }
            let Some(stand_ins) = self.with_stand_ins(&page, &mut look, screen).await? else {
                continue;
            };
            if let Some((other, ..)) = held {
                self.observe.log(&format!("`{other}` and `{name}` could both be meant"));
                return Ok(false);
            }
            held = Some((name, screen, stand_ins));
        }
        match held {
            Some((name, screen, stand_ins)) => self.hold(&page, name, screen, stand_ins).await,
            None => Ok(false),
        }
    }

    /// Takes the stand-ins, if they all may be taken and the screen holds with them as it must hold everywhere.
    async fn hold(
        &mut self,
        page: &Page,
        name: &str,
        screen: &Screen,
        stand_ins: Vec<StandIn>,
    ) -> Result<bool, Halt> {
        let auto = stand_ins.iter().all(|one| one.mode == Heal::Auto);
        if auto {
            let known = self.stand_ins.clone();
            let new = stand_ins.iter().map(|one| (one.name.text.clone(), one.query.clone()));
            self.stand_ins.extend(new);
            let why = self.lacks(page, &mut Look::new(page), screen).await?;
            if let Some(why) = why {
                self.observe.log(&format!("`{name}` does not hold with what is alike: {why}"));
                self.stand_ins = known;
                return Ok(false);
            }
        }
        let mode = if auto { Heal::Auto } else { Heal::Suggest };
        for one in &stand_ins {
            let detail = format!("screen `{name}` goes by it");
            self.tell_stand_in(one, mode, &detail, page).await;
        }
        Ok(auto)
    }

    /// Stand-ins for what this screen lacks; none where anything else of it does not hold, where more would be replaced than
    /// holds as written, or where one candidate is not beyond doubt.
    async fn with_stand_ins(
        &mut self,
        page: &Page,
        look: &mut Look,
        screen: &Screen,
    ) -> Result<Option<Vec<StandIn>>, Halt> {
        let (mut lost, mut taken): (Vec<&Name>, Vec<PageNode>) = (Vec::new(), Vec::new());
        for target in &screen.see {
            let Ok(sought) = self.sought(target) else { return Ok(None) };
            match (self.look_for(page, &sought).await?, target) {
                (Located::One(chosen), _) => {
                    taken.extend([chosen.found.node, chosen.found.stands_for]);
                }
                (Located::Not(Why::Missing), Target::Named(name)) => lost.push(name),
                _ => return Ok(None),
            }
        }
        let others = [screen.url.is_some(), screen.title.is_some(), screen.text.is_some()];
        let held = screen.see.len() - lost.len() + others.into_iter().filter(|is| *is).count();
        if lost.is_empty() || lost.len() > held {
            return Ok(None);
        }
        let mut rest = screen.clone();
        rest.see.clear();
        if self.lacks(page, look, &rest).await?.is_some() {
            return Ok(None);
        }
        let mut stand_ins = Vec::new();
        for name in lost {
            let Some(one) = self.stand_in(name, page).await? else { return Ok(None) };
            let nodes = [one.found.node.clone(), one.found.stands_for.clone()];
            if nodes.iter().any(|node| taken.contains(node)) {
                return Ok(self.not_healed(name, "it is another element of the screen"));
            }
            taken.extend(nodes);
            stand_ins.push(one);
        }
        // What is lost is not gone.
        for target in &screen.gone {
            if let Target::Named(name) = target
                && self.stand_in(name, page).await?.is_some()
            {
                return Ok(None);
            }
        }
        Ok(Some(stand_ins))
    }

    /// Screens of a commit, and those at which a secret is typed.
    fn must_stand_as_written(&self, name: &str, screen: &Screen) -> bool {
        let of_commit = self.commit_node().is_some_and(|commit| {
            let refused = commit.refused.iter().map(|(screen, _)| screen.as_str());
            let named = [commit.guard.screen.as_str(), commit.proof.screen.as_str()];
            refused.chain(named).any(|one| one == name)
                || screen.see.iter().any(|target| same_name(target, &commit.click))
        });
        of_commit || screen.see.iter().any(|target| self.takes_secret(target))
    }

    /// Whether a secret is typed into this element anywhere in the script.
    fn takes_secret(&self, target: &Target) -> bool {
        let Target::Named(name) = target else { return false };
        let script = std::iter::once(&self.bundle.script.flow);
        let searches = self.bundle.script.reconcile.iter().map(|(_, flow)| flow);
        let shared = self.bundle.fragments.iter().flat_map(|one| one.flows.iter());
        let flows = script.chain(searches).chain(shared.map(|(_, flow)| flow));
        flows.flat_map(secrets_in).any(|field| field.text == name.text)
    }

    /// Remembers what a screen goes by that is not known yet: without it none of that could be healed. Nothing that is found by
    /// a stand-in.
    pub(crate) async fn remember_screen(&mut self, name: &str, page: &Page) {
        let Some(screen) = self.bundle.screen(name) else { return };
        if !self.errand.remembers {
            return;
        }
        for target in &screen.see {
            let Target::Named(name) = target else { continue };
            let known = [&self.errand.prints, &self.prints];
            let known = known.iter().any(|prints| prints.contains_key(name.as_str()));
            if known || self.stand_ins.contains_key(name.as_str()) {
                continue;
            }
            let Ok(Some(found)) = self.glance(page, target).await else { continue };
            let mut found = [found];
            page.name_all(&mut found).await;
            let [found] = found;
            if !score::kinds_of(&found.role).is_empty() {
                self.remember(target, page, &found).await;
            } else if let Some(print) = gather::remembered(page, &found, &self.observe.masker).await
            {
                // Never looked for again; remembered so that it is not asked about each time.
                self.prints.insert(name.text.clone(), print);
            }
        }
    }
}

fn same_name(one: &Target, other: &Target) -> bool {
    matches!((one, other), (Target::Named(one), Target::Named(other)) if one.text == other.text)
}

/// The elements into which secrets are typed in a flow.
fn secrets_in(flow: &Flow) -> impl Iterator<Item = &Name> {
    let steps = flow.nodes.iter().filter_map(|node| match node {
        Node::Step(step) => Some(step),
        _ => None,
    });
    let fills = steps.flat_map(|step| &step.verbs).filter_map(|verb| match verb {
        Verb::Fill(fills) => Some(fills),
        _ => None,
    });
    let secret = |value: &FillValue| !matches!(value, FillValue::Text(_));
    fills.flatten().filter(move |fill| secret(&fill.value)).map(|fill| &fill.element)
}
