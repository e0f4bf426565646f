//! A script together with the fragments it uses: what a job pins and an agent runs.

use std::collections::BTreeMap;

use crate::outcome::FailureKind;

use super::ast::{
    Element, ExceptionRule, Flow, Fragment, Needs, Screen, Script, SecretKind, Watcher, Words,
    built_in,
};
use super::finding::{Finding, Findings};
use super::parse;
use super::span::Table;

/// Gives file texts by their path below `scripts/`, e.g. `harbor/submit.yaml`; keeps this module
/// away from disks.
pub trait Source {
    /// The bytes of that file, or a sentence that says why not.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

impl Source for BTreeMap<String, String> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| "no such file".to_owned())
    }
}

/// A script with its fragments, every name resolved.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The script.
    pub script: Script,
    /// Its fragments in the order of `use`.
    pub fragments: Vec<Fragment>,
    pub(super) hash: String,
    /// Hash of the script's file alone, then of each fragment's.
    pub(super) file_hashes: Vec<String>,
}

impl Bundle {
    /// Reads a script by its id (`harbor/submit`) with the fragments it uses; all errors at once.
    /// Warnings and the rules of `check` are not part of it.
    pub fn load(source: &dyn Source, id: &str) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::default();
        let loaded = parse::load(source, id, &mut findings);
        match loaded {
            Some(loaded) if !findings.has_errors() => Ok(loaded.bundle),
            _ => Err(findings.into_sorted()),
        }
    }

    /// SHA-256 in hex over the canonical form of the script and its fragments. Comments, quoting and
    /// line ends do not change it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The element of that name (`name` or `prefix.name`).
    pub fn element(&self, name: &str) -> Option<&Element> {
        self.script.parts.elements.get(name).or_else(|| {
            self.fragments.iter().find_map(|fragment| fragment.parts.elements.get(name))
        })
    }

    /// The screen of that name.
    pub fn screen(&self, name: &str) -> Option<&Screen> {
        self.script
            .parts
            .screens
            .get(name)
            .or_else(|| self.fragments.iter().find_map(|fragment| fragment.parts.screens.get(name)))
    }

    /// All declared screens with their names.
    pub fn screens(&self) -> impl Iterator<Item = (&super::Name, &Screen)> {
        let shared = self.fragments.iter().flat_map(|fragment| fragment.parts.screens.iter());
        self.script.parts.screens.iter().chain(shared)
    }

    /// The flow of that name: a fragment's, or one of `reconcile`.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.fragments
            .iter()
            .find_map(|fragment| fragment.flows.get(name))
            .or_else(|| self.script.reconcile.get(name))
    }

    /// The parameters of a fragment's flow; none for the script's own.
    pub fn parameters(&self, flow: &str) -> Option<&Needs> {
        self.fragments
            .iter()
            .find(|fragment| fragment.flows.get(flow).is_some())
            .map(|fragment| &fragment.parts.needs)
    }

    /// The script's watchers, then those of its fragments.
    pub fn watchers(&self) -> impl Iterator<Item = &Watcher> {
        let shared = self.fragments.iter().flat_map(|fragment| fragment.parts.watch.iter());
        self.script.parts.watch.iter().chain(shared)
    }

    /// What an alias stands for. Aliases are common to a script and its fragments; a prefix does not matter.
    pub fn secret_kind(&self, alias: &str) -> Option<SecretKind> {
        let short = alias.rsplit('.').next().unwrap_or(alias);
        let shared = self.fragments.iter().map(|fragment| &fragment.parts.secrets);
        std::iter::once(&self.script.parts.secrets)
            .chain(shared)
            .find_map(|table| table.get(alias).or_else(|| table.get(short)))
            .copied()
    }

    /// What becomes of a job when that exception is raised. The script's entry wins over the
    /// fragment's; none for a built-in one the script says nothing about.
    pub fn exception(&self, name: &str) -> Option<&ExceptionRule> {
        let own = &self.script.parts.exceptions;
        own.get(name)
            .or_else(|| name.rsplit_once('.').and_then(|(_, short)| own.get(short)))
            .or_else(|| {
                self.fragments.iter().find_map(|fragment| fragment.parts.exceptions.get(name))
            })
    }

    /// What kind of failure an exception is: built in, or by the queue of its declaration.
    pub fn failure(&self, name: &str) -> FailureKind {
        built_in(name)
            .or_else(|| self.exception(name).map(ExceptionRule::failure))
            .unwrap_or(FailureKind::Refused)
    }

    /// The `words` table of that name.
    pub fn words(&self, name: &str) -> Option<&Table<Words>> {
        self.script
            .parts
            .words
            .get(name)
            .or_else(|| self.fragments.iter().find_map(|fragment| fragment.parts.words.get(name)))
    }
}
