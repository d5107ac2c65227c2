//! Routes events to the endpoints that want them. Claimed events are routed in chunks of their
//! tenant's endpoints. Events that few endpoints want are routed when they are published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::task::yield_now;

use crate::decide::resolve;
use crate::decide::route::Routing;
use crate::delivery::{Claimed, EventClaim, EventMeta, Next, Publish, Route, Settlement};
use crate::endpoint::{Endpoint, EndpointPage};
use crate::error::StoreError;
use crate::event::Event;
use crate::id::{EndpointId, TenantId};
use crate::notice::Notice;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

use super::DIRECTORY_TIMEOUT;
use super::directory::{Endpoints, PATIENCE, divide};
use super::guard::{About, Guard, What, within};
use super::settling::{Batch, Subject};
use super::store_clock::StoreClock;

/// If a tenant's endpoints cannot be read, its events wait for as long as they have waited
/// already, within these bounds. So young events are retried soon, and old events cost little,
/// however many there are.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The most matching endpoints with which an event is routed when it is published.
const FEW_MATCHES: usize = 16;
/// The most endpoints that are examined for that.
const FEW_ENDPOINTS: usize = 64;

/// Matches events with the endpoints of their tenants.
pub(crate) struct Router {
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
    /// How many endpoints one routing chunk reads.
    pub(super) chunk: usize,
}

/// The state of a tenant's endpoints while its claimed events are routed. Many of these events
/// have one type and are matched with the same page, which is read once.
struct Pages {
    /// The page that was read last, with its event type and the endpoint that it begins after.
    last: Option<(EventMeta, Option<EndpointId>, Arc<EndpointPage>)>,
    /// Whether the endpoints can be read, and there is time left to read them.
    is_reached: bool,
}

impl Router {
    /// Routes one chunk of each claimed event. `moved` is the sum of the moves of the store's time
    /// at the claim. If a tenant's endpoints cannot be read, its events wait, and the events of
    /// other tenants are still routed. Events that take long are routed apart, so that others do
    /// not wait for them.
    pub(super) async fn route_all(
        self: &Arc<Self>,
        claims: Vec<EventClaim>,
        moved: Shift,
    ) -> (Batch, Vec<BoxFuture<'static, Batch>>) {
        let mut by_tenant: BTreeMap<TenantId, Vec<EventClaim>> = BTreeMap::new();
        for claim in claims {
            by_tenant.entry(claim.event.tenant.clone()).or_default().push(claim);
        }
        let (mut soon, mut apart) = (Vec::with_capacity(by_tenant.len()), Vec::new());
        for (tenant, claims) in by_tenant {
            let is_late = self.endpoints.laggards.contain(&tenant);
            let routing = Arc::clone(self).route_of(tenant.clone(), claims, moved).boxed();
            if is_late {
                apart.push(routing);
            } else {
                soon.push((tenant, routing));
            }
        }
        let mut batch = Batch::in_time_of(moved);
        let (routed, late) = divide(soon).await;
        for routed in routed {
            batch.append(routed);
        }
        for (tenant, routing) in late {
            self.endpoints.laggards.note_late(&tenant, self.clock.elapsed());
            apart.push(routing);
        }
        (batch, apart)
    }

