//! Which elements of one frame match: candidates come from the page script, or from Chrome's own accessibility tree
//! where a role is asked for; the texts are compared here.

use super::browser::text;
use super::connection::CALL;
use super::error::Error;
use super::frame::{FrameState, World};
use super::page::PageInner;
use super::query::{By, Facts, Found, Node, Query};
use super::text::{Text, fold};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// More matches than this are cut: whoever asks so loosely learns that it is ambiguous.
const MOST: usize = 60;
/// Up to this many matches get role and name from Chrome.
const NAMED: usize = 20;
/// From so many questions on Chrome keeps its accessibility tree for them.
const WORTH_KEEPING: usize = 4;

/// Candidates of the page script.
pub(crate) struct Candidates {
    pub(crate) token: i64,
    pub(crate) texts: Vec<Vec<String>>,
    parents: Vec<i64>,
}

impl Candidates {
    pub(crate) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            token: value.get("token")?.as_i64()?,
            texts: serde_json::from_value(value.get("texts")?.clone()).ok()?,
            parents: serde_json::from_value(value.get("parents")?.clone()).ok()?,
        })
    }

    fn chosen(&self, by: &By) -> Vec<usize> {
        let any = |accepts: &dyn Fn(&str) -> bool| {
            (0..self.texts.len())
                .filter(|i| self.texts[*i].iter().any(|t| accepts(t)))
                .collect::<Vec<_>>()
        };
        match by {
            By::Css(_)
            | By::Xpath(_)
            | By::TestId(_)
            | By::Control
            | By::Dialog(None)
            | By::Role(..) => (0..self.texts.len()).collect(),
            By::Label(t) | By::Table(t) | By::Region(t) | By::Dialog(Some(t)) => {
                any(&|s| t.accepts_name(s))
            }
            By::Placeholder(t) | By::Alt(t) | By::Title(t) => any(&|s| t.accepts(s)),
            By::Text(t) => {
                let hits = any(&|s| t.accepts(s));
                // The deepest: no other hit lies below.
                let mut covered = vec![false; self.texts.len()];
                for &hit in &hits {
                    let mut at = self.parents[hit];
                    while let Ok(i) = usize::try_from(at) {
                        covered[i] = true;
                        at = self.parents[i];
                    }
                }
                hits.into_iter().filter(|i| !covered[*i]).collect()
            }
        }
    }
}

/// What the page script tells of one match.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sight {
    number: i64,
    stands_for: i64,
    facts: Facts,
}

impl PageInner {
    pub(crate) async fn find_in(&self, frame: &str, query: &Query) -> Result<Vec<Found>, Error> {
        let world = self.world(frame).await?;
        match &query.by {
            By::Role(role, name) => {
                self.by_role(&world, frame, role, name.as_ref(), query.within.as_ref()).await
            }
            by => self.by_script(&world, frame, by, query.within.as_ref()).await,
        }
    }

    async fn by_script(
        &self,
        world: &World,
        frame: &str,
        by: &By,
        within: Option<&Node>,
    ) -> Result<Vec<Found>, Error> {
        let (kind, arg) = match by {
            By::Css(s) => ("css", json!(s)),
            By::Xpath(s) => ("xpath", json!(s)),
            By::TestId(s) => ("test_id", json!(s)),
            By::Placeholder(_) => ("attr", json!("placeholder")),
            By::Alt(_) => ("attr", json!("alt")),
            By::Title(_) => ("attr", json!("title")),
            By::Label(_) => ("label", Value::Null),
            By::Control => ("control", Value::Null),
            By::Table(_) => ("table", Value::Null),
            By::Dialog(_) => ("dialog", Value::Null),
            By::Region(_) => ("region", Value::Null),
            // The page script may propose by the bare words; the match is ours.
            By::Text(Text::Equals(t) | Text::Exact(t) | Text::Contains(t)) => {
                ("text", json!(fold(t)))
            }
            By::Text(Text::Matches(_)) => ("text", Value::Null),
            By::Role(..) => return Err(Error::BadQuery("roles come from Chrome".into())),
        };
        // Where every candidate is a match, nothing has to be decided in between.
        let all = matches!(
            by,
            By::Css(_) | By::Xpath(_) | By::TestId(_) | By::Control | By::Dialog(None)
        );
        let function = if all { "matches" } else { "collect" };
        let collected = match within {
            Some(node) => self.run_on(node, function, json!([kind, arg])).await?,
            None => self.run(frame, function, json!([null, kind, arg])).await?,
        };
        if all {
            return self.sighted(world, frame, collected);
        }
        let candidates = Candidates::read(&collected).ok_or(Error::Script("collect"))?;
        let mut chosen = candidates.chosen(by);
        chosen.truncate(MOST);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        self.picked(world, frame, candidates.token, &chosen).await
    }

