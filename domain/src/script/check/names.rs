//! Names: unused, shadowed, reserved; aliases a fragment needs.

use crate::script::ast::built_in;
use crate::script::finding::Findings;
use crate::script::parse::{Kind, Loaded};

pub(super) fn check(loaded: &Loaded, findings: &mut Findings) {
    let script = &loaded.bundle.script;
    for kind in
        [Kind::Element, Kind::Screen, Kind::Search, Kind::Exception, Kind::Words, Kind::Alias]
    {
        for (name, span) in loaded.names.of(kind) {
            if script.uses.get(name).is_some() {
                let message = format!("`{name}` is also the prefix of a fragment");
                findings.error("shadowed-name", span, message);
            }
            let own = span.file == script.span.file;
            let used = loaded.used.contains(&(kind, name.to_owned()));
            if !own || used {
                continue;
            }
            match kind {
                // every wait races all declared screens: one that nobody names still works
                Kind::Screen => {}
                Kind::Alias if in_fragment(loaded, name) => {}
                Kind::Exception if built_in(name).is_some() || overrides(loaded, name) => {}
                Kind::Exception => {
                    let message = format!("nothing raises `{name}`");
                    findings.warn("exception-unused", span, message, None);
                }
                Kind::Element | Kind::Search | Kind::Words | Kind::Alias | Kind::Flow => {
                    let message = format!("the {} `{name}` is never used", kind.word());
                    findings.warn("unused-name", span, message, None);
                }
            }
        }
    }
    for (name, span) in loaded.names.of(Kind::Screen) {
        if name.rsplit('.').next() == Some("rows") {
            findings.error("reserved-name", span, "`rows` has a meaning of its own in `until`");
        }
    }
    for (name, need) in script.parts.needs.fields.iter() {
        if ["captured", "commit", "today", "now"].contains(&name.as_str()) {
            let message = format!("`{name}` has a meaning of its own in templates");
            findings.error("reserved-name", &need.span, message);
        }
    }
    aliases(loaded, findings);
}

/// A script must list every alias of its fragments, as the same kind.
fn aliases(loaded: &Loaded, findings: &mut Findings) {
    let script = &loaded.bundle.script;
    for fragment in &loaded.bundle.fragments {
        let place = script.uses.get(&fragment.prefix).map_or(&script.span, |id| &id.span);
        for (alias, kind) in fragment.parts.secrets.iter() {
            match script.parts.secrets.get(alias.as_str()) {
                None => {
                    let message = format!(
                        "`{}` needs the secret `{alias}`, which `secrets` does not list",
                        fragment.id
                    );
                    findings.error("alias-not-listed", place, message);
                }
                Some(listed) if listed != kind => {
                    let message =
                        format!("`{alias}` is another kind of secret in `{}`", fragment.id);
                    findings.error("alias-kind", place, message);
                }
                Some(_) => {}
            }
        }
    }
}

fn in_fragment(loaded: &Loaded, alias: &str) -> bool {
    loaded.bundle.fragments.iter().any(|part| part.parts.secrets.get(alias).is_some())
}

/// Whether a script's exception overrides one of a fragment.
fn overrides(loaded: &Loaded, name: &str) -> bool {
    loaded.bundle.fragments.iter().any(|fragment| {
        let theirs = format!("{}.{name}", fragment.prefix);
        fragment.parts.exceptions.get(&theirs).is_some()
    })
}
