//! Stores that stand before another store: one that fails by seed, and the frame in
//! which a test writes its own.

mod flaky;
mod interposed;

pub use flaky::{Faults, Flaky, FlakyStore};
pub use interposed::{Call, Effect, Interpose, Interposed};
