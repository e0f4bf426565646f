//! The portal channel: script × browser → steps, evidence and an outcome.
