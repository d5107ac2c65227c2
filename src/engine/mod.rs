//! The loop: claim → route or prepare → send → conclude → settle.
//!
//! One task holds all the state and makes all the calls. At most one claim, one publish and one
//! settle run at a time; what arrives meanwhile makes the next batch. The decisions are made in
//! `decide` and `policy`; this module only schedules the calls.
//!
//! Each stage is a struct of the parts that it calls: [`Publisher`], [`Router`], [`Claimer`],
//! [`Sender`], [`Settler`]. [`Engine`] holds the work in progress between them, and
//! [`Parts::tick`] runs the same stages once.

mod claiming;
mod directory;
mod endpoint_cache;
mod guard;
mod guarded;
mod in_flight;
mod inbox;
mod publishing;
mod routing;
mod settling;
mod store_clock;
mod tick;
mod wake;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use crate::backend::{Backend, Clock, Directory, Entropy, History, Observer, Registry, Store, Transport};
use crate::decide::own_faults::OwnFaults;
use crate::decide::pacing::Pacing;
use crate::decide::slots::Slots;
use crate::error::StoreError;
use crate::history::Class;
use crate::id::ProfileName;
use crate::notice::{Notice, OwnFaultReason, Part, StoreCall};
use crate::policy::egress::AddressPolicy;
use crate::profile::Profile;

use self::claiming::Claimer;
use self::directory::Endpoints;
use self::endpoint_cache::EndpointCache;
use self::guard::{About, Guard};
use self::guarded::{Guarded, GuardedClock, guarded_profile};
use self::in_flight::{Requests, Sender};
use self::inbox::Inbox;
use self::publishing::Publisher;
use self::routing::Router;
use self::settling::{Settler, Unsettled};
use self::store_clock::StoreClock;
use self::wake::{Chores, Pruner, Timer, Wake};

pub(crate) use self::endpoint_cache::CachedEndpoint;
pub(crate) use self::guard::caught;
pub(crate) use self::publishing::Stored;
pub use self::tick::Tick;

/// How long one call of the store may take within a lease.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call of the directory may take.
const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take within a lease.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The part of a lease that is reserved for the engine itself.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);
/// How long the last writes may take after the grace of a shutdown.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The settings of the builder.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The most requests in flight.
    pub(crate) concurrency: usize,
    /// How long a claim may be settled.
    pub(crate) lease: Duration,
    /// How long an idle engine sleeps at most.
    pub(crate) poll: Duration,
    /// How long shutdown waits for requests in flight.
    pub(crate) shutdown_grace: Duration,
    /// The most bytes that a payload may have.
    pub(crate) payload_max: usize,
    /// How many endpoints one routing chunk reads.
    pub(crate) route_chunk: usize,
    /// How long settled deliveries are kept, by class.
    pub(crate) retention: Vec<(Class, Duration)>,
    /// Which addresses a URL may name.
    pub(crate) addresses: AddressPolicy,
}

/// The parts that a host brings, not yet behind the guard.
pub(crate) struct HostParts {
    pub(crate) backend: Arc<dyn Backend>,
    /// The host's own directory, if the endpoints are not in the store.
    pub(crate) directory: Option<Arc<dyn Directory>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) profiles: Vec<Profile>,
}

/// The parts that the façade calls itself, and the stages of the engine. Each stage has only
/// the parts that it calls.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) clock: Arc<StoreClock>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) claimer: Arc<Claimer>,
    sender: Arc<Sender>,
    settler: Arc<Settler>,
    pruner: Arc<Pruner>,
    /// The failures seen in the rounds that the host has run, for telling our own faults apart.
    faults: Mutex<OwnFaults>,
    pub(crate) settings: Settings,
}

