//! From a claim to requests that may start: per batch one claim, one directory
//! load, one limiter call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};

use crate::decide::prepare::{Prepared, UNREACHED, prepare, unrenderable};
use crate::decide::resolve::{Resolved, Sendable};
use crate::delivery::{Claim, ClaimRequest, Claims, Gate, GateChange, Next, SUSPECT_AFTER};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, TenantId};
use crate::notice::{Notice, Part};
use crate::policy::lane::{Lane, LaneChange};
use crate::policy::rate::{Ask, Asker, Limit, LimitKey, Refusal};
use crate::policy::timeline::Shift;
use crate::profile::Request;
use crate::time::Timestamp;

use super::deadline::within;
use super::endpoint_cache::{CachedEndpoint, FRESH, LookedUp};
use super::laggards::PATIENCE;
use super::news::{About, What};
use super::settler::PendingSettlement;
use super::shared::{CLOCK_READ_EVERY, MARGIN, START_WITHIN, STORE_TIMEOUT, Shared};

/// One delivery on its way out.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) claim: Claim,
    pub(crate) resolved: Arc<Resolved>,
    pub(crate) lane: Option<Arc<Lane>>,
    /// By how much the store's time had moved when it was claimed: what is decided about it
    /// is decided in that time.
    pub(crate) moved: Shift,
}

impl Flight {
    pub(crate) fn sendable(&self) -> Option<&Sendable> {
        self.resolved.sendable().ok()
    }
}

/// A request that may start until `start_by` of the monotonic clock: after that its
/// endpoint was loaded too long ago, its grant is spent or its lease too short.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) flight: Arc<Flight>,
    pub(crate) request: Request,
    pub(crate) start_by: Duration,
}

/// The lanes of what was claimed.
type Lanes = Arc<BTreeMap<EndpointId, Arc<Lane>>>;

/// What became of a claim.
#[derive(Default)]
pub(crate) struct Acquired {
    pub(crate) ready: Vec<Ready>,
    pub(crate) dues: Vec<PendingSettlement>,
    pub(crate) lanes: Vec<LaneChange>,
    pub(crate) next_due: Option<Timestamp>,
    pub(crate) suspects: bool,
    /// What kept claimed work from being used; it is given back in `dues`.
    pub(crate) fault: Option<StoreError>,
    /// How much was claimed.
    pub(crate) claimed: usize,
    /// By how much the store's time had moved when it was claimed.
    pub(crate) moved: Shift,
    /// What becomes of the rest of the claim, for which others do not wait: its tenants'
    /// endpoints do not come in time.
    pub(crate) apart: Vec<BoxFuture<'static, Acquired>>,
}

impl Acquired {
    /// Takes in what became of another part of the same claim.
    pub(super) fn absorb(&mut self, other: Self) {
        self.ready.extend(other.ready);
        self.dues.extend(other.dues);
        self.lanes.extend(other.lanes);
        self.apart.extend(other.apart);
        self.fault = self.fault.take().or(other.fault);
    }

    /// Whose suspect is to be sent, if one is.
    pub(crate) fn suspect(&self) -> Option<&TenantId> {
        let claims = self.ready.iter().map(|ready| &ready.flight.claim);
        claims.filter(|claim| claim.silent >= SUSPECT_AFTER).map(|claim| &claim.event.tenant).next()
    }
}

impl Shared {
    /// Claims, and makes what came ready to start.
    pub(crate) async fn acquire(self: &Arc<Self>, request: &ClaimRequest) -> Result<Acquired, StoreError> {
        let turn = self.in_time(CLOCK_READ_EVERY).await?;
        let (request, moved) = self.dated_now(request);
        let began = self.clock.elapsed();
        let claims = self.store.claim(&request).await?;
        drop(turn);
        Ok(self.make_claims_ready(claims, began, moved).await)
    }

    /// Makes claims ready to start. `began` was read before the call that gave them: leases
    /// count from there. The store's time had `moved` by so much then.
    pub(crate) async fn make_claims_ready(
        self: &Arc<Self>,
        claims: Claims,
        began: Duration,
        moved: Shift,
    ) -> Acquired {
        for row in &claims.unreadable {
            self.notice(&Notice::Unreadable { row });
        }
        for claim in claims.events.iter().filter(|claim| claims.found.contains(&claim.sequence)) {
            self.tell_published(&claim.event);
        }
        let mut acquired = Acquired {
            next_due: claims.next_due,
            suspects: claims.suspects,
            claimed: claims.work.len() + claims.events.len(),
            moved,
            ..Acquired::default()
        };
        self.route_all(claims.events, &mut acquired).await;
        let lanes = claims.lanes.into_iter().map(|lane| (lane.endpoint.clone(), Arc::new(lane)));
        self.make_ready_all(claims.work, &Arc::new(lanes.collect()), began, &mut acquired).await;
        acquired
    }

