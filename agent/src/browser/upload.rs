//! Files: into an input, through the chooser a click opens, or dropped onto a zone.

use super::act::{BeforeInput, End};
use super::attempt::{Attempted, Deadline, Why};
use super::connection::{CALL, lock};
use super::error::Error;
use super::page::Page;
use super::query::Node;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// How long a button may take to open its chooser.
const CHOOSER: Duration = Duration::from_secs(3);
/// The same for a zone, which may know dropping only.
const CHOOSER_OF_ZONE: Duration = Duration::from_secs(1);

impl Page {
    /// Attaches files: to a file input, the one inside or beside the node, the one whose chooser the node opens, or by
    /// dropping them onto it. They are copied where the browser may read them. `Done`: names and sizes shown by the
    /// input; none where they were dropped.
    pub async fn try_upload(
        &self,
        node: &Node,
        files: &[PathBuf],
        before: &mut dyn BeforeInput,
    ) -> Attempted<Vec<(String, u64)>> {
        self.upload_now(node, files, before).await.into()
    }

    async fn upload_now(
        &self,
        node: &Node,
        files: &[PathBuf],
        before: &mut dyn BeforeInput,
    ) -> Result<Vec<(String, u64)>, End> {
        let input = match self.picked_one(node, "fileInput", json!([])).await? {
            Some(input) => Some(input),
            None => self.chooser(node, before).await?,
        };
        let paths = self.lent(files).await?;
        let Some(input) = input else {
            self.drop_onto(node, &paths, before).await?;
            return Ok(Vec::new());
        };
        let (world, object) = self.inner.object(&input).await?;
        let params = json!({"files": paths, "objectId": object});
        let set = self
            .inner
            .conn
            .call_raw(Some(&world.session), "DOM.setFileInputFiles", params, CALL)
            .await;
        self.inner.release(&world, object);
        set?;
        let shown = self.inner.run_on(&input, "files", json!([])).await;
        let shown = match shown {
            // An input that goes away when it has been given its files has taken them.
            Err(e) if e.is_stale() => return Ok(Vec::new()),
            shown => shown?,
        };
        Ok(serde_json::from_value(shown).map_err(|_| Error::Script("files"))?)
    }

    /// Copies of the files where the browser may read them.
    async fn lent(&self, files: &[PathBuf]) -> Result<Vec<String>, Error> {
        let profile = self.context.hub().profile.upgrade().ok_or(Error::Gone)?;
        let (given, context) = (files.to_vec(), self.context.id.clone());
        let lent = tokio::task::spawn_blocking(move || profile.lend(&given, &context)).await;
        let lent = lent.map_err(|_| Error::Io("copying was interrupted".into()))??;
        Ok(lent.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    /// The input whose chooser a click opens. None where a zone opened none.
    async fn chooser(
        &self,
        node: &Node,
        before: &mut dyn BeforeInput,
    ) -> Result<Option<Node>, End> {
        let zone = self.inner.run_on(node, "dropKind", json!([])).await?.as_str() == Some("zone");
        lock(&self.inner.state).chooser = None;
        self.intercept_choosers(true).await?;
        let clicked = self.try_click(node, 0, before).await;
        let opened = match clicked {
            Attempted::Done(_) => {
                let wait = Deadline::within(if zone { CHOOSER_OF_ZONE } else { CHOOSER });
                self.inner.until(wait, |s| s.chooser.take()).await
            }
            Attempted::Wait(w) => return Err(End::Wait(w)),
            Attempted::Stop(s) => return Err(End::Stop(s)),
        };
        let _off = self.intercept_choosers(false).await;
        match opened? {
            Some((frame, backend)) => Ok(Some(self.inner.node_of(&frame, backend).await?)),
            None if zone => Ok(None),
            None => Err(End::Wait(Why::Other("no file chooser opened".into()))),
        }
    }

    async fn intercept_choosers(&self, on: bool) -> Result<Value, Error> {
        let params = json!({"enabled": on});
        self.inner.call_raw("Page.setInterceptFileChooserDialog", params).await
    }

    /// Drags the files in from outside and drops them on the zone.
    async fn drop_onto(
        &self,
        node: &Node,
        paths: &[String],
        before: &mut dyn BeforeInput,
    ) -> Result<(), End> {
        let at = self.spot(node).await?;
        if let Err(reason) = before.about_to_act(self, &at).await {
            return Err(End::Stop(super::attempt::Stop::Refused(reason)));
        }
        self.inner.acted();
        let data = json!({"items": [], "files": paths, "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let params = json!({"type": kind, "x": at.point.x, "y": at.point.y, "data": data});
            self.inner.call_raw("Input.dispatchDragEvent", params).await?;
        }
        Ok(())
    }
}
