//! Notices: what the engine reports to an observer.

mod part;
mod reason;

use std::time::Duration;

use crate::delivery::{AttemptResult, FailReason, Settled, State, UnreadableRow};
use crate::error::StoreErrorKind;
use crate::id::{DeliveryId, EndpointId, EventId, EventType, TenantId};
use crate::time::Timestamp;

pub use part::{Panicked, Part};
pub use reason::{DisableReason, OwnFaultReason, StoreCall};

/// A notice to an [`Observer`](crate::backend::Observer).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An event was stored. For `Webhooks::publish`, the publishing process gets this notice.
    /// For an event that the host published in its own transaction, the engine that first
    /// claims the event gets it.
    Published {
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The id of the event.
        event: &'a EventId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// An event, or a chunk of its endpoints, was routed.
    Routed {
        /// The id of the event.
        event: &'a EventId,
        /// The number of endpoints that it was routed to.
        deliveries: usize,
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// An attempt ended.
    Attempted {
        /// The delivery that was attempted.
        delivery: DeliveryId,
        /// The event that was sent.
        event: &'a EventId,
        /// The endpoint that it was sent to.
        endpoint: &'a EndpointId,
        /// The number of the attempt.
        number: u32,
        /// The response's status, or the reason why there is none.
        result: AttemptResult,
        /// Whether the profile counts the result as a success.
        success: bool,
        /// How long the attempt took.
        took: Duration,
        /// When the next attempt is due; `None` if there is none.
        next_at: Option<Timestamp>,
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A delivery became terminal.
    Concluded {
        /// The delivery that became terminal.
        delivery: DeliveryId,
        /// The event of the delivery.
        event: &'a EventId,
        /// The endpoint of the delivery.
        endpoint: &'a EndpointId,
        /// The terminal state.
        state: State,
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A settlement came too late, or its delivery or event no longer exists.
    Stale {
        /// The result of the settlement.
        settled: Settled,
        /// The event that the settlement was about.
        event: &'a EventId,
        /// The endpoint of the delivery; `None` if the settlement was about routing.
        endpoint: Option<&'a EndpointId>,
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// Deliveries wait for a rate limit.
    Limited {
        /// The time until which they wait.
        until: Timestamp,
        /// The endpoint that was refused a start. Other endpoints that share the limit wait
        /// too.
        endpoint: &'a EndpointId,
        /// The tenant of the endpoint.
        tenant: &'a TenantId,
    },
    /// A lane is held because nothing may be sent to its endpoint now. Each process sends this
    /// notice once per reason, and again if the reason changed, if something was sent
    /// meanwhile, or if the endpoint began anew.
    Held {
        /// The endpoint of the lane.
        endpoint: &'a EndpointId,
        /// The reason: its secrets are sealed, its profile is unknown, it is disabled, or the
        /// named field of it cannot be read.
        why: &'a str,
        /// The end of the hold. The endpoint is checked again then.
        until: Timestamp,
        /// The tenant of the endpoint.
        tenant: &'a TenantId,
    },
    /// The engine disabled an endpoint.
    Disabled {
        /// The id of the endpoint.
        endpoint: &'a EndpointId,
        /// The reason why it was disabled.
        why: DisableReason,
        /// The tenant of the endpoint.
        tenant: &'a TenantId,
    },
    /// A delivery was given up. `Concluded` is sent too.
    DeadLetter {
        /// The delivery that was given up.
        delivery: DeliveryId,
        /// The event of the delivery.
        event: &'a EventId,
        /// The endpoint of the delivery.
        endpoint: &'a EndpointId,
        /// The reason why it was given up.
        reason: FailReason,
        /// The rule that does not hold, if the reason is not specific enough.
        why: Option<&'a str>,
        /// The tenant of the event.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A fault in this process: claiming stops for a while. Further faults during that pause
    /// are not reported. While a fault lasts, a pause is reported only if it is longer than
    /// the one before: 1, 2, 4, 8, 16 and 30 s.
    OwnFault {
        /// What failed.
        what: OwnFaultReason,
        /// How long claiming stops.
        pause: Duration,
    },
    /// The store refused a call or failed. The engine reports this once per kind of call, and
    /// again if the kind of error changed or a call succeeded meanwhile.
    StoreFailed {
        /// The kind of error.
        kind: StoreErrorKind,
        /// What the engine was doing.
        during: StoreCall,
    },
    /// The endpoints of a tenant could not be read, or not in time, when an event was to be
    /// routed. The tenant's events are stored and wait to be routed; those of other tenants
    /// are not affected. It is reported once until the tenant's endpoints can be read again.
    RoutingFailed {
        /// The tenant whose endpoints could not be read.
        tenant: &'a TenantId,
        /// The kind of the directory's error.
        kind: StoreErrorKind,
    },
    /// The store found a row that it cannot read. Its delivery or event waits until the row
    /// can be read again. Each row is reported once per open store.
    Unreadable {
        /// The row that cannot be read.
        row: &'a UnreadableRow,
    },
    /// Two clocks differ so much that one must be wrong: this process's wall clock and the
    /// store's time, or the store's time and what it was before. Nothing expires for ten
    /// minutes. See [`timeline`](crate::policy::timeline).
    ClockJumped {
        /// The difference.
        by: Duration,
    },
    /// A part that the host provides panicked. The call failed, and the engine goes on.
    Panicked {
        /// The part that panicked.
        part: Part,
    },
    /// A part that the host provides blocked its thread for at least 250 ms. If that is the
    /// engine's task, nothing else is sent or stored meanwhile.
    Slow {
        /// The part that was called.
        part: Part,
        /// How long the call took.
        took: Duration,
    },
    /// The engine's task did not answer a publisher in time, so the publisher stores its event
    /// itself. A part that blocks keeps the engine from going on.
    EngineStuck {
        /// How long the publisher waited.
        waited: Duration,
    },
}
