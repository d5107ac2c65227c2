//! What the loop waits for.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, Sleep};

use super::{Engine, Happening, desk};

/// Why the loop woke.
pub(super) enum Wake {
    Shutdown,
    Happened(Happening),
    Order(desk::Order),
    Alarm,
}

/// One timer, made once and set again only when its time changes.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    set_to: Option<Duration>,
}

impl Timer {
    /// The sleep until `alarm` of the engine's monotonic clock, which reads `now`.
    fn until(&mut self, alarm: Duration, now: Duration) -> Pin<&mut Sleep> {
        // Further ahead than this no alarm is meant, and tokio's timer bounds it anyway.
        const FURTHEST: Duration = Duration::from_secs(24 * 3600);
        let at = || Instant::now() + alarm.saturating_sub(now).min(FURTHEST);
        let changed = self.set_to.replace(alarm) != Some(alarm);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at())));
        if changed {
            sleep.as_mut().reset(at());
        }
        sleep.as_mut()
    }
}

impl Engine {
    /// When the loop has something to do even if nothing happens.
    pub(super) fn alarm(&self) -> Duration {
        let now = self.now();
        let due = self.next_due.map(|due| now + due.since(self.shared.clock.now()));
        let due = due.map(|due| due.max(self.stalled_until).max(self.faults.paused_until()));
        let poll = self.claimed_at + self.shared.settings.poll;
        let waits = self.claiming || self.slots.is_full();
        let claim = if waits { None } else { Some(due.map_or(poll, |due| due.min(poll)).max(now + MINIMUM)) };
        let retry = self.settler.is_failing().then(|| self.settler.retry_at());
        let prune = (!self.pruning).then_some(self.prune_at);
        let stale = self.waiting.front().map(|ready| ready.start_by + MINIMUM);
        let farthest = now + self.shared.settings.poll;
        [claim, retry, prune, stale].into_iter().flatten().fold(farthest, Duration::min)
    }

    /// Waits for the first of all that can happen.
    pub(super) async fn wake(
        &mut self,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
        alarm: Duration,
    ) -> Wake {
        let now = self.now();
        let Self { tasks, orders, timer, .. } = self;
        let mut sleep = timer.until(alarm, now);
        let mut closed = orders.is_closed() && orders.is_empty();
        poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Shutdown);
            }
            if let Poll::Ready(Some(happening)) = tasks.poll_next_unpin(cx) {
                return Poll::Ready(Wake::Happened(happening));
            }
            if !closed {
                match orders.poll_recv(cx) {
                    Poll::Ready(Some(order)) => return Poll::Ready(Wake::Order(order)),
                    Poll::Ready(None) => closed = true,
                    Poll::Pending => {}
                }
            }
            sleep.as_mut().poll(cx).map(|()| Wake::Alarm)
        })
        .await
    }

    /// What has happened already, without waiting.
    pub(super) fn already_happened(&mut self) -> Option<Happening> {
        self.tasks.next().now_or_never().flatten()
    }
}

/// A wait shorter than this would only spin.
const MINIMUM: Duration = Duration::from_millis(1);
