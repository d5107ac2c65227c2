//! The memory store keeps the contract of a backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use hookpost::Timestamp;
use hookpost::conformance::{self, Verdict};
use hookpost::seam::{Clock, Store};
use hookpost::stores::memory::MemoryStore;

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
    MemoryStore::new(Arc::new(Still(now)))
}

hookpost::conformance_tests!(async { Arc::new(store_at(Timestamp::EPOCH)) });

#[test]
fn a_full_store_refuses_and_leaves_nothing_behind() -> Verdict {
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
