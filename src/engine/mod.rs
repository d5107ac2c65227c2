//! The loop: claim → route or prepare → send → conclude → settle.
//!
//! One task holds all the state and makes all the calls; at most one claim, one
//! publish and one settle are under way, and what comes meanwhile makes the next
//! batch. The decisions are made in `decide` and `policy`; here is only who waits for what.

mod asking;
mod claiming;
mod deadline;
mod endpoint_cache;
mod guard;
mod guarded;
mod in_flight;
mod inbox;
mod laggards;
mod line;
mod maintenance;
mod news;
mod publishing;
mod routing;
mod sending;
mod settler;
mod settling;
pub(crate) mod shared;
mod shutdown;
mod store_clock;
mod tick;
mod wake;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use crate::decide::own_faults::OwnFaults;
use crate::decide::pacing::Pacing;
use crate::decide::slots::Slots;
use crate::error::StoreError;
use crate::notice::{Notice, Part};
use crate::time::Timestamp;

use self::claiming::Acquired;
use self::in_flight::InFlightTable;
use self::maintenance::Maintenance;
use self::news::About;
use self::settler::{Batch, Settler};
use self::settling::Answers;
use self::shared::Shared;
use self::wake::{Timer, Wake};

pub(crate) use self::endpoint_cache::{CachedEndpoint, EndpointCache};
pub(crate) use self::guard::{Guard, caught};
pub(crate) use self::guarded::{Guarded, GuardedClock, guarded_profile};
pub(crate) use self::inbox::Inbox;
pub(crate) use self::news::News;
pub(crate) use self::publishing::Stored;
pub(crate) use self::store_clock::StoreClock;
pub use self::tick::Tick;

/// So many events are routed per claim.
const EVENTS_PER_CLAIM: usize = 64;
/// What an own fault is called: the store failed, the host's entropy gave nothing, or no
/// request gets through.
const THE_STORE: &str = "the store";
const NO_RANDOMNESS: &str = "no randomness";
const NO_WAY_OUT: &str = "no way out";

/// Why an engine did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An engine runs on this handle already.
    #[error("an engine of this handle is running already")]
    AlreadyRunning,
    /// Nothing could be waited for.
    #[error("run must be awaited in a tokio runtime with time enabled, such as that of #[tokio::main]")]
    NoRuntime,
}

/// Runs until `shutdown`, then lets what is in flight end, within the grace.
///
/// Dropping the future stops at once: what was claimed becomes due again when its
/// lease ends.
pub(crate) async fn run(
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    if !deadline::has_timer() {
        return Err(RunError::NoRuntime);
    }
    if !shared.inbox.open() {
        return Err(RunError::AlreadyRunning);
    }
    let _closing = Closing(Arc::clone(&shared));
    let guard = Arc::clone(&shared.guard);
    let shutdown = guard.wait(Part::Shutdown, || Box::pin(shutdown));
    let mut engine = Engine::new(shared);
    // The loop polls hundreds of sockets from one task: tokio's budget per poll would
    // only send it around the scheduler.
    tokio::task::unconstrained(async {
        // One that panics ends the engine in good order too.
        engine.work(shutdown.map(|_| ())).await;
        engine.wind_down().await;
    })
    .await;
    Ok(())
}

/// Closes the inbox however the run ends.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.inbox.leave();
    }
}

/// Something under way has ended.
enum Completion {
    Claimed(Result<Acquired, StoreError>),
    /// What was asked for apart.
    Equipped(Acquired),
    Published(Acquired, Option<Box<StoreError>>),
    /// A slot has nothing more to send.
    SlotEmptied,
    Settled(Batch, Result<Answers, StoreError>),
    Disabled,
    Held,
    /// The store hints that there may be new work.
    Hinted,
    /// Somebody in this process says that there may be new work.
    Nudged,
    ClockRead(Result<Timestamp, StoreError>),
    Pruned(Result<Duration, StoreError>),
}

struct Engine {
    shared: Arc<Shared>,
    /// Whether a call stores what publishers handed over. What comes meanwhile makes the
    /// next one.
    storing: bool,
    tasks: FuturesUnordered<BoxFuture<'static, Completion>>,
    in_flight: Arc<InFlightTable>,
    slots: Slots,
    settler: Settler,
    /// How many endpoints are being disabled.
    disabling: usize,
    /// How much is being asked for apart.
    apart: usize,
    pacing: Pacing,
    faults: OwnFaults,
    maintenance: Maintenance,
    timer: Timer,
}

