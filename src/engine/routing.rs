//! Routing claimed events, each a chunk of its tenant's endpoints at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use tokio::task::yield_now;

use crate::decide::route::Routing;
use crate::delivery::{Claimed, EventClaim, EventMeta, Next, Route, Settlement};
use crate::endpoint::EndpointPage;
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::id::{EndpointId, TenantId};
use crate::notice::Notice;
use crate::policy::timeline::Shift;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::claiming::Acquired;
use super::laggards::divide;
use super::news::{About, What};
use super::settler::PendingSettlement;
use super::shared::{DIRECTORY_TIMEOUT, Shared};

/// An event whose tenant's endpoints cannot be read waits as long as it has waited
/// already, within these bounds: young ones are tried again soon, and old ones, however
/// many there are, cost little.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What is known of a tenant's endpoints while its claimed events are routed. Many of these
/// are of one type, and are held against one page, which is read once.
struct Pages {
    /// The page that was read last, of these events and after that endpoint.
    last: Option<LastPage>,
    /// Whether the endpoints can be read, and there is time left for it.
    is_reached: bool,
}

type LastPage = (EventMeta, Option<EndpointId>, Arc<EndpointPage>);

impl Shared {
    /// Routes one chunk of each event. Where a tenant's endpoints cannot be read, its
    /// events wait; those of other tenants are routed. Nor do others wait for long: what is
    /// not routed soon is routed apart.
    pub(super) async fn route_all(self: &Arc<Self>, claims: Vec<EventClaim>, acquired: &mut Acquired) {
        let mut by_tenant: BTreeMap<TenantId, Vec<EventClaim>> = BTreeMap::new();
        for claim in claims {
            by_tenant.entry(claim.event.tenant.clone()).or_default().push(claim);
        }
        let mut soon = Vec::with_capacity(by_tenant.len());
        for (tenant, claims) in by_tenant {
            let is_late = self.laggards.contain(&tenant);
            let routing = Arc::clone(self).route_of(tenant.clone(), claims, acquired.moved).boxed();
            if is_late {
                acquired.apart.push(routing);
            } else {
                soon.push((tenant, routing));
            }
        }
        let (routed, late) = divide(soon).await;
        for routed in routed {
            acquired.absorb(routed);
        }
        for (tenant, routing) in late {
            self.laggards.note_late(&tenant, self.clock.elapsed());
            acquired.apart.push(routing);
        }
    }

    /// Routes one chunk of each of a tenant's events. Once its endpoints cannot be read, or the
    /// time for that is spent, the others wait.
    async fn route_of(self: Arc<Self>, tenant: TenantId, claims: Vec<EventClaim>, moved: Shift) -> Acquired {
        let mut acquired = Acquired { moved, ..Acquired::default() };
        let (turn, began) = (self.laggards.turn(&tenant), self.clock.elapsed());
        let mut pages = Pages { last: None, is_reached: turn.is_some() };
        for claim in claims {
            pages.is_reached &= self.clock.elapsed().saturating_sub(began) < DIRECTORY_TIMEOUT;
            acquired.dues.push(self.route_chunk(claim, moved, &mut pages).await);
        }
        acquired
    }

    async fn route_chunk(&self, claim: EventClaim, moved: Shift, pages: &mut Pages) -> PendingSettlement {
        let event = &claim.event;
        let page =
            if pages.is_reached { self.page(&claim, &mut pages.last).await.map_err(Some) } else { Err(None) };
        let next = match page {
            Ok(page) => {
                let routes = self.route(event, Some(claim.sequence), &page).await;
                let Event { tenant, kind, id, .. } = &**event;
                self.notice(&Notice::Routed { tenant, kind, event: id, deliveries: routes.len() });
                Next::Routed { routes, more_after: page.more_after.clone() }
            }
            Err(error) => {
                pages.is_reached = false;
                if let Some(error) = error {
                    self.routing_failed(&event.tenant, &error);
                }
                Next::RouteLater { due_at: try_again(event.created_at, self.clock.now_as_of(moved)) }
            }
        };
        let of = Claimed::Event(event.tenant.clone(), event.id.clone());
        let at = self.clock.now_as_of(moved);
        let settlement = Settlement { token: claim.token, of, at, next, attempt: None };
        PendingSettlement { settlement, event: claim.event, endpoint: None, disable: None }
    }

    /// The page that a claimed event is held against next. It may be the last one that was
    /// read, which was read after the event was claimed.
    async fn page(
        &self,
        claim: &EventClaim,
        last: &mut Option<LastPage>,
    ) -> Result<Arc<EndpointPage>, StoreError> {
        let (meta, after) = (EventMeta::of(&claim.event), &claim.after);
        if let Some((of, behind, page)) = last
            && *of == meta
            && behind == after
        {
            return Ok(Arc::clone(page));
        }
        let read = self.subscribers(&meta, after.as_ref(), self.settings.route_chunk).await?;
        let page = Arc::new(read);
        *last = Some((meta, after.clone(), Arc::clone(&page)));
        Ok(page)
    }

    /// The routes of an event to a page of endpoints. Many filters take their time, which
    /// this process's other work goes on in.
    pub(super) async fn route(
        &self,
        event: &Event,
        published: Option<Sequence>,
        page: &EndpointPage,
    ) -> Vec<Route> {
        let (mut routing, mut routes) = (Routing::of(event, published, page), Vec::new());
        while let Some(part) = routing.next_part(|endpoint| self.width(endpoint)) {
            routes.extend(part);
            if !routing.is_complete() {
                yield_now().await;
            }
        }
        routes
    }

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
        self.news.is_over(|| About::Tenant(meta.tenant.clone()));
        Ok(page)
    }

    pub(super) fn routing_failed(&self, tenant: &TenantId, error: &StoreError) {
        let kind = error.kind();
        if self.news.is_new(About::Tenant(tenant.clone()), What::Failed(kind)) {
            self.notice(&Notice::RoutingFailed { tenant, kind });
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