    /// The same, with all that others do not wait for.
    pub(crate) async fn make_ready_whole(
        self: &Arc<Self>,
        claims: Claims,
        began: Duration,
        moved: Shift,
    ) -> Acquired {
        let mut acquired = self.make_claims_ready(claims, began, moved).await;
        let apart = std::mem::take(&mut acquired.apart);
        for apart in join_all(apart).await {
            acquired.absorb(apart);
        }
        acquired
    }

    /// Makes ready what of it is ready soon. The rest is done apart, tenant by tenant, but for
    /// a suspect, which nothing else goes on beside.
    async fn make_ready_all(
        self: &Arc<Self>,
        work: Vec<Claim>,
        lanes: &Lanes,
        began: Duration,
        acquired: &mut Acquired,
    ) {
        let has_suspect = work.iter().any(|claim| claim.silent >= SUSPECT_AFTER);
        let is_late = |claim: &Claim| !has_suspect && self.laggards.contain(&claim.event.tenant);
        let (mut late, soon): (Vec<_>, Vec<_>) = work.into_iter().partition(is_late);
        let looked_up = if has_suspect {
            Some(self.look_up_in_time(&soon).await)
        } else {
            within(PATIENCE, self.look_up(&soon)).await
        };
        match looked_up {
            Some(looked_up) => self.make_ready(soon, looked_up, lanes, began, acquired).await,
            None => late.extend(soon),
        }
        let mut by_tenant: BTreeMap<TenantId, Vec<Claim>> = BTreeMap::new();
        for claim in late {
            by_tenant.entry(claim.event.tenant.clone()).or_default().push(claim);
        }
        let moved = acquired.moved;
        acquired.apart.extend(by_tenant.into_iter().map(|(tenant, work)| {
            Arc::clone(self).make_ready_apart(tenant, work, Arc::clone(lanes), began, moved).boxed()
        }));
    }

    async fn make_ready_apart(
        self: Arc<Self>,
        tenant: TenantId,
        work: Vec<Claim>,
        lanes: Lanes,
        began: Duration,
        moved: Shift,
    ) -> Acquired {
        let mut acquired = Acquired { moved, ..Acquired::default() };
        let looked_up = match self.laggards.turn(&tenant) {
            Some(_turn) => {
                let asked_at = self.clock.elapsed();
                let looked_up = self.look_up_in_time(&work).await;
                self.laggards.note_answer(&tenant, asked_at, self.clock.elapsed());
                looked_up
            }
            None => LookedUp::unreached(endpoints_of(&work)),
        };
        self.make_ready(work, looked_up, &lanes, began, &mut acquired).await;
        acquired
    }

    async fn look_up(&self, work: &[Claim]) -> LookedUp {
        let wanted = work.iter().map(|claim| (&claim.event.tenant, &claim.endpoint));
        self.endpoint_cache.look_up(&*self.directory, wanted, self.clock.elapsed()).await
    }

    /// Looks up for as long as the answer would be fresh enough to be used.
    async fn look_up_in_time(&self, work: &[Claim]) -> LookedUp {
        let looked_up = within(FRESH, self.look_up(work)).await;
        looked_up.unwrap_or_else(|| LookedUp::unreached(endpoints_of(work)))
    }

    async fn make_ready(
        &self,
        work: Vec<Claim>,
        looked_up: LookedUp,
        lanes: &Lanes,
        began: Duration,
        acquired: &mut Acquired,
    ) {
        let LookedUp { cached, failures } = looked_up;
        self.tell_unreached(&work, &cached, failures);
        let candidates = self.prepare_all(work, &cached, lanes, began, acquired);
        self.limit(candidates, acquired).await;
    }

    /// Tells that endpoints cannot be looked up, where that is news for one of them.
    fn tell_unreached(
        &self,
        work: &[Claim],
        cached: &BTreeMap<EndpointId, CachedEndpoint>,
        failures: Vec<StoreErrorKind>,
    ) {
        let is_unreached =
            |claim: &&Claim| matches!(cached.get(&claim.endpoint), Some(CachedEndpoint::Unreached));
        let mut unreached = work.iter().filter(is_unreached);
        if unreached.any(|claim| !self.news.was_told_why(&claim.endpoint, UNREACHED)) {
            for kind in failures {
                self.notice(&Notice::StoreFailed { kind, during: "reading endpoints" });
            }
        }
    }

