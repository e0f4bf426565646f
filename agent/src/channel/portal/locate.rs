//! From a script's element to one node: every strategy votes, the first with a unique match wins, and any vote for
//! another node stops the act.

use domain::script::{
    ast::{self, Element, Finder, Strategy, Target},
    text::Wanted,
};

use futures_util::future::join_all;

use super::{Halt, Portal};
use crate::browser::{By, Error, Found, Page, Query, Side, Text, Why};

/// At most this many ways to say one strategy (containers × anchors).
const WAYS_MAX: usize = 12;

/// An element ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    /// Its name in the script.
    pub(crate) name: String,
    /// For each strategy, in order: the ways to say it, which differ in the strategy of a container or anchor only.
    pub(crate) strategies: Vec<Vec<Query>>,
    /// Whether the first strategy is held by a container as well.
    pub(crate) anchored: bool,
}

/// What one look for an element gave.
#[derive(Debug)]
pub(crate) enum Located {
    /// Exactly one.
    One(Box<Chosen>),
    /// Not, or not yet.
    Not(Why),
    /// Two strategies point at different nodes.
    Conflict(String),
}

/// The winner and its company.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The node.
    pub(crate) found: Found,
    /// Which strategy won, from 0.
    pub(crate) by: usize,
    /// How many strategies voted for it.
    pub(crate) votes: usize,
}

/// The element's name for people.
pub(crate) fn called(target: &Target) -> String {
    match target {
        Target::Named(name) => name.text.clone(),
        Target::Inline(element) => {
            format!("the element at line {}", element.span.line)
        }
    }
}

/// A text match of the language as one of the driver.
pub(crate) fn text(wanted: Wanted) -> Text {
    match wanted {
        Wanted::Equals(text) => Text::Equals(text),
        Wanted::Exact(text) => Text::Exact(text),
        Wanted::Contains(text) => Text::Contains(text),
        Wanted::Pattern(pattern) => Text::Matches(pattern.regex),
    }
}

