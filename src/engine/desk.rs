//! Where publishers hand their events to a running engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::delivery::PublishAnswer;
use crate::error::StoreError;
use crate::event::Event;
use crate::id::TenantId;

/// More publishers than this wait in line outside.
const WAITING_MAX: usize = 1024;

/// So many events are stored per call.
const PUBLISHES_PER_CALL: usize = 512;

/// What is handed over: an event to store, and where to say what became of it.
pub(crate) struct Order {
    pub(super) event: Arc<Event>,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<PublishAnswer, StoreError>>;

/// Answers a publisher. One that no longer listens has its event all the same.
pub(super) fn answer(reply: Reply, done: Result<PublishAnswer, StoreError>) {
    drop(reply.send(done));
}

/// What the engine has taken from the desk and not stored yet. One call stores at a
/// time: what comes meanwhile makes the next one.
#[derive(Default)]
pub(super) struct Queue {
    events: Vec<Arc<Event>>,
    replies: Vec<Reply>,
    storing: bool,
    /// When the first of those that wait came.
    since: Duration,
}

impl Queue {
    pub(super) fn push(&mut self, event: Arc<Event>, reply: Reply, now: Duration) {
        if self.events.is_empty() {
            self.since = now;
        }
        self.events.push(event);
        self.replies.push(reply);
    }

    /// Whose event waits longest and since when; `None` while nothing waits, or a call
    /// is under way.
    pub(super) fn longest_waiting(&self) -> Option<(&TenantId, Duration)> {
        let first = self.events.first().filter(|_| !self.storing)?;
        Some((&first.tenant, self.since))
    }

    /// The next call's worth, of at most so many.
    pub(super) fn next(&mut self, max: usize) -> (Vec<Arc<Event>>, Vec<Reply>) {
        self.storing = true;
        let count = self.events.len().min(max);
        (self.events.drain(..count).collect(), self.replies.drain(..count).collect())
    }

    pub(super) const fn stored(&mut self) {
        self.storing = false;
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= PUBLISHES_PER_CALL
    }

    pub(super) fn is_done(&self) -> bool {
        !self.storing && self.events.is_empty()
    }
}

/// Open while an engine runs in this process. A publisher that drops its future
/// meanwhile loses nothing: the engine's task makes the call.
#[derive(Default)]
pub(crate) struct Desk {
    line: Mutex<Option<mpsc::Sender<Order>>>,
    nudged: Notify,
    /// A publisher waited in vain, and the engine's task has not come by since.
    stuck: AtomicBool,
}

impl Desk {
    /// Opens the desk; `None` if an engine runs already.
    pub(crate) fn open(&self) -> Option<mpsc::Receiver<Order>> {
        let mut line = self.line();
        if line.as_ref().is_some_and(|line| !line.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        *line = Some(sender);
        self.goes_on();
        Some(receiver)
    }

    /// Closes the desk: publishers store their events themselves again.
    pub(crate) fn close(&self) {
        *self.line() = None;
    }

    /// Hands an event over and waits for the answer; `None` when no engine takes it,
    /// or the engine ended before it answered.
    pub(crate) async fn publish(&self, event: &Arc<Event>) -> Option<Result<PublishAnswer, StoreError>> {
        let line = self.line().clone()?;
        let (reply, answer) = oneshot::channel();
        line.send(Order { event: Arc::clone(event), reply }).await.ok()?;
        answer.await.ok()
    }

    /// Tells the engine that there may be new work. One that does not wait for it at this
    /// moment learns of it when it does: a nudge is never lost, however full the line is.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits until the engine was nudged since this last returned.
    pub(super) async fn nudged(&self) {
        self.nudged.notified().await;
    }

    /// A publisher has waited in vain. Says whether it is the first one.
    pub(crate) fn found_stuck(&self) -> bool {
        !self.stuck.swap(true, Ordering::Relaxed)
    }

    /// Whether the engine's task does not answer publishers.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// The engine's task goes on.
    pub(crate) fn goes_on(&self) {
        self.stuck.store(false, Ordering::Relaxed);
    }

    fn line(&self) -> MutexGuard<'_, Option<mpsc::Sender<Order>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::time::Timestamp;

    #[tokio::test]
    async fn a_nudge_is_heard_behind_a_full_line_and_by_an_engine_that_waits_for_it_later() {
        let desk = Desk::default();
        let _orders = desk.open();
        let id = EventId::new("e").unwrap();
        let event = NewEvent::json("t", "k", "{}").unwrap().into_event(id, Timestamp::EPOCH, 100).unwrap();
        let line = desk.line().clone().unwrap();
        while line.try_send(Order { event: Arc::new(event.clone()), reply: oneshot::channel().0 }).is_ok() {}
        desk.nudge();
        let heard = tokio::time::timeout(Duration::from_secs(5), desk.nudged()).await;
        assert!(heard.is_ok());
    }
}
