//! When a delivery is tried again, and when it is given up: the rows of the carried
//! systems on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::history::{PageAfter, Selection};
use hookpost::policy::outcome::NotSent;
use hookpost::policy::retry::{Life, NextTry};
use hookpost::testing::{Behaviour, Reply};
use hookpost::{NewEndpoint, NewEvent, Profile, Secret};
use world::{START, World, acme, hours, id, minutes, seconds, url};

#[tokio::test(start_paused = true)]
async fn fa16_a_live_session_endpoint_that_always_fails_gets_51_attempts_in_8_hours() {
    let world = World::new();
    world.endpoint("down", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("session.event").await;
    world.run_for(hours(30)).await;

    let mut expected = vec![0, 1, 3, 7];
    expected.extend((15..=475).step_by(10));
    assert_eq!(minutes(&world.sent()), expected);
    assert_eq!(expected.len(), 51);
    assert_eq!(world.states().await, [State::Failed(FailReason::RetryWindow)]);
    let settled = world.deliveries().await[0].settled_at.unwrap();
    assert!(settled.since(START) <= Duration::from_secs(480 * 60));
}

#[test]
fn fa17_ten_thousand_jittered_gaps_are_between_one_minute_and_ten() {
    let retry = Profile::live_session().retry;
    let mut roll = 0_u64;
    let (mut shortest, mut longest) = (Duration::MAX, Duration::ZERO);
    for sample in 0..10_000 {
        // Every gap of the schedule meets rolls from the whole range, both ends among them.
        let life =
            Life { attempts: 1 + sample % 20, born_at: START, first_attempt_at: None, expires_at: None };
        let at = match sample {
            0..20 => retry.after_failure(&life, START, None, 0),
            20..40 => retry.after_failure(&life, START, None, u64::MAX),
            _ => retry.after_failure(&life, START, None, roll),
        };
        roll = roll.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let NextTry::At(at) = at else { panic!("{at:?}") };
        let gap = at.since(START);
        (shortest, longest) = (shortest.min(gap), longest.max(gap));
    }
    assert_eq!((shortest, longest), (Duration::from_secs(60), Duration::from_secs(600)));
}

#[tokio::test(start_paused = true)]
async fn fa17_a_gap_begins_at_the_end_of_the_attempt_before() {
    let world = World::with(|builder| builder.profile(Profile::live_session()));
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500).after(Duration::from_secs(9)));
    world.publish("session.event").await;
    world.run_for(hours(8)).await;
    let sent = world.sent();
    assert!(sent.len() > 40, "{}", sent.len());
    let gaps = sent.windows(2).map(|pair| pair[1].began_at.since(pair[0].ended_at.unwrap()));
    let gaps: Vec<_> = gaps.collect();
    // What is due is claimed by the engine's next round, within milliseconds.
    assert!(gaps.iter().all(|gap| (60..=600).contains(&gap.as_secs())), "{gaps:?}");
    let jittered = |gap: &Duration| (10..990).contains(&gap.subsec_millis());
    assert!(gaps.iter().any(jittered), "the preset's own jitter is on: {gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn fa18_a_queue_paused_for_24_hours_fails_expired_without_an_attempt() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.publish("session.event").await;
    world.run_for(hours(25)).await;
    assert_eq!(world.states().await, [State::Pending], "a pause keeps it pending");
    world.webhooks.resume(&acme(), &id("e")).await.unwrap();
    world.run_for(hours(1)).await;
    assert_eq!(world.states().await, [State::Failed(FailReason::Expired)]);
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn fa18_a_first_attempt_at_20_hours_ends_at_24_and_not_at_28() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.publish("session.event").await;
    world.run_for(hours(20)).await;
    world.webhooks.resume(&acme(), &id("e")).await.unwrap();
    world.run_for(hours(20)).await;
    let began = minutes(&world.sent());
    assert_eq!(began[0], 20 * 60);
    assert!(*began.last().unwrap() <= 24 * 60, "{began:?}");
    assert_eq!(world.states().await, [State::Failed(FailReason::Expired)]);
    assert!(world.deliveries().await[0].settled_at.unwrap().since(START) <= hours(24));
}

