//! LiveChat's webhooks: the rows of the carried system, from registering to reading.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod delivering;
mod failing;
mod filtering;
mod reading;
mod receiving;
mod redacting;
mod registering;
mod scene;
mod serving;
mod switching;
mod turns;
mod use_cases;
#[path = "../world/mod.rs"]
mod world;
