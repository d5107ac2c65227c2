//! From a publish to requests: fan-out, isolation of one endpoint from another,
//! pauses, disabling, order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use hookpost::delivery::{CancelReason, FailReason, State};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::Scope;
use hookpost::testing::{Behaviour, Reply};
use hookpost::{NewEvent, Overrides, Subscription};
use world::{START, World, acme, endpoint, hours, id, seconds, url};

const DELIVERED: State = State::Delivered { confirmed: true };

#[tokio::test(start_paused = true)]
async fn fa5_a_live_session_request_has_its_headers_its_url_and_exactly_eight_keys() {
    let world = World::new();
    let new = endpoint("e", "live_session").subscription(Subscription::to_all());
    world.webhooks.register(new).await.unwrap();
    let payload = include_str!("fixtures/systems/ls_01_jserror.json");
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
    let event =
        NewEvent::serialize("acme", "session.event", &payload["payload"]).unwrap().scope("w1").unwrap();
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;

    let sent = &world.sent()[0];
    assert_eq!(sent.url, url("e"), "path and query byte for byte");
    assert_eq!(sent.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(sent.headers["user-agent"], "LiveSessionWebhooks/1.0");
    assert_eq!(sent.headers.get_all("livesession-signature").iter().count(), 1);
    let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
    let keys: BTreeSet<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "account_id",
        "api_version",
        "created_at",
        "message_id",
        "payload",
        "webhook_id",
        "webhook_type",
        "website_id",
    ];
    assert_eq!(keys, BTreeSet::from(expected));
    assert_eq!(body["created_at"], START.unix_seconds());
    assert_eq!(body["payload"], payload["payload"]);
}

#[tokio::test(start_paused = true)]
async fn fa11_an_event_of_one_website_reaches_the_endpoints_of_that_website_alone() {
    let world = World::new();
    for (name, website) in [("one", "w1"), ("two", "w2")] {
        let scope = Scope::new(website).unwrap();
        let new = endpoint(name, "live_session").subscription(Subscription::to_all().within(scope));
        world.webhooks.register(new).await.unwrap();
    }
    let event = NewEvent::json("acme", "session.event", "{}").unwrap().scope("w1").unwrap();
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!((world.sent_to("one").len(), world.sent_to("two").len()), (1, 0));
    let body: serde_json::Value = serde_json::from_slice(&world.sent()[0].body).unwrap();
    assert_eq!(body["website_id"], "w1");
}

