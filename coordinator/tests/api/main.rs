//! The HTTP surface, route by route: router in process, SQLite in a temporary folder, a clock that is moved by hand.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod access;
mod agent;
mod cases;
mod cli;
mod documents;
mod drift;
mod edi;
mod evidence;
mod exceptions;
mod facade;
mod fleet;
mod jobs;
mod limits;
mod live;
mod news;
mod openapi;
mod payers;
mod scripts;
mod start;
mod subscription;
mod test_app;
mod users;
mod x12;
