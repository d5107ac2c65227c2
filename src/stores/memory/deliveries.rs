//! The deliveries: each row, its phase, and the only function that changes both a row and the
//! indexes of its lane.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::delivery::{CancelReason, Claim, Delivery, Route, SUSPECT_AFTER, SilentLease, State as Standing};
use crate::event::Event;
use crate::history::{AttemptLog, Class};
use crate::id::{DeliveryId, Round, TenantId, Token};
use crate::policy::lane::Lane;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::by_delivery::ByDelivery;
use super::lanes::LaneNo;
use super::state::State;

pub(super) struct Row {
    pub(super) event: Arc<Event>,
    /// Its event's place in the order of publishing.
    pub(super) sequence: u64,
    /// The delivery's own place in the order: that of its event, or of the replay that made it.
    pub(super) born: Sequence,
    pub(super) round: Round,
    pub(super) phase: Phase,
    pub(super) born_at: Timestamp,
    pub(super) first_attempt_at: Option<Timestamp>,
    /// The end of its last attempt, while it waits for a retry.
    pub(super) tried_at: Option<Timestamp>,
    pub(super) log: Option<Box<AttemptLog>>,
    /// Why it failed, if its state does not say enough.
    pub(super) why: Option<Box<str>>,
    pub(super) lane: LaneNo,
    pub(super) attempts: u32,
    pub(super) silent: u32,
    pub(super) silent_alone: u32,
    pub(super) test: bool,
    /// Whether its endpoint was removed while it was leased. Then it is not tried again.
    pub(super) is_orphaned: bool,
}

pub(super) enum Phase {
    /// It waits for an earlier delivery of its ordering key. After that, `due_at` applies.
    Parked {
        due_at: Timestamp,
    },
    Waiting {
        due_at: Timestamp,
    },
    Leased(Box<Lease>),
    Over {
        state: Standing,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) token: Token,
    pub(super) until: Timestamp,
    /// The due time before the lease.
    pub(super) replaced: Timestamp,
    pub(super) claimed_at: Timestamp,
    pub(super) alone: bool,
}

impl Row {
    /// When it is due, or when its lease ends.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Waiting { due_at } => Some(*due_at),
            Phase::Leased(lease) => Some(lease.until),
            Phase::Parked { .. } | Phase::Over { .. } => None,
        }
    }

    pub(super) const fn lease(&self) -> Option<&Lease> {
        match &self.phase {
            Phase::Leased(lease) => Some(lease),
            _ => None,
        }
    }

    pub(super) const fn is_pending(&self) -> bool {
        !matches!(self.phase, Phase::Over { .. })
    }

    /// Whether it is leased under that token.
    pub(super) fn is_held_by(&self, token: Token) -> bool {
        self.lease().is_some_and(|lease| lease.token == token)
    }

    /// Whether it would be a suspect if a claim found it at its due time. If it is leased until
    /// then, that lease has ended silently.
    pub(super) const fn is_suspect_when_due(&self) -> bool {
        let ended = if self.lease().is_some() { 1 } else { 0 };
        self.silent + ended >= SUSPECT_AFTER
    }

    /// Whether its lease counts against its lane's width.
    pub(super) const fn takes_width(&self) -> bool {
        self.lease().is_some() && !self.test
    }

    /// When it was last tried, if it waits for a retry.
    pub(super) fn waits_since(&self) -> Option<Timestamp> {
        self.tried_at.filter(|_| matches!(self.phase, Phase::Waiting { .. }))
    }

    /// The attempts and silent leases, for writing.
    pub(super) fn log_mut(&mut self) -> &mut AttemptLog {
        self.log.get_or_insert_default()
    }

    const fn standing(&self) -> Standing {
        match self.phase {
            Phase::Over { state, .. } => state,
            _ => Standing::Pending,
        }
    }
}

/// The retention class of a state.
const fn class_of(state: Standing) -> Option<Class> {
    match state {
        Standing::Pending => None,
        Standing::Delivered { .. } => Some(Class::Delivered),
        Standing::Failed(_) => Some(Class::Failed),
        Standing::Cancelled(_) => Some(Class::Cancelled),
    }
}

