//! Broken stores: the memory store behind a wrapper that spoils one thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::delivery::{
    CancelReason, Claim, ClaimRequest, Claimed, Claims, EventClaim, EventMeta, Gate, GateChange, Next,
    Progress, Publish, PublishAnswer, Published, Route, Settled, Settlement, State,
};
use hookpost::error::StoreError;
use hookpost::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId, Token};
use hookpost::policy::lane::{Lane, LaneChange};
use hookpost::policy::rate::LimitKey;
use hookpost::seam::{
    Ask, AttemptLog, Class, Clock, DeliveryPage, DeliveryQuery, Directory, Expected, Grant, History, Limiter,
    PageAfter, Put, Refusal, Registry, Replay, Replayed, Selection, Stats, Store, Subscribers, Write,
};
use hookpost::stores::memory::MemoryStore;
use hookpost::{Endpoint, Event, Headers, Timestamp};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    IgnoresIdempotencyKeys,
    SharesIdsBetweenTenants,
    ClaimsAtPublishAsAtAnyTime,
    LeasesNothingAtPublish,
    TreatsTestPingsAsAnyOther,
    GivesWorkTwice,
    SkipsNobody,
    SharesNothing,
    TrustsDoubtfulLanes,
    ForgetsTheLanes,
    SaysNextDueTooLate,
    NeverSaysNextDue,
    LeasesForEver,
    CountsReleases,
    ForgetsSilentLeases,
    LetsDeferralsEndSilence,
    GivesSuspectsToAnybody,
    FencesNothing,
    FencesSuccessToo,
    LosesAttemptsOfStaleTokens,
    StopsABatchAtTheFirstStaleItem,
    RevivesTerminalDeliveries,
    IgnoresWidth,
    ServesPausedLanes,
    ForgetsHeldLanes,
    ShortensHolds,
    LiftsPauses,
    IgnoresTenantGates,
    IgnoresHostGates,
    LosesRaises,
    AppliesOutdatedHealth,
    StarvesOtherTenants,
    RoutesOneTenantOnly,
    IgnoresOrderingKeys,
    RoutesChunksFromTheStart,
    ReadsPayloadsAsText,
    CutsTimesToMilliseconds,
    PrunesPending,
    PrunesWithoutLimit,
    PrunesNothingUnmatched,
    IgnoresVersions,
    IgnoresUrls,
    DisablesWhateverTheVersion,
    ShowsDisabledEndpoints,
    ReadsOtherTenants,
    RepeatsReplays,
    EndsPausesByExpediting,
    CancelsOnlyWhatWaits,
    CountsAllForEach,
    LimitsByFixedWindows,
    CountsGrantsFromTheirAsking,
    LimitsByTheFirstLimitAlone,
    ServesInTheOrderOfNames,
    ServesTheNewestFirst,
    TakesMissingForFenced,
    ConfirmsEverything,
    RefusesLateSettlements,
    RetriesAtOnce,
    NumbersEveryAttemptOne,
    RoutesOnlyFromNotBefore,
    RoutesExistingAgain,
    KeepsReleasedEvents,
    DropsUnmatchedEvents,
    RoutesTheNewestFirst,
    ForgetsProgress,
    ForgetsWhenItEnded,
    LosesScopes,
    LosesHeaders,
    NeverCountsVersions,
    GivesIdsToAnyTenant,
    LoadsInReverse,
    OnlyDisablesWhatIsRemoved,
    KeepsPausesOfRemovedEndpoints,
    ForgetsTheLastOfAPage,
    ExpeditesNothing,
    SaysItCancelledEverything,
    GrantsFromTheBack,
    KeepsOneLogForAll,
    ForgetsGrants,
    StoresIdsAgain,
    ReadsNoEvents,
    RoutesWhatIsRouted,
}

