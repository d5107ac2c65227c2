//! The history of deliveries, and the calls that repeat or cancel them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::{CancelReason, Gate};
use crate::error::StoreError;
use crate::event::Event;
use crate::history::{
    AttemptLog, ClosedGate, DeliveryPage, DeliveryQuery, LaneStatus, PageAfter, Replay, Replayed, Selection,
    Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::time::Timestamp;

/// Reads the history and changes deliveries. Every call about deliveries names the tenant.
#[async_trait]
pub trait History: Send + Sync {
    /// Looks up one event.
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError>;

    /// A page of deliveries, in the order of their ids. That is the order in which their
    /// events were created, to the millisecond.
    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError>;

    /// The attempts and silent leases of one delivery; `None` if the tenant has no such
    /// delivery.
    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError>;

    /// Creates new deliveries for one page of the selected deliveries: one per pair of event
    /// and endpoint, in the round that the replay's id names. Repeating the call adds nothing.
    /// If the endpoint no longer exists, the new delivery is cancelled when it is claimed.
    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError>;

    /// Makes one page of the selected pending deliveries due now, and ends the engine's hold
    /// on their lanes, but never a pause. Clocks are not changed. Deliveries that wait for an
    /// earlier event of their ordering key still wait for it.
    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError>;

    /// Cancels one page of the selected pending deliveries. Those that are leased are
    /// cancelled too, except with [`CancelReason::EndpointRemoved`]: then the answer to the
    /// request settles them. If they would be tried again, or if there is no answer, they are
    /// cancelled then, so that an endpoint registered later under the same id never gets them.
    /// Deliveries that cannot be read are cancelled too.
    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError>;

    /// Counts events and deliveries, of one tenant or of all. It may count in steps, so rows
    /// that are written meanwhile may or may not be counted.
    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError>;

    /// What holds back an endpoint's deliveries at that time. `None` if the tenant has no
    /// endpoint with that id here, and no lane of one that was removed or that is in a host's
    /// own directory. Another tenant's endpoint counts as not found.
    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<LaneStatus>, StoreError>;

    /// The tenants and hosts that are held back at that time: first tenants, then hosts, each
    /// in the order of their names; at most `limit`, beginning after the given gate. It is
    /// meant for the operator of all tenants.
    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError>;
}
