//! A clock that a test controls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Clock;
use crate::policy::timeline::Uptime;
use crate::time::Timestamp;

/// A clock that follows tokio's time: under paused time it stands still while any task can
/// run, and jumps to the next timer when none can.
///
/// The wall clock can be moved separately, as an operator or a time server may do it;
/// `elapsed` and `uptime` do not change.
///
/// ```
/// use hookpost::{Timestamp, backend::Clock, testing::VirtualClock};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let clock = VirtualClock::starting_at(Timestamp::from_unix_seconds(1_000));
/// tokio::time::sleep(Duration::from_secs(3600)).await; // takes no time at all
/// assert_eq!(clock.now(), Timestamp::from_unix_seconds(4_600));
///
/// clock.jump_back(Duration::from_secs(600));
/// assert_eq!(clock.now(), Timestamp::from_unix_seconds(4_000));
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct VirtualClock {
    base: Timestamp,
    start: Instant,
    machine: u64,
    skew_micros: Mutex<i64>,
}

impl VirtualClock {
    /// A clock that shows `base` now. Tokio's time must already be paused, or never be paused.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        static MACHINES: AtomicU64 = AtomicU64::new(0);
        let machine = MACHINES.fetch_add(1, Ordering::Relaxed);
        Self { base, start: Instant::now(), machine, skew_micros: Mutex::new(0) }
    }

    /// Another clock on the same time line and the same machine, for a second process. Its
    /// wall clock can be moved separately from this one's, and begins without a difference.
    #[must_use]
    pub const fn beside(&self) -> Self {
        let Self { base, start, machine, skew_micros: _ } = *self;
        Self { base, start, machine, skew_micros: Mutex::new(0) }
    }

    /// Moves the wall clock ahead.
    pub fn jump_ahead(&self, by: Duration) {
        let mut skew = self.skew_micros();
        *skew = skew.saturating_add(micros(by));
    }

    /// Moves the wall clock back.
    pub fn jump_back(&self, by: Duration) {
        let mut skew = self.skew_micros();
        *skew = skew.saturating_sub(micros(by));
    }

    /// Undoes every jump.
    pub fn set_right(&self) {
        *self.skew_micros() = 0;
    }

    fn skew_micros(&self) -> MutexGuard<'_, i64> {
        self.skew_micros.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let straight = self.base + self.elapsed();
        let skew = *self.skew_micros();
        Timestamp::from_micros(straight.as_micros().saturating_add(skew))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { boot: format!("virtual {}", self.machine), elapsed: self.elapsed() })
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_until_somebody_sleeps() {
        let clock = VirtualClock::starting_at(BASE);
        std::hint::black_box((0..10_000).sum::<u64>());
        assert_eq!((clock.now(), clock.elapsed()), (BASE, Duration::ZERO));
        tokio::time::sleep(Duration::from_secs(8 * 3600)).await;
        assert_eq!(clock.now(), BASE + Duration::from_secs(8 * 3600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_moves_the_wall_part_alone_and_can_be_undone() {
        let clock = VirtualClock::starting_at(BASE);
        let other = clock.beside();
        clock.jump_ahead(Duration::from_secs(5));
        clock.jump_back(Duration::from_secs(65));
        assert_eq!(clock.now(), BASE - Duration::from_secs(60));
        assert_eq!(clock.elapsed(), Duration::ZERO);
        assert_eq!(other.now(), BASE);
        clock.set_right();
        assert_eq!(clock.now(), BASE);
    }

    #[tokio::test(start_paused = true)]
    async fn absurd_jumps_saturate() {
        let clock = VirtualClock::starting_at(BASE);
        clock.jump_ahead(Duration::MAX);
        clock.jump_ahead(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
