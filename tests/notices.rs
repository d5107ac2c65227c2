//! What an observer is told, and of whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::Directory;
use hookpost::delivery::EventMeta;
use hookpost::endpoint::{EndpointPage, Loaded, Unreadable, WhyUnreadable};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::id::EndpointId;
use hookpost::notice::{Notice, StoreCall};
use hookpost::policy::outcome::NotSent;
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::secret::{Secrets, WhySealed};
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{Faults, FlakyStore, Reply, ScriptedTransport, VirtualClock};
use hookpost::{Endpoint, NewEvent, Profile, Webhooks};
use world::{Heard, START, World, acme, endpoint, hours, id};

/// By a notice's name: whose it was, and of what type the event.
type Told = BTreeMap<&'static str, (String, Option<String>)>;

fn whom(notice: &Notice<'_>) -> Option<(&'static str, (String, Option<String>))> {
    let (name, tenant, kind) = match notice {
        Notice::Published { tenant, kind, .. } => ("Published", tenant, Some(kind)),
        Notice::Routed { tenant, kind, .. } => ("Routed", tenant, Some(kind)),
        Notice::Attempted { tenant, kind, .. } => ("Attempted", tenant, Some(kind)),
        Notice::Concluded { tenant, kind, .. } => ("Concluded", tenant, Some(kind)),
        Notice::DeadLetter { tenant, kind, .. } => ("DeadLetter", tenant, Some(kind)),
        Notice::Limited { tenant, .. } => ("Limited", tenant, None),
        Notice::Held { tenant, .. } => ("Held", tenant, None),
        Notice::Disabled { tenant, .. } => ("Disabled", tenant, None),
        _ => return None,
    };
    Some((name, (tenant.to_string(), kind.map(ToString::to_string))))
}

#[tokio::test(start_paused = true)]
async fn each_notice_about_work_says_whose_it_is_and_of_which_type() {
    let told = Arc::new(Mutex::new(Told::new()));
    let noted = Arc::clone(&told);
    let observer = move |notice: &Notice<'_>| noted.lock().unwrap().extend(whom(notice));
    let once = RetryPolicy::new(Schedule::list([]).unwrap());
    let limit = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::MIN);
    let limited =
        Profile { name: "limited".parse().unwrap(), retry: once, limits: vec![limit], ..Profile::standard() };
    let world = World::with(|builder| builder.profile(limited).observer(Arc::new(observer)));
    for endpoint in ["limited", "gone", "switched-off"] {
        let profile = if endpoint == "limited" { "limited" } else { "standard" };
        world.endpoint(endpoint, profile).await;
    }
    world.transport.at(world::url("gone"), Reply::status(410));
    world.transport.at(world::url("limited"), Reply::status(500));
    // The engine routes what more endpoints want than a publisher looks at.
    for number in 0..20 {
        world.endpoint(&format!("more-{number}"), "standard").await;
    }
    for _ in 0..3 {
        let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
        world.webhooks.publish(event).await.unwrap();
    }
    world.webhooks.disable(&acme(), &id("switched-off")).await.unwrap();
    world.run_for(hours(1)).await;

    let told = told.lock().unwrap();
    let names = ["Attempted", "Concluded", "DeadLetter", "Disabled", "Limited", "Published", "Routed"];
    for name in names {
        assert!(told.contains_key(name), "{name} was not told: {told:?}");
    }
    for (name, (tenant, kind)) in &*told {
        assert_eq!(tenant, "acme", "{name}");
        assert!(kind.as_deref().is_none_or(|kind| kind == "order.paid"), "{name}");
    }
}

/// Publishes an event for an endpoint of `acme` and lets its first attempt fail, so that it
/// waits.
async fn one_waits(world: &World) {
    world.transport.otherwise(Reply::status(500));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(2)).await;
    world.transport.otherwise(Reply::ok());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_endpoint_is_told_of_once_each_time_it_is_disabled() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    one_waits(&world).await;
    for times in 1..=3 {
        world.webhooks.disable(&acme(), &id("e")).await.unwrap();
        world.run_for(hours(24)).await;
        assert_eq!(world.heard.count("Held"), times, "{}", world.heard.all());
        world.webhooks.enable(&acme(), &id("e")).await.unwrap();
    }
}

/// What is wrong with a directory's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    UnknownProfile,
    Sealed,
    Unreadable,
    Unreached,
}

/// A host's own directory.
struct Own {
    store: Arc<MemoryStore>,
    wrong: Mutex<Option<Wrong>>,
}

impl Own {
    /// What is wrong now, unless no call can be answered.
    fn reached(&self) -> Result<Option<Wrong>, StoreError> {
        match *self.wrong.lock().unwrap() {
            Some(Wrong::Unreached) => {
                Err(StoreError::new(StoreErrorKind::Unavailable, "the table cannot be read"))
            }
            wrong => Ok(wrong),
        }
    }
}

