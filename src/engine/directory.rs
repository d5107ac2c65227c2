//! Reading endpoints from the directory. The endpoints of some tenants do not come in time, or
//! are not judged in time, since there are many and large ones, or since the directory is slow.
//! The work of these tenants goes on apart, so that the work of others does not wait for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use crate::backend::Directory;
use crate::delivery::{Claim, EventMeta};
use crate::endpoint::EndpointPage;
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, TenantId};

use super::endpoint_cache::{EndpointCache, FRESH, LookedUp};
use super::guard::{About, Guard, within};
use super::store_clock::StoreClock;

/// The work of other tenants waits so long for a tenant's endpoints.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);
/// A tenant is asked for apart until it has answered in time for so long.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// So many calls for a tenant that is asked for apart are under way at most.
const CALLS_MAX: usize = 8;
/// More tenants than this are not remembered: each costs the others its patience again.
const REMEMBERED: usize = 10_000;

/// The directory, the endpoints that it gave lately, and the tenants whose endpoints come late.
pub(crate) struct Endpoints {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) cache: EndpointCache,
    pub(super) laggards: Arc<Laggards>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
}

impl Endpoints {
    /// A page of the endpoints that may want an event. The directory may be a host's own:
    /// one that never comes to an end is an error.
    pub(super) async fn subscribers(
        &self,
        meta: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        let began = self.clock.elapsed();
        let page = self.directory.subscribers(meta, after, limit).await;
        self.laggards.note_answer(&meta.tenant, began, self.clock.elapsed());
        let page = page?;
        if page.more_after.is_some() && page.more_after.as_ref() <= after {
            let rule = "directory: a page must end after the one before it";
            return Err(StoreError::new(StoreErrorKind::Invalid, rule));
        }
        self.guard.news.is_over(|| About::Tenant(meta.tenant.clone()));
        Ok(page)
    }

    /// The endpoints of claimed deliveries.
    pub(super) async fn look_up(&self, work: &[Claim]) -> LookedUp {
        let wanted = work.iter().map(|claim| (&claim.event.tenant, &claim.endpoint));
        self.cache.look_up(&*self.directory, wanted, self.clock.elapsed()).await
    }

    /// Looks up for as long as the answer would be fresh enough to be used.
    pub(super) async fn look_up_in_time(&self, work: &[Claim]) -> LookedUp {
        let looked_up = within(FRESH, self.look_up(work)).await;
        looked_up.unwrap_or_else(|| LookedUp::unreached(work))
    }

    /// Looks up for a tenant that is asked for apart, unless too many calls for it are under
    /// way.
    pub(super) async fn look_up_apart(&self, tenant: &TenantId, work: &[Claim]) -> LookedUp {
        let Some(_turn) = self.laggards.turn(tenant) else { return LookedUp::unreached(work) };
        let asked_at = self.clock.elapsed();
        let looked_up = self.look_up_in_time(work).await;
        self.laggards.note_answer(tenant, asked_at, self.clock.elapsed());
        looked_up
    }
}

/// What is known of the tenants whose endpoints came late.
#[derive(Debug, Default)]
pub(crate) struct Laggards(Mutex<BTreeMap<TenantId, Late>>);

#[derive(Debug, Default)]
struct Late {
    /// When a call for the tenant last took too long.
    at: Duration,
    /// How many calls for it are under way.
    calls: usize,
}

/// The right to make a call for a tenant.
#[derive(Debug)]
pub(crate) struct Turn {
    laggards: Arc<Laggards>,
    tenant: TenantId,
}

impl Laggards {
    /// Whether a tenant is asked for apart.
    pub(crate) fn contain(&self, tenant: &TenantId) -> bool {
        self.late().contains_key(tenant)
    }

    /// The right to make a call for a tenant; `None` where too many are under way.
    pub(crate) fn turn(self: &Arc<Self>, tenant: &TenantId) -> Option<Turn> {
        if let Some(late) = self.late().get_mut(tenant) {
            if late.calls >= CALLS_MAX {
                return None;
            }
            late.calls += 1;
        }
        Some(Turn { laggards: Arc::clone(self), tenant: tenant.clone() })
    }

