//! A panic costs the call that it happened in, and never a thread of the store.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{StoreError, StoreErrorKind};

/// Runs `work`; `None` where it panicked. What was thrown is leaked, since dropping it
/// may panic as well.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

/// The answer of a call that panicked; nothing of it was written.
pub(super) fn panicked(during: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("SQLite, {during}: the call panicked and was undone"))
}
