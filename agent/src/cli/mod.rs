//! The commands of the program `agent`: what a person types, what is printed, and the exit code.

pub mod browser_options;
pub mod doctor;
pub mod gate;
pub mod import;
pub mod script;
pub mod trial;
pub mod work;

/// Exit codes, the same for every program of the fleet.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Unexpected error.
    pub const ERROR: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// Refused: the state has moved on.
    pub const REFUSED: u8 = 4;
    /// Cannot be reached.
    pub const UNREACHABLE: u8 = 6;
    /// A check failed.
    pub const CHECK_FAILED: u8 = 7;
    /// Needs a person.
    pub const NEEDS_PERSON: u8 = 8;
    /// Ended by a time limit.
    pub const OUT_OF_TIME: u8 = 9;
}

/// Prints a line on standard output.
pub fn print(line: &str) {
    use std::io::Write as _;
    // A closed pipe is the reader's choice, not an error of ours.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line on standard error.
pub fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}
