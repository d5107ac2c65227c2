//! What is asked of the history, and what it answers: deliveries by page, attempts, replays,
//! counts, and why an endpoint gets nothing.

mod queue;

use crate::delivery::{CancelReason, Delivery, FailReason, RecordedAttempt, SilentLease, UnreadableRow};
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

pub use queue::{ClosedGate, Disabled, GatesOver, Hold, Queue};

/// Which deliveries are asked for. Conditions add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub selection: Selection,
}

/// Which deliveries of a tenant. Conditions add up; none means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these.
    pub ids: Option<Vec<DeliveryId>>,
    /// Only of this event.
    pub event: Option<EventId>,
    /// Only to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only in this state.
    pub state: Option<StateFilter>,
    /// Only of events created at or after.
    pub since: Option<Timestamp>,
    /// Only of events created before.
    pub until: Option<Timestamp>,
    /// Only deliveries that came before this place in the store's order. The place of a
    /// delivery is that of its event, or of the replay that made it. The call that changes
    /// deliveries compares the places itself, so that it leaves alone what is published
    /// meanwhile.
    pub born_before: Option<Sequence>,
}

/// A state, or all of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFilter {
    /// Not terminal.
    Pending,
    /// Delivered, confirmed or not.
    Delivered,
    /// Failed, for any reason or for this one.
    Failed(Option<FailReason>),
    /// Cancelled, for any reason or for this one.
    Cancelled(Option<CancelReason>),
}

/// A page: so many after that id. The answer's `more_after` is the next one's `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageAfter {
    /// The last delivery of the page before.
    pub after: Option<DeliveryId>,
    /// How many it may hold; 0 counts as 1. A page may hold fewer, even none, and not be
    /// the last: a store looks at a bounded number of deliveries for a page, whatever its
    /// limit, so that no tenant's page delays others. It looks past those that are not
    /// selected, at 1,000 where it finds fewer than the limit. SQLite writes for 100 at most.
    pub limit: usize,
}

impl PageAfter {
    /// The first page.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }
}

/// A page of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// The selected deliveries of the same stretch of ids that cannot be read.
    /// [`cancel`](crate::backend::History::cancel) ends them too.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the next page begins; `None` when this was the last.
    pub more_after: Option<DeliveryId>,
}

/// What is recorded of one delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptLog {
    /// Its attempts, numbered from 1.
    pub attempts: Vec<RecordedAttempt>,
    /// Its leases that ended without a word.
    pub silent: Vec<SilentLease>,
    /// What was recorded of it and cannot be read.
    pub unreadable: Vec<UnreadableRow>,
}

/// A replay that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its name: the round of its deliveries.
    pub id: ReplayId,
    /// Whose deliveries.
    pub tenant: TenantId,
    /// Which.
    pub selection: Selection,
    /// When the new deliveries are due.
    pub due_at: Timestamp,
    /// When it was asked for: the new deliveries' birth.
    pub now: Timestamp,
}

/// How far a page of a replay, an expedite or a cancel went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The deliveries made or changed.
    pub deliveries: Vec<DeliveryId>,
    /// Where the next page begins; `None` when this was the last.
    pub more_after: Option<DeliveryId>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that wait for their routing.
    pub unrouted: u64,
    /// Deliveries that are not terminal.
    pub pending: u64,
    /// Delivered ones.
    pub delivered: u64,
    /// Failed ones.
    pub failed: u64,
    /// Cancelled ones.
    pub cancelled: u64,
    /// The earliest due time among pending deliveries.
    pub oldest_due: Option<Timestamp>,
}

/// What retention distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Delivered deliveries.
    Delivered,
    /// Failed deliveries.
    Failed,
    /// Cancelled deliveries.
    Cancelled,
    /// Events that no endpoint wanted.
    Unmatched,
}