#[hookpost::async_trait]
impl Directory for Own {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.reached()?;
        self.store.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        let Some(wrong) = self.reached()? else { return self.store.load(ids).await };
        let loaded = self.store.load(ids).await?.into_iter().filter_map(Loaded::found);
        Ok(loaded.map(|endpoint| changed(&endpoint, wrong)).collect())
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.store.disable(seen, why).await
    }
}

fn changed(endpoint: &Endpoint, wrong: Wrong) -> Loaded {
    let mut endpoint = Endpoint { version: 99, ..endpoint.clone() };
    match wrong {
        Wrong::UnknownProfile => endpoint.profile = "unheard_of".parse().unwrap(),
        Wrong::Sealed => {
            endpoint.secrets = Secrets::Sealed { key_id: "k".to_owned(), why: WhySealed::UnknownKey };
        }
        Wrong::Unreadable | Wrong::Unreached => {
            let Endpoint { id, tenant, .. } = endpoint;
            let why = WhyUnreadable::Broken;
            return Loaded::Unreadable(Unreadable {
                id,
                tenant: Some(tenant),
                field: "url",
                why,
                host: None,
            });
        }
    }
    Loaded::Found(Arc::new(endpoint))
}

#[tokio::test(start_paused = true)]
async fn what_keeps_an_endpoint_from_being_sent_to_for_a_day_is_told_of_once() {
    for (wrong, why) in [
        (Wrong::UnknownProfile, "its profile unheard_of is not known"),
        (Wrong::Sealed, "its secrets are sealed"),
        (Wrong::Unreadable, "its url cannot be read"),
        (Wrong::Unreached, "its endpoint could not be looked up"),
    ] {
        let failures = usize::from(wrong == Wrong::Unreached);
        let clock = Arc::new(VirtualClock::starting_at(START));
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        let own = Arc::new(Own { store: store.clone(), wrong: Mutex::default() });
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let heard = Arc::new(Heard::default());
        let webhooks = Webhooks::builder(store, transport.clone())
            .clock(clock)
            .directory(own.clone())
            .observer(heard.clone())
            .poll(Duration::from_secs(20))
            .build()
            .unwrap();
        webhooks.register(endpoint("e", "standard")).await.unwrap();
        let event = || NewEvent::json("acme", "order.paid", "{}").unwrap();
        transport.otherwise(Reply::status(500));
        webhooks.publish(event()).await.unwrap();
        let run = |time| webhooks.run(tokio::time::sleep(time));
        run(Duration::from_secs(2)).await.unwrap();
        transport.otherwise(Reply::ok());
        for times in 1..=2 {
            *own.wrong.lock().unwrap() = Some(wrong);
            webhooks.publish(event()).await.unwrap();
            run(hours(20)).await.unwrap();
            for (name, once) in [("Held", 1), ("StoreFailed", failures), ("RoutingFailed", failures)] {
                assert_eq!(heard.count(name), once * times, "{why}: {}", heard.all());
            }
            assert!(heard.all().contains(why), "{why}: {}", heard.all());
            *own.wrong.lock().unwrap() = None;
            run(hours(2)).await.unwrap();
            transport.otherwise(Reply::status(500));
            webhooks.publish(event()).await.unwrap();
            run(Duration::from_secs(2)).await.unwrap();
            transport.otherwise(Reply::ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_day_is_told_of_once_for_each_call_and_longer_pause() {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let faults = Faults { before: 1000, ..Faults::default() };
    let store = FlakyStore::flaky(Arc::new(MemoryStore::with_clock(clock.clone())), 1, faults);
    let heard = Arc::new(Heard::default());
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let webhooks =
        Webhooks::builder(Arc::new(store), transport).clock(clock).observer(heard.clone()).build().unwrap();
    webhooks.run(tokio::time::sleep(hours(24))).await.unwrap();
    for during in [StoreCall::Claim, StoreCall::Clock, StoreCall::Prune] {
        let told = heard.all().matches(&format!("during: {during:?}")).count();
        assert!(told <= 1, "{during}: {told}");
    }
    assert!(heard.count("StoreFailed") >= 1, "{}", heard.all());
    assert_eq!(heard.count("OwnFault"), 6, "1, 2, 4, 8, 16 and 30 s: {}", heard.all());
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_for_a_day_is_told_of_once_for_each_longer_pause() {
    let world = World::new();
    for tenant in ["one", "two", "three", "four"] {
        world.endpoint_of(tenant, 0).await;
    }
    for times in 1..=2 {
        world.transport.otherwise(Reply::not_sent(NotSent::Unreachable));
        for tenant in ["one", "two", "three", "four"] {
            world.publish_of(tenant).await;
        }
        world.run_for(hours(24)).await;
        let told = world.heard.count("OwnFault");
        assert!((1..=6 * times).contains(&told), "{told}: {}", world.heard.all());
        world.transport.otherwise(Reply::ok());
        world.run_for(hours(1)).await;
    }
    assert!(world.heard.count("OwnFault") >= 2, "each time is told of");
}
