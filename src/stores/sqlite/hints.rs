//! Tells engines that another call may have made something claimable.

use tokio::sync::Notify;

/// Hints: the writing thread gives them, and the engines of its process wait for them.
#[derive(Debug, Default)]
pub(super) struct Hints(Notify);

impl Hints {
    /// Wakes everyone who waits. An engine that does not wait at this moment is woken when it does.
    pub(super) fn give(&self) {
        self.0.notify_waiters();
        self.0.notify_one();
    }

    /// Returns when a hint was given since this last returned.
    pub(super) async fn next(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hint_reaches_all_that_wait_and_the_next_one_that_will() {
        let hints = Hints::default();
        let both = join(hints.next(), hints.next());
        let given = async { hints.give() };
        let (_, ()) = join(both, given).await;
        tokio::time::timeout(Duration::from_secs(1), hints.next()).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(1), hints.next()).await.is_err());
    }
}
