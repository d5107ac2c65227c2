//! The helpers of the cases: drafts of events, claims without tight limits, and settlements, in
//! virtual time.

mod demands;
mod draft;
mod settlements;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::Backend;
use crate::delivery::{
    Claim, ClaimRequest, Claims, Delivery, Gate, GateChange, InFlight, PublishAnswer, Published, Settled,
    Settlement, Shares, State,
};
use crate::history::{AttemptLog, DeliveryQuery, PageAfter, Selection};
use crate::id::{DeliveryId, TenantId, Token};
use crate::time::Timestamp;

use super::{Breach, CaseResult};

pub(super) use demands::{demand, same, the_only};
pub(super) use draft::{Draft, TENANT, at, draft, endpoint, host_of, lane, route, tenant};
pub(super) use settlements::{
    all_delivered, attempt, deferred, delivered, given_up, released, retried, routed,
};

/// The length of the leases that [`Scene::claim_at`] takes.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// A new, empty backend, and the tokens that were drawn for it.
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

    /// A claim request whose limits exclude nothing.
    pub(super) fn request(&self, now: Timestamp) -> ClaimRequest {
        ClaimRequest {
            token: self.token(),
            now,
            lease_until: now + LEASE,
            deliveries: 1000,
            events: 1000,
            doubtful: 1000,
            shares: Shares::unlimited(),
            alone: false,
        }
    }

    pub(super) async fn claim_at(&self, now: Timestamp) -> Result<Claims, Breach> {
        Ok(self.claim(&self.request(now)).await?)
    }

    /// Publishes events, and returns the store's answers.
    pub(super) async fn offer(&self, drafts: &[Draft], now: Timestamp) -> Result<Vec<PublishAnswer>, Breach> {
        let publishes: Vec<_> = drafts.iter().map(Draft::publish).collect();
        let (answers, claims) = self.publish(&publishes, None, now).await?;
        same("answers to a publish", answers.len(), drafts.len())?;
        demand!(claims.work.is_empty(), "a publish without a request gave work");
        Ok(answers)
    }

    /// Publishes each event at its creation. The store must accept each.
    pub(super) async fn store(&self, drafts: impl IntoIterator<Item = Draft>) -> CaseResult {
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
        the_only(self.settle(&[settlement], &[], now).await?.0)
    }

    /// Writes settlements, each of which must be applied.
    pub(super) async fn apply(&self, settlements: impl Into<Vec<Settlement>>) -> CaseResult {
        for settlement in settlements.into() {
            let of = settlement.of.clone();
            let settled = self.settle_one(settlement).await?;
            demand!(settled == Settled::Applied, "settling {of:?} with its own token: {settled:?}");
        }
        Ok(())
    }

    pub(super) async fn change_gate(&self, gate: Gate, change: GateChange, now: Timestamp) -> CaseResult {
        Ok(self.gate(&[(gate, change)], now).await?)
    }

    /// A delivery of [`TENANT`].
    pub(super) async fn delivery(&self, id: DeliveryId) -> Result<Delivery, Breach> {
        let selection = Selection { ids: Some(vec![id]), ..Selection::default() };
        the_only(self.all(TENANT, selection).await?)
    }

    /// The state of a delivery of [`TENANT`].
    pub(super) async fn state_of(&self, id: DeliveryId) -> Result<State, Breach> {
        Ok(self.delivery(id).await?.state)
    }

    /// The attempts and silent leases of a delivery of [`TENANT`].
    pub(super) async fn log_of(&self, id: DeliveryId) -> Result<AttemptLog, Breach> {
        let log = self.attempts(&tenant(TENANT)?, &id).await?;
        log.ok_or_else(|| Breach::new(format!("nothing is known of {id}")))
    }

    /// Every delivery that the selection contains, from all pages.
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

/// States in the request that the caller already has `count` deliveries of that tenant in flight,
/// all in doubtful lanes.
pub(super) fn holds(request: &mut ClaimRequest, tenant: TenantId, count: usize) {
    request.shares.in_flight.insert(tenant, InFlight { all: count, doubtful: count });
}

/// Claimed deliveries as `event>endpoint`, in order.
pub(super) fn work(claims: &Claims) -> Vec<String> {
    claims.work.iter().map(|claim| format!("{}>{}", claim.event.id, claim.endpoint)).collect()
}

/// Claimed deliveries as `event>endpoint`, without an order.
pub(super) fn work_set(claims: &Claims) -> BTreeSet<String> {
    work(claims).into_iter().collect()
}

/// These names, without an order.
pub(super) fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Claimed events, in order.
pub(super) fn events(claims: &Claims) -> Vec<String> {
    claims.events.iter().map(|claim| claim.event.id.to_string()).collect()
}

/// Runs futures at the same time, each on a thread of its own.
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