    /// A call for a tenant has not come to its end in time.
    pub(crate) fn note_late(&self, tenant: &TenantId, now: Duration) {
        let mut late = self.late();
        if late.len() >= REMEMBERED && !late.contains_key(tenant) {
            late.clear();
        }
        late.entry(tenant.clone()).or_default().at = now;
    }

    /// A call for a tenant that `began` then has come to its end.
    pub(crate) fn note_answer(&self, tenant: &TenantId, began: Duration, now: Duration) {
        if now.saturating_sub(began) >= PATIENCE {
            self.note_late(tenant, now);
            return;
        }
        let mut late = self.late();
        if late.get(tenant).is_some_and(|late| now.saturating_sub(late.at) >= REMEMBERED_FOR) {
            late.remove(tenant);
        }
    }

    fn late(&self) -> MutexGuard<'_, BTreeMap<TenantId, Late>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits as long as others do, and divides what is done from what is still under way.
pub(crate) async fn divide<K, T>(
    mut work: Vec<(K, BoxFuture<'static, T>)>,
) -> (Vec<T>, Vec<(K, BoxFuture<'static, T>)>) {
    let mut done = Vec::with_capacity(work.len());
    let mut all = std::pin::pin!(poll_fn(|cx| {
        work.retain_mut(|(_, one)| match one.poll_unpin(cx) {
            Poll::Ready(one) => {
                done.push(one);
                false
            }
            Poll::Pending => true,
        });
        if work.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }));
    within(PATIENCE, all.as_mut()).await;
    (done, work)
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(late) = self.laggards.late().get_mut(&self.tenant) {
            late.calls = late.calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::passed;
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_tenant_is_asked_for_apart_until_it_has_answered_in_time_for_a_minute() {
        let (laggards, mallory) = (Laggards::default(), "mallory".parse().unwrap());
        let now = seconds(100);
        laggards.note_answer(&mallory, now, now + PATIENCE / 2);
        assert!(!laggards.contain(&mallory));
        laggards.note_answer(&mallory, now, now + PATIENCE);
        assert!(laggards.contain(&mallory) && !laggards.contain(&"bob".parse().unwrap()));
        laggards.note_answer(&mallory, seconds(159), seconds(159));
        assert!(laggards.contain(&mallory), "59 s after it was late");
        laggards.note_late(&mallory, seconds(160));
        laggards.note_answer(&mallory, seconds(219), seconds(219));
        assert!(laggards.contain(&mallory), "59 s after it was late again");
        laggards.note_answer(&mallory, seconds(220), seconds(220));
        assert!(!laggards.contain(&mallory));
    }

    #[test]
    fn a_tenant_that_is_asked_for_apart_has_a_bounded_number_of_calls_under_way() {
        let (laggards, mallory) = (Arc::new(Laggards::default()), "mallory".parse().unwrap());
        let in_time: Vec<_> = (0..20).map(|_| laggards.turn(&mallory)).collect();
        assert!(in_time.iter().all(Option::is_some));
        laggards.note_late(&mallory, seconds(1));
        let mut turns: Vec<_> = std::iter::from_fn(|| laggards.turn(&mallory)).collect();
        assert_eq!(turns.len(), CALLS_MAX);
        turns.pop();
        assert!(laggards.turn(&mallory).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_does_not_wait_for_what_is_not() {
        let work = |time: u64| {
            async move {
                passed(Duration::from_millis(time)).await;
                time
            }
            .boxed()
        };
        let all = || [100, 10_000, 0, 200].map(|time| (time, work(time))).into_iter().collect();
        let (done, left) = divide(all()).await;
        assert_eq!(done, [0, 100, 200]);
        assert_eq!(left.into_iter().map(|(time, _)| time).collect::<Vec<_>>(), [10_000]);
    }
}