    /// Turns candidates into matches with handles and facts.
    pub(crate) async fn picked(
        &self,
        world: &World,
        frame: &str,
        token: i64,
        chosen: &[usize],
    ) -> Result<Vec<Found>, Error> {
        let sights = self.run(frame, "pick", json!([token, chosen])).await?;
        self.sighted(world, frame, sights)
    }

    fn sighted(&self, world: &World, frame: &str, sights: Value) -> Result<Vec<Found>, Error> {
        let sights: Vec<Sight> =
            serde_json::from_value(sights).map_err(|_| Error::Script("sights"))?;
        let state = self.frame_state(frame).ok_or(Error::Closed)?;
        Ok(sights.into_iter().map(|sight| found(&state, world, sight)).collect())
    }

    async fn by_role(
        &self,
        world: &World,
        frame: &str,
        role: &str,
        name: Option<&Text>,
        within: Option<&Node>,
    ) -> Result<Vec<Found>, Error> {
        let inside = match within {
            Some(node) => Some(self.object(node).await?.1),
            None => None,
        };
        // Chrome's own word for what ARIA calls both ways.
        let role = if role == "img" { "image" } else { role };
        let params = match &inside {
            Some(object) => json!({"objectId": object, "role": role}),
            None => json!({"backendNodeId": self.document(frame, world).await?, "role": role}),
        };
        let reply = self
            .conn
            .call_raw(Some(&world.session), "Accessibility.queryAXTree", params, CALL)
            .await;
        if let Some(object) = inside {
            self.release(world, object);
        }
        let reply = reply?;
        let hits: Vec<&Value> = reply
            .get("nodes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|n| {
                let ignored = n.get("ignored").and_then(Value::as_bool) == Some(true);
                !ignored && name.is_none_or(|t| t.accepts_name(text(n, "/name/value")))
            })
            .take(MOST)
            .collect();
        if hits.is_empty() { Ok(Vec::new()) } else { self.ax_found(world, frame, &hits).await }
    }

    /// Nodes of Chrome's accessibility tree as matches.
    async fn ax_found(
        &self,
        world: &World,
        frame: &str,
        hits: &[&Value],
    ) -> Result<Vec<Found>, Error> {
        static GROUPS: AtomicU64 = AtomicU64::new(0);
        // All objects of this look are let go of together.
        let group = format!("look-{}", GROUPS.fetch_add(1, Ordering::Relaxed));
        let resolved = join_all(hits.iter().map(|hit| {
            let backend = hit.get("backendDOMNodeId").and_then(Value::as_i64).unwrap_or(0);
            let params = json!({"backendNodeId": backend, "executionContextId": world.context, "objectGroup": group});
            self.conn.call_raw(Some(&world.session), "DOM.resolveNode", params, CALL)
        }))
        .await;
        let (mut objects, mut named) = (Vec::new(), Vec::new());
        for (hit, reply) in hits.iter().zip(resolved) {
            match reply {
                Ok(reply) => {
                    objects.push(json!({"objectId": text(&reply, "/object/objectId")}));
                    named.push((
                        text(hit, "/role/value").to_owned(),
                        text(hit, "/name/value").to_owned(),
                    ));
                }
                Err(e) if e.is_stale() => {}
                Err(e) => return Err(e),
            }
        }
        let params = json!({"functionDeclaration": "(...e) => __agent.sights(...e)",
            "executionContextId": world.context, "arguments": objects, "returnByValue": true});
        let sights = self.value(world, "sights", params).await;
        self.release_group(world, group);
        let mut found = self.sighted(world, frame, sights?)?;
        for (f, (role, name)) in found.iter_mut().zip(named) {
            (f.role, f.name) = (role, name);
        }
        Ok(found)
    }

    /// Chrome's backend id of a frame's document.
    async fn document(&self, frame: &str, world: &World) -> Result<i64, Error> {
        let state = self.frame_state(frame).ok_or(Error::Closed)?;
        if let Some((loader, backend)) = state.document
            && loader == state.loader
        {
            return Ok(backend);
        }
        let params = json!({"expression": "document", "contextId": world.context});
        let reply =
            self.conn.call_raw(Some(&world.session), "Runtime.evaluate", params, CALL).await?;
        let object = text(&reply, "/result/objectId").to_owned();
        let params = json!({"objectId": object});
        let described =
            self.conn.call_raw(Some(&world.session), "DOM.describeNode", params, CALL).await;
        self.release(world, object);
        let backend = described?.pointer("/node/backendNodeId").and_then(Value::as_i64);
        let backend = backend.ok_or(Error::Decode { method: "DOM.describeNode" })?;
        self.remember_document(frame, &state.loader, backend);
        Ok(backend)
    }

    /// Role and name by Chrome, for the first few that have none yet. A node without a name keeps an empty one.
    pub(crate) async fn name_them(&self, found: &mut [Found]) {
        self.name_first(found, NAMED).await;
    }

    /// As [`PageInner::name_them`], for the first so many.
    pub(crate) async fn name_first(&self, found: &mut [Found], many: usize) {
        let nodes: Vec<Option<Node>> = found
            .iter()
            .enumerate()
            .map(|(at, f)| (at < many && f.role.is_empty()).then(|| f.node.clone()))
            .collect();
        let kept = self.keep_tree(&nodes).await;
        let named = join_all(nodes.iter().map(|node| async {
            let (world, object) = self.object(node.as_ref()?).await.ok()?;
            let params = json!({"objectId": object, "fetchRelatives": false});
            let reply = self
                .conn
                .call_raw(Some(&world.session), "Accessibility.getPartialAXTree", params, CALL)
                .await;
            self.release(&world, object);
            let reply = reply.ok()?;
            let node = reply.pointer("/nodes/0")?;
            Some((text(node, "/role/value").to_owned(), text(node, "/name/value").to_owned()))
        }))
        .await;
        for (f, named) in found.iter_mut().zip(named) {
            if let Some((role, name)) = named {
                (f.role, f.name) = (role, name);
            }
        }
        for session in kept {
            let done = self.conn.call_raw(Some(&session), "Accessibility.disable", json!({}), CALL);
            if let Err(error) = done.await {
                tracing::debug!(%error, "letting go of an accessibility tree");
            }
        }
    }

    /// Has Chrome keep its accessibility tree for these questions: it makes it anew for each one otherwise, and that of a long
    /// page takes longer than all of them. Gives the sessions to let go of.
    async fn keep_tree(&self, nodes: &[Option<Node>]) -> Vec<Arc<str>> {
        let mut frames: Vec<&str> =
            nodes.iter().flatten().map(|node| node.frame.as_str()).collect();
        if frames.len() < WORTH_KEEPING {
            return Vec::new();
        }
        frames.sort_unstable();
        frames.dedup();
        let mut kept = Vec::new();
        for frame in frames {
            let Ok(world) = self.world(frame).await else { continue };
            if kept.contains(&world.session) {
                continue;
            }
            let session = world.session.clone();
            let on = self.conn.call_raw(Some(&session), "Accessibility.enable", json!({}), CALL);
            if on.await.is_ok() {
                kept.push(session);
            }
        }
        kept
    }
}

fn found(frame: &FrameState, world: &World, sight: Sight) -> Found {
    Found {
        visible: sight.facts.visible,
        rect: sight.facts.rect,
        role: String::new(),
        name: String::new(),
        node: frame.node(world, sight.number),
        stands_for: frame.node(world, sight.stands_for),
        facts: sight.facts,
        frame_url: frame.url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_text_wins() {
        let c = Candidates {
            token: 1,
            texts: vec![
                vec![" Save all ".into()],
                vec!["Save all".into()],
                vec!["all".into()],
                vec!["SAVE ALL".into()],
            ],
            parents: vec![-1, 0, 1, -1],
        };
        assert_eq!(c.chosen(&By::Text(Text::equals("save all"))), vec![1, 3]);
        assert_eq!(c.chosen(&By::Text(Text::contains("all"))), vec![2, 3]);
    }
}
