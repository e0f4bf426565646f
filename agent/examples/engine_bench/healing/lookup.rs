//! One changed page: what ours and the other methods take for each control, held against what was meant.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use agent::{
    browser::{By, Deadline, Found, Page, Query, Text},
    channel::portal::heal::{
        gather,
        score::{self, Fingerprint, Unhealed},
    },
    mask::Masker,
};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    payers::Place,
    shots::{Captured, Server},
};

/// A control that is looked for again.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) element: String,
    pub(super) print: Fingerprint,
    /// What the other methods remember of it.
    properties: Value,
}

/// What one method made of one control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Right,
    Wrong,
    Nobody,
}

/// What is known of one look for one control.
pub(super) struct Look {
    pub(super) element: String,
    /// It is there to be found.
    pub(super) present: bool,
    /// By method; `ours` is what was accepted, `ours_top1` the likest whatever it was worth.
    pub(super) verdicts: BTreeMap<String, Verdict>,
    pub(super) ms: f64,
    /// Why ours took nobody, or what it took.
    pub(super) why: String,
}

/// One page with its changes.
pub(super) struct Asked<'a> {
    pub(super) captured: &'a Arc<Captured>,
    pub(super) op: &'a str,
    pub(super) seed: u64,
    /// The control that is removed or doubled; none: all are looked for.
    pub(super) target: Option<&'a str>,
    /// How many further controls the page gets.
    pub(super) clutter: u64,
}

/// Who looks.
pub(super) struct Eyes<'a> {
    pub(super) server: &'a Server,
    pub(super) page: &'a Page,
    pub(super) masker: Masker,
    /// What is found without healing, by element.
    pub(super) firsts: BTreeMap<String, Query>,
}

const OPENS: Duration = Duration::from_secs(30);
/// What stands for the wait of a step, which is longer.
const WAIT: Duration = Duration::from_secs(1);
/// How long a page is given to come to rest.
const QUIET: Duration = Duration::from_secs(2);

