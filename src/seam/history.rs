//! What happened, and how it is asked to happen again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::{
    CancelReason, Delivery, FailReason, Gate, RecordedAttempt, SilentLease, UnreadableRow,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::{ClosedGate, Queue};

/// Reads and repeats. Every call that tells of deliveries names the tenant.
#[async_trait]
pub trait History: Send + Sync {
    /// One event.
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError>;

    /// A page of deliveries, in the order of their ids, which is that of their
    /// events' creation to the millisecond.
    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError>;

    /// What is recorded of one delivery; `None` if the tenant has no such one.
    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError>;

    /// Makes new deliveries, in the round named by the replay's id, for a page of the
    /// selected ones' (event, endpoint) pairs. Asking again adds nothing. Where the
    /// endpoint is gone, the new delivery is cancelled when it is claimed.
    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError>;

    /// Makes a page of the selected pending deliveries due now and lifts the engine's
    /// hold from their lanes, never a pause. Clocks are unchanged; parked followers
    /// of an ordering key stay parked.
    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError>;

    /// Cancels a page of the selected pending deliveries. What is leased is cancelled too,
    /// but not with [`CancelReason::EndpointRemoved`]: its answer settles it. Where that is
    /// to be tried again, or no answer comes, it is cancelled then: an endpoint that was
    /// registered under the same id meanwhile never gets it. What cannot be read is cancelled like what can.
    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError>;

    /// Counts, of one tenant or of all. It may count in steps, and what is written
    /// meanwhile is counted or not.
    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError>;

    /// What holds an endpoint's deliveries back at that moment. `None` where the tenant
    /// has neither an endpoint of that id here nor a lane that one left behind, or that
    /// a host's own directory made: another tenant's is not found, never forbidden.
    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<Queue>, StoreError>;

    /// The tenants and hosts that are held back at that moment: tenants first, then hosts,
    /// each by name; at most `limit`, after that gate. This is for the operator of all
    /// tenants.
    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError>;
}

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
    /// [`cancel`](History::cancel) ends them too.
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
