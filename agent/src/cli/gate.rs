//! `agent gate`: the submit gate of one context, started by the agent itself and by nobody else.

use super::{exit, tell};
use crate::keeper;

/// Runs it; the exit code.
pub async fn run() -> u8 {
    match keeper::serve().await {
        Ok(()) => exit::DONE,
        Err(error) => {
            tell(&format!("agent: {error}"));
            exit::ERROR
        }
    }
}
