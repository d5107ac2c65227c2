//! What the cases are written in: drafts of events, claims with generous requests,
//! and settlements, on virtual time.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::delivery::{
    Attempt, AttemptResult, Claim, ClaimRequest, Claimed, Claims, Delivery, EventClaim, FailReason, Gate,
    GateChange, Next, Progress, Publish, PublishAnswer, Published, Route, Settled, Settlement, State,
};
use crate::event::{Event, JSON};
use crate::id::{
    DeliveryId, EndpointId, EventId, EventType, HostName, IdError, IdempotencyKey, OrderingKey, Round,
    TenantId, Token,
};
use crate::seam::{AttemptLog, Backend, DeliveryQuery, PageAfter, Selection};
use crate::time::Timestamp;

use super::{Breach, Verdict};

/// The case ends with that sentence unless the condition holds.
macro_rules! demand {
    ($holds:expr, $($sentence:tt)+) => {
        if !$holds {
            return Err($crate::conformance::Breach::new(format!($($sentence)+)));
        }
    };
}
pub(super) use demand;

impl From<IdError> for Breach {
    fn from(error: IdError) -> Self {
        Self::new(format!("the case is broken: {error}"))
    }
}

/// The case ends unless both are the same.
#[allow(clippy::needless_pass_by_value, reason = "it reads as assert_eq does")]
pub(super) fn same<A: PartialEq<B> + Debug, B: Debug>(what: &str, found: A, expected: B) -> Verdict {
    demand!(found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}

/// That many seconds after the cases' beginning.
pub(super) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

/// The length of the leases that [`Scene::claim_at`] takes.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The tenant of cases that need one only.
pub(super) const TENANT: &str = "acme";

pub(super) fn tenant(name: &str) -> Result<TenantId, Breach> {
    Ok(TenantId::new(name)?)
}

pub(super) fn endpoint(name: &str) -> Result<EndpointId, Breach> {
    Ok(EndpointId::new(name)?)
}

/// The host that routes to an endpoint name.
pub(super) fn host_of(endpoint: &str) -> Result<HostName, Breach> {
    Ok(HostName::new(format!("{endpoint}.example"))?)
}

pub(super) fn lane(name: &str) -> Result<Gate, Breach> {
    Ok(Gate::Lane(endpoint(name)?))
}

/// An event to be published, with its routes if they are known.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) event: Event,
    pub(super) routes: Option<Vec<Route>>,
}

/// An event of [`TENANT`], created at the beginning, not routed yet.
pub(super) fn draft(id: &str) -> Result<Draft, Breach> {
    let event = Event {
        id: EventId::new(id)?,
        tenant: tenant(TENANT)?,
        kind: EventType::new("order.paid")?,
        payload: Bytes::from(format!("{{\"event\":\"{id}\"}}")),
        content_type: JSON.to_owned(),
        created_at: at(0),
        scope: None,
        idempotency_key: None,
        ordering_key: None,
        not_before: None,
        expires_at: None,
        trace: None,
    };
    Ok(Draft { event, routes: None })
}

impl Draft {
    pub(super) fn of(mut self, tenant: &str) -> Result<Self, Breach> {
        self.event.tenant = TenantId::new(tenant)?;
        Ok(self)
    }

    pub(super) fn created(mut self, moment: Timestamp) -> Self {
        self.event.created_at = moment;
        self
    }

    pub(super) fn keyed(mut self, key: &str) -> Result<Self, Breach> {
        self.event.ordering_key = Some(OrderingKey::new(key)?);
        Ok(self)
    }

    pub(super) fn once(mut self, key: &str) -> Result<Self, Breach> {
        self.event.idempotency_key = Some(IdempotencyKey::new(key)?);
        Ok(self)
    }

    /// Goes to these endpoints, due at its creation. To be said after all that the
    /// routes follow from.
    pub(super) fn to(mut self, endpoints: &[&str]) -> Result<Self, Breach> {
        let routes = endpoints.iter().map(|name| route(&self.event, name));
        self.routes = Some(routes.collect::<Result<_, _>>()?);
        Ok(self)
    }

    /// Changes each of its routes.
    pub(super) fn with_routes(mut self, change: impl Fn(&mut Route)) -> Self {
        self.routes.iter_mut().flatten().for_each(change);
        self
    }

    pub(super) fn due(self, moment: Timestamp) -> Self {
        self.with_routes(|route| route.due_at = moment)
    }

    pub(super) fn publish(&self) -> Publish {
        Publish { event: Arc::new(self.event.clone()), routes: self.routes.clone() }
    }

    pub(super) fn deliveries(&self) -> Vec<DeliveryId> {
        self.routes.iter().flatten().map(|route| route.delivery).collect()
    }
}

