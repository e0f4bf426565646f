//! Fault points: named places at which a test stops the agent dead, to kill it exactly there.
//! Compiled to nothing without the feature `faults`.

/// On which side of the named act the point lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The act has not begun.
    Before,
    /// The act is over.
    After,
}

/// Stops here for good, or for `FLEET_FAULT_FOR_MS`, when `FLEET_FAULT_POINT` names this point (`name`, `name:before` or `name:after`; the bare
/// name means before): writes the file `FLEET_FAULT_FILE` so that the test knows, then waits for ever. With `FLEET_FAULT_ONCE` not again
/// where that file is there.
#[cfg(feature = "faults")]
pub async fn point(name: &str, side: Side) {
    let Ok(wanted) = std::env::var("FLEET_FAULT_POINT") else { return };
    let (point, wanted_side) = match wanted.split_once(':') {
        Some((point, "after")) => (point, Side::After),
        Some((point, _)) => (point, Side::Before),
        None => (wanted.as_str(), Side::Before),
    };
    if point != name || wanted_side != side {
        return;
    }
    if let Ok(file) = std::env::var("FLEET_FAULT_FILE") {
        if std::env::var_os("FLEET_FAULT_ONCE").is_some() && std::path::Path::new(&file).exists() {
            return;
        }
        // Written aside and renamed, so that a test never reads half a line.
        let half = format!("{file}.part");
        let text = format!("{name}:{side:?} {}\n", std::process::id());
        if let Err(error) = std::fs::write(&half, text).and_then(|()| std::fs::rename(&half, &file))
        {
            tracing::error!(%error, "the fault file could not be written");
        }
    }
    tracing::warn!(point = name, ?side, "stopped at a fault point");
    match std::env::var("FLEET_FAULT_FOR_MS").ok().and_then(|ms| ms.parse().ok()) {
        Some(ms) => tokio::time::sleep(std::time::Duration::from_millis(ms)).await,
        None => std::future::pending::<()>().await,
    }
}

/// Does nothing: the feature `faults` is off.
#[cfg(not(feature = "faults"))]
#[expect(clippy::unused_async, reason = "the same signature as with the feature on")]
pub async fn point(_name: &str, _side: Side) {}

/// The version of the protocol that is spoken: `FLEET_PROTOCOL`, where a test pretends to be an older or newer agent.
#[cfg(feature = "faults")]
#[must_use]
pub fn protocol(present: u32) -> u32 {
    std::env::var("FLEET_PROTOCOL").ok().and_then(|n| n.parse().ok()).unwrap_or(present)
}

/// The version of the protocol that is spoken: the present one, the feature `faults` is off.
#[cfg(not(feature = "faults"))]
#[must_use]
pub fn protocol(present: u32) -> u32 {
    present
}

/// Nothing is broken on purpose: the feature `faults` is off.
#[cfg(not(feature = "faults"))]
#[must_use]
pub fn broken(_defect: &str) -> bool {
    false
}

/// Whether `FLEET_SABOTAGE` names this defect: a safety check that was never seen failing proves nothing, so the chaos runner puts
/// each one in and must catch it.
#[cfg(feature = "faults")]
#[must_use]
pub fn broken(defect: &str) -> bool {
    std::env::var("FLEET_SABOTAGE").is_ok_and(|named| named == defect)
}
