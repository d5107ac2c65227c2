//! Where an event goes: a page of endpoints that may want it → its routes.

use std::sync::Arc;

use crate::delivery::Route;
use crate::endpoint::{Endpoint, EndpointPage, Unreadable};
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, HostName, Round};
use crate::sequence::Sequence;

/// The routes of `event` to those endpoints of a page that want it: enabled, of its
/// tenant, subscribed to it, and begun before it was published. `published` is the event's
/// place in the store's order; `None` where the event is stored after the endpoints were
/// read, so that all of them begin before it. `width` says how wide a new lane begins.
///
/// An endpoint that cannot be read may want the event: it gets a delivery too, in a round
/// of its own, and whether it wants the event is decided when it can be read. So nothing
/// is lost meanwhile, and nothing is sent that it did not ask for.
pub fn route(
    event: &Event,
    published: Option<Sequence>,
    page: &EndpointPage,
    width: impl Fn(&Endpoint) -> u32,
) -> Vec<Route> {
    let wanted = |endpoint: &&Arc<Endpoint>| endpoint.enabled && wants(endpoint, event, published);
    let of_tenant =
        |unreadable: &&Unreadable| unreadable.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant);
    let routes = page.endpoints.iter().filter(wanted).map(|endpoint| {
        let to = Lane { endpoint: &endpoint.id, host: endpoint.url.host().clone(), width: width(endpoint) };
        single(event, to, Round::Routing, false)
    });
    let unjudged = page.unreadable.iter().filter(of_tenant).map(|unreadable| {
        let host = unreadable.host.clone().unwrap_or_else(HostName::of_unreadable);
        single(event, Lane { endpoint: &unreadable.id, host, width: 1 }, Round::Unjudged, false)
    });
    routes.chain(unjudged).collect()
}

/// The one route of a test ping.
#[must_use]
pub fn test_route(event: &Event, endpoint: &Endpoint, width: u32) -> Route {
    let to = Lane { endpoint: &endpoint.id, host: endpoint.url.host().clone(), width };
    single(event, to, Round::Routing, true)
}

/// Whether an endpoint wants an event that was published at that place, enabled or not.
pub(super) fn wants(endpoint: &Endpoint, event: &Event, published: Option<Sequence>) -> bool {
    endpoint.tenant == event.tenant
        && published.is_none_or(|published| endpoint.began < published)
        && endpoint.subscription.wants(event)
}

/// The lane that a route leads to; where there is none yet, what a new one begins with.
struct Lane<'a> {
    endpoint: &'a EndpointId,
    host: HostName,
    width: u32,
}

fn single(event: &Event, to: Lane<'_>, round: Round, test: bool) -> Route {
    Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, to.endpoint, &round),
        endpoint: to.endpoint.clone(),
        host: to.host,
        width: to.width,
        round,
        due_at: event.born_at(),
        born_at: event.born_at(),
        test,
    }
}