    /// Routes one chunk of each of a tenant's events. If the tenant's endpoints cannot be read, or
    /// the time for it has run out, the remaining events wait.
    async fn route_of(self: Arc<Self>, tenant: TenantId, claims: Vec<EventClaim>, moved: Shift) -> Batch {
        let mut batch = Batch::in_time_of(moved);
        let (turn, began) = (self.endpoints.laggards.turn(&tenant), self.clock.elapsed());
        let mut pages = Pages { last: None, is_reached: turn.is_some() };
        for claim in claims {
            pages.is_reached &= self.clock.elapsed().saturating_sub(began) < DIRECTORY_TIMEOUT;
            let next = self.route_chunk(&claim, moved, &mut pages).await;
            let of = Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone());
            let at = self.clock.now_as_of(moved);
            let settlement = Settlement { token: claim.token, of, at, next, attempt: None };
            batch.add(settlement, Subject { event: claim.event, endpoint: None, disable: None }, moved);
        }
        batch
    }

    async fn route_chunk(&self, claim: &EventClaim, moved: Shift, pages: &mut Pages) -> Next {
        let event = &claim.event;
        let page = if pages.is_reached { self.page(claim, pages).await.map_err(Some) } else { Err(None) };
        match page {
            Ok(page) => {
                let routing = Routing::of(event, Some(claim.sequence), &page);
                let routes = routing.all(|endpoint| self.width(endpoint), yield_now).await;
                let Event { tenant, kind, id, .. } = &**event;
                self.guard.notice(&Notice::Routed { tenant, kind, event: id, deliveries: routes.len() });
                Next::Routed { routes, more_after: page.more_after.clone() }
            }
            Err(error) => {
                pages.is_reached = false;
                if let Some(error) = error {
                    self.tell_failed(&event.tenant, &error);
                }
                Next::RouteLater { due_at: try_again(event.created_at, self.clock.now_as_of(moved)) }
            }
        }
    }

    /// The next page for a claimed event. It may be the page that was read last: that was read
    /// after the event was claimed.
    async fn page(&self, claim: &EventClaim, pages: &mut Pages) -> Result<Arc<EndpointPage>, StoreError> {
        let (meta, after) = (EventMeta::of(&claim.event), &claim.after);
        if let Some((of, behind, page)) = &pages.last
            && *of == meta
            && behind == after
        {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(self.endpoints.subscribers(&meta, after.as_ref(), self.chunk).await?);
        pages.last = Some((meta, after.clone(), Arc::clone(&page)));
        Ok(page)
    }

    /// Routes events that few endpoints want. If an event's endpoints cannot be read or judged in
    /// time, the event is stored without routes and routed later.
    pub(super) async fn route_few(&self, events: &[Arc<Event>]) -> Vec<Publish> {
        let mut asked: BTreeMap<EventMeta, Option<EndpointPage>> = BTreeMap::new();
        let mut unreached = BTreeSet::new();
        let mut publishes = Vec::with_capacity(events.len());
        let began = self.clock.elapsed();
        // With less than half the time left, a tenant could be taken for late although it is not.
        let left = || {
            let left = PATIENCE.saturating_sub(self.clock.elapsed().saturating_sub(began));
            (left >= PATIENCE / 2).then_some(left)
        };
        let laggards = &self.endpoints.laggards;
        for event in events {
            let meta = EventMeta::of(event);
            let is_asked = asked.contains_key(&meta) || unreached.contains(&event.tenant);
            let is_late = laggards.contain(&event.tenant);
            if let Some(left) = left().filter(|_| !is_asked && !is_late) {
                match within(left, self.few_subscribers(&meta)).await {
                    Some(Ok(page)) => drop(asked.insert(meta.clone(), page)),
                    Some(Err(error)) => {
                        unreached.insert(event.tenant.clone());
                        self.tell_failed(&event.tenant, &error);
                    }
                    None => laggards.note_late(&event.tenant, self.clock.elapsed()),
                }
            }
            let mut routes: Option<Vec<Route>> = None;
            if let (Some(Some(page)), Some(left)) = (asked.get(&meta), left()) {
                let routing = Routing::of(event, None, page);
                routes = within(left, routing.all(|endpoint| self.width(endpoint), yield_now)).await;
                if routes.is_none() {
                    laggards.note_late(&event.tenant, self.clock.elapsed());
                }
            }
            let routes = routes.filter(|routes| routes.len() <= FEW_MATCHES);
            publishes.push(Publish { event: Arc::clone(event), routes });
        }
        publishes
    }

    async fn few_subscribers(&self, meta: &EventMeta) -> Result<Option<EndpointPage>, StoreError> {
        let began = self.endpoints.cache.begin_load(self.clock.elapsed());
        let page = self.endpoints.subscribers(meta, None, FEW_ENDPOINTS).await?;
        if page.more_after.is_some() {
            return Ok(None);
        }
        for endpoint in &page.endpoints {
            self.endpoints.cache.remember(endpoint, began);
        }
        Ok(Some(page))
    }

    /// The initial width of a new lane for this endpoint.
    fn width(&self, endpoint: &Endpoint) -> u32 {
        let profile = self.endpoints.cache.profile(&endpoint.profile);
        profile.map_or(1, |profile| resolve::width(endpoint, profile))
    }

    fn tell_failed(&self, tenant: &TenantId, error: &StoreError) {
        let kind = error.kind();
        if self.guard.news.is_new(About::Tenant(tenant.clone()), What::Failed(kind)) {
            self.guard.notice(&Notice::RoutingFailed { tenant, kind });
        }
    }
}

fn try_again(created_at: Timestamp, now: Timestamp) -> Timestamp {
    now + now.since(created_at).clamp(WAIT_MIN, WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_cannot_be_routed_waits_as_long_as_it_has_waited() {
        let at = Timestamp::from_unix_seconds;
        for (age, wait) in [(0, 1), (1, 1), (8, 8), (60, 60), (100_000, 60), (-5, 1)] {
            assert_eq!(try_again(at(1_000_000), at(1_000_000 + age)), at(1_000_000 + age + wait), "{age}");
        }
    }
}