impl<'b> Portal<'b> {
    /// The element behind a target.
    pub(crate) fn element<'t>(&self, target: &'t Target) -> Result<&'t Element, Halt>
    where
        'b: 't,
    {
        match target {
            Target::Inline(element) => Ok(element),
            Target::Named(name) => self.bundle.element(name.as_str()).ok_or_else(|| {
                self.raise("element_missing", &format!("no element is called `{name}`"))
            }),
        }
    }

    /// Prepares an element: evaluates its templates.
    pub(crate) fn sought(&self, target: &Target) -> Result<Sought, Halt> {
        if let Some(query) = self.stand_in_of(target) {
            let strategies = vec![vec![query.clone()]];
            return Ok(Sought { name: called(target), strategies, anchored: false });
        }
        let element = self.element(target)?;
        let strategies = element
            .strategies
            .iter()
            .map(|strategy| self.ways(strategy, 0))
            .collect::<Result<Vec<_>, _>>()?;
        let anchored = element.strategies.first().is_some_and(|first| first.inside.is_some());
        Ok(Sought { name: called(target), strategies, anchored })
    }

    /// How a healed element is found.
    fn stand_in_of(&self, target: &Target) -> Option<&Query> {
        let Target::Named(name) = target else { return None };
        self.stand_ins.get(name.as_str())
    }

    fn ways(&self, strategy: &Strategy, depth: usize) -> Result<Vec<Query>, Halt> {
        if depth > 4 {
            return Err(self.raise("element_missing", "elements contain each other too deeply"));
        }
        let by = match &strategy.finder {
            Some(finder) => self.by(finder)?,
            None => By::Control,
        };
        let mut base = Query::by(by);
        base.frame = strategy.frame.as_ref().map(|frame| frame.text.clone());
        base.nth = strategy.nth.map(usize::from);
        let mut ways = vec![base];
        if let Some(container) = &strategy.inside {
            let containers = self.all_ways(container, depth)?;
            ways = cross(&ways, &containers, |way, container| way.inside(container));
        }
        if let Some(relation) = &strategy.relation {
            let anchors = self.all_ways(&relation.anchor, depth)?;
            let side = match relation.side {
                ast::Side::RightOf => Side::RightOf,
                ast::Side::LeftOf => Side::LeftOf,
                ast::Side::Above => Side::Above,
                ast::Side::Below => Side::Below,
            };
            ways = cross(&ways, &anchors, |way, anchor| way.beside(side, anchor));
        }
        Ok(ways)
    }

    fn all_ways(&self, target: &Target, depth: usize) -> Result<Vec<Query>, Halt> {
        if let Some(query) = self.stand_in_of(target) {
            return Ok(vec![query.clone()]);
        }
        let element = self.element(target)?;
        let mut all = Vec::new();
        for strategy in &element.strategies {
            all.extend(self.ways(strategy, depth + 1)?);
        }
        Ok(all)
    }

    fn by(&self, finder: &Finder) -> Result<By, Halt> {
        let wanted = |m: &ast::TextMatch| self.eval(|scope| scope.wanted(m)).map(text);
        Ok(match finder {
            Finder::Role { role, name } => {
                By::Role(role.text.clone(), name.as_ref().map(wanted).transpose()?)
            }
            Finder::Label(m) => By::Label(wanted(m)?),
            Finder::Placeholder(m) => By::Placeholder(wanted(m)?),
            Finder::Alt(m) => By::Alt(wanted(m)?),
            Finder::Title(m) => By::Title(wanted(m)?),
            Finder::Text(m) => By::Text(wanted(m)?),
            Finder::TestId(id) => By::TestId(id.text.clone()),
            Finder::Css(css) => By::Css(css.text.clone()),
            Finder::Xpath(xpath) => By::Xpath(xpath.text.clone()),
            Finder::Table(m) => By::Table(wanted(m)?),
            Finder::Dialog(m) => By::Dialog(Some(wanted(m)?)),
            Finder::Region(m) => By::Region(wanted(m)?),
        })
    }

    /// One look for an element on a page.
    pub(crate) async fn look_for(&self, page: &Page, sought: &Sought) -> Result<Located, Halt> {
        match vote(page, sought).await {
            Ok(located) => Ok(located),
            Err(error) if error.is_stale() => Ok(Located::Not(Why::Detached)),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// Elements of `mask:` and of every one-time-code field are black from now on.
    pub(crate) fn blacken_masked(&mut self) {
        let bundle = self.bundle;
        let own = bundle.script.parts.mask.iter();
        let shared = bundle.fragments.iter().flat_map(|fragment| fragment.parts.mask.iter());
        let mut queries = Vec::new();
        for target in own.chain(shared) {
            if let Ok(sought) = self.sought(target) {
                queries.extend(sought.strategies.into_iter().flatten());
            }
        }
        self.observe.blacken(queries);
    }
}

fn cross(ways: &[Query], others: &[Query], join: impl Fn(Query, Query) -> Query) -> Vec<Query> {
    ways.iter()
        .flat_map(|way| others.iter().map(|other| join(way.clone(), other.clone())))
        .take(WAYS_MAX)
        .collect()
}

/// One strategy's matches: the first way that gives a visible one, else whatever is there but hidden.
async fn matches(page: &Page, ways: &[Query]) -> Result<Vec<Found>, Error> {
    let mut hidden = Vec::new();
    for way in ways {
        let found = page.seek(way).await?;
        if found.iter().any(|one| one.visible) {
            return Ok(found);
        }
        if hidden.is_empty() {
            hidden = found;
        }
    }
    Ok(hidden)
}

async fn vote(page: &Page, sought: &Sought) -> Result<Located, Error> {
    let mut winner: Option<Chosen> = None;
    let mut why = Why::Missing;
    let looks = sought.strategies.iter().map(|ways| matches(page, ways));
    for (by, found) in join_all(looks).await.into_iter().enumerate() {
        let found = found?;
        let any_hidden = !found.is_empty();
        let mut visible: Vec<Found> = Vec::new();
        for one in found.into_iter().filter(|one| one.visible) {
            if !visible.iter().any(|known| same(known, &one)) {
                visible.push(one);
            }
        }
        match (visible.len(), &mut winner) {
            (1, Some(chosen)) => {
                if let Some(other) = visible.pop() {
                    if !same(&chosen.found, &other) {
                        let told = page.describe(&[chosen.found.clone(), other]).await;
                        return Ok(Located::Conflict(format!(
                            "strategies {} and {} disagree: {}",
                            chosen.by + 1,
                            by + 1,
                            told.join(" / ")
                        )));
                    }
                    chosen.votes += 1;
                }
            }
            (1, none) => {
                *none = visible.pop().map(|found| Chosen { found, by, votes: 1 });
            }
            (0, _) => {
                if any_hidden && matches!(why, Why::Missing) {
                    why = Why::NotVisible;
                }
            }
            (_, _) => why = Why::Ambiguous(page.describe(&visible).await),
        }
    }
    Ok(match winner {
        Some(chosen) => Located::One(Box::new(chosen)),
        None => Located::Not(why),
    })
}

/// Whether two matches mean the same thing: the same node, the same control behind it, or one inside the other with
/// the very same text.
fn same(a: &Found, b: &Found) -> bool {
    let inside = |x: &Found, y: &Found| {
        x.rect.x >= y.rect.x - 1.0
            && x.rect.y >= y.rect.y - 1.0
            && x.rect.right() <= y.rect.right() + 1.0
            && x.rect.bottom() <= y.rect.bottom() + 1.0
    };
    a.node == b.node
        || a.stands_for == b.stands_for
        || (a.node.frame == b.node.frame
            && !a.facts.text.is_empty()
            && crate::browser::text::spaces(&a.facts.text)
                == crate::browser::text::spaces(&b.facts.text)
            && (inside(a, b) || inside(b, a)))
}
