//! Claims work and prepares it for sending. Each batch makes one claim, one directory look-up
//! and one limiter call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};

use crate::backend::{Entropy, EntropyError, Limiter, Store};
use crate::decide::prepare::{Prepared, UNREACHED, prepare, unrenderable};
use crate::decide::slots::Room;
use crate::delivery::{Claim, ClaimRequest, Claims, Gate, GateChange, Next, SUSPECT_AFTER};
use crate::error::StoreError;
use crate::id::{EndpointId, TenantId, Token};
use crate::notice::{Notice, OwnFaultReason, Part, StoreCall};
use crate::policy::lane::{Lane, LaneChange};
use crate::policy::rate::{Ask, Asker, Limit, LimitKey, Refusal};
use crate::policy::timeline::Shift;
use crate::profile::Request;
use crate::time::Timestamp;

use super::directory::{Endpoints, PATIENCE};
use super::endpoint_cache::{CachedEndpoint, FRESH, LookedUp};
use super::guard::{About, Guard, What, within};
use super::in_flight::{Flight, Ready};
use super::routing::Router;
use super::settling::Batch;
use super::store_clock::{READ_EVERY, StoreClock};
use super::{Engine, MARGIN, STORE_TIMEOUT};

/// The most events that one claim takes for routing.
pub(super) const EVENTS_PER_CLAIM: usize = 64;
/// How long a rate limit's grant may be used after it was given.
const START_WITHIN: Duration = Duration::from_secs(1);

/// Claims work and prepares it for sending.
pub(crate) struct Claimer {
    pub(super) store: Arc<dyn Store>,
    pub(super) limiter: Arc<dyn Limiter>,
    pub(super) router: Arc<Router>,
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
    /// How long a claim may be settled: the length of its lease.
    pub(super) lease: Duration,
}

/// The result of a claim.
#[derive(Default)]
pub(crate) struct Acquired {
    pub(super) ready: Vec<Ready>,
    /// Settlements of claimed work that is not sent, in the store's time as it was at the
    /// claim.
    pub(super) batch: Batch,
    pub(super) next_due: Option<Timestamp>,
    pub(super) suspects: bool,
    /// The error that kept claimed work from being used. The batch gives that work back.
    pub(super) fault: Option<StoreError>,
    /// The number of deliveries and events that were claimed.
    pub(super) claimed: usize,
    /// The rest of the claim: work of tenants whose endpoints were not loaded in time. Other
    /// tenants do not wait for these futures.
    pub(super) apart: Vec<BoxFuture<'static, Acquired>>,
}

impl Acquired {
    /// Adds the result of another part of the same claim.
    fn absorb(&mut self, other: Self) {
        self.ready.extend(other.ready);
        self.batch.append(other.batch);
        self.apart.extend(other.apart);
        self.fault = self.fault.take().or(other.fault);
    }

    /// The tenant whose suspect is to be sent, if there is one.
    fn suspect(&self) -> Option<&TenantId> {
        let claims = self.ready.iter().map(|ready| &ready.flight.claim);
        claims.filter(|claim| claim.silent >= SUSPECT_AFTER).map(|claim| &claim.event.tenant).next()
    }
}

impl Claimer {
    /// Makes a claim request for the free slots, dated with the store's time.
    pub(crate) fn request(
        &self,
        room: Room,
        events: usize,
        alone: bool,
    ) -> Result<ClaimRequest, EntropyError> {
        let mut token = [0; 16];
        self.entropy.fill(&mut token)?;
        let now = self.clock.now();
        Ok(ClaimRequest {
            token: Token::from_bytes(token),
            now,
            lease_until: now + self.lease,
            deliveries: room.deliveries,
            doubtful: room.doubtful,
            events,
            shares: room.shares,
            alone,
        })
    }

    /// Claims work and prepares it for sending.
    pub(super) async fn acquire(self: &Arc<Self>, request: &ClaimRequest) -> Result<Acquired, StoreError> {
        let turn = self.clock.in_time(READ_EVERY).await?;
        let (request, moved) = self.clock.dated(request);
        let began = self.clock.elapsed();
        let claims = self.store.claim(&request).await?;
        drop(turn);
        Ok(self.make_ready(claims, began, moved).await)
    }

