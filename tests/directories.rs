//! A directory that fails for some endpoints, or answers something else than it was asked:
//! the endpoints concerned wait, and no event is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::backend::Directory;
use hookpost::delivery::{EventMeta, State};
use hookpost::endpoint::{EndpointPage, Loaded, Unreadable, WhyUnreadable};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::EndpointId;
use hookpost::sequence::Sequence;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::{Endpoint, NewEndpoint, NewEvent, Webhooks};
use world::{START, World, id, url};

const DELIVERED: State = State::Delivered { confirmed: true };

/// What a host's own directory does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Every call that concerns mallory fails.
    FailsForMallory,
    /// Every call fails.
    Fails,
    LeavesTheLastOut,
    AnswersInReverse,
    AnswersNothing,
    AnswersTheFirstForAll,
    CannotReadMallorys,
    PagesWithoutEnd,
    /// No call that concerns mallory ever answers.
    HangsForMallory,
    /// No call ever answers.
    Hangs,
}

struct Own {
    store: Arc<MemoryStore>,
    fault: Mutex<Fault>,
}

impl Own {
    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    async fn check(&self, mallorys: bool) -> Result<(), StoreError> {
        match self.fault() {
            Fault::Hangs => std::future::pending().await,
            Fault::HangsForMallory if mallorys => std::future::pending().await,
            Fault::Fails => Err(StoreError::new(StoreErrorKind::Unavailable, "down")),
            Fault::FailsForMallory if mallorys => Err(StoreError::new(StoreErrorKind::Corrupt, "mallory's")),
            _ => Ok(()),
        }
    }
}

/// A directory of the host's own numbers no endpoints: each gets every event that is routed
/// while it is listed.
fn unnumbered(endpoint: &Endpoint) -> Arc<Endpoint> {
    Arc::new(Endpoint { began: Sequence::START, ..endpoint.clone() })
}

#[async_trait]
impl Directory for Own {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.check(event.tenant.as_str().starts_with("mallory")).await?;
        let mut page = self.store.subscribers(event, after, limit).await?;
        page.endpoints = page.endpoints.iter().map(|endpoint| unnumbered(endpoint)).collect();
        if self.fault() == Fault::PagesWithoutEnd && event.tenant.as_str() == "mallory" {
            page.more_after = Some(id("a"));
        }
        Ok(page)
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        self.check(ids.iter().any(|id| id.as_str().starts_with("mallory"))).await?;
        let mut loaded = self.store.load(ids).await?;
        for answer in &mut loaded {
            if let Loaded::Found(endpoint) = answer {
                *endpoint = unnumbered(endpoint);
            }
        }
        match self.fault() {
            Fault::LeavesTheLastOut => drop(loaded.pop()),
            Fault::AnswersInReverse => loaded.reverse(),
            Fault::AnswersNothing => loaded.clear(),
            Fault::AnswersTheFirstForAll => loaded = vec![loaded[0].clone(); loaded.len()],
            Fault::CannotReadMallorys => {
                for (answer, id) in loaded.iter_mut().zip(ids).filter(|(_, id)| id.as_str() == "mallory-1") {
                    let (field, why) = ("row", WhyUnreadable::Broken);
                    let unreadable = Unreadable { id: id.clone(), tenant: None, field, why, host: None };
                    *answer = Loaded::Unreadable(unreadable);
                }
            }
            _ => {}
        }
        Ok(loaded)
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.check(seen.tenant.as_str() == "mallory").await?;
        self.store.disable(seen, why).await
    }
}

/// `bob-1` and two endpoints of mallory's, in a directory of the host's own.
async fn scene() -> (World, Arc<Own>) {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let hosts = Webhooks::builder(store.clone(), transport).clock(clock).build().unwrap();
    for (tenant, name) in [("bob", "bob-1"), ("mallory", "mallory-1"), ("mallory", "mallory-2")] {
        let new = NewEndpoint::new(tenant, url(name), "standard").and_then(|new| new.id(name));
        let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        hosts.register(new.and_then(|new| new.secret(secret)).unwrap()).await.unwrap();
    }
    let own = Arc::new(Own { store, fault: Mutex::new(Fault::None) });
    (World::with(|builder| builder.directory(own.clone())), own)
}

async fn publish(world: &World, tenant: &str) {
    world.webhooks.publish(NewEvent::json(tenant, "k", "{}").unwrap()).await.unwrap();
}