#[tokio::test(start_paused = true)]
async fn fa20_one_message_that_always_fails_does_not_hold_up_the_99_behind_it() {
    let world = World::new();
    let wide = Overrides::none().width(NonZeroU32::new(100).unwrap()).unwrap();
    world.webhooks.register(endpoint("e", "live_session").overrides(wide)).await.unwrap();
    world.transport.otherwise(Behaviour::by(|exchange, _| {
        let first = String::from_utf8_lossy(&exchange.body).contains("first");
        Reply::status(if first { 500 } else { 200 })
    }));
    world.webhooks.publish(NewEvent::json("acme", "k", r#""first""#).unwrap()).await.unwrap();
    for _ in 0..99 {
        world.publish("k").await;
    }
    let mut delivered = 0;
    for _ in 0..3 {
        delivered += world.webhooks.tick().await.unwrap().succeeded;
    }
    assert_eq!(delivered, 99);
    assert!(seconds(&world.sent()).iter().all(|second| *second == 0), "in no time at all");
}

#[tokio::test(start_paused = true)]
async fn fa21_message_ids_are_the_same_over_retries_and_differ_between_messages() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    world.publish("k").await;
    world.run_for(hours(1)).await;
    let sent = world.sent();
    assert_eq!(sent[0].headers["webhook-id"], sent[1].headers["webhook-id"]);
    assert_ne!(sent[0].headers["webhook-timestamp"], sent[1].headers["webhook-timestamp"]);

    let mut ids = BTreeSet::new();
    for _ in 0..100_000 {
        ids.insert(world.publish("unwanted").await);
    }
    assert_eq!(ids.len(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn fb5_x_webhook_requests_carry_their_headers_and_no_empty_ones() {
    let world = World::new();
    world.endpoint("signed", "x_webhook").await;
    let plain = hookpost::NewEndpoint::new("acme", url("plain"), "x_webhook").unwrap().id("plain").unwrap();
    world.webhooks.register(plain).await.unwrap();
    world.publish("message.received").await;
    world.run_for(Duration::from_secs(5)).await;
    for (name, signed) in [("signed", true), ("plain", false)] {
        let sent = &world.sent_to(name)[0];
        let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(sent.headers["content-type"], "application/json");
        assert_eq!(sent.headers["x-webhook-event"], "message.received");
        assert_eq!(sent.headers["x-webhook-timestamp"], body["timestamp"].as_str().unwrap());
        assert_eq!(sent.headers.contains_key("x-webhook-signature"), signed);
        assert!(!sent.headers.contains_key("x-webhook-test"));
    }
}

#[tokio::test(start_paused = true)]
async fn fb10_three_hooks_and_two_events_make_four_deliveries_and_one_that_is_down_delays_none() {
    let world = World::new();
    for (name, events) in [
        ("messages", vec!["message.received"]),
        ("conversations", vec!["conversation.started"]),
        ("both", vec!["message.received", "conversation.started"]),
    ] {
        world.webhooks.register(endpoint(name, "x_webhook").events(events).unwrap()).await.unwrap();
    }
    world.transport.at(url("both"), Reply::hang());
    world.publish("message.received").await;
    world.publish("conversation.started").await;
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.deliveries().await.len(), 4);
    for name in ["messages", "conversations"] {
        assert_eq!(seconds(&world.sent_to(name)), [0], "{name}");
    }
    let delivered = world.states().await.iter().filter(|state| **state == DELIVERED).count();
    assert_eq!(delivered, 2);
}

#[tokio::test(start_paused = true)]
async fn fb11_a_disabled_hook_gets_nothing_and_after_enabling_only_what_comes_later() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    world.publish("before").await;
    world.run_for(Duration::from_secs(10)).await;
    world.webhooks.disable(&acme(), &id("e")).await.unwrap();
    world.publish("meanwhile").await;
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 1, "the pending retry is not sent");
    assert_eq!(world.states().await, [State::Pending]);

    world.webhooks.enable(&acme(), &id("e")).await.unwrap();
    world.publish("after").await;
    world.run_for(hours(1)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].headers["x-webhook-event"], "after");
    let cancelled = State::Cancelled(CancelReason::EndpointDisabled);
    assert_eq!(world.states().await, [cancelled, DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_catches_up_sends_what_was_pending_when_it_is_enabled_again() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    world.publish("before").await;
    world.run_for(Duration::from_secs(10)).await;
    world.webhooks.disable(&acme(), &id("e")).await.unwrap();
    world.run_for(hours(1)).await;
    world.webhooks.enable(&acme(), &id("e")).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.states().await, [DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_removed_endpoint_is_cancelled() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    world.run_for(Duration::from_secs(10)).await;
    assert!(world.webhooks.remove(&acme(), &id("e")).await.unwrap());
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.states().await, [State::Cancelled(CancelReason::EndpointRemoved)]);
}

#[tokio::test(start_paused = true)]
async fn removing_an_endpoint_cancels_what_waits_at_once_and_settles_the_rest_by_its_answer() {
    let world = World::new();
    world.webhooks.register(endpoint("e", "standard")).await.unwrap();
    world.transport.otherwise(Reply::ok().after(Duration::from_secs(5)));
    for n in 0..1500 {
        let event = NewEvent::json("acme", "k", n.to_string()).unwrap();
        let event = if n % 3 == 0 { event.ordering_key("key").unwrap() } else { event };
        world.webhooks.publish(event).await.unwrap();
    }
    let removing = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(world.webhooks.remove(&acme(), &id("e")).await.unwrap());
        let stats = world.webhooks.stats(None).await.unwrap();
        assert_eq!(stats.pending, 16, "what is under way");
        world.webhooks.register(endpoint("e", "standard")).await.unwrap();
    };
    tokio::join!(world.run_for(Duration::from_secs(20)), removing);
    let stats = world.webhooks.stats(None).await.unwrap();
    assert_eq!((stats.pending, stats.delivered, stats.cancelled, stats.oldest_due), (0, 16, 1484, None));
    assert_eq!(world.sent().len(), 16, "nothing of the first goes to the second of its id");
    let removed = State::Cancelled(CancelReason::EndpointRemoved);
    assert!(world.states().await.iter().all(|state| [DELIVERED, removed].contains(state)));
}

#[tokio::test(start_paused = true)]
async fn a_paused_endpoint_keeps_its_events_and_a_resume_sends_them() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.publish("k").await;
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 0);
    world.webhooks.resume(&acme(), &id("e")).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.states().await, [DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn expedite_sends_now_lifts_the_hold_and_never_ends_a_pause() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    for _ in 0..3 {
        world.publish("k").await;
    }
    world.run_for(Duration::from_secs(10)).await;
    let before = world.sent().len();
    world.transport.otherwise(Reply::ok());
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    let all = Selection::default();
    world.webhooks.expedite(&acme(), &all, PageAfter::first(10)).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.sent().len(), before, "still paused");
    world.webhooks.resume(&acme(), &id("e")).await.unwrap();
    world.webhooks.expedite(&acme(), &all, PageAfter::first(10)).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.states().await, [DELIVERED; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_sick_endpoint_is_probed_with_one_request_and_then_2_4_8_at_once() {
    let world = World::new();
    let new = endpoint("e", "live_session")
        .overrides(Overrides::none().width(NonZeroU32::new(8).unwrap()).unwrap());
    world.webhooks.register(new).await.unwrap();
    world.transport.otherwise(Reply::status(500).after(Duration::from_millis(100)));
    for _ in 0..200 {
        world.publish("k").await;
    }
    world.run_for(Duration::from_secs(60)).await;
    let sick = world.sent().len();
    assert!(sick < 40, "a sick endpoint is left alone, not hammered: {sick}");
    world.transport.otherwise(Reply::ok().after(Duration::from_millis(100)));
    world.run_for(hours(2)).await;
    let mut at_once: Vec<usize> = Vec::new();
    let mut last = None;
    for exchange in &world.sent()[sick..] {
        if last == Some(exchange.began_at) {
            *at_once.last_mut().unwrap() += 1;
        } else {
            at_once.push(1);
        }
        last = Some(exchange.began_at);
    }
    assert_eq!(at_once[..4], [1, 2, 4, 8], "{at_once:?}");
    assert_eq!(world.webhooks.stats(None).await.unwrap().delivered, 200);
}

#[tokio::test(start_paused = true)]
async fn fg4_a_410_ends_the_delivery_and_disables_the_endpoint_it_was_sent_to() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(410));
    world.publish("k").await;
    world.run_for(Duration::from_secs(10)).await;
    assert_eq!(world.states().await, [State::Failed(FailReason::Gone)]);
    assert!(!world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
    assert_eq!(world.heard.count("Disabled"), 1);
}

