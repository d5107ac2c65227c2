//! Receiving through a framework: what the layer and the extractor let through, what they
//! answer to everything else, and that an event which comes twice is handled once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod deduplicating;
mod extractor;
mod layer;
mod providers;
mod rejecting;
mod scene;
mod socket;
#[path = "../sqlite_file/mod.rs"]
mod sqlite_file;
