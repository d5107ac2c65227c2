//! The traits of a backend, each call behind the guard.

use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Directory, History, Limiter, Registry, Store};
use crate::delivery::{
    CancelReason, ClaimRequest, Claims, EventMeta, Gate, GateChange, Publish, PublishAnswer, Settled,
    Settlement,
};
use crate::endpoint::{Endpoint, EndpointPage, Loaded, Put, Write};
use crate::error::StoreError;
use crate::event::Event;
use crate::history::{
    AttemptLog, Class, ClosedGate, DeliveryPage, DeliveryQuery, PageAfter, Queue, Replay, Replayed,
    Selection, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::notice::Part;
use crate::policy::lane::LaneChange;
use crate::policy::rate::{Ask, Grant};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::Guarded;

#[async_trait]
impl<P: Store + ?Sized> Store for Guarded<P> {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.ask(Part::Store, || self.inner.now()).await
    }

    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(Part::Store, || self.inner.unconfirmed()).await
    }

    fn payload_max(&self) -> Option<usize> {
        self.guard.call(Part::Store, || self.inner.payload_max()).ok().flatten()
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        self.ask(Part::Store, || self.inner.publish(publishes, claim, now)).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        self.ask(Part::Store, || self.inner.claim(request)).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        self.ask(Part::Store, || self.inner.settle(settlements, lanes, now)).await
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        self.ask(Part::Store, || self.inner.gate(changes, now)).await
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        self.ask(Part::Store, || self.inner.prune(before, limit)).await
    }

    async fn hint(&self) {
        let hint = self.guard.wait(Part::Store, || self.inner.hint());
        if hint.await.is_err() {
            // Another call would panic again, at once and without end.
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl<P: Directory + ?Sized> Directory for Guarded<P> {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.ask(Part::Directory, || self.inner.subscribers(event, after, limit)).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        self.ask(Part::Directory, || self.inner.load(ids)).await
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.ask(Part::Directory, || self.inner.disable(seen, why)).await
    }
}

#[async_trait]
impl<P: Registry + ?Sized> Registry for Guarded<P> {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        self.ask(Part::Registry, || self.inner.put(write)).await
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError> {
        self.ask(Part::Registry, || self.inner.remove(tenant, id)).await
    }

    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        self.ask(Part::Registry, || self.inner.switch_off(tenant, id)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.ask(Part::Registry, || self.inner.list(tenant, after, limit)).await
    }
}

#[async_trait]
impl<P: History + ?Sized> History for Guarded<P> {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.ask(Part::History, || self.inner.event(tenant, id)).await
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        self.ask(Part::History, || self.inner.deliveries(query, page)).await
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        self.ask(Part::History, || self.inner.attempts(tenant, id)).await
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        self.ask(Part::History, || self.inner.replay(replay, page)).await
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        self.ask(Part::History, || self.inner.expedite(tenant, selection, now, page)).await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        self.ask(Part::History, || self.inner.cancel(tenant, selection, reason, now, page)).await
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.ask(Part::History, || self.inner.stats(tenant)).await
    }

    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<Queue>, StoreError> {
        self.ask(Part::History, || self.inner.queue(tenant, endpoint, now)).await
    }

    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError> {
        self.ask(Part::History, || self.inner.gates(now, after, limit)).await
    }
}

#[async_trait]
impl<P: Limiter + ?Sized> Limiter for Guarded<P> {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        self.ask(Part::Limiter, || self.inner.take(asks, now, start_by)).await
    }
}
