//! What happened, and how it is asked to happen again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::{CancelReason, Gate};
use crate::error::StoreError;
use crate::event::Event;
use crate::history::{
    AttemptLog, ClosedGate, DeliveryPage, DeliveryQuery, PageAfter, Queue, Replay, Replayed, Selection, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::time::Timestamp;

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
    /// registered under the same id meanwhile never gets it. What cannot be read is cancelled
    /// like what can.
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
