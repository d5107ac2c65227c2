//! The loop: claim → route or prepare → send → conclude → settle.
//!
//! One task holds all the state and makes all the calls; at most one claim, one
//! publish and one settle are under way, and what comes meanwhile makes the next
//! batch. The decisions are `step`'s and `policy`'s; here is only who waits for what.

mod acquire;
mod desk;
mod own_faults;
mod publishing;
mod retention;
mod sending;
mod settler;
pub(crate) mod shared;
mod slots;
mod standings;
mod store_clock;
mod tick;
mod wake;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use crate::delivery::{Claimed, FailReason, Next, PublishAnswer, SUSPECT_AFTER, Settled, State};
use crate::error::StoreError;
use crate::event::Event;
use crate::id::DeliveryId;
use crate::policy::outcome::{Outcome, Unknown};
use crate::seam::Notice;
use crate::step::conclude::Fault;
use crate::time::Timestamp;

use self::acquire::{Acquired, Flight, Ready, release};
use self::own_faults::OwnFaults;
use self::sending::Landed;
use self::settler::{Batch, Settler};
use self::shared::{CLOCK_READ_EVERY, Shared};
use self::slots::Slots;
use self::wake::{Timer, Wake};

pub(crate) use self::desk::Desk;
pub(crate) use self::standings::{Standing, Standings};
pub(crate) use self::store_clock::StoreClock;
pub use self::tick::Tick;

/// So many events are routed per claim.
const EVENTS_PER_CLAIM: usize = 64;
/// So many events are stored per call.
const PUBLISHES_PER_CALL: usize = 512;
/// How long to leave a claim alone that gave nothing although something was due:
/// it waits for a slot, a share or another process.
const STALL: Duration = Duration::from_millis(100);

/// An engine runs on this store handle already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an engine of this handle is running already")]
pub struct AlreadyRunning;

/// Runs until `shutdown`, then lets what is in flight end, within the grace.
///
/// Dropping the future stops at once: what was claimed becomes due again when its
/// lease ends.
pub(crate) async fn run(
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), AlreadyRunning> {
    let orders = shared.desk.open().ok_or(AlreadyRunning)?;
    let _closing = Closing(Arc::clone(&shared));
    let mut engine = Engine::new(shared, orders);
    // The loop polls hundreds of sockets from one task: tokio's budget per poll would
    // only send it around the scheduler.
    tokio::task::unconstrained(async {
        engine.work(shutdown).await;
        engine.wind_down().await;
    })
    .await;
    Ok(())
}

/// Closes the desk however the run ends.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.desk.close();
    }
}

/// Something under way has ended.
enum Happening {
    Claimed(Result<Acquired, StoreError>),
    Published(Acquired, Option<StoreError>),
    Landed(u64, Landed),
    Settled(Batch, Result<Vec<Settled>, StoreError>),
    Disabled,
    Hinted,
    ClockRead(Result<(), StoreError>),
    Pruned(Result<Duration, StoreError>),
}

struct Engine {
    shared: Arc<Shared>,
    orders: mpsc::Receiver<desk::Order>,
    queued: Vec<(Arc<Event>, oneshot::Sender<Result<PublishAnswer, StoreError>>)>,
    tasks: FuturesUnordered<BoxFuture<'static, Happening>>,
    /// What is in flight, by its number, with when it began.
    flights: BTreeMap<u64, (Arc<Flight>, Timestamp)>,
    flown: u64,
    waiting: VecDeque<Ready>,
    slots: Slots,
    settler: Settler,
    faults: OwnFaults,
    timer: Timer,
    claiming: bool,
    publishing: bool,
    reading_clock: bool,
    pruning: bool,
    /// When something is due next, as far as known.
    next_due: Option<Timestamp>,
    /// A claim gave nothing although something was due; try again then.
    stalled_until: Duration,
    claimed_at: Duration,
    prune_at: Duration,
    limited_until: Option<Timestamp>,
    /// A suspect waits for the engine to be empty.
    suspect_waits: bool,
    suspect_in_flight: bool,
}

impl Engine {
    fn new(shared: Arc<Shared>, orders: mpsc::Receiver<desk::Order>) -> Self {
        let (slots, now) = (Slots::new(shared.settings.concurrency), shared.clock.elapsed());
        let next_due = Some(shared.clock.now());
        Self {
            shared,
            orders,
            queued: Vec::new(),
            tasks: FuturesUnordered::new(),
            flights: BTreeMap::new(),
            flown: 0,
            waiting: VecDeque::new(),
            slots,
            settler: Settler::default(),
            faults: OwnFaults::default(),
            timer: Timer::default(),
            claiming: false,
            publishing: false,
            reading_clock: false,
            pruning: false,
            next_due,
            stalled_until: Duration::ZERO,
            claimed_at: now,
            prune_at: now,
            limited_until: None,
            suspect_waits: false,
            suspect_in_flight: false,
        }
    }

