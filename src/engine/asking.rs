//! Asking the store for work: by claims, and with publishes.

use std::sync::Arc;

use crate::delivery::SUSPECT_AFTER;

use super::acquire::Acquired;
use super::desk::answer;
use super::{EVENTS_PER_CLAIM, Engine, Happening};

impl Engine {
    /// Claims, if it may bring something.
    pub(super) fn claim(&mut self) {
        let (now, store_now) = (self.now(), self.shared.clock.now());
        let alone = self.lookout.suspect_waits() && self.slots.is_idle() && self.is_well();
        let worth_it = self.lookout.is_worth_it(self.shared.settings.poll, store_now, now);
        if self.lookout.is_claiming() || !(alone || worth_it && self.may_claim()) {
            return;
        }
        let room = self.slots.room();
        if room.deliveries == 0 {
            return;
        }
        let Ok(request) = self.shared.claim_request(room, EVENTS_PER_CLAIM, alone) else {
            self.own_fault("no randomness");
            return;
        };
        self.lookout.ask(now);
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move { Happening::Claimed(shared.acquire(&request).await) }));
    }

    /// Stores what publishers have handed over, and asks for it back, claimed, as far
    /// as there are slots.
    pub(super) fn publish(&mut self) {
        let Some((events, replies)) = self.queue.next() else { return };
        let claim = if self.may_claim() && !self.slots.is_full() {
            let room = self.slots.room();
            self.shared.claim_request(room, 0, false).ok()
        } else {
            None
        };
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            let began = shared.clock.elapsed();
            match shared.publish(&events, claim.as_ref()).await {
                Ok((answers, claims)) => {
                    for (reply, done) in replies.into_iter().zip(answers) {
                        answer(reply, Ok(done));
                    }
                    Happening::Published(shared.equip(claims, began).await, None)
                }
                Err(error) => {
                    for reply in replies {
                        answer(reply, Err(error.clone()));
                    }
                    Happening::Published(Acquired::default(), Some(error))
                }
            }
        }));
    }

    /// Takes what was acquired into the slots.
    pub(super) fn take_in(&mut self, acquired: Acquired) {
        if acquired.claimed > 0 {
            self.lookout.stir();
        }
        for ready in acquired.ready {
            let flight = &ready.flight;
            self.slots.take(&flight.claim.event.tenant, flight.is_doubtful());
            if flight.claim.silent >= SUSPECT_AFTER {
                self.lookout.suspect_started();
            }
            self.flights.wait(ready);
        }
        for due in acquired.dues {
            self.settler.add(due);
        }
        for change in acquired.lanes {
            self.settler.change(change);
        }
        self.lookout.limit(acquired.limited_until);
        if let Some(error) = acquired.fault {
            self.store_failed(&error, "directory or limiter");
        }
    }

    fn may_claim(&self) -> bool {
        self.is_well() && self.lookout.is_open(self.shared.clock.now())
    }

    /// Whether nothing is wrong with ourselves, and what is done can be recorded.
    fn is_well(&self) -> bool {
        !self.faults.is_paused(self.now()) && !self.settler.is_failing()
    }
}
