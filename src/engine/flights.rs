//! What waits to be sent and what is on its way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::delivery::Next;
use crate::policy::outcome::{Outcome, Unknown};
use crate::step::conclude::Fault;
use crate::time::Timestamp;

use super::acquire::{Flight, Ready, release};
use super::sending::Landed;
use super::{Engine, Happening};

/// Requests, before and after they were started.
#[derive(Debug, Default)]
pub(super) struct Flights {
    waiting: VecDeque<Ready>,
    /// What is in flight, by its number, with when it began.
    flying: BTreeMap<u64, (Arc<Flight>, Timestamp)>,
    started: u64,
}

impl Flights {
    pub(super) fn wait(&mut self, ready: Ready) {
        self.waiting.push_back(ready);
    }

    /// The next one, if it may start or has waited too long.
    fn next(&mut self, now: Duration, can_start: bool) -> Option<Ready> {
        let first = self.waiting.front()?;
        if can_start || now > first.start_by { self.waiting.pop_front() } else { None }
    }

    /// Until when the next one that waits may start.
    pub(super) fn start_by(&self) -> Option<Duration> {
        self.waiting.front().map(|ready| ready.start_by)
    }
}

impl Engine {
    /// Starts what waits, and gives back what has waited too long.
    pub(super) fn start_waiting(&mut self) {
        let (now, began_at) = (self.now(), self.shared.clock.now());
        while let Some(ready) = self.flights.next(now, self.slots.can_start()) {
            if now > ready.start_by {
                self.give_back(&ready.flight);
                continue;
            }
            self.slots.start();
            self.flights.started += 1;
            let number = self.flights.started;
            let (flight, request) = (ready.flight, ready.request);
            self.flights.flying.insert(number, (Arc::clone(&flight), began_at));
            let shared = Arc::clone(&self.shared);
            self.tasks
                .push(Box::pin(async move { Happening::Landed(number, shared.send(flight, request).await) }));
        }
    }

    pub(super) fn give_back_waiting(&mut self) {
        for ready in std::mem::take(&mut self.flights.waiting) {
            self.give_back(&ready.flight);
        }
    }

    pub(super) fn land(&mut self, number: u64, landed: Landed) {
        if self.flights.flying.remove(&number).is_none() {
            return; // It was cut and written down as such.
        }
        let flight = Arc::clone(&landed.flight);
        self.slots.finish(&flight.claim.event.tenant, flight.is_doubtful());
        if self.slots.is_idle() {
            self.lookout.suspect_ended();
        }
        let host = flight.resolved.endpoint.url.host();
        let clock = &self.shared.clock;
        let fault = self.faults.judge(host, &landed.outcome, || clock.elapsed());
        match fault {
            Fault::Ours => self.own_fault("no way out"),
            Fault::Endpoint | Fault::Cut => self.faults.clear(),
        }
        self.write_down(&flight, landed, fault);
    }

    /// Cuts what is still in flight: each may have reached its receiver.
    pub(super) fn cut(&mut self) {
        for (flight, began_at) in std::mem::take(&mut self.flights.flying).into_values() {
            self.slots.finish(&flight.claim.event.tenant, flight.is_doubtful());
            let took = self.shared.clock.now().since(began_at);
            let outcome = Outcome::Unknown(Unknown::Aborted);
            let landed = Landed { flight: Arc::clone(&flight), outcome, began_at, took };
            self.write_down(&flight, landed, Fault::Cut);
        }
    }

    fn give_back(&mut self, flight: &Flight) {
        self.slots.give_back(&flight.claim.event.tenant, flight.is_doubtful());
        if self.slots.is_idle() {
            self.lookout.suspect_ended();
        }
        self.settler.add(release(&flight.claim, self.shared.clock.now()));
    }

    fn write_down(&mut self, flight: &Arc<Flight>, landed: Landed, fault: Fault) {
        let written = self.shared.conclude(landed, fault);
        if let Next::Later { due_at, .. } = written.due.settlement.next {
            self.lookout.due(Some(due_at));
        }
        self.settler.add(written.due);
        if let Some(change) = written.lane {
            self.settler.change(change);
        }
        if !written.gates.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.tasks.push(Box::pin(async move {
                shared.hold(&written.gates).await;
                Happening::Held
            }));
        }
        if let Some(why) = written.disable {
            let (shared, flight) = (Arc::clone(&self.shared), Arc::clone(flight));
            self.tasks.push(Box::pin(async move {
                shared.disable(&flight, why).await;
                Happening::Disabled
            }));
        }
    }
}
