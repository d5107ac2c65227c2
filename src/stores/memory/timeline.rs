//! The store's time. A monotonic clock advances it. It moves when a wall clock was set and the new
//! time is confirmed.

use crate::backend::Clock;
use crate::delivery::ClaimRequest;
use crate::error::StoreError;
use crate::id::DeliveryId;
use crate::policy::timeline::{Step, Uptime, read};
use crate::time::Timestamp;

use super::deliveries::{Phase, Row};
use super::state::State;

/// The clocks of the process that reads the time.
pub(super) struct Clocks {
    wall: Timestamp,
    uptime: Uptime,
}

impl Clocks {
    /// Reads the clock. It is the host's and may panic, so it is read before the state is locked: a
    /// panic under the lock would make the store unusable.
    pub(super) fn read(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), uptime: uptime(clock) }
    }
}

/// The time of the clock that cannot be set.
pub(super) fn uptime(clock: &dyn Clock) -> Uptime {
    // Without a clock that counts while the machine sleeps, one that stops then is used.
    clock.uptime().unwrap_or_else(|| Uptime { boot: String::new(), elapsed: clock.elapsed() })
}

impl State {
    /// Rejects a claim that was dated before the time moved.
    pub(super) fn check_date(&self, request: &ClaimRequest, uptime: &Uptime) -> Result<(), StoreError> {
        self.time.as_ref().map_or(Ok(()), |time| time.check_date(request.now, Some(uptime)))
    }

    /// The store's time, by these clocks.
    pub(super) fn now(&mut self, clocks: &Clocks) -> Timestamp {
        let reading = read(self.time.as_ref(), clocks.wall, &clocks.uptime);
        self.time = reading.keep.or_else(|| self.time.take());
        if let Some(step) = reading.step {
            self.shift(step);
        }
        reading.now
    }

    /// Converts stored times from the old time to the new one: retries, ends of leases and ends of
    /// holds are as far ahead as before, and everything is as old as before.
    fn shift(&mut self, step: Step) {
        let pending: Vec<DeliveryId> = self.deliveries.pending().collect();
        for id in pending {
            self.update(id, |row| row.shift(step));
        }
        self.lanes.shift(step);
        self.unrouted.move_to(step);
        self.starts.shift(step.by);
    }
}

impl Row {
    fn shift(&mut self, step: Step) {
        let untried = self.attempts == 0 && self.silent == 0;
        match &mut self.phase {
            // It waits for the due time that its event states, which does not move.
            Phase::Waiting { due_at } | Phase::Parked { due_at } if untried && *due_at > step.from => return,
            Phase::Waiting { due_at } | Phase::Parked { due_at } => *due_at = step.carry(*due_at),
            Phase::Leased(lease) => {
                lease.until = step.carry(lease.until);
                lease.replaced = step.carry(lease.replaced);
                lease.claimed_at = step.carry(lease.claimed_at);
            }
            Phase::Over { .. } => return,
        }
        self.born_at = step.carry(self.born_at);
        self.tried_at = self.tried_at.map(|tried| step.carry(tried));
        self.first_attempt_at = self.first_attempt_at.map(|first| step.carry(first));
    }
}
