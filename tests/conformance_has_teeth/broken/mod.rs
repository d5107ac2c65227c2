//! Broken stores: the memory store behind a wrapper that spoils one thing.

mod asking;
mod endpoints;
mod limiter;
mod order;
mod queue;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::backend::{Clock, Directory, History, Limiter, Registry, Store};
use hookpost::delivery::{
    CancelReason, Claim, ClaimRequest, Claimed, Claims, EventClaim, EventMeta, Gate, GateChange, InFlight,
    Next, Progress, Publish, PublishAnswer, Published, Route, Settled, Settlement, State,
};
use hookpost::endpoint::{EndpointPage, Expected, Generation, Loaded, Put, Write};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::history::{
    AttemptLog, Class, ClosedGate, DeliveryPage, DeliveryQuery, Disabled, LaneStatus, PageAfter, Replay,
    Replayed, Selection, Stats,
};
use hookpost::id::{DeliveryId, EndpointId, EventId, ReplayId, TenantId, Token};
use hookpost::policy::lane::{CatchUp, Lane, LaneChange};
use hookpost::policy::rate::{Ask, Asker, Grant, LimitKey, Refusal};
use hookpost::sequence::Sequence;
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
    ForgetsWhatIsInFlight,
    SharesNothing,
    SharesNoDoubtfulLanes,
    TrustsDoubtfulLanes,
    ForgetsTheLanes,
    SaysNextDueTooLate,
    NeverSaysNextDue,
    HidesWhatSettlingMakesDue,
    LeasesForEver,
    CountsReleases,
    ForgetsSilentLeases,
    LetsDeferralsEndSilence,
    GivesSuspectsToAnybody,
    ForgetsWhyItFailed,
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
    EndsEveryHold,
    LearnsNothingAcrossAHold,
    CancelsWhatIsUnderWay,
    IgnoresGenerations,
    CountsNoGenerations,
    HoldsWhatBeginsAnew,
    LiftsHoldsAtEveryWrite,
    DisablesWhateverTheRegistration,
    NeverCatchesUp,
    CatchesUpUnasked,
    CatchesUpWithoutItsGap,
    CatchesUpWithWhatFailsLater,
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
    ServesLanesBeforeTenants,
    ServesLaneAfterLane,
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
    GivesRemovedIdsToAnyTenant,
    LoadsInReverse,
    OnlyDisablesWhatIsRemoved,
    RemovesEndpointsAtNoPlace,
    FinishesInSilence,
    TakesEveryRoute,
    StatesALimitThatItDoesNotHold,
    RefusesTheLargestThatItStates,
    CancelsWhateverItsPlace,
    KeepsPausesOfRemovedEndpoints,
    ForgetsTheLastOfAPage,
    ExpeditesNothing,
    SaysItCancelledEverything,
    GrantsFromTheBack,
    GrantsToWhoeverAsksFirst,
    TakesATenantsEndpointsForOne,
    KeepsOneLogForAll,
    ForgetsGrants,
    StoresIdsAgain,
    ReadsNoEvents,
    RoutesWhatIsRouted,
    ShowsEveryQueueAsNew,
    ForgetsWhyItDisabled,
    ListsGatesThatHaveOpened,
    SwitchesNothingOff,
    RoutesAtOnceWhatIsToWait,
    NumbersByCreation,
    BeginsEndpointsFirst,
    NumbersRegistrationsByThemselves,
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
    /// The number of the claim that a lane was last served by.
    turns: BTreeMap<EndpointId, usize>,
    /// The version at which a lane was held and nothing else learned.
    held_at: BTreeMap<EndpointId, u64>,
    windows: BTreeMap<(LimitKey, Duration, i64), u32>,
}

/// A store with a fault.
pub(crate) struct Broken {
    fault: Fault,
    store: Arc<MemoryStore>,
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
        Self { fault, store: Arc::new(MemoryStore::with_clock(Still)), past: Mutex::default() }
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
            if self.is(Fault::TakesEveryRoute) {
                route.registration = 0;
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
            Fault::ForgetsWhatIsInFlight => request.shares.in_flight.clear(),
            Fault::SharesNothing => request.shares.of_all = usize::MAX,
            Fault::TrustsDoubtfulLanes => request.doubtful = usize::MAX,
            Fault::SharesNoDoubtfulLanes => request.shares.of_doubtful = usize::MAX,
            Fault::LeasesForEver => request.lease_until = Timestamp::MAX,
            Fault::CutsTimesToMilliseconds => request.lease_until = cut(request.lease_until),
            _ => {}
        }
        request
    }

    fn told(&self, request: &ClaimRequest, mut claims: Claims) -> Claims {
        for claim in &mut claims.work {
            claim.event = self.unmask(&claim.event);
            if self.is(Fault::NumbersByCreation) {
                claim.born = by_creation(&claim.event);
            }
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
            if self.is(Fault::NumbersByCreation) {
                claim.sequence = by_creation(&claim.event);
            }
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
                sequence: claim.born,
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
            Fault::ForgetsWhyItFailed => {
                if let Next::Failed { reason, progress, .. } = read.next {
                    read.next = Next::Done { state: State::Failed(reason), progress };
                }
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
            Fault::RoutesAtOnceWhatIsToWait => {
                if let Next::RouteLater { due_at } = &mut read.next {
                    *due_at = read.at;
                }
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

/// What a clock would make of the order.
fn by_creation(event: &Event) -> Sequence {
    Sequence::from_number(u64::try_from(event.created_at.as_micros()).unwrap_or(0))
}