    async fn work(&mut self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        self.await_hint();
        loop {
            self.start_waiting();
            self.settle();
            self.publish();
            self.claim();
            self.keep_house();
            let alarm = self.alarm();
            match self.wake(shutdown.as_mut(), alarm).await {
                Wake::Shutdown => return,
                Wake::Order(order) => self.take_order(order),
                Wake::Happened(happening) => self.note(happening),
                Wake::Alarm => {}
            }
            self.drain();
        }
    }

    /// Takes in all that has happened already, so that one settle call carries it.
    fn drain(&mut self) {
        while let Some(happening) = self.already_happened() {
            self.note(happening);
        }
        while let Ok(order) = self.orders.try_recv() {
            self.take_order(order);
            if self.queued.len() >= PUBLISHES_PER_CALL {
                return;
            }
        }
    }

    fn take_order(&mut self, order: desk::Order) {
        match order {
            desk::Order::Publish(event, reply) => self.queued.push((event, reply)),
            desk::Order::Look => self.due_now(),
        }
    }

    fn note(&mut self, happening: Happening) {
        match happening {
            Happening::Claimed(Ok(acquired)) => {
                self.claiming = false;
                self.next_due = acquired.next_due;
                self.suspect_waits = acquired.suspects;
                if acquired.claimed == 0 && self.is_due() {
                    self.stalled_until = self.now() + STALL;
                }
                self.take_in(acquired);
            }
            Happening::Claimed(Err(error)) => {
                self.claiming = false;
                self.store_failed(&error, "claim");
            }
            Happening::Published(acquired, error) => {
                self.publishing = false;
                self.next_due = earlier(self.next_due, acquired.next_due);
                self.take_in(acquired);
                if let Some(error) = error {
                    self.store_failed(&error, "publish");
                }
            }
            Happening::Landed(number, landed) => self.land(number, landed),
            Happening::Settled(batch, Ok(answers)) => self.settled(batch, &answers),
            Happening::Settled(batch, Err(error)) => {
                self.settler.failed(batch, self.now());
                self.store_failed(&error, "settle");
            }
            Happening::Disabled => {}
            Happening::Hinted => {
                self.due_now();
                self.await_hint();
            }
            Happening::ClockRead(result) => {
                self.reading_clock = false;
                if let Err(error) = result {
                    self.store_failed(&error, "clock");
                }
            }
            Happening::Pruned(result) => {
                self.pruning = false;
                let wait = result.unwrap_or_else(|error| {
                    self.store_failed(&error, "prune");
                    Duration::from_secs(60)
                });
                self.prune_at = self.now() + wait;
            }
        }
    }

    /// Takes what was acquired into the slots.
    fn take_in(&mut self, acquired: Acquired) {
        if acquired.claimed > 0 {
            self.stalled_until = Duration::ZERO;
        }
        for ready in acquired.ready {
            let flight = &ready.flight;
            self.slots.take(&flight.claim.event.tenant, flight.is_doubtful());
            self.suspect_in_flight |= flight.claim.silent >= SUSPECT_AFTER;
            self.waiting.push_back(ready);
        }
        for due in acquired.dues {
            self.settler.add(due);
        }
        for change in acquired.lanes {
            self.settler.change(change);
        }
        self.limited_until = self.limited_until.max(acquired.limited_until);
        if let Some(error) = acquired.fault {
            self.store_failed(&error, "directory or limiter");
        }
    }

    /// Starts what waits, and gives back what has waited too long.
    fn start_waiting(&mut self) {
        let now = self.now();
        while self.slots.can_start() {
            let Some(ready) = self.waiting.pop_front() else { return };
            let flight = ready.flight;
            if now > ready.start_by {
                self.slots.give_back(&flight.claim.event.tenant, flight.is_doubtful());
                self.settler.add(release(&flight.claim, self.shared.clock.now()));
                continue;
            }
            self.slots.start();
            self.flown += 1;
            let number = self.flown;
            self.flights.insert(number, (Arc::clone(&flight), self.shared.clock.now()));
            let (shared, request) = (Arc::clone(&self.shared), ready.request);
            self.tasks
                .push(Box::pin(async move { Happening::Landed(number, shared.send(flight, request).await) }));
        }
    }

    fn land(&mut self, number: u64, landed: Landed) {
        if self.flights.remove(&number).is_none() {
            return; // It was cut and written down as such.
        }
        let flight = Arc::clone(&landed.flight);
        self.slots.finish(&flight.claim.event.tenant, flight.is_doubtful());
        self.suspect_in_flight &= !self.slots.is_idle();
        let host = flight.resolved.endpoint.url.host();
        let fault = self.faults.judge(host, &landed.outcome, self.now());
        match fault {
            Fault::Ours => self.own_fault("no way out"),
            Fault::Endpoint | Fault::Cut => self.faults.clear(),
        }
        self.write(&flight, landed, fault);
    }

