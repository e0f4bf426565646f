//! Defects that are put in on purpose: a safety check that was never seen failing proves nothing, so the chaos runner starts a
//! coordinator with each one and must catch it. Only with the feature `faults`; without it nothing is ever broken.

/// Whether `FLEET_SABOTAGE` names this defect.
#[cfg(feature = "faults")]
#[must_use]
pub fn broken(defect: &str) -> bool {
    static NAMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("FLEET_SABOTAGE").ok());
    named.as_deref() == Some(defect)
}

/// Nothing is broken: the feature `faults` is off.
#[cfg(not(feature = "faults"))]
#[must_use]
pub const fn broken(_defect: &str) -> bool {
    false
}
