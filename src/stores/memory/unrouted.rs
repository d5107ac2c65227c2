//! The events that wait for their routing. Tenants take turns. Of the events with one ordering key
//! only the oldest waits, and the others are parked behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use crate::delivery::{ClaimRequest, EventClaim};
use crate::event::Event;
use crate::id::{EndpointId, OrderingKey, TenantId, Token};
use crate::policy::timeline::{Shift, Step};
use crate::sequence::Sequence;
use crate::time::Timestamp;

/// An event's place in the order of publishing, which identifies it here.
type EventNo = u64;

struct RoutingRow {
    event: Arc<Event>,
    /// The endpoint after which the next chunk begins; `None` for the first chunk.
    after: Option<EndpointId>,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    /// It waits for an older event of its ordering key.
    Parked,
    Waiting {
        due_at: Timestamp,
    },
    Leased {
        token: Token,
        until: Timestamp,
        replaced: Timestamp,
    },
}

impl Phase {
    const fn due_at(self) -> Option<Timestamp> {
        match self {
            Self::Parked => None,
            Self::Waiting { due_at } | Self::Leased { until: due_at, .. } => Some(due_at),
        }
    }

    const fn shifted(self, by: Shift) -> Self {
        match self {
            Self::Parked => Self::Parked,
            Self::Waiting { due_at } => Self::Waiting { due_at: by.carry(due_at) },
            Self::Leased { token, until, replaced } => {
                Self::Leased { token, until: by.carry(until), replaced: by.carry(replaced) }
            }
        }
    }
}

/// A tenant's events to route, in the order of their due times or lease ends.
#[derive(Default)]
struct Line {
    due: BTreeSet<(Timestamp, EventNo)>,
    /// The tenant's place among the tenants: one that was served goes to the back.
    place: Option<(Timestamp, u64)>,
    events: u64,
}

#[derive(Default)]
pub(super) struct Unrouted {
    rows: BTreeMap<EventNo, RoutingRow>,
    lines: HashMap<TenantId, Line>,
    places: BTreeSet<(Timestamp, u64, TenantId)>,
    keys: HashMap<(TenantId, OrderingKey), BTreeSet<EventNo>>,
    turn: u64,
}

impl Unrouted {
    /// Whether an older event of its ordering key is still to be routed.
    pub(super) fn blocks(&self, event: &Event) -> bool {
        key_of(event).is_some_and(|key| self.keys.contains_key(&key))
    }

    /// Adds an event. Returns `false` if it is parked.
    pub(super) fn add(&mut self, event: Arc<Event>, sequence: EventNo, now: Timestamp) -> bool {
        let parked = self.blocks(&event);
        if let Some(key) = key_of(&event) {
            self.keys.entry(key).or_default().insert(sequence);
        }
        let tenant = event.tenant.clone();
        self.lines.entry(tenant.clone()).or_default().events += 1;
        self.rows.insert(sequence, RoutingRow { event, after: None, phase: Phase::Parked });
        if !parked {
            self.shift(sequence, Phase::Waiting { due_at: now });
            self.refresh(&tenant, now);
        }
        !parked
    }

