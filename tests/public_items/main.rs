//! `src/targets` and `src/systems`, compiled as a crate of its own: `crate::` means what
//! hookpost makes public. A target or system that uses a private item of the library does not
//! compile here, so the built-in ones prove that a host could have written them. The tests
//! that stand in these folders run here too.
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, missing_docs, unnameable_types, unreachable_pub)]

pub use hookpost::*;

#[path = "../../src/systems/mod.rs"]
pub mod systems;
#[path = "../../src/targets/mod.rs"]
pub mod targets;