#[tokio::test(start_paused = true)]
async fn fa19_six_failures_and_a_success_send_the_same_bytes_and_signature_seven_times() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    let failures = std::iter::repeat_n(Reply::status(503), 6);
    world.transport.otherwise(Behaviour::sequence(failures.chain([Reply::ok()])));
    world.publish("session.event").await;
    world.run_for(hours(2)).await;

    let sent = world.sent();
    assert_eq!(world.states().await, [State::Delivered { confirmed: true }]);
    assert_eq!((sent.len(), world.deliveries().await[0].attempts), (7, 7));
    assert!(sent.iter().all(|exchange| exchange.body == sent[0].body));
    let signature = &sent[0].headers["livesession-signature"];
    assert!(sent.iter().all(|exchange| exchange.headers["livesession-signature"] == signature));
}

#[tokio::test(start_paused = true)]
async fn fa23_a_rotated_secret_signs_from_the_next_attempt_on() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("session.event").await;
    world.run_for(Duration::from_secs(30)).await;
    let next = Secret::new("the-next-secret").unwrap();
    world.webhooks.rotate_secret(&acme(), &id("e"), next, hours(24)).await.unwrap();
    world.run_for(Duration::from_secs(60)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body, sent[1].body);
    assert_ne!(sent[0].headers["livesession-signature"], sent[1].headers["livesession-signature"]);
}

#[tokio::test(start_paused = true)]
async fn fb14_an_x_webhook_endpoint_that_fails_gets_3_attempts_60_seconds_apart_and_a_dead_letter() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("message.received").await;
    world.run_for(hours(2)).await;
    assert_eq!(seconds(&world.sent()), [0, 60, 120]);
    assert_eq!(world.states().await, [State::Failed(FailReason::Exhausted)]);
    assert_eq!(world.heard.count("DeadLetter"), 1);
}