#[tokio::test(start_paused = true)]
async fn fg4_a_410_for_an_older_version_leaves_the_changed_endpoint_enabled() {
    let world = World::new();
    let before = world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(410).after(Duration::from_secs(5)));
    world.publish("k").await;
    world.run_for(Duration::ZERO).await;
    let webhooks = world.webhooks.clone();
    let version = before.version;
    let change = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        webhooks.update(&id("e"), version, endpoint("e", "live_session")).await.unwrap();
    });
    world.run_for(Duration::from_secs(20)).await;
    change.await.unwrap();
    assert_eq!(world.states().await, [State::Failed(FailReason::Gone)]);
    assert!(world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
}

#[tokio::test(start_paused = true)]
async fn fg4_continuous_failure_disables_in_standard_and_never_in_live_session() {
    for (profile, enabled) in [("standard", false), ("live_session", true)] {
        let world = World::new();
        world.endpoint("e", profile).await;
        world.transport.otherwise(Reply::status(500));
        for day in 0..7 {
            let event = NewEvent::json("acme", "k", "{}").unwrap().not_before(START + hours(24 * day));
            world.webhooks.publish(event).await.unwrap();
        }
        world.run_for(hours(7 * 24)).await;
        let endpoint = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap();
        assert_eq!(endpoint.enabled, enabled, "{profile}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_one_ordering_key_arrive_one_at_a_time_in_publish_order() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    let fails_once = std::sync::Mutex::new(true);
    world.transport.otherwise(Behaviour::by(move |_, _| {
        let fail = std::mem::take(&mut *fails_once.lock().unwrap());
        Reply::status(if fail { 500 } else { 200 }).after(Duration::from_millis(50))
    }));
    for n in 0..20 {
        let event = NewEvent::json("acme", "k", n.to_string()).unwrap().ordering_key("chat-7").unwrap();
        world.webhooks.publish(event).await.unwrap();
    }
    world.run_for(hours(1)).await;
    let sent = world.sent();
    let order: Vec<_> = sent
        .iter()
        .map(|exchange| {
            serde_json::from_slice::<serde_json::Value>(&exchange.body).unwrap()["payload"].clone()
        })
        .collect();
    let mut expected: Vec<_> = (0..20).map(serde_json::Value::from).collect();
    expected.insert(0, 0.into());
    assert_eq!(order, expected);
    assert!(sent.windows(2).all(|pair| pair[0].ended_at.unwrap() <= pair[1].began_at));
}

#[tokio::test(start_paused = true)]
async fn an_event_for_two_thousand_endpoints_is_routed_in_chunks_to_each_once() {
    let world = World::new();
    for n in 0..2_345 {
        world.endpoint(&format!("e{n}"), "standard").await;
    }
    world.publish("k").await;
    world.run_for(Duration::from_secs(5)).await;
    let hosts: BTreeSet<_> = world.sent().into_iter().map(|exchange| exchange.host).collect();
    assert_eq!((hosts.len(), world.sent().len()), (2_345, 2_345));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_gets_no_event_from_before_it_was_registered() {
    let world = World::new();
    world.publish("before").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.endpoint("e", "live_session").await;
    world.publish("after").await;
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.sent().len(), 1);
}

/// A first event is on its way when a second and a third come: how long the third one's
/// publisher waits, with one slot for all.
async fn wait_of_a_publisher_who_meets_a_full_engine(answers_after: Duration) -> Duration {
    let world = World::with(|builder| builder.concurrency(1));
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::ok().after(answers_after));
    let publisher = async {
        world.publish("first").await;
        world.publish("second").await;
        while world.sent().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(answers_after).await;
        while world.sent().len() < 2 {
            tokio::task::yield_now().await;
        }
        let began = tokio::time::Instant::now();
        world.publish("third").await;
        let waited = began.elapsed();
        tokio::time::sleep(answers_after * 5).await;
        waited
    };
    let (run, waited) = tokio::join!(world.run_for(answers_after * 10), publisher);
    assert_eq!((run, world.sent().len()), ((), 3));
    waited
}

#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_a_slot_that_is_near_and_at_most_three_milliseconds() {
    let near = wait_of_a_publisher_who_meets_a_full_engine(Duration::from_millis(2)).await;
    assert!((1..=2).contains(&near.as_millis()), "until the request before it has landed: {near:?}");
    let far = wait_of_a_publisher_who_meets_a_full_engine(Duration::from_secs(2)).await;
    assert!((3..=4).contains(&far.as_millis()), "and no longer: {far:?}");
}

#[tokio::test(start_paused = true)]
async fn a_narrow_lane_takes_its_next_request_as_soon_as_one_has_ended() {
    let world = World::with(|builder| builder.poll(Duration::from_secs(20)));
    let narrow = Overrides::none().width(NonZeroU32::new(2).unwrap()).unwrap();
    world.webhooks.register(endpoint("e", "standard").overrides(narrow)).await.unwrap();
    world.transport.otherwise(Reply::ok().after(Duration::from_millis(10)));
    for _ in 0..100 {
        world.publish("k").await;
    }
    world.run_for(Duration::from_secs(2)).await;
    assert_eq!(world.sent().len(), 100, "two at a time, 10 ms each, without a poll");
}
