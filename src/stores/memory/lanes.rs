//! The lanes: for each endpoint the deliveries that have a due time, and when the first of them
//! could be claimed.

use std::collections::{BTreeSet, HashMap};

use crate::delivery::{Gate, Route};
use crate::endpoint::Generation;
use crate::id::{DeliveryId, EndpointId, HostName, OrderingKey, TenantId};
use crate::policy::lane::{CATCH_UP_LOOKS, Lane, LaneChange};
use crate::policy::timeline::Step;
use crate::time::Timestamp;

use super::deliveries::Row;
use super::due::{Due, Dues, Leases};
use super::gates::Gates;
use super::queue::{Line, Place, Queue};

/// A lane's number in this store. It may be reused once nothing refers to the lane.
pub(super) type LaneNo = u32;

pub(super) struct LaneRow {
    pub(super) lane: Lane,
    /// The number of the move that last sent it to the back of the queue.
    turn: u64,
    pub(super) due: Dues,
    /// The deliveries in `due` that would be suspects if a claim found them.
    pub(super) suspects: BTreeSet<Due>,
    /// The deliveries that wait for a retry, by the end of the last attempt.
    tried: BTreeSet<(Timestamp, Due)>,
    leases: Leases,
    keys: HashMap<OrderingKey, KeyQueue>,
    /// How many deliveries the lane has, in any state.
    deliveries: u64,
}

/// The pending deliveries of one ordering key.
struct KeyQueue {
    /// The only delivery of the key with a due time.
    head: DeliveryId,
    parked: BTreeSet<(u64, DeliveryId)>,
}

impl LaneRow {
    /// How many more leases the lane's width allows.
    pub(super) fn room(&self, now: Timestamp) -> usize {
        (self.lane.width as usize).saturating_sub(self.leases.in_force(now))
    }

    /// Its due deliveries that are not suspects, the oldest first.
    pub(super) fn due_and_sound(&self, now: Timestamp) -> impl Iterator<Item = Due> {
        self.due.up_to(now).filter(|due| !self.suspects.contains(*due)).copied()
    }

    /// The deliveries that are not due but may be sent now. In a sick lane, as its probe, the one
    /// tried longest ago comes first; otherwise the one that is due first. If there are very many,
    /// only those tried longest ago are considered.
    pub(super) fn early(&self, now: Timestamp) -> Vec<Due> {
        let Some(catch_up) = self.lane.early(self.several_wait()) else { return Vec::new() };
        let by = catch_up.sendable_if_tried_by(now);
        let tried = self.tried.iter().take_while(|(tried_at, _)| *tried_at <= by);
        let mut waiting: Vec<Due> =
            tried.map(|(_, due)| *due).filter(|(due_at, ..)| *due_at > now).take(CATCH_UP_LOOKS).collect();
        if !self.lane.is_sick() {
            waiting.sort_unstable();
        }
        waiting
    }

    /// Whether more than one delivery waits. Parked ones count: the first delivery of their key
    /// waits too.
    fn several_wait(&self) -> bool {
        self.due.count() > 1 || self.keys.values().any(|key| !key.parked.is_empty())
    }

    /// The first moment at which a delivery may be sent: a due time, a lease end, or earlier if a
    /// delivery may be sent before it is due.
    fn first_sendable(&self) -> Option<Timestamp> {
        let tried = self.tried.first().map(|(tried_at, _)| *tried_at);
        let early = self.lane.early(self.several_wait()).zip(tried);
        let caught_up = early.and_then(|(catch_up, tried)| catch_up.sendable_at(tried));
        self.due.first().into_iter().chain(caught_up).min()
    }

    /// Its first due suspect.
    pub(super) fn first_suspect(&self, now: Timestamp) -> Option<Due> {
        self.suspects.first().filter(|(due_at, ..)| *due_at <= now).copied()
    }

