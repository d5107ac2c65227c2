//! An endpoint that was mended, moved or registered again is judged by its own answers:
//! what was learned before says nothing of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookpost::backend::Store as _;
use hookpost::delivery::{
    CancelReason, ClaimRequest, Claimed, Next, Publish, Route, Settlement, Shares, State,
};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::id::{DeliveryId, EventId, HostName, Round, Token};
use hookpost::testing::Reply;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::{NewEndpoint, NewEvent, Secret, Webhooks};
use world::{START, World, acme, endpoint, hours, id, seconds, url};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Endpoint `e`, at the URL of another name.
fn at_the_url_of(name: &str) -> NewEndpoint {
    NewEndpoint::new("acme", url(name), "standard")
        .and_then(|new| new.id("e"))
        .and_then(|new| new.secret(SECRET))
        .unwrap()
}

async fn move_to(world: &World, name: &str) {
    let version = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().version;
    world.webhooks.update(&id("e"), version, at_the_url_of(name)).await.unwrap();
}

async fn register_again(world: &World, name: &str) {
    assert!(world.webhooks.remove(&acme(), &id("e")).await.unwrap());
    world.webhooks.register(at_the_url_of(name)).await.unwrap();
}

/// A sender whose endpoint `e` has failed for an hour, and is held.
async fn with_a_sick_endpoint() -> World {
    let world = World::new();
    world.webhooks.register(endpoint("e", "standard")).await.unwrap();
    world.transport.otherwise(Reply::status(500));
    for _ in 0..20 {
        world.publish("k").await;
        world.run_for(Duration::from_secs(180)).await;
    }
    let queue = world.webhooks.queue(&acme(), &id("e")).await.unwrap().unwrap();
    assert!(queue.streak > 3 && queue.held.is_some(), "{queue:?}");
    world
}

