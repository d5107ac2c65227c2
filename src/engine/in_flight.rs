//! Requests that wait, requests that are being sent, and requests that have ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::Transport;
use crate::decide::conclude::Fault;
use crate::decide::own_faults::OwnFaults;
use crate::decide::resolve::Resolved;
use crate::delivery::{Claim, Next};
use crate::notice::{OwnFaultReason, Part};
use crate::os::on_behalf_of;
use crate::policy::lane::Lane;
use crate::policy::outcome::{Outcome, Unknown};
use crate::policy::timeline::Shift;
use crate::profile::Request;
use crate::time::Timestamp;

use super::Engine;
use super::guard::Guard;
use super::store_clock::StoreClock;

/// A delivery that is about to be sent or is being sent.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) claim: Claim,
    pub(super) resolved: Arc<Resolved>,
    pub(super) lane: Option<Arc<Lane>>,
    /// The sum of the moves of the store's time when the delivery was claimed. Decisions about
    /// it use the store's time of that moment.
    pub(super) moved: Shift,
}

/// A request that waits. It must start before `start_by` of the monotonic clock: after that its
/// endpoint's load is too old, its grant has expired, or its lease is too short.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) flight: Arc<Flight>,
    pub(super) request: Request,
    pub(super) start_by: Duration,
}

/// The result of a request. Nothing has decided yet whose fault a failure is.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) flight: Arc<Flight>,
    pub(super) outcome: Outcome,
    pub(super) began_at: Timestamp,
    pub(super) took: Duration,
}

impl Finished {
    /// Decides whose fault a failure is, based on the results of earlier requests.
    pub(super) fn judge(&self, faults: &mut OwnFaults, clock: &StoreClock) -> Fault {
        let (tenant, host) = (&self.flight.claim.event.tenant, self.flight.resolved.endpoint.url.host());
        faults.judge(tenant, host, &self.outcome, || clock.elapsed())
    }
}

/// Sends requests.
pub(crate) struct Sender {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
}

impl Sender {
    /// Sends one request. If the transport panics, the request may have been sent.
    pub(super) async fn send(&self, flight: Arc<Flight>, request: Request) -> Finished {
        let (moved, clock) = (flight.moved, &self.clock);
        let began_at = clock.now_as_of(moved);
        let tenant = flight.claim.event.tenant.clone();
        let sending = async { self.guard.wait(Part::Transport, || self.transport.send(request)).await };
        let (outcome, took) = on_behalf_of(Some(tenant), sending)
            .await
            .unwrap_or_else(|_| (Outcome::Unknown(Unknown::Aborted), clock.now_as_of(moved).since(began_at)));
        Finished { flight, outcome, began_at, took }
    }
}

/// Requests that wait, that are being sent, and that have ended.
///
/// The engine shares this with its slots. When a slot's request ends, the slot sends the next
/// waiting request itself, without the loop. So the memory of one request is freed right before
/// the next one needs it. Ending and starting requests in batches would overflow the allocator's
/// per-thread cache, which costs a sixth of the throughput.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: VecDeque<Ready>,
    /// The requests that are being sent, by number, each with its start time.
    sending: BTreeMap<u64, (Arc<Flight>, Timestamp)>,
    finished: Vec<(u64, Finished)>,
    started: u64,
    /// How many requests the slots have started that the loop has not counted yet.
    went_on: usize,
}

impl Requests {
    pub(super) fn wait(&mut self, ready: Vec<Ready>) {
        self.waiting.extend(ready);
    }

    /// The latest time at which the next waiting request may start.
    pub(super) fn start_by(&self) -> Option<Duration> {
        self.waiting.front().map(|ready| ready.start_by)
    }

    pub(super) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// Takes the next waiting request to start it, with its number. `None` if it has waited too
    /// long.
    fn start_next(&mut self, now: Duration, clock: &StoreClock) -> Option<(u64, Ready)> {
        if self.waiting.front()?.start_by < now {
            return None;
        }
        let ready = self.waiting.pop_front()?;
        self.started += 1;
        let (number, began_at) = (self.started, clock.now_as_of(ready.flight.moved));
        self.sending.insert(number, (Arc::clone(&ready.flight), began_at));
        Some((number, ready))
    }