/// What some faults need to know of the past.
#[derive(Default)]
struct Past {
    tokens: BTreeMap<Claimed, Token>,
    claims: BTreeMap<DeliveryId, Claim>,
    events: HashMap<(TenantId, EventId), Arc<Event>>,
    tenants: BTreeSet<TenantId>,
    revived: BTreeSet<DeliveryId>,
    replays: u32,
    windows: BTreeMap<(LimitKey, Duration, i64), u32>,
}

/// A store with a fault.
pub(crate) struct Broken {
    fault: Fault,
    store: MemoryStore,
    past: Mutex<Past>,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

impl Broken {
    pub(crate) fn by(fault: Fault) -> Self {
        Self { fault, store: MemoryStore::new(Arc::new(Still)), past: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap()
    }

    /// Changes an event on its way in; `unmask` gives the original back.
    fn mask(&self, event: &Arc<Event>) -> Arc<Event> {
        let mut past = self.past();
        past.tenants.insert(event.tenant.clone());
        let name = (event.tenant.clone(), event.id.clone());
        past.events.entry(name).or_insert_with(|| event.clone());
        let mut masked = Event::clone(event);
        match self.fault {
            Fault::IgnoresIdempotencyKeys => masked.idempotency_key = None,
            Fault::IgnoresOrderingKeys | Fault::RoutesTheNewestFirst => masked.ordering_key = None,
            _ => return event.clone(),
        }
        Arc::new(masked)
    }

    fn unmask(&self, event: &Arc<Event>) -> Arc<Event> {
        if self.is(Fault::ReadsPayloadsAsText) {
            let payload = String::from_utf8_lossy(&event.payload).into_owned().into();
            return Arc::new(Event { payload, ..Event::clone(event) });
        }
        if self.is(Fault::LosesScopes) {
            return Arc::new(Event { scope: None, ..Event::clone(event) });
        }
        self.past().events.get(&(event.tenant.clone(), event.id.clone())).unwrap_or(event).clone()
    }

    fn routes(&self, routes: &mut [Route]) {
        for route in routes {
            if self.is(Fault::IgnoresWidth) {
                route.width = 1000;
            }
            if self.is(Fault::TreatsTestPingsAsAnyOther) {
                route.test = false;
            }
            if self.is(Fault::CutsTimesToMilliseconds) {
                (route.due_at, route.born_at) = (cut(route.due_at), cut(route.born_at));
            }
        }
    }

    fn request(&self, request: &ClaimRequest) -> ClaimRequest {
        let mut request = request.clone();
        match self.fault {
            Fault::SkipsNobody => request.skip_tenants.clear(),
            Fault::SharesNothing => request.per_tenant = usize::MAX,
            Fault::TrustsDoubtfulLanes => request.doubtful = usize::MAX,
            Fault::LeasesForEver => request.lease_until = Timestamp::MAX,
            Fault::CutsTimesToMilliseconds => request.lease_until = cut(request.lease_until),
            _ => {}
        }
        request
    }

    fn told(&self, request: &ClaimRequest, mut claims: Claims) -> Claims {
        for claim in &mut claims.work {
            claim.event = self.unmask(&claim.event);
            if self.is(Fault::LeasesForEver) {
                claim.lease_until = request.lease_until;
            }
            if self.is(Fault::ForgetsProgress) {
                (claim.attempts, claim.first_attempt_at) = (0, None);
            }
            let mut past = self.past();
            past.tokens.insert(Claimed::Delivery(claim.delivery), claim.token);
            past.claims.insert(claim.delivery, claim.clone());
        }
        for claim in &mut claims.events {
            claim.event = self.unmask(&claim.event);
            if self.is(Fault::LeasesForEver) {
                claim.lease_until = request.lease_until;
            }
            if self.is(Fault::RoutesChunksFromTheStart) {
                claim.after = None;
            }
            let of = Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone());
            self.past().tokens.insert(of, claim.token);
        }
        if self.is(Fault::RoutesWhatIsRouted) {
            let again = claims.work.iter().map(|claim| EventClaim {
                event: claim.event.clone(),
                after: None,
                token: claim.token,
                lease_until: claim.lease_until,
            });
            claims.events.extend(again);
        }
        match self.fault {
            Fault::ForgetsTheLanes => claims.lanes.clear(),
            Fault::SaysNextDueTooLate => {
                claims.next_due = claims.next_due.map(|due| due + Duration::from_millis(1));
            }
            Fault::NeverSaysNextDue => claims.next_due = None,
            _ => {}
        }
        claims
    }