    fn write(&mut self, flight: &Arc<Flight>, landed: Landed, fault: Fault) {
        let written = self.shared.conclude(landed, fault);
        if let Next::Later { due_at, .. } = written.due.settlement.next {
            self.next_due = earlier(self.next_due, Some(due_at));
        }
        self.settler.add(written.due);
        if let Some(change) = written.lane {
            self.settler.change(change);
        }
        if let Some(why) = written.disable {
            let (shared, flight) = (Arc::clone(&self.shared), Arc::clone(flight));
            self.tasks.push(Box::pin(async move {
                shared.disable(&flight, why).await;
                Happening::Disabled
            }));
        }
    }

    fn settle(&mut self) {
        let Some(batch) = self.settler.next(self.now()) else { return };
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            let (batch, answers) = shared.settle(batch).await;
            Happening::Settled(batch, answers)
        }));
    }

    fn settled(&mut self, batch: Batch, answers: &[Settled]) {
        self.settler.written();
        self.stalled_until = Duration::ZERO;
        self.shared.tell_settled(&batch, answers);
        let given_back = |due: &settler::Due| {
            matches!(due.settlement.next, Next::Release) || matches!(due.settlement.next, Next::Routed { .. })
        };
        if batch.dues.iter().any(given_back) {
            self.due_now();
        }
    }

    fn publish(&mut self) {
        if self.publishing || self.queued.is_empty() {
            return;
        }
        self.publishing = true;
        let rest = self.queued.split_off(self.queued.len().min(PUBLISHES_PER_CALL));
        let orders = std::mem::replace(&mut self.queued, rest);
        let claim = if self.may_claim() && !self.slots.is_full() {
            let room = self.slots.room();
            self.shared.claim_request(room, 0, false).ok()
        } else {
            None
        };
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            let began = shared.clock.elapsed();
            let (events, replies): (Vec<_>, Vec<_>) = orders.into_iter().unzip();
            match shared.publish(&events, claim.as_ref()).await {
                Ok((answers, claims)) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        answer_publisher(reply, Ok(answer));
                    }
                    Happening::Published(shared.equip(claims, began).await, None)
                }
                Err(error) => {
                    for reply in replies {
                        answer_publisher(reply, Err(error.clone()));
                    }
                    Happening::Published(Acquired::default(), Some(error))
                }
            }
        }));
    }

    fn claim(&mut self) {
        let now = self.now();
        let polled = now.saturating_sub(self.claimed_at) >= self.shared.settings.poll;
        let due = self.is_due() && now >= self.stalled_until;
        let alone = self.suspect_waits && self.slots.is_idle();
        if self.claiming || !self.may_claim() && !alone || !(due || polled || alone) {
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
        self.claiming = true;
        self.claimed_at = now;
        self.suspect_waits &= !alone;
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move { Happening::Claimed(shared.acquire(&request).await) }));
    }

    /// Whether new work may be taken: nothing is wrong with ourselves, what was done
    /// can be recorded, and no suspect has or waits for the engine to itself.
    fn may_claim(&self) -> bool {
        let limited = self.limited_until.is_some_and(|until| self.shared.clock.now() < until);
        !self.faults.is_paused(self.now())
            && !self.settler.is_failing()
            && !limited
            && !self.suspect_waits
            && !self.suspect_in_flight
    }

    fn keep_house(&mut self) {
        if !self.reading_clock && self.shared.clock.is_stale(CLOCK_READ_EVERY) {
            self.reading_clock = true;
            let shared = Arc::clone(&self.shared);
            self.tasks
                .push(Box::pin(async move { Happening::ClockRead(shared.read_clock().await.map(|_| ())) }));
        }
        if !self.pruning && self.now() >= self.prune_at {
            self.pruning = true;
            let shared = Arc::clone(&self.shared);
            self.tasks.push(Box::pin(async move { Happening::Pruned(shared.prune_step().await) }));
        }
    }

    fn await_hint(&mut self) {
        let store = Arc::clone(&self.shared.store);
        self.tasks.push(Box::pin(async move {
            store.hint().await;
            Happening::Hinted
        }));
    }

    fn due_now(&mut self) {
        self.next_due = earlier(self.next_due, Some(self.shared.clock.now()));
        self.stalled_until = Duration::ZERO;
    }

    fn is_due(&self) -> bool {
        self.next_due.is_some_and(|due| due <= self.shared.clock.now())
    }

    fn store_failed(&mut self, error: &StoreError, during: &'static str) {
        self.shared.notice(&Notice::StoreFailed { kind: error.kind(), during });
        self.own_fault("the store");
    }

    fn own_fault(&mut self, what: &'static str) {
        let pause = self.faults.pause(self.now());
        self.shared.notice(&Notice::OwnFault { what, pause });
    }

    fn now(&self) -> Duration {
        self.shared.clock.elapsed()
    }

    /// Stops taking work; gives back what waits, lets what is in flight end within
    /// the grace, cuts the rest, and writes everything down.
    async fn wind_down(&mut self) {
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            self.take_order(order);
        }
        let deadline = self.now() + self.shared.settings.shutdown_grace;
        self.shared.desk.close();
        loop {
            self.give_back_waiting();
            if self.now() >= deadline {
                self.cut();
            }
            self.settle();
            self.publish_unclaimed();
            let under_way = self.slots.sending() > 0 || self.publishing || self.claiming;
            let past = self.now() >= deadline + Duration::from_secs(1);
            if past || (!under_way && self.queued.is_empty() && self.settler.is_done()) {
                return;
            }
            let alarm = if self.settler.is_failing() { self.settler.retry_at() } else { deadline };
            let alarm = if self.now() >= deadline { deadline + Duration::from_secs(1) } else { alarm };
            if let Wake::Happened(happening) = self.wake(pin!(std::future::pending()), alarm).await {
                self.note(happening);
                self.drain();
            }
        }
    }

    fn publish_unclaimed(&mut self) {
        // Full slots keep the publish from claiming.
        self.suspect_waits = true;
        self.publish();
    }

    fn give_back_waiting(&mut self) {
        for ready in std::mem::take(&mut self.waiting) {
            let claim = &ready.flight.claim;
            self.slots.give_back(&claim.event.tenant, ready.flight.is_doubtful());
            self.settler.add(release(claim, self.shared.clock.now()));
        }
    }

    /// Cuts what is still in flight: each may have reached its receiver.
    fn cut(&mut self) {
        for (flight, began_at) in std::mem::take(&mut self.flights).into_values() {
            self.slots.finish(&flight.claim.event.tenant, flight.is_doubtful());
            let took = self.shared.clock.now().since(began_at);
            let outcome = Outcome::Unknown(Unknown::Aborted);
            let landed = Landed { flight: Arc::clone(&flight), outcome, began_at, took };
            self.write(&flight, landed, Fault::Cut);
        }
    }
}

