//! The decisions about a claim: where an event goes, what a delivery sends, and
//! what follows from what came back. Pure functions of values.

pub(crate) mod conclude;
mod kept;
mod mask;
pub(crate) mod prepare;
pub(crate) mod resolve;
pub(crate) mod route;
