//! What is healed beside not healing at all: the first strategy of each element, as the payer's scripts write it, and nothing else.

use std::collections::BTreeMap;

use agent::{
    browser::{By, Query, Side, Text},
    scripts_on_disk::ScriptFolder,
};
use anyhow::{Context as _, Result};
use domain::{
    script::{
        Bundle,
        ast::{self, Finder, Target, TextMatch},
        expr::Scope,
        inputs::Inputs,
        text::Wanted,
    },
    time::Timestamp,
};

use crate::repository;

/// The first strategies of a payer's elements, by the names of the answer key (`shell.find_button`, `auth_status.lines`). Those with
/// words of a request in them are left out.
pub(super) fn strategies(payer: &str) -> Result<BTreeMap<String, Query>> {
    let root = repository().join("scripts");
    let folder = ScriptFolder::new(&root);
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(root.join(payer))? {
        let path = entry?.path();
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let script = path.file_stem().and_then(|stem| stem.to_str()).context("a script's name")?;
        let bundle = Bundle::load(&folder, &format!("{payer}/{script}"));
        let bundle = bundle.map_err(|_| anyhow::anyhow!("{payer}/{script} has errors"))?;
        let own = bundle.script.parts.elements.iter();
        let own = own.map(|(name, _)| (format!("{script}.{name}"), name));
        let shared = bundle.fragments.iter().flat_map(|one| one.parts.elements.iter());
        let shared = shared.map(|(name, _)| (name.text.clone(), name));
        let words = Words { bundle: &bundle, inputs: Inputs { fields: BTreeMap::new() } };
        for (called, name) in own.chain(shared) {
            if let Some(query) = words.named(name.as_str(), 0) {
                all.entry(called).or_insert(query);
            }
        }
    }
    Ok(all)
}

struct Words<'b> {
    bundle: &'b Bundle,
    inputs: Inputs,
}

impl Words<'_> {
    fn named(&self, name: &str, depth: usize) -> Option<Query> {
        self.query(self.bundle.element(name)?, depth)
    }

    fn query(&self, element: &ast::Element, depth: usize) -> Option<Query> {
        let first = element.strategies.first().filter(|_| depth < 4)?;
        let target = |target: &Target| match target {
            Target::Named(name) => self.named(name.as_str(), depth + 1),
            Target::Inline(element) => self.query(element, depth + 1),
        };
        let mut query = Query::by(match &first.finder {
            Some(finder) => self.by(finder)?,
            None => By::Control,
        });
        query.frame = first.frame.as_ref().map(|frame| frame.text.clone());
        query.nth = first.nth.map(usize::from);
        if let Some(container) = &first.inside {
            query = query.inside(target(container)?);
        }
        if let Some(relation) = &first.relation {
            let side = match relation.side {
                ast::Side::RightOf => Side::RightOf,
                ast::Side::LeftOf => Side::LeftOf,
                ast::Side::Above => Side::Above,
                ast::Side::Below => Side::Below,
            };
            query = query.beside(side, target(&relation.anchor)?);
        }
        Some(query)
    }

    fn by(&self, finder: &Finder) -> Option<By> {
        Some(match finder {
            Finder::Role { role, name } => {
                let name = match name {
                    Some(name) => Some(self.text(name)?),
                    None => None,
                };
                By::Role(role.text.clone(), name)
            }
            Finder::Label(m) => By::Label(self.text(m)?),
            Finder::Placeholder(m) => By::Placeholder(self.text(m)?),
            Finder::Alt(m) => By::Alt(self.text(m)?),
            Finder::Title(m) => By::Title(self.text(m)?),
            Finder::Text(m) => By::Text(self.text(m)?),
            Finder::TestId(id) => By::TestId(id.text.clone()),
            Finder::Css(css) => By::Css(css.text.clone()),
            Finder::Xpath(xpath) => By::Xpath(xpath.text.clone()),
            Finder::Table(m) => By::Table(self.text(m)?),
            Finder::Dialog(m) => By::Dialog(Some(self.text(m)?)),
            Finder::Region(m) => By::Region(self.text(m)?),
        })
    }

    fn text(&self, words: &TextMatch) -> Option<Text> {
        let scope = Scope {
            bundle: self.bundle,
            inputs: &self.inputs,
            variables: Vec::new(),
            captured: &BTreeMap::new(),
            now: Timestamp::from_ms(0),
            search_from: None,
        };
        Some(match scope.wanted(words).ok()? {
            Wanted::Equals(text) => Text::Equals(text),
            Wanted::Exact(text) => Text::Exact(text),
            Wanted::Contains(text) => Text::Contains(text),
            Wanted::Pattern(pattern) => Text::Matches(pattern.regex),
        })
    }
}