impl Shared {
    async fn settle(&self, batch: Batch) -> (Batch, Result<Vec<Settled>, StoreError>) {
        let settlements: Vec<_> = batch.dues.iter().map(|due| due.settlement.clone()).collect();
        let answers = self.store.settle(&settlements, &batch.lanes, self.clock.now()).await;
        (batch, answers)
    }

    fn tell_settled(&self, batch: &Batch, answers: &[Settled]) {
        for (due, answer) in batch.dues.iter().zip(answers) {
            if *answer != Settled::Applied {
                self.notice(&Notice::Stale { settled: *answer });
                continue;
            }
            let (Next::Done { state, .. }, Claimed::Delivery(delivery), Some(endpoint)) =
                (&due.settlement.next, &due.settlement.of, &due.endpoint)
            else {
                continue;
            };
            self.notice(&Notice::Concluded {
                delivery: *delivery,
                event: &due.event,
                endpoint,
                state: *state,
            });
            if let State::Failed(reason) = state {
                self.tell_dead(*delivery, *reason);
            }
        }
    }

    fn tell_dead(&self, delivery: DeliveryId, reason: FailReason) {
        self.notice(&Notice::DeadLetter { delivery, reason });
    }

    /// Disables an endpoint if it still is the version that was sent to.
    pub(crate) async fn disable(&self, flight: &Flight, why: &'static str) {
        let endpoint = &flight.resolved.endpoint;
        match self.directory.disable(&endpoint.id, endpoint.version, why).await {
            Ok(true) => {
                self.standings.forget(&endpoint.id);
                self.notice(&Notice::Disabled { endpoint: &endpoint.id, why });
            }
            Ok(false) => {}
            Err(error) => self.notice(&Notice::StoreFailed { kind: error.kind(), during: "disable" }),
        }
    }
}

/// A publisher that no longer listens has its event all the same.
fn answer_publisher(
    reply: oneshot::Sender<Result<PublishAnswer, StoreError>>,
    answer: Result<PublishAnswer, StoreError>,
) {
    drop(reply.send(answer));
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Room for one delivery, whatever it is.
pub(crate) const fn one_slot() -> slots::Room {
    slots::Room { deliveries: 1, per_tenant: 1, doubtful: 1, skip_tenants: Vec::new() }
}
