//! Queries and results of the history: pages of deliveries, attempts, replays, counts, and why
//! an endpoint gets nothing.

mod lane_status;

use serde::Serialize;

use crate::delivery::{CancelReason, Delivery, FailReason, RecordedAttempt, SilentLease, UnreadableRow};
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

pub use lane_status::{ClosedGate, Disabled, GatesOver, LaneHold, LaneStatus};

/// A query for deliveries of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// The tenant of the deliveries.
    pub tenant: TenantId,
    /// The deliveries of the tenant to return.
    pub selection: Selection,
}

/// Selects deliveries of a tenant. A delivery must meet all conditions that are set; with none
/// set, all are selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Selects only the deliveries with these ids.
    pub ids: Option<Vec<DeliveryId>>,
    /// Selects only deliveries of this event.
    pub event: Option<EventId>,
    /// Selects only deliveries to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Selects only deliveries in this state.
    pub state: Option<StateFilter>,
    /// Selects only deliveries of events created at this time or later.
    pub since: Option<Timestamp>,
    /// Selects only deliveries of events created before this time.
    pub until: Option<Timestamp>,
    /// Selects only deliveries before this place in the store's order. The place of a delivery
    /// is that of its event, or of the replay that created it. A call that changes deliveries
    /// compares the places itself, so it leaves out what is published meanwhile.
    pub born_before: Option<Sequence>,
}

/// A state, or all states of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFilter {
    /// Pending: not terminal.
    Pending,
    /// Delivered, confirmed or not.
    Delivered,
    /// Failed, for any reason or for this one.
    Failed(Option<FailReason>),
    /// Cancelled, for any reason or for this one.
    Cancelled(Option<CancelReason>),
}

/// Where a page begins and how long it is. The next page's `after` is this answer's
/// `more_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageAfter {
    /// The last delivery of the previous page; `None` for the first page.
    pub after: Option<DeliveryId>,
    /// The most deliveries of the page; 0 counts as 1. A page may hold fewer, even none, and
    /// still not be the last one: a store looks at a bounded number of deliveries per page,
    /// whatever its limit, so that no tenant's page delays others. If it finds fewer than the
    /// limit, it skips at most 1,000 deliveries that are not selected. SQLite changes at most
    /// 100 per page.
    pub limit: usize,
}

impl PageAfter {
    /// The first page, of at most `limit` deliveries.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }
}

/// A page of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryPage {
    /// The selected deliveries that could be read.
    pub deliveries: Vec<Delivery>,
    /// The selected deliveries in the same range of ids that cannot be read.
    /// [`cancel`](crate::backend::History::cancel) cancels them too.
    pub unreadable: Vec<UnreadableRow>,
    /// The delivery after which the next page begins; `None` on the last page.
    pub more_after: Option<DeliveryId>,
}

/// The attempts and silent leases of one delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AttemptLog {
    /// Its attempts, numbered from 1.
    pub attempts: Vec<RecordedAttempt>,
    /// Its leases that expired before anything was settled.
    pub silent: Vec<SilentLease>,
    /// Records of it that cannot be read.
    pub unreadable: Vec<UnreadableRow>,
}

/// A request to deliver again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The id of the replay, which names the round of its deliveries.
    pub id: ReplayId,
    /// The tenant of the deliveries.
    pub tenant: TenantId,
    /// The deliveries to send again.
    pub selection: Selection,
    /// When the new deliveries are due.
    pub due_at: Timestamp,
    /// When the replay was requested. The age of the new deliveries counts from here.
    pub now: Timestamp,
}

/// The result of one page of a replay, an expedite or a cancel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The deliveries that were created or changed.
    pub deliveries: Vec<DeliveryId>,
    /// The delivery after which the next page begins; `None` on the last page.
    pub more_after: Option<DeliveryId>,
}

/// The numbers of events and deliveries by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The number of events that wait for their routing.
    pub unrouted: u64,
    /// The number of deliveries that are not terminal.
    pub pending: u64,
    /// The number of delivered deliveries.
    pub delivered: u64,
    /// The number of failed deliveries.
    pub failed: u64,
    /// The number of cancelled deliveries.
    pub cancelled: u64,
    /// The earliest due time among pending deliveries; `None` if there are none.
    pub oldest_due: Option<Timestamp>,
}

/// The kinds of rows for which retention can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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