    /// The settlement as this store reads it.
    fn read(&self, settlement: &Settlement) -> Settlement {
        let mut read = settlement.clone();
        let past = self.past();
        let current = past.tokens.get(&read.of).copied();
        let is_stale = current.is_some_and(|current| current != read.token);
        match self.fault {
            Fault::FencesNothing => read.token = current.unwrap_or(read.token),
            Fault::FencesSuccessToo if is_stale && matches!(read.next, Next::Done { .. }) => {
                read.next = Next::Release;
            }
            Fault::LosesAttemptsOfStaleTokens if is_stale => read.attempt = None,
            Fault::ConfirmsEverything => {
                if let Next::Done { state: State::Delivered { confirmed }, .. } = &mut read.next {
                    *confirmed = true;
                }
            }
            Fault::RefusesLateSettlements => {
                if let Claimed::Delivery(id) = &read.of
                    && past.claims.get(id).is_some_and(|claim| claim.lease_until <= read.at)
                {
                    read.token = Token::from_bytes([0xff; 16]);
                }
            }
            Fault::RetriesAtOnce => {
                if let (Next::Later { due_at, .. }, true) = (&mut read.next, read.attempt.is_some()) {
                    *due_at = read.at;
                }
            }
            Fault::KeepsReleasedEvents if is_release_of_event(settlement) => {
                read.token = Token::from_bytes([0xff; 16]);
            }
            Fault::RoutesExistingAgain => {
                if let Next::Routed { routes, .. } = &mut read.next {
                    let known = |route: &Route| past.claims.contains_key(&route.delivery);
                    for route in routes.iter_mut().filter(|route| known(route)) {
                        route.delivery = DeliveryId::from_bytes([0xee; 16]);
                    }
                }
            }
            Fault::CountsReleases => {
                if let (Next::Release, Claimed::Delivery(id)) = (&read.next, &read.of)
                    && let Some(claim) = past.claims.get(id)
                {
                    let progress =
                        Progress { attempts: claim.attempts + 1, first_attempt_at: claim.first_attempt_at };
                    read.next = Next::Later { due_at: claim.due_at, progress };
                }
            }
            Fault::LetsDeferralsEndSilence => {
                if let (Next::Later { .. }, None, Claimed::Delivery(id)) =
                    (&read.next, &read.attempt, &read.of)
                {
                    read.attempt = past.claims.get(id).map(|claim| ghost_of(claim, read.at));
                }
            }
            Fault::CutsTimesToMilliseconds => {
                read.at = cut(read.at);
                if let Next::Later { due_at, .. } = &mut read.next {
                    *due_at = cut(*due_at);
                }
            }
            _ => {}
        }
        drop(past);
        if let Next::Routed { routes, .. } = &mut read.next {
            self.routes(routes);
        }
        read
    }

    /// Claims all that is due, keeps what this store likes best, and gives the rest
    /// back.
    async fn claim_all_and_give_back(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let (deliveries, events) = if self.is(Fault::RoutesTheNewestFirst) {
            (request.deliveries, 1000)
        } else {
            (1000, request.events)
        };
        let mut claims = self.store.claim(&ClaimRequest { deliveries, events, ..request.clone() }).await?;
        match self.fault {
            Fault::ServesInTheOrderOfNames => claims.work.sort_by_key(|claim| claim.endpoint.clone()),
            Fault::ServesTheNewestFirst => {
                claims.work.sort_by_key(|claim| std::cmp::Reverse((claim.due_at, claim.event.id.clone())));
            }
            _ => claims.events.sort_by_key(|claim| std::cmp::Reverse(claim.event.id.clone())),
        }
        let work = claims.work.split_off(claims.work.len().min(request.deliveries));
        let events = claims.events.split_off(claims.events.len().min(request.events));
        let events = events.iter().map(|claim| Settlement {
            token: claim.token,
            of: Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone()),
            at: request.now,
            next: Next::Release,
            attempt: None,
        });
        let back: Vec<_> = work.iter().map(release).chain(events).collect();
        self.store.settle(&back, &[], request.now).await?;
        let served = |lane: &Lane| claims.work.iter().any(|claim| claim.endpoint == lane.endpoint);
        claims.lanes.retain(served);
        if !back.is_empty() {
            claims.next_due = Some(request.now);
        }
        Ok(claims)
    }

