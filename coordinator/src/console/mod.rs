//! The console: server-rendered pages on which staff review what agents did, answer exceptions, and operators run the
//! fleet. Each page file holds a view (what the page knows) and the function that draws it; `load` fills views from the
//! store, `act` takes the forms. Pages are usable without a script.

pub mod assets;
pub mod attempt;
pub mod audit;
pub mod case;
pub mod fleet;
pub mod frame;
pub mod icons;
pub mod inbox;
pub mod parts;
pub mod scripts;
pub mod work;

/// The class of a tone, for marks that are not chips.
pub(crate) fn tone_class(tone: parts::Tone) -> &'static str {
    tone.class()
}
