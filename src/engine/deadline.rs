//! Waiting for a bounded time.

use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

use super::guard::caught;

/// What `work` gives within that time. Where it takes longer it is dropped, and the answer is
/// `None`: see [`passed`] for where that never happens.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(passed(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

/// Ends once that time has passed. It never ends outside of tokio, and where a runtime has no
/// timer.
pub(crate) async fn passed(time: Duration) {
    match timer(time) {
        Some(sleeping) => sleeping.await,
        None => pending().await,
    }
}

/// Whether this is a tokio runtime with a timer.
pub(super) fn has_timer() -> bool {
    timer(Duration::ZERO).is_some()
}

/// Tokio tells nobody whether a runtime has a timer; it panics where there is none.
fn timer(time: Duration) -> Option<Sleep> {
    Handle::try_current().ok().and_then(|_| caught(|| sleep(time)))
}
