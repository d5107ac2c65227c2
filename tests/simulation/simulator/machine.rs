//! One process of a world: an engine that is started, crashes, and is started again.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;

use hookpost::Invalid;
use hookpost::backend::{Backend, Clock, Transport};
use hookpost::endpoint::{EndpointError, Overrides};
use hookpost::id::{HostName, ProfileName};
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::policy::timeline::Uptime;
use hookpost::profile::Profile;
use hookpost::stores::memory::MemoryStore;
use hookpost::subscription::{Filter, Subscription};
use hookpost::testing::store::{Flaky, Interposed};
use hookpost::testing::{ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::time::Timestamp;
use hookpost::webhooks::{NewEndpoint, Webhooks};

use super::damaged::{Damage, Damaged};
use super::failpoints::{FailingTransport, Failpoints};
use super::noise::{Excitable, SERVICE};
use super::probe::Probe;
use super::signal::Signal;
use super::trace::{Trace, What};
use super::watch::{Doing, Watch};
use super::world::{Site, World};

/// The secret that signs in every world.
pub(super) const SECRET: &[u8] = b"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// The time at which every world begins.
pub(super) const BASE: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const PROFILE: &str = "simulated";
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// What all machines of a world share.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) world: World,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) transport: Arc<ScriptedTransport>,
    pub(super) trace: Arc<Trace>,
    pub(super) watch: Arc<Watch>,
    pub(super) damage: Arc<Damage>,
}

/// The one store as a machine sees it.
type Watched = Interposed<Interposed<Interposed<MemoryStore, Probe>, Arc<Flaky>>, Arc<Doing>>;

/// One process, through all its restarts.
#[derive(Debug)]
pub(super) struct Machine {
    name: String,
    number: usize,
    ground: Arc<Ground>,
    clock: Arc<VirtualClock>,
    flaky: Arc<Flaky>,
    store: Arc<Watched>,
    life: Mutex<Option<Life>>,
    downtime: Mutex<Duration>,
}

/// One process from its start to its crash.
#[derive(Debug, Clone)]
pub(super) struct Life {
    webhooks: Webhooks,
    pub(super) failpoints: Arc<Failpoints>,
}

impl Machine {
    pub(super) fn new(number: usize, ground: &Arc<Ground>) -> Self {
        let name = format!("machine{number}");
        let (trace, store) = (Arc::clone(&ground.trace), Arc::clone(&ground.store));
        let probe = Probe { machine: name.clone(), trace, store };
        let clock = Arc::new(ground.clock.beside());
        let own = ground.store.beside(Arc::clone(&clock) as Arc<dyn Clock>);
        let probed = Arc::new(Interposed::new(Arc::new(own), probe));
        let world = &ground.world;
        let flaky = Arc::new(Flaky::new(mix(world.seed, number, 0), world.store_faults));
        let failing = Arc::new(Interposed::new(probed, Arc::clone(&flaky)));
        let watched = Interposed::new(failing, ground.watch.of(number));
        Self {
            name,
            number,
            ground: Arc::clone(ground),
            clock,
            flaky,
            store: Arc::new(watched),
            life: Mutex::new(None),
            downtime: Mutex::new(Duration::ZERO),
        }
    }

    /// Runs one engine after another, until one is shut down.
    pub(super) async fn live(self: Arc<Self>, shutdown: Arc<Signal>) {
        for birth in 1.. {
            let life = self.start(birth);
            let run = life.webhooks.run(shutdown.wait());
            let (run, crash) = (pin!(run), pin!(life.failpoints.crashed()));
            if let Either::Left(_) = select(run, crash).await {
                return;
            }
            self.set(None);
            self.note(What::Crashed);
            let downtime = *self.downtime.lock().unwrap_or_else(PoisonError::into_inner);
            tokio::time::sleep(downtime).await;
        }
    }

    /// The process that runs there now, if there is one.
    pub(super) fn life(&self) -> Option<Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets how long it stays down after its next crash.
    pub(super) fn stay_down(&self, downtime: Duration) {
        *self.downtime.lock().unwrap_or_else(PoisonError::into_inner) = downtime;
    }

    /// Moves this process's wall clock by this many seconds; 0 sets it right.
    pub(super) fn skew(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        match seconds.signum() {
            0 => self.clock.set_right(),
            1 => self.clock.jump_ahead(by),
            _ => self.clock.jump_back(by),
        }
    }

    /// Removes all faults.
    pub(super) fn heal(&self) {
        self.flaky.heal();
        self.skew(0);
        if let Some(life) = self.life() {
            life.failpoints.heal();
        }
    }

    pub(super) fn note(&self, what: What) {
        self.ground.trace.note(&self.name, what);
    }

    fn start(&self, birth: usize) -> Life {
        let failpoints = Arc::new(Failpoints::new());
        let store = Interposed::new(Arc::clone(&self.store), Arc::clone(&failpoints));
        let transport = FailingTransport::new(Arc::clone(&self.ground.transport), Arc::clone(&failpoints));
        let seed = mix(self.ground.world.seed, self.number, birth);
        let webhooks = self.ground.webhooks(&self.clock, Arc::new(store), Arc::new(transport), seed);
        let life = Life { webhooks, failpoints };
        self.note(What::Started);
        self.set(Some(life.clone()));
        life
    }

