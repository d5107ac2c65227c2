//! The engine's decisions: where an event goes, what a delivery sends, what follows from the
//! response, how much may be claimed and when, and whose fault a failure is. All are pure
//! functions of values, including the time.

pub(crate) mod conclude;
mod kept;
mod mask;
pub(crate) mod own_faults;
pub(crate) mod pacing;
pub(crate) mod prepare;
pub(crate) mod resolve;
pub(crate) mod route;
pub(crate) mod slots;
