//! A stored backlog is delivered at full speed: the engine never waits for its poll, or
//! for a lease to end, while a lane has due work and room.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::{Clock, Store as _};
use hookpost::delivery::{Delivery, State};
use hookpost::error::StoreError;
use hookpost::history::{PageAfter, Selection};
use hookpost::os::SystemClock;
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::testing::{Behaviour, Reply, ScriptedTransport, VirtualClock};
use hookpost::{NewEndpoint, NewEvent, Overrides, Webhooks};
use sqlite_file::TempFile;
use tokio::time::timeout;
use world::{START, World, acme, endpoint, id};

/// Neither the poll nor the end of a lease comes to the engine's help within these tests.
const NO_HELP: Duration = Duration::from_secs(60);

/// Registers so many endpoints and stores so many deliveries, spread over them.
async fn fill(webhooks: &Webhooks, endpoints: usize, deliveries: usize) {
    for number in 0..endpoints {
        let kind = format!("kind.{number}");
        let new = endpoint(&format!("e{number}"), "standard").events([kind.as_str()]).unwrap();
        webhooks.register(new).await.unwrap();
    }
    let publish = async |number: usize| {
        let event = NewEvent::json("acme", format!("kind.{}", number % endpoints), "{}").unwrap();
        webhooks.publish(event).await.unwrap();
    };
    futures_util::future::join_all((0..deliveries).map(publish)).await;
}

async fn deliveries(webhooks: &Webhooks) -> Vec<Delivery> {
    let page = PageAfter::first(100_000);
    webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap().deliveries
}

/// Receivers that accept everything, each after a time of its own.
fn receivers<C: Clock + 'static>(clock: &Arc<C>) -> Arc<ScriptedTransport> {
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    transport.otherwise(Behaviour::seeded(3, |random, _, _| {
        Reply::ok().after(Duration::from_millis(random.u64(1..30)))
    }));
    transport
}

