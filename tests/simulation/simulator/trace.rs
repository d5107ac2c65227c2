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

/// An entry of the trace.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The time since the world began, by the correct clock.
    pub(crate) at: Duration,
    /// The machine or person that did it, or that it happened to.
    pub(crate) actor: String,
    /// What happened.
    pub(crate) what: What,
}

/// A kind of entry in the trace.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "some fields are read by the printed trace alone")]
pub(crate) enum What {
    /// The store accepted an event.
    Stored {
        /// The tenant of the event.
        tenant: TenantId,
        /// The id of the event.
        event: EventId,
        /// The ordering key of the event, if it has one.
        order: Option<OrderingKey>,
    },
    /// The store leased a delivery.
    Leased {
        /// The id of the delivery.
        delivery: DeliveryId,
        /// The event of the delivery.
        event: EventId,
        /// The endpoint of the delivery.
        endpoint: EndpointId,
        /// The token of the lease.
        token: Token,
        /// The time of the claim, like `until` in the time that the world began in.
        now: Timestamp,
        /// The end of the lease.
        until: Timestamp,
    },
    /// A lease was settled.
    Settled {
        /// The delivery that was settled.
        delivery: DeliveryId,
        /// The token of the lease.
        token: Token,
        /// The terminal state, if the delivery ended.
        ends: Option<State>,
        /// Whether the attempt was a success.
        success: bool,
        /// The store's answer to the settlement.
        answer: Settled,
    },
    /// A publisher was told that its event is stored.
    Accepted {
        /// What was published.
        parcel: Parcel,
        /// The id that the publisher got.
        event: EventId,
    },
    /// A publisher was told that its key was already used for other content.
    Refused {
        /// What was published.
        parcel: Parcel,
    },
    /// A publisher gave up without an answer: its event may or may not be stored.
    Unanswered {
        /// What was published.
        parcel: Parcel,
    },
    /// A command for an endpoint was requested.
    Asked(Command, EndpointId),
    /// The command was answered: it is in force from here on, at the latest.
    Done(Command, EndpointId),
    /// It is not known whether the command is in force.
    Doubtful(Command, EndpointId),
    /// A process started.
    Started,
    /// A process was told to crash at this point.
    Armed(Point),
    /// A process crashed.
    Crashed,
    /// A process was frozen for this long.
    Frozen(Duration),
    /// The store's clock was moved by this many seconds, ahead or back.
    Jumped(i64),
    /// Some endpoints cannot be read from here on.
    Damaged,
    /// All faults were healed.
    Healed,
    /// For this long something could be claimed, and every engine had room and did nothing.
    Overlooked(Duration),
    /// Nothing is pending any more.
    Drained,
}

/// A command for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    /// Pause the endpoint.
    Pause,
    /// Resume the endpoint.
    Resume,
    /// Disable the endpoint.
    Disable,
    /// Enable the endpoint.
    Enable,
    /// Remove the endpoint.
    Remove,
    /// Replay all its deliveries.
    Replay,
    /// Expedite all its pending deliveries.
    Expedite,
    /// Cancel all its pending deliveries.
    Cancel,
}

impl Trace {
    /// An empty trace that begins now.
    #[must_use]
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), entries: Mutex::new(Vec::new()) }
    }

    /// Adds an entry.
    pub(super) fn note(&self, actor: &str, what: What) {
        let entry = Entry { at: self.start.elapsed(), actor: actor.to_owned(), what };
        self.held().push(entry);
    }

    /// All entries so far.
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
