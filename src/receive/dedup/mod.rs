//! Ensures that an event that is received twice is handled once.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use crate::id::EventId;
use crate::time::Timestamp;

pub use memory::{Full, Handling, MemoryDeduplicator};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::SqliteDeduplicator;

/// How long an id is remembered by default: 48 hours, which is longer than the retries of
/// every preset, including differences between clocks.
pub const WINDOW: Duration = Duration::from_secs(48 * 60 * 60);

/// Remembers which events of one sender were handled.
///
/// An id is remembered from when it was first seen until the window ends; seeing it again does
/// not extend the window. If several callers see an id at once, only one gets
/// [`New`](Sighting::New). **An id and the event's effect belong together**: if the event was
/// not handled completely, it counts as not seen, so that the sender's next attempt is
/// handled.
///
/// Ids of different senders are independent: use a deduplicator for each sender. A deliberate
/// replay sends the event's id again, and within the window it counts as a duplicate.
pub trait Deduplicator {
    /// A value that keeps a new event's id together with its effect.
    type Handling;
    /// The reason why it is not known whether the event was handled. Nothing was remembered,
    /// and the sender must try again: answer 503.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether the event must be handled, at `now`.
    ///
    /// # Errors
    /// If that is not known.
    fn see(&self, id: &EventId, now: Timestamp) -> Result<Sighting<Self::Handling>, Self::Error>;
}

/// Whether an event was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an event that was seen before is not handled again"]
pub enum Sighting<H> {
    /// The event is new and must be handled.
    New(H),
    /// Another caller is handling the event, and the result is not known yet. Answer 503:
    /// after a 2xx the sender would drop an event that may still fail.
    Underway,
    /// The event was handled. Answer 2xx and do nothing else.
    Seen,
}
