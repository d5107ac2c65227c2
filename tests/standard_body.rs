//! The body that `standard` and `standard_raw` send, and how receivers read it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::profile::StandardEvent;
use hookpost::testing::Reply;
use hookpost::webhooks::TestError;
use hookpost::{NewEvent, Profile, PublishError, Scheme, Secret, Timestamp, Verifier};
use serde_json::Value;
use world::{START, World, acme, hours, id};

/// The secret of the endpoints in `world`.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const DELIVERED: State = State::Delivered { confirmed: true };

async fn sent_for(profile: &str, event: NewEvent) -> Vec<u8> {
    let world = World::new();
    world.endpoint("e", profile).await;
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(world.states().await, [DELIVERED]);
    world.sent()[0].body.to_vec()
}

fn of(payload: &str) -> NewEvent {
    NewEvent::json("acme", "order.paid", payload.to_owned()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn standard_sends_type_and_timestamp_around_the_payload_as_it_was_published() {
    for payload in [r#"{"b":1.10,  "a":1,"a":-0.0}"#, r#""\u0000\/ 🦊""#, "null", "1e400", "[\r\n]"] {
        let body = String::from_utf8(sent_for("standard", of(payload)).await).unwrap();
        assert_eq!(
            body,
            format!(r#"{{"type":"order.paid","timestamp":"2026-01-01T00:00:00.000000Z","data":{payload}}}"#)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn standard_raw_sends_the_payload_alone_under_its_own_content_type() {
    assert_eq!(sent_for("standard_raw", of(r#" {"n": 1} "#)).await, br#" {"n": 1} "#);
    let bytes = NewEvent::bytes("acme", "order.paid", "application/octet-stream", b"\xff\0".as_slice());
    assert_eq!(sent_for("standard_raw", bytes.unwrap()).await, b"\xff\0");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_replaces_standard_has_replaced_standard_raw_too() {
    let quick = Profile { timeout: Duration::from_secs(2), ..Profile::standard() };
    let world = World::with(|builder| builder.profile(quick));
    world.endpoint("e", "standard_raw").await;
    world.transport.otherwise(Reply::hang());
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
    assert_eq!(report.took, Duration::from_secs(2));

    let slow = Profile { timeout: Duration::from_secs(9), ..Profile::standard_raw() };
    let world = World::with(|builder| builder.profile(slow));
    world.endpoint("e", "standard_raw").await;
    world.transport.otherwise(Reply::hang());
    assert_eq!(world.webhooks.test(&acme(), &id("e")).await.unwrap().took, Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_json_cannot_be_wrapped_and_says_so() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.webhooks.publish(NewEvent::bytes("acme", "k", "text/plain", "{}").unwrap()).await.unwrap();
    world.run_for(Duration::from_secs(1)).await;
    let delivery = &world.deliveries().await[0];
    assert_eq!(delivery.state, State::Failed(FailReason::Unrenderable));
    assert!(delivery.why.as_deref().unwrap().starts_with("content_type: "), "{:?}", delivery.why);
    assert!(world.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_the_timestamp_of_the_event_in_its_body() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("order.paid").await;
    world.run_for(hours(1)).await;
    let sent = world.sent();
    assert!(sent.len() > 2);
    assert!(sent.iter().all(|exchange| exchange.body == sent[0].body));
    assert_ne!(sent[0].headers["webhook-timestamp"], sent[2].headers["webhook-timestamp"]);
    let event: StandardEvent<Value> = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!(
        (event.kind.as_str(), event.timestamp, event.data["n"].as_u64()),
        ("order.paid", START, Some(1))
    );
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(tag = "type", content = "data")]
enum Received {
    #[serde(rename = "order.paid")]
    Paid { order: u64 },
    #[serde(rename = "order.refunded")]
    Refunded { order: u64 },
    #[serde(rename = "webhook.test")]
    Test { test: bool },
}

#[tokio::test(start_paused = true)]
async fn a_typed_receiver_can_tell_what_happened() {
    let read = async |kind: &str| {
        let event = NewEvent::json("acme", kind, r#"{"order":7}"#).unwrap();
        serde_json::from_slice::<Received>(&sent_for("standard", event).await).unwrap()
    };
    assert_eq!(read("order.paid").await, Received::Paid { order: 7 });
    assert_eq!(read("order.refunded").await, Received::Refunded { order: 7 });
}

#[tokio::test(start_paused = true)]
async fn a_test_of_standard_is_a_whole_event_whose_type_says_that_it_is_one() {
    let verifier = Verifier::new(&Scheme::standard(), [Secret::new(SECRET).unwrap()]).unwrap();
    for profile in ["standard", "standard_raw"] {
        let world = World::new();
        let new = world::endpoint("e", profile).events(["order.paid"]).unwrap();
        world.webhooks.register(new).await.unwrap();
        assert!(world.webhooks.test(&acme(), &id("e")).await.unwrap().success);
        let sent = &world.sent()[0];
        let read = verifier.verify(&sent.headers, &sent.body, sent.began_at).unwrap();
        assert_eq!(serde_json::from_slice::<Received>(read.body()).unwrap(), Received::Test { test: true });
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_with_an_event_of_the_hosts_sends_that_event_to_this_endpoint_alone() {
    let world = World::new();
    let new = world::endpoint("e", "standard").events(["user.*"]).unwrap();
    world.webhooks.register(new).await.unwrap();
    world.endpoint("another", "standard").await;
    world.webhooks.disable(&acme(), &id("e")).await.unwrap();

    let event = of(r#"{"order":7}"#).id("mine").unwrap();
    let event = event.ordering_key("k").unwrap().not_before(START + hours(3));
    let report = world.webhooks.test_with(&acme(), &id("e"), event).await.unwrap();
    assert!(report.success);
    assert_eq!(report.event.as_str(), "mine");
    world.run_for(hours(4)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(serde_json::from_slice::<Received>(&sent[0].body).unwrap(), Received::Paid { order: 7 });
}

#[tokio::test(start_paused = true)]
async fn a_test_with_an_ordering_key_waits_for_no_older_event_of_it() {
    let (world, hosts) = World::on_a_directory_of_the_hosts_own();
    hosts.register(world::endpoint("e", "standard")).await.unwrap();
    let ordered = || of(r#"{"order":7}"#).ordering_key("k").unwrap();
    let unrouted = hookpost::delivery::Publish {
        event: std::sync::Arc::new(ordered().into_event("older".parse().unwrap(), START, 100).unwrap()),
        routes: None,
    };
    hookpost::backend::Store::publish(&*world.store, &[unrouted], None, START).await.unwrap();
    assert!(world.webhooks.test_with(&acme(), &id("e"), ordered()).await.unwrap().success);
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_test_takes_no_event_of_another_tenant_and_none_that_was_there() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    let strangers = NewEvent::json("other", "order.paid", "{}").unwrap();
    let error = world.webhooks.test_with(&acme(), &id("e"), strangers).await.unwrap_err();
    assert_eq!(error.to_string(), "tenant: must be the endpoint's");

    for event in [of("{}").id("one").unwrap(), of("{}").idempotency_key("once").unwrap()] {
        assert!(world.webhooks.test_with(&acme(), &id("e"), event.clone()).await.unwrap().success);
        let error = world.webhooks.test_with(&acme(), &id("e"), event).await.unwrap_err();
        assert!(matches!(error, TestError::KeyReused { .. }), "{error}");
    }
    assert_eq!(world.sent().len(), 2);
    let repeated = world.webhooks.publish(of(r#"{"x":1}"#).id("one").unwrap()).await.unwrap_err();
    assert!(matches!(repeated, PublishError::KeyReused { .. }));
}

#[test]
fn a_standard_event_is_read_from_any_senders_body() {
    let read = |body: &str| serde_json::from_str::<StandardEvent<Value>>(body);
    let event =
        read(r#"{"data":{},"timestamp":"2022-11-03T20:26:10.344522Z","type":"invoice.paid","more":1}"#);
    let event = event.unwrap();
    assert_eq!(
        (event.kind.as_str(), event.timestamp.to_string()),
        ("invoice.paid", "2022-11-03T20:26:10.344522Z".into())
    );
    assert_eq!(
        read(r#"{"type":"k","timestamp":"2022-11-03\u005420:26:10+07:00","data":1}"#).unwrap().data,
        1
    );
    for body in [
        r#"{"type":"k","timestamp":1,"data":1}"#,
        r#"{"type":"k","timestamp":"now","data":1}"#,
        r#"{"data":1}"#,
    ] {
        assert!(read(body).is_err(), "{body}");
    }
    let own = StandardEvent { kind: "k".to_owned(), timestamp: Timestamp::EPOCH, data: 7 };
    let text = r#"{"type":"k","timestamp":"1970-01-01T00:00:00.000000Z","data":7}"#;
    assert_eq!(serde_json::to_string(&own).unwrap(), text);
}
