//! A store in front of another store: every call passes through one value, before and after.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Backend, Directory, History, Limiter, Registry, Store};
use crate::delivery::{
    CancelReason, ClaimRequest, Claims, EventMeta, Gate, GateChange, Publish, PublishAnswer, Settled,
    Settlement,
};
use crate::endpoint::{Endpoint, EndpointPage, Loaded, Put, Write};
use crate::error::StoreError;
use crate::event::Event;
use crate::history::{
    AttemptLog, Class, ClosedGate, DeliveryPage, DeliveryQuery, LaneStatus, PageAfter, Replay, Replayed,
    Selection, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::policy::lane::LaneChange;
use crate::policy::rate::{Ask, Grant};
use crate::sequence::Sequence;
use crate::time::Timestamp;

/// One call of a backend, with the arguments that a test may need.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Call<'a> {
    /// [`Store::now`].
    Now,
    /// [`Store::publish`].
    Publish(&'a [Publish], Option<&'a ClaimRequest>),
    /// [`Store::claim`].
    Claim(&'a ClaimRequest),
    /// [`Store::settle`].
    Settle(&'a [Settlement], &'a [LaneChange]),
    /// [`Store::gate`].
    Gate(&'a [(Gate, GateChange)]),
    /// [`Store::prune`].
    Prune,
    /// [`Directory::disable`].
    Disable(&'a EndpointId),
    /// [`Registry::put`].
    Put(&'a Write),
    /// [`Registry::remove`].
    Remove(&'a EndpointId),
    /// [`Registry::switch_off`].
    SwitchOff(&'a EndpointId),
    /// [`History::replay`].
    Replay(&'a Replay),
    /// [`History::expedite`].
    Expedite(&'a Selection),
    /// [`History::cancel`].
    Cancel(&'a Selection),
    /// [`Limiter::take`].
    Take(&'a [Ask]),
    /// Anything that only reads.
    Read,
}

impl Call<'_> {
    /// Whether the call writes something.
    #[must_use]
    pub const fn writes(&self) -> bool {
        !matches!(self, Self::Now | Self::Read)
    }
}

/// The effect of a call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Effect<'a> {
    /// The answers to a publish, and what it claimed.
    Published(&'a [PublishAnswer], &'a Claims),
    /// What was claimed.
    Claimed(&'a Claims),
    /// The results of settlements.
    Settled(&'a [Settled]),
    /// Any other effect.
    Other,
}

/// Is called before and after each call of a store.
#[async_trait]
pub trait Interpose: Send + Sync {
    /// Called before a call; an error prevents the call.
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError>;

    /// Called after a call that succeeded; an error hides the success from the caller.
    async fn after(&self, call: Call<'_>, effect: Effect<'_>) -> Result<(), StoreError>;
}

#[async_trait]
impl<I: Interpose + ?Sized> Interpose for Arc<I> {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        (**self).before(call).await
    }

    async fn after(&self, call: Call<'_>, effect: Effect<'_>) -> Result<(), StoreError> {
        (**self).after(call, effect).await
    }
}

/// A backend with a value of `I` in front of it.
#[derive(Debug)]
pub struct Interposed<B: ?Sized, I> {
    between: I,
    inner: Arc<B>,
}

impl<B: Backend + ?Sized, I: Interpose> Interposed<B, I> {
    /// Puts `between` in front of `inner`. `inner` can still be used directly.
    #[must_use]
    pub const fn new(inner: Arc<B>, between: I) -> Self {
        Self { between, inner }
    }

    /// The value in front of the store.
    #[must_use]
    pub const fn between(&self) -> &I {
        &self.between
    }

    async fn pass<T>(
        &self,
        call: Call<'_>,
        inner: impl Future<Output = Result<T, StoreError>> + Send,
        effect: impl FnOnce(&T) -> Effect<'_> + Send,
    ) -> Result<T, StoreError>
    where
        T: Send + Sync,
    {
        self.between.before(call).await?;
        let value = inner.await?;
        self.between.after(call, effect(&value)).await?;
        Ok(value)
    }

    async fn read<T: Send + Sync>(
        &self,
        inner: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.pass(Call::Read, inner, |_| Effect::Other).await
    }
}

#[async_trait]
impl<B: Backend + ?Sized, I: Interpose> Store for Interposed<B, I> {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.pass(Call::Now, self.inner.now(), |_| Effect::Other).await
    }

    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.unconfirmed().await
    }

    fn payload_max(&self) -> Option<usize> {
        self.inner.payload_max()
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let inner = self.inner.publish(publishes, claim, now);
        self.pass(Call::Publish(publishes, claim), inner, |(answers, claims)| {
            Effect::Published(answers, claims)
        })
        .await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        self.pass(Call::Claim(request), self.inner.claim(request), |claims| Effect::Claimed(claims)).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        let inner = self.inner.settle(settlements, lanes, now);
        self.pass(Call::Settle(settlements, lanes), inner, |(settled, _)| Effect::Settled(settled)).await
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        self.pass(Call::Gate(changes), self.inner.gate(changes, now), |()| Effect::Other).await
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        self.pass(Call::Prune, self.inner.prune(before, limit), |_| Effect::Other).await
    }

    async fn hint(&self) {
        self.inner.hint().await;
    }
}

#[async_trait]
impl<B: Backend + ?Sized, I: Interpose> Directory for Interposed<B, I> {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.read(self.inner.subscribers(event, after, limit)).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        self.read(self.inner.load(ids)).await
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        let inner = self.inner.disable(seen, why);
        self.pass(Call::Disable(&seen.id), inner, |_| Effect::Other).await
    }
}

#[async_trait]
impl<B: Backend + ?Sized, I: Interpose> Registry for Interposed<B, I> {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        self.pass(Call::Put(write), self.inner.put(write), |_| Effect::Other).await
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError> {
        self.pass(Call::Remove(id), self.inner.remove(tenant, id), |_| Effect::Other).await
    }

    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        self.pass(Call::SwitchOff(id), self.inner.switch_off(tenant, id), |_| Effect::Other).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.read(self.inner.list(tenant, after, limit)).await
    }
}

#[async_trait]
impl<B: Backend + ?Sized, I: Interpose> History for Interposed<B, I> {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.read(self.inner.event(tenant, id)).await
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        self.read(self.inner.deliveries(query, page)).await
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        self.read(self.inner.attempts(tenant, id)).await
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        self.pass(Call::Replay(replay), self.inner.replay(replay, page), |_| Effect::Other).await
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let inner = self.inner.expedite(tenant, selection, now, page);
        self.pass(Call::Expedite(selection), inner, |_| Effect::Other).await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let inner = self.inner.cancel(tenant, selection, reason, now, page);
        self.pass(Call::Cancel(selection), inner, |_| Effect::Other).await
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.read(self.inner.stats(tenant)).await
    }

    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<LaneStatus>, StoreError> {
        self.read(self.inner.queue(tenant, endpoint, now)).await
    }

    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError> {
        self.read(self.inner.gates(now, after, limit)).await
    }
}

#[async_trait]
impl<B: Backend + ?Sized, I: Interpose> Limiter for Interposed<B, I> {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        self.pass(Call::Take(asks), self.inner.take(asks, now, start_by), |_| Effect::Other).await
    }
}
