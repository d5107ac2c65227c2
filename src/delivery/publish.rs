//! What is stored when an event is published, and the endpoints that it is routed to.

use std::sync::Arc;

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, EventType, HostName, Round, Scope, TenantId};
use crate::time::Timestamp;

/// One match of a routing: a new delivery and, if the endpoint has none yet, its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The id of the delivery, derived from its event, endpoint and round.
    pub delivery: DeliveryId,
    /// The endpoint to deliver to.
    pub endpoint: EndpointId,
    /// The `generation.registration` of the endpoint that the route was made for; 0 if it is
    /// not known.
    pub registration: u64,
    /// The host of the endpoint's URL, for the lane.
    pub host: HostName,
    /// The endpoint's width, for a new lane.
    pub width: u32,
    /// The round of the delivery: the event's routing or a replay.
    pub round: Round,
    /// When it is due, unless it has to wait for an earlier event of its ordering key.
    pub due_at: Timestamp,
    /// The time from which the delivery's age counts.
    pub born_at: Timestamp,
    /// Whether it is a test ping, which is attempted once and outside its lane.
    pub test: bool,
}

impl Route {
    /// Whether the endpoint's id was registered after this route was made, given the
    /// registration that the store has now.
    pub(crate) fn is_outdated_by(&self, registration: Option<u64>) -> bool {
        !self.test && self.registration != 0 && registration.is_some_and(|there| there > self.registration)
    }
}

/// An event to store.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The event.
    pub event: Arc<Event>,
    /// The routes of the event, if they are already known. The store ignores them, and stores
    /// the event unrouted, in two cases: an older event of its ordering key is still unrouted,
    /// or an endpoint's id was registered after its route was made, since the endpoint that is
    /// registered now may not want the event. A test ping is never stored unrouted.
    pub routes: Option<Vec<Route>>,
}

/// The result of publishing one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The event was stored.
    Stored,
    /// An event of this id or idempotency key was already there; nothing was added.
    Existing {
        /// Whether the stored event has the same content.
        same_content: bool,
    },
    /// The store has reached its limit; nothing was added.
    Full {
        /// The limit that was reached.
        limit: u64,
    },
}

/// The result of publishing one event, and the id under which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishAnswer {
    /// The id of the stored event: the event's own, or that of the existing event.
    pub id: EventId,
    /// The result of the publish.
    pub published: Published,
}

/// What a directory needs to know of an event to find its subscribers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventMeta {
    /// The tenant of the event.
    pub tenant: TenantId,
    /// The type of the event.
    pub kind: EventType,
    /// The scope of the event, if it has one.
    pub scope: Option<Scope>,
}

impl EventMeta {
    /// Returns what a directory needs to know of this event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self { tenant: event.tenant.clone(), kind: event.kind.clone(), scope: event.scope.clone() }
    }
}
