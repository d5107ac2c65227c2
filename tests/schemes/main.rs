//! Every scheme against known answers, every flipped bit, and the threats to receivers
//! that other libraries were published for.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod cases;
mod flips;
mod forging;
mod official_libraries;
mod pairs_of_keys;
mod secrets;
#[path = "../vectors/timestamps.rs"]
mod timestamps;
mod timing_out;
mod trusting;
mod vectors;
mod where_sent;