#[tokio::test(start_paused = true)]
async fn fg5_retry_after_is_obeyed_in_both_forms_and_clamped_to_an_hour() {
    for (value, waits) in [
        ("7", 60),
        ("120", 120),
        ("1000000000", 3600),
        ("-5", 60),
        ("1e30", 60),
        ("Thu, 01 Jan 2026 00:05:00 GMT", 300),
    ] {
        let world = World::new();
        world.endpoint("e", "live_session").await;
        let busy = Reply::status(429).header("retry-after", value);
        world.transport.otherwise(Behaviour::sequence([busy, Reply::ok()]));
        world.publish("session.event").await;
        world.run_for(hours(2)).await;
        assert_eq!(seconds(&world.sent()), [0, waits], "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn fg5_a_retry_after_past_the_end_fails_at_once() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(503).header("retry-after", "3600"));
    let event = NewEvent::json("acme", "k", "{}").unwrap().expires_at(START + Duration::from_secs(1800));
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(10)).await;
    assert_eq!(world.states().await, [State::Failed(FailReason::Expired)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_not_sent_before_its_not_before_and_its_age_counts_from_there() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    let event = NewEvent::json("acme", "k", "{}").unwrap().not_before(START + hours(30));
    world.webhooks.publish(event).await.unwrap();
    world.run_for(hours(31)).await;
    assert_eq!(minutes(&world.sent()), [30 * 60]);
    assert_eq!(world.states().await, [State::Delivered { confirmed: true }]);
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_name_is_an_attempt_and_retried_but_a_forbidden_literal_fails_at_once() {
    for (why, attempts, state) in [
        (NotSent::Blocked, 2, State::Pending),
        (NotSent::BlockedLiteral, 1, State::Failed(FailReason::Blocked)),
    ] {
        let world = World::new();
        world.endpoint("e", "live_session").await;
        world.transport.otherwise(Reply::not_sent(why));
        world.publish("k").await;
        world.run_for(Duration::from_secs(90)).await;
        let delivery = &world.deliveries().await[0];
        assert_eq!((delivery.attempts, delivery.state), (attempts, state), "{why:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_fault_burns_no_attempt_and_pauses_claiming() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    let faults = std::iter::repeat_n(Reply::not_sent(NotSent::Ours), 3);
    world.transport.otherwise(Behaviour::sequence(faults.chain([Reply::ok()])));
    world.publish("k").await;
    world.run_for(Duration::from_secs(60)).await;
    assert_eq!(seconds(&world.sent()), [0, 1, 3, 7], "pauses of 1, 2 and 4 s");
    let delivery = &world.deliveries().await[0];
    assert_eq!((delivery.attempts, delivery.state), (1, State::Delivered { confirmed: true }));
    let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
    assert_eq!(log.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_there_was_no_room_for_burns_no_attempt_and_pauses_its_own_endpoint_alone() {
    let world = World::new();
    world.endpoint("busy", "standard").await;
    world.endpoint("other", "standard").await;
    let busy = std::iter::repeat_n(Reply::not_sent(NotSent::Busy), 3);
    world.transport.at(url("busy"), Behaviour::sequence(busy.chain([Reply::ok()])));
    let publish_again = async {
        world.publish("k").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.publish("k").await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    };
    world.webhooks.run(publish_again).await.unwrap();
    assert_eq!(seconds(&world.sent_to("busy")), [0, 1, 1, 2, 2], "both events wait for the lane");
    assert_eq!(seconds(&world.sent_to("other")), [0, 0]);
    assert_eq!(world.heard.count("OwnFault"), 0);
    for delivery in world.deliveries().await {
        assert_eq!((delivery.attempts, delivery.state), (1, State::Delivered { confirmed: true }));
        let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
        assert_eq!(log.attempts.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_two_days_ahead_expires_nothing_for_one_lease() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    world.publish("k").await;
    world.run_for(Duration::from_secs(30)).await;
    world.clock.jump_ahead(hours(48));
    world.run_for(Duration::from_secs(40)).await;
    assert_eq!(world.states().await, [State::Delivered { confirmed: true }]);
    assert_eq!(world.heard.count("ClockJumped"), 1);
}

#[tokio::test(start_paused = true)]
async fn fg3_a_resend_is_a_new_delivery_of_the_same_message_asked_for_once() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    world.run_for(hours(1)).await;
    world.transport.otherwise(Reply::ok());
    let dead = world.deliveries().await[0].clone();
    let selection = Selection { ids: Some(vec![dead.id]), ..Selection::default() };
    for _ in 0..2 {
        let replay = "again".parse().unwrap();
        world.webhooks.replay(&acme(), replay, selection.clone(), PageAfter::first(10)).await.unwrap();
    }
    world.run_for(hours(1)).await;
    let deliveries = world.deliveries().await;
    assert_eq!(deliveries.len(), 2);
    assert!(deliveries.contains(&dead), "the dead letter stays as it was");
    let sent = world.sent();
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|exchange| exchange.body == sent[0].body));
}

#[tokio::test(start_paused = true)]
async fn fg3_a_purge_cancels_what_is_pending_for_one_endpoint() {
    let world = World::new();
    world.endpoint("a", "live_session").await;
    world.endpoint("b", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    world.run_for(Duration::from_secs(10)).await;
    world.webhooks.purge(&acme(), &id("a"), PageAfter::first(100)).await.unwrap();
    world.run_for(hours(1)).await;
    assert_eq!(world.sent_to("a").len(), 1);
    assert!(world.sent_to("b").len() > 3);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_names_fail_alone_in_a_round_of_the_hosts_own_is_not_our_own_fault() {
    let world = World::new();
    for tenant in ["first", "second", "third"] {
        let url = format!("https://{tenant}.example/");
        let new = NewEndpoint::new(tenant, url, "standard")
            .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
            .unwrap();
        world.webhooks.register(new).await.unwrap();
        world.webhooks.publish(NewEvent::json(tenant, "k", "{}").unwrap()).await.unwrap();
    }
    assert_eq!(world.webhooks.tick().await.unwrap().succeeded, 3);
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.transport.otherwise(Reply::not_sent(NotSent::Name));
    for name in ["a", "b", "c"] {
        world.endpoint(name, "standard").await;
    }
    world.publish("k").await;
    assert_eq!(world.webhooks.tick().await.unwrap().sent, 3);
    for delivery in world.deliveries().await {
        assert_eq!(delivery.attempts, 1, "of {}", delivery.endpoint);
    }
}
