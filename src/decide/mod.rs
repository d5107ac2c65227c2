//! The engine's decisions: what becomes of a claim (where an event goes, what a delivery sends,
//! and what follows from what came back), how much may be claimed and when, and whose fault a
//! failure is. All are functions of values: what was seen, and when.

pub(crate) mod conclude;
mod kept;
mod mask;
pub(crate) mod own_faults;
pub(crate) mod pacing;
pub(crate) mod prepare;
pub(crate) mod resolve;
pub(crate) mod route;
pub(crate) mod slots;
