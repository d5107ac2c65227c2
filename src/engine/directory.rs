//! Reads endpoints from the directory. A tenant's endpoints may take too long to load or to
//! judge, because they are many or large, or because the directory is slow. The work of such a
//! tenant continues apart, so that the work of others does not wait for it.

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

/// How long the work of other tenants waits for one tenant's endpoints.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);
/// A tenant is loaded apart until it answers in time, and for at least this long after its last
/// late answer.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// The most concurrent calls for a tenant that is loaded apart.
const CALLS_MAX: usize = 8;
/// The most late tenants that are remembered. A forgotten one makes others wait again.
const REMEMBERED: usize = 10_000;

/// The directory, a cache of its endpoints, and the tenants whose endpoints load late.
pub(crate) struct Endpoints {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) cache: EndpointCache,
    pub(super) laggards: Arc<Laggards>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
}

impl Endpoints {
    /// A page of the endpoints that may want an event. The directory may be a host's own, so a
    /// directory that returns pages without end is an error.
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

    /// Looks up endpoints for at most as long as the result would be fresh enough to use.
    pub(super) async fn look_up_in_time(&self, work: &[Claim]) -> LookedUp {
        let looked_up = within(FRESH, self.look_up(work)).await;
        looked_up.unwrap_or_else(|| LookedUp::unreached(work))
    }

    /// Looks up endpoints of a tenant that is loaded apart, unless too many calls for it are
    /// running.
    pub(super) async fn look_up_apart(&self, tenant: &TenantId, work: &[Claim]) -> LookedUp {
        let Some(_turn) = self.laggards.turn(tenant) else { return LookedUp::unreached(work) };
        let asked_at = self.clock.elapsed();
        let looked_up = self.look_up_in_time(work).await;
        self.laggards.note_answer(tenant, asked_at, self.clock.elapsed());
        looked_up
    }
}

/// The tenants whose endpoints loaded late.
#[derive(Debug, Default)]
pub(crate) struct Laggards(Mutex<BTreeMap<TenantId, Late>>);

#[derive(Debug, Default)]
struct Late {
    /// When a call for the tenant last took too long.
    at: Duration,
    /// How many calls for the tenant are running.
    calls: usize,
}

/// The right to make a call for a late tenant.
#[derive(Debug)]
pub(crate) struct Turn {
    laggards: Arc<Laggards>,
    tenant: TenantId,
}

impl Laggards {
    /// Whether a tenant is loaded apart.
    pub(crate) fn contain(&self, tenant: &TenantId) -> bool {
        self.late().contains_key(tenant)
    }

    /// The right to make a call for a tenant; `None` if too many calls are running.
    pub(crate) fn turn(self: &Arc<Self>, tenant: &TenantId) -> Option<Turn> {
        if let Some(late) = self.late().get_mut(tenant) {
            if late.calls >= CALLS_MAX {
                return None;
            }
            late.calls += 1;
        }
        Some(Turn { laggards: Arc::clone(self), tenant: tenant.clone() })
    }

    /// Notes that a call for a tenant did not end in time.
    pub(crate) fn note_late(&self, tenant: &TenantId, now: Duration) {
        let mut late = self.late();
        if late.len() >= REMEMBERED && !late.contains_key(tenant) {
            late.clear();
        }
        late.entry(tenant.clone()).or_default().at = now;
    }

    /// Notes that a call for a tenant, which started at `began`, has ended.
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

/// Waits for `PATIENCE`, and separates the work that is done from the work still running.
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
