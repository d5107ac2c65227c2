//! Parts that a host brings and that panic or block: each costs one call, never the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;
mod world;

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderName;

use hookpost::backend::{Backend, Clock, Directory, Entropy, EntropyError, Transport};
use hookpost::delivery::{AttemptResult, Delivery, EventMeta, FailReason, State};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::id::EndpointId;
use hookpost::notice::{Notice, Panicked, Part};
use hookpost::os::SystemClock;
use hookpost::policy::outcome::{BodyNeed, Classify, Hold, Outcome, Response, Unknown, Verdict};
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::profile::{Envelope, Occasion, RenderError, Rendered, Request, Sample};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::ScriptedTransport;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::webhooks::TestError;
use hookpost::{Endpoint, Event, NewEvent, Profile, PublishError, RegisterError, Timestamp, Webhooks};
use sqlite_file::TempFile;
use world::{World, acme, endpoint, without_jitter};

const DELIVERED: State = State::Delivered { confirmed: true };
const MINUTE: Duration = Duration::from_secs(60);

/// Makes a part panic while it is set.
#[derive(Debug, Clone, Default)]
struct Trap(Arc<AtomicBool>);

impl Trap {
    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn clear(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn spring(&self) {
        assert!(!self.0.load(Ordering::SeqCst), "a part of the host's panics");
    }
}

/// A value whose drop panics.
struct BadDrop;

impl Drop for BadDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a drop panics");
    }
}

/// A profile of the host's own whose classifier, or envelope, panics.
#[derive(Debug)]
struct Hostile<T>(T, Trap);

impl Classify for Hostile<Arc<dyn Classify>> {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        self.1.spring();
        self.0.classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        self.0.body_need()
    }

    fn hold(&self, response: &Response, now: Timestamp) -> Option<Hold> {
        self.1.spring();
        self.0.hold(response, now)
    }
}

impl Envelope for Hostile<Arc<dyn Envelope>> {
    fn render(&self, event: &Event, to: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        self.1.spring();
        self.0.render(event, to, occasion)
    }

    fn header_names(&self) -> &[HeaderName] {
        self.1.spring();
        self.0.header_names()
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        self.1.spring();
        self.0.sample(endpoint)
    }

    fn carries_secret(&self) -> bool {
        self.1.spring();
        self.0.carries_secret()
    }
}

fn hostile_classifier(trap: &Trap) -> Profile {
    let profile = without_jitter(Profile::standard());
    let classifier = Arc::new(Hostile(Arc::clone(&profile.classifier), trap.clone()));
    Profile { name: "hostile".parse().unwrap(), classifier, ..profile }
}

fn hostile_envelope(trap: &Trap) -> Profile {
    let profile = without_jitter(Profile::standard());
    let envelope = Arc::new(Hostile(Arc::clone(&profile.envelope), trap.clone()));
    Profile { name: "hostile".parse().unwrap(), envelope, ..profile }
}

impl Clock for Hostile<Arc<dyn Clock>> {
    fn now(&self) -> Timestamp {
        self.1.spring();
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.1.spring();
        self.0.elapsed()
    }
}

impl Entropy for Hostile<hookpost::testing::SeededEntropy> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.1.spring();
        self.0.fill(buffer)
    }
}

#[hookpost::async_trait]
impl Directory for Hostile<Arc<MemoryStore>> {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<hookpost::endpoint::EndpointPage, StoreError> {
        self.1.spring();
        self.0.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<hookpost::endpoint::Loaded>, StoreError> {
        self.1.spring();
        self.0.load(ids).await
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.1.spring();
        self.0.disable(seen, why).await
    }
}

/// Panics in one kind of a store's calls, before or after it had its effect.
struct HostileStore {
    trap: Trap,
    kind: &'static str,
    after: bool,
}

impl HostileStore {
    fn spring(&self, call: &Call<'_>, after: bool) {
        if format!("{call:?}").starts_with(self.kind) && after == self.after {
            self.trap.spring();
        }
    }
}

#[hookpost::async_trait]
impl Interpose for HostileStore {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        self.spring(&call, false);
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        self.spring(&call, true);
        Ok(())
    }
}

