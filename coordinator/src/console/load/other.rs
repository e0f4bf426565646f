//! The Scripts, Audit and own pages from the store.

use domain::{
    id::UserId,
    script::{Bundle, explain},
};

use super::person_names;
use crate::{
    App,
    console::{
        audit::{Audit, Entry},
        me::{KeyLine, Me},
        scripts::{ScriptPage, ScriptRow},
    },
    store::{self, agents, audit, people, scripts, work::recent_ends},
};

/// Every published script, live ones first.
///
/// # Errors
/// The database cannot be read.
pub async fn scripts(app: &App) -> Result<Vec<ScriptRow>, store::Error> {
    let ends = recent_ends(app.store()).await?;
    let mut rows: Vec<ScriptRow> = scripts::list(app.store())
        .await?
        .into_iter()
        .map(|s| ScriptRow {
            recent: {
                let mut of: Vec<bool> = ends
                    .iter()
                    .filter(|(sha, _)| *sha == s.sha256)
                    .map(|(_, ok)| *ok)
                    .take(20)
                    .collect();
                of.reverse();
                of
            },
            live: s.state == "live",
            held: s.held_reason,
            script: s.script,
            sha256: s.sha256,
            published_at: s.published_at,
        })
        .collect();
    // What is held or live stands first.
    let key = |row: &ScriptRow| (row.held.is_none(), !row.live, row.script.clone());
    rows.sort_by_key(key);
    Ok(rows)
}

/// One script.
///
/// # Errors
/// The database cannot be read, or there is no such script.
pub async fn script(app: &App, sha256: &str) -> Result<ScriptPage, store::Error> {
    let s = scripts::get(app.store(), sha256).await?;
    Ok(ScriptPage {
        live: s.state == "live",
        held: s.held_reason,
        explained: Bundle::load(&s.files, &s.script).ok().map(|bundle| explain(&bundle).text()),
        files: s.files.into_iter().collect(),
        script: s.script,
        sha256: s.sha256,
        published_at: s.published_at,
    })
}

/// The query string of the Audit page.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// Actor: a person's name or id, `key:…`, `duty:…`.
    pub who: String,
    /// Act.
    pub action: String,
    /// Object's id.
    pub object: String,
    /// Continue below this entry.
    pub after: Option<i64>,
}

/// The Audit page.
///
/// # Errors
/// The database cannot be read.
pub async fn audit(app: &App, query: &Query) -> Result<Audit, store::Error> {
    let mut people = person_names(app.store()).await?;
    for agent in agents::all(app.store(), true).await? {
        people.insert(agent.id.to_string(), agent.info.name);
    }
    let who = query.who.trim();
    let filter = audit::Filter {
        actor: people.iter().find(|(_, name)| *name == who).map_or(who, |(id, _)| id).to_owned(),
        act: query.action.trim().to_owned(),
        subject: query.object.trim().to_owned(),
    };
    let page = audit::list(app.store(), &filter, query.after, 100).await?;
    let next = page.next.map(|after| {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.append_pair("who", who).append_pair("action", &filter.act);
        out.append_pair("object", &filter.subject).append_pair("after", &after).finish()
    });
    let entries = page.items.into_iter().map(|e| Entry {
        at: e.at,
        who: people.get(&e.actor).cloned().unwrap_or(e.actor),
        action: e.act,
        href: href(&e.subject),
        named: people.get(&e.subject).cloned(),
        object: e.subject,
        reason: e.detail.get("reason").and_then(|r| r.as_str()).unwrap_or_default().to_owned(),
    });
    Ok(Audit {
        entries: entries.collect(),
        who: query.who.clone(),
        action: query.action.clone(),
        object: query.object.clone(),
        next,
        paged: query.after.is_some(),
    })
}

fn href(subject: &str) -> Option<String> {
    let (prefix, _) = subject.split_once('_')?;
    match prefix {
        "case" => Some(format!("/cases/{subject}")),
        "att" => Some(format!("/attempts/{subject}")),
        "exc" => Some(format!("/inbox/{subject}")),
        "ev" => Some(format!("/evidence/{subject}")),
        "drift" => Some(format!("/drift/{subject}")),
        "agent" => Some("/fleet".to_owned()),
        _ => None,
    }
}

/// The page about a person, for that person.
///
/// # Errors
/// The database cannot be read.
pub async fn me(app: &App, id: UserId) -> Result<Me, store::Error> {
    let (own, login) = (id.to_string(), people::user(app.store(), id).await?.login);
    let keys = people::keys(app.store()).await?.into_iter().filter(|k| k.created_by == own);
    let line = |key: people::ApiKey| KeyLine {
        role: key.roles.join(", "),
        id: key.id,
        name: key.name,
        created_at: key.created_at,
        revoked_at: key.revoked_at,
    };
    Ok(Me { login, keys: keys.map(line).collect(), refused: None })
}
