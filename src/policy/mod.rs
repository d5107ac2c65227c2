//! Decisions as pure functions: when to try again, how fast, what an answer means, and where a
//! request may go. Nothing here waits, reads a clock or draws a random number.

pub mod egress;
pub mod failing;
pub mod lane;
pub mod outcome;
pub mod rate;
pub mod retry;
pub mod timeline;
