//! The coordinator: decides and remembers. `store` holds all SQL, `flow` all decisions; `api`, `console` and `cli` speak to people
//! and programs. Agents meet it in `domain::wire` only.

pub mod clock;
pub mod console;
pub mod duties;
pub mod files;
pub mod flow;
pub mod live;
pub mod seal;
pub mod store;
pub mod vault;
