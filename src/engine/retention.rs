//! Forgetting what is over: in small steps, so that nothing else waits for long.

use std::time::Duration;

use crate::error::StoreError;

use super::shared::Shared;

/// So many rows go in one step.
const STEP: usize = 500;
/// Between steps while there is more.
const BETWEEN_STEPS: Duration = Duration::from_millis(200);
/// Between rounds.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(60);

impl Shared {
    /// Prunes one step; says how long to wait before the next.
    pub(crate) async fn prune_step(&self) -> Result<Duration, StoreError> {
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
