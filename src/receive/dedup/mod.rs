//! An event that comes twice is handled once.

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

/// How long an id is remembered where nobody says otherwise: 48 hours, which outlasts every
/// preset's retries and the clocks' disagreement about them.
pub const WINDOW: Duration = Duration::from_secs(48 * 60 * 60);

/// Remembers which events of one sender were handled.
///
/// An id is remembered from the moment at which it was first seen until the window is over;
/// seeing it again does not make that longer. Of all who see an id at once, one is told
/// [`New`](Sighting::New). **An id and the event's effect stay together**: what was not
/// handled to its end was not seen, so that the sender's next attempt is handled.
///
/// One sender's ids say nothing about another's: each sender has a deduplicator of its own.
/// Whoever replays an event on purpose sends its id again; within the window it is taken for
/// a duplicate.
pub trait Deduplicator {
    /// What keeps a new event's id together with its effect.
    type Handling;
    /// Why it could not be said. Nothing was remembered, and the sender has to come again:
    /// 503 is the answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether the event is to be handled, at `now`.
    ///
    /// # Errors
    /// When it cannot be said.
    fn see(&self, id: &EventId, now: Timestamp) -> Result<Sighting<Self::Handling>, Self::Error>;
}

/// What is known of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an event that was seen before is not handled again"]
pub enum Sighting<H> {
    /// It is to be handled.
    New(H),
    /// Somebody else is handling it, and nobody knows how that ends: 503 is the answer, for
    /// a 2xx would tell the sender to forget an event that may yet fail.
    Underway,
    /// It was handled: 2xx is the answer, and nothing else is to be done.
    Seen,
}
