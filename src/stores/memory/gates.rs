//! The gates: what holds back a lane, a tenant or a host. Each is one row, however much waits
//! behind it.

use std::collections::HashMap;

use crate::delivery::{Gate, GateChange};
use crate::error::{StoreError, StoreErrorKind};
use crate::history::{ClosedGate, GatesOver};
use crate::id::{EndpointId, HostName, TenantId};
use crate::policy::lane::Lane;
use crate::policy::timeline::Shift;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::lanes::LaneNo;
use super::state::State;

#[derive(Default)]
struct TenantGate {
    paused: bool,
    held_until: Option<Timestamp>,
}

/// The gates of tenants and hosts, which hold back more than one lane.
#[derive(Default)]
pub(super) struct Gates {
    tenants: HashMap<TenantId, TenantGate>,
    hosts: HashMap<HostName, Timestamp>,
}

impl Gates {
    /// Whether the lane, or its tenant, is paused.
    pub(super) fn is_paused(&self, lane: &Lane) -> bool {
        lane.paused || self.tenants.get(&lane.tenant).is_some_and(|gate| gate.paused)
    }

    /// The end of the longest hold of the lane, its tenant or its host.
    pub(super) fn held_until(&self, lane: &Lane) -> Option<Timestamp> {
        let of_tenant = self.tenants.get(&lane.tenant).and_then(|gate| gate.held_until);
        lane.held_until.max(of_tenant).max(self.hosts.get(&lane.host).copied())
    }

    /// The gates that apply to the lane, besides its own.
    pub(super) fn over(&self, lane: &Lane) -> GatesOver {
        let of_tenant = self.tenants.get(&lane.tenant);
        GatesOver {
            tenant_paused: of_tenant.is_some_and(|gate| gate.paused),
            tenant_held_until: of_tenant.and_then(|gate| gate.held_until),
            host_held_until: self.hosts.get(&lane.host).copied(),
        }
    }

    /// The closed gates in the order of `Gate`, which has tenants first.
    pub(super) fn closed(&self, now: Timestamp, after: Option<&Gate>, limit: usize) -> Vec<ClosedGate> {
        let tenants = self.tenants.iter().map(|(tenant, gate)| {
            ClosedGate::at(now, Gate::Tenant(tenant.clone()), gate.paused, gate.held_until)
        });
        let hosts = self.hosts.iter();
        let hosts =
            hosts.map(|(host, until)| ClosedGate::at(now, Gate::Host(host.clone()), false, Some(*until)));
        let mut found: Vec<_> = tenants.chain(hosts).flatten().collect();
        found.retain(|closed| after.is_none_or(|after| closed.gate > *after));
        found.sort_by(|one, other| one.gate.cmp(&other.gate));
        found.truncate(limit);
        found
    }

    /// Whether a claim may take from the lane.
    pub(super) fn let_through(&self, lane: &Lane, now: Timestamp) -> bool {
        !self.is_paused(lane) && self.held_until(lane).is_none_or(|end| end <= now)
    }

    /// Shifts the ends of holds when the store's time moves.
    pub(super) fn shift(&mut self, by: Shift) {
        let of_tenants = self.tenants.values_mut().filter_map(|gate| gate.held_until.as_mut());
        for until in of_tenants.chain(self.hosts.values_mut()) {
            *until = by.carry(*until);
        }
    }

    fn change_tenant(&mut self, tenant: &TenantId, change: GateChange) {
        let gate = self.tenants.entry(tenant.clone()).or_default();
        match change {
            GateChange::Hold(until) => gate.held_until = gate.held_until.max(Some(until)),
            GateChange::Lift => gate.held_until = None,
            GateChange::Pause => gate.paused = true,
            GateChange::Resume => gate.paused = false,
        }
        if !gate.paused && gate.held_until.is_none() {
            self.tenants.remove(tenant);
        }
    }

    /// Removes the holds that ended before `before`.
    pub(super) fn forget_ended(&mut self, before: Timestamp) {
        self.tenants.retain(|_, gate| gate.paused || gate.held_until.is_none_or(|until| until >= before));
        self.hosts.retain(|_, until| *until >= before);
    }

    fn hold_host(&mut self, host: &HostName, until: Timestamp) {
        let held = self.hosts.entry(host.clone()).or_insert(until);
        *held = until.max(*held);
    }
}

impl State {
    /// Opens and closes gates, either all of them or none.
    pub(super) fn gate(&mut self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        for (gate, change) in changes {
            self.check_gate(gate, *change)?;
        }
        for (gate, change) in changes {
            match gate {
                Gate::Lane(endpoint) => self.gate_lane(endpoint, *change, now),
                Gate::Tenant(tenant) => self.lanes.gates.change_tenant(tenant, *change),
                Gate::Host(host) => match change {
                    GateChange::Hold(until) => self.lanes.gates.hold_host(host, *until),
                    _ => {
                        self.lanes.gates.hosts.remove(host);
                    }
                },
                Gate::Key(..) => {}
            }
            if matches!(change, GateChange::Lift | GateChange::Resume) {
                self.lanes.refresh_behind(gate, now);
            }
        }
        Ok(())
    }

    /// Removes an endpoint, and ends its lane's pause, which nobody could end afterwards. Waiting
    /// deliveries are cancelled, at the latest when they are claimed.
    pub(super) fn remove_endpoint(&mut self, tenant: &TenantId, id: &EndpointId) -> Option<Sequence> {
        if !self.endpoints.remove(tenant, id) {
            return None;
        }
        // The lane may be marked ready although nothing in it is due; the claim notices that.
        self.gate_lane(id, GateChange::Resume, Timestamp::EPOCH);
        Some(self.events.next_place())
    }

    fn check_gate(&self, gate: &Gate, change: GateChange) -> Result<(), StoreError> {
        let refused = |what| Err(StoreError::new(StoreErrorKind::Invalid, what));
        let pauses = matches!(change, GateChange::Pause | GateChange::Resume);
        match gate {
            Gate::Key(..) => refused("gate: an ordering key has none of its own"),
            Gate::Host(_) if pauses => refused("gate: a host is held, never paused"),
            Gate::Lane(endpoint) if self.lanes.number(endpoint).is_none() => {
                match self.endpoints.get(endpoint) {
                    Some(_) => Ok(()),
                    None => refused("gate: no such endpoint"),
                }
            }
            _ => Ok(()),
        }
    }

    fn gate_lane(&mut self, endpoint: &EndpointId, change: GateChange, now: Timestamp) {
        let Some(lane) = self.lane_for_gate(endpoint) else { return };
        self.lanes.set_gate(lane, now, |lane| match change {
            GateChange::Hold(until) => lane.hold_until(until),
            GateChange::Lift => lane.lift(),
            GateChange::Pause => lane.paused = true,
            GateChange::Resume => lane.paused = false,
        });
        // The lane may have existed only because of the pause, after its endpoint was removed.
        if change == GateChange::Resume {
            self.forget_lane_of_no_endpoint(lane);
        }
    }

    /// The lane of an endpoint. It is created if a gate is set before any event was routed to it.
    fn lane_for_gate(&mut self, endpoint: &EndpointId) -> Option<LaneNo> {
        self.lanes.number(endpoint).or_else(|| {
            let endpoint = self.endpoints.get(endpoint)?;
            let width = self.endpoints.width(&endpoint.id);
            let endpoint = endpoint.clone();
            Some(self.lanes.open(&endpoint.id, &endpoint.tenant, endpoint.url.host(), width))
        })
    }
}
