//! The memory store keeps the contract of a backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hookpost::backend::{Clock, History, Store};
use hookpost::conformance::clocks::Open;
use hookpost::conformance::{self, CaseResult};
use hookpost::delivery::{Publish, Route};
use hookpost::history::{DeliveryQuery, PageAfter, Selection};
use hookpost::id::{DeliveryId, EndpointId, EventId, HostName, Round, TenantId};
use hookpost::stores::memory::MemoryStore;
use hookpost::{NewEvent, Timestamp};

/// Stands still: no case reads it.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn store_at(now: Timestamp) -> MemoryStore {
    MemoryStore::with_clock(Still(now))
}

hookpost::conformance_tests!(async { Arc::new(store_at(Timestamp::EPOCH)) });

hookpost::conformance_tests_of_time!(async { opens_again() });

/// One store, seen by as many processes as open it.
fn opens_again() -> Open {
    let store = OnceLock::<MemoryStore>::new();
    Arc::new(move |clock| {
        Arc::new(store.get_or_init(|| MemoryStore::with_clock(clock.clone())).beside(clock))
    })
}

#[test]
fn a_full_store_refuses_and_leaves_nothing_behind() -> CaseResult {
    let holds_four = MemoryStore::with_capacity(Arc::new(Still(Timestamp::EPOCH)), 4);
    conformance::run_to_end(conformance::capacity::a_full_store_refuses_and_leaves_nothing_behind(Arc::new(
        holds_four,
    )))
}

#[tokio::test]
async fn now_is_what_the_given_clock_says() {
    let now = Timestamp::from_unix_seconds(1_234_567);
    assert_eq!(store_at(now).now().await.unwrap(), now);
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_deliveries_whatever_its_limit() {
    let store = store_at(Timestamp::EPOCH);
    let (tenant, endpoint) = (TenantId::new("acme").unwrap(), EndpointId::new("e").unwrap());
    let publishes: Vec<_> = (0..2_500)
        .map(|number| {
            let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
            let id = EventId::new(format!("e{number}")).unwrap();
            let event = event.into_event(id, Timestamp::EPOCH, 100).unwrap();
            let round = Round::Routing;
            let route = Route {
                delivery: DeliveryId::derive(&tenant, &event.id, event.created_at, &endpoint, &round),
                endpoint: endpoint.clone(),
                registration: 0,
                host: HostName::new("h.example").unwrap(),
                width: 1,
                round,
                due_at: Timestamp::EPOCH,
                born_at: Timestamp::EPOCH,
                test: false,
            };
            Publish { event: Arc::new(event), routes: Some(vec![route]) }
        })
        .collect();
    store.publish(&publishes, None, Timestamp::EPOCH).await.unwrap();
    let query = DeliveryQuery { tenant, selection: Selection::default() };
    let (mut sizes, mut page) = (Vec::new(), PageAfter::first(usize::MAX));
    loop {
        let answer = store.deliveries(&query, page).await.unwrap();
        sizes.push(answer.deliveries.len());
        page.after = answer.more_after;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [1_000, 1_000, 500]);
}