    /// Its place among the ready lanes; `None` if it is not ready at any time.
    pub(super) fn place(&self, number: LaneNo) -> Option<Place> {
        let (ready_at, endpoint) = (self.lane.ready_at?, self.lane.endpoint.clone());
        Some(Place { ready_at, turn: self.turn, endpoint, lane: number })
    }
}

#[derive(Default)]
pub(super) struct Lanes {
    rows: Vec<LaneRow>,
    numbers: HashMap<EndpointId, LaneNo>,
    /// The numbers of removed lanes.
    vacant: Vec<LaneNo>,
    pub(super) gates: Gates,
    queue: Queue,
    with_suspects: BTreeSet<LaneNo>,
    turn: u64,
}

impl Lanes {
    pub(super) fn row(&self, lane: LaneNo) -> &LaneRow {
        &self.rows[lane as usize]
    }

    fn row_mut(&mut self, lane: LaneNo) -> &mut LaneRow {
        &mut self.rows[lane as usize]
    }

    pub(super) fn number(&self, endpoint: &EndpointId) -> Option<LaneNo> {
        self.numbers.get(endpoint).copied()
    }

    /// All lanes, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (LaneNo, &LaneRow)> {
        (0..).zip(&self.rows).filter(|(number, row)| self.number(&row.lane.endpoint) == Some(*number))
    }

    /// The lane of a route. It is created if there is none for its endpoint.
    pub(super) fn lane_of(&mut self, tenant: &TenantId, route: &Route) -> LaneNo {
        self.number(&route.endpoint)
            .unwrap_or_else(|| self.open(&route.endpoint, tenant, &route.host, route.width))
    }

    /// Creates an endpoint's lane.
    pub(super) fn open(
        &mut self,
        endpoint: &EndpointId,
        tenant: &TenantId,
        host: &HostName,
        width: u32,
    ) -> LaneNo {
        let lane = Lane::new(endpoint.clone(), tenant.clone(), host.clone(), width);
        let row = LaneRow {
            lane,
            turn: 0,
            due: Dues::default(),
            suspects: BTreeSet::new(),
            tried: BTreeSet::new(),
            leases: Leases::default(),
            keys: HashMap::new(),
            deliveries: 0,
        };
        let number = if let Some(number) = self.vacant.pop() {
            *self.row_mut(number) = row;
            number
        } else {
            self.rows.push(row);
            LaneNo::try_from(self.rows.len() - 1).unwrap_or(LaneNo::MAX)
        };
        self.numbers.insert(endpoint.clone(), number);
        number
    }

    /// Notes that a delivery of the lane was added.
    pub(super) fn gained(&mut self, lane: LaneNo) {
        self.row_mut(lane).deliveries += 1;
    }

    /// Notes that a delivery of the lane was removed.
    pub(super) fn lost(&mut self, lane: LaneNo) {
        let row = self.row_mut(lane);
        row.deliveries = row.deliveries.saturating_sub(1);
    }

    /// Removes the lane of a removed endpoint once no delivery refers to it. A paused lane stays: a
    /// host with a directory of its own pauses endpoints that this store's registry does not know.
    pub(super) fn forget_unneeded(&mut self, lane: LaneNo) {
        let row = self.row(lane);
        if row.deliveries > 0 || row.lane.paused {
            return;
        }
        let (endpoint, turn) = (row.lane.endpoint.clone(), row.turn);
        self.place(lane, None, turn);
        self.numbers.remove(&endpoint);
        self.vacant.push(lane);
    }

    /// Adds a delivery to the indexes of its lane.
    pub(super) fn note(&mut self, id: DeliveryId, row: &Row) {
        let Some(due_at) = row.due_at() else { return };
        let lane = self.row_mut(row.lane);
        lane.due.insert((due_at, row.sequence, id), row.lease().is_some());
        if row.takes_width() {
            lane.leases.insert(due_at);
        }
        if let Some(tried_at) = row.waits_since() {
            lane.tried.insert((tried_at, (due_at, row.sequence, id)));
        }
        if row.is_suspect_when_due() {
            lane.suspects.insert((due_at, row.sequence, id));
            self.with_suspects.insert(row.lane);
        }
    }

    /// Removes a delivery from the indexes of its lane.
    pub(super) fn forget(&mut self, id: DeliveryId, row: &Row) {
        let Some(due_at) = row.due_at() else { return };
        let lane = self.row_mut(row.lane);
        lane.due.remove(&(due_at, row.sequence, id), row.lease().is_some());
        if row.takes_width() {
            lane.leases.remove(due_at);
        }
        if let Some(tried_at) = row.waits_since() {
            lane.tried.remove(&(tried_at, (due_at, row.sequence, id)));
        }
        if row.is_suspect_when_due() {
            lane.suspects.remove(&(due_at, row.sequence, id));
            if lane.suspects.is_empty() {
                self.with_suspects.remove(&row.lane);
            }
        }
    }

    /// Adds a delivery to the queue of its ordering key; returns whether it is the head.
    pub(super) fn enter_key(
        &mut self,
        lane: LaneNo,
        key: &OrderingKey,
        sequence: u64,
        id: DeliveryId,
    ) -> bool {
        let keys = &mut self.row_mut(lane).keys;
        if let Some(queue) = keys.get_mut(key) {
            queue.parked.insert((sequence, id));
            return false;
        }
        keys.insert(key.clone(), KeyQueue { head: id, parked: BTreeSet::new() });
        true
    }

    /// Removes a delivery from the queue of its ordering key. Returns the new head, if the
    /// delivery was the head and another one follows.
    pub(super) fn leave_key(
        &mut self,
        lane: LaneNo,
        key: &OrderingKey,
        sequence: u64,
        id: DeliveryId,
    ) -> Option<DeliveryId> {
        let keys = &mut self.row_mut(lane).keys;
        let queue = keys.get_mut(key)?;
        if queue.head != id {
            queue.parked.remove(&(sequence, id));
            return None;
        }
        let Some((_, next)) = queue.parked.pop_first() else {
            keys.remove(key);
            return None;
        };
        queue.head = next;
        Some(next)
    }

    /// The first moment at which a claim could take a delivery: the earliest due time or lease end,
    /// or the first lease end if the lane is full, and never before the end of a hold. `None` while
    /// the lane is paused or empty.
    fn first_chance(&self, lane: LaneNo, now: Timestamp) -> Option<Timestamp> {
        let row = self.row(lane);
        if self.gates.is_paused(&row.lane) {
            return None;
        }
        let due_at = row.first_sendable()?;
        let first = if row.room(now) == 0 {
            row.leases.first_end(now).map_or(due_at, |lease_end| lease_end.max(due_at))
        } else {
            due_at
        };
        Some(first.max(self.gates.held_until(&row.lane).unwrap_or(first)))
    }

    /// Makes a lane ready earlier if its rows and gates allow it, and later only because of a hold.
    /// A delivery that is due already counts as due now, so that a late row does not jump the queue.
    pub(super) fn refresh(&mut self, lane: LaneNo, now: Timestamp) {
        let first = self.first_chance(lane, now).map(|first| first.max(now));
        let row = self.row(lane);
        let held_until = self.gates.held_until(&row.lane);
        let ready_at = match (row.lane.ready_at, first) {
            (Some(ready_at), Some(first)) => Some(ready_at.min(first)).max(held_until),
            (_, first) => first,
        };
        let turn = row.turn;
        self.place(lane, ready_at, turn);
    }

    /// Sets when a lane is ready from its rows and gates, earlier or later.
    pub(super) fn settle_in(&mut self, lane: LaneNo, now: Timestamp) {
        let ready_at = self.first_chance(lane, now).map(|first| first.max(now));
        let turn = self.row(lane).turn;
        self.place(lane, ready_at, turn);
    }

    /// Sends back a lane that was served, or that had nothing to give. It is ready when its rows
    /// say so; if that is now, it goes to the back of the queue.
    pub(super) fn send_back(&mut self, lane: LaneNo, now: Timestamp) {
        self.turn += 1;
        let ready_at = self.first_chance(lane, now).map(|first| first.max(now));
        self.place(lane, ready_at, self.turn);
    }

    fn place(&mut self, lane: LaneNo, ready_at: Option<Timestamp>, turn: u64) {
        let row = self.row(lane);
        if (row.lane.ready_at, row.turn) != (ready_at, turn) {
            self.change(lane, |row| {
                row.lane.ready_at = ready_at;
                row.turn = turn;
            });
        }
    }

    /// The only function that changes those fields of a lane which the queue depends on.
    fn change(&mut self, lane: LaneNo, change: impl FnOnce(&mut LaneRow)) {
        let Some(row) = self.rows.get_mut(lane as usize) else { return };
        let before = standing(lane, row);
        change(row);
        self.queue.shift(before, standing(lane, row));
    }

    /// Writes a settlement's change of a lane.
    pub(super) fn apply(&mut self, change: &LaneChange, now: Timestamp) {
        let Some(lane) = self.number(&change.endpoint) else { return };
        self.change(lane, |row| {
            row.lane.apply(change);
        });
        self.refresh(lane, now);
    }

    /// Adapts a lane after its endpoint was written.
    pub(super) fn refit(
        &mut self,
        endpoint: &EndpointId,
        generation: Generation,
        host: &HostName,
        width: u32,
    ) {
        let Some(number) = self.number(endpoint) else { return };
        // The change may move a ready lane between the lines of proven and of doubtful lanes.
        self.change(number, |row| row.lane.refit(generation, host, width));
        // A write of an endpoint has no time, and a lane may be ready too early.
        self.refresh(number, Timestamp::from_micros(i64::MIN));
    }

    /// Shifts holds and health when the store's time moves.
    pub(super) fn shift(&mut self, step: Step) {
        self.gates.shift(step.by);
        for lane in (0..).take(self.rows.len()) {
            self.change(lane, |row| row.lane.shift(step.by));
            self.settle_in(lane, step.to());
        }
    }

    /// Changes the gate of one lane.
    pub(super) fn set_gate(&mut self, lane: LaneNo, now: Timestamp, change: impl FnOnce(&mut Lane)) {
        change(&mut self.row_mut(lane).lane);
        self.refresh(lane, now);
    }

    /// Updates the places of the lanes that a tenant's or a host's gate has held back.
    pub(super) fn refresh_behind(&mut self, gate: &Gate, now: Timestamp) {
        let behind: Vec<_> = self
            .iter()
            .filter(|(_, row)| match gate {
                Gate::Tenant(tenant) => row.lane.tenant == *tenant,
                Gate::Host(host) => row.lane.host == *host,
                _ => false,
            })
            .map(|(lane, _)| lane)
            .collect();
        for lane in behind {
            self.refresh(lane, now);
        }
    }

    /// The lanes that contain suspects.
    pub(super) fn with_suspects(&self) -> impl Iterator<Item = (LaneNo, &LaneRow)> {
        self.with_suspects.iter().map(|lane| (*lane, self.row(*lane)))
    }

    /// The order in which lanes are served.
    pub(super) const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Sends a line that was served behind the lines that wait.
    pub(super) fn send_line_back(&mut self, line: &Line, now: Timestamp) {
        self.turn += 1;
        self.queue.send_back(line, now, self.turn);
    }

    /// When the first lane is ready.
    pub(super) fn next_ready(&self) -> Option<Timestamp> {
        self.queue.first_ready()
    }
}

fn standing(lane: LaneNo, row: &LaneRow) -> Option<(Line, Place)> {
    let place = row.place(lane)?;
    Some((Line { tenant: row.lane.tenant.clone(), doubtful: row.lane.is_doubtful() }, place))
}
