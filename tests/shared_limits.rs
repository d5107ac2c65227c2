//! How long an endpoint waits for its turn under a limit that it shares: within the bound
//! that `Limit` states, however deep the others' backlogs and however many they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Exchange, Reply, SeededEntropy};
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, Timestamp, Webhooks};
use sqlite_file::TempFile;
use tokio::time::{advance, sleep};
use world::{World, without_jitter};

const MINUTE: Duration = Duration::from_secs(60);
/// A granted request may start within this.
const START_WITHIN: Duration = Duration::from_secs(1);
/// Whoever is far behind asks again this often, where windows are shorter.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// The victim publishes this long after the others.
const LATER: Duration = Duration::from_secs(90);

/// A limit, and those whose backlog takes all of it.
#[derive(Debug, Clone, Copy)]
struct Scene {
    scope: LimitScope,
    starts: u32,
    window: Duration,
    /// Tenants that have a backlog beside the victim's.
    tenants: usize,
    /// Endpoints of each of them, for every event.
    endpoints: usize,
    width: u32,
    /// Events of each of them.
    backlog: usize,
    /// Whether the victim is an endpoint of the first of those tenants.
    within_a_tenant: bool,
    /// Events of the victim, published together.
    events: u32,
}

/// Ten a minute for all, and one endpoint that could take them all.
const ONE_HOG: Scene = Scene {
    scope: LimitScope::Global,
    starts: 10,
    window: MINUTE,
    tenants: 1,
    endpoints: 1,
    width: 16,
    backlog: 1_000,
    within_a_tenant: false,
    events: 30,
};

impl Scene {
    fn profile(self) -> Profile {
        let limit = Limit::new(self.scope, NonZeroU32::new(self.starts).unwrap(), self.window).unwrap();
        let profile =
            Profile { name: "limited".parse().unwrap(), limits: vec![limit], ..Profile::standard() };
        without_jitter(profile)
    }

    fn world(self) -> World {
        World::with(|builder| builder.profile(self.profile()))
    }

    /// Another process over the same store.
    fn another(self, world: &World) -> Webhooks {
        let builder = Webhooks::builder(world.store.clone(), world.transport.clone());
        let builder = builder.clock(world.clock.clone()).entropy(Arc::new(SeededEntropy::new(8)));
        builder.poll(Duration::from_secs(5)).profile(self.profile()).build().unwrap()
    }

    fn victim(self) -> String {
        if self.within_a_tenant { hog(0) } else { "victim".to_owned() }
    }

    /// Of how many starts the victim gets one: one for each tenant that waits, and in each
    /// turn of its tenant it takes turns with the other endpoints of that.
    fn round(self) -> u32 {
        let tenants = if self.within_a_tenant { self.tenants } else { self.tenants + 1 };
        let endpoints = if self.within_a_tenant { self.endpoints + 1 } else { 1 };
        u32::try_from(tenants * endpoints).unwrap()
    }

    /// Within this the victim's event of that number is sent: nearly half of what `Limit` states.
    fn bound(self, number: u32) -> Duration {
        let (round, events) = (self.round(), number + 1);
        let windows = match self.starts / round {
            0 => events * round.div_ceil(self.starts),
            in_each => events.div_ceil(in_each),
        };
        let asks_again = if self.window < TEN_SECONDS { TEN_SECONDS } else { Duration::ZERO };
        (self.window + START_WITHIN) * (windows + 2) + asks_again
    }

    async fn prepare(self, webhooks: &Webhooks) {
        for tenant in 0..self.tenants {
            for number in 0..self.endpoints {
                register(webhooks, &hog(tenant), number, "noise", self.width).await;
            }
            for _ in 0..self.backlog {
                publish(webhooks, &hog(tenant), "noise").await;
            }
        }
        register(webhooks, &self.victim(), VICTIM, "victims", 16).await;
    }

    /// How long each of the victim's events waited, in the order of their sending.
    async fn waits(self, world: &World) -> Vec<Duration> {
        self.prepare(&world.webhooks).await;
        let ended = world.webhooks.run(self.victim_publishes(&world.webhooks)).await;
        ended.unwrap();
        self.waited(world)
    }

    async fn victim_publishes(self, webhooks: &Webhooks) {
        sleep(LATER).await;
        for _ in 0..self.events {
            publish(webhooks, &self.victim(), "victims").await;
        }
        sleep(self.bound(self.events)).await;
    }

