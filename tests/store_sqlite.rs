//! The SQLite store keeps the contract of a backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::sync::Arc;

use hookpost::Timestamp;
use hookpost::seam::Store;
use hookpost::stores::sqlite::SqliteStore;
use sqlite_file::{Fixed, TempFile};

fn fresh() -> SqliteStore {
    let file = TempFile::new();
    let path = file.path();
    SqliteStore::open(path, Fixed::keeping(file)).unwrap()
}

fn fresh_with_rollback_journal() -> SqliteStore {
    let file = TempFile::new();
    let path = file.path();
    SqliteStore::builder(path, Fixed::keeping(file)).rollback_journal().open().unwrap()
}

hookpost::conformance_tests!(async { Arc::new(fresh()) });

mod with_rollback_journal {
    use super::*;

    hookpost::conformance_tests!(async { Arc::new(fresh_with_rollback_journal()) });
}

#[tokio::test]
async fn now_is_what_the_given_clock_says() {
    let file = TempFile::new();
    let now = Timestamp::from_unix_seconds(1_234_567);
    let store = SqliteStore::open(file.path(), Fixed::at(now)).unwrap();
    assert_eq!(store.now().await.unwrap(), now);
}