    async fn publish_once_for_all_tenants(
        &self,
        publishes: &[Publish],
        request: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let mut read: Vec<Publish> = Vec::new();
        for publish in publishes {
            let tenants = self.past().tenants.clone();
            let mut event = Event::clone(&publish.event);
            for tenant in tenants {
                let in_batch = read.iter().any(|other| other.event.id == event.id);
                if in_batch || self.store.event(&tenant, &event.id).await?.is_some() {
                    event.tenant = tenant;
                    break;
                }
            }
            read.push(Publish { event: Arc::new(event), routes: publish.routes.clone() });
        }
        self.store.publish(&read, request, now).await
    }

    /// The tenant that is asked about, or another one where this store mixes them up.
    async fn tenant_of(&self, asked: &TenantId, delivery: &DeliveryId) -> TenantId {
        let tenants = self.past().tenants.clone();
        for tenant in tenants.into_iter().filter(|_| self.is(Fault::ReadsOtherTenants)) {
            if self.store.attempts(&tenant, delivery).await.unwrap().is_some() {
                return tenant;
            }
        }
        asked.clone()
    }
}

fn cut(moment: Timestamp) -> Timestamp {
    Timestamp::from_micros(moment.as_micros().div_euclid(1000) * 1000)
}

fn is_release_of_event(settlement: &Settlement) -> bool {
    matches!(settlement.of, Claimed::Event(..)) && settlement.next == Next::Release
}

/// An attempt that never was.
fn ghost_of(claim: &Claim, began_at: Timestamp) -> hookpost::delivery::Attempt {
    hookpost::delivery::Attempt {
        token: claim.token,
        began_at,
        took: Duration::ZERO,
        result: hookpost::delivery::AttemptResult::NotSent(hookpost::policy::outcome::NotSent::Name),
        success: false,
        body: bytes::Bytes::new(),
    }
}

