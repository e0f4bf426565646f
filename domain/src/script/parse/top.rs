//! Scripts and fragments as a whole: the top-level keys.

use super::decode::{Decoder, Spelling};
use super::element::HEALS;
use super::flow::Place;
use super::names::Kind;
use crate::script::ast::{
    Defaults, Drafts, ExceptionRule, Flow, Fragment, HostUse, Parts, Retry, Scope, Script,
    SecretKind, Words,
};
use crate::script::node::Node as Yaml;
use crate::script::span::{Name, Table};

const SHARED: [&str; 9] =
    ["needs", "secrets", "words", "mask", "defaults", "elements", "screens", "watch", "exceptions"];
const SECRETS: [(&str, SecretKind); 7] = [
    ("username", SecretKind::Username),
    ("password", SecretKind::Password),
    ("pin", SecretKind::Pin),
    ("answer", SecretKind::Answer),
    ("totp", SecretKind::Totp),
    ("mail_code", SecretKind::MailCode),
    ("person_code", SecretKind::PersonCode),
];
const USES: [(&str, HostUse); 3] =
    [("assets", HostUse::Assets), ("pages", HostUse::Pages), ("login", HostUse::Login)];

/// Whether a text is a script or fragment id: two to three parts of small letters.
pub(super) fn is_id(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    (2..=3).contains(&text.split('/').count()) && text.split('/').all(part)
}

