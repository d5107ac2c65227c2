//! The decisions about a claim: where an event goes, what a delivery sends, and
//! what follows from what came back. Pure functions of values.

pub mod conclude;
mod kept;
mod mask;
pub mod prepare;
pub mod resolve;
pub mod route;
