//! What can hold back deliveries.

use serde::Serialize;

use crate::id::{EndpointId, HostName, OrderingKey, TenantId};
use crate::time::Timestamp;

/// What can hold back deliveries, as one row of a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gate {
    /// The lane of one endpoint.
    Lane(EndpointId),
    /// All lanes of a tenant.
    Tenant(TenantId),
    /// All lanes to a host.
    Host(HostName),
    /// One ordering key of one endpoint.
    Key(EndpointId, OrderingKey),
}

/// A change to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateChange {
    /// The engine's hold: nothing is claimed before this time. A hold that ends later stays.
    Hold(Timestamp),
    /// Ends the engine's hold, but never a pause. The streak of a lane is lowered to just
    /// below [`SICK_STREAK`](crate::policy::lane::SICK_STREAK), so that its waiting deliveries
    /// are sent.
    Lift,
    /// The operator's pause: nothing is claimed until a resume. Only lanes and tenants can be
    /// paused.
    Pause,
    /// Ends the operator's pause.
    Resume,
}