#[tokio::test(start_paused = true)]
async fn a_sick_endpoint_that_is_moved_registered_again_rotated_or_enabled_gets_the_next_event_at_once() {
    for how in ["moved", "registered again", "rotated", "enabled"] {
        let world = with_a_sick_endpoint().await;
        world.transport.otherwise(Reply::ok());
        let (webhooks, e) = (&world.webhooks, id("e"));
        match how {
            "moved" => move_to(&world, "two").await,
            "registered again" => register_again(&world, "two").await,
            "rotated" => {
                let secret = Secret::new("whsec_YWJjZGVmMDEyMzQ1Njc4OTAxMjM0NTY3ODlhYmNkZWY=").unwrap();
                webhooks.rotate_secret(&acme(), &e, secret, Duration::ZERO).await.map(drop).unwrap();
            }
            _ => {
                webhooks.disable(&acme(), &e).await.unwrap();
                webhooks.enable(&acme(), &e).await.unwrap();
            }
        }
        let queue = webhooks.queue(&acme(), &e).await.unwrap().unwrap();
        assert_eq!((queue.streak, queue.failing_since, queue.held), (0, None, None), "{how}");
        let event = world.publish("next").await;
        world.run_for(Duration::from_secs(1)).await;
        let sent = world.sent();
        let next = sent.iter().find(|sent| sent.headers["webhook-id"] == event.as_str());
        assert!(next.is_some(), "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_an_earlier_url_or_registration_neither_disables_nor_holds_what_stands_there_now() {
    for status in [410, 429, 503, 500] {
        for again in [false, true] {
            let world = World::new();
            world.webhooks.register(at_the_url_of("one")).await.unwrap();
            let slow = Reply::status(status).header("retry-after", "3000").after(Duration::from_secs(5));
            world.transport.at(url("one"), slow);
            world.publish("k").await;
            let webhooks = world.webhooks.clone();
            let sending = world.run_for(Duration::from_secs(10));
            let change = async {
                tokio::time::sleep(Duration::from_secs(2)).await;
                if again {
                    register_again(&world, "two").await;
                } else {
                    move_to(&world, "two").await;
                }
            };
            tokio::join!(sending, change);
            let now = webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap();
            let queue = webhooks.queue(&acme(), &id("e")).await.unwrap().unwrap();
            let record = (now.enabled, queue.held, queue.streak, queue.failing_since);
            assert_eq!(record, (true, None, 0, None), "{status}, registered again: {again}");
            world.publish("next").await;
            world.run_for(Duration::from_secs(1)).await;
            let first = seconds(&world.sent_to("two")).first().copied();
            assert_eq!(first, Some(10), "{status}, registered again: {again}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_disabled_for_failing_too_long_has_as_long_again_once_it_is_enabled() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    for hour in 0..24 * 14 {
        let event = hookpost::NewEvent::json("acme", "k", "{}").unwrap().not_before(START + hours(hour));
        world.webhooks.publish(event).await.unwrap();
    }
    world.run_for(hours(24 * 6)).await;
    assert_eq!(world.heard.count("Disabled"), 1);
    world.webhooks.enable(&acme(), &id("e")).await.unwrap();
    world.run_for(hours(24 * 5)).await;
    assert_eq!(world.heard.count("Disabled"), 1, "five days are less than 12 hours and five days");
    world.run_for(hours(24)).await;
    assert_eq!(world.heard.count("Disabled"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sick_endpoint_that_is_renamed_stays_held() {
    let world = with_a_sick_endpoint().await;
    world.transport.otherwise(Reply::ok());
    let before = world.sent().len();
    let there = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap();
    let renamed = NewEndpoint::from(&*there).name("renamed").unwrap();
    world.webhooks.update(&id("e"), there.version, renamed).await.unwrap();
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(world.sent().len(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_to_a_removed_endpoint_is_not_sent_to_one_registered_again_under_its_id() {
    for answer in [Reply::status(500), Reply::status(503).header("retry-after", "1"), Reply::hang()] {
        let world = World::new();
        world.webhooks.register(at_the_url_of("one")).await.unwrap();
        world.transport.at(url("one"), answer.after(Duration::from_secs(2)));
        world.publish("k").await;
        let change = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            register_again(&world, "two").await;
        };
        tokio::join!(world.run_for(Duration::from_secs(60)), change);
        assert_eq!(world.sent_to("one").len(), 1);
        world.run_for(hours(30)).await;
        assert!(world.sent_to("two").is_empty(), "it was published before this registration");
        assert_eq!(world.states().await, [State::Cancelled(CancelReason::EndpointRemoved)]);
        world.publish("next").await;
        world.run_for(Duration::from_secs(1)).await;
        assert_eq!(world.sent_to("two").len(), 1);
    }
}

/// A process claims an event to route it, and settles it after something else has happened.
async fn route_while(world: &World, happens: impl Future<Output = ()>) {
    let event = NewEvent::json("acme", "k", "{}").unwrap();
    let event = event.into_event(EventId::new("late").unwrap(), START, 1_000).unwrap();
    let publish = Publish { event: Arc::new(event), routes: None };
    world.store.publish(&[publish], None, START).await.unwrap();
    let token = Token::from_bytes([9; 16]);
    let request = ClaimRequest {
        token,
        now: START,
        lease_until: START + Duration::from_secs(30),
        deliveries: 0,
        doubtful: 0,
        events: 1,
        shares: Shares::unlimited(),
        alone: false,
    };
    let claim = world.store.claim(&request).await.unwrap().events.pop().unwrap();
    happens.await;
    let (event, endpoint) = (&claim.event, id("e"));
    let route = Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint, &Round::Routing),
        endpoint,
        registration: 0,
        host: HostName::new("one.example").unwrap(),
        width: 1,
        round: Round::Routing,
        due_at: START,
        born_at: START,
        test: false,
    };
    let of = Claimed::Event(event.tenant.clone(), event.id.clone());
    let next = Next::Routed { routes: vec![route], more_after: None };
    let settlement = Settlement { token, of, at: START, next, attempt: None };
    world.store.settle(&[settlement], &[], START).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_routed_to_an_earlier_registration_of_an_id_is_cancelled() {
    let removed = State::Cancelled(CancelReason::EndpointRemoved);
    for (how, state) in [
        ("nothing", State::Delivered { confirmed: true }),
        ("registered again", removed),
        ("registered again and enabled again", removed),
        ("enabled again", State::Delivered { confirmed: true }),
    ] {
        let world = World::new();
        world.webhooks.register(at_the_url_of("one")).await.unwrap();
        let happens = async {
            if how.starts_with("registered again") {
                register_again(&world, "two").await;
            }
            if how.ends_with("enabled again") {
                world.webhooks.disable(&acme(), &id("e")).await.unwrap();
                world.webhooks.enable(&acme(), &id("e")).await.unwrap();
            }
        };
        route_while(&world, happens).await;
        world.run_for(hours(1)).await;
        assert_eq!(world.states().await, [state], "{how}");
        let event = world.publish("next").await;
        world.run_for(hours(1)).await;
        let sent = world.sent();
        assert_eq!(sent.last().unwrap().headers["webhook-id"], event.as_str(), "{how}");
    }
}

/// A store whose endpoints cannot be read for a while.
struct Unreadable(AtomicBool);

#[async_trait::async_trait]
impl Interpose for Unreadable {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        if matches!(call, Call::Read) && self.0.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "down"));
        }
        Ok(())
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_removed_with_what_waits_for_it_although_no_endpoint_can_be_read() {
    let inner = World::new();
    let down = Arc::new(Unreadable(AtomicBool::new(false)));
    let store = Interposed::new(inner.store.clone(), down.clone());
    let webhooks = Webhooks::builder(Arc::new(store), inner.transport.clone())
        .clock(inner.clock.clone())
        .build()
        .unwrap();
    let world = World { webhooks, ..inner };
    world.webhooks.register(at_the_url_of("one")).await.unwrap();
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.publish("k").await;
    down.0.store(true, Ordering::SeqCst);
    assert!(world.webhooks.remove(&acme(), &id("e")).await.unwrap());
    down.0.store(false, Ordering::SeqCst);
    assert_eq!(world.states().await, [State::Cancelled(CancelReason::EndpointRemoved)]);
}

/// When another process registers an id again, while this one removes it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// As soon as the endpoint is removed.
    Removed,
    /// Just before what waits is cancelled.
    Cancelling,
}

/// Another process, which registers the id again at that moment, and publishes.
struct RegistersAgain(Webhooks, Moment);

impl RegistersAgain {
    async fn register_at(&self, moment: Moment) {
        if moment == self.1 {
            self.0.register(at_the_url_of("two")).await.unwrap();
            self.0.publish(NewEvent::json("acme", "new", "{}").unwrap()).await.unwrap();
        }
    }
}

#[async_trait::async_trait]
impl Interpose for RegistersAgain {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        if matches!(call, Call::Cancel(_)) {
            self.register_at(Moment::Cancelling).await;
        }
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        if matches!(call, Call::Remove(_)) {
            self.register_at(Moment::Removed).await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn removing_an_endpoint_cancels_nothing_of_one_that_is_registered_again_meanwhile() {
    for moment in [Moment::Removed, Moment::Cancelling] {
        let world = World::new();
        let store = Interposed::new(world.store.clone(), RegistersAgain(world.webhooks.clone(), moment));
        let builder = Webhooks::builder(Arc::new(store), world.transport.clone());
        let removing = builder.clock(world.clock.clone()).build().unwrap();
        world.webhooks.register(at_the_url_of("one")).await.unwrap();
        world.webhooks.pause(&acme(), &id("e")).await.unwrap();
        world.publish("old").await;
        assert!(removing.remove(&acme(), &id("e")).await.unwrap());
        let ends = async || {
            let shown = world.deliveries().await;
            let mut ends: Vec<_> = shown.into_iter().map(|it| (it.kind.to_string(), it.state)).collect();
            ends.sort_by(|(one, _), (other, _)| one.cmp(other));
            ends
        };
        let removed = State::Cancelled(CancelReason::EndpointRemoved);
        let at_once = [("new".to_owned(), State::Pending), ("old".to_owned(), removed)];
        assert_eq!(ends().await, at_once, "{moment:?}");
        world.run_for(hours(1)).await;
        let delivered = State::Delivered { confirmed: true };
        assert_eq!(ends().await, [("new".to_owned(), delivered), ("old".to_owned(), removed)], "{moment:?}");
    }
}

/// Another process, which removes the endpoint and registers its id again just before an
/// event is stored that was routed already.
struct ReplacesWhatWasRoutedTo {
    other: Webhooks,
    by: NewEndpoint,
    done: AtomicBool,
}

#[async_trait::async_trait]
impl Interpose for ReplacesWhatWasRoutedTo {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        let is_routed = |publish: &Publish| publish.routes.as_ref().is_some_and(|routes| !routes.is_empty());
        if let Call::Publish(publishes, _) = call
            && publishes.iter().any(is_routed)
            && !self.done.swap(true, Ordering::SeqCst)
        {
            self.other.remove(&acme(), &id("e")).await.unwrap();
            self.other.register(self.by.clone()).await.unwrap();
        }
        Ok(())
    }

    async fn after(&self, _: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_published_while_its_endpoint_is_replaced_goes_to_what_wants_it_then() {
    let wants_other = at_the_url_of("two").events(["other"]).unwrap();
    for (by, requests) in [(wants_other, 0), (at_the_url_of("two"), 1)] {
        let world = World::new();
        let replaces =
            ReplacesWhatWasRoutedTo { other: world.webhooks.clone(), by, done: AtomicBool::new(false) };
        let store = Arc::new(Interposed::new(world.store.clone(), replaces));
        let builder = Webhooks::builder(store.clone(), world.transport.clone());
        let publishing = builder.clock(world.clock.clone()).build().unwrap();
        world.webhooks.register(at_the_url_of("one")).await.unwrap();
        publishing.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
        assert!(store.between().done.load(Ordering::SeqCst));
        world.run_for(hours(1)).await;
        assert_eq!((world.sent_to("one").len(), world.sent_to("two").len()), (0, requests));
        assert_eq!(world.deliveries().await.len(), requests);
    }
}
