//! What the loop waits for.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, Sleep};

use super::{Completion, Engine};

/// Why the loop woke.
pub(super) enum Wake {
    Shutdown,
    Happened(Completion),
    Finished,
    /// A publisher has handed something over.
    Came,
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
        let (now, poll) = (self.now(), self.shared.settings.poll);
        let claim = self.claims_from().map(|from| {
            let worth_it = self.pacing.worth_it_at(poll, self.shared.clock.now(), now);
            worth_it.max(from).max(now + MINIMUM)
        });
        let retry = self.settler.retry_at();
        let stale = self.in_flight.start_by().map(|start_by| start_by + MINIMUM);
        [claim, retry, self.maintenance.prune_at(), stale, self.store_by()]
            .into_iter()
            .flatten()
            .fold(now + poll, Duration::min)
    }

    /// From when on a claim may be made; `None` where something has to happen first,
    /// which wakes the loop by itself. An alarm for it would only spin.
    fn claims_from(&self) -> Option<Duration> {
        let waits = self.pacing.is_claiming() || self.slots.is_full() || self.settler.is_failing();
        let may_ask = !waits && self.pacing.may_ask(self.slots.is_idle());
        may_ask.then(|| self.now().max(self.faults.paused_until()))
    }

    /// Waits for the first of all that can happen.
    pub(super) async fn wake(
        &mut self,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
        alarm: Duration,
    ) -> Wake {
        let now = self.now();
        let Self { shared, tasks, timer, in_flight, .. } = self;
        let mut sleep = timer.until(alarm, now);
        let mut came = pin!(shared.inbox.came());
        poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Shutdown);
            }
            if let Poll::Ready(Some(happening)) = tasks.poll_next_unpin(cx) {
                return Poll::Ready(Wake::Happened(happening));
            }
            if in_flight.has_landings() {
                return Poll::Ready(Wake::Finished);
            }
            if came.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Came);
            }
            sleep.as_mut().poll(cx).map(|()| Wake::Alarm)
        })
        .await
    }

    /// What has happened already, without waiting.
    pub(super) fn already_happened(&mut self) -> Option<Completion> {
        self.tasks.next().now_or_never().flatten()
    }
}

/// A wait shorter than this would only spin.
const MINIMUM: Duration = Duration::from_millis(1);
