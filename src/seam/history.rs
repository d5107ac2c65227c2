//! What happened, and how it is asked to happen again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::{CancelReason, Delivery, FailReason, Gate, RecordedAttempt, SilentLease};
use crate::error::StoreError;
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId};
use crate::policy::lane::Lane;
use crate::time::Timestamp;

/// Reads and repeats. Every call names the tenant.
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

    /// Cancels a page of the selected pending deliveries.
    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError>;

    /// Counts, of one tenant or of all.
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
    /// the last: it ends early where the store has looked at many that do not fit.
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

/// What holds one endpoint's deliveries back, if anything does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// Who switched the endpoint off; `None` while it is on, and where only a host's own
    /// directory knows.
    pub disabled: Option<Disabled>,
    /// The operator paused it. Only a resume ends that.
    pub paused: bool,
    /// The operator paused all of its tenant's.
    pub tenant_paused: bool,
    /// Of the engine's holds that are in force, the one that ends last.
    pub held: Option<Hold>,
    /// Since when every answer has been a failure.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub streak: u32,
    /// How many requests may be under way at once, now.
    pub width: u32,
    /// The earliest due time among its pending deliveries, or the end of the lease of one
    /// that is under way; `None` when nothing waits.
    pub oldest_due: Option<Timestamp>,
}

/// Who switched an endpoint off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disabled {
    /// The host, by a call.
    ByHost,
    /// The engine, after what the endpoint answered.
    ByEngine {
        /// The reason, as a sentence.
        why: String,
    },
}

/// A hold of the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whether it holds the endpoint's lane, all of its tenant's or all to its host.
    pub gate: Gate,
    /// Nothing is sent before.
    pub until: Timestamp,
}

/// The gates over a lane: what they hold back, they hold back from others too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GatesOver {
    /// The operator paused the tenant.
    pub tenant_paused: bool,
    /// The end of the tenant's hold.
    pub tenant_held_until: Option<Timestamp>,
    /// The end of the host's hold.
    pub host_held_until: Option<Timestamp>,
}

impl Queue {
    /// What follows from a lane and the gates over it. Who disabled the endpoint and what
    /// is due first, the store adds.
    #[must_use]
    pub fn of(lane: &Lane, over: GatesOver, now: Timestamp) -> Self {
        // Of holds that end together the narrowest is told: the last of them.
        let holds = [
            (Gate::Host(lane.host.clone()), over.host_held_until),
            (Gate::Tenant(lane.tenant.clone()), over.tenant_held_until),
            (Gate::Lane(lane.endpoint.clone()), lane.held_until),
        ];
        let in_force = holds.into_iter().filter_map(|(gate, until)| Some(Hold { gate, until: until? }));
        Self {
            disabled: None,
            paused: lane.paused,
            tenant_paused: over.tenant_paused,
            held: in_force.filter(|hold| hold.until > now).max_by_key(|hold| hold.until),
            failing_since: lane.failing_since,
            streak: lane.streak,
            width: lane.width,
            oldest_due: None,
        }
    }
}
