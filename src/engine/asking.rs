//! Asking the store for work: by claims, and with publishes.

use std::sync::Arc;
use std::time::Duration;

use super::claiming::Acquired;
use super::publishing::Stored;
use super::{Completion, EVENTS_PER_CLAIM, Engine, NO_RANDOMNESS};

/// A publisher waits so long for a slot that is likely to become free, and no longer.
const SLOT_WAIT: Duration = Duration::from_millis(3);
/// Where a slot became free so lately, the next one is likely to.
const LATELY: Duration = Duration::from_millis(1);

impl Engine {
    /// Claims, if it may bring something.
    pub(super) fn claim(&mut self) {
        let (now, moment) = (self.now(), self.shared.clock.moment());
        self.pacing.move_to(moment.moved);
        let store_now = moment.now;
        let alone = self.pacing.suspect_waits() && self.slots.is_idle() && self.is_well();
        let worth_it = self.pacing.is_worth_it(self.shared.settings.poll, store_now, now);
        if self.pacing.is_claiming() || !(alone || worth_it && self.may_claim()) {
            return;
        }
        let mut room = self.slots.room();
        if room.deliveries == 0 {
            return;
        }
        if alone {
            self.pacing.take_turns(&mut room.shares);
        }
        let Ok(request) = self.shared.claim_request(room, EVENTS_PER_CLAIM, alone) else {
            self.own_fault(NO_RANDOMNESS);
            return;
        };
        self.faults.is_over(NO_RANDOMNESS);
        self.pacing.ask(now);
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move { Completion::Claimed(shared.acquire(&request).await) }));
    }

    /// Stores what publishers have handed over, and asks for it back, claimed, as far
    /// as there are slots.
    pub(super) fn publish(&mut self) {
        if self.storing {
            return;
        }
        let Some((tenant, since)) = self.shared.inbox.next_turn() else { return };
        let max = if self.a_slot_is_near(since) { self.slots.room_for(&tenant) } else { usize::MAX };
        if max == 0 {
            return;
        }
        self.storing = true;
        let orders = self.shared.inbox.next(max);
        let claim = if self.may_claim() && !self.slots.is_full() {
            let room = self.slots.room();
            self.shared.claim_request(room, 0, false).ok()
        } else {
            None
        };
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            let began = shared.clock.elapsed();
            let events: Vec<_> = orders.iter().map(|order| Arc::clone(&order.event)).collect();
            let stored = shared.publish(&events, claim.as_ref()).await;
            shared.inbox.call_ended();
            match stored {
                Ok(Stored { answers, claims, moved }) => {
                    for (order, done) in orders.into_iter().zip(answers) {
                        order.answer(Ok(done));
                    }
                    Completion::Published(shared.make_claims_ready(claims, began, moved).await, None)
                }
                Err(error) => {
                    for order in orders {
                        order.answer(Err(error.clone()));
                    }
                    Completion::Published(Acquired::default(), Some(Box::new(error)))
                }
            }
        }));
    }

    /// Takes what was acquired into the slots.
    pub(super) fn admit(&mut self, acquired: Acquired) {
        if acquired.claimed > 0 {
            self.pacing.retry_soon();
        }
        for ready in acquired.ready {
            let flight = &ready.flight;
            self.slots.take(&flight.claim.event.tenant, flight.lane.as_deref());
            self.in_flight.wait(ready);
        }
        for due in acquired.dues {
            self.settler.add(due, acquired.moved);
        }
        for change in acquired.lanes {
            self.settler.change(change, acquired.moved);
        }
        for apart in acquired.apart {
            self.apart += 1;
            self.tasks.push(Box::pin(async move { Completion::Equipped(apart.await) }));
        }
        match acquired.fault {
            Some(error) => self.store_failed(&error, "directory or limiter"),
            None if acquired.claimed > 0 => self.store_worked("directory or limiter"),
            None => {}
        }
    }

    /// Whether an event that waits to be stored `since` then had better wait for a slot:
    /// claiming it later would cost the store as much as storing it does. Not where
    /// older work is due, which would take the slot.
    fn a_slot_is_near(&self, since: Duration) -> bool {
        let (now, store_now) = (self.now(), self.shared.clock.now());
        let lately = self.slots.freed_at().is_some_and(|freed_at| now < freed_at + LATELY);
        lately && now < since + SLOT_WAIT && self.shared.inbox.is_open() && !self.pacing.is_due(store_now)
    }

    /// Until when what publishers have handed over may be kept waiting for a slot.
    pub(super) fn store_by(&self) -> Option<Duration> {
        let waiting = (!self.storing).then(|| self.shared.inbox.next_turn()).flatten();
        waiting.map(|(_, since)| since + SLOT_WAIT)
    }

    fn may_claim(&self) -> bool {
        self.is_well() && self.pacing.is_open()
    }

    /// Whether nothing is wrong with ourselves, and what is done can be recorded.
    fn is_well(&self) -> bool {
        !self.faults.is_paused(self.now()) && !self.settler.is_failing()
    }
}