    /// Prepares claims for sending, and returns those that are ready soon. The rest is prepared
    /// apart, tenant by tenant. Deliveries of a claim with a suspect are not divided, since nothing
    /// else may run beside a suspect.
    ///
    /// `began` was read before the call that returned the claims: leases count from there. `moved`
    /// is the sum of the moves of the store's time at that moment.
    pub(super) async fn make_ready(
        self: &Arc<Self>,
        claims: Claims,
        began: Duration,
        moved: Shift,
    ) -> Acquired {
        for row in &claims.unreadable {
            self.guard.notice(&Notice::Unreadable { row });
        }
        for claim in claims.events.iter().filter(|claim| claims.found.contains(&claim.sequence)) {
            self.guard.published(&claim.event);
        }
        let count = claims.work.len() + claims.events.len();
        let (batch, routed_apart) = self.router.route_all(claims.events, moved).await;
        let mut acquired = Acquired {
            batch,
            next_due: claims.next_due,
            suspects: claims.suspects,
            claimed: count,
            ..Acquired::default()
        };
        acquired.apart.extend(
            routed_apart
                .into_iter()
                .map(|batch| batch.map(|batch| Acquired { batch, ..Acquired::default() }).boxed()),
        );
        let lanes = claims.lanes.into_iter().map(|lane| (lane.endpoint.clone(), Arc::new(lane)));
        let lanes: Arc<BTreeMap<EndpointId, Arc<Lane>>> = Arc::new(lanes.collect());
        let has_suspect = claims.work.iter().any(|claim| claim.silent >= SUSPECT_AFTER);
        let is_late = |claim: &Claim| !has_suspect && self.endpoints.laggards.contain(&claim.event.tenant);
        let (mut late, soon): (Vec<_>, Vec<_>) = claims.work.into_iter().partition(is_late);
        let looked_up = if has_suspect {
            Some(self.endpoints.look_up_in_time(&soon).await)
        } else {
            within(PATIENCE, self.endpoints.look_up(&soon)).await
        };
        match looked_up {
            Some(looked_up) => self.prepare(soon, looked_up, &lanes, began, &mut acquired).await,
            None => late.extend(soon),
        }
        let mut by_tenant: BTreeMap<TenantId, Vec<Claim>> = BTreeMap::new();
        for claim in late {
            by_tenant.entry(claim.event.tenant.clone()).or_default().push(claim);
        }
        acquired.apart.extend(by_tenant.into_iter().map(|(tenant, work)| {
            let (claimer, lanes) = (Arc::clone(self), Arc::clone(&lanes));
            async move {
                let mut acquired = Acquired { batch: Batch::in_time_of(moved), ..Acquired::default() };
                let looked_up = claimer.endpoints.look_up_apart(&tenant, &work).await;
                claimer.prepare(work, looked_up, &lanes, began, &mut acquired).await;
                acquired
            }
            .boxed()
        }));
        acquired
    }

    /// Like [`make_ready`](Self::make_ready), but waits for the work of slow tenants too.
    pub(crate) async fn make_ready_whole(
        self: &Arc<Self>,
        claims: Claims,
        began: Duration,
        moved: Shift,
    ) -> Acquired {
        let mut acquired = self.make_ready(claims, began, moved).await;
        let apart = std::mem::take(&mut acquired.apart);
        for apart in join_all(apart).await {
            acquired.absorb(apart);
        }
        acquired
    }

