//! Wall clocks step; nothing is lost, expired, stolen or let through by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookpost::delivery::State;
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::seam::{Backend, Clock, PageAfter, Selection};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::system::SystemClock;
use hookpost::testing::{Reply, ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::{NewEvent, Profile, Timestamp, Webhooks};

use sqlite_file::TempFile;
use world::{acme, endpoint, hours, id, without_jitter};

const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// One process: its own clock, on a store that others may share.
struct Process {
    clock: Arc<VirtualClock>,
    transport: Arc<ScriptedTransport>,
    webhooks: Webhooks,
}

impl Process {
    fn on(store: Arc<dyn Backend>, clock: Arc<VirtualClock>) -> Self {
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let limit = Limit::per_minute(LimitScope::Tenant, NonZeroU32::new(5).unwrap());
        let limited =
            Profile { name: "limited".parse().unwrap(), limits: vec![limit], ..Profile::live_session() };
        let webhooks = Webhooks::builder(store, transport.clone())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .profile(without_jitter(Profile::live_session()))
            .profile(without_jitter(Profile::x_webhook()))
            .profile(limited)
            .build()
            .unwrap();
        Self { clock, transport, webhooks }
    }

    async fn publish(&self) {
        self.webhooks.publish(NewEvent::json("acme", "k", r#"{"n":1}"#).unwrap()).await.unwrap();
    }

    /// Ticks until nothing more is claimed.
    async fn work_off(&self) {
        while self.webhooks.tick().await.unwrap().claimed > 0 {}
    }

    /// Ticks every five seconds for that long.
    async fn work_for(&self, time: Duration) {
        for _ in 0..time.as_secs() / 5 {
            tokio::time::advance(Duration::from_secs(5)).await;
            self.work_off().await;
        }
    }

    async fn states(&self) -> Vec<State> {
        let page = PageAfter::first(1000);
        let found = self.webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap();
        found.deliveries.iter().map(|delivery| delivery.state).collect()
    }

    fn sent(&self) -> usize {
        self.transport.exchanges().len()
    }
}

/// A process on each kind of store.
fn on_both_stores(file: &TempFile) -> [Process; 2] {
    let clocks = [(); 2].map(|()| Arc::new(VirtualClock::starting_at(START)));
    let memory = Arc::new(MemoryStore::new(clocks[0].clone()));
    let sqlite = Arc::new(SqliteStore::open(file.path(), clocks[1].clone()).unwrap());
    let [first, second] = clocks;
    [Process::on(memory, first), Process::on(sqlite, second)]
}

#[tokio::test(start_paused = true)]
async fn an_event_published_after_a_step_back_goes_to_the_endpoints_that_are_there() {
    for step in [Duration::from_secs(15), hours(1)] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            process.clock.jump_back(step);
            tokio::time::advance(Duration::from_secs(11)).await;
            process.publish().await;
            process.work_off().await;
            assert_eq!(process.sent(), 1, "set back by {step:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_published_before_an_endpoint_is_not_routed_to_it_whatever_the_clock_says() {
    let file = TempFile::new();
    for process in on_both_stores(&file) {
        let many = (0..70).map(|number| endpoint(&format!("e{number}"), "live_session"));
        for new in many {
            process.webhooks.register(new).await.unwrap();
        }
        // So many endpoints are not routed by the publisher: the event waits for an engine.
        process.publish().await;
        process.clock.jump_back(hours(1));
        tokio::time::advance(Duration::from_secs(11)).await;
        process.webhooks.register(endpoint("late", "live_session")).await.unwrap();
        tokio::time::advance(hours(1)).await;
        process.work_off().await;
        assert_eq!(process.sent(), 70);
        assert_eq!(process.transport.exchanges_with(&world::url("late")).len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_imported_event_goes_to_the_endpoints_that_are_there_when_it_is_published() {
    let file = TempFile::new();
    // The other client of the file reads the machine's clock.
    let now = SystemClock::new().now();
    let clock = Arc::new(VirtualClock::starting_at(now + hours(1)));
    let store = Arc::new(SqliteStore::open(file.path(), clock.clone()).unwrap());
    let process = Process::on(store, clock);
    process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
    let host = rusqlite::Connection::open(file.path()).unwrap();
    for created_at in [(now - hours(2)).to_string(), "2020-01-01T00:00:00Z".to_owned()] {
        let event = format!(r#"{{"tenant":"acme","type":"k","payload":"{{}}","created_at":"{created_at}"}}"#);
        host.execute("INSERT INTO hookpost_publish (event) VALUES (?1)", [event]).unwrap();
    }
    process.work_off().await;
    assert_eq!(process.sent(), 1, "both are routed; the one of 2020 is older than its profile allows");
    assert_eq!(process.webhooks.stats(Some(&acme())).await.unwrap().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_pending_at_enabling_is_cancelled_and_what_follows_is_sent_whatever_the_clock_says() {
    for (back, ahead) in [(hours(1), Duration::ZERO), (Duration::ZERO, Duration::from_secs(50))] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            let webhooks = &process.webhooks;
            webhooks.register(endpoint("e", "x_webhook")).await.unwrap();
            webhooks.pause(&acme(), &id("e")).await.unwrap();
            process.publish().await;
            webhooks.disable(&acme(), &id("e")).await.unwrap();
            process.clock.jump_back(back);
            process.clock.jump_ahead(ahead);
            tokio::time::advance(Duration::from_secs(11)).await;
            webhooks.enable(&acme(), &id("e")).await.unwrap();
            process.clock.jump_back(ahead);
            tokio::time::advance(Duration::from_secs(11)).await;
            process.publish().await;
            let all = Selection::default();
            webhooks.replay(&acme(), "again".parse().unwrap(), all, PageAfter::first(10)).await.unwrap();
            webhooks.resume(&acme(), &id("e")).await.unwrap();
            process.work_off().await;
            assert_eq!(process.sent(), 3, "the second event, and both replays");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_days_ahead_for_minutes_expires_nothing_neither_untried_nor_after_a_failure() {
    for wrong_for in [Duration::from_secs(40), Duration::from_secs(300)] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            process.transport.otherwise(Reply::status(500));
            for _ in 0..3 {
                process.publish().await;
            }
            process.work_off().await;
            process.clock.jump_ahead(hours(48));
            process.work_for(wrong_for).await;
            assert_eq!(process.states().await, [State::Pending; 3]);
            assert!(process.sent() > 3, "what failed before was tried again meanwhile");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn starts_that_a_wrong_clock_granted_hold_nothing_for_longer_than_a_window() {
    let file = TempFile::new();
    for process in on_both_stores(&file) {
        process.webhooks.register(endpoint("e", "limited")).await.unwrap();
        process.clock.jump_ahead(hours(24));
        process.work_for(Duration::from_secs(35)).await;
        for _ in 0..7 {
            process.publish().await;
        }
        process.work_off().await;
        assert_eq!(process.sent(), 5);
        process.clock.jump_back(hours(24));
        process.work_for(Duration::from_secs(90)).await;
        // The two that waited are due by the clock that was wrong; a new event is not.
        for _ in 0..5 {
            process.publish().await;
        }
        process.work_for(Duration::from_secs(90)).await;
        assert_eq!(process.sent(), 10);
    }
}
