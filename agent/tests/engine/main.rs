//! The interpreter against a small portal of our own over HTTPS, with a book in place of the coordinator: what was
//! asked for, in which order, and what the portal really received.
#![expect(clippy::unwrap_used, reason = "tests")]

mod attach;
mod away;
mod book;
mod claims;
mod commits;
mod fetch;
mod heal;
mod lab;
mod leaving;
mod logins;
mod menus;
mod pages;
mod safe;
mod site;
mod tables;
mod zone;
