//! When the loop wakes: when work ends, when work arrives, and at set times. At set times it also
//! reads the store's clock and prunes old records, in steps that are small enough not to delay
//! other work.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, Sleep};

use crate::backend::Store;
use crate::error::StoreError;
use crate::history::Class;
use crate::notice::StoreCall;

use super::in_flight::lock;
use super::store_clock::{READ_EVERY, StoreClock};
use super::{Engine, Then};

/// A shorter wait would be a busy loop.
const MINIMUM: Duration = Duration::from_millis(1);
/// How many rows one step of pruning deletes.
const STEP: usize = 500;
/// The pause between steps while there is more to prune.
const BETWEEN_STEPS: Duration = Duration::from_millis(200);
/// The pause before the store's clock is read again after a failure.
const AFTER_FAILED_READING: Duration = Duration::from_secs(1);
/// The pause between rounds of pruning, and after a failure.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(60);

/// Why the loop woke.
pub(super) enum Wake {
    Shutdown,
    /// A task has ended, and returned what to do next.
    Ended(Then),
    /// Requests have ended.
    Finished,
    /// A publisher has handed over an event.
    Came,
    Alarm,
}

/// A timer that is created once and reset only when its time changes.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    set_to: Option<Duration>,
}

impl Timer {
    /// The sleep until `alarm`, where `now` is the present time of the engine's monotonic clock.
    fn until(&mut self, alarm: Duration, now: Duration) -> Pin<&mut Sleep> {
        // No alarm needs to be further ahead, and tokio's timer has a limit too.
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

/// Which maintenance tasks are running, and when the next is due.
#[derive(Debug, Default)]
pub(super) struct Chores {
    reading_clock: bool,
    read_clock_at: Duration,
    pruning: bool,
    prune_at: Duration,
}

impl Chores {
    /// Notes that the store's clock was read, or that reading failed. After a failure the next
    /// reading waits.
    fn clock_was_read(&mut self, failed: bool, now: Duration) {
        self.reading_clock = false;
        self.read_clock_at = if failed { now.saturating_add(AFTER_FAILED_READING) } else { now };
    }

    fn may_read_clock(&self, now: Duration) -> bool {
        !self.reading_clock && now >= self.read_clock_at
    }

    fn pruned(&mut self, wait: Option<Duration>, now: Duration) {
        self.pruning = false;
        self.prune_at = now.saturating_add(wait.unwrap_or(BETWEEN_ROUNDS));
    }

    /// When the next step of pruning is due; `None` while one is under way.
    fn prune_at(&self) -> Option<Duration> {
        (!self.pruning).then_some(self.prune_at)
    }
}

/// Deletes records that have passed their retention.
pub(crate) struct Pruner {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<StoreClock>,
    /// How long records are kept after they have ended, by class.
    pub(super) retention: Vec<(Class, Duration)>,
}

impl Pruner {
    /// Prunes one step, and returns how long to wait before the next.
    pub(super) async fn prune_step(&self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let before: Vec<_> = self.retention.iter().map(|(class, kept)| (*class, now - *kept)).collect();
        if before.is_empty() || self.clock.is_distrusted() {
            return Ok(BETWEEN_ROUNDS);
        }
        let more = self.store.prune(&before, STEP).await?;
        Ok(if more { BETWEEN_STEPS } else { BETWEEN_ROUNDS })
    }
}

impl Engine {
    /// When the loop has something to do even if no other event wakes it.
    pub(super) fn alarm(&self) -> Duration {
        let (now, poll) = (self.now(), self.parts.settings.poll);
        let claim = self.claims_from().map(|from| {
            let worth_it = self.pacing.worth_it_at(poll, self.parts.clock.now(), now);
            worth_it.max(from).max(now + MINIMUM)
        });
        let retry = self.unsettled.retry_at();
        let stale = self.requests().start_by().map(|start_by| start_by + MINIMUM);
        [claim, retry, self.chores.prune_at(), stale, self.store_by()]
            .into_iter()
            .flatten()
            .fold(now + poll, Duration::min)
    }

    /// When the next claim may be made; `None` if something else has to happen first. That wakes the
    /// loop itself, so an alarm for it would only cause a busy loop.
    fn claims_from(&self) -> Option<Duration> {
        let waits = self.pacing.is_claiming() || self.slots.is_full() || self.unsettled.is_failing();
        let may_ask = !waits && self.pacing.may_ask(self.slots.is_idle());
        may_ask.then(|| self.now().max(self.faults.paused_until()))
    }

    /// Does the maintenance that is due.
    pub(super) fn do_chores(&mut self) {
        if self.chores.may_read_clock(self.now()) && self.parts.clock.is_stale(READ_EVERY) {
            self.chores.reading_clock = true;
            let clock = Arc::clone(&self.parts.clock);
            self.spawn(async move {
                let read = clock.read().await;
                move |engine: &mut Self| {
                    engine.chores.clock_was_read(read.is_err(), engine.now());
                    match read {
                        Ok(_) => engine.store_worked(StoreCall::Clock),
                        Err(error) => engine.store_failed(&error, StoreCall::Clock),
                    }
                }
            });
        }
        if self.chores.prune_at().is_some_and(|at| self.now() >= at) {
            self.chores.pruning = true;
            let pruner = Arc::clone(&self.parts.pruner);
            self.spawn(async move {
                let step = pruner.prune_step().await;
                move |engine: &mut Self| {
                    match &step {
                        Ok(_) => engine.store_worked(StoreCall::Prune),
                        Err(error) => engine.store_failed(error, StoreCall::Prune),
                    }
                    engine.chores.pruned(step.ok(), engine.now());
                }
            });
        }
    }

    /// Waits for the first of all events that can wake the loop.
    pub(super) async fn wake(
        &mut self,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
        alarm: Duration,
    ) -> Wake {
        let now = self.now();
        let Self { parts, tasks, timer, requests, .. } = self;
        let mut sleep = timer.until(alarm, now);
        let mut came = pin!(parts.publisher.inbox.came());
        poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Shutdown);
            }
            if let Poll::Ready(Some(then)) = tasks.poll_next_unpin(cx) {
                return Poll::Ready(Wake::Ended(then));
            }
            if lock(requests).has_finished() {
                return Poll::Ready(Wake::Finished);
            }
            if came.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Wake::Came);
            }
            sleep.as_mut().poll(cx).map(|()| Wake::Alarm)
        })
        .await
    }
}
