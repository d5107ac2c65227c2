//! What holds work back.

use crate::id::{EndpointId, HostName, OrderingKey, TenantId};
use crate::time::Timestamp;

/// What can hold work back in one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Gate {
    /// One endpoint's lane.
    Lane(EndpointId),
    /// All of a tenant's lanes.
    Tenant(TenantId),
    /// All lanes to a host.
    Host(HostName),
    /// One ordering key of one endpoint.
    Key(EndpointId, OrderingKey),
}

/// What is done to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateChange {
    /// The engine's hold: nothing before that moment, unless it is held longer.
    Hold(Timestamp),
    /// Ends the engine's hold, never a pause. A lane's streak is lowered to just below
    /// [`SICK_STREAK`](crate::policy::lane::SICK_STREAK), so that what waits there catches up.
    Lift,
    /// The operator's pause: nothing until a resume. Only lanes and tenants pause.
    Pause,
    /// Ends the operator's pause.
    Resume,
}
