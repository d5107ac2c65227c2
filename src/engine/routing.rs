//! Routing claimed events, each a chunk of its tenant's endpoints at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::yield_now;

use crate::delivery::{Claimed, EventClaim, EventMeta, Next, Route, Settlement};
use crate::endpoint::EndpointPage;
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::id::{EndpointId, TenantId};
use crate::policy::timeline::Shift;
use crate::seam::Notice;
use crate::sequence::Sequence;
use crate::step::route::Routing;
use crate::time::Timestamp;

use super::acquire::Acquired;
use super::settler::Due;
use super::shared::Shared;

/// An event whose tenant's endpoints cannot be read waits as long as it has waited
/// already, within these bounds: young ones are tried again soon, and old ones, however
/// many there are, cost little.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);

impl Shared {
    /// Routes one chunk of each event. Where a tenant's endpoints cannot be read, its
    /// events wait; those of other tenants are routed.
    pub(super) async fn route_all(&self, claims: Vec<EventClaim>, acquired: &mut Acquired) {
        let mut unreached = BTreeSet::new();
        for claim in claims {
            let due = self.route_chunk(claim, acquired.moved, &mut unreached).await;
            acquired.dues.push(due);
        }
    }

    async fn route_chunk(&self, claim: EventClaim, moved: Shift, unreached: &mut BTreeSet<TenantId>) -> Due {
        let event = &claim.event;
        let page = if unreached.contains(&event.tenant) {
            Err(None)
        } else {
            let limit = self.settings.route_chunk;
            self.subscribers(&EventMeta::of(event), claim.after.as_ref(), limit).await.map_err(Some)
        };
        let next = match page {
            Ok(page) => {
                let routes = self.route(event, Some(claim.sequence), &page).await;
                self.notice(&Notice::Routed { event: &event.id, deliveries: routes.len() });
                Next::Routed { routes, more_after: page.more_after }
            }
            Err(error) => {
                if let Some(error) = error {
                    unreached.insert(event.tenant.clone());
                    self.routing_failed(&event.tenant, &error);
                }
                Next::RouteLater { due_at: try_again(event.created_at, self.clock.now_as_of(moved)) }
            }
        };
        let of = Claimed::Event(event.tenant.clone(), event.id.clone());
        let at = self.clock.now_as_of(moved);
        let settlement = Settlement { token: claim.token, of, at, next, attempt: None };
        Due { settlement, event: event.id.clone(), endpoint: None, disable: None }
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
        let page = self.directory.subscribers(meta, after, limit).await?;
        if page.more_after.is_some() && page.more_after.as_ref() <= after {
            let rule = "directory: a page must end after the one before it";
            return Err(StoreError::new(StoreErrorKind::Invalid, rule));
        }
        Ok(page)
    }

    pub(super) fn routing_failed(&self, tenant: &TenantId, error: &StoreError) {
        self.notice(&Notice::RoutingFailed { tenant, kind: error.kind() });
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