#[async_trait]
impl Store for Broken {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.store.now().await
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let mut read: Vec<_> = publishes
            .iter()
            .map(|publish| Publish { event: self.mask(&publish.event), routes: publish.routes.clone() })
            .collect();
        read.iter_mut().filter_map(|publish| publish.routes.as_mut()).for_each(|routes| self.routes(routes));
        let request = claim.map(|claim| self.request(claim));
        if self.is(Fault::SharesIdsBetweenTenants) {
            return self.publish_once_for_all_tenants(&read, request.as_ref(), now).await;
        }
        let asked = request.as_ref().filter(|_| {
            !self.is(Fault::LeasesNothingAtPublish) && !self.is(Fault::ClaimsAtPublishAsAtAnyTime)
        });
        let (answers, mut claims) = self.store.publish(&read, asked, now).await?;
        let answers = answers.into_iter().zip(publishes).map(|(answer, publish)| match answer.published {
            Published::Existing { .. } if self.is(Fault::StoresIdsAgain) && answer.id == publish.event.id => {
                PublishAnswer { published: Published::Stored, ..answer }
            }
            _ => answer,
        });
        let answers = answers.collect();
        if let (Fault::ClaimsAtPublishAsAtAnyTime, Some(request)) = (self.fault, &request) {
            // Whatever is due is taken, and what was not published now is put back.
            claims = self.store.claim(&ClaimRequest { events: 0, ..request.clone() }).await?;
            let new = |claim: &Claim| read.iter().any(|publish| publish.event.id == claim.event.id);
            let (kept, others): (Vec<_>, Vec<_>) = claims.work.into_iter().partition(new);
            let back: Vec<_> = others.iter().map(release).collect();
            self.store.settle(&back, &[], now).await?;
            claims.work = kept;
        }
        let claims = match &request {
            Some(request) => self.told(request, claims),
            None => claims,
        };
        Ok((answers, claims))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let mut read = self.request(request);
        let mut claims = match self.fault {
            Fault::GivesSuspectsToAnybody => {
                let alone = ClaimRequest { alone: true, ..read.clone() };
                self.store.claim(&alone).await?
            }
            Fault::StarvesOtherTenants | Fault::RoutesOneTenantOnly => {
                let others: Vec<_> = self.past().tenants.iter().skip(1).cloned().collect();
                if self.is(Fault::StarvesOtherTenants) {
                    read.skip_tenants.extend(others.clone());
                }
                let mut claims = self.store.claim(&read).await?;
                if self.is(Fault::RoutesOneTenantOnly) {
                    let (hidden, shown): (Vec<_>, Vec<_>) =
                        claims.events.into_iter().partition(|claim| others.contains(&claim.event.tenant));
                    claims.events = if shown.is_empty() { hidden } else { shown };
                }
                if claims.work.is_empty() && self.is(Fault::StarvesOtherTenants) {
                    let all = ClaimRequest { events: 0, ..self.request(request) };
                    let late = self.store.claim(&all).await?;
                    claims = Claims { events: claims.events, ..late };
                }
                claims
            }
            Fault::ServesInTheOrderOfNames | Fault::ServesTheNewestFirst | Fault::RoutesTheNewestFirst => {
                self.claim_all_and_give_back(&read).await?
            }
            Fault::RoutesOnlyFromNotBefore => {
                let mut claims = self.store.claim(&read).await?;
                let early = |claim: &EventClaim| claim.event.not_before.is_some_and(|begin| begin > read.now);
                claims.events.retain(|claim| !early(claim));
                claims
            }
            _ => self.store.claim(&read).await?,
        };
        if self.is(Fault::GivesWorkTwice) && claims.work.is_empty() {
            let leased: Vec<_> = self.past().claims.values().cloned().collect();
            for claim in leased {
                let selection = Selection { ids: Some(vec![claim.delivery]), ..Selection::default() };
                let query = DeliveryQuery { tenant: claim.event.tenant.clone(), selection };
                let page = self.store.deliveries(&query, PageAfter::first(1)).await?;
                let is_leased = page.deliveries.iter().any(|shown| shown.due_at == Some(claim.lease_until));
                if is_leased && claim.lease_until > request.now {
                    claims.work.push(claim);
                }
            }
        }
        Ok(self.told(request, claims))
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        let read: Vec<_> = settlements.iter().map(|settlement| self.read(settlement)).collect();
        let mut lanes = lanes.to_vec();
        for lane in &mut lanes {
            match self.fault {
                Fault::LosesRaises if lane.seen > 0 || lane.health.is_none() => lane.raise = None,
                Fault::AppliesOutdatedHealth => {
                    let seen = (lane.seen..lane.seen + 3).map(|seen| LaneChange { seen, ..lane.clone() });
                    let all: Vec<_> = seen.collect();
                    self.store.settle(&[], &all, now).await?;
                }
                _ => {}
            }
        }
        if self.is(Fault::StopsABatchAtTheFirstStaleItem) {
            let mut settled = self.store.settle(&[], &lanes, now).await?;
            for settlement in &read {
                if settled.iter().all(|other| *other == Settled::Applied) {
                    settled.extend(self.store.settle(std::slice::from_ref(settlement), &[], now).await?);
                } else {
                    settled.push(Settled::Fenced);
                }
            }
            return Ok(settled);
        }
        let mut settled = self.store.settle(&read, &lanes, now).await?;
        match self.fault {
            Fault::TakesMissingForFenced => {
                for settled in settled.iter_mut().filter(|settled| **settled == Settled::Missing) {
                    *settled = Settled::Fenced;
                }
            }
            Fault::DropsUnmatchedEvents => {
                self.store.prune(&[(Class::Unmatched, Timestamp::MAX)], 1000).await?;
            }
            Fault::KeepsReleasedEvents => {
                for (settlement, settled) in settlements.iter().zip(&mut settled) {
                    if is_release_of_event(settlement) {
                        *settled = Settled::Applied;
                    }
                }
            }
            _ => {}
        }
        if self.is(Fault::RevivesTerminalDeliveries) {
            for (settlement, settled) in read.iter().zip(&settled) {
                if let (Claimed::Delivery(id), Settled::Fenced, Next::Later { .. }) =
                    (&settlement.of, settled, &settlement.next)
                {
                    self.past().revived.insert(*id);
                }
            }
        }
        Ok(settled)
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        let mut read = Vec::new();
        for (gate, change) in changes {
            let of_tenant = matches!(gate, Gate::Tenant(_));
            let of_lane = matches!(gate, Gate::Lane(_));
            let (gate, change) = (gate.clone(), *change);
            match (self.fault, change) {
                (Fault::ServesPausedLanes, GateChange::Pause) if of_lane => continue,
                (Fault::IgnoresTenantGates, _) if of_tenant => continue,
                (Fault::IgnoresHostGates, GateChange::Hold(_)) if matches!(gate, Gate::Host(_)) => continue,
                (Fault::ForgetsHeldLanes, GateChange::Hold(_)) if of_lane => {
                    read.push((gate.clone(), GateChange::Hold(Timestamp::MAX)));
                }
                (Fault::ShortensHolds, GateChange::Hold(_)) => read.push((gate.clone(), GateChange::Lift)),
                (Fault::LiftsPauses, GateChange::Lift) if of_tenant || of_lane => {
                    read.push((gate.clone(), GateChange::Resume));
                }
                _ => {}
            }
            read.push((gate, change));
        }
        self.store.gate(&read, now).await
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        let mut classes = before.to_vec();
        let tenants = self.past().tenants.clone();
        match self.fault {
            Fault::PrunesPending => {
                for tenant in tenants {
                    let page = PageAfter::first(1000);
                    let all = Selection {
                        state: Some(hookpost::seam::StateFilter::Pending),
                        ..Selection::default()
                    };
                    self.store.cancel(&tenant, &all, CancelReason::ByHost, Timestamp::EPOCH, page).await?;
                }
            }
            Fault::PrunesNothingUnmatched => classes.retain(|(class, _)| *class != Class::Unmatched),
            Fault::PrunesWithoutLimit => return self.store.prune(before, 1000).await,
            _ => {}
        }
        self.store.prune(&classes, limit).await
    }

    async fn hint(&self) {
        self.store.hint().await;
    }
}

