//! The events: written once, found by name or by idempotency key, gone with their
//! last delivery.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::event::Event;
use crate::id::{EventId, IdempotencyKey, TenantId};
use crate::time::Timestamp;

pub(super) type EventName = (TenantId, EventId);

pub(super) fn name_of(event: &Event) -> EventName {
    (event.tenant.clone(), event.id.clone())
}

pub(super) struct EventRow {
    pub(super) event: Arc<Event>,
    /// Its place in the order of publishing.
    pub(super) sequence: u64,
    deliveries: u64,
    routed: bool,
}

#[derive(Default)]
pub(super) struct Events {
    rows: HashMap<EventName, EventRow>,
    by_key: HashMap<(TenantId, IdempotencyKey), EventId>,
    /// Routed, and no endpoint wanted them.
    unmatched: BTreeSet<(Timestamp, EventName)>,
    without_delivery: usize,
    published: u64,
}

impl Events {
    pub(super) fn get(&self, name: &EventName) -> Option<&EventRow> {
        self.rows.get(name)
    }

    /// The stored event of the same id or idempotency key.
    pub(super) fn existing(&self, event: &Event) -> Option<&EventRow> {
        self.rows.get(&name_of(event)).or_else(|| {
            let key = (event.tenant.clone(), event.idempotency_key.clone()?);
            let id = self.by_key.get(&key)?;
            self.rows.get(&(key.0, id.clone()))
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
        let row = EventRow { sequence: self.published, deliveries: 0, routed: false, event };
        self.rows.insert(name_of(&row.event), row);
        self.published
    }

    pub(super) fn gained_delivery(&mut self, name: &EventName) {
        let Some(row) = self.rows.get_mut(name) else { return };
        row.deliveries += 1;
        if row.deliveries == 1 {
            self.without_delivery -= 1;
            self.unmatched.remove(&(row.event.created_at, name.clone()));
        }
    }

    /// An event goes with its last delivery, unless more of it is still to be routed.
    pub(super) fn lost_delivery(&mut self, name: &EventName) {
        let Some(row) = self.rows.get_mut(name) else { return };
        row.deliveries -= 1;
        if row.deliveries == 0 {
            self.without_delivery += 1;
            if row.routed {
                self.remove(name);
            }
        }
    }

    /// Its last chunk of endpoints has been routed.
    pub(super) fn routed(&mut self, name: &EventName) {
        let Some(row) = self.rows.get_mut(name) else { return };
        row.routed = true;
        if row.deliveries == 0 {
            self.unmatched.insert((row.event.created_at, name.clone()));
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
        let Some(row) = self.rows.remove(name) else { return };
        self.without_delivery -= 1;
        self.unmatched.remove(&(row.event.created_at, name.clone()));
        if let Some(key) = row.event.idempotency_key.clone() {
            self.by_key.remove(&(row.event.tenant.clone(), key));
        }
    }
}