impl Parts {
    /// Puts the host's parts behind the guard, and gives each stage the parts that it calls.
    pub(crate) fn new(host: HostParts, settings: Settings) -> Self {
        let guard = Arc::new(Guard::new(host.observer));
        let profiles: BTreeMap<ProfileName, _> = host
            .profiles
            .into_iter()
            .map(|profile| (profile.name.clone(), Arc::new(guarded_profile(profile, &guard))))
            .collect();
        let behind = |directory: Arc<dyn Directory>| {
            Arc::new(Guarded::new(directory, Arc::clone(&guard)).within(DIRECTORY_TIMEOUT))
        };
        let directory = behind(host.directory.unwrap_or_else(|| host.backend.clone()));
        let backend = Arc::new(Guarded::new(host.backend, Arc::clone(&guard)));
        let (store, history): (Arc<dyn Store>, Arc<dyn History>) = (backend.clone(), backend.clone());
        let entropy: Arc<dyn Entropy> = Arc::new(Guarded::new(host.entropy, Arc::clone(&guard)));
        let clock = Arc::new(GuardedClock::new(host.clock, Arc::clone(&guard)));
        let clock = Arc::new(StoreClock::new(clock, store.clone(), guard.clone(), settings.lease));
        let endpoints = Arc::new(Endpoints {
            directory,
            cache: EndpointCache::new(profiles),
            laggards: Arc::default(),
            clock: clock.clone(),
            guard: guard.clone(),
        });
        let router = Arc::new(Router {
            endpoints: endpoints.clone(),
            clock: clock.clone(),
            guard: guard.clone(),
            chunk: settings.route_chunk,
        });
        let publisher = Arc::new(Publisher {
            inbox: Inbox::default(),
            router: router.clone(),
            store: store.clone(),
            clock: clock.clone(),
            guard: guard.clone(),
        });
        let claimer = Arc::new(Claimer {
            store: store.clone(),
            limiter: backend.clone(),
            router,
            endpoints: endpoints.clone(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            guard: guard.clone(),
            lease: settings.lease,
        });
        let sender =
            Arc::new(Sender { transport: host.transport, clock: clock.clone(), guard: guard.clone() });
        let settler = Arc::new(Settler {
            store: store.clone(),
            history: history.clone(),
            endpoints: endpoints.clone(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            guard: guard.clone(),
        });
        let retention = settings.retention.clone();
        let pruner = Arc::new(Pruner { store: store.clone(), clock: clock.clone(), retention });
        Self {
            store,
            registry: backend,
            history,
            entropy,
            guard,
            clock,
            endpoints,
            publisher,
            claimer,
            sender,
            settler,
            pruner,
            faults: Mutex::default(),
            settings,
        }
    }
}

/// Why an engine did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// This handle already has a running engine.
    #[error("an engine of this handle is running already")]
    AlreadyRunning,
    /// There is no tokio runtime, or its timer is not enabled.
    #[error("run must be awaited in a tokio runtime with time enabled, such as that of #[tokio::main]")]
    NoRuntime,
}

/// Runs until `shutdown`, then lets requests in flight end within the grace.
///
/// Dropping the future stops at once: claimed deliveries become due again when their leases
/// end.
pub(crate) async fn run(
    parts: Arc<Parts>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    if !guard::has_timer() {
        return Err(RunError::NoRuntime);
    }
    if !parts.publisher.inbox.open() {
        return Err(RunError::AlreadyRunning);
    }
    let _closing = Closing(Arc::clone(&parts.publisher));
    let guard = Arc::clone(&parts.guard);
    let shutdown = guard.wait(Part::Shutdown, || Box::pin(shutdown));
    let mut engine = Engine::new(parts);
    // The loop polls hundreds of sockets in one task. With tokio's budget per poll it would
    // often yield to the scheduler for nothing.
    tokio::task::unconstrained(async {
        // If the loop panics, the engine still ends in an orderly way.
        engine.work(shutdown.map(|_| ())).await;
        engine.wind_down().await;
    })
    .await;
    Ok(())
}

/// Closes the inbox however the run ends.
struct Closing(Arc<Publisher>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.inbox.leave();
    }
}

/// What the loop does when a task has ended. The task returns it.
type Then = Box<dyn FnOnce(&mut Engine) + Send>;

struct Engine {
    parts: Arc<Parts>,
    tasks: FuturesUnordered<BoxFuture<'static, Then>>,
    /// The number of tasks from `spawn_counted` that have not ended.
    counted: usize,
    /// Whether a call is storing the events of publishers. Events that arrive meanwhile go into
    /// the next call.
    storing: bool,
    requests: Arc<Mutex<Requests>>,
    slots: Slots,
    unsettled: Unsettled,
    pacing: Pacing,
    faults: OwnFaults,
    chores: Chores,
    timer: Timer,
}