/// What routing makes of an event for an endpoint: a lane of width 8.
pub(super) fn route(event: &Event, name: &str) -> Result<Route, Breach> {
    let endpoint = endpoint(name)?;
    let round = Round::Routing;
    Ok(Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint, &round),
        host: host_of(name)?,
        width: 8,
        due_at: event.born_at(),
        born_at: event.born_at(),
        test: false,
        endpoint,
        round,
    })
}

/// A fresh backend, and the tokens drawn for it.
pub(super) struct Scene {
    backend: Arc<dyn Backend>,
    tokens: AtomicU64,
}

impl Deref for Scene {
    type Target = dyn Backend;
    fn deref(&self) -> &Self::Target {
        self.backend.as_ref()
    }
}

impl Scene {
    pub(super) fn on(backend: Arc<dyn Backend>) -> Self {
        Self { backend, tokens: AtomicU64::new(0) }
    }

    pub(super) fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    pub(super) fn token(&self) -> Token {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.tokens.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Token::from_bytes(bytes)
    }

    /// A request that leaves nothing out.
    pub(super) fn request(&self, now: Timestamp) -> ClaimRequest {
        ClaimRequest {
            token: self.token(),
            now,
            lease_until: now + LEASE,
            deliveries: 1000,
            events: 1000,
            per_tenant: 1000,
            skip_tenants: Vec::new(),
            doubtful: 1000,
            alone: false,
        }
    }

    pub(super) async fn claim_at(&self, now: Timestamp) -> Result<Claims, Breach> {
        Ok(self.claim(&self.request(now)).await?)
    }

    /// Publishes and answers what the store said.
    pub(super) async fn offer(&self, drafts: &[Draft], now: Timestamp) -> Result<Vec<PublishAnswer>, Breach> {
        let publishes: Vec<_> = drafts.iter().map(Draft::publish).collect();
        let (answers, claims) = self.publish(&publishes, None, now).await?;
        same("answers to a publish", answers.len(), drafts.len())?;
        demand!(claims.work.is_empty(), "a publish without a request gave work");
        Ok(answers)
    }

    /// Publishes what must be stored, each event at its creation.
    pub(super) async fn store(&self, drafts: impl IntoIterator<Item = Draft>) -> Verdict {
        for draft in drafts {
            let answers = self.offer(std::slice::from_ref(&draft), draft.event.created_at).await?;
            let id = draft.event.id;
            same("the answer to a publish", answers, [PublishAnswer { id, published: Published::Stored }])?;
        }
        Ok(())
    }

    /// Stores one event for one endpoint and claims it at its due time.
    pub(super) async fn leased(&self, id: &str, endpoint: &str) -> Result<Claim, Breach> {
        let draft = draft(id)?.to(&[endpoint])?;
        let now = draft.event.created_at;
        self.store([draft]).await?;
        the_only(self.claim_at(now).await?.work)
    }

    pub(super) async fn settle_one(&self, settlement: Settlement) -> Result<Settled, Breach> {
        let now = settlement.at;
        the_only(self.settle(&[settlement], &[], now).await?)
    }

    /// Settles what must apply.
    pub(super) async fn apply(&self, settlements: impl Into<Vec<Settlement>>) -> Verdict {
        for settlement in settlements.into() {
            let of = settlement.of.clone();
            let settled = self.settle_one(settlement).await?;
            demand!(settled == Settled::Applied, "settling {of:?} with its own token: {settled:?}");
        }
        Ok(())
    }

    pub(super) async fn change_gate(&self, gate: Gate, change: GateChange, now: Timestamp) -> Verdict {
        Ok(self.gate(&[(gate, change)], now).await?)
    }

    /// A delivery of [`TENANT`].
    pub(super) async fn delivery(&self, id: DeliveryId) -> Result<Delivery, Breach> {
        let selection = Selection { ids: Some(vec![id]), ..Selection::default() };
        the_only(self.all(TENANT, selection).await?)
    }

    /// The deliveries of [`TENANT`] in that state.
    pub(super) async fn state_of(&self, id: DeliveryId) -> Result<State, Breach> {
        Ok(self.delivery(id).await?.state)
    }

    /// What is recorded of a delivery of [`TENANT`].
    pub(super) async fn log_of(&self, id: DeliveryId) -> Result<AttemptLog, Breach> {
        let log = self.attempts(&tenant(TENANT)?, &id).await?;
        log.ok_or_else(|| Breach::new(format!("nothing is known of {id}")))
    }

    /// Every delivery that fits, over all pages.
    pub(super) async fn all(&self, of: &str, selection: Selection) -> Result<Vec<Delivery>, Breach> {
        let query = DeliveryQuery { tenant: tenant(of)?, selection };
        let (mut found, mut page) = (Vec::new(), PageAfter::first(1000));
        loop {
            let answer = self.deliveries(&query, page).await?;
            found.extend(answer.deliveries);
            match answer.more_after {
                Some(after) => page.after = Some(after),
                None => return Ok(found),
            }
        }
    }
}

