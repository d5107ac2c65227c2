//! Remembers ids in memory. A restart forgets them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::id::EventId;
use crate::time::Timestamp;

use super::{Deduplicator, Sighting, WINDOW};

/// The default limit of remembered ids.
const IDS_MAX: usize = 100_000;

/// Remembers ids in memory, for effects that a restart forgets too. Clones share the
/// remembered ids.
///
/// It holds a limited number of ids. If all of them are within the window, a new id is refused
/// as [`Full`], because forgetting an old one would let a duplicate through.
///
/// ```
/// use hookpost::Timestamp;
/// use hookpost::receive::{Deduplicator, MemoryDeduplicator, Sighting};
///
/// let seen = MemoryDeduplicator::new();
/// let (id, now) = ("msg-1".parse()?, Timestamp::EPOCH);
/// if let Sighting::New(handling) = seen.see(&id, now)? {
///     // The event's effect comes here. Where it fails, `handling` is dropped, and the
///     // sender's next attempt is new again.
///     handling.done();
/// }
/// assert!(matches!(seen.see(&id, now)?, Sighting::Seen));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryDeduplicator(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    window: Duration,
    ids_max: usize,
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    known: HashMap<EventId, Known>,
    /// The handled events, the oldest first, so that a time from a clock that jumped delays
    /// only its own removal.
    handled: BTreeSet<(Timestamp, EventId)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Underway,
    Handled,
}

/// All the ids that may be remembered are within their window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deduplicator holds {limit} ids within their window, and takes no more")]
#[non_exhaustive]
pub struct Full {
    /// The most ids that may be remembered.
    pub limit: usize,
}

/// An event that is being handled. If it is dropped, the event counts as not seen.
#[derive(Debug)]
#[must_use = "dropped at once, it lets the event's next attempt be handled too"]
pub struct Handling {
    ids: Arc<Shared>,
    id: EventId,
    seen_at: Timestamp,
    is_done: bool,
}

impl MemoryDeduplicator {
    /// Remembers up to 100,000 ids, each for [`WINDOW`].
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(WINDOW, IDS_MAX)
    }

    /// Remembers up to `ids_max` ids, each for `window`.
    #[must_use]
    pub fn bounded(window: Duration, ids_max: usize) -> Self {
        Self(Arc::new(Shared { window, ids_max, ids: Mutex::default() }))
    }
}

impl Default for MemoryDeduplicator {
    fn default() -> Self {
        Self::new()
    }
}

impl Deduplicator for MemoryDeduplicator {
    type Handling = Handling;
    type Error = Full;

    fn see(&self, id: &EventId, now: Timestamp) -> Result<Sighting<Handling>, Full> {
        let mut ids = self.0.lock();
        ids.forget_before(now - self.0.window);
        match ids.known.get(id) {
            Some(Known::Handled) => return Ok(Sighting::Seen),
            Some(Known::Underway) => return Ok(Sighting::Underway),
            None if ids.known.len() >= self.0.ids_max => return Err(Full { limit: self.0.ids_max }),
            None => ids.known.insert(id.clone(), Known::Underway),
        };
        Ok(Sighting::New(Handling { ids: Arc::clone(&self.0), id: id.clone(), seen_at: now, is_done: false }))
    }
}

impl Handling {
    /// Marks the event as handled: it is a duplicate from now on.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let mut ids = self.ids.lock();
        if self.is_done {
            ids.known.insert(self.id.clone(), Known::Handled);
            ids.handled.insert((self.seen_at, self.id.clone()));
        } else {
            ids.known.remove(&self.id);
        }
    }
}

impl Shared {
    /// The lock is never poisoned: nothing panics while holding it, and each change is
    /// complete.
    fn lock(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ids {
    fn forget_before(&mut self, end: Timestamp) {
        while self.handled.first().is_some_and(|(seen_at, _)| *seen_at < end) {
            if let Some((_, id)) = self.handled.pop_first() {
                self.known.remove(&id);
            }
        }
    }
}
