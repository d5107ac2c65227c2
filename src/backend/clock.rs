//! The clocks of this machine.

use std::time::Duration;

use crate::policy::timeline::Uptime;
use crate::time::Timestamp;

/// Reads the time. Only tokio's timer sleeps. It is called on the engine's task, many times
/// per delivery.
pub trait Clock: Send + Sync {
    /// The time of the wall clock.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment, by a clock that never goes back.
    fn elapsed(&self) -> Duration;

    /// The time of a monotonic clock that all processes of this machine share and that
    /// continues while the machine sleeps; `None` if there is none. Processes that share a
    /// file use it to find out whose wall clock is wrong. Without it, each process decides
    /// alone.
    ///
    /// It has a default, unlike the other methods of these traits. The default is right for
    /// every clock without such a time: that of a test, or of a system that has none.
    fn uptime(&self) -> Option<Uptime> {
        None
    }
}
