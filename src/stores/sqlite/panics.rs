//! A panic fails only the call in which it happens, and never ends a thread of the store.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{StoreError, StoreErrorKind};

/// Runs `work`; `None` if it panicked. The panic's payload is leaked, since dropping it may panic as
/// well.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

/// The error of a call that panicked. Nothing of the call was written.
pub(super) fn panicked(during: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("SQLite, {during}: the call panicked and was undone"))
}