/// Gives a claim back.
fn release(claim: &Claim) -> Settlement {
    Settlement {
        token: claim.token,
        of: Claimed::Delivery(claim.delivery),
        at: claim.due_at,
        next: Next::Release,
        attempt: None,
    }
}

#[async_trait]
impl Directory for Broken {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Subscribers, StoreError> {
        if self.is(Fault::ShowsDisabledEndpoints) {
            let endpoints = self.store.list(&event.tenant, after, limit).await?;
            let last = endpoints.last().map(|endpoint| endpoint.id.clone());
            return Ok(Subscribers { more_after: last.filter(|_| endpoints.len() == limit), endpoints });
        }
        self.store.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Option<Arc<Endpoint>>>, StoreError> {
        let mut loaded = self.store.load(ids).await?;
        match self.fault {
            Fault::LoadsInReverse => loaded.reverse(),
            Fault::LosesHeaders => {
                for endpoint in loaded.iter_mut().flatten() {
                    *endpoint = Arc::new(Endpoint { headers: Headers::none(), ..Endpoint::clone(endpoint) });
                }
            }
            _ => {}
        }
        Ok(loaded)
    }

    async fn disable(&self, id: &EndpointId, seen_version: u64, why: &str) -> Result<bool, StoreError> {
        let there = self.store.load(std::slice::from_ref(id)).await?;
        let seen_version = match (self.fault, &there[0]) {
            (Fault::DisablesWhateverTheVersion, Some(endpoint)) => endpoint.version,
            _ => seen_version,
        };
        self.store.disable(id, seen_version, why).await
    }
}

#[async_trait]
impl Registry for Broken {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        let mut write = write.clone();
        let there = self.store.load(std::slice::from_ref(&write.endpoint.id)).await?;
        if let (Fault::IgnoresVersions, Expected::Version(_), Some(there)) =
            (self.fault, write.expected, &there[0])
        {
            write.expected = Expected::Version(there.version);
        }
        write.unique_url &= !self.is(Fault::IgnoresUrls);
        write.width = if self.is(Fault::IgnoresWidth) { 1000 } else { write.width };
        if let (Fault::GivesIdsToAnyTenant, Some(there)) = (self.fault, &there[0])
            && there.tenant != write.endpoint.tenant
        {
            self.store.remove(&there.tenant, &there.id).await?;
        }
        match self.store.put(&write).await? {
            Put::Stored { .. } if self.is(Fault::NeverCountsVersions) => Ok(Put::Stored { version: 1 }),
            put => Ok(put),
        }
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        if self.is(Fault::OnlyDisablesWhatIsRemoved) {
            let there = self.store.load(std::slice::from_ref(id)).await?;
            let Some(endpoint) = there[0].as_ref().filter(|endpoint| endpoint.tenant == *tenant) else {
                return Ok(false);
            };
            return self.store.disable(id, endpoint.version, "removed").await;
        }
        let was_there = self.store.remove(tenant, id).await?;
        if was_there && self.is(Fault::KeepsPausesOfRemovedEndpoints) {
            let pause = [(Gate::Lane(id.clone()), GateChange::Pause)];
            // Refused where there never was a lane, and then there is no pause to keep.
            self.store.gate(&pause, Timestamp::EPOCH).await.unwrap_or_default();
        }
        Ok(was_there)
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Vec<Arc<Endpoint>>, StoreError> {
        self.store.list(tenant, after, limit).await
    }
}

#[async_trait]
impl History for Broken {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        let found = self.store.event(tenant, id).await?.filter(|_| !self.is(Fault::ReadsNoEvents));
        Ok(found.map(|event| self.unmask(&event)))
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        let mut page = self.store.deliveries(query, page).await?;
        for delivery in &mut page.deliveries {
            if self.past().revived.contains(&delivery.id) {
                delivery.state = State::Pending;
            }
            if self.is(Fault::ForgetsWhenItEnded) {
                delivery.settled_at = None;
            }
        }
        if self.is(Fault::ForgetsTheLastOfAPage) && page.more_after.is_some() {
            page.deliveries.pop();
        }
        Ok(page)
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        let mut log = self.store.attempts(&self.tenant_of(tenant, id).await, id).await?;
        let of_it = Selection { ids: Some(vec![*id]), ..Selection::default() };
        let query = DeliveryQuery { tenant: tenant.clone(), selection: of_it };
        let shown = self.store.deliveries(&query, PageAfter::first(1)).await?.deliveries;
        let is_over = shown.iter().any(|delivery| delivery.state.is_terminal());
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::ForgetsSilentLeases) && is_over) {
            log.silent.clear();
        }
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::CutsTimesToMilliseconds)) {
            for recorded in &mut log.attempts {
                recorded.attempt.began_at = cut(recorded.attempt.began_at);
            }
        }
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::NumbersEveryAttemptOne)) {
            for recorded in &mut log.attempts {
                recorded.number = 1;
            }
        }
        Ok(log)
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        let mut replay = replay.clone();
        if self.is(Fault::RepeatsReplays) {
            self.past().replays += 1;
            replay.id = ReplayId::new(format!("{}-{}", replay.id, self.past().replays)).unwrap();
        }
        self.store.replay(&replay, page).await
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        if self.is(Fault::ExpeditesNothing) {
            return Ok(Replayed::default());
        }
        let expedited = self.store.expedite(tenant, selection, now, page).await?;
        if self.is(Fault::EndsPausesByExpediting) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            for delivery in self.store.deliveries(&query, page).await?.deliveries {
                self.store.gate(&[(Gate::Lane(delivery.endpoint), GateChange::Resume)], now).await?;
            }
        }
        Ok(expedited)
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        if self.is(Fault::CancelsOnlyWhatWaits) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            let shown = self.store.deliveries(&query, page).await?.deliveries;
            let leased = |id: &DeliveryId, due| {
                self.past().claims.get(id).is_some_and(|claim| Some(claim.lease_until) == due)
            };
            let waiting = shown.iter().filter(|shown| !leased(&shown.id, shown.due_at)).map(|shown| shown.id);
            let waiting = Selection { ids: Some(waiting.collect()), ..selection.clone() };
            return self.store.cancel(tenant, &waiting, reason, now, page).await;
        }
        if self.is(Fault::SaysItCancelledEverything) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            let shown = self.store.deliveries(&query, page).await?;
            self.store.cancel(tenant, selection, reason, now, page).await?;
            let deliveries = shown.deliveries.iter().map(|delivery| delivery.id).collect();
            return Ok(Replayed { deliveries, more_after: shown.more_after });
        }
        self.store.cancel(tenant, selection, reason, now, page).await
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.store.stats(tenant.filter(|_| !self.is(Fault::CountsAllForEach))).await
    }
}

