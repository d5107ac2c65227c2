//! What a new user writes first: parts given by value, an engine that is spawned, events by
//! the list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::Clock;
use hookpost::error::StoreError;
use hookpost::history::{PageAfter, Selection};
use hookpost::id::TenantId;
use hookpost::notice::Notice;
use hookpost::os::SystemClock;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::webhooks::{PUBLISH_MANY_BYTES_MAX, PUBLISH_MANY_MAX};
use hookpost::{
    EventError, NewEndpoint, NewEvent, PublishError, Scheme, Secret, Timestamp, Webhooks, async_trait,
};

const URL: &str = "https://acme.example/hooks";

fn event(id: &str, payload: &str) -> NewEvent {
    NewEvent::json("acme", "order.paid", payload.to_owned()).unwrap().id(id).unwrap()
}

async fn endpoint(webhooks: &Webhooks) {
    let secret = Secret::generate(&Scheme::standard()).unwrap();
    let endpoint = NewEndpoint::new("acme", URL, "standard").unwrap().secret(secret.expose()).unwrap();
    webhooks.register(endpoint.events(["order.*"]).unwrap()).await.unwrap();
}

fn sender() -> (Webhooks, Arc<ScriptedTransport>) {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_unix_seconds(1_767_225_600)));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let store = MemoryStore::with_capacity(clock.clone(), 5000);
    (Webhooks::builder(store, Arc::clone(&transport)).clock(clock).build().unwrap(), transport)
}

