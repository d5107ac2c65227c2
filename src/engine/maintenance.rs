//! Maintenance: reading the store's clock, and forgetting what is over, in small
//! steps, so that nothing else waits for long.

use std::sync::Arc;
use std::time::Duration;

use crate::error::StoreError;

use super::shared::{CLOCK_READ_EVERY, Shared};
use super::{Completion, Engine};

/// So many rows go in one step.
const STEP: usize = 500;
/// Between steps while there is more.
const BETWEEN_STEPS: Duration = Duration::from_millis(200);
/// Between two readings of a store's clock that cannot be read.
const AFTER_FAILED_READING: Duration = Duration::from_secs(1);
/// Between rounds, and after a failure.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(60);

/// Which chores are under way, and when the next is due.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    reading_clock: bool,
    read_clock_at: Duration,
    pruning: bool,
    prune_at: Duration,
}

impl Maintenance {
    /// The store's clock was read, or could not be. A store that fails at once is not
    /// asked again at once.
    pub(super) fn clock_was_read(&mut self, failed: bool, now: Duration) {
        self.reading_clock = false;
        self.read_clock_at = if failed { now.saturating_add(AFTER_FAILED_READING) } else { now };
    }

    fn may_read_clock(&self, now: Duration) -> bool {
        !self.reading_clock && now >= self.read_clock_at
    }

    pub(super) fn pruned(&mut self, wait: Option<Duration>, now: Duration) {
        self.pruning = false;
        self.prune_at = now.saturating_add(wait.unwrap_or(BETWEEN_ROUNDS));
    }

    /// When the next step of pruning is due; `None` while one is under way.
    pub(super) fn prune_at(&self) -> Option<Duration> {
        (!self.pruning).then_some(self.prune_at)
    }
}

impl Engine {
    pub(super) fn maintain(&mut self) {
        if self.maintenance.may_read_clock(self.now()) && self.shared.clock.is_stale(CLOCK_READ_EVERY) {
            self.maintenance.reading_clock = true;
            let shared = Arc::clone(&self.shared);
            self.tasks.push(Box::pin(async move { Completion::ClockRead(shared.read_clock().await) }));
        }
        if self.maintenance.prune_at().is_some_and(|at| self.now() >= at) {
            self.maintenance.pruning = true;
            let shared = Arc::clone(&self.shared);
            self.tasks.push(Box::pin(async move { Completion::Pruned(shared.prune_step().await) }));
        }
    }
}

impl Shared {
    /// Prunes one step; says how long to wait before the next.
    pub(super) async fn prune_step(&self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let before: Vec<_> =
            self.settings.retention.iter().map(|(class, kept)| (*class, now - *kept)).collect();
        if before.is_empty() || self.clock.is_distrusted() {
            return Ok(BETWEEN_ROUNDS);
        }
        let more = self.store.prune(&before, STEP).await?;
        Ok(if more { BETWEEN_STEPS } else { BETWEEN_ROUNDS })
    }
}