    fn set(&self, life: Option<Life>) {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
    }
}

impl Life {
    /// Runs a call in this process; `None` if it crashes before it has answered.
    pub(super) async fn ask<T, F: Future<Output = T>>(&self, what: impl FnOnce(Webhooks) -> F) -> Option<T> {
        let (answer, crash) = (pin!(what(self.webhooks.clone())), pin!(self.failpoints.crashed()));
        match select(answer, crash).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }
}

impl Ground {
    /// Creates what a world's machines share, with its endpoints registered.
    pub(super) async fn lay(world: World) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(BASE));
        let store = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>));
        // Requests are timed on the one true clock, which nothing sets.
        let transport = Arc::new(ScriptedTransport::new(Arc::new(clock.beside())));
        let watch = Arc::new(Watch::over(world.machines));
        let (trace, damage) = (Arc::new(Trace::new()), Arc::new(Damage::of(&world)));
        let ground = Self { world, clock, store, transport, trace, watch, damage };
        let seed = mix(ground.world.seed, usize::MAX, 0);
        let registrar = ground.webhooks(
            &ground.clock,
            Arc::clone(&ground.store) as _,
            Arc::clone(&ground.transport) as _,
            seed,
        );
        for site in &ground.world.sites {
            let endpoint = endpoint(site).expect("sites are drawn by the rules of endpoints");
            registrar.register(endpoint).await.expect("a store without faults takes a new endpoint");
        }
        ground
    }

    fn webhooks(
        &self,
        clock: &Arc<VirtualClock>,
        store: Arc<dyn Backend>,
        transport: Arc<dyn Transport>,
        seed: u64,
    ) -> Webhooks {
        let directory = Damaged { store: Arc::clone(&store), damage: Arc::clone(&self.damage) };
        let built = Webhooks::builder(store, transport)
            .directory(Arc::new(directory))
            .profile(profile(&self.world).expect("worlds are drawn by the rules of profiles"))
            .clock(Arc::new(Bounded { clock: Arc::clone(clock), reads: AtomicU64::new(0) }))
            .entropy(Arc::new(SeededEntropy::new(seed)))
            .concurrency(self.world.concurrency)
            .lease(self.world.lease)
            .poll(self.world.poll)
            .build();
        built.expect("worlds are drawn by the rules of settings")
    }
}

/// A clock that is not read for ever: an engine that turns without end is a failure,
/// not a test that hangs.
struct Bounded {
    clock: Arc<VirtualClock>,
    reads: AtomicU64,
}

/// Ten times as often as any engine reads it in the first sixty worlds.
const READS_MAX: u64 = 4_000_000;

impl Clock for Bounded {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        if reads >= READS_MAX {
            // A panic would not end it: the engine outlives the panics of its parts.
            eprintln!("an engine turns without end");
            std::process::abort();
        }
        self.clock.elapsed()
    }

    fn uptime(&self) -> Option<Uptime> {
        self.clock.uptime()
    }
}

fn profile(world: &World) -> Result<Profile, Invalid> {
    let schedule = Schedule::exponential(world.gap_first, 2, world.gap_max)?;
    let mut profile = Profile::standard();
    profile.name = ProfileName::new(PROFILE).unwrap_or(profile.name);
    profile.retry = RetryPolicy::new(schedule).jitter_percent(world.jitter_percent)?.window(world.window)?;
    let shared = limit(LimitScope::Global, world.shared_limit);
    profile.limits = limit(LimitScope::Tenant, world.limit).into_iter().chain(shared).collect();
    profile.timeout = TIMEOUT;
    profile.service = HostName::new(SERVICE).into_iter().collect();
    profile.classifier = Arc::new(Excitable(profile.classifier));
    profile.disable_after = None;
    Ok(profile)
}

fn endpoint(site: &Site) -> Result<NewEndpoint, EndpointError> {
    let width = NonZeroU32::new(site.width).unwrap_or(NonZeroU32::MIN);
    let mut overrides = Overrides::none().width(width)?;
    if let Some(limit) = limit(LimitScope::Endpoint, site.limit) {
        overrides = overrides.limits([limit])?;
    }
    let mut wanted = Subscription::to([&site.wants])?;
    for number in 0..site.filters {
        wanted = wanted.filtered(Filter::lacks(format!("/without/{number}"), [json!(number)])?);
    }
    let endpoint = NewEndpoint::new(&site.tenant, &site.url, PROFILE)?.id(&site.id)?.secret(SECRET)?;
    Ok(endpoint.subscription(wanted).overrides(overrides))
}

/// A limit of this many request starts in a window, if one was drawn.
fn limit(scope: LimitScope, drawn: Option<(u32, Duration)>) -> Option<Limit> {
    let (starts, window) = drawn?;
    Limit::new(scope, NonZeroU32::new(starts)?, window).ok()
}

/// A seed of its own for each part of a world.
fn mix(seed: u64, machine: usize, birth: usize) -> u64 {
    let place = (machine as u64).wrapping_mul(1_000_003).wrapping_add(birth as u64);
    fastrand::Rng::with_seed(seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)).u64(..)
}