/// Runs the engine until nothing is pending; answers how much was delivered by then, or
/// within `limit`.
async fn drain(webhooks: &Webhooks, limit: Duration) -> usize {
    let drained = async {
        while webhooks.stats(Some(&acme())).await.unwrap().pending > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    webhooks.run(async { drop(tokio::time::timeout(limit, drained).await) }).await.unwrap();
    let delivered = |delivery: &&Delivery| matches!(delivery.state, State::Delivered { .. });
    deliveries(webhooks).await.iter().filter(delivered).count()
}

/// A store each of whose calls takes a while before and after its effect, as one on a
/// disk or behind a network does.
struct Slow(Duration);

#[hookpost::async_trait]
impl Interpose for Slow {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        tokio::time::sleep(self.0).await;
        Ok(())
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        tokio::time::sleep(self.0).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_few_endpoints_drains_without_the_poll_from_a_store_that_takes_time() {
    for endpoints in [1, 2, 4] {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let transport = receivers(&clock);
        let memory = Arc::new(MemoryStore::with_clock(clock.clone()));
        let store = Interposed::new(memory, Slow(Duration::from_millis(3)));
        let webhooks = Webhooks::builder(Arc::new(store), transport)
            .clock(clock.clone())
            .lease(NO_HELP)
            .poll(NO_HELP)
            .build()
            .unwrap();
        fill(&webhooks, endpoints, 1_000).await;
        let began = clock.elapsed();
        assert_eq!(drain(&webhooks, Duration::from_secs(3600)).await, 1_000, "{endpoints} endpoints");
        let took = clock.elapsed().saturating_sub(began);
        assert!(took < Duration::from_secs(10), "{endpoints} endpoints: {took:?}");
    }
}

#[tokio::test]
async fn a_backlog_of_few_endpoints_drains_without_the_poll_from_sqlite() {
    for endpoints in [1, 2, 4] {
        let file = TempFile::new();
        let clock = Arc::new(SystemClock::new());
        let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
        let webhooks = Webhooks::builder(store, receivers(&clock))
            .clock(clock)
            .lease(NO_HELP)
            .poll(NO_HELP)
            .build()
            .unwrap();
        fill(&webhooks, endpoints, 1_000).await;
        let delivered = drain(&webhooks, NO_HELP / 2).await;
        assert_eq!(delivered, 1_000, "{endpoints} endpoints");
    }
}

/// How long after `what` the next request begins, of a sender that polls every 20 s.
async fn until_the_next_request(world: &World, what: impl Future<Output = ()>) -> Duration {
    let script = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let (began, before) = (world.clock.elapsed(), world.sent().len());
        what.await;
        world.transport.wait_for(before + 1).await;
        world.clock.elapsed().saturating_sub(began)
    };
    let (run, waited) = tokio::join!(world.run_for(Duration::from_secs(60)), script);
    assert_eq!(run, ());
    waited
}

#[tokio::test(start_paused = true)]
async fn what_followed_a_cancelled_delivery_of_its_ordering_key_is_sent_at_once() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    for _ in 0..2 {
        let event = NewEvent::json("acme", "k", "{}").unwrap().ordering_key("key").unwrap();
        world.webhooks.publish(event).await.unwrap();
    }
    let waited = until_the_next_request(&world, async {
        let first = world.deliveries().await.into_iter().find(|delivery| delivery.attempts > 0).unwrap();
        let selection = Selection { ids: Some(vec![first.id]), ..Selection::default() };
        world.webhooks.cancel(&acme(), &selection, PageAfter::first(1)).await.unwrap();
    })
    .await;
    assert!(waited < Duration::from_millis(100), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_widened_gets_more_at_once() {
    let world = World::new();
    let wide = |width| Overrides::none().width(NonZeroU32::new(width).unwrap()).unwrap();
    world.webhooks.register(endpoint("e", "standard").overrides(wide(1))).await.unwrap();
    world.transport.otherwise(Reply::ok().after(Duration::from_secs(10)));
    for _ in 0..4 {
        world.publish("k").await;
    }
    let waited = until_the_next_request(&world, async {
        let stored = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap();
        let wider = NewEndpoint::from(&*stored).overrides(wide(4));
        world.webhooks.update(&id("e"), stored.version, wider).await.unwrap();
    })
    .await;
    assert!(waited < Duration::from_millis(100), "{waited:?}");
}

/// Answers the host's own calls a minute after they took effect.
struct LateAnswers;

#[async_trait::async_trait]
impl Interpose for LateAnswers {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        if matches!(call, Call::Gate(..) | Call::Replay(..) | Call::Expedite(..)) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_after_it_took_effect_wakes_the_engine_all_the_same() {
    for how in ["resume", "resume_tenant", "expedite", "replay"] {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let store = Interposed::new(Arc::new(MemoryStore::with_clock(clock.clone())), LateAnswers);
        let webhooks = Webhooks::builder(Arc::new(store), transport.clone())
            .clock(clock.clone())
            .poll(Duration::from_secs(25))
            .build()
            .unwrap();
        let (acme, e) = (acme(), id("e"));
        webhooks.register(endpoint("e", "standard")).await.unwrap();
        let script = async {
            match how {
                "resume" => webhooks.pause(&acme, &e).await.unwrap(),
                "resume_tenant" => webhooks.pause_tenant(&acme).await.unwrap(),
                "expedite" => {
                    transport.otherwise(Reply::status(503).header("retry-after", "600"));
                }
                _ => {}
            }
            webhooks.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let (before, began) = (transport.exchanges().len(), clock.elapsed());
            let (page, all) = (PageAfter::first(100), Selection::default());
            let patience = Duration::from_millis(300);
            let given_up = match how {
                "resume" => timeout(patience, webhooks.resume(&acme, &e)).await.is_err(),
                "resume_tenant" => timeout(patience, webhooks.resume_tenant(&acme)).await.is_err(),
                "expedite" => timeout(patience, webhooks.expedite(&acme, &all, page)).await.is_err(),
                _ => {
                    let replay = hookpost::id::ReplayId::new("r").unwrap();
                    timeout(patience, webhooks.replay(&acme, replay, all, page)).await.is_err()
                }
            };
            assert!(given_up, "{how}");
            transport.wait_for(before + 1).await;
            let waited = clock.elapsed().saturating_sub(began);
            assert!(waited < Duration::from_secs(1), "{how}: {waited:?}");
        };
        tokio::select! {
            run = webhooks.run(std::future::pending::<()>()) => run.unwrap(),
            () = script => {}
        }
    }
}

/// An endpoint of SQLite whose next request can only come from the call that is named.
async fn awaiting_a_call(how: &str, webhooks: &Webhooks, transport: &ScriptedTransport) {
    webhooks.register(endpoint("e", "standard")).await.unwrap();
    let event = NewEvent::json("acme", "k", "{}").unwrap();
    let event = match how {
        "replay" => event,
        "expedite" => {
            transport.otherwise(Behaviour::sequence([
                Reply::status(503).header("retry-after", "600"),
                Reply::ok(),
            ]));
            event
        }
        _ => {
            transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
            let second = event.clone().ordering_key("key").unwrap();
            webhooks.publish(second).await.unwrap();
            event.ordering_key("key").unwrap()
        }
    };
    webhooks.publish(event).await.unwrap();
    transport.wait_for(1).await;
    // Its answer is settled, and the engine has nothing to do.
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_while_it_waits_for_sqlite_wakes_the_engine_when_it_takes_effect() {
    for how in ["replay", "expedite", "cancel"] {
        let file = TempFile::new();
        let clock = Arc::new(SystemClock::new());
        let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let builder = Webhooks::builder(store.clone(), transport.clone()).clock(clock);
        let webhooks = builder.lease(NO_HELP).poll(NO_HELP).build().unwrap();
        let script = async {
            awaiting_a_call(how, &webhooks, &transport).await;
            let first = deliveries(&webhooks).await.into_iter().find(|it| it.attempts > 0).unwrap();
            let first = Selection { ids: Some(vec![first.id]), ..Selection::default() };
            let (acme, page) = (acme(), PageAfter::first(100));
            let other = rusqlite::Connection::open(file.path()).unwrap();
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            // Another program holds the file's lock: this call waits for it, and the next one
            // waits for its tenant's turn behind it.
            let pruning = tokio::spawn({
                let store = store.clone();
                async move { store.prune(&[], 1).await }
            });
            let patience = Duration::from_millis(300);
            tokio::time::sleep(patience).await;
            let given_up = match how {
                "expedite" => timeout(patience, webhooks.expedite(&acme, &first, page)).await.is_err(),
                "cancel" => timeout(patience, webhooks.cancel(&acme, &first, page)).await.is_err(),
                _ => {
                    let replay = hookpost::id::ReplayId::new("r").unwrap();
                    timeout(patience, webhooks.replay(&acme, replay, first, page)).await.is_err()
                }
            };
            assert!(given_up, "{how}");
            tokio::time::sleep(patience).await;
            other.execute_batch("COMMIT").unwrap();
            pruning.await.unwrap().unwrap();
            let sent = timeout(NO_HELP / 4, transport.wait_for(2)).await;
            assert!(sent.is_ok(), "{how}: nothing was sent");
        };
        tokio::select! {
            run = webhooks.run(std::future::pending::<()>()) => run.unwrap(),
            () = script => {}
        }
    }
}