/// One tenant's deliveries.
#[derive(Default)]
pub(super) struct OfTenant {
    pub(super) ids: BTreeSet<DeliveryId>,
    pub(super) terminal: BTreeMap<Class, u64>,
}

#[derive(Default)]
pub(super) struct Deliveries {
    rows: ByDelivery<Box<Row>>,
    pub(super) tenants: BTreeMap<TenantId, OfTenant>,
    /// The terminal deliveries in the order in which they ended.
    terminal: BTreeMap<Class, BTreeSet<(Timestamp, DeliveryId)>>,
}

impl Deliveries {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, id: &DeliveryId) -> Option<&Row> {
        self.rows.get(id).map(Box::as_ref)
    }

    /// The ids of the deliveries that have not ended.
    pub(super) fn pending(&self) -> impl Iterator<Item = DeliveryId> {
        self.rows.iter().filter(|(_, row)| row.is_pending()).map(|(id, _)| *id)
    }

    /// The row, for a change that does not affect an index.
    pub(super) fn get_mut(&mut self, id: &DeliveryId) -> Option<&mut Row> {
        self.rows.get_mut(id).map(Box::as_mut)
    }

    /// The delivery of that class that ended first, if it ended before `before`.
    pub(super) fn oldest_terminal(&self, class: Class, before: Timestamp) -> Option<DeliveryId> {
        let (at, id) = self.terminal.get(&class)?.first()?;
        (*at < before).then_some(*id)
    }

    fn count_terminal(&mut self, id: DeliveryId, tenant: &TenantId, state: Standing, at: Timestamp) {
        let Some(class) = class_of(state) else { return };
        self.terminal.entry(class).or_default().insert((at, id));
        *self.tenants.entry(tenant.clone()).or_default().terminal.entry(class).or_default() += 1;
    }

    /// Removes a terminal row.
    fn remove(&mut self, id: DeliveryId) -> Option<Box<Row>> {
        let row = self.rows.remove(&id)?;
        let tenant = self.tenants.get_mut(&row.event.tenant)?;
        tenant.ids.remove(&id);
        if let Phase::Over { state, at } = row.phase
            && let Some(class) = class_of(state)
        {
            if let Some(count) = tenant.terminal.get_mut(&class) {
                *count -= 1;
            }
            if let Some(of_class) = self.terminal.get_mut(&class) {
                of_class.remove(&(at, id));
            }
        }
        if tenant.ids.is_empty() {
            self.tenants.remove(&row.event.tenant);
        }
        Some(row)
    }
}

impl State {
    /// Adds a delivery, unless it exists. Returns whether it was added; the caller then has to
    /// count it for its event.
    pub(super) fn add_delivery(
        &mut self,
        event: &Arc<Event>,
        sequence: u64,
        born: Sequence,
        lane: LaneNo,
        route: &Route,
        now: Timestamp,
    ) -> bool {
        if self.deliveries.get(&route.delivery).is_some() {
            return false;
        }
        let (id, due_at) = (route.delivery, route.due_at);
        let key = event.ordering_key.as_ref().filter(|_| !route.test);
        let is_head = key.is_none_or(|key| self.lanes.enter_key(lane, key, sequence, id));
        let row = Row {
            event: Arc::clone(event),
            sequence,
            born,
            round: route.round.clone(),
            phase: if is_head { Phase::Waiting { due_at } } else { Phase::Parked { due_at } },
            born_at: route.born_at,
            first_attempt_at: None,
            tried_at: None,
            log: None,
            why: None,
            lane,
            attempts: 0,
            silent: 0,
            silent_alone: 0,
            test: route.test,
            is_orphaned: false,
        };
        self.lanes.note(id, &row);
        self.lanes.gained(lane);
        self.lanes.refresh(lane, now);
        self.deliveries.tenants.entry(event.tenant.clone()).or_default().ids.insert(id);
        self.deliveries.rows.insert(id, Box::new(row));
        true
    }

