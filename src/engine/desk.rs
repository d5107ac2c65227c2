//! Where publishers hand their events to a running engine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::delivery::PublishAnswer;
use crate::error::StoreError;
use crate::event::Event;

/// More publishers than this wait in line outside.
const WAITING_MAX: usize = 1024;

/// What is handed over.
pub(crate) enum Order {
    /// Store this and say what became of it.
    Publish(Arc<Event>, oneshot::Sender<Result<PublishAnswer, StoreError>>),
    /// There may be new work.
    Look,
}

/// Open while an engine runs in this process. A publisher that drops its future
/// meanwhile loses nothing: the engine's task makes the call.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Option<mpsc::Sender<Order>>>);

impl Desk {
    /// Opens the desk; `None` if an engine runs already.
    pub(crate) fn open(&self) -> Option<mpsc::Receiver<Order>> {
        let mut line = self.line();
        if line.as_ref().is_some_and(|line| !line.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        *line = Some(sender);
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
        line.send(Order::Publish(Arc::clone(event), reply)).await.ok()?;
        answer.await.ok()
    }

    /// Wakes the engine. One that has a full line is awake.
    pub(crate) fn look(&self) -> bool {
        self.line().as_ref().is_some_and(|line| line.try_send(Order::Look).is_ok())
    }

    fn line(&self) -> MutexGuard<'_, Option<mpsc::Sender<Order>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
