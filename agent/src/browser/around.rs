//! What stands around elements: the words next to them and where they are in their region. For telling elements of a changed page
//! from each other.

use super::error::Error;
use super::page::Page;
use super::query::{Found, Node};
use serde::Deserialize;
use serde_json::json;

/// What stands around one element. Page text; mask before it is kept.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Around {
    /// Up to eight texts, nearest first.
    pub near: Vec<String>,
    /// The words that stand where a label would: beside it in its line, else right above.
    #[serde(default)]
    pub caption: String,
    /// Its centre in its region (form, section, dialog, table or body), CSS pixels.
    pub place: (f64, f64),
}

impl Page {
    /// What stands around each of these nodes; none for one that is gone.
    ///
    /// # Errors
    /// The page is gone, or a frame could not be asked.
    pub async fn around(&self, nodes: &[Node]) -> Result<Vec<Option<Around>>, Error> {
        let mut out = vec![None; nodes.len()];
        let mut frames: Vec<&str> = nodes.iter().map(|node| node.frame.as_str()).collect();
        frames.dedup();
        for frame in frames {
            let here: Vec<usize> = (0..nodes.len()).filter(|i| nodes[*i].frame == frame).collect();
            let numbers: Vec<i64> = here.iter().map(|i| nodes[*i].number).collect();
            let told = self.inner.run(frame, "surround", json!([numbers])).await?;
            let told: Vec<Option<Around>> =
                serde_json::from_value(told).map_err(|_| Error::Script("surround"))?;
            for (at, around) in here.into_iter().zip(told) {
                out[at] = around;
            }
        }
        Ok(out)
    }

    /// Role and accessible name by Chrome for matches that were found without.
    pub async fn name_all(&self, found: &mut [Found]) {
        self.inner.name_them(found).await;
    }
}
