//! Where an event goes: a page of endpoints that may want it → its routes.

use std::sync::Arc;

use crate::delivery::Route;
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::id::{DeliveryId, Round};

/// The routes of `event` to those of `endpoints` that want it: enabled since before
/// the event, of its tenant, and subscribed to it. `width` says how wide a new lane
/// begins.
pub fn route(event: &Event, endpoints: &[Arc<Endpoint>], width: impl Fn(&Endpoint) -> u32) -> Vec<Route> {
    endpoints
        .iter()
        .filter(|endpoint| wants(endpoint, event))
        .map(|endpoint| single(event, endpoint, width(endpoint), Round::Routing, false))
        .collect()
}

/// The one route of a test ping.
#[must_use]
pub fn test_route(event: &Event, endpoint: &Endpoint, width: u32) -> Route {
    single(event, endpoint, width, Round::Routing, true)
}

fn wants(endpoint: &Endpoint, event: &Event) -> bool {
    endpoint.enabled
        && endpoint.tenant == event.tenant
        && endpoint.since <= event.created_at
        && endpoint.subscription.wants(event)
}

fn single(event: &Event, endpoint: &Endpoint, width: u32, round: Round, test: bool) -> Route {
    Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint.id, &round),
        endpoint: endpoint.id.clone(),
        host: endpoint.url.host().clone(),
        width,
        round,
        due_at: event.born_at(),
        born_at: event.born_at(),
        test,
    }
}
