//! Testing an endpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use hookpost::delivery::{AttemptResult, FailReason, State};
use hookpost::testing::Reply;
use world::{World, acme, hours, id};

#[tokio::test(start_paused = true)]
async fn fb15_a_test_is_one_signed_request_now_also_on_a_disabled_hook() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.webhooks.disable(&acme(), &id("e")).await.unwrap();
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.transport.otherwise(Reply::status(202).body("thanks").after(Duration::from_millis(120)));
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();

    assert!(report.success);
    assert_eq!(report.result, Some(AttemptResult::Status(http::StatusCode::ACCEPTED)));
    assert_eq!((report.took, &report.body[..]), (Duration::from_millis(120), &b"thanks"[..]));
    assert_eq!(report.state, State::Delivered { confirmed: true });
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].headers["x-webhook-test"], "true");
    assert!(sent[0].headers.contains_key("x-webhook-signature"));
}

#[tokio::test(start_paused = true)]
async fn fb15_a_failing_test_is_not_repeated_and_leaves_the_endpoints_health_alone() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(500));
    for _ in 0..10 {
        let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
        assert!(!report.success);
        assert_eq!(report.state, State::Failed(FailReason::Exhausted));
    }
    world.run_for(hours(2)).await;
    assert_eq!(world.sent().len(), 10, "no retry");

    world.transport.otherwise(Reply::ok());
    world.publish("k").await;
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(world.sent().len(), 11, "ten failed tests have not made the lane sick");
}

#[tokio::test(start_paused = true)]
async fn a_410_to_a_test_disables_nothing() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(410));
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
    assert_eq!(report.state, State::Failed(FailReason::Gone));
    assert!(world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_nobody_waited_for_is_abandoned_and_never_sent_again() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::hang());
    let waited = tokio::time::timeout(Duration::from_secs(1), world.webhooks.test(&acme(), &id("e"))).await;
    assert!(waited.is_err());
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.states().await, [State::Failed(FailReason::Abandoned)]);
}