/// How a transport panics towards the host `bad.example`.
#[derive(Debug, Clone, Copy)]
enum Panics {
    InTheCall,
    InItsFuture,
    WithABadPayload,
    WhenItsFutureIsDropped,
}

struct HostileTransport(Arc<ScriptedTransport>, Panics);

type Sending<'a> = Pin<Box<dyn Future<Output = (Outcome, Duration)> + Send + 'a>>;

/// A future whose drop panics.
struct DropsBadly<'a>(Sending<'a>, BadDrop);

impl Future for DropsBadly<'_> {
    type Output = (Outcome, Duration);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl Transport for HostileTransport {
    fn send<'a, 'b>(&'a self, request: Request) -> Sending<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        if request.url.host().as_str() != "bad.example" {
            return self.0.send(request);
        }
        match self.1 {
            Panics::InTheCall => panic!("the call panics"),
            Panics::InItsFuture => Box::pin(async { panic!("the future panics") }),
            Panics::WithABadPayload => std::panic::panic_any(BadDrop),
            Panics::WhenItsFutureIsDropped => Box::pin(DropsBadly(self.0.send(request), BadDrop)),
        }
    }
}

/// Its limit never refuses: what counts is that the limiter is asked.
fn limited() -> Profile {
    let limits = vec![Limit::per_minute(LimitScope::Tenant, NonZeroU32::new(100).unwrap())];
    Profile { name: "limited".parse().unwrap(), limits, ..without_jitter(Profile::standard()) }
}

async fn of(world: &World, id: &str) -> Vec<Delivery> {
    world.deliveries().await.into_iter().filter(|delivery| delivery.endpoint.as_str() == id).collect()
}

async fn publish_some(world: &World) {
    for _ in 0..5 {
        world.publish("order.paid").await;
    }
}