    /// Decides about each claim, and asks the limiter for those that are to be sent.
    async fn prepare(
        &self,
        work: Vec<Claim>,
        looked_up: LookedUp,
        lanes: &BTreeMap<EndpointId, Arc<Lane>>,
        began: Duration,
        acquired: &mut Acquired,
    ) {
        self.tell_unreached(&work, &looked_up);
        let moved = acquired.batch.moved();
        let (now, distrusted) = (self.clock.now_as_of(moved), self.clock.is_distrusted());
        let start_within = self.clock.elapsed() + START_WITHIN;
        let mut candidates = Vec::with_capacity(work.len());
        for claim in work {
            let known = looked_up.cached.get(&claim.endpoint).unwrap_or(&CachedEndpoint::Missing);
            let lane = lanes.get(&claim.endpoint).filter(|_| !claim.test);
            let prepared = self
                .guard
                .call(Part::Envelope, || prepare(&claim, known.as_found(), now, distrusted))
                .unwrap_or_else(|_| unrenderable(&claim, "envelope: must not panic"));
            match (prepared, known) {
                (Prepared::Send(request), CachedEndpoint::Found { resolved, loaded_at }) => {
                    if !claim.test {
                        self.guard.news.is_over(|| About::Endpoint(claim.endpoint.clone()));
                    }
                    let start_by = self.start_by(began, *loaded_at, &request).min(start_within);
                    let (resolved, lane) = (Arc::clone(resolved), lane.cloned());
                    let flight = Flight { claim, resolved, lane, moved };
                    candidates.push(Ready { flight: Arc::new(flight), request, start_by });
                }
                (Prepared::Settle(next), _) => acquired.batch.settle(&claim, next, now, moved),
                (Prepared::Hold { why, hold }, _) => {
                    let until = now + hold;
                    // The hold is for the endpoint that was loaded. It does not apply once that begins anew.
                    let generation = known.generation();
                    let about = About::Endpoint(claim.endpoint.clone());
                    if self.guard.news.is_new(about, What::Held(why.clone(), generation)) {
                        self.guard.notice(&Notice::Held {
                            tenant: &claim.event.tenant,
                            endpoint: &claim.endpoint,
                            why: &why,
                            until,
                        });
                    }
                    if let Some(held) = lane.map(|lane| lane.hold(until)) {
                        let generation = generation.unwrap_or(held.generation);
                        acquired.batch.change(LaneChange { generation, ..held }, moved);
                    }
                    acquired.batch.settle(&claim, Next::Release, now, moved);
                }
                (Prepared::Send(_), _) => acquired.batch.settle(&claim, Next::Release, now, moved),
            }
        }
        self.limit(candidates, acquired).await;
    }

    /// Tells the observer that endpoints cannot be looked up, if it does not know so of each.
    fn tell_unreached(&self, work: &[Claim], looked_up: &LookedUp) {
        let is_unreached =
            |claim: &&Claim| matches!(looked_up.cached.get(&claim.endpoint), Some(CachedEndpoint::Unreached));
        let mut unreached = work.iter().filter(is_unreached);
        if unreached.any(|claim| !self.guard.news.was_told_why(&claim.endpoint, UNREACHED)) {
            for kind in &looked_up.failures {
                self.guard.notice(&Notice::StoreFailed { kind: *kind, during: StoreCall::ReadEndpoints });
            }
        }
    }

    fn start_by(&self, began: Duration, loaded_at: Duration, request: &Request) -> Duration {
        let covered = began + self.lease;
        let lease = covered.saturating_sub(request.timeout + STORE_TIMEOUT + MARGIN);
        lease.min(loaded_at + FRESH)
    }

    /// Asks the limiter for the candidates that have limits. Gives back those that it refuses and
    /// holds their lanes. If the limiter fails, gives back all candidates that have limits.
    async fn limit(&self, candidates: Vec<Ready>, acquired: &mut Acquired) {
        let (candidates, unlimited): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|ready| limits_of(ready).is_some());
        acquired.ready.extend(unlimited);
        let mut asks: Vec<Ask> = Vec::new();
        let mut order: BTreeMap<EndpointId, usize> = BTreeMap::new();
        for ready in &candidates {
            let Some(limits) = limits_of(ready) else { continue };
            let at = *order.entry(ready.flight.claim.endpoint.clone()).or_insert_with(|| {
                let claim = &ready.flight.claim;
                let by = Asker { tenant: claim.event.tenant.clone(), endpoint: claim.endpoint.clone() };
                asks.push(Ask { by, limits: limits.to_vec(), starts: 0 });
                asks.len() - 1
            });
            asks[at].starts += 1;
        }
        if asks.is_empty() {
            return;
        }
        let moved = acquired.batch.moved();
        let claimed_at = self.clock.now_as_of(moved);
        let granted = async {
            let turn = self.clock.in_time(Duration::MAX).await?;
            let now = self.clock.now();
            Ok((self.limiter.take(&asks, now, now + START_WITHIN).await?, now, turn))
        };
        let (grants, now, turn) = match granted.await {
            Ok(granted) => granted,
            Err(error) => {
                for ready in &candidates {
                    acquired.batch.settle(&ready.flight.claim, Next::Release, claimed_at, moved);
                }
                acquired.fault = Some(error);
                return;
            }
        };
        let mut granted: Vec<u32> = grants.iter().map(|grant| grant.starts).collect();
        for ready in candidates {
            let place = order.get(&ready.flight.claim.endpoint);
            match place.and_then(|at| granted.get_mut(*at)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    acquired.ready.push(ready);
                }
                _ => acquired.batch.settle(&ready.flight.claim, Next::Release, claimed_at, moved),
            }
        }
        let answered = asks.iter().zip(grants);
        let refusals = answered.filter_map(|(ask, grant)| Some((&ask.by, grant.refusal?)));
        self.hold_lanes(refusals, now, acquired).await;
        drop(turn);
    }

    /// Holds the lanes of refused deliveries until their turns may come. Other endpoints under the
    /// same limit have turns of their own, and endpoints without the limit are not held.
    async fn hold_lanes<'a>(
        &self,
        refusals: impl Iterator<Item = (&'a Asker, Refusal)>,
        now: Timestamp,
        acquired: &mut Acquired,
    ) {
        let mut changes = Vec::new();
        for (Asker { tenant, endpoint }, Refusal { until, .. }) in refusals {
            self.guard.notice(&Notice::Limited { tenant, endpoint, until });
            changes.push((Gate::Lane(endpoint.clone()), GateChange::Hold(until)));
        }
        if changes.is_empty() {
            return;
        }
        if let Err(error) = self.store.gate(&changes, now).await {
            acquired.fault = Some(error);
        }
    }
}

