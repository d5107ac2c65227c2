//! Waits for the answer of one of the store's threads.

use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::oneshot::Receiver;
use tokio::task::spawn_blocking;

/// Returns the answer; `None` if the thread has ended.
///
/// Under tokio's paused time, a runtime with nothing to run jumps to its next timer. It does not
/// know about the store's threads, so every deadline would pass before they answer. A blocking task
/// of the runtime keeps its time from moving.
pub(super) async fn answer_of<T: Send + 'static>(receiver: Receiver<T>) -> Option<T> {
    if Handle::try_current().is_ok() && time_is_paused() {
        return spawn_blocking(move || receiver.blocking_recv().ok()).await.ok().flatten();
    }
    receiver.await.ok()
}

/// Whether tokio's time is paused while the machine's time goes on.
fn time_is_paused() -> bool {
    let (tokios, began) = (tokio::time::Instant::now(), Instant::now());
    while Instant::now() == began {
        std::hint::spin_loop();
    }
    tokio::time::Instant::now() == tokios
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_is_known_and_so_is_time_that_goes_on_again() {
        assert!(time_is_paused());
        tokio::time::resume();
        assert!(!time_is_paused());
    }

    #[test]
    fn time_goes_on_outside_of_a_runtime() {
        assert!(!time_is_paused());
    }
}
