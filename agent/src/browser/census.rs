//! What a page says of its own state: warnings, and controls that must be filled and are not. Untrusted page data.

use super::error::Error;
use super::page::Page;
use super::query::Node;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;

/// A text in a live region, or marked as an error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Alarm {
    /// It is an alert or marked as an error, not only a status.
    pub loud: bool,
    /// What it says.
    pub words: String,
}

/// A visible control that must be filled and is empty, or one for a one-time code.
#[derive(Debug, Clone)]
pub struct Empty {
    /// It.
    pub node: Node,
    /// Its label, placeholder or name.
    pub label: String,
    /// It takes a one-time code.
    pub code: bool,
}

/// A control of a screen's forms, or a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// `text`, `select`, `choice`, `table`, …
    pub kind: String,
    /// What it goes by.
    pub label: String,
    /// It must be filled.
    pub required: bool,
    /// Its options or columns.
    pub offers: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
    number: i64,
    label: String,
    code: bool,
}

impl Page {
    /// Whether the first holds the second; false where one of them is gone.
    pub async fn holds(&self, outer: &Node, inner: &Node) -> bool {
        outer.frame == inner.frame && self.inner.contains(outer, inner).await.unwrap_or(false)
    }

    /// What alerts, status lines and error texts of all frames say now.
    ///
    /// # Errors
    /// The page is gone; frames that go away meanwhile are left out.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, Error> {
        let frames = self.inner.frame_states();
        let told = frames.iter().map(|f| self.inner.run(&f.id, "alarms", json!([])));
        let told = join_all(told).await;
        self.inner.alive()?;
        let mut all = Vec::new();
        for told in told.into_iter().flatten() {
            let told: Vec<(bool, String)> =
                serde_json::from_value(told).map_err(|_| Error::Script("alarms"))?;
            all.extend(told.into_iter().map(|(loud, words)| Alarm { loud, words }));
        }
        Ok(all)
    }

    /// What the forms of all frames ask for, and which tables there are.
    ///
    /// # Errors
    /// As [`Page::alarms`].
    pub async fn asked(&self) -> Result<Vec<Asked>, Error> {
        let frames = self.inner.frame_states();
        let told = frames.iter().map(|f| self.inner.run(&f.id, "form", json!([])));
        let told = join_all(told).await;
        self.inner.alive()?;
        let mut all = Vec::new();
        for told in told.into_iter().flatten() {
            let told: Vec<Asked> =
                serde_json::from_value(told).map_err(|_| Error::Script("form"))?;
            all.extend(told);
        }
        Ok(all)
    }

    /// Controls that must be filled and are empty: in the form of a node (outside of all forms, if it is in none), else on
    /// the whole page.
    ///
    /// # Errors
    /// As [`Page::alarms`].
    pub async fn empties(&self, near: Option<&Node>) -> Result<Vec<Empty>, Error> {
        let mut frames = self.inner.frame_states();
        frames.retain(|f| near.is_none_or(|node| node.frame == f.id));
        let number = near.map(|node| node.number);
        let mut all = Vec::new();
        for frame in frames {
            // A frame that goes away meanwhile has none.
            let Ok(world) = self.inner.world(&frame.id).await else { continue };
            let Ok(told) = self.inner.run(&frame.id, "empties", json!([number])).await else {
                continue;
            };
            let told: Vec<Told> =
                serde_json::from_value(told).map_err(|_| Error::Script("empties"))?;
            all.extend(told.into_iter().map(|told| Empty {
                node: frame.node(&world, told.number),
                label: told.label,
                code: told.code,
            }));
        }
        self.inner.alive()?;
        Ok(all)
    }
}
