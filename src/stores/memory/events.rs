//! The events: written once, found by name or by idempotency key, gone with their
//! last delivery.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::event::Event;
use crate::id::{EventId, IdempotencyKey, TenantId};
use crate::time::Timestamp;

pub(super) type EventName = (TenantId, EventId);

/// What an event is found by. The index holds no names of its own: an event's are
/// its key.
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

impl Hash for dyn Named + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// An event as a key: by its name.
struct ByName(Arc<Event>);

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for ByName {}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl<'a> Borrow<dyn Named + 'a> for ByName {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self.0.as_ref()
    }
}

/// What is known of an event besides itself.
struct EventRow {
    /// Its place in the order of publishing.
    sequence: u64,
    deliveries: u32,
    routed: bool,
}

#[derive(Default)]
pub(super) struct Events {
    rows: HashMap<ByName, EventRow>,
    by_key: HashMap<(TenantId, IdempotencyKey), EventId>,
    /// Routed, and no endpoint wanted them.
    unmatched: BTreeSet<(Timestamp, EventName)>,
    without_delivery: usize,
    published: u64,
}

impl Events {
    /// An event, and its place in the order of publishing.
    pub(super) fn get(&self, name: &EventName) -> Option<(&Arc<Event>, u64)> {
        let (ByName(event), row) = self.rows.get_key_value(name as &dyn Named)?;
        Some((event, row.sequence))
    }

    /// The stored event of the same id or idempotency key.
    pub(super) fn existing(&self, event: &Event) -> Option<&Arc<Event>> {
        let same_id = self.rows.get_key_value(event as &dyn Named).map(|(ByName(event), _)| event);
        same_id.or_else(|| {
            let key = (event.tenant.clone(), event.idempotency_key.clone()?);
            let id = self.by_key.get(&key)?.clone();
            self.get(&(key.0, id)).map(|(event, _)| event)
        })
    }

    /// Stores an event that does not exist yet; answers its place in the order of
    /// publishing.
    pub(super) fn insert(&mut self, event: Arc<Event>) -> u64 {
        self.published += 1;
        self.without_delivery += 1;
        if let Some(key) = event.idempotency_key.clone() {
            self.by_key.insert((event.tenant.clone(), key), event.id.clone());
        }
        let row = EventRow { sequence: self.published, deliveries: 0, routed: false };
        self.rows.insert(ByName(event), row);
        self.published
    }

    pub(super) fn gained_delivery(&mut self, event: &Event) {
        let Some(row) = self.rows.get_mut(event as &dyn Named) else { return };
        row.deliveries += 1;
        if row.deliveries == 1 {
            self.without_delivery -= 1;
            self.unmatched.remove(&in_order_of_creation(event));
        }
    }

    /// An event goes with its last delivery, unless more of it is still to be routed.
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

    /// Its last chunk of endpoints has been routed.
    pub(super) fn routed(&mut self, event: &Event) {
        let Some(row) = self.rows.get_mut(event as &dyn Named) else { return };
        row.routed = true;
        if row.deliveries == 0 {
            self.unmatched.insert(in_order_of_creation(event));
        }
    }

    /// How many are stored but have no delivery (any more, or yet).
    pub(super) const fn without_delivery(&self) -> usize {
        self.without_delivery
    }

    /// The oldest unmatched event, if it was created before that moment.
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