async fn states_of(world: &World, tenant: &str) -> Vec<State> {
    let (tenant, page) = (tenant.parse().unwrap(), PageAfter::first(1000));
    let all = world.webhooks.deliveries(&tenant, Selection::default(), page).await.unwrap();
    all.deliveries.iter().map(|delivery| delivery.state).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_stored_while_its_tenants_endpoints_cannot_be_read_and_routed_when_they_can() {
    for fault in [Fault::FailsForMallory, Fault::PagesWithoutEnd] {
        let (world, own) = scene().await;
        own.set(fault);
        // Handed in together, they are stored by one call of the engine's.
        let publishing = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let both = (0..20).map(|n| publish(&world, if n % 2 == 0 { "mallory" } else { "bob" }));
            futures_util::future::join_all(both).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        world.webhooks.run(publishing).await.unwrap();
        assert_eq!(states_of(&world, "bob").await, [DELIVERED; 10], "{fault:?}");
        assert_eq!(world.webhooks.stats(None).await.unwrap().unrouted, 10, "{fault:?}");
        assert_eq!(world.heard.count("OwnFault"), 0, "{fault:?}");
        let told = world.heard.count("RoutingFailed { tenant: \"mallory\"");
        assert!((1..30).contains(&told), "{fault:?}: {told}, once per call and tenant");

        own.set(Fault::None);
        world.run_for(Duration::from_secs(10)).await;
        assert_eq!(states_of(&world, "mallory").await, [DELIVERED; 20], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_stored_while_the_whole_directory_is_down() {
    let (world, own) = scene().await;
    own.set(Fault::Fails);
    for _ in 0..5 {
        publish(&world, "bob").await;
        publish(&world, "mallory").await;
    }
    world.run_for(Duration::from_secs(20)).await;
    assert_eq!((world.sent().len(), world.webhooks.stats(None).await.unwrap().unrouted), (0, 10));
    own.set(Fault::None);
    world.run_for(Duration::from_secs(40)).await;
    assert_eq!(world.sent().len(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_fails_for_one_tenant_keeps_nothing_from_another() {
    let (world, own) = scene().await;
    for _ in 0..5 {
        publish(&world, "mallory").await;
        publish(&world, "bob").await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    own.set(Fault::FailsForMallory);
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(states_of(&world, "bob").await, [DELIVERED; 5]);
    assert_eq!(states_of(&world, "mallory").await, [State::Pending; 10]);
    assert_eq!(world.heard.count("OwnFault"), 0);
    own.set(Fault::None);
    world.run_for(Duration::from_secs(10)).await;
    assert_eq!(states_of(&world, "mallory").await, [DELIVERED; 10]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_to_the_question_counts_as_none() {
    for fault in [
        Fault::LeavesTheLastOut,
        Fault::AnswersInReverse,
        Fault::AnswersNothing,
        Fault::AnswersTheFirstForAll,
        Fault::CannotReadMallorys,
    ] {
        let (world, own) = scene().await;
        for _ in 0..5 {
            publish(&world, "mallory").await;
            publish(&world, "bob").await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        own.set(fault);
        world.run_for(Duration::from_secs(90)).await;
        let mut all = states_of(&world, "bob").await;
        all.extend(states_of(&world, "mallory").await);
        assert!(all.iter().all(|state| [State::Pending, DELIVERED].contains(state)), "{fault:?}: {all:?}");
        assert_eq!(world.heard.count("OwnFault"), 0, "{fault:?}");
        if fault == Fault::CannotReadMallorys {
            assert_eq!(states_of(&world, "bob").await, [DELIVERED; 5]);
            assert_eq!(world.heard.count("Held { endpoint: \"mallory-1\""), 1, "once while it lasts");
        }
        own.set(Fault::None);
        world.run_for(Duration::from_secs(90)).await;
        assert_eq!(world.sent_to("bob-1").len(), 5, "{fault:?}");
        assert_eq!(world.sent_to("mallory-1").len() + world.sent_to("mallory-2").len(), 10, "{fault:?}");
    }
}

/// How long each event of a tenant waited for its request, from its publishing on.
async fn waits_of(world: &World, tenant: &str) -> Vec<Duration> {
    let (of, page) = (tenant.parse().unwrap(), PageAfter::first(1000));
    let all = world.webhooks.deliveries(&of, Selection::default(), page).await.unwrap();
    let mut waits = Vec::new();
    for delivery in &all.deliveries {
        let log = world.webhooks.attempts(&of, &delivery.id).await.unwrap().unwrap();
        waits.extend(log.attempts.first().map(|attempt| attempt.attempt.began_at.since(delivery.born_at)));
    }
    waits
}

fn late(waits: &[Duration]) -> usize {
    waits.iter().filter(|wait| **wait >= Duration::from_millis(100)).count()
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_never_answers_for_one_tenant_keeps_no_other_waiting() {
    let (world, own) = scene().await;
    own.set(Fault::HangsForMallory);
    let publishing = async {
        for _ in 0..60 {
            let tenants = ["mallory", "bob", "mallory"];
            futures_util::future::join_all(tenants.map(|tenant| publish(&world, tenant))).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    world.webhooks.run(publishing).await.unwrap();
    let waits = waits_of(&world, "bob").await;
    assert_eq!(waits.len(), 60);
    let longest = *waits.iter().max().unwrap();
    assert!(longest <= Duration::from_millis(500), "{longest:?}");
    assert!(late(&waits) <= 1, "only the first wait for a tenant that was not known to be late: {waits:?}");
    assert!(world.heard.count("RoutingFailed { tenant: \"mallory\"") > 0);
    assert_eq!((world.heard.count("OwnFault"), world.heard.count("EngineStuck")), (0, 0));

    own.set(Fault::None);
    world.run_for(Duration::from_secs(130)).await;
    assert_eq!(states_of(&world, "mallory").await, [DELIVERED; 240], "two endpoints, 120 events");
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_never_load_hold_their_own_lanes_and_keep_no_other_waiting() {
    let (world, own) = scene().await;
    for _ in 0..10 {
        publish(&world, "mallory").await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    own.set(Fault::HangsForMallory);
    let publishing = async {
        for _ in 0..600 {
            publish(&world, "bob").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    world.webhooks.run(publishing).await.unwrap();
    let waits = waits_of(&world, "bob").await;
    let longest = *waits.iter().max().unwrap();
    assert_eq!(waits.len(), 600);
    assert!(longest <= Duration::from_millis(500), "{longest:?}");
    assert!(late(&waits) <= 3, "only while mallory was not known to be late: {waits:?}");
    assert_eq!(states_of(&world, "mallory").await, [State::Pending; 20]);
    assert_eq!(world.heard.count("Held { endpoint: \"mallory-1\""), 1, "{}", world.heard.all());
    assert_eq!(world.heard.count("OwnFault"), 0);
    own.set(Fault::None);
    world.run_for(Duration::from_secs(10)).await;
    assert_eq!(states_of(&world, "mallory").await, [DELIVERED; 20]);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_never_answers_keeps_no_publisher_and_no_shutdown_waiting() {
    let (world, own) = scene().await;
    own.set(Fault::Hangs);
    let publishing = async {
        for _ in 0..20 {
            let began = tokio::time::Instant::now();
            publish(&world, "bob").await;
            publish(&world, "mallory").await;
            assert!(began.elapsed() <= Duration::from_secs(1), "{:?}", began.elapsed());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let began = tokio::time::Instant::now();
    world.webhooks.run(publishing).await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((world.sent().len(), world.webhooks.stats(None).await.unwrap().unrouted), (0, 40));
    own.set(Fault::None);
    world.run_for(Duration::from_secs(30)).await;
    assert_eq!(world.sent().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_round_of_tick_sends_for_others_before_it_gives_up_a_directory_that_never_answers() {
    let (world, own) = scene().await;
    own.set(Fault::HangsForMallory);
    for tenant in ["mallory", "bob"] {
        publish(&world, tenant).await;
    }
    let began = tokio::time::Instant::now();
    while tokio::time::Instant::now() < began + Duration::from_secs(20) {
        world.webhooks.tick().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waits = waits_of(&world, "bob").await;
    assert!(matches!(waits[..], [wait] if wait <= Duration::from_millis(500)), "{waits:?}");
    assert_eq!(world.webhooks.stats(None).await.unwrap().unrouted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tenants_for_whom_a_directory_never_answers_delay_others_by_no_more_than_one_does() {
    let (world, own) = scene().await;
    own.set(Fault::HangsForMallory);
    let publishing = async {
        for round in 0..120 {
            let others = (0..100).filter(|n| n % 10 == round % 10).map(|n| format!("mallory-{n}"));
            let all: Vec<_> = others.chain(["bob".to_owned()]).collect();
            futures_util::future::join_all(all.iter().map(|tenant| publish(&world, tenant))).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    world.webhooks.run(publishing).await.unwrap();
    let waits = waits_of(&world, "bob").await;
    let longest = *waits.iter().max().unwrap();
    assert_eq!(waits.len(), 120);
    assert!(longest <= Duration::from_millis(500), "{longest:?}");
    assert!(late(&waits) <= 10, "once for each ten tenants that were not known to be late: {waits:?}");
}
