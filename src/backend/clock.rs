//! This machine's clocks.

use std::time::Duration;

use crate::policy::timeline::Uptime;
use crate::time::Timestamp;

/// Reads time. Only tokio's timer sleeps; this says what time it is. It is called on the
/// engine's task, many times per delivery.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, since some moment of its own.
    fn elapsed(&self) -> Duration;

    /// A monotonic clock that all processes of this machine share and that goes on while the
    /// machine sleeps; `None` where there is none. Processes that share a file tell by it
    /// whose wall clock is wrong. Without it, each of them decides alone.
    ///
    /// Unlike the other methods of the traits here it has a default, which is right for every
    /// clock that knows no such time: one of a test, or of a system that has none.
    fn uptime(&self) -> Option<Uptime> {
        None
    }
}
