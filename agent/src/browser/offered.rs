//! What a page offers: every visible control of some kinds with the words that may name it, told in one go however many there are;
//! role, name and facts are asked for only of those that the asker picks.

use super::candidates::Candidates;
use super::error::Error;
use super::page::Page;
use super::query::Found;
use futures_util::future::join_all;
use serde_json::json;

/// One control as it is offered. Page text; mask before it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// `name` attribute.
    pub name_attr: String,
    /// Test id attribute.
    pub test_id: String,
    /// `type` of an input or button.
    pub input_type: String,
    /// Labels, own text, placeholder, title; where there are none, the words that stand where a label would.
    pub words: Vec<String>,
}

impl Offer {
    fn read(mut told: Vec<String>) -> Self {
        let words = told.split_off(told.len().min(3));
        let mut told = told.into_iter();
        let mut next = || told.next().unwrap_or_default();
        Self { name_attr: next(), test_id: next(), input_type: next(), words }
    }
}

impl Page {
    /// Visible controls of these kinds (`press`, `type`, `choice`, `table`) in all frames, at most `most` of each; those that
    /// `pick` names, with Chrome's role and name.
    ///
    /// # Errors
    /// The page is gone; frames that go away meanwhile offer nothing.
    pub async fn offered(
        &self,
        kinds: &[&str],
        most: usize,
        pick: impl FnOnce(&[Offer]) -> Vec<usize>,
    ) -> Result<Vec<Found>, Error> {
        let inner = &self.inner;
        inner.alive()?;
        let frames: Vec<String> = inner.frame_states().into_iter().map(|f| f.id).collect();
        let told = join_all(frames.iter().map(|frame| async move {
            let world = inner.world(frame).await.ok()?;
            let told = inner.run(frame, "offered", json!([kinds, most])).await.ok()?;
            Some((frame, world, Candidates::read(&told)?))
        }))
        .await;
        inner.alive()?;
        let (mut offers, mut places) = (Vec::new(), Vec::new());
        let told: Vec<_> = told.into_iter().flatten().collect();
        for (of, (_, _, candidates)) in told.iter().enumerate() {
            for (at, texts) in candidates.texts.iter().enumerate() {
                offers.push(Offer::read(texts.clone()));
                places.push((of, at));
            }
        }
        let picked: Vec<(usize, usize)> =
            pick(&offers).into_iter().filter_map(|at| places.get(at).copied()).collect();
        let mut found = Vec::new();
        for (of, (frame, world, candidates)) in told.iter().enumerate() {
            let here: Vec<usize> =
                picked.iter().filter(|(frame, _)| *frame == of).map(|(_, at)| *at).collect();
            if !here.is_empty() {
                match inner.picked(world, frame, candidates.token, &here).await {
                    Ok(list) => found.extend(list),
                    Err(error) if error.is_stale() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let many = found.len();
        inner.name_first(&mut found, many).await;
        Ok(found)
    }
}
