//! The events. Each is written once, found by id or by idempotency key, and removed with its last
//! delivery.

use std::borrow::Borrow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::event::Event;
use crate::id::{EventId, IdempotencyKey, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

pub(super) type EventName = (TenantId, EventId);

/// The name of an event in the index: its tenant and id. The index does not copy names; it uses
/// those in the event itself as the key.
pub(super) trait Named {
    fn name(&self) -> (&TenantId, &EventId);
}

impl Named for Event {
    fn name(&self) -> (&TenantId, &EventId) {
        (&self.tenant, &self.id)
    }
}

impl Named for EventName {
    fn name(&self) -> (&TenantId, &EventId) {
        (&self.0, &self.1)
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Named + '_ {}

/// Two names whose concatenations are equal have the same hash; comparison tells them apart.
impl Hash for dyn Named + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (tenant, id) = self.name();
        state.write(tenant.as_str().as_bytes());
        state.write(id.as_str().as_bytes());
    }
}

/// An event as a key, compared by its name.
struct ByName(Arc<Event>);

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for ByName {}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.as_ref() as &dyn Named).hash(state);
    }
}

impl<'a> Borrow<dyn Named + 'a> for ByName {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self.0.as_ref()
    }
}

/// What the store keeps for an event, besides the event itself.
struct EventRow {
    /// Its place in the order of publishing.
    sequence: u64,
    deliveries: u32,
    routed: bool,
}

/// The result of storing an event.
pub(super) enum Admission {
    /// It was stored, with this place in the order of publishing.
    New(u64),
    /// There is an event with the same id or idempotency key.
    Existing(Arc<Event>),
    /// The store is full.
    Refused,
}

#[derive(Default)]
pub(super) struct Events {
    rows: HashMap<ByName, EventRow>,
    by_key: HashMap<(TenantId, IdempotencyKey), EventId>,
    /// Events that were routed and that no endpoint wanted.
    unmatched: BTreeSet<(Timestamp, EventName)>,
    without_delivery: usize,
    /// The last number that was assigned to an event, a replay, an endpoint or a removal.
    numbered: u64,
}

impl Events {
    /// An event, and its place in the order of publishing.
    pub(super) fn get(&self, name: &EventName) -> Option<(&Arc<Event>, u64)> {
        let (ByName(event), row) = self.rows.get_key_value(name as &dyn Named)?;
        Some((event, row.sequence))
    }

    /// The next place in the order, for something that is not an event.
    pub(super) const fn next_place(&mut self) -> Sequence {
        self.numbered += 1;
        Sequence::from_number(self.numbered)
    }

    /// Stores an event that does not exist yet, unless the store is full.
    pub(super) fn admit(&mut self, event: &Arc<Event>, has_room: bool) -> Admission {
        let same_key = self.of_same_key(event).cloned();
        let free = match (self.rows.entry(ByName(Arc::clone(event))), same_key) {
            (Entry::Occupied(there), _) => return Admission::Existing(Arc::clone(&there.key().0)),
            (Entry::Vacant(_), Some(existing)) => return Admission::Existing(existing),
            (Entry::Vacant(_), None) if !has_room => return Admission::Refused,
            (Entry::Vacant(free), None) => free,
        };
        self.numbered += 1;
        self.without_delivery += 1;
        free.insert(EventRow { sequence: self.numbered, deliveries: 0, routed: false });
        if let Some(key) = event.idempotency_key.clone() {
            self.by_key.insert((event.tenant.clone(), key), event.id.clone());
        }
        Admission::New(self.numbered)
    }

    fn of_same_key(&self, event: &Event) -> Option<&Arc<Event>> {
        let key = (event.tenant.clone(), event.idempotency_key.clone()?);
        let id = self.by_key.get(&key)?.clone();
        self.get(&(key.0, id)).map(|(event, _)| event)
    }

    /// Adds `deliveries` to the event's count. After its `last_chunk` of endpoints the event is
    /// routed, and unmatched if it has no delivery.
    pub(super) fn gained(&mut self, event: &Event, deliveries: usize, last_chunk: bool) {
        let Some(row) = self.rows.get_mut(event as &dyn Named) else { return };
        if row.deliveries == 0 && deliveries > 0 {
            self.without_delivery -= 1;
            if row.routed {
                self.unmatched.remove(&in_order_of_creation(event));
            }
        }
        row.deliveries += u32::try_from(deliveries).unwrap_or(u32::MAX);
        row.routed |= last_chunk;
        if last_chunk && row.deliveries == 0 {
            self.unmatched.insert(in_order_of_creation(event));
        }
    }

    /// Notes that a delivery was removed. The event goes with its last delivery, once it is routed.
    pub(super) fn lost_delivery(&mut self, event: &Event) {
        let Some(row) = self.rows.get_mut(event as &dyn Named) else { return };
        row.deliveries -= 1;
        if row.deliveries == 0 {
            self.without_delivery += 1;
            if row.routed {
                self.remove(&(event.tenant.clone(), event.id.clone()));
            }
        }
    }

    /// How many events are stored without a delivery: not routed yet, or unmatched.
    pub(super) const fn without_delivery(&self) -> usize {
        self.without_delivery
    }

    /// The oldest unmatched event, if it was created before `moment`.
    pub(super) fn unmatched_before(&self, moment: Timestamp) -> Option<EventName> {
        self.unmatched.first().filter(|(created, _)| *created < moment).map(|(_, name)| name.clone())
    }

    /// Removes an event that has no delivery.
    pub(super) fn remove(&mut self, name: &EventName) {
        let Some((ByName(event), _)) = self.rows.remove_entry(name as &dyn Named) else { return };
        self.without_delivery -= 1;
        self.unmatched.remove(&in_order_of_creation(&event));
        if let Some(key) = event.idempotency_key.clone() {
            self.by_key.remove(&(event.tenant.clone(), key));
        }
    }
}

fn in_order_of_creation(event: &Event) -> (Timestamp, EventName) {
    (event.created_at, (event.tenant.clone(), event.id.clone()))
}