/// A round of the engine after the other for so long, as a host makes them.
async fn tick_for(webhooks: &Webhooks, time: Duration) {
    let end = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < end {
        webhooks.tick().await.ok();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn deliver(world: &World, by_ticks: bool, time: Duration) {
    if by_ticks {
        tick_for(&world.webhooks, time).await;
    } else {
        world.run_for(time).await;
    }
}

fn told_of(world: &World, part: Part) -> bool {
    world.heard.all().contains(&format!("Panicked {{ part: {part:?} }}"))
}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_fails_its_own_attempts_alone() {
    for by_ticks in [false, true] {
        let trap = Trap::default();
        let world = World::with(|builder| builder.profile(hostile_classifier(&trap)));
        world.endpoint("bad", "hostile").await;
        world.endpoint("good", "standard").await;
        trap.set();
        publish_some(&world).await;
        deliver(&world, by_ticks, MINUTE).await;
        assert!(of(&world, "good").await.iter().all(|delivery| delivery.state == DELIVERED));
        let bad = of(&world, "bad").await;
        assert!(bad.iter().all(|delivery| delivery.state == State::Pending && delivery.attempts > 0));
        let log = world.webhooks.attempts(&acme(), &bad[0].id).await.unwrap().unwrap();
        assert_eq!(log.silent, [], "no lease ended without a settlement");
        let first = &log.attempts[0].attempt;
        assert!(matches!(first.result, AttemptResult::Status(status) if status == 200) && !first.success);
        assert!(told_of(&world, Part::Classifier));

        trap.clear();
        deliver(&world, by_ticks, 60 * MINUTE).await;
        assert!(of(&world, "bad").await.iter().all(|delivery| delivery.state == DELIVERED));
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_that_panics_fails_its_own_deliveries_alone() {
    for by_ticks in [false, true] {
        let trap = Trap::default();
        let world = World::with(|builder| builder.profile(hostile_envelope(&trap)));
        world.endpoint("bad", "hostile").await;
        world.endpoint("good", "standard").await;
        trap.set();
        publish_some(&world).await;
        deliver(&world, by_ticks, MINUTE).await;
        assert!(of(&world, "good").await.iter().all(|delivery| delivery.state == DELIVERED));
        let failed = State::Failed(FailReason::Unrenderable);
        let why = Some("envelope: must not panic".to_owned());
        assert!(
            of(&world, "bad").await.iter().all(|delivery| (delivery.state, &delivery.why) == (failed, &why))
        );
        assert!(told_of(&world, Part::Envelope));
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_costs_the_attempt_alone() {
    for by_ticks in [false, true] {
        for manner in
            [Panics::InTheCall, Panics::InItsFuture, Panics::WithABadPayload, Panics::WhenItsFutureIsDropped]
        {
            let inner = World::new();
            let transport = Arc::new(HostileTransport(inner.transport.clone(), manner));
            let webhooks = Webhooks::builder(inner.store.clone(), transport)
                .clock(inner.clock.clone())
                .observer(inner.heard.clone())
                .build()
                .unwrap();
            let world = World { webhooks, ..inner };
            world.endpoint("bad", "standard").await;
            world.endpoint("good", "standard").await;
            publish_some(&world).await;
            deliver(&world, by_ticks, MINUTE).await;
            assert!(of(&world, "good").await.iter().all(|delivery| delivery.state == DELIVERED));
            for delivery in of(&world, "bad").await {
                let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
                let first = &log.attempts[0].attempt;
                assert_eq!(log.silent, []);
                match manner {
                    Panics::WhenItsFutureIsDropped => assert!(first.success),
                    _ => assert_eq!(first.result, AttemptResult::Unknown(Unknown::Aborted)),
                }
            }
            assert!(told_of(&world, Part::Transport), "{manner:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_drops_its_requests_whatever_their_futures_do() {
    let inner = World::new();
    inner.transport.otherwise(hookpost::testing::Behaviour::always(hookpost::testing::Reply::hang()));
    let transport = Arc::new(HostileTransport(inner.transport.clone(), Panics::WhenItsFutureIsDropped));
    let webhooks =
        Webhooks::builder(inner.store.clone(), transport).clock(inner.clock.clone()).build().unwrap();
    let world = World { webhooks, ..inner };
    world.endpoint("bad", "standard").await;
    publish_some(&world).await;
    let run = world.webhooks.run(std::future::pending::<()>());
    assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err(), "it is dropped in the middle");
    assert_eq!(world.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn entropy_that_panics_fails_a_publish_and_pauses_the_engine() {
    let trap = Trap::default();
    let entropy = Hostile(hookpost::testing::SeededEntropy::new(3), trap.clone());
    let world = World::with(|builder| builder.entropy(Arc::new(entropy)));
    world.endpoint("good", "standard").await;
    publish_some(&world).await;
    trap.set();
    let event = NewEvent::json("acme", "k", "{}").unwrap();
    assert!(matches!(world.webhooks.publish(event).await, Err(PublishError::Entropy(_))));
    world.run_for(MINUTE).await;
    assert!(world.webhooks.tick().await.is_err(), "a claim needs a token");
    assert!(told_of(&world, Part::Entropy));
    trap.clear();
    world.run_for(MINUTE).await;
    assert_eq!(world.states().await, [DELIVERED; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_panics_goes_on_from_where_it_stood() {
    for by_ticks in [false, true] {
        let trap = Trap::default();
        let world = World::new();
        let clock: Arc<dyn Clock> = world.clock.clone();
        let webhooks = Webhooks::builder(world.store.clone(), world.transport.clone())
            .clock(Arc::new(Hostile(clock, trap.clone())))
            .observer(world.heard.clone())
            .build()
            .unwrap();
        let world = World { webhooks, ..world };
        world.endpoint("good", "standard").await;
        trap.set();
        publish_some(&world).await;
        deliver(&world, by_ticks, MINUTE).await;
        assert_eq!(world.states().await, [DELIVERED; 5]);
        let log = world.webhooks.attempts(&acme(), &of(&world, "good").await[0].id).await.unwrap().unwrap();
        assert!(log.attempts[0].attempt.began_at.since(world::START) < MINUTE);
        assert!(told_of(&world, Part::Clock));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_panics_in_a_store_costs_the_call_alone() {
    for (of_sqlite, by_ticks) in [(false, false), (false, true), (true, false), (true, true)] {
        let file = TempFile::new();
        let (trap, inner) = (Trap::default(), World::new());
        let clock: Arc<dyn Clock> = inner.clock.clone();
        let clock = Arc::new(Hostile(clock, trap.clone()));
        let store: Arc<dyn Backend> = if of_sqlite {
            Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap())
        } else {
            Arc::new(MemoryStore::with_clock(clock.clone()))
        };
        let webhooks = Webhooks::builder(store, inner.transport.clone())
            .clock(clock)
            .observer(inner.heard.clone())
            .profile(without_jitter(Profile::standard()))
            .build()
            .unwrap();
        let world = World { webhooks, ..inner };
        world.endpoint("good", "standard").await;
        trap.set();
        for _ in 0..5 {
            let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
            // It may be stored by the time that was read before.
            world.webhooks.publish(event).await.ok();
        }
        deliver(&world, by_ticks, MINUTE).await;
        assert!(told_of(&world, Part::Store));
        trap.clear();
        publish_some(&world).await;
        deliver(&world, by_ticks, 5 * MINUTE).await;
        let states = world.states().await;
        assert!(states.len() >= 5 && states.iter().all(|state| *state == DELIVERED), "{states:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_in_any_call_is_a_store_that_failed() {
    let calls = ["Now", "Publish", "Claim", "Settle", "Prune", "Take", "Read"];
    for (kind, after) in calls.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        for by_ticks in [false, true] {
            let (trap, inner) = (Trap::default(), World::new());
            let between = HostileStore { trap: trap.clone(), kind, after };
            let store = Arc::new(Interposed::new(inner.store.clone(), between));
            let webhooks = Webhooks::builder(store, inner.transport.clone())
                .clock(inner.clock.clone())
                .observer(inner.heard.clone())
                .profile(limited())
                .build()
                .unwrap();
            let world = World { webhooks, ..inner };
            world.endpoint("good", "limited").await;
            let event = |id: &str| NewEvent::json("acme", "order.paid", "{}").unwrap().id(id).unwrap();
            world.webhooks.publish(event("before")).await.unwrap();
            trap.set();
            let published = world.webhooks.publish(event("during")).await;
            if kind == "Publish" {
                let Err(PublishError::Store(error)) = &published else { panic!("{published:?}") };
                assert_eq!(error.kind(), StoreErrorKind::InDoubt);
            }
            deliver(&world, by_ticks, MINUTE).await;
            trap.clear();
            world.webhooks.publish(event("during")).await.unwrap();
            deliver(&world, by_ticks, 10 * MINUTE).await;
            assert_eq!(world.states().await, [DELIVERED; 2], "{kind}, after: {after}, ticks: {by_ticks}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_panics_delays_what_it_is_asked_for() {
    for by_ticks in [false, true] {
        let (own, hosts) = World::on_a_directory_of_the_hosts_own();
        drop(hosts);
        let trap = Trap::default();
        let directory = Hostile(own.store.clone(), trap.clone());
        let world = World::with(|builder| builder.directory(Arc::new(directory)));
        let registrar = Webhooks::builder(own.store.clone(), own.transport.clone()).build().unwrap();
        registrar.register(endpoint("good", "standard")).await.unwrap();
        publish_some(&world).await;
        // What was read for the publishing is used for a second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        trap.set();
        deliver(&world, by_ticks, MINUTE).await;
        assert!(told_of(&world, Part::Directory));
        assert_eq!(world.sent().len(), 0);
        trap.clear();
        deliver(&world, by_ticks, MINUTE).await;
        assert_eq!(world.states().await, [DELIVERED; 5]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_panics_ends_the_engine_in_good_order() {
    let world = World::new();
    world.endpoint("good", "standard").await;
    publish_some(&world).await;
    let shutdown = async {
        tokio::time::sleep(MINUTE).await;
        panic!("the shutdown panics");
    };
    world.webhooks.run(shutdown).await.unwrap();
    assert_eq!(world.states().await, [DELIVERED; 5]);
    assert!(told_of(&world, Part::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_is_not_heard_and_does_no_harm() {
    let world = World::with(|builder| {
        builder.observer(Arc::new(|_: &Notice<'_>| -> () { std::panic::panic_any(BadDrop) }))
    });
    world.endpoint("good", "standard").await;
    publish_some(&world).await;
    world.run_for(MINUTE).await;
    assert_eq!(world.states().await, [DELIVERED; 5]);
}

#[tokio::test(start_paused = true)]
async fn an_envelope_that_panics_is_an_error_of_whoever_asked() {
    let trap = Trap::default();
    let world = World::with(|builder| builder.profile(hostile_envelope(&trap)));
    world.endpoint("bad", "hostile").await;
    trap.set();
    let panicked = Panicked { part: Part::Envelope };
    let is_named = |error: RegisterError| matches!(error, RegisterError::Panicked(it) if it == panicked);
    assert!(is_named(world.webhooks.register(endpoint("other", "hostile")).await.unwrap_err()));
    assert!(is_named(world.webhooks.check(endpoint("other", "hostile")).unwrap_err()));
    let bad = "bad".parse().unwrap();
    let tested = world.webhooks.test(&acme(), &bad).await;
    assert!(matches!(tested, Err(TestError::Panicked(it)) if it == panicked), "{tested:?}");
    let secret = hookpost::Secret::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let rotated = world.webhooks.rotate_secret(&acme(), &bad, secret, MINUTE).await;
    assert!(is_named(rotated.unwrap_err()));

    let built = Webhooks::builder(world.store.clone(), world.transport.clone())
        .profile(hostile_envelope(&trap))
        .build();
    assert_eq!(built.unwrap_err().to_string(), "profile hostile: must not panic when it is checked");
}

/// Keeps its thread for so long once, on the clock of the wall: nothing else is a block.
#[derive(Debug)]
struct Dawdler(Arc<dyn Classify>, Duration);

impl Classify for Dawdler {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        std::thread::sleep(self.1);
        self.0.classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        self.0.body_need()
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_keeps_its_thread_for_long_is_named() {
    let standard = without_jitter(Profile::standard());
    let classifier = Arc::new(Dawdler(Arc::clone(&standard.classifier), Duration::from_millis(300)));
    let slow = Profile { name: "slow".parse().unwrap(), classifier, ..standard };
    let world = World::with(|builder| builder.profile(slow));
    world.endpoint("bad", "slow").await;
    world.publish("order.paid").await;
    world.run_for(MINUTE).await;
    let told = world.heard.all();
    let line = told.lines().find(|line| line.starts_with("Slow { part: Classifier")).unwrap();
    assert!(line.contains("took: 3"), "{line}");
}

/// Blocks the thread that calls it until it is let go.
#[derive(Default)]
struct Block {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Block {
    fn here(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, let_go)| !*let_go).unwrap());
    }

    fn wait_until_it_blocks(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |(blocks, _)| !*blocks).unwrap());
    }

    fn let_go(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// Blocks in the call, as a client of another world does.
struct BlockingTransport(Arc<Block>, Arc<ScriptedTransport>);

impl Transport for BlockingTransport {
    fn send<'a, 'b>(&'a self, request: Request) -> Sending<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        self.0.here();
        self.1.send(request)
    }
}

/// Plays a sender whose engine blocks on a thread of its own: events that are published
/// meanwhile are stored, and each is sent once after the engine goes on.
fn publishers_return_although_the_engine_is_blocked(
    block: &Arc<Block>,
    sent: &ScriptedTransport,
    webhooks: &Webhooks,
) {
    let timed = |paused| {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(paused).build().unwrap()
    };
    let runtime = move || timed(true);
    runtime().block_on(webhooks.register(endpoint("e", "standard"))).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let engine = std::thread::spawn({
        let webhooks = webhooks.clone();
        let on_the_wall = timed(false);
        move || on_the_wall.block_on(webhooks.run(async { drop(stopped.await) }))
    });
    let publish = |number: usize, runtime: tokio::runtime::Runtime| {
        let webhooks = webhooks.clone();
        std::thread::spawn(move || {
            let event = NewEvent::json("acme", "order.paid", "{}").unwrap().id(format!("evt_{number}"));
            runtime.block_on(webhooks.publish(event.unwrap())).unwrap()
        })
    };
    let first = publish(0, timed(false));
    block.wait_until_it_blocks();
    // In virtual time a publisher's patience passes at once.
    let others: Vec<_> = (1..20).map(|number| publish(number, runtime())).collect();
    for publisher in others {
        publisher.join().unwrap();
    }
    first.join().unwrap();
    let stats = runtime().block_on(webhooks.stats(None)).unwrap();
    assert!(stats.unrouted >= 19, "stored by their publishers: {stats:?}");
    block.let_go();
    let all_are_sent = || sent.exchanges().len() >= 20;
    while !all_are_sent() {
        std::thread::sleep(Duration::from_millis(5));
    }
    stop.send(()).unwrap();
    engine.join().unwrap().unwrap();
    let mut events: Vec<_> =
        sent.exchanges().iter().map(|exchange| exchange.headers["webhook-id"].clone()).collect();
    events.sort_by_key(|id| id.to_str().unwrap().to_owned());
    events.dedup();
    assert_eq!((events.len(), sent.exchanges().len()), (20, 20), "each once");
}

#[test]
fn a_transport_that_blocks_the_engine_keeps_no_publisher_waiting() {
    let block = Arc::new(Block::default());
    let clock = Arc::new(SystemClock::new());
    let sent = Arc::new(ScriptedTransport::new(clock.clone()));
    let transport = Arc::new(BlockingTransport(block.clone(), sent.clone()));
    let heard = Arc::new(world::Heard::default());
    let store = Arc::new(MemoryStore::with_clock(clock));
    let webhooks = Webhooks::builder(store, transport).observer(heard.clone()).build().unwrap();
    publishers_return_although_the_engine_is_blocked(&block, &sent, &webhooks);
    assert_eq!(heard.count("EngineStuck"), 1, "once, not once for each publisher");
}

#[test]
fn an_observer_that_blocks_the_engine_keeps_no_publisher_waiting() {
    let block = Arc::new(Block::default());
    let clock = Arc::new(SystemClock::new());
    let sent = Arc::new(ScriptedTransport::new(clock.clone()));
    let blocking = {
        let block = block.clone();
        move |notice: &Notice<'_>| {
            if matches!(notice, Notice::Attempted { .. }) {
                block.here();
            }
        }
    };
    let store = Arc::new(MemoryStore::with_clock(clock));
    let webhooks = Webhooks::builder(store, sent.clone()).observer(Arc::new(blocking)).build().unwrap();
    publishers_return_although_the_engine_is_blocked(&block, &sent, &webhooks);
}

/// Fails the limiter's calls.
struct FailingLimiter;

#[hookpost::async_trait]
impl Interpose for FailingLimiter {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        match call {
            Call::Take(_) => Err(StoreError::new(StoreErrorKind::Unavailable, "down")),
            _ => Ok(()),
        }
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_fails_keeps_back_only_what_has_limits() {
    for by_ticks in [false, true] {
        let inner = World::new();
        let store = Arc::new(Interposed::new(inner.store.clone(), FailingLimiter));
        let webhooks = Webhooks::builder(store, inner.transport.clone())
            .clock(inner.clock.clone())
            .profile(limited())
            .build()
            .unwrap();
        let world = World { webhooks, ..inner };
        world.endpoint("limited", "limited").await;
        world.endpoint("free", "standard").await;
        publish_some(&world).await;
        deliver(&world, by_ticks, MINUTE).await;
        assert!(of(&world, "free").await.iter().all(|delivery| delivery.state == DELIVERED), "{by_ticks}");
        for delivery in of(&world, "limited").await {
            assert_eq!((delivery.state, delivery.attempts), (State::Pending, 0), "{by_ticks}");
        }
    }
}
