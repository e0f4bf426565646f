//! Scripts on redesigned pages.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

pub(super) async fn check(_: &Path, _: &Path, _: &[String]) -> Result<Value> {
    Ok(json!({}))
}
