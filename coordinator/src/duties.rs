//! The background duties as one table.