impl Decoder<'_> {
    pub(super) fn script(&mut self, node: &Yaml, id: &str) -> Option<Script> {
        if node.get("script").is_none() && node.get("fragment").is_some() {
            self.wrong(&node.span, "this is a fragment; a script begins with `script:`");
            return None;
        }
        let own = [
            "title",
            "use",
            "drafts",
            "reconcile",
            "secrets",
            "words",
            "mask",
            "defaults",
            "watch",
        ];
        let required =
            ["script", "revision", "hosts", "needs", "elements", "screens", "flow", "exceptions"];
        let map = self.map(node, "a script", &own, &required)?;
        let name = map.get("script").and_then(|node| self.id(node, id));
        let revision = map.get("revision").and_then(|node| self.revision(node));
        let title = map.get("title").and_then(|node| self.plain_words(node, "`title`"));
        let hosts = map.get("hosts").map(|node| self.hosts(node)).unwrap_or_default();
        let uses = map.get("use").map(|node| self.uses(node)).unwrap_or_default();
        let drafts = map.get("drafts").and_then(|node| self.drafts(node));
        let parts = self.parts(node);
        let flow = map.get("flow").and_then(|node| self.flow(node, Place::Script));
        let reconcile =
            map.get("reconcile").map(|n| self.flows(n, Place::Reconcile)).unwrap_or_default();
        Some(Script {
            id: name?,
            revision: revision.unwrap_or(1),
            title,
            hosts,
            uses,
            drafts,
            flow: flow?,
            reconcile,
            parts,
            span: map.entry("script")?.0.span.clone(),
        })
    }

    pub(super) fn fragment(&mut self, node: &Yaml, id: &str) -> Option<Fragment> {
        let map = self.map(node, "a fragment", &SHARED, &["fragment", "revision", "flows"])?;
        let name = map.get("fragment").and_then(|node| self.id(node, id));
        let revision = map.get("revision").and_then(|node| self.revision(node));
        let parts = self.parts(node);
        let flows = map.get("flows").map(|n| self.flows(n, Place::Fragment)).unwrap_or_default();
        Some(Fragment {
            id: name?,
            prefix: self.prefix.to_owned(),
            revision: revision.unwrap_or(1),
            flows,
            parts,
            span: map.entry("fragment")?.0.span.clone(),
        })
    }

    fn id(&mut self, node: &Yaml, expected: &str) -> Option<Name> {
        let text = self.text(node, "the id")?.text;
        if text != expected {
            let message = format!("the id is `{text}`, but the file's path says `{expected}`");
            self.findings.error("id-path-mismatch", &node.span, message);
        } else if !is_id(&text) {
            self.wrong(&node.span, "an id reads payer/task in small letters");
        }
        Some(Name { text, span: node.span.clone() })
    }

    fn revision(&mut self, node: &Yaml) -> Option<u32> {
        self.integer(node, "`revision`", 1, u32::MAX)
    }

    fn hosts(&mut self, node: &Yaml) -> Table<HostUse> {
        let mut hosts = Table::default();
        let Some(map) = self.any_map(node, "`hosts`") else { return hosts };
        if map.entries.is_empty() {
            self.wrong(&node.span, "`hosts` must not be empty");
        }
        for (key, value) in map.entries {
            let Some(text) = self.full_text(key, "the host") else { continue };
            if !is_host(&text.text) {
                let message = "a host is an exact name in small letters, with an optional :port";
                self.wrong(&key.span, message);
            }
            if let Some(used) = self.word(value, "the use of the host", &USES) {
                hosts.entries.push((Name { text: text.text, span: text.span }, used));
            }
        }
        hosts
    }

    fn uses(&mut self, node: &Yaml) -> Table<Name> {
        let mut uses = Table::default();
        let Some(map) = self.any_map(node, "`use`") else { return uses };
        for (key, value) in map.entries {
            let prefix = self.own_name(key, "the prefix", Spelling::Underscores);
            let Some(id) = self.full_text(value, "the fragment") else { continue };
            if !is_id(&id.text) || !id.text.contains("/fragments/") {
                self.wrong(&value.span, "a fragment's id reads payer/fragments/name");
                continue;
            }
            if let Some(prefix) = prefix {
                uses.entries.push((prefix, Name { text: id.text, span: id.span }));
            }
        }
        uses
    }

    fn drafts(&mut self, node: &Yaml) -> Option<Drafts> {
        let map = self.map(node, "`drafts`", &["clear", "with"], &["kept"])?;
        let kept = map.get("kept").and_then(|node| self.boolean(node, "`kept`"))?;
        let clear = map.get("clear").and_then(|node| self.reference(node, Kind::Flow));
        if kept && map.get("clear").is_none() {
            let message = "a portal that keeps drafts needs `clear`, the flow that discards ours";
            self.findings.error("missing-key", &node.span, message);
        }
        let with = self.with(map.get("with"));
        if let Some((key, _)) = map.entry("with")
            && clear.is_none()
        {
            self.wrong(&key.span, "`with` goes with `clear`");
        }
        Some(Drafts { kept, clear, with, span: node.span.clone() })
    }

    fn parts(&mut self, node: &Yaml) -> Parts {
        let mut parts = Parts::default();
        if let Some(node) = node.get("needs") {
            parts.needs = self.needs(node);
        }
        if let Some(node) = node.get("secrets") {
            parts.secrets = self.table(node, "`secrets`", |this, value| {
                this.word(value, "the kind of secret", &SECRETS)
            });
            // aliases are common to a script and its fragments: they carry no prefix
            for (name, _) in &mut parts.secrets.entries {
                name.text = name.short().to_owned();
            }
        }
        if let Some(node) = node.get("words") {
            parts.words = self.table(node, "`words`", Self::words);
        }
        if let Some(node) = node.get("mask") {
            parts.mask = self.targets(node, "`mask`");
        }
        if let Some(node) = node.get("defaults") {
            parts.defaults = self.defaults(node);
        }
        if let Some(node) = node.get("elements") {
            parts.elements = self.table(node, "`elements`", Self::element);
        }
        if let Some(node) = node.get("screens") {
            parts.screens = self.table(node, "`screens`", Self::screen);
        }
        if let Some(node) = node.get("watch") {
            let items = self.list(node, "`watch`").unwrap_or_default();
            parts.watch = items.iter().filter_map(|item| self.watcher(item)).collect();
        }
        if let Some(node) = node.get("exceptions") {
            parts.exceptions = self.exceptions(node);
        }
        parts
    }

    /// Named things that carry this file's prefix.
    fn table<T>(
        &mut self,
        node: &Yaml,
        what: &str,
        read: fn(&mut Self, &Yaml) -> Option<T>,
    ) -> Table<T> {
        let mut table = Table::default();
        let Some(map) = self.any_map(node, what) else { return table };
        for (key, value) in map.entries {
            let name = self.declared(key, "the name");
            let thing = read(self, value);
            table.entries.extend(name.zip(thing));
        }
        table
    }

    fn flows(&mut self, node: &Yaml, place: Place) -> Table<Flow> {
        let what = if place == Place::Reconcile { "`reconcile`" } else { "`flows`" };
        let mut table = Table::default();
        let Some(map) = self.any_map(node, what) else { return table };
        if map.entries.is_empty() {
            self.wrong(&node.span, format!("{what} must not be empty"));
        }
        for (key, value) in map.entries {
            let name = self.declared(key, "the flow");
            let flow = self.flow(value, place);
            table.entries.extend(name.zip(flow));
        }
        table
    }

    fn words(&mut self, node: &Yaml) -> Option<Table<Words>> {
        let map = self.any_map(node, "a table of words")?;
        let mut table = Table::default();
        for (key, value) in map.entries {
            let ours = self.full_text(key, "our word");
            let theirs = self.full_text(value, "the portal's word");
            let ours = ours.map(|words| Name { text: words.text, span: words.span });
            table.entries.extend(ours.zip(theirs));
        }
        Some(table)
    }

    fn defaults(&mut self, node: &Yaml) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(map) = self.map(node, "`defaults`", &["within", "heal", "timezone"], &[]) else {
            return defaults;
        };
        if let Some(within) = self.within(map.get("within")) {
            defaults.within = within;
        }
        if let Some(heal) = map.get("heal").and_then(|node| self.word(node, "`heal`", &HEALS)) {
            defaults.heal = heal;
        }
        defaults.timezone = map.get("timezone").and_then(|node| {
            let zone = self.full_text(node, "`timezone`")?;
            if jiff::tz::TimeZone::get(&zone.text).is_err() {
                self.wrong(&node.span, format!("`{}` is no IANA time zone", zone.text));
                return None;
            }
            Some(zone)
        });
        defaults
    }

    fn exceptions(&mut self, node: &Yaml) -> Table<ExceptionRule> {
        let mut table = Table::default();
        let Some(map) = self.any_map(node, "`exceptions`") else { return table };
        for (key, value) in map.entries {
            let name = self.declared(key, "the exception");
            let rule = self.exception(value);
            table.entries.extend(name.zip(rule));
        }
        table
    }

    fn exception(&mut self, node: &Yaml) -> Option<ExceptionRule> {
        let map =
            self.map(node, "an exception", &["queue", "hold", "say", "retry", "scope"], &[])?;
        if map.get("queue").is_none() && map.get("retry").is_none() {
            let message = "an exception needs `queue` or `retry`";
            self.findings.error("missing-key", &node.span, message);
        }
        let queue =
            map.get("queue").and_then(|node| self.own_name(node, "`queue`", Spelling::Underscores));
        let say = map.get("say").and_then(|node| self.plain_words(node, "`say`"));
        let hold = map.get("hold").and_then(|node| self.boolean(node, "`hold`"));
        let retry = map.get("retry").and_then(|node| self.retry(node));
        let words = [("job", Scope::Job), ("payer", Scope::Payer)];
        let scope = map.get("scope").and_then(|node| self.word(node, "`scope`", &words));
        Some(ExceptionRule {
            queue,
            hold: hold.unwrap_or(false),
            say,
            retry,
            scope: scope.unwrap_or(Scope::Job),
            span: node.span.clone(),
        })
    }

    /// A text for staff; never patient data, so never a template.
    fn plain_words(&mut self, node: &Yaml, what: &str) -> Option<Words> {
        let words = self.full_text(node, what)?;
        if words.text.contains("${") {
            let message = format!("{what} may not hold inputs: it is shown outside the case");
            self.findings.error("phi-in-say", &node.span, message);
        }
        Some(words)
    }

    fn retry(&mut self, node: &Yaml) -> Option<Retry> {
        let map = self.map(node, "`retry`", &["backoff"], &["after", "at_most"])?;
        let after = map.get("after").and_then(|node| self.wait(node, "`after`"));
        let at_most = map.get("at_most").and_then(|node| self.integer(node, "`at_most`", 1, 100));
        let backoff = map.get("backoff").and_then(|node| self.backoff(node));
        let backoff_percent = backoff.unwrap_or(100);
        Some(Retry { after: after?, backoff_percent, at_most: at_most? })
    }

    /// `2` or `1.5`, from 1 to 10, in hundredths.
    fn backoff(&mut self, node: &Yaml) -> Option<u32> {
        let text = self.scalar(node, "`backoff`")?;
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let percent = whole.parse::<u32>().ok().zip(format!("{part:0<2}").parse::<u32>().ok());
        let percent = percent.filter(|_| part.len() <= 2).map(|(whole, part)| whole * 100 + part);
        let percent = percent.filter(|percent| (100..=1000).contains(percent));
        if percent.is_none() {
            self.wrong(&node.span, "`backoff` is a number from 1 to 10, such as 2 or 1.5");
        }
        percent
    }
}

/// An exact ASCII host name with an optional port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(part) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
