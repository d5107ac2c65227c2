//! Why an endpoint gets nothing, as the store knows it.

use serde::Serialize;

use crate::delivery::Gate;
use crate::policy::lane::Lane;
use crate::time::Timestamp;

/// What holds back the deliveries of one endpoint, if anything does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LaneStatus {
    /// Who disabled the endpoint; `None` if it is enabled, or if only a host's own directory
    /// knows.
    pub disabled: Option<Disabled>,
    /// Whether the operator paused the endpoint. Only a resume ends that.
    pub paused: bool,
    /// Whether the operator paused all endpoints of its tenant.
    pub tenant_paused: bool,
    /// The hold of the engine that ends last, among those in force; `None` if none is.
    pub held: Option<LaneHold>,
    /// The time since which every answer has been a failure; `None` if the last one was not a
    /// failure.
    pub failing_since: Option<Timestamp>,
    /// The number of failures in a row.
    pub streak: u32,
    /// The present limit of requests in flight at once.
    pub width: u32,
    /// The earliest due time among its pending deliveries, or the end of the lease if that
    /// delivery is in flight; `None` if it has no pending deliveries.
    pub oldest_due: Option<Timestamp>,
}

/// Who disabled an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disabled {
    /// The host disabled it, by a call.
    ByHost,
    /// The engine disabled it because of the endpoint's answers.
    ByEngine {
        /// The reason, as a sentence.
        why: String,
    },
}

/// A hold that the engine has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneHold {
    /// The lane, tenant or host that is held.
    pub gate: Gate,
    /// The time before which nothing is sent.
    pub until: Timestamp,
}

/// A tenant or host whose deliveries are all held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosedGate {
    /// The tenant or the host.
    pub gate: Gate,
    /// Whether the operator paused it. Only a resume ends that.
    pub paused: bool,
    /// The end of the engine's hold; `None` if none is in force.
    pub held_until: Option<Timestamp>,
}

impl ClosedGate {
    /// The state of the gate at `now`; `None` if it is open then.
    #[must_use]
    pub fn at(now: Timestamp, gate: Gate, paused: bool, held_until: Option<Timestamp>) -> Option<Self> {
        let held_until = held_until.filter(|until| *until > now);
        (paused || held_until.is_some()).then_some(Self { gate, paused, held_until })
    }
}

/// The state of a lane's tenant gate and host gate, which hold back other lanes too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GatesOver {
    /// Whether the operator paused the tenant.
    pub tenant_paused: bool,
    /// The end of the tenant's hold; `None` if there is none.
    pub tenant_held_until: Option<Timestamp>,
    /// The end of the host's hold; `None` if there is none.
    pub host_held_until: Option<Timestamp>,
}

impl LaneStatus {
    /// Combines the state of a lane and its gates. The store adds who disabled the endpoint,
    /// and what is due first.
    #[must_use]
    pub fn of(lane: &Lane, over: GatesOver, now: Timestamp) -> Self {
        // Of holds that end together the narrowest is told: the last of them.
        let holds = [
            (Gate::Host(lane.host.clone()), over.host_held_until),
            (Gate::Tenant(lane.tenant.clone()), over.tenant_held_until),
            (Gate::Lane(lane.endpoint.clone()), lane.held_until),
        ];
        let in_force = holds.into_iter().filter_map(|(gate, until)| Some(LaneHold { gate, until: until? }));
        Self {
            disabled: None,
            paused: lane.paused,
            tenant_paused: over.tenant_paused,
            held: in_force.filter(|hold| hold.until > now).max_by_key(|hold| hold.until),
            failing_since: lane.failing.map(|failing| failing.since),
            streak: lane.streak,
            width: lane.width,
            oldest_due: None,
        }
    }
}
