//! The input of a store: events, their routes, and the names in them.

use std::sync::Arc;

use bytes::Bytes;

use crate::conformance::Breach;
use crate::delivery::{Gate, Publish, Route};
use crate::event::{Event, JSON};
use crate::id::{
    DeliveryId, EndpointId, EventId, EventType, HostName, IdError, IdempotencyKey, OrderingKey, Round,
    TenantId,
};
use crate::time::Timestamp;

/// The time that many seconds after the beginning of the cases.
pub(in crate::conformance) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

/// The tenant of cases that need only one.
pub(in crate::conformance) const TENANT: &str = "acme";

pub(in crate::conformance) fn tenant(name: &str) -> Result<TenantId, Breach> {
    Ok(TenantId::new(name)?)
}

pub(in crate::conformance) fn endpoint(name: &str) -> Result<EndpointId, Breach> {
    Ok(EndpointId::new(name)?)
}

/// The host of a route to an endpoint of that name.
pub(in crate::conformance) fn host_of(endpoint: &str) -> Result<HostName, Breach> {
    Ok(HostName::new(format!("{endpoint}.example"))?)
}

pub(in crate::conformance) fn lane(name: &str) -> Result<Gate, Breach> {
    Ok(Gate::Lane(endpoint(name)?))
}

/// A name that breaks the rules of names is a mistake in the case.
impl From<IdError> for Breach {
    fn from(error: IdError) -> Self {
        Self::new(format!("the case is broken: {error}"))
    }
}

/// An event to publish, with its routes if they are known.
#[derive(Debug, Clone)]
pub(in crate::conformance) struct Draft {
    pub(in crate::conformance) event: Event,
    pub(in crate::conformance) routes: Option<Vec<Route>>,
}

/// An event of [`TENANT`], created at the beginning, not routed yet.
pub(in crate::conformance) fn draft(id: &str) -> Result<Draft, Breach> {
    let event = Event {
        id: EventId::new(id)?,
        tenant: tenant(TENANT)?,
        kind: EventType::new("order.paid")?,
        payload: Bytes::from(format!("{{\"event\":\"{id}\"}}")),
        content_type: JSON.to_owned(),
        created_at: at(0),
        scope: None,
        idempotency_key: None,
        ordering_key: None,
        not_before: None,
        expires_at: None,
        trace: None,
    };
    Ok(Draft { event, routes: None })
}

impl Draft {
    pub(in crate::conformance) fn of(mut self, tenant: &str) -> Result<Self, Breach> {
        self.event.tenant = TenantId::new(tenant)?;
        Ok(self)
    }

    pub(in crate::conformance) fn created(mut self, moment: Timestamp) -> Self {
        self.event.created_at = moment;
        self
    }

    pub(in crate::conformance) fn keyed(mut self, key: &str) -> Result<Self, Breach> {
        self.event.ordering_key = Some(OrderingKey::new(key)?);
        Ok(self)
    }

    pub(in crate::conformance) fn once(mut self, key: &str) -> Result<Self, Breach> {
        self.event.idempotency_key = Some(IdempotencyKey::new(key)?);
        Ok(self)
    }

    /// Routes the event to these endpoints, due at its creation. Call it last: the routes depend on
    /// the other values.
    pub(in crate::conformance) fn to(mut self, endpoints: &[&str]) -> Result<Self, Breach> {
        let routes = endpoints.iter().map(|name| route(&self.event, name));
        self.routes = Some(routes.collect::<Result<_, _>>()?);
        Ok(self)
    }

    /// Changes each of its routes.
    pub(in crate::conformance) fn with_routes(mut self, change: impl Fn(&mut Route)) -> Self {
        self.routes.iter_mut().flatten().for_each(change);
        self
    }

    pub(in crate::conformance) fn due(self, moment: Timestamp) -> Self {
        self.with_routes(|route| route.due_at = moment)
    }

    pub(in crate::conformance) fn publish(&self) -> Publish {
        Publish { event: Arc::new(self.event.clone()), routes: self.routes.clone() }
    }

    pub(in crate::conformance) fn deliveries(&self) -> Vec<DeliveryId> {
        self.routes.iter().flatten().map(|route| route.delivery).collect()
    }
}

/// The route that routing makes of an event for an endpoint: a lane of width 8.
pub(in crate::conformance) fn route(event: &Event, name: &str) -> Result<Route, Breach> {
    let endpoint = endpoint(name)?;
    let round = Round::Routing;
    Ok(Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint, &round),
        registration: 0,
        host: host_of(name)?,
        width: 8,
        due_at: event.born_at(),
        born_at: event.born_at(),
        test: false,
        endpoint,
        round,
    })
}
