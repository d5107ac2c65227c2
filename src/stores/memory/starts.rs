//! The limiter: an exact log of starts for each limit and the queue of endpoints that wait for it,
//! shared by all users of this store.

use std::collections::BTreeMap;

use crate::policy::rate::{Ask, Counted, Grant, Slot, divide, slots};
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

/// Limits that no longer count anything are removed when there are this many limits, and again each
/// time their number has doubled.
const SWEEP_FROM: usize = 1024;

/// The log of each limit.
pub(super) struct Starts {
    limits: BTreeMap<Slot, Counted>,
    sweep_at: usize,
}

impl Default for Starts {
    fn default() -> Self {
        Self { limits: BTreeMap::new(), sweep_at: SWEEP_FROM }
    }
}

impl Starts {
    /// Distributes the free starts of the limits among these asks.
    pub(super) fn take(&mut self, asks: &[Ask], now: Timestamp, start_by: Timestamp) -> Vec<Grant> {
        self.sweep(now);
        let mut asked_for = BTreeMap::new();
        for (slot, _) in asks.iter().flat_map(slots) {
            if let Some(counted) = self.limits.remove(&slot) {
                asked_for.insert(slot, counted);
            } else {
                asked_for.entry(slot).or_default();
            }
        }
        let grants = divide(asks, &mut asked_for, now, start_by);
        self.limits.append(&mut asked_for);
        grants
    }

    /// Shifts the granted starts when the store's time moves.
    pub(super) fn shift(&mut self, by: Shift) {
        for counted in self.limits.values_mut() {
            counted.log.shift(by);
            counted.line.shift(by);
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.limits.len() >= self.sweep_at {
            self.limits.retain(|_, counted| {
                counted.line.forget(now);
                !counted.log.is_spent(now) || !counted.line.is_empty()
            });
            self.sweep_at = SWEEP_FROM.max(self.limits.len() * 2);
        }
    }
}