impl Engine {
    fn new(parts: Arc<Parts>) -> Self {
        Self {
            tasks: FuturesUnordered::new(),
            counted: 0,
            storing: false,
            requests: Arc::default(),
            slots: Slots::new(parts.settings.concurrency),
            unsettled: Unsettled::default(),
            pacing: Pacing::new(parts.clock.now(), parts.clock.elapsed()),
            faults: OwnFaults::default(),
            chores: Chores::default(),
            timer: Timer::default(),
            parts,
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
            self.do_chores();
            let alarm = self.alarm();
            match self.wake(shutdown.as_mut(), alarm).await {
                Wake::Shutdown => return,
                Wake::Ended(then) => then(self),
                Wake::Finished | Wake::Came | Wake::Alarm => {}
            }
            self.drain();
        }
    }

    /// Ends in order: claims nothing new, gives back what waits, lets requests in flight end within
    /// the grace, cancels the rest, and writes all settlements.
    async fn wind_down(&mut self) {
        self.parts.publisher.inbox.close();
        let cut_at = self.now() + self.parts.settings.shutdown_grace;
        let end_at = cut_at + LAST_WRITES;
        loop {
            self.pacing.close();
            self.give_back_waiting();
            if self.now() >= cut_at {
                self.cut();
            }
            self.settle();
            self.publish();
            if self.is_wound_down() || self.now() >= end_at {
                return;
            }
            let stage = if self.now() < cut_at { cut_at } else { end_at };
            let alarm = self.unsettled.retry_at().map_or(stage, |retry| retry.min(stage));
            match self.wake(pin!(std::future::pending()), alarm).await {
                Wake::Ended(then) => {
                    then(self);
                    self.drain();
                }
                Wake::Finished => self.drain(),
                Wake::Shutdown | Wake::Came | Wake::Alarm => {}
            }
        }
    }

    fn is_wound_down(&self) -> bool {
        let under_way = self.slots.sending() > 0
            || self.pacing.is_claiming()
            || self.storing
            || !self.parts.publisher.inbox.is_empty();
        !under_way && self.unsettled.is_done() && self.counted == 0
    }

    /// Handles everything that has happened already, so that one settle call writes all of it.
    fn drain(&mut self) {
        self.parts.publisher.inbox.goes_on();
        while let Some(then) = self.tasks.next().now_or_never().flatten() {
            then(self);
        }
        self.take_finished();
    }

    /// Runs a task concurrently. When it ends, the loop calls the closure that it returned.
    fn spawn<F>(&self, work: impl Future<Output = F> + Send + 'static)
    where
        F: FnOnce(&mut Self) + Send + 'static,
    {
        self.tasks.push(Box::pin(async move { Box::new(work.await) as Then }));
    }

    /// Like `spawn`, but the engine does not end before the task has ended.
    fn spawn_counted<F>(&mut self, work: impl Future<Output = F> + Send + 'static)
    where
        F: FnOnce(&mut Self) + Send + 'static,
    {
        self.counted += 1;
        self.spawn(async move {
            let then = work.await;
            move |engine: &mut Self| {
                engine.counted -= 1;
                then(engine);
            }
        });
    }

    /// Waits for the store's next hint. The next wait begins before the claim that this hint
    /// causes. So a hint that arrives meanwhile concerns work that this claim sees, or it causes
    /// another claim.
    fn await_hint(&mut self) {
        let store = Arc::clone(&self.parts.store);
        self.spawn(async move {
            store.hint().await;
            |engine: &mut Self| {
                engine.await_hint();
                engine.pacing.look_at_once(engine.parts.clock.now());
            }
        });
    }

    /// Waits until another part of this process signals that there may be new work.
    fn await_nudge(&mut self) {
        let publisher = Arc::clone(&self.parts.publisher);
        self.spawn(async move {
            publisher.inbox.nudged().await;
            |engine: &mut Self| {
                engine.await_nudge();
                engine.pacing.look_at_once(engine.parts.clock.now());
            }
        });
    }

    fn store_failed(&mut self, error: &StoreError, during: StoreCall) {
        self.parts.guard.store_failed(error.kind(), during);
        self.own_fault(OwnFaultReason::Store);
    }

    fn store_worked(&mut self, during: StoreCall) {
        if self.parts.guard.news.is_over(|| About::Store(during)) {
            self.faults.is_over(OwnFaultReason::Store);
        }
    }

    fn own_fault(&mut self, what: OwnFaultReason) {
        let Some(pause) = self.faults.pause(self.now()) else { return };
        if self.faults.is_new(what, pause) {
            self.parts.guard.notice(&Notice::OwnFault { what, pause });
        }
    }

    fn now(&self) -> Duration {
        self.parts.clock.elapsed()
    }
}
