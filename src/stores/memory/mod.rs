//! The memory store, which is also an executable specification of the five traits of a
//! backend.
//!
//! Nothing survives its process. What each call does is a plain function over the tables in
//! `state`, with one file per call; this file only locks and calls.

mod by_delivery;
mod claim;
mod deliveries;
mod directory;
mod due;
mod events;
mod gates;
mod history;
mod lanes;
mod prune;
mod publish;
mod queue;
mod settle;
mod starts;
mod state;
mod timeline;
mod unrouted;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::backend::{Clock, Directory, History, IntoShared, Limiter, Registry, Store};
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
use crate::policy::lane::LaneChange;
use crate::policy::rate::{Ask, Grant};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use state::State;
use timeline::Clocks;

/// The default capacity of a store, in deliveries.
pub const CAPACITY: usize = 1_000_000;

/// A backend in this process's memory.
///
/// It fulfils the whole contract of [`Store`], except that nothing survives a crash. Its
/// capacity counts deliveries of every state, and events without one.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store for up to [`CAPACITY`] deliveries.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(crate::os::SystemClock::new())
    }

    /// The same with other clocks than this machine's. They advance the store's time: see
    /// [`timeline`](crate::policy::timeline).
    #[must_use]
    pub fn with_clock<How>(clock: impl IntoShared<dyn Clock, How>) -> Self {
        Self::with_capacity(clock, CAPACITY)
    }

    /// An empty store that returns `Full` for a publish rather than hold more than
    /// `deliveries` deliveries. A routing is never refused, so it may exceed the limit.
    #[must_use]
    pub fn with_capacity<How>(clock: impl IntoShared<dyn Clock, How>, deliveries: usize) -> Self {
        Self { clock: clock.into_shared(), state: Arc::new(Mutex::new(State::new(deliveries))) }
    }

    /// The same store as another process of the machine would see it, for tests in which the wall
    /// clock of one process is wrong. The monotonic parts of both clocks must agree, as those of a
    /// [`VirtualClock`](crate::testing::VirtualClock) and of one created beside it do.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn beside<How>(&self, clock: impl IntoShared<dyn Clock, How>) -> Self {
        Self { clock: clock.into_shared(), state: Arc::clone(&self.state) }
    }

    /// Whether a claim would return work now. This call changes nothing, so a test can use it to check
    /// whether an engine may sleep. `false` if the store has failed.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn could_claim(&self, request: &ClaimRequest) -> bool {
        self.state().is_ok_and(|state| state.could_claim(request))
    }

    /// The store's time at the moment at which the monotonic part of its clocks was zero. It
    /// changes whenever the store's time is moved. `None` before the clock was first read.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn zero(&self) -> Option<Timestamp> {
        self.state().ok()?.time.as_ref().map(|time| time.zero)
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.state.lock().map_err(|_| {
            StoreError::new(StoreErrorKind::Corrupt, "a panic left the memory store half written")
        })
    }
}

#[cfg(feature = "tokio")]
impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        let clocks = Clocks::read(&*self.clock);
        Ok(self.state()?.now(&clocks))
    }

    /// Always `None`: the store's contents and its time begin together, so its time is never in doubt.
    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let uptime = timeline::uptime(&*self.clock);
        let mut state = self.state()?;
        let claim = claim.filter(|request| state.check_date(request, &uptime).is_ok());
        Ok(state.publish(publishes, claim, now))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let uptime = timeline::uptime(&*self.clock);
        let mut state = self.state()?;
        state.check_date(request, &uptime)?;
        Ok(state.claim(request))
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        self.state()?.settle(settlements, lanes, now)
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        self.state()?.gate(changes, now)
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        Ok(self.state()?.prune(before, limit))
    }

    /// Never returns: all writers are in this process and nudge the engine themselves.
    async fn hint(&self) {
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Directory for MemoryStore {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        Ok(self.state()?.endpoints.subscribers(event, after, limit))
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        Ok(self.state()?.endpoints.load(ids))
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        Ok(self.state()?.endpoints.disable(seen, why))
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        write.endpoint.check()?;
        let state = &mut *self.state()?;
        let lane = state.lanes.number(&write.endpoint.id).map(|lane| &state.lanes.row(lane).lane);
        if lane.is_some_and(|lane| lane.tenant != write.endpoint.tenant) {
            return Ok(Put::Conflict { current: None });
        }
        let put = state.endpoints.put(write, || state.events.next_place());
        if let (Put::Stored { .. }, Some(stored)) = (&put, state.endpoints.get(&write.endpoint.id)) {
            state.lanes.refit(&stored.id, stored.generation, stored.url.host(), write.width);
        }
        Ok(put)
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError> {
        Ok(self.state()?.remove_endpoint(tenant, id))
    }

    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        Ok(self.state()?.endpoints.switch_off(tenant, id))
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        Ok(self.state()?.endpoints.list(tenant, after, limit))
    }
}

#[async_trait]
impl History for MemoryStore {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        Ok(self.state()?.event(tenant, id))
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        Ok(self.state()?.page_of_deliveries(query, page))
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        Ok(self.state()?.attempts(tenant, id))
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        Ok(self.state()?.replay(replay, page))
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        Ok(self.state()?.expedite(tenant, selection, now, page))
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        Ok(self.state()?.cancel(tenant, selection, reason, now, page))
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        Ok(self.state()?.stats(tenant))
    }

    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<LaneStatus>, StoreError> {
        Ok(self.state()?.queue(tenant, endpoint, now))
    }

    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError> {
        Ok(self.state()?.lanes.gates.closed(now, after, limit))
    }
}

#[async_trait]
impl Limiter for MemoryStore {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        Ok(self.state()?.starts.take(asks, now, start_by))
    }
}