    /// Whether an event could be leased now.
    #[cfg(feature = "testing")]
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let firsts = self.lines.values().filter_map(|line| line.due.first());
        firsts.into_iter().any(|(due_at, _)| *due_at <= now)
    }

    /// Leases up to `request.events` events; the tenants take turns.
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Vec<EventClaim> {
        let (now, limit) = (request.now, request.events);
        let mut turns: VecDeque<_> = self
            .places
            .iter()
            .take_while(|(ready_at, ..)| *ready_at <= now)
            .take(limit)
            .map(|(_, _, tenant)| (tenant.clone(), Unbounded))
            .collect();
        let visited: Vec<_> = turns.iter().map(|(tenant, _)| tenant.clone()).collect();
        let mut picked = Vec::new();
        while picked.len() < limit {
            let Some((tenant, after)) = turns.pop_front() else { break };
            let line = self.lines.get(&tenant);
            let next = line.and_then(|line| line.due.range((after, Included((now, u64::MAX)))).next());
            if let Some(&(due_at, sequence)) = next {
                picked.push((sequence, due_at));
                turns.push_back((tenant, Excluded((due_at, sequence))));
            }
        }
        let (token, until) = (request.token, request.lease_until);
        for &(sequence, replaced) in &picked {
            self.shift(sequence, Phase::Leased { token, until, replaced });
        }
        for tenant in &visited {
            self.send_back(tenant, now);
        }
        let claimed = picked.iter().filter_map(|(place, _)| Some((place, self.rows.get(place)?)));
        claimed
            .map(|(place, row)| EventClaim {
                event: Arc::clone(&row.event),
                sequence: Sequence::from_number(*place),
                after: row.after.clone(),
                token,
                lease_until: until,
            })
            .collect()
    }

    /// Whether that token still leases the event.
    pub(super) fn holds(&self, sequence: EventNo, token: Token) -> bool {
        matches!(self.phase(sequence), Some(Phase::Leased { token: held, .. }) if held == token)
    }

    /// Gives a leased event back as if it had never been claimed.
    pub(super) fn release(&mut self, sequence: EventNo, now: Timestamp) {
        if let Some(Phase::Leased { replaced, .. }) = self.phase(sequence) {
            self.wait(sequence, replaced, now);
        }
    }

    /// Notes that a chunk was routed: the next one begins after `after`.
    pub(super) fn go_on(&mut self, sequence: EventNo, after: EndpointId, now: Timestamp) {
        if let Some(row) = self.rows.get_mut(&sequence) {
            row.after = Some(after);
        }
        self.wait(sequence, now, now);
    }

    /// Notes that the last chunk was routed: the next event of its ordering key may be routed.
    pub(super) fn done(&mut self, sequence: EventNo, now: Timestamp) {
        self.shift(sequence, Phase::Parked);
        let Some(row) = self.rows.remove(&sequence) else { return };
        let tenant = row.event.tenant.clone();
        if let Some(line) = self.lines.get_mut(&tenant) {
            line.events -= 1;
        }
        self.refresh(&tenant, now);
        let Some(key) = key_of(&row.event) else { return };
        let Some(of_key) = self.keys.get_mut(&key) else { return };
        of_key.remove(&sequence);
        match of_key.first().copied() {
            Some(next) => self.wait(next, now, now),
            None => {
                self.keys.remove(&key);
            }
        }
    }

    /// When a claim could first return an event.
    pub(super) fn next_ready(&self) -> Option<Timestamp> {
        self.places.first().map(|(ready_at, _, _)| *ready_at)
    }

    /// How many events wait, of one tenant or of all.
    pub(super) fn count(&self, tenant: Option<&TenantId>) -> u64 {
        match tenant {
            Some(tenant) => self.lines.get(tenant).map_or(0, |line| line.events),
            None => self.rows.len() as u64,
        }
    }

    /// Shifts the times of waiting events when the store's time moves.
    pub(super) fn move_to(&mut self, step: Step) {
        let all: Vec<_> = self.rows.iter().map(|(sequence, row)| (*sequence, row.phase)).collect();
        for (sequence, phase) in all {
            self.shift(sequence, phase.shifted(step.by));
        }
        let tenants: Vec<_> = self.lines.keys().cloned().collect();
        for tenant in tenants {
            let first = self.lines.get(&tenant).and_then(|line| line.due.first());
            let place = first.map(|(due_at, _)| ((*due_at).max(step.to()), self.turn));
            self.put(&tenant, place);
        }
    }

    fn phase(&self, sequence: EventNo) -> Option<Phase> {
        self.rows.get(&sequence).map(|row| row.phase)
    }

    pub(super) fn wait(&mut self, sequence: EventNo, due_at: Timestamp, now: Timestamp) {
        self.shift(sequence, Phase::Waiting { due_at });
        if let Some(tenant) = self.rows.get(&sequence).map(|row| row.event.tenant.clone()) {
            self.refresh(&tenant, now);
        }
    }

    /// The only function that changes a phase. It updates the line that indexes the event.
    fn shift(&mut self, sequence: EventNo, next: Phase) {
        let Some(row) = self.rows.get_mut(&sequence) else { return };
        let Some(line) = self.lines.get_mut(&row.event.tenant) else { return };
        if let Some(due_at) = row.phase.due_at() {
            line.due.remove(&(due_at, sequence));
        }
        row.phase = next;
        if let Some(due_at) = next.due_at() {
            line.due.insert((due_at, sequence));
        }
    }

    /// Moves a tenant forward to the place of its first event, and never backward.
    fn refresh(&mut self, tenant: &TenantId, now: Timestamp) {
        let Some(line) = self.lines.get(tenant) else { return };
        let first = line.due.first().map(|(due_at, _)| (*due_at).max(now));
        let place = match (line.place, first) {
            (_, None) => None,
            (None, Some(first)) => Some((first, self.turn)),
            (Some((ready_at, turn)), Some(first)) => Some((ready_at.min(first), turn)),
        };
        self.put(tenant, place);
    }

    fn send_back(&mut self, tenant: &TenantId, now: Timestamp) {
        self.turn += 1;
        let first = self.lines.get(tenant).and_then(|line| line.due.first());
        let place = first.map(|(due_at, _)| ((*due_at).max(now), self.turn));
        self.put(tenant, place);
    }

    fn put(&mut self, tenant: &TenantId, place: Option<(Timestamp, u64)>) {
        let Some(line) = self.lines.get_mut(tenant) else { return };
        if let Some((ready_at, turn)) = line.place.take() {
            self.places.remove(&(ready_at, turn, tenant.clone()));
        }
        if line.events == 0 {
            self.lines.remove(tenant);
            return;
        }
        line.place = place;
        if let Some((ready_at, turn)) = place {
            self.places.insert((ready_at, turn, tenant.clone()));
        }
    }
}

fn key_of(event: &Event) -> Option<(TenantId, OrderingKey)> {
    event.ordering_key.clone().map(|key| (event.tenant.clone(), key))
}
