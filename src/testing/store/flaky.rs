//! A store that fails by seed: before its effect, after it, or slowly.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::Backend;
use crate::error::{StoreError, StoreErrorKind};

use super::interposed::{Call, Effect, Interpose, Interposed};

/// How often a store fails, in calls per thousand, and how slow it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Calls that fail before they have an effect.
    pub before: u16,
    /// Calls that take effect but whose answer is lost.
    pub after: u16,
    /// Calls that take up to `delay_max` before they have an effect.
    pub slow: u16,
    /// The longest delay of a slow call, in tokio's time.
    pub delay_max: Duration,
    /// The longest time that every call takes before its effect, and again after it. It is not
    /// a fault, but models a disk and a network, and it is not healed.
    pub takes: Duration,
}

impl Faults {
    /// Whether no call fails, however long it takes.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self { takes: self.takes, ..Self::default() }
    }
}

/// A backend whose calls fail as [`Faults`] specifies, by seed.
///
/// A failure before the effect is [`StoreErrorKind::Unavailable`]; a lost answer is
/// [`StoreErrorKind::InDoubt`] if the call writes.
pub type FlakyStore<B> = Interposed<B, Flaky>;

impl<B: Backend + ?Sized> Interposed<B, Flaky> {
    /// A failing view of `inner`. The same seed fails the same calls.
    #[must_use]
    pub fn flaky(inner: Arc<B>, seed: u64, faults: Faults) -> Self {
        Self::new(inner, Flaky::new(seed, faults))
    }

    /// Removes all faults from now on.
    pub fn heal(&self) {
        self.between().heal();
    }
}

/// Draws the faults of a store.
pub struct Flaky {
    faults: Faults,
    generator: Mutex<fastrand::Rng>,
    healed: AtomicBool,
}

impl Flaky {
    /// Creates faults from a seed.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { faults, generator: Mutex::new(fastrand::Rng::with_seed(seed)), healed: AtomicBool::new(false) }
    }

    /// Removes all faults from now on.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
    }

    fn happens(&self, of_thousand: u16) -> bool {
        let healed = self.healed.load(Ordering::SeqCst);
        !healed && self.draw(|generator| generator.u16(..1000)) < of_thousand
    }

    async fn take_time(&self) {
        let most = u64::try_from(self.faults.takes.as_micros()).unwrap_or(u64::MAX);
        if most > 0 {
            tokio::time::sleep(Duration::from_micros(self.draw(|generator| generator.u64(..=most)))).await;
        }
    }

    fn draw<T>(&self, what: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        what(&mut self.generator.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Interpose for Flaky {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        self.take_time().await;
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
        self.take_time().await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Store;
    use crate::delivery::{Publish, Published};
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::stores::memory::MemoryStore;
    use crate::testing::VirtualClock;
    use crate::time::Timestamp;

    const BASE: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn memory() -> Arc<MemoryStore> {
        Arc::new(MemoryStore::with_clock(VirtualClock::starting_at(BASE)))
    }

    fn publish(id: u32) -> [Publish; 1] {
        let id = EventId::new(format!("e{id}")).unwrap();
        let event = NewEvent::json("t", "k", "{}").unwrap().into_event(id, BASE, 100).unwrap();
        [Publish { event: Arc::new(event), routes: None }]
    }

    async fn answer(store: &impl Store, id: u32) -> Result<Published, StoreErrorKind> {
        let answers = store.publish(&publish(id), None, BASE).await;
        answers.map(|(answers, _)| answers[0].published).map_err(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_before_the_effect_leaves_nothing_and_one_after_it_leaves_all() {
        let existing = Ok(Published::Existing { same_content: true });
        for (faults, lost, then) in [
            (
                Faults { before: 1000, ..Faults::default() },
                StoreErrorKind::Unavailable,
                Ok(Published::Stored),
            ),
            (Faults { after: 1000, ..Faults::default() }, StoreErrorKind::InDoubt, existing),
        ] {
            let inner = memory();
            let store = FlakyStore::flaky(Arc::clone(&inner), 1, faults);
            assert_eq!(answer(&store, 1).await, Err(lost));
            store.heal();
            assert_eq!(answer(&store, 1).await, then);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_of_a_call_that_only_reads_is_no_doubt() {
        let store = FlakyStore::flaky(memory(), 1, Faults { after: 1000, ..Faults::default() });
        assert_eq!(store.now().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_store_takes_its_time_of_the_paused_clock() {
        let faults = Faults { slow: 1000, delay_max: Duration::from_secs(20), ..Faults::default() };
        let store = FlakyStore::flaky(memory(), 1, faults);
        let start = tokio::time::Instant::now();
        for id in 0..20 {
            assert_eq!(answer(&store, id).await, Ok(Published::Stored));
        }
        assert!(start.elapsed() > Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_seed_fails_the_same_calls_about_as_often_as_it_is_told_to() {
        let run = async |seed| {
            let store =
                FlakyStore::flaky(memory(), seed, Faults { before: 100, after: 100, ..Faults::default() });
            let mut kinds = Vec::new();
            for id in 0..1000 {
                kinds.push(answer(&store, id).await);
            }
            kinds
        };
        let kinds = run(7).await;
        assert_eq!(kinds, run(7).await);
        assert_ne!(kinds, run(8).await);
        for kind in [StoreErrorKind::Unavailable, StoreErrorKind::InDoubt] {
            let count = kinds.iter().filter(|answer| **answer == Err(kind)).count();
            assert!((60..140).contains(&count), "{kind:?}: {count}");
        }
    }
}
