//! The whole state of the store: one table per concept, each with its own indexes.

use crate::policy::timeline::Timeline;
use crate::time::Timestamp;

use super::deliveries::Deliveries;
use super::directory::Endpoints;
use super::events::Events;
use super::lanes::Lanes;
use super::starts::Starts;
use super::unrouted::Unrouted;

/// The tables. No order depends on a hash map, so that the same calls always give the same
/// answers.
pub(super) struct State {
    pub(super) capacity: usize,
    pub(super) events: Events,
    pub(super) unrouted: Unrouted,
    pub(super) deliveries: Deliveries,
    pub(super) lanes: Lanes,
    pub(super) endpoints: Endpoints,
    pub(super) starts: Starts,
    /// The store's time; `None` before it was first read.
    pub(super) time: Option<Timeline>,
}

impl State {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            events: Events::default(),
            unrouted: Unrouted::default(),
            deliveries: Deliveries::default(),
            lanes: Lanes::default(),
            endpoints: Endpoints::default(),
            starts: Starts::default(),
            time: None,
        }
    }

    /// Whether `more` deliveries would exceed the capacity.
    pub(super) fn is_full_for(&self, more: usize) -> bool {
        let held = self.deliveries.len() + self.events.without_delivery();
        held.saturating_add(more.max(1)) > self.capacity
    }

    /// When something is due next: never later than the first moment at which a claim could return work.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        [self.lanes.next_ready(), self.unrouted.next_ready()].into_iter().flatten().min()
    }
}