/// The one thing there is.
pub(super) fn the_only<T: Debug>(mut things: Vec<T>) -> Result<T, Breach> {
    demand!(things.len() == 1, "one was expected, found {things:?}");
    things.pop().ok_or_else(|| Breach::new("one was expected"))
}

/// Claimed deliveries as `event>endpoint`, in order.
pub(super) fn work(claims: &Claims) -> Vec<String> {
    claims.work.iter().map(|claim| format!("{}>{}", claim.event.id, claim.endpoint)).collect()
}

/// Claimed deliveries as `event>endpoint`, in no order.
pub(super) fn work_set(claims: &Claims) -> BTreeSet<String> {
    work(claims).into_iter().collect()
}

/// These names, in no order.
pub(super) fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Claimed events, in order.
pub(super) fn events(claims: &Claims) -> Vec<String> {
    claims.events.iter().map(|claim| claim.event.id.to_string()).collect()
}

/// What an attempt of a claim leaves behind: began at that moment, took 20 ms.
pub(super) fn attempt(claim: &Claim, status: u16, began_at: Timestamp) -> Attempt {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    Attempt {
        token: claim.token,
        began_at,
        took: Duration::from_millis(20),
        result: AttemptResult::Status(status),
        success: status.is_success(),
        body: Bytes::from_static(b"answer"),
    }
}

fn tried(claim: &Claim, status: u16, now: Timestamp, next: impl Fn(Progress) -> Next) -> Settlement {
    let progress = Progress {
        attempts: claim.attempts + 1,
        first_attempt_at: Some(claim.first_attempt_at.unwrap_or(now)),
    };
    Settlement {
        token: claim.token,
        of: Claimed::Delivery(claim.delivery),
        at: now,
        next: next(progress),
        attempt: Some(attempt(claim, status, now)),
    }
}

/// It was attempted at that moment and answered 200.
pub(super) fn delivered(claim: &Claim, now: Timestamp) -> Settlement {
    let state = State::Delivered { confirmed: true };
    tried(claim, 200, now, |progress| Next::Done { state, progress })
}

/// All of them were attempted at that moment and answered 200.
pub(super) fn all_delivered(claims: &[Claim], now: Timestamp) -> Vec<Settlement> {
    claims.iter().map(|claim| delivered(claim, now)).collect()
}

/// It was attempted at that moment and given up.
pub(super) fn given_up(claim: &Claim, reason: FailReason, now: Timestamp) -> Settlement {
    tried(claim, 500, now, |progress| Next::Done { state: State::Failed(reason), progress })
}

/// It was attempted at that moment and is due again then.
pub(super) fn retried(claim: &Claim, due_at: Timestamp, now: Timestamp) -> Settlement {
    tried(claim, 500, now, |progress| Next::Later { due_at, progress })
}

/// It was deferred without an attempt.
pub(super) fn deferred(claim: &Claim, due_at: Timestamp, now: Timestamp) -> Settlement {
    let progress = Progress { attempts: claim.attempts, first_attempt_at: claim.first_attempt_at };
    Settlement { next: Next::Later { due_at, progress }, ..released(claim, now) }
}

/// It was not attempted and is given back.
pub(super) fn released(claim: &Claim, now: Timestamp) -> Settlement {
    let of = Claimed::Delivery(claim.delivery);
    Settlement { token: claim.token, of, at: now, next: Next::Release, attempt: None }
}

/// The event goes to these endpoints, and to more after that one.
pub(super) fn routed(
    claim: &EventClaim,
    endpoints: &[&str],
    more_after: Option<&str>,
    now: Timestamp,
) -> Result<Settlement, Breach> {
    let routes = endpoints.iter().map(|name| route(&claim.event, name)).collect::<Result<_, _>>()?;
    let more_after = more_after.map(endpoint).transpose()?;
    Ok(Settlement {
        token: claim.token,
        of: Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone()),
        at: now,
        next: Next::Routed { routes, more_after },
        attempt: None,
    })
}

/// Runs futures on threads of their own, all at the same time.
pub(super) async fn at_once<T: Send + 'static>(
    running: Vec<impl Future<Output = T> + Send + 'static>,
) -> Result<Vec<T>, Breach> {
    let runtime = tokio::runtime::Handle::current();
    let threads: Vec<_> = running
        .into_iter()
        .map(|future| {
            let runtime = runtime.clone();
            tokio::task::spawn_blocking(move || runtime.block_on(future))
        })
        .collect();
    let mut results = Vec::new();
    for thread in threads {
        results.push(thread.await.map_err(|error| Breach::new(format!("a call did not return: {error}")))?);
    }
    Ok(results)
}
