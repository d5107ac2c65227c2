//! A signal that is given once and wakes those that wait for it in the order in which they
//! came. Tokio's watch channel wakes in random order, so no trace would repeat.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Signal {
    raised: AtomicBool,
    waiters: Notify,
}

impl Signal {
    pub(super) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.waiters.notify_waiters();
    }

    pub(super) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    pub(super) async fn wait(&self) {
        // Made before the look: a raise between the two is not missed.
        let woken = self.waiters.notified();
        if !self.is_raised() {
            woken.await;
        }
    }
}