#[tokio::test(start_paused = true)]
async fn parts_are_given_by_value_and_an_engine_is_spawned_with_a_shutdown_of_any_output() {
    let transport = Arc::new(ScriptedTransport::new(SystemClock::new()));
    let webhooks = Webhooks::builder(MemoryStore::new(), Arc::clone(&transport)).build().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<u8>();
    let running = tokio::spawn(webhooks.run(stopped));
    endpoint(&webhooks).await;
    webhooks.publish(event("one", "{}")).await.unwrap();
    while transport.exchanges().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.send(7).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(transport.exchanges().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_observer_gets_every_notice_beside_one_that_panics() {
    let [first, last] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let count = |counter: &Arc<AtomicUsize>| {
        let counter = Arc::clone(counter);
        move |notice: &Notice<'_>| {
            if matches!(notice, Notice::Published { .. }) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let webhooks = Webhooks::builder(MemoryStore::new(), ScriptedTransport::new(SystemClock::new()))
        .observer(count(&first))
        .observer(|_: &Notice<'_>| panic!("an observer panics"))
        .observer(Arc::new(count(&last)))
        .build()
        .unwrap();
    webhooks.publish(event("one", "{}")).await.unwrap();
    assert_eq!([first, last].map(|counter| counter.load(Ordering::Relaxed)), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn many_events_are_stored_in_order_with_a_result_for_each() {
    let (webhooks, transport) = sender();
    endpoint(&webhooks).await;
    let large = "x".repeat(2 * 1024 * 1024);
    let events = [
        event("one", r#"{"n":1}"#),
        NewEvent::bytes("acme", "order.paid", "text/plain", large).unwrap().id("large").unwrap(),
        event("two", r#"{"n":2}"#),
        event("one", r#"{"n":1}"#),
        event("one", r#"{"n":9}"#),
    ];
    let results = webhooks.publish_many(events).await.unwrap();
    let told: Vec<_> =
        results.iter().map(|result| result.as_ref().map(hookpost::id::EventId::as_str)).collect();
    assert!(matches!(
        told[..],
        [
            Ok("one"),
            Err(PublishError::Event(EventError::TooLarge { .. })),
            Ok("two"),
            Ok("one"),
            Err(PublishError::KeyReused { .. })
        ]
    ));
    while webhooks.tick().await.unwrap().claimed > 0 {}
    assert_eq!(transport.exchanges().len(), 2);
    assert!(webhooks.publish_many([]).await.unwrap().is_empty());
}

/// Counts the calls that publish, and how many events each of them stores.
#[derive(Default)]
struct Publishes(Mutex<Vec<usize>>);

#[async_trait]
impl Interpose for Publishes {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        if let Call::Publish(publishes, _) = call {
            self.0.lock().unwrap().push(publishes.len());
        }
        Ok(())
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn many_events_are_one_call_of_the_store_also_beside_an_engine() {
    let calls = Arc::new(Publishes::default());
    let store = Interposed::new(Arc::new(MemoryStore::new()), Arc::clone(&calls));
    let webhooks = Webhooks::builder(store, ScriptedTransport::new(SystemClock::new())).build().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(webhooks.run(stopped));
    tokio::task::yield_now().await;
    let many = (0..500).map(|n| event(&format!("event-{n}"), "{}"));
    assert!(webhooks.publish_many(many).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(*calls.0.lock().unwrap(), [500]);
    drop(stop);
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn too_much_for_one_transaction_is_refused_whole() {
    let (webhooks, _) = sender();
    let many = |count: usize| (0..count).map(|n| event(&format!("event-{n}"), "{}"));
    let most = webhooks.publish_many(many(PUBLISH_MANY_MAX)).await.unwrap();
    assert!(most.len() == PUBLISH_MANY_MAX && most.iter().all(Result::is_ok));
    let more = (0..=PUBLISH_MANY_MAX).map(|n| event(&format!("more-{n}"), "{}"));
    assert!(matches!(webhooks.publish_many(more).await, Err(PublishError::TooMany)));
    let large = |n: usize| {
        let payload = vec![b'x'; PUBLISH_MANY_BYTES_MAX / 8 + usize::from(n == 8)];
        NewEvent::bytes("acme", "order.paid", "text/plain", payload)
            .unwrap()
            .id(format!("large-{n}"))
            .unwrap()
    };
    assert!(matches!(webhooks.publish_many((1..=8).map(large)).await, Err(PublishError::TooMany)));
    assert!(webhooks.publish_many((0..8).map(large)).await.unwrap().iter().all(Result::is_ok));
    let tenant = TenantId::new("acme").unwrap();
    let stored = async |id: &str| webhooks.event(&tenant, &id.parse().unwrap()).await.unwrap().is_some();
    assert!(stored("event-0").await && !stored("more-0").await);
    assert!(stored("large-0").await && !stored("large-8").await);
    let page = webhooks.deliveries(&tenant, Selection::default(), PageAfter::first(10)).await.unwrap();
    assert!(page.deliveries.is_empty(), "no endpoint wants them");
}

#[test]
fn a_generated_secret_has_its_schemes_form_and_never_repeats() {
    for (scheme, prefix) in [(Scheme::standard(), "whsec_"), (Scheme::x_webhook(), "")] {
        let secrets = [(); 2].map(|()| Secret::generate(&scheme).unwrap().expose().to_vec());
        assert!(secrets.iter().all(|secret| secret.starts_with(prefix.as_bytes())));
        assert_ne!(secrets[0], secrets[1]);
    }
}

#[tokio::test]
async fn the_memory_store_goes_by_the_systems_clock() {
    let before = SystemClock::new().now();
    let now = hookpost::backend::Store::now(&MemoryStore::new()).await.unwrap();
    assert!(now >= before);
}

#[tokio::test(start_paused = true)]
async fn what_history_and_status_return_can_be_sent_as_json() {
    let (webhooks, transport) = sender();
    transport.otherwise(hookpost::testing::Reply::status(503).body("not today"));
    endpoint(&webhooks).await;
    webhooks.publish(event("one", "{}")).await.unwrap();
    while webhooks.tick().await.unwrap().claimed > 0 {}
    let tenant = TenantId::new("acme").unwrap();
    let page = webhooks.deliveries(&tenant, Selection::default(), PageAfter::first(10)).await.unwrap();
    let delivery = &page.deliveries[0];
    let delivery_json = serde_json::to_value(delivery).unwrap();
    assert_eq!(delivery_json["id"], delivery.id.to_string());
    assert_eq!(delivery_json["state"], "pending");
    assert_eq!(delivery_json["round"], "routing");
    assert_eq!(delivery_json["born_at"], "2026-01-01T00:00:00.000000Z");
    let log = webhooks.attempts(&tenant, &delivery.id).await.unwrap().unwrap();
    let log = serde_json::to_value(log).unwrap();
    assert_eq!(log["attempts"][0]["number"], 1);
    assert_eq!(log["attempts"][0]["result"], "503");
    assert_eq!(log["attempts"][0]["body"], "not today");
    assert_eq!(log["attempts"][0]["took_ms"], 0);
    assert!(log["attempts"][0].get("token").is_none(), "a token is a right to settle");
    let queue = webhooks.queue(&tenant, &delivery.endpoint).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(queue).unwrap()["streak"], 1);
    assert_eq!(serde_json::to_value(webhooks.stats(None).await.unwrap()).unwrap()["pending"], 1);
    let moment: Timestamp = serde_json::from_str("\"2026-01-01T00:00:00Z\"").unwrap();
    assert_eq!(moment, Timestamp::from_unix_seconds(1_767_225_600));
}
