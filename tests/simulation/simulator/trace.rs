//! What happened, in order, as far as it can be seen from outside the engines.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use hookpost::delivery::{Settled, State};
use hookpost::id::{DeliveryId, EndpointId, EventId, OrderingKey, TenantId, Token};
use hookpost::time::Timestamp;

use super::failpoints::Point;
use super::world::Parcel;

/// An append-only list. The same seed gives the same list.
pub(super) struct Trace {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
}

/// Something happened.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// So long after the world began, on the one true clock.
    pub(crate) at: Duration,
    /// To which machine, or by whom.
    pub(crate) actor: String,
    /// What.
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "some fields are read by the printed trace alone")]
pub(crate) enum What {
    /// The store took an event.
    Stored {
        /// Whose.
        tenant: TenantId,
        /// Which.
        event: EventId,
        /// In which order.
        order: Option<OrderingKey>,
    },
    /// The store leased a delivery.
    Leased {
        /// Which.
        delivery: DeliveryId,
        /// Of which event.
        event: EventId,
        /// Where to.
        endpoint: EndpointId,
        /// Under which token.
        token: Token,
        /// When, by the claim; in the time that the world began in, like `until`.
        now: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// The store was told what came of a lease.
    Settled {
        /// Of which delivery.
        delivery: DeliveryId,
        /// Under which token.
        token: Token,
        /// How it ended, if it did.
        ends: Option<State>,
        /// Whether the attempt was a success.
        success: bool,
        /// What the store made of it.
        answer: Settled,
    },
    /// A publisher was told that its event is stored.
    Accepted {
        /// What it published.
        parcel: Parcel,
        /// Which event it was told.
        event: EventId,
    },
    /// A publisher was told that its key stands for another content.
    Refused {
        /// What it published.
        parcel: Parcel,
    },
    /// A publisher gave up without an answer: its event is stored or not.
    Unanswered {
        /// What it published.
        parcel: Parcel,
    },
    /// Somebody asks for a command.
    Asked(Command, EndpointId),
    /// It was answered: it holds from here on, at the latest.
    Done(Command, EndpointId),
    /// Nobody knows whether it holds.
    Doubtful(Command, EndpointId),
    /// A process began.
    Started,
    /// It was asked to die there.
    Armed(Point),
    /// It died.
    Crashed,
    /// It stands still for so long.
    Frozen(Duration),
    /// The store's clock was set ahead by so many seconds, or back.
    Jumped(i64),
    /// Some endpoints cannot be read from here on.
    Damaged,
    /// All faults are over.
    Healed,
    /// So long something could be claimed, and every engine had room and did nothing.
    Overlooked(Duration),
    /// Nothing is pending any more.
    Drained,
}

/// What is asked about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    /// Hold its deliveries back.
    Pause,
    /// Go on.
    Resume,
    /// Switch it off.
    Disable,
    /// Switch it on.
    Enable,
    /// Take it away.
    Remove,
    /// Send everything again.
    Replay,
    /// Try everything now.
    Expedite,
    /// Take back what is pending.
    Cancel,
}

impl Trace {
    /// An empty one, that begins now.
    #[must_use]
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), entries: Mutex::new(Vec::new()) }
    }

    /// Writes something down.
    pub(super) fn note(&self, actor: &str, what: What) {
        let entry = Entry { at: self.start.elapsed(), actor: actor.to_owned(), what };
        self.held().push(entry);
    }

    /// Everything so far.
    #[must_use]
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.6} {:8} {:?}", self.at.as_secs_f64(), self.actor, self.what)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held().iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("entries", &self.held().len()).finish_non_exhaustive()
    }
}
