//! When the engine disables an endpoint, and whose answer may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::Store;
use hookpost::delivery::{ClaimRequest, Claimed, Next, Progress, Settled, Settlement, Shares, State};
use hookpost::id::Token;
use hookpost::os::SystemClock;
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Behaviour, Reply, ScriptedTransport};
use hookpost::{NewEvent, Profile, Webhooks};
use sqlite_file::TempFile;
use world::{START, World, acme, endpoint, hours, id};

const DELIVERED: State = State::Delivered { confirmed: true };

impl World {
    async fn is_enabled(&self) -> bool {
        self.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled
    }

    /// Another process finds the lease lapsed, sends again and is answered `200`.
    async fn another_process_delivers(&self) {
        let now = self.now() + hours(1);
        let token = Token::from_bytes([9; 16]);
        let request = ClaimRequest {
            token,
            now,
            lease_until: now + hours(1),
            deliveries: 1,
            events: 0,
            doubtful: 1,
            shares: Shares::unlimited(),
            alone: false,
        };
        let claim = self.store.claim(&request).await.unwrap().work.remove(0);
        let progress = Progress { attempts: 1, first_attempt_at: Some(now) };
        let next = Next::Done { state: DELIVERED, progress };
        let settlement =
            Settlement { token, of: Claimed::Delivery(claim.delivery), at: now, next, attempt: None };
        assert_eq!(self.store.settle(&[settlement], &[], now).await.unwrap().0, [Settled::Applied]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_lease_was_lost_disables_nothing() {
    for by_tick in [false, true] {
        let world = World::new();
        world.endpoint("e", "standard").await;
        world.transport.otherwise(Reply::status(410).after(Duration::from_secs(5)));
        world.publish("k").await;
        let sending = async {
            if by_tick {
                // The first tick routes the event.
                world.webhooks.tick().await.unwrap();
                world.webhooks.tick().await.unwrap();
            } else {
                world.run_for(Duration::from_secs(20)).await;
            }
        };
        let other = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            world.another_process_delivers().await;
        };
        tokio::join!(sending, other);
        assert_eq!((world.sent().len(), world.states().await), (1, vec![DELIVERED]));
        assert!(world.is_enabled().await, "by tick: {by_tick}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_410_disables_by_tick_too() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(410));
    world.publish("k").await;
    world.webhooks.tick().await.unwrap();
    world.webhooks.tick().await.unwrap();
    assert!(!world.is_enabled().await);
    assert_eq!(world.heard.count("Disabled"), 1);
}

#[tokio::test]
async fn a_410_right_before_the_end_of_a_run_disables() {
    let file = TempFile::new();
    let clock = Arc::new(SystemClock::new());
    let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
    let transport = Arc::new(ScriptedTransport::new(clock));
    let webhooks = Webhooks::builder(store, transport.clone()).build().unwrap();
    webhooks.register(endpoint("e", "standard")).await.unwrap();
    transport.otherwise(Reply::status(410).after(Duration::from_millis(200)));
    webhooks.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
    let sent = async {
        while transport.exchanges().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    webhooks.run(sent).await.unwrap();
    assert!(!webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
}

/// A sender whose deliveries have one attempt each, and one event at each of these hours.
async fn with_one_failure_at_each(hours_of: impl IntoIterator<Item = u64>) -> World {
    let retry = RetryPolicy::new(Schedule::list([]).unwrap());
    let once = Profile { name: "once".parse().unwrap(), retry, ..Profile::standard() };
    let world = World::with(|builder| builder.profile(once));
    world.webhooks.register(endpoint("e", "once")).await.unwrap();
    world.transport.otherwise(Reply::status(500));
    for hour in hours_of {
        let event = NewEvent::json("acme", "k", "{}").unwrap().not_before(START + hours(hour));
        world.webhooks.publish(event).await.unwrap();
    }
    world
}

#[tokio::test(start_paused = true)]
async fn failures_days_apart_never_disable_an_endpoint() {
    let world = with_one_failure_at_each([0, 6 * 24, 12 * 24]).await;
    world.run_for(hours(13 * 24)).await;
    assert_eq!((world.sent().len(), world.is_enabled().await), (3, true));
}

#[tokio::test(start_paused = true)]
async fn failures_within_a_few_hours_do_not_start_the_clock_and_a_silent_day_stops_it() {
    let few_hours = (0..12).chain((0..12).map(|hour| 7 * 24 + hour));
    let world = with_one_failure_at_each(few_hours).await;
    world.run_for(hours(9 * 24)).await;
    assert_eq!((world.sent().len(), world.is_enabled().await), (24, true));

    let with_a_pause = (0..24).chain((0..24 * 5).map(|hour| 26 + 24 + hour));
    let world = with_one_failure_at_each(with_a_pause).await;
    world.run_for(hours(10 * 24)).await;
    assert!(world.is_enabled().await, "five days after the pause are less than 12 hours and five days");
}

#[tokio::test(start_paused = true)]
async fn five_days_of_failures_disable_once_the_clock_has_started() {
    let world = with_one_failure_at_each(0..24 * 8).await;
    world.run_for(hours(12 + 5 * 24 - 1)).await;
    assert!(world.is_enabled().await);
    world.run_for(hours(2)).await;
    assert!(!world.is_enabled().await);
    assert_eq!(world.heard.count("Disabled"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_success_among_the_failures_of_five_days_keeps_the_endpoint_enabled() {
    let world = with_one_failure_at_each(0..24 * 8).await;
    let after_three_days = Behaviour::sequence(
        std::iter::repeat_n(Reply::status(500), 72)
            .chain([Reply::ok()])
            .chain(std::iter::repeat_n(Reply::status(500), 200)),
    );
    world.transport.otherwise(after_three_days);
    world.run_for(hours(8 * 24)).await;
    assert!(world.is_enabled().await);
}