    fn waited(self, world: &World) -> Vec<Duration> {
        let published = world::START + LATER;
        let sent = world.transport.exchanges_with(&url(&self.victim(), VICTIM));
        let ids: BTreeSet<_> = sent.iter().map(|exchange| exchange.headers["webhook-id"].clone()).collect();
        assert_eq!((ids.len(), sent.len()), (self.events as usize, self.events as usize), "{self:?}");
        let mut waits: Vec<_> = sent.iter().map(|exchange| exchange.began_at.since(published)).collect();
        waits.sort();
        waits
    }

    async fn expect_bound(self) {
        let world = self.world();
        let waits = self.waits(&world).await;
        self.expect_bounds(&waits);
        let most = most_in_any(self.window, &world.sent());
        assert_eq!(most, self.starts as usize, "{self:?}: the most in any window");
    }

    fn expect_bounds(self, waits: &[Duration]) {
        for (number, waited) in (0..).zip(waits) {
            assert!(*waited <= self.bound(number), "{self:?}: event {number} waited {waited:?}");
        }
    }
}

/// The victim's endpoint has this number.
const VICTIM: usize = 999;

fn hog(tenant: usize) -> String {
    format!("hog{tenant}")
}

/// All endpoints are at one host, so that every scope but the endpoint's own is shared.
fn url(tenant: &str, number: usize) -> String {
    format!("https://shared.example/{tenant}/{number}")
}

async fn register(webhooks: &Webhooks, tenant: &str, number: usize, wants: &str, width: u32) {
    let overrides = Overrides::none().width(NonZeroU32::new(width).unwrap()).unwrap();
    let new = NewEndpoint::new(tenant, url(tenant, number), "limited")
        .and_then(|new| new.id(format!("{tenant}-{number}")))
        .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
        .and_then(|new| new.events([wants]))
        .unwrap();
    webhooks.register(new.overrides(overrides)).await.unwrap();
}

async fn publish(webhooks: &Webhooks, tenant: &str, kind: &str) {
    webhooks.publish(NewEvent::json(tenant, kind, "{}").unwrap()).await.unwrap();
}

