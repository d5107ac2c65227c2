//! A store that fails by seed: before its effect, after it, or slowly.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{StoreError, StoreErrorKind};
use crate::seam::Backend;

use super::interposed::{Call, Effect, Interpose, Interposed};

/// How often a store fails, in calls of a thousand, and how slow it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Calls that fail before they did anything.
    pub before: u16,
    /// Calls whose effect stands and whose answer is lost.
    pub after: u16,
    /// Calls that take up to `delay_max` before they do anything.
    pub slow: u16,
    /// See `slow`; in tokio's time.
    pub delay_max: Duration,
}

/// A backend whose calls fail as [`Faults`] says, by seed.
///
/// A loss before the effect is [`StoreErrorKind::Unavailable`]; the loss of an
/// answer is [`StoreErrorKind::InDoubt`] where the call writes.
pub type FlakyStore<B> = Interposed<B, Flaky>;

impl<B: Backend + ?Sized> Interposed<B, Flaky> {
    /// A failing view of `inner`; the same seed fails the same calls.
    #[must_use]
    pub fn flaky(inner: Arc<B>, seed: u64, faults: Faults) -> Self {
        Self::new(inner, Flaky::new(seed, faults))
    }

    /// No fault from now on.
    pub fn heal(&self) {
        self.between().heal();
    }
}

/// Draws a store's faults.
pub struct Flaky {
    faults: Faults,
    generator: Mutex<fastrand::Rng>,
    healed: AtomicBool,
}

impl Flaky {
    /// Faults by seed.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { faults, generator: Mutex::new(fastrand::Rng::with_seed(seed)), healed: AtomicBool::new(false) }
    }

    /// No fault from now on.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
    }

    fn happens(&self, of_thousand: u16) -> bool {
        let healed = self.healed.load(Ordering::SeqCst);
        !healed && self.draw(|generator| generator.u16(..1000)) < of_thousand
    }

    fn draw<T>(&self, what: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        what(&mut self.generator.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Interpose for Flaky {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        if self.happens(self.faults.slow) {
            let most = u64::try_from(self.faults.delay_max.as_micros()).unwrap_or(u64::MAX);
            tokio::time::sleep(Duration::from_micros(self.draw(|generator| generator.u64(..=most)))).await;
        }
        if self.happens(self.faults.before) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the store was not reached"));
        }
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        if !self.happens(self.faults.after) {
            return Ok(());
        }
        let kind = if call.writes() { StoreErrorKind::InDoubt } else { StoreErrorKind::Unavailable };
        Err(StoreError::new(kind, "the store's answer was lost"))
    }
}

impl fmt::Debug for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flaky")
            .field("faults", &self.faults)
            .field("healed", &self.healed)
            .finish_non_exhaustive()
    }
}
