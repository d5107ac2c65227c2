//! What one tenant's large payloads and endpoints cost a publisher of another tenant, on a
//! store that takes its time: within the bounds that ARCHITECTURE.md states.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::backend::{Clock as _, Directory};
use hookpost::delivery::EventMeta;
use hookpost::endpoint::{EndpointPage, Loaded};
use hookpost::error::StoreError;
use hookpost::id::EndpointId;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::testing::{ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::{Endpoint, NewEvent, Profile, Webhooks};
use tokio::time::sleep;
use world::{Heard, START, endpoint, without_jitter};

/// How long a store's calls take.
#[derive(Debug, Clone, Copy, Default)]
struct Costs {
    per_payload_byte: Duration,
    reading: Duration,
}

#[async_trait]
impl Interpose for Costs {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        let time = match call {
            Call::Publish(publishes, _) => {
                let bytes: usize = publishes.iter().map(|publish| publish.event.payload.len()).sum();
                self.per_payload_byte * u32::try_from(bytes).unwrap()
            }
            Call::Read => self.reading,
            _ => Duration::ZERO,
        };
        sleep(time).await;
        Ok(())
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Sender {
    clock: Arc<VirtualClock>,
    transport: Arc<ScriptedTransport>,
    webhooks: Webhooks,
    heard: Arc<Heard>,
}

impl Sender {
    fn on_a_store_that(costs: Costs) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let store = Interposed::new(Arc::new(MemoryStore::with_clock(clock.clone())), costs);
        let heard = Arc::new(Heard::default());
        let webhooks = Webhooks::builder(Arc::new(store), transport.clone())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .observer(heard.clone())
            .poll(Duration::from_secs(20))
            .profile(without_jitter(Profile::standard()))
            .build()
            .unwrap();
        Self { clock, transport, webhooks, heard }
    }

    /// How long a publisher of `acme` waits.
    async fn wait(&self) -> Duration {
        let began = self.clock.elapsed();
        self.webhooks.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
        self.clock.elapsed().saturating_sub(began)
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_no_more_than_two_calls_while_another_tenant_publishes_large_payloads() {
    // 10 MB a second: 4 MiB and one payload of 100 kB more take 0.43 s.
    let costs = Costs { per_payload_byte: Duration::from_nanos(100), ..Costs::default() };
    let call = Duration::from_millis(430);
    let sender = Sender::on_a_store_that(costs);
    sender.webhooks.register(endpoint("e", "standard")).await.unwrap();
    let large = format!("\"{}\"", "a".repeat(100_000));
    let play = async {
        let flood: Vec<_> = (0..700)
            .map(|_| {
                let (webhooks, large) = (sender.webhooks.clone(), large.clone());
                tokio::spawn(
                    async move { webhooks.publish(NewEvent::json("mallory", "k", large).unwrap()).await },
                )
            })
            .collect();
        sleep(Duration::from_millis(10)).await;
        for _ in 0..5 {
            let wait = sender.wait().await;
            assert!(wait <= 2 * call, "{wait:?}");
            sleep(Duration::from_millis(100)).await;
        }
        for published in flood {
            published.await.unwrap().unwrap();
        }
    };
    sender.webhooks.run(play).await.unwrap();
    assert_eq!(sender.heard.count("EngineStuck"), 0, "nothing is stuck");
    assert_eq!(sender.transport.exchanges().len(), 5);
    // The payloads alone take so long, and nothing else does.
    let all = Duration::from_nanos(100) * 70_000_000;
    assert!(sender.clock.elapsed() < all + 2 * call, "{:?}", sender.clock.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_publisher_does_not_wait_for_a_store_that_reads_endpoints_slowly() {
    let sender = Sender::on_a_store_that(Costs { reading: Duration::from_millis(600), ..Costs::default() });
    sender.webhooks.register(endpoint("e", "standard")).await.unwrap();
    let play = async {
        for _ in 0..5 {
            let wait = sender.wait().await;
            assert!(wait <= Duration::from_millis(260), "{wait:?}");
        }
        sleep(Duration::from_secs(20)).await;
    };
    sender.webhooks.run(play).await.unwrap();
    assert_eq!(sender.transport.exchanges().len(), 5, "each is routed and sent apart");
}

/// A directory that counts how often it is asked for a page of subscribers.
struct Counting {
    store: Arc<MemoryStore>,
    pages: AtomicUsize,
}

#[async_trait]
impl Directory for Counting {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.store.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        self.store.load(ids).await
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.store.disable(seen, why).await
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_type_that_are_routed_together_are_held_against_a_page_that_is_read_once() {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let directory = Arc::new(Counting { store: store.clone(), pages: AtomicUsize::new(0) });
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let webhooks = Webhooks::builder(store, transport.clone())
        .clock(clock)
        .directory(directory.clone())
        .build()
        .unwrap();
    // More than a publisher routes to.
    for number in 0..100 {
        webhooks.register(endpoint(&format!("e{number}"), "standard")).await.unwrap();
    }
    for number in 0..60 {
        let kind = if number < 30 { "order.paid" } else { "order.sent" };
        webhooks.publish(NewEvent::json("acme", kind, "{}").unwrap()).await.unwrap();
    }
    directory.pages.store(0, Ordering::Relaxed);
    webhooks.run(sleep(Duration::from_secs(60))).await.unwrap();
    assert_eq!(transport.exchanges().len(), 60 * 100);
    assert_eq!(directory.pages.load(Ordering::Relaxed), 2, "one for each type");
}
