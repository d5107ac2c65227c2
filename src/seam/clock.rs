//! This machine's clocks.

use std::time::Duration;

use crate::time::Timestamp;

/// Reads time. Only tokio's timer sleeps; this says what time it is. It is called on the
/// engine's task, many times per delivery.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, since some moment of its own.
    fn elapsed(&self) -> Duration;
}
