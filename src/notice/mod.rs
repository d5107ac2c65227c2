//! What the engine tells an observer.

mod part;

use std::time::Duration;

use crate::delivery::{AttemptResult, FailReason, Settled, State, UnreadableRow};
use crate::error::StoreErrorKind;
use crate::id::{DeliveryId, EndpointId, EventId, EventType, TenantId};
use crate::time::Timestamp;

pub use part::{Panicked, Part};

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An event was stored. For an event of `Webhooks::publish` the publishing process hears
    /// it. For an event that the host published in a transaction of its own, the engine hears
    /// it that finds the event, when it first claims it.
    Published {
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event.
        event: &'a EventId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// An event, or a chunk of its endpoints, was routed.
    Routed {
        /// The event.
        event: &'a EventId,
        /// To how many endpoints.
        deliveries: usize,
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A request came to its end.
    Attempted {
        /// For which delivery.
        delivery: DeliveryId,
        /// Of which event.
        event: &'a EventId,
        /// To which endpoint.
        endpoint: &'a EndpointId,
        /// Which attempt this was.
        number: u32,
        /// What came back.
        result: AttemptResult,
        /// Whether that is success.
        success: bool,
        /// How long it took.
        took: Duration,
        /// When it is tried again; `None` when it is not.
        next_at: Option<Timestamp>,
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A delivery became terminal.
    Concluded {
        /// Which.
        delivery: DeliveryId,
        /// Of which event.
        event: &'a EventId,
        /// To which endpoint.
        endpoint: &'a EndpointId,
        /// How it ended.
        state: State,
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// A settlement came too late or found nothing.
    Stale {
        /// What became of it.
        settled: Settled,
        /// The event.
        event: &'a EventId,
        /// The delivery's endpoint; `None` where the settlement was about routing.
        endpoint: Option<&'a EndpointId>,
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// Work waits for a rate limit.
    Limited {
        /// Until when.
        until: Timestamp,
        /// The endpoint that was refused a start. Others that share the limit wait too.
        endpoint: &'a EndpointId,
        /// Whose work it is.
        tenant: &'a TenantId,
    },
    /// A lane is held because nothing may be sent for its endpoint now. Each process tells it
    /// once for a reason, and again when the reason changed, when something was sent meanwhile,
    /// or when the endpoint began anew.
    Held {
        /// Whose lane.
        endpoint: &'a EndpointId,
        /// Why: its secrets are sealed, its profile is unknown, it is disabled, or a field
        /// of it, which is named, cannot be read.
        why: &'a str,
        /// Until when. Then the endpoint is looked at again.
        until: Timestamp,
        /// Whose endpoint it is.
        tenant: &'a TenantId,
    },
    /// An endpoint was disabled by the engine.
    Disabled {
        /// Which.
        endpoint: &'a EndpointId,
        /// Why.
        why: &'static str,
        /// Whose endpoint it is.
        tenant: &'a TenantId,
    },
    /// A delivery was given up; see also `Concluded`.
    DeadLetter {
        /// Which.
        delivery: DeliveryId,
        /// Of which event.
        event: &'a EventId,
        /// To which endpoint.
        endpoint: &'a EndpointId,
        /// Why.
        reason: FailReason,
        /// What the reason does not say: what must hold and does not.
        why: Option<&'a str>,
        /// Whose event it is.
        tenant: &'a TenantId,
        /// The event's type.
        kind: &'a EventType,
    },
    /// Our own fault: claiming stops for a while. Further faults in that while are not told
    /// of, and of the pauses for a fault that lasts only those that are longer than the one
    /// before: 1, 2, 4, 8, 16 and 30 s.
    OwnFault {
        /// What failed.
        what: &'static str,
        /// For how long.
        pause: Duration,
    },
    /// The store refused or failed. The engine tells it once for each thing that it does, and
    /// again when the meaning changed or it had worked meanwhile.
    StoreFailed {
        /// What it means.
        kind: StoreErrorKind,
        /// What was being done.
        during: &'static str,
    },
    /// The endpoints of a tenant could not be read, or not in time, when an event was to be routed. The
    /// tenant's events are stored and wait to be routed; those of other tenants go on. It is told
    /// once until the tenant's endpoints could be read again.
    RoutingFailed {
        /// The tenant.
        tenant: &'a TenantId,
        /// What the directory's failure means.
        kind: StoreErrorKind,
    },
    /// The store met a row that it cannot read. What it stands for waits, and an event is
    /// delivered when its rows can be read again. Each row is named once per open store.
    Unreadable {
        /// The row.
        row: &'a UnreadableRow,
    },
    /// Two clocks differ by more than can be right: this process's wall clock from the
    /// store's time, or the store's time from what it was. Nothing expires for ten minutes.
    /// See [`timeline`](crate::policy::timeline).
    ClockJumped {
        /// By how much.
        by: Duration,
    },
    /// A part of the host's panicked. The call failed, and the engine goes on.
    Panicked {
        /// The part that panicked.
        part: Part,
    },
    /// A part of the host's kept its thread for at least 250 ms. On the engine's task
    /// nothing else is sent or stored meanwhile.
    Slow {
        /// The part that was called.
        part: Part,
        /// How long the call took.
        took: Duration,
    },
    /// The engine's task has not answered a publisher, which therefore stores its event
    /// itself. A part that blocks keeps the engine from going on.
    EngineStuck {
        /// How long the publisher had waited.
        waited: Duration,
    },
}