    fn prepare_all(
        &self,
        work: Vec<Claim>,
        cached: &BTreeMap<EndpointId, CachedEndpoint>,
        lanes: &BTreeMap<EndpointId, Arc<Lane>>,
        began: Duration,
        acquired: &mut Acquired,
    ) -> Vec<Ready> {
        let moved = acquired.moved;
        let (now, distrusted) = (self.clock.now_as_of(moved), self.clock.is_distrusted());
        let start_within = self.clock.elapsed() + START_WITHIN;
        let mut candidates = Vec::with_capacity(work.len());
        for claim in work {
            let known = cached.get(&claim.endpoint).unwrap_or(&CachedEndpoint::Missing);
            let lane = lanes.get(&claim.endpoint).filter(|_| !claim.test);
            let prepared = self
                .guard
                .call(Part::Envelope, || prepare(&claim, known.as_found(), now, distrusted))
                .unwrap_or_else(|_| unrenderable(&claim, "envelope: must not panic"));
            match (prepared, known) {
                (Prepared::Send(request), CachedEndpoint::Found { resolved, loaded_at }) => {
                    if !claim.test {
                        self.news.is_over(|| About::Endpoint(claim.endpoint.clone()));
                    }
                    let start_by = self.start_by(began, *loaded_at, &request).min(start_within);
                    let (resolved, lane) = (Arc::clone(resolved), lane.cloned());
                    let flight = Flight { claim, resolved, lane, moved };
                    candidates.push(Ready { flight: Arc::new(flight), request, start_by });
                }
                (Prepared::Settle(next), _) => {
                    acquired.dues.push(PendingSettlement::without_attempt(&claim, next, now));
                }
                (Prepared::Hold { why, hold }, _) => {
                    let until = now + hold;
                    // It is held as the endpoint that was loaded: not where that has begun anew.
                    let generation = known.generation();
                    let about = About::Endpoint(claim.endpoint.clone());
                    if self.news.is_new(about, What::Held(why.clone(), generation)) {
                        self.notice(&Notice::Held {
                            tenant: &claim.event.tenant,
                            endpoint: &claim.endpoint,
                            why: &why,
                            until,
                        });
                    }
                    let on_lane = lane.map(|lane| lane.hold(until));
                    acquired.lanes.extend(on_lane.map(|held| LaneChange {
                        generation: generation.unwrap_or(held.generation),
                        ..held
                    }));
                    acquired.dues.push(release(&claim, now));
                }
                (Prepared::Send(_), _) => {
                    acquired.dues.push(release(&claim, now));
                }
            }
        }
        candidates
    }

    fn start_by(&self, began: Duration, loaded_at: Duration, request: &Request) -> Duration {
        let covered = began + self.settings.lease;
        let lease = covered.saturating_sub(request.timeout + STORE_TIMEOUT + MARGIN);
        lease.min(loaded_at + FRESH)
    }

    /// Asks the limiter for those that have limits; gives back what it refuses, or all of
    /// these where it fails, and holds the lanes of those that were refused.
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
        let claimed_at = self.clock.now_as_of(acquired.moved);
        let granted = async {
            let turn = self.in_time(Duration::MAX).await?;
            let now = self.clock.now();
            Ok((self.limiter.take(&asks, now, now + START_WITHIN).await?, now, turn))
        };
        let (grants, now, turn) = match granted.await {
            Ok(granted) => granted,
            Err(error) => {
                let given_back = candidates.iter().map(|ready| release(&ready.flight.claim, claimed_at));
                acquired.dues.extend(given_back);
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
                _ => acquired.dues.push(release(&ready.flight.claim, claimed_at)),
            }
        }
        let answered = asks.iter().zip(grants);
        let refusals = answered.filter_map(|(ask, grant)| Some((&ask.by, grant.refusal?)));
        self.hold_lanes(refusals, now, acquired).await;
        drop(turn);
    }

    /// Holds the lanes of those who were refused until their turns may come. Others under
    /// the same limit have turns of their own, and who does not have the limit is not held.
    async fn hold_lanes<'a>(
        &self,
        refusals: impl Iterator<Item = (&'a Asker, Refusal)>,
        now: Timestamp,
        acquired: &mut Acquired,
    ) {
        let mut changes = Vec::new();
        for (Asker { tenant, endpoint }, Refusal { until, .. }) in refusals {
            self.notice(&Notice::Limited { tenant, endpoint, until });
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

fn endpoints_of(work: &[Claim]) -> Vec<EndpointId> {
    work.iter().map(|claim| claim.endpoint.clone()).collect()
}

/// Gives a claim back.
pub(crate) fn release(claim: &Claim, now: Timestamp) -> PendingSettlement {
    PendingSettlement::without_attempt(claim, Next::Release, now)
}

/// A test ping is outside every limit.
fn limits_of(ready: &Ready) -> Option<&[(LimitKey, Limit)]> {
    let limits = &ready.flight.sendable()?.limits;
    (!limits.is_empty() && !ready.flight.claim.test).then_some(limits)
}