    /// Changes a row and the indexes of its lane. The caller has to refresh the lane's place in
    /// the queue.
    pub(super) fn update(&mut self, id: DeliveryId, change: impl FnOnce(&mut Row)) -> Option<(&Row, &Lane)> {
        let row = self.deliveries.rows.get_mut(&id)?;
        self.lanes.forget(id, row);
        change(row);
        self.lanes.note(id, row);
        Some((row, &self.lanes.row(row.lane).lane))
    }

    /// Leases a delivery that waits, or whose last lease has ended silently.
    pub(super) fn lease(&mut self, id: DeliveryId, lease: Lease) -> Option<Claim> {
        if self.deliveries.get(&id).is_some_and(|row| row.is_orphaned) {
            let now = lease.claimed_at;
            self.end(id, Standing::Cancelled(CancelReason::EndpointRemoved), now, now);
            return None;
        }
        let mut lapsed = false;
        let row = self.update(id, |row| {
            if let Some(silent) = row.lease().copied() {
                lapsed = true;
                row.silent += 1;
                row.silent_alone += u32::from(silent.alone);
                let lease = SilentLease { token: silent.token, claimed_at: silent.claimed_at };
                row.log_mut().silent.push(lease);
            }
            row.phase = Phase::Leased(Box::new(lease));
        })?;
        let (row, lane) = row;
        Some(Claim {
            delivery: id,
            event: Arc::clone(&row.event),
            endpoint: lane.endpoint.clone(),
            round: row.round.clone(),
            token: lease.token,
            lease_until: lease.until,
            due_at: lease.replaced,
            born_at: row.born_at,
            born: row.born,
            first_attempt_at: row.first_attempt_at,
            attempts: row.attempts,
            silent: row.silent,
            silent_alone: row.silent_alone,
            lapsed,
            test: row.test,
        })
    }

    /// Ends a pending delivery. The next one of its ordering key gets its own due time.
    pub(super) fn end(&mut self, id: DeliveryId, state: Standing, at: Timestamp, now: Timestamp) {
        let ended = self.update(id, |row| row.phase = Phase::Over { state, at });
        let Some((row, _)) = ended else { return };
        let (event, sequence, lane) = (Arc::clone(&row.event), row.sequence, row.lane);
        let key = event.ordering_key.as_ref().filter(|_| !row.test);
        self.deliveries.count_terminal(id, &event.tenant, state, at);
        if let Some(next) = key.and_then(|key| self.lanes.leave_key(lane, key, sequence, id)) {
            self.update(next, |row| {
                if let Phase::Parked { due_at } = row.phase {
                    row.phase = Phase::Waiting { due_at };
                }
            });
        }
        self.lanes.refresh(lane, now);
    }

    /// Removes a terminal delivery with its attempts. If it is its event's last, removes the event.
    pub(super) fn remove_delivery(&mut self, id: DeliveryId) {
        if let Some(row) = self.deliveries.remove(id) {
            self.events.lost_delivery(&row.event);
            self.lanes.lost(row.lane);
            self.forget_lane_of_no_endpoint(row.lane);
        }
    }

    /// Removes a lane if its endpoint was removed and no delivery refers to it.
    pub(super) fn forget_lane_of_no_endpoint(&mut self, lane: LaneNo) {
        if self.endpoints.get(&self.lanes.row(lane).lane.endpoint).is_none() {
            self.lanes.forget_unneeded(lane);
        }
    }

    /// A delivery as the history returns it.
    pub(super) fn shown(&self, id: DeliveryId, row: &Row) -> Delivery {
        let settled_at = if let Phase::Over { at, .. } = row.phase { Some(at) } else { None };
        Delivery {
            id,
            tenant: row.event.tenant.clone(),
            event: row.event.id.clone(),
            kind: row.event.kind.clone(),
            endpoint: self.lanes.row(row.lane).lane.endpoint.clone(),
            round: row.round.clone(),
            state: row.standing(),
            why: row.why.as_deref().map(str::to_owned),
            due_at: row.due_at(),
            born_at: row.born_at,
            first_attempt_at: row.first_attempt_at,
            attempts: row.attempts,
            settled_at,
            test: row.test,
        }
    }
}