fn most_in_any(window: Duration, sent: &[Exchange]) -> usize {
    let mut starts: Vec<Timestamp> = sent.iter().map(|exchange| exchange.began_at).collect();
    starts.sort();
    let within = |first: usize| starts[first..].partition_point(|at| at.since(starts[first]) < window);
    (0..starts.len()).map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_wide_endpoint_with_a_backlog_leaves_another_tenant_its_turns() {
    for scope in [LimitScope::Global, LimitScope::Host] {
        Scene { scope, ..ONE_HOG }.expect_bound().await;
        Scene { scope, width: 1_000, ..ONE_HOG }.expect_bound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_with_a_hundred_endpoints_has_one_turn_for_each_of_another_tenant() {
    for scope in [LimitScope::Global, LimitScope::Host] {
        Scene { scope, endpoints: 100, backlog: 20, events: 10, ..ONE_HOG }.expect_bound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tenants_have_one_turn_each_before_another_has_a_second() {
    Scene { tenants: 100, backlog: 30, events: 3, ..ONE_HOG }.expect_bound().await;
    Scene { tenants: 200, backlog: 10, width: 1, events: 2, ..ONE_HOG }.expect_bound().await;
}

#[tokio::test(start_paused = true)]
async fn the_endpoints_of_a_tenant_take_turns_under_the_limits_that_they_share() {
    for scope in [LimitScope::Tenant, LimitScope::Host, LimitScope::Global] {
        Scene { scope, within_a_tenant: true, ..ONE_HOG }.expect_bound().await;
    }
    let many = Scene { endpoints: 100, backlog: 20, events: 3, within_a_tenant: true, ..ONE_HOG };
    Scene { scope: LimitScope::Tenant, ..many }.expect_bound().await;
    Scene { scope: LimitScope::Global, tenants: 2, events: 2, ..many }.expect_bound().await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_start_goes_round_whatever_its_window() {
    for seconds in [1, 60, 3600] {
        let one = Scene { starts: 1, window: Duration::from_secs(seconds), events: 5, ..ONE_HOG };
        for scope in [LimitScope::Global, LimitScope::Host] {
            Scene { scope, ..one }.expect_bound().await;
            Scene { scope, tenants: 5, backlog: 200, ..one }.expect_bound().await;
        }
        Scene { scope: LimitScope::Tenant, within_a_tenant: true, ..one }.expect_bound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_engines_over_one_store_share_as_one_does() {
    for starts in [1, 10] {
        let scene = Scene { starts, tenants: 3, backlog: 300, events: 10, ..ONE_HOG };
        let world = scene.world();
        let other = scene.another(&world);
        scene.prepare(&world.webhooks).await;
        tokio::select! {
            ended = other.run(std::future::pending::<()>()) => ended.unwrap(),
            ended = world.webhooks.run(scene.victim_publishes(&other)) => ended.unwrap(),
        }
        scene.expect_bounds(&scene.waited(&world));
        assert_eq!(most_in_any(scene.window, &world.sent()), starts as usize);
    }
}

/// One process is always the first to look.
#[tokio::test(start_paused = true)]
async fn the_process_that_looks_first_takes_no_turn_of_others_on_one_file() {
    let scene = Scene { starts: 4, backlog: 60, events: 6, ..ONE_HOG };
    let (file, world) = (TempFile::new(), scene.world());
    let process = |seed, concurrency| {
        let store = SqliteStore::builder(file.path()).clock(world.clock.clone()).danger_commit_without_sync();
        let builder = Webhooks::builder(Arc::new(store.open().unwrap()), world.transport.clone());
        let builder = builder.clock(world.clock.clone()).entropy(Arc::new(SeededEntropy::new(seed)));
        builder.concurrency(concurrency).profile(scene.profile()).build().unwrap()
    };
    let (first, second) = (process(1, 8), process(2, 64));
    scene.prepare(&first).await;
    for seconds in 0..=(LATER + scene.bound(scene.events)).as_secs() {
        if seconds == LATER.as_secs() {
            for _ in 0..scene.events {
                publish(&second, &scene.victim(), "victims").await;
            }
        }
        for process in [&first, &second] {
            process.tick().await.unwrap();
        }
        advance(Duration::from_secs(1)).await;
    }
    // A round may be a second late, and it takes several to route, claim and ask.
    let waits = scene.waited(&world);
    for (number, waited) in (0..).zip(&waits) {
        assert!(*waited <= scene.bound(number) + TEN_SECONDS, "event {number} waited {waited:?}");
    }
    assert_eq!(most_in_any(scene.window, &world.sent()), scene.starts as usize);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_goes_to_whoever_has_work() {
    let scene = Scene { backlog: 200, ..ONE_HOG };
    let world = scene.world();
    scene.prepare(&world.webhooks).await;
    world.run_for((MINUTE + START_WITHIN) * 9 + START_WITHIN).await;
    assert_eq!(world.sent().len(), 100, "ten in each of ten windows");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_its_receiver_holds_back_keeps_no_turn_for_long() {
    let scene = Scene { tenants: 3, ..ONE_HOG };
    let world = scene.world();
    for tenant in 0..scene.tenants {
        let later = Reply::status(429).header("retry-after", "300");
        world.transport.at(url(&hog(tenant), 0), later);
    }
    let waits = scene.waits(&world).await;
    scene.expect_bounds(&waits);
    // The three ask for some starts every five minutes; the rest is the victim's.
    assert!(waits[29] <= (MINUTE + START_WITHIN) * 6, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_asks_about_once_a_window() {
    for (starts, endpoints) in [(1, 20), (10, 100), (10, 1)] {
        let scene = Scene { starts, endpoints, backlog: 50, ..ONE_HOG };
        let world = scene.world();
        scene.prepare(&world.webhooks).await;
        world.run_for((MINUTE + START_WITHIN) * 10).await;
        let asked = world.heard.count("Limited");
        assert!(asked <= endpoints * 12, "{asked} refusals of {endpoints} endpoints in ten windows");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_limit_holds_no_endpoint_that_does_not_have_it() {
    for scope in [LimitScope::Global, LimitScope::Host, LimitScope::Tenant] {
        let scene = Scene { scope, window: Duration::from_secs(3600), starts: 1, ..ONE_HOG };
        let world = scene.world();
        let unlimited = [(hog(0), "same tenant"), ("other".to_owned(), "another tenant")];
        for (tenant, kind) in &unlimited {
            let new = NewEndpoint::new(tenant.as_str(), url(tenant, 7), "standard")
                .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
                .and_then(|new| new.events([kind.replace(' ', ".")]));
            world.webhooks.register(new.unwrap()).await.unwrap();
        }
        scene.prepare(&world.webhooks).await;
        world.run_for(Duration::from_secs(5)).await;
        for (tenant, kind) in &unlimited {
            publish(&world.webhooks, tenant, &kind.replace(' ', ".")).await;
        }
        world.run_for(Duration::from_secs(1)).await;
        for (tenant, kind) in &unlimited {
            let sent = world.transport.exchanges_with(&url(tenant, 7));
            assert_eq!(sent.len(), 1, "{scope:?}: an endpoint of {kind}");
        }
    }
}