#[async_trait]
impl Limiter for Broken {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        match self.fault {
            Fault::LimitsByFixedWindows => {
                Ok(asks.iter().map(|ask| self.past().take_of_fixed_window(ask, now)).collect())
            }
            Fault::CountsGrantsFromTheirAsking => self.store.take(asks, now, now).await,
            Fault::LimitsByTheFirstLimitAlone => {
                let first =
                    |ask: &Ask| Ask { limits: ask.limits.iter().take(1).cloned().collect(), ..ask.clone() };
                self.store.take(&asks.iter().map(first).collect::<Vec<_>>(), now, start_by).await
            }
            Fault::GrantsFromTheBack => {
                let asks: Vec<_> = asks.iter().rev().cloned().collect();
                let mut grants = self.store.take(&asks, now, start_by).await?;
                grants.reverse();
                Ok(grants)
            }
            Fault::KeepsOneLogForAll => {
                let mut asks = asks.to_vec();
                for (key, _) in asks.iter_mut().flat_map(|ask| &mut ask.limits) {
                    key.of.clear();
                }
                self.store.take(&asks, now, start_by).await
            }
            Fault::ForgetsGrants => MemoryStore::new(Arc::new(Still)).take(asks, now, start_by).await,
            _ => self.store.take(asks, now, start_by).await,
        }
    }
}

impl Past {
    /// The limiter that everybody writes first: a counter that starts anew with each
    /// window of the clock.
    fn take_of_fixed_window(&mut self, ask: &Ask, now: Timestamp) -> Grant {
        let (mut starts, mut refusal) = (ask.starts, None::<Refusal>);
        let mut slots = Vec::new();
        for (key, limit) in &ask.limits {
            let length = i64::try_from(limit.window().as_micros()).unwrap();
            let number = now.as_micros().div_euclid(length);
            let used = self.windows.entry((key.clone(), limit.window(), number)).or_default();
            let room = limit.starts() - *used;
            starts = starts.min(room);
            let until = Timestamp::from_micros((number + 1) * length);
            if room < ask.starts && refusal.as_ref().is_none_or(|refusal| refusal.until < until) {
                refusal = Some(Refusal { limit: key.clone(), until });
            }
            slots.push((key.clone(), limit.window(), number));
        }
        for slot in slots {
            *self.windows.entry(slot).or_default() += starts;
        }
        Grant { starts, refusal }
    }
}