impl Engine {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            storing: false,
            tasks: FuturesUnordered::new(),
            in_flight: Arc::default(),
            slots: Slots::new(shared.settings.concurrency),
            settler: Settler::default(),
            disabling: 0,
            apart: 0,
            pacing: Pacing::new(shared.clock.now(), shared.clock.elapsed()),
            faults: OwnFaults::default(),
            maintenance: Maintenance::default(),
            timer: Timer::default(),
            shared,
        }
    }

    async fn work(&mut self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        self.await_hint();
        self.await_nudge();
        loop {
            self.start_waiting();
            self.settle();
            self.publish();
            self.claim();
            self.maintain();
            let alarm = self.alarm();
            match self.wake(shutdown.as_mut(), alarm).await {
                Wake::Shutdown => return,
                Wake::Happened(happening) => self.note(happening),
                Wake::Finished | Wake::Came | Wake::Alarm => {}
            }
            self.drain();
        }
    }

    /// Takes in all that has happened already, so that one settle call carries it.
    fn drain(&mut self) {
        self.shared.inbox.goes_on();
        while let Some(happening) = self.already_happened() {
            self.note(happening);
        }
        self.land();
    }

    fn note(&mut self, happening: Completion) {
        match happening {
            Completion::Claimed(Ok(acquired)) => {
                self.store_worked("claim");
                let (store_now, now) = (self.shared.clock.now(), self.now());
                self.pacing.move_to(acquired.moved);
                self.pacing.claimed(acquired.next_due, acquired.suspects, acquired.claimed, store_now, now);
                self.pacing.suspect_claimed(acquired.suspect(), now);
                self.admit(acquired);
            }
            Completion::Equipped(acquired) => {
                self.apart -= 1;
                self.admit(acquired);
            }
            Completion::Claimed(Err(error)) => {
                self.pacing.claim_failed(self.shared.clock.now());
                self.store_failed(&error, "claim");
            }
            Completion::Published(acquired, error) => {
                self.storing = false;
                if error.is_none() {
                    self.store_worked("publish");
                }
                self.pacing.move_to(acquired.moved);
                self.pacing.due(acquired.next_due);
                self.admit(acquired);
                if let Some(error) = error {
                    // They may be stored all the same.
                    self.pacing.look_at_once(self.shared.clock.now());
                    self.store_failed(&error, "publish");
                }
            }
            Completion::Settled(batch, Ok((answers, next_due))) => {
                self.store_worked("settle");
                self.settled(batch, &answers, next_due);
            }
            Completion::Settled(batch, Err(error)) => {
                self.settler.failed(batch, self.now());
                self.store_failed(&error, "settle");
            }
            Completion::Disabled => self.disabling -= 1,
            Completion::SlotEmptied | Completion::Held => {}
            Completion::Hinted => {
                self.await_hint();
                self.pacing.look_at_once(self.shared.clock.now());
            }
            Completion::Nudged => {
                self.await_nudge();
                self.pacing.look_at_once(self.shared.clock.now());
            }
            Completion::ClockRead(result) => {
                self.maintenance.clock_was_read(result.is_err(), self.now());
                match result {
                    Ok(_) => self.store_worked("clock"),
                    Err(error) => self.store_failed(&error, "clock"),
                }
            }
            Completion::Pruned(result) => {
                match &result {
                    Ok(_) => self.store_worked("prune"),
                    Err(error) => self.store_failed(error, "prune"),
                }
                self.maintenance.pruned(result.ok(), self.now());
            }
        }
    }

    /// Waits for the store's next hint. It is waited for again before the claim that the
    /// last one caused is made: what is hinted at meanwhile is seen by that claim, or
    /// causes another.
    fn await_hint(&mut self) {
        let store = Arc::clone(&self.shared.store);
        self.tasks.push(Box::pin(async move {
            store.hint().await;
            Completion::Hinted
        }));
    }

    fn await_nudge(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            shared.inbox.nudged().await;
            Completion::Nudged
        }));
    }

    fn store_failed(&mut self, error: &StoreError, during: &'static str) {
        self.shared.tell_store_failed(error.kind(), during);
        self.own_fault(THE_STORE);
    }

    fn store_worked(&mut self, during: &'static str) {
        if self.shared.news.is_over(|| About::Store(during)) {
            self.faults.is_over(THE_STORE);
        }
    }

    fn own_fault(&mut self, what: &'static str) {
        let Some(pause) = self.faults.pause(self.now()) else { return };
        if self.faults.is_new(what, pause) {
            self.shared.notice(&Notice::OwnFault { what, pause });
        }
    }

    fn now(&self) -> Duration {
        self.shared.clock.elapsed()
    }
}
