//! The host's parts behind the guard. If the host's code panics, a guarded part returns an error
//! or a fallback value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::backend::{Clock, Directory, Entropy, EntropyError, History, Limiter, Registry, Store};
use crate::delivery::{
    CancelReason, ClaimRequest, Claims, EventMeta, Gate, GateChange, Publish, PublishAnswer, Settled,
    Settlement,
};
use crate::endpoint::{Endpoint, EndpointPage, Loaded, Put, Write};
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::history::{
    AttemptLog, Class, ClosedGate, DeliveryPage, DeliveryQuery, LaneStatus, PageAfter, Replay, Replayed,
    Selection, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::notice::Part;
use crate::policy::lane::LaneChange;
use crate::policy::outcome::{BodyNeed, Classify, Hold, Response, Verdict};
use crate::policy::rate::{Ask, Grant};
use crate::policy::timeline::Uptime;
use crate::profile::Profile;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::guard::{Guard, within};

/// A part behind the guard.
pub(crate) struct Guarded<P: ?Sized> {
    inner: Arc<P>,
    guard: Arc<Guard>,
    /// The time limit of a call, if there is one.
    limit: Option<Duration>,
}

impl<P: ?Sized> Guarded<P> {
    pub(crate) const fn new(inner: Arc<P>, guard: Arc<Guard>) -> Self {
        Self { inner, guard, limit: None }
    }

    /// Limits the time of each call. A call that takes longer is dropped.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Makes one call. It may have had its effect even if it panics or exceeds the time limit.
    async fn ask<'a, T>(
        &'a self,
        part: Part,
        call: impl FnOnce() -> BoxFuture<'a, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let answer = self.guard.wait(part, call);
        let answer = match self.limit {
            Some(limit) => within(limit, answer).await,
            None => Some(answer.await),
        };
        match answer {
            Some(Ok(answer)) => answer,
            Some(Err(panicked)) => {
                let what = format!("{part}: the call may or may not have had its effect");
                Err(StoreError::new(StoreErrorKind::InDoubt, what).with_source(panicked))
            }
            None => {
                let what = format!("{part}: gave no answer in time");
                Err(StoreError::new(StoreErrorKind::InDoubt, what))
            }
        }
    }
}

/// The host's clock. While it panics, time continues from where the clock was when this was built.
pub(crate) struct GuardedClock {
    inner: Arc<dyn Clock>,
    guard: Arc<Guard>,
    now: Timestamp,
    elapsed: Duration,
    built: Instant,
}

impl GuardedClock {
    pub(crate) fn new(inner: Arc<dyn Clock>, guard: Arc<Guard>) -> Self {
        let now = guard.call(Part::Clock, || inner.now()).unwrap_or(Timestamp::EPOCH);
        let elapsed = guard.call(Part::Clock, || inner.elapsed()).unwrap_or_default();
        Self { inner, guard, now, elapsed, built: Instant::now() }
    }
}

impl Clock for GuardedClock {
    fn now(&self) -> Timestamp {
        let now = self.guard.call_untimed(Part::Clock, || self.inner.now());
        now.unwrap_or_else(|_| self.now + self.built.elapsed())
    }

    fn elapsed(&self) -> Duration {
        let elapsed = self.guard.call_untimed(Part::Clock, || self.inner.elapsed());
        elapsed.unwrap_or_else(|_| self.elapsed + self.built.elapsed())
    }

    fn uptime(&self) -> Option<Uptime> {
        self.guard.call_untimed(Part::Clock, || self.inner.uptime()).ok().flatten()
    }
}

impl Entropy for Guarded<dyn Entropy> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.guard.call(Part::Entropy, || self.inner.fill(buffer)).unwrap_or(Err(EntropyError))
    }
}

/// A classifier. If it panics, the attempt counts as failed.
struct GuardedClassifier {
    inner: Arc<dyn Classify>,
    guard: Arc<Guard>,
}

/// Puts the profile's classifier behind the guard.
pub(crate) fn guarded_profile(profile: Profile, guard: &Arc<Guard>) -> Profile {
    let classifier = GuardedClassifier { inner: profile.classifier, guard: Arc::clone(guard) };
    Profile { classifier: Arc::new(classifier), ..profile }
}

impl fmt::Debug for GuardedClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Classify for GuardedClassifier {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let verdict = self.guard.call(Part::Classifier, || self.inner.classify(response, now));
        verdict.unwrap_or(Verdict::Retry { after: None })
    }

    fn body_need(&self) -> BodyNeed {
        self.guard.call(Part::Classifier, || self.inner.body_need()).unwrap_or(BodyNeed::None)
    }

    fn hold(&self, response: &Response, now: Timestamp) -> Option<Hold> {
        self.guard.call(Part::Classifier, || self.inner.hold(response, now)).ok().flatten()
    }
}

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
            // Another call would panic again, immediately and endlessly.
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
    ) -> Result<Option<LaneStatus>, StoreError> {
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