impl Eyes<'_> {
    /// What the engine remembers of the controls of a page as it was captured.
    pub(super) async fn remember(
        &self,
        captured: &Arc<Captured>,
        places: &[(String, Place)],
    ) -> Result<Vec<Known>> {
        let controls: Vec<Value> =
            places.iter().map(|(key, place)| control(key, place, None)).collect();
        let config =
            json!({"op": "none", "seed": 1, "target": null, "clutter": 0, "controls": controls});
        let mut told = self.server.show(captured, config);
        self.page.navigate(&told.url, OPENS).await?;
        let ready = told.ready().await?;
        told.reveal().await?;
        let mut known = Vec::new();
        for (at, (element, _)) in places.iter().enumerate() {
            let Some(found) = self.meant(at).await? else { continue };
            let Some(print) = gather::remembered(self.page, &found, &self.masker).await else {
                bail!("the page went away");
            };
            // What is only read is never healed.
            if !score::kinds_of(&print.role).is_empty() {
                let properties = ready["old"][element].clone();
                known.push(Known { element: element.clone(), print, properties });
            }
        }
        Ok(known)
    }

    async fn meant(&self, at: usize) -> Result<Option<Found>> {
        let found = self.page.find(&Query::css(&format!("[data-meant-{at}]"))).await?;
        Ok(found.into_iter().next())
    }

    /// Looks for controls on a changed page.
    pub(super) async fn look(
        &self,
        asked: &Asked<'_>,
        known: &[Known],
        places: &BTreeMap<String, Place>,
        others: &BTreeMap<String, Fingerprint>,
    ) -> Result<Vec<Look>> {
        let here: Vec<&Known> =
            known.iter().filter(|one| places.contains_key(&one.element)).collect();
        let controls: Vec<Value> = here
            .iter()
            .map(|one| control(&one.element, &places[&one.element], Some(&one.properties)))
            .collect();
        let config = json!({"op": asked.op, "seed": asked.seed, "target": asked.target,
            "clutter": asked.clutter, "controls": controls});
        let mut told = self.server.show(asked.captured, config);
        self.page.navigate(&told.url, OPENS).await?;
        let ready = told.ready().await?;
        if asked.op == "delay" {
            // As before every healing: a wait that has come to its end, then a page at rest.
            let wait = Deadline::within(WAIT);
            while !wait.passed() {
                self.page.wait_change(wait.at_most(Duration::from_millis(100))).await;
            }
            self.page.quiet(Deadline::within(QUIET)).await;
        }
        let mut answers = Vec::new();
        for (at, one) in here.iter().enumerate() {
            let wanted = asked.target.is_none_or(|target| target == one.element);
            let present = ready["present"][&one.element] == true;
            // A change that took the control away by accident says nothing.
            if wanted && (present || matches!(asked.op, "removed" | "paginate")) {
                answers.push((at, present, self.ours(one, others).await?));
            }
        }
        told.reveal().await?;
        let mut looks = Vec::new();
        for (at, present, answer) in answers {
            let meant = self.meant(at).await?;
            let verdict = |found: &Option<Found>| match (found, &meant) {
                (None, _) => Verdict::Nobody,
                (Some(found), Some(meant))
                    if found.node == meant.node || found.stands_for == meant.stands_for =>
                {
                    Verdict::Right
                }
                _ => Verdict::Wrong,
            };
            let element = &here[at].element;
            let mut verdicts = BTreeMap::from([
                ("ours".to_owned(), verdict(&answer.accepted)),
                ("ours_top1".to_owned(), verdict(&answer.likest)),
                ("role_and_name".to_owned(), verdict(&answer.exact)),
                ("first_strategy".to_owned(), verdict(&answer.first)),
            ]);
            for (method, said) in ready["answers"][element].as_object().into_iter().flatten() {
                let said = match said.as_str() {
                    Some("right") => Verdict::Right,
                    Some("none") => Verdict::Nobody,
                    _ => Verdict::Wrong,
                };
                verdicts.insert(method.clone(), said);
            }
            let (element, ms, why) = (element.clone(), answer.ms, answer.why);
            looks.push(Look { element, present, verdicts, ms, why });
        }
        Ok(looks)
    }

    async fn ours(&self, one: &Known, others: &BTreeMap<String, Fingerprint>) -> Result<Answer> {
        let old = &one.print;
        let began = Instant::now();
        let candidates = gather::candidates(self.page, old, &self.masker).await?;
        let prints: Vec<Fingerprint> = candidates.iter().map(|(_, print)| print.clone()).collect();
        let chosen = score::choose(old, &prints);
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        let at = |at: usize| candidates.get(at).map(|(found, _)| found.clone());
        let likest = score::rank(old, &prints).first().and_then(|(best, _)| at(*best));
        let named = |at: usize| format!("{} \"{}\"", prints[at].role, prints[at].name);
        let (accepted, why) = match chosen {
            Ok(choice) => {
                let named = named(choice.at);
                let rest = others.iter().map(|(name, print)| (name.as_str(), print));
                if score::belongs_to_another(&one.element, old, &prints[choice.at], rest) {
                    (None, format!("{named} is another's"))
                } else {
                    (at(choice.at), named)
                }
            }
            Err(Unhealed::Nobody) => (None, "nobody".to_owned()),
            Err(Unhealed::Unlike(best)) => {
                let first = score::rank(old, &prints).first().map(|(at, _)| named(*at));
                (None, format!("unlike {best:.2}: {}", first.unwrap_or_default()))
            }
            Err(Unhealed::Close(lead)) => (None, format!("close {lead:.2}")),
        };
        let exact = if old.name.is_empty() {
            None
        } else {
            let by = By::Role(old.role.clone(), Some(Text::Exact(old.name.clone())));
            self.only(&Query::by(by)).await?
        };
        let first = match self.firsts.get(&one.element) {
            Some(query) => self.only(query).await?,
            None => None,
        };
        Ok(Answer { accepted, likest, exact, first, ms, why })
    }

    /// The one visible match.
    async fn only(&self, query: &Query) -> Result<Option<Found>> {
        // A frame that a strategy names may not be there any more: then it finds nothing.
        let found = self.page.seek(query).await.unwrap_or_default();
        let mut visible: Vec<Found> = found.into_iter().filter(|one| one.visible).collect();
        Ok(if visible.len() == 1 { visible.pop() } else { None })
    }
}

struct Answer {
    accepted: Option<Found>,
    likest: Option<Found>,
    exact: Option<Found>,
    first: Option<Found>,
    ms: f64,
    why: String,
}

fn control(key: &str, place: &Place, old: Option<&Value>) -> Value {
    json!({"key": key, "css": place.css, "frame": place.frame, "old": old})
}
