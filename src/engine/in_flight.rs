//! What waits to be sent and what is on its way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::decide::conclude::Fault;
use crate::policy::outcome::{Outcome, Unknown};
use crate::profile::Request;
use crate::time::Timestamp;

use super::claiming::{Flight, Ready, release};
use super::sending::Finished;
use super::store_clock::StoreClock;
use super::{Completion, Engine, NO_WAY_OUT};

/// Requests before, while and after they are on their way.
///
/// The engine shares it with its slots: a slot whose request has landed goes on with the
/// next one that waits, without going through the loop. One request's memory is then
/// freed right before the next one's is needed: a batch of landings followed by a batch
/// of starts overflows the allocator's per-thread cache (a sixth of the throughput).
#[derive(Debug, Default)]
pub(super) struct InFlightTable(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    waiting: VecDeque<Ready>,
    /// What is in flight, by its number, with when it began.
    flying: BTreeMap<u64, (Arc<Flight>, Timestamp)>,
    landed: Vec<Landing>,
    started: u64,
}

/// A request that its slot starts now.
struct Start {
    number: u64,
    flight: Arc<Flight>,
    request: Request,
}

/// What the loop is told of a request that came to its end.
#[derive(Debug)]
pub(super) struct Landing {
    number: u64,
    landed: Finished,
    /// The slot took the next one that waited.
    went_on: bool,
}

impl InFlightTable {
    pub(super) fn wait(&self, ready: Ready) {
        self.board().waiting.push_back(ready);
    }

    /// Until when the next one that waits may start.
    pub(super) fn start_by(&self) -> Option<Duration> {
        self.board().waiting.front().map(|ready| ready.start_by)
    }

    /// What has landed since this was last asked.
    pub(super) fn landings(&self) -> Vec<Landing> {
        std::mem::take(&mut self.board().landed)
    }

    pub(super) fn has_landings(&self) -> bool {
        !self.board().landed.is_empty()
    }

    /// Writes a landing down, and gives its slot the next one that may start.
    fn land(&self, number: u64, landed: Finished, clock: &StoreClock) -> Option<Start> {
        let mut board = self.board();
        let next = board.start_next(clock.elapsed(), clock);
        board.landed.push(Landing { number, landed, went_on: next.is_some() });
        next
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    /// Starts the next one that waits, unless it has waited too long.
    fn start_next(&mut self, now: Duration, clock: &StoreClock) -> Option<Start> {
        if self.waiting.front()?.start_by < now {
            return None;
        }
        let Ready { flight, request, .. } = self.waiting.pop_front()?;
        self.started += 1;
        let (number, began_at) = (self.started, clock.now_as_of(flight.moved));
        self.flying.insert(number, (Arc::clone(&flight), began_at));
        Some(Start { number, flight, request })
    }

    /// Takes out the next one that has waited too long.
    fn next_stale(&mut self, now: Duration) -> Option<Ready> {
        if self.waiting.front()?.start_by < now { self.waiting.pop_front() } else { None }
    }
}

impl Engine {
    /// Starts what waits, and gives back what has waited too long.
    pub(super) fn start_waiting(&mut self) {
        let now = self.now();
        loop {
            let stale = self.in_flight.board().next_stale(now);
            if let Some(ready) = stale {
                self.give_back(&ready.flight);
                continue;
            }
            if !self.slots.can_start() {
                return;
            }
            let Some(start) = self.in_flight.board().start_next(now, &self.shared.clock) else { return };
            self.slots.start();
            self.fill_slot(start);
        }
    }

    /// One slot: it sends one request after the other, as long as any waits.
    fn fill_slot(&self, first: Start) {
        let (shared, in_flight) = (Arc::clone(&self.shared), Arc::clone(&self.in_flight));
        self.tasks.push(Box::pin(async move {
            let mut start = Some(first);
            while let Some(Start { number, flight, request }) = start {
                let landed = shared.send(flight, request).await;
                start = in_flight.land(number, landed, &shared.clock);
            }
            Completion::SlotEmptied
        }));
    }

    pub(super) fn give_back_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.in_flight.board().waiting);
        for ready in waiting {
            self.give_back(&ready.flight);
        }
    }

    /// Concludes all that has landed.
    pub(super) fn land(&mut self) {
        for Landing { number, landed, went_on } in self.in_flight.landings() {
            if went_on {
                self.slots.start();
            }
            let was_written_down_as_cut = self.in_flight.board().flying.remove(&number).is_none();
            if !was_written_down_as_cut {
                self.conclude(landed);
            }
        }
    }

    fn conclude(&mut self, landed: Finished) {
        let flight = Arc::clone(&landed.flight);
        self.slots.finish(&flight.claim.event.tenant, flight.lane.as_deref(), self.now());
        if self.slots.is_idle() {
            self.pacing.suspect_ended(self.now());
        }
        let host = flight.resolved.endpoint.url.host();
        let clock = &self.shared.clock;
        let fault = self.faults.judge(&flight.claim.event.tenant, host, &landed.outcome, || clock.elapsed());
        match fault {
            Fault::Ours => self.own_fault(NO_WAY_OUT),
            Fault::Endpoint | Fault::Cut => {
                self.faults.clear();
                if matches!(landed.outcome, Outcome::Response(_)) {
                    self.faults.is_over(NO_WAY_OUT);
                }
            }
            Fault::Busy => {}
        }
        self.write_down(landed, fault);
    }

    /// Cuts what is still in flight: each may have reached its receiver.
    pub(super) fn cut(&mut self) {
        self.land();
        let flying = std::mem::take(&mut self.in_flight.board().flying);
        for (flight, began_at) in flying.into_values() {
            self.slots.finish(&flight.claim.event.tenant, flight.lane.as_deref(), self.now());
            let took = self.shared.clock.now_as_of(flight.moved).since(began_at);
            let outcome = Outcome::Unknown(Unknown::Aborted);
            let landed = Finished { flight: Arc::clone(&flight), outcome, began_at, took };
            self.write_down(landed, Fault::Cut);
        }
    }

    fn give_back(&mut self, flight: &Flight) {
        self.slots.give_back(&flight.claim.event.tenant, flight.lane.as_deref());
        if self.slots.is_idle() {
            self.pacing.suspect_ended(self.now());
        }
        let now = self.shared.clock.now_as_of(flight.moved);
        self.settler.add(release(&flight.claim, now), flight.moved);
    }

    fn write_down(&mut self, landed: Finished, fault: Fault) {
        let moved = landed.flight.moved;
        let written = self.shared.conclude(landed, fault);
        self.settler.add(written.due, moved);
        if let Some(change) = written.lane {
            self.settler.change(change, moved);
        }
        if !written.gates.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.tasks.push(Box::pin(async move {
                shared.hold(&written.gates, moved).await;
                Completion::Held
            }));
        }
    }
}
