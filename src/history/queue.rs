//! Why an endpoint gets nothing, as a store tells it.

use crate::delivery::Gate;
use crate::policy::lane::Lane;
use crate::time::Timestamp;

/// What holds one endpoint's deliveries back, if anything does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// Who switched the endpoint off; `None` while it is on, and where only a host's own
    /// directory knows.
    pub disabled: Option<Disabled>,
    /// The operator paused it. Only a resume ends that.
    pub paused: bool,
    /// The operator paused all of its tenant's.
    pub tenant_paused: bool,
    /// Of the engine's holds that are in force, the one that ends last.
    pub held: Option<Hold>,
    /// Since when every answer has been a failure.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub streak: u32,
    /// How many requests may be under way at once, now.
    pub width: u32,
    /// The earliest due time among its pending deliveries, or the end of the lease of one
    /// that is under way; `None` when nothing waits.
    pub oldest_due: Option<Timestamp>,
}

/// Who switched an endpoint off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disabled {
    /// The host, by a call.
    ByHost,
    /// The engine, after what the endpoint answered.
    ByEngine {
        /// The reason, as a sentence.
        why: String,
    },
}

/// A hold of the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whether it holds the endpoint's lane, all of its tenant's or all to its host.
    pub gate: Gate,
    /// Nothing is sent before.
    pub until: Timestamp,
}

/// A tenant or a host all of whose deliveries are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedGate {
    /// The tenant or the host.
    pub gate: Gate,
    /// The operator paused it. Only a resume ends that.
    pub paused: bool,
    /// The end of the engine's hold; `None` if there is none in force.
    pub held_until: Option<Timestamp>,
}

impl ClosedGate {
    /// The gate as it stands at `now`; `None` if it is open then.
    #[must_use]
    pub fn at(now: Timestamp, gate: Gate, paused: bool, held_until: Option<Timestamp>) -> Option<Self> {
        let held_until = held_until.filter(|until| *until > now);
        (paused || held_until.is_some()).then_some(Self { gate, paused, held_until })
    }
}

/// The gates over a lane: what they hold back, they hold back from others too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GatesOver {
    /// The operator paused the tenant.
    pub tenant_paused: bool,
    /// The end of the tenant's hold.
    pub tenant_held_until: Option<Timestamp>,
    /// The end of the host's hold.
    pub host_held_until: Option<Timestamp>,
}

impl Queue {
    /// What follows from a lane and the gates over it. Who disabled the endpoint and what
    /// is due first, the store adds.
    #[must_use]
    pub fn of(lane: &Lane, over: GatesOver, now: Timestamp) -> Self {
        // Of holds that end together the narrowest is told: the last of them.
        let holds = [
            (Gate::Host(lane.host.clone()), over.host_held_until),
            (Gate::Tenant(lane.tenant.clone()), over.tenant_held_until),
            (Gate::Lane(lane.endpoint.clone()), lane.held_until),
        ];
        let in_force = holds.into_iter().filter_map(|(gate, until)| Some(Hold { gate, until: until? }));
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
