//! X12 005010: interchanges, functional groups, transaction sets, segments and elements.
//!
//! `tokens` cuts bytes into segments, `envelope` pairs headers with trailers. Every fault says where it is.

pub mod date;
pub mod decimal;
pub mod delimiters;
pub mod envelope;
pub mod fault;
pub mod segment;
pub mod tokens;

pub use decimal::Decimal;
pub use delimiters::Delimiters;
pub use envelope::{Event, Reader};
pub use fault::{Fault, FaultCode, Place, Position, Severity};
pub use segment::Segment;
pub use tokens::{Limits, Token, Tokens};

pub mod check;
pub mod chunk;
pub mod code;
pub mod file;
pub mod out;
pub mod part;
pub mod parts;
pub mod parts_review;
pub mod rules;
pub mod stream;
pub mod t270;
pub mod t275;
pub mod t276;
pub mod t277ca;
pub mod t278;
pub mod t835;
pub mod t999;
pub mod transaction;
pub mod value;
