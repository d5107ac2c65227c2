//! Where publishers hand their events to a running engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::delivery::PublishAnswer;
use crate::error::StoreError;
use crate::event::Event;
use crate::id::TenantId;

use super::line::Line;

/// What is handed over: an event to store, and where to say what became of it.
pub(super) struct WaitingPublish {
    pub(super) event: Arc<Event>,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<PublishAnswer, StoreError>>;
type Answer = oneshot::Receiver<Result<PublishAnswer, StoreError>>;

impl WaitingPublish {
    /// With where its publisher waits for the answer.
    pub(super) fn of(event: Arc<Event>) -> (Self, Answer) {
        let (reply, answer) = oneshot::channel();
        (Self { event, reply }, answer)
    }

    /// Whether its publisher still waits for the answer.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Answers the publisher. One that no longer listens has its event all the same.
    pub(super) fn answer(self, done: Result<PublishAnswer, StoreError>) {
        drop(self.reply.send(done));
    }
}

/// Open while an engine runs in this process. A publisher that drops its future
/// meanwhile loses nothing: the engine's task makes the call.
#[derive(Default)]
pub(crate) struct Inbox {
    counter: Mutex<Counter>,
    came: Notify,
    nudged: Notify,
    /// A publisher waited in vain, and the engine's task has not come by since.
    stuck: AtomicBool,
}

#[derive(Default)]
struct Counter {
    line: Line,
    is_open: bool,
    /// Whether an engine runs.
    is_served: bool,
    /// How many calls that stored something have ended.
    calls: u64,
}

impl Inbox {
    /// Opens the inbox for an engine. Says whether it did: not if one runs already.
    pub(super) fn open(&self) -> bool {
        let mut counter = self.counter();
        let opens = !std::mem::replace(&mut counter.is_served, true);
        counter.is_open |= opens;
        drop(counter);
        if opens {
            self.goes_on();
        }
        opens
    }

    /// Closes the inbox: publishers store their events themselves again. What was handed
    /// over is still to be stored.
    pub(super) fn close(&self) {
        self.counter().is_open = false;
    }

    /// The engine is gone: publishers that it has not answered store their events themselves.
    pub(super) fn leave(&self) {
        let left = std::mem::take(&mut *self.counter());
        drop(left);
    }

    /// Hands an event over, at `now`, and waits for the answer; `None` when no engine takes
    /// it, or the engine ended before it answered.
    pub(crate) async fn publish(
        &self,
        event: &Arc<Event>,
        now: Duration,
    ) -> Option<Result<PublishAnswer, StoreError>> {
        let (order, answer) = WaitingPublish::of(Arc::clone(event));
        {
            let mut counter = self.counter();
            if !counter.is_open {
                return None;
            }
            counter.line.push(order, now);
        }
        self.came.notify_one();
        answer.await.ok()
    }

    /// Waits until something was handed over since this last returned.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// Which tenant's event is to be stored next, and since when one has waited.
    pub(super) fn next_turn(&self) -> Option<(TenantId, Duration)> {
        self.counter().line.next_turn().map(|(tenant, since)| (tenant.clone(), since))
    }

    /// What the next call stores, of at most so many.
    pub(super) fn next(&self, max: usize) -> Vec<WaitingPublish> {
        self.counter().line.next(max)
    }

    /// A call that stores what was handed over has ended, well or not.
    pub(super) fn call_ended(&self) {
        self.counter().calls += 1;
    }

    /// How many such calls have ended: publishers whose turn is still to come see that
    /// nothing is stuck.
    pub(super) fn calls_ended(&self) -> u64 {
        self.counter().calls
    }

    pub(super) fn is_open(&self) -> bool {
        self.counter().is_open
    }

    /// Whether nothing waits to be stored.
    pub(super) fn is_empty(&self) -> bool {
        self.counter().line.is_empty()
    }

    /// Tells the engine that there may be new work. One that does not wait for it at this
    /// moment learns of it when it does: a nudge is never lost.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits until the engine was nudged since this last returned.
    pub(super) async fn nudged(&self) {
        self.nudged.notified().await;
    }

    /// A publisher has waited in vain. Says whether it is the first one.
    pub(super) fn found_stuck(&self) -> bool {
        !self.stuck.swap(true, Ordering::Relaxed)
    }

    /// Whether the engine's task does not answer publishers.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// The engine's task goes on.
    pub(super) fn goes_on(&self) {
        self.stuck.store(false, Ordering::Relaxed);
    }

    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::time::Timestamp;

    fn event() -> Arc<Event> {
        let id = EventId::new("e").unwrap();
        Arc::new(NewEvent::json("t", "k", "{}").unwrap().into_event(id, Timestamp::EPOCH, 100).unwrap())
    }

    #[tokio::test]
    async fn a_nudge_is_heard_beside_a_full_line_and_by_an_engine_that_waits_for_it_later() {
        let inbox = Inbox::default();
        assert!(inbox.open());
        for _ in 0..10_000 {
            assert!(inbox.publish(&event(), Duration::ZERO).now_or_never().is_none(), "it waits");
        }
        inbox.nudge();
        let heard = tokio::time::timeout(Duration::from_secs(5), inbox.nudged()).await;
        assert!(heard.is_ok());
    }

    #[tokio::test]
    async fn publishers_store_their_events_themselves_where_no_engine_runs_or_one_ends() {
        let inbox = Inbox::default();
        assert!(inbox.publish(&event(), Duration::ZERO).await.is_none());
        assert!(inbox.open() && !inbox.open());
        let event = event();
        let mut waiting = Box::pin(inbox.publish(&event, Duration::ZERO));
        assert!(waiting.as_mut().now_or_never().is_none());
        inbox.close();
        assert!(inbox.publish(&event, Duration::ZERO).await.is_none());
        assert!(waiting.as_mut().now_or_never().is_none(), "a closed inbox still stores what it took");
        assert!(!inbox.open(), "its engine has not ended");
        inbox.leave();
        assert!(waiting.await.is_none());
        assert!(inbox.open());
    }
}
