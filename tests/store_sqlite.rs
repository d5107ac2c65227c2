//! The SQLite store keeps the contract of a backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::Store;
use hookpost::conformance::clocks::Open;
use hookpost::delivery::{ClaimRequest, Publish, Route, Shares};
use hookpost::id::{DeliveryId, EndpointId, EventId, HostName, Round, Token};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::{NewEvent, Timestamp};
use sqlite_file::{Fixed, TempFile};

fn fresh() -> SqliteStore {
    let file = TempFile::new();
    let path = file.path();
    SqliteStore::builder(path).clock(Fixed::keeping(file)).open().unwrap()
}

fn fresh_with_rollback_journal() -> SqliteStore {
    let file = TempFile::new();
    let path = file.path();
    SqliteStore::builder(path).clock(Fixed::keeping(file)).rollback_journal().open().unwrap()
}

hookpost::conformance_tests!(async { Arc::new(fresh()) });

hookpost::conformance_tests_of_time!(async { opens_again() });

/// One file, opened by each process anew.
fn opens_again() -> Open {
    let file = TempFile::new();
    Arc::new(move |clock| Arc::new(SqliteStore::builder(file.path()).clock(clock).open().unwrap()))
}

mod with_rollback_journal {
    use super::*;

    hookpost::conformance_tests!(async { Arc::new(fresh_with_rollback_journal()) });
}

#[tokio::test]
async fn now_is_what_the_given_clock_says() {
    let file = TempFile::new();
    let now = Timestamp::from_unix_seconds(1_234_567);
    let store = SqliteStore::builder(file.path()).clock(Fixed::at(now)).open().unwrap();
    assert_eq!(store.now().await.unwrap(), now);
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn publish(tenant: &str, number: u32, endpoint: Option<&str>) -> Publish {
    let event = NewEvent::json(tenant, "order.paid", "{}").unwrap();
    let event = event.into_event(EventId::new(format!("{tenant}-{number}")).unwrap(), NOW, 100).unwrap();
    let routes = endpoint.map(|endpoint| {
        let (endpoint, round) = (EndpointId::new(endpoint).unwrap(), Round::Routing);
        vec![Route {
            delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint, &round),
            endpoint,
            registration: 0,
            host: HostName::new("h.example").unwrap(),
            width: 1000,
            round,
            due_at: NOW,
            born_at: NOW,
            test: false,
        }]
    });
    Publish { event: Arc::new(event), routes }
}

fn one_at_a_time(token: u8) -> ClaimRequest {
    ClaimRequest {
        token: Token::from_bytes([token; 16]),
        now: NOW,
        lease_until: NOW + Duration::from_secs(30),
        deliveries: 1,
        events: 1,
        doubtful: 1000,
        shares: Shares::unlimited(),
        alone: false,
    }
}

#[tokio::test]
async fn a_served_lane_goes_behind_those_that_are_ready_at_the_same_moment() {
    let store = fresh();
    let mut publishes = Vec::new();
    for number in 0..3 {
        publishes.extend(["a", "b", "c"].map(|lane| publish(lane, number, Some(lane))));
    }
    store.publish(&publishes, None, NOW).await.unwrap();
    let mut served = Vec::new();
    for token in 0..9 {
        let claims = store.claim(&one_at_a_time(token)).await.unwrap();
        served.push(claims.work[0].endpoint.as_str().to_owned());
    }
    assert_eq!(served, ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
}

#[tokio::test]
async fn tenants_have_their_events_routed_in_turn_from_claim_to_claim() {
    let store = fresh();
    let mut publishes: Vec<_> = (0..5).map(|number| publish("a", number, None)).collect();
    publishes.extend(["b", "c"].map(|tenant| publish(tenant, 0, None)));
    store.publish(&publishes, None, NOW).await.unwrap();
    let mut served = Vec::new();
    for token in 0..5 {
        let claims = store.claim(&one_at_a_time(token)).await.unwrap();
        served.push(claims.events[0].event.tenant.as_str().to_owned());
    }
    assert_eq!(served, ["a", "b", "c", "a", "a"]);
}