/// A test ping is outside every limit.
fn limits_of(ready: &Ready) -> Option<&[(LimitKey, Limit)]> {
    let limits = &ready.flight.resolved.sendable().ok()?.limits;
    (!limits.is_empty() && !ready.flight.claim.test).then_some(limits)
}

impl Engine {
    /// Claims, if a claim is allowed and may bring something.
    pub(super) fn claim(&mut self) {
        let (now, moment) = (self.now(), self.parts.clock.moment());
        self.pacing.move_to(moment.moved);
        let store_now = moment.now;
        let alone = self.pacing.suspect_waits() && self.slots.is_idle() && self.is_well();
        let worth_it = self.pacing.is_worth_it(self.parts.settings.poll, store_now, now);
        if self.pacing.is_claiming() || !(alone || worth_it && self.may_claim()) {
            return;
        }
        let mut room = self.slots.room();
        if room.deliveries == 0 {
            return;
        }
        if alone {
            self.pacing.take_turns(&mut room.shares);
        }
        let claimer = Arc::clone(&self.parts.claimer);
        let Ok(request) = claimer.request(room, EVENTS_PER_CLAIM, alone) else {
            self.own_fault(OwnFaultReason::NoRandomness);
            return;
        };
        self.faults.is_over(OwnFaultReason::NoRandomness);
        self.pacing.ask(now);
        self.spawn(async move {
            let acquired = claimer.acquire(&request).await;
            move |engine: &mut Self| {
                let (store_now, now) = (engine.parts.clock.now(), engine.now());
                match acquired {
                    Ok(acquired) => {
                        let Acquired { next_due, suspects, claimed, .. } = acquired;
                        engine.store_worked(StoreCall::Claim);
                        engine.pacing.move_to(acquired.batch.moved());
                        engine.pacing.claimed(next_due, suspects, claimed, store_now, now);
                        engine.pacing.suspect_claimed(acquired.suspect(), now);
                        engine.take_in(acquired);
                    }
                    Err(error) => {
                        engine.pacing.claim_failed(store_now);
                        engine.store_failed(&error, StoreCall::Claim);
                    }
                }
            }
        });
    }

    /// Adds prepared requests to the slots, and settlements to those that wait to be written.
    pub(super) fn take_in(&mut self, acquired: Acquired) {
        let Acquired { ready, batch, fault, claimed, apart, .. } = acquired;
        if claimed > 0 {
            self.pacing.retry_soon();
        }
        for Ready { flight, .. } in &ready {
            self.slots.take(&flight.claim.event.tenant, flight.lane.as_deref());
        }
        self.requests().wait(ready);
        self.unsettled.batch.append(batch);
        for apart in apart {
            self.spawn_counted(async move {
                let acquired = apart.await;
                move |engine: &mut Self| engine.take_in(acquired)
            });
        }
        match fault {
            Some(error) => self.store_failed(&error, StoreCall::LoadOrLimit),
            None if claimed > 0 => self.store_worked(StoreCall::LoadOrLimit),
            None => {}
        }
    }

    pub(super) fn may_claim(&self) -> bool {
        self.is_well() && self.pacing.is_open()
    }

    /// Whether claiming is not paused for our own faults, and the last settlements were written.
    fn is_well(&self) -> bool {
        !self.faults.is_paused(self.now()) && !self.unsettled.is_failing()
    }
}
