//! All that the store holds: one table per concept, each with its own indexes.

use crate::policy::timeline::Timeline;
use crate::time::Timestamp;

use super::deliveries::Deliveries;
use super::directory::Endpoints;
use super::events::Events;
use super::lanes::Lanes;
use super::starts::Starts;
use super::unrouted::Unrouted;

/// The tables. No order ever comes from a hash map: the same calls give the same
/// answers.
pub(super) struct State {
    pub(super) capacity: usize,
    pub(super) events: Events,
    pub(super) unrouted: Unrouted,
    pub(super) deliveries: Deliveries,
    pub(super) lanes: Lanes,
    pub(super) endpoints: Endpoints,
    pub(super) starts: Starts,
    /// What time it is; `None` before somebody asked.
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

    /// Whether so many deliveries more would go over the capacity.
    pub(super) fn is_full_for(&self, more: usize) -> bool {
        let held = self.deliveries.len() + self.events.without_delivery();
        held.saturating_add(more.max(1)) > self.capacity
    }

    /// Never later than the first moment at which a claim could give something.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        [self.lanes.next_ready(), self.unrouted.next_ready()].into_iter().flatten().min()
    }
}
