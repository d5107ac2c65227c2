//! Deliveries that seem to kill the process are sent one at a time with nothing else under
//! way: that costs all others a stated part of the time, and each tenant has its turn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use hookpost::backend::Store;
use hookpost::delivery::{ClaimRequest, SUSPECT_AFTER, Shares};
use hookpost::id::Token;
use hookpost::testing::{Exchange, Reply};
use tokio::time::sleep;
use world::World;

/// How long a request may take, by the profile `standard`.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Two processes claim all there is, and die.
async fn die_twice(world: &World) {
    let lease = Duration::from_secs(30);
    for death in 1..=SUSPECT_AFTER {
        let request = ClaimRequest {
            token: Token::from_bytes([u8::try_from(death).unwrap(); 16]),
            now: world.now(),
            lease_until: world.now() + lease,
            deliveries: 1_000,
            doubtful: 1_000,
            events: 0,
            shares: Shares::unlimited(),
            alone: false,
        };
        assert!(!world.store.claim(&request).await.unwrap().work.is_empty());
        sleep(lease).await;
    }
}

/// Ten hanging endpoints of `mallory`'s have two deliveries each that two processes died
/// of, and two hanging ones of `other`'s have one each, which came last.
async fn world_of_suspects() -> World {
    let world = World::new();
    world.transport.otherwise(Reply::hang());
    for number in 0..10 {
        world.endpoint_of("mallory", number).await;
    }
    world.publish_of("mallory").await;
    world.publish_of("mallory").await;
    sleep(Duration::from_secs(1)).await;
    for number in 0..2 {
        world.endpoint_of("other", number).await;
    }
    world.publish_of("other").await;
    die_twice(&world).await;
    world
}

#[tokio::test(start_paused = true)]
async fn suspects_keep_other_work_waiting_for_a_quarter_of_the_time_at_most() {
    let world = world_of_suspects().await;
    world.transport.at_host("e0.victim.example", Reply::ok());
    world.endpoint_of("victim", 0).await;
    let mut published = Vec::new();
    let play = async {
        for _ in 0..300 {
            published.push((world.publish_of("victim").await.to_string(), world.now()));
            sleep(Duration::from_secs(1)).await;
        }
        sleep(Duration::from_secs(30)).await;
    };
    tokio::select! {
        ended = world.webhooks.run(std::future::pending::<()>()) => ended.unwrap(),
        () = play => {}
    }
    let sent = world.transport.exchanges_with("https://e0.victim.example/");
    let waits: Vec<_> = published
        .iter()
        .map(|(event, at)| {
            let first = sent.iter().find(|exchange| exchange.headers["webhook-id"] == **event).unwrap();
            first.began_at.since(*at)
        })
        .collect();
    let waiting = waits.iter().filter(|waited| **waited > Duration::ZERO).count();
    let longest = waits.iter().max().unwrap();
    assert!(waiting > 0, "no suspect was sent alone");
    assert!(waiting <= 300 / 4, "{waiting} of 300 events waited");
    assert!(*longest <= 2 * TIMEOUT, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn each_tenant_has_a_suspect_sent_before_any_has_a_second() {
    let world = world_of_suspects().await;
    world.run_for(Duration::from_secs(300)).await;
    // Each goes on as any other delivery once its attempt is recorded.
    let mut suspects: Vec<_> = Vec::new();
    for Exchange { headers, host, .. } in world.sent() {
        let suspect = (headers["webhook-id"].clone(), host);
        if !suspects.contains(&suspect) {
            suspects.push(suspect);
        }
    }
    let of_other: Vec<_> = suspects[..4].iter().map(|(_, host)| host.ends_with(".other.example")).collect();
    let expected = if of_other[0] { [true, false, true, false] } else { [false, true, false, true] };
    assert_eq!(of_other, expected, "{suspects:?}");
}
