//! What is stored when an event is published, and where it goes.

use std::sync::Arc;

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, EventType, HostName, Round, Scope, TenantId};
use crate::time::Timestamp;

/// What a routing makes of one match: a new delivery and, if need be, its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The delivery's derived name.
    pub delivery: DeliveryId,
    /// Where to.
    pub endpoint: EndpointId,
    /// The `generation.registration` of the endpoint that it was made for; 0 where that is
    /// not known.
    pub registration: u64,
    /// The endpoint's host, for the lane.
    pub host: HostName,
    /// The endpoint's width, for a new lane.
    pub width: u32,
    /// In which round.
    pub round: Round,
    /// When it is due, if nothing of its ordering key goes before it.
    pub due_at: Timestamp,
    /// Its birth.
    pub born_at: Timestamp,
    /// Whether it is a test ping: attempted once, apart from its lane.
    pub test: bool,
}

impl Route {
    /// Whether the endpoint's id was registered after this route was made, where a store finds
    /// that registration there.
    pub(crate) fn is_outdated_by(&self, registration: Option<u64>) -> bool {
        !self.test && self.registration != 0 && registration.is_some_and(|there| there > self.registration)
    }
}

/// One event to be stored.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The event.
    pub event: Arc<Event>,
    /// Its routes, if they are known already. An event with an older unrouted event of its
    /// ordering key is stored unrouted all the same, and so is one with a route to an endpoint
    /// whose id the store registered later than that route was made: what is registered there
    /// now may not want the event. A test ping is never stored unrouted.
    pub routes: Option<Vec<Route>>,
}

/// What became of one publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is stored.
    Stored,
    /// Its id or idempotency key was there already; nothing was added.
    Existing {
        /// Whether the stored event has the same content.
        same_content: bool,
    },
    /// The store holds as much as it may; nothing was added.
    Full {
        /// The limit that is reached.
        limit: u64,
    },
}

/// The answer to one publish: what became of it, and the id in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishAnswer {
    /// The id in the store: the event's own, or that of the existing one.
    pub id: EventId,
    /// What became of it.
    pub published: Published,
}

/// What routing asks a directory about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventMeta {
    /// Whose event.
    pub tenant: TenantId,
    /// Its type.
    pub kind: EventType,
    /// Its scope.
    pub scope: Option<Scope>,
}

impl EventMeta {
    /// What routing asks about this event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self { tenant: event.tenant.clone(), kind: event.kind.clone(), scope: event.scope.clone() }
    }
}
