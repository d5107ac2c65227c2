//! Stores in front of another store: one that fails by seed, and the tools to write your own.

mod flaky;
mod interposed;

pub use flaky::{Faults, Flaky, FlakyStore};
pub use interposed::{Call, Effect, Interpose, Interposed};
