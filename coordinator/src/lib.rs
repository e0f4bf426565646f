//! The coordinator: decides and remembers.

pub mod console;