    /// Takes out the next waiting request if it has waited too long.
    fn next_stale(&mut self, now: Duration) -> Option<Ready> {
        if self.waiting.front()?.start_by < now { self.waiting.pop_front() } else { None }
    }

    /// Stores the result of a request, and returns the next request that its slot may start.
    fn finish(&mut self, number: u64, finished: Finished, clock: &StoreClock) -> Option<(u64, Ready)> {
        let next = self.start_next(clock.elapsed(), clock);
        self.finished.push((number, finished));
        self.went_on += usize::from(next.is_some());
        next
    }
}

/// Locks the requests. No change is left incomplete by a panic, so a poisoned lock is ignored.
pub(super) fn lock(requests: &Mutex<Requests>) -> MutexGuard<'_, Requests> {
    requests.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }

    /// Starts waiting requests, and gives back those that have waited too long. Each slot sends
    /// one request after another while any wait.
    pub(super) fn start_waiting(&mut self) {
        let now = self.now();
        loop {
            let stale = self.requests().next_stale(now);
            if let Some(ready) = stale {
                self.give_back(&ready.flight);
                continue;
            }
            if !self.slots.can_start() {
                return;
            }
            let mut next = self.requests().start_next(now, &self.parts.clock);
            if next.is_none() {
                return;
            }
            self.slots.start();
            let (sender, requests) = (Arc::clone(&self.parts.sender), Arc::clone(&self.requests));
            self.spawn(async move {
                while let Some((number, Ready { flight, request, .. })) = next {
                    let finished = sender.send(flight, request).await;
                    next = lock(&requests).finish(number, finished, &sender.clock);
                }
                |_: &mut Self| {}
            });
        }
    }

    pub(super) fn give_back_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.requests().waiting);
        for ready in waiting {
            self.give_back(&ready.flight);
        }
    }

    fn give_back(&mut self, flight: &Flight) {
        self.slots.give_back(&flight.claim.event.tenant, flight.lane.as_deref());
        if self.slots.is_idle() {
            self.pacing.suspect_ended(self.now());
        }
        let now = self.parts.clock.now_as_of(flight.moved);
        self.unsettled.batch.settle(&flight.claim, Next::Release, now, flight.moved);
    }

    /// Takes the results of all requests that have ended.
    pub(super) fn take_finished(&mut self) {
        let (went_on, finished) = {
            let mut requests = self.requests();
            (std::mem::take(&mut requests.went_on), std::mem::take(&mut requests.finished))
        };
        (0..went_on).for_each(|_| self.slots.start());
        for (number, finished) in finished {
            let was_concluded_as_cut = self.requests().sending.remove(&number).is_none();
            if was_concluded_as_cut {
                continue;
            }
            let fault = finished.judge(&mut self.faults, &self.parts.clock);
            match fault {
                Fault::Ours => self.own_fault(OwnFaultReason::NoNetwork),
                Fault::Endpoint | Fault::Cut => {
                    self.faults.clear();
                    if matches!(finished.outcome, Outcome::Response(_)) {
                        self.faults.is_over(OwnFaultReason::NoNetwork);
                    }
                }
                Fault::Busy => {}
            }
            self.conclude(finished, fault);
        }
    }

    fn conclude(&mut self, finished: Finished, fault: Fault) {
        let flight = &finished.flight;
        self.slots.finish(&flight.claim.event.tenant, flight.lane.as_deref(), self.now());
        if self.slots.is_idle() {
            self.pacing.suspect_ended(self.now());
        }
        let moved = flight.moved;
        let settler = Arc::clone(&self.parts.settler);
        let holds = settler.conclude(finished, fault, &mut self.unsettled.batch);
        if !holds.is_empty() {
            self.spawn(async move {
                settler.hold(holds, moved).await;
                |_: &mut Self| {}
            });
        }
    }

    /// Cancels all requests that are still being sent. Each may have reached its receiver.
    pub(super) fn cut(&mut self) {
        self.take_finished();
        let sending = std::mem::take(&mut self.requests().sending);
        for (flight, began_at) in sending.into_values() {
            let took = self.parts.clock.now_as_of(flight.moved).since(began_at);
            let outcome = Outcome::Unknown(Unknown::Aborted);
            self.conclude(Finished { flight, outcome, began_at, took }, Fault::Cut);
        }
    }
}
