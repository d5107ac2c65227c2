//! The store's time, continued between readings by this machine's monotonic clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::{Clock, Store};
use crate::delivery::ClaimRequest;
use crate::error::StoreError;
use crate::notice::Notice;
use crate::policy::timeline::{AGREES_WITHIN, CONFIRMED_AFTER, Shift, Uptime};
use crate::time::Timestamp;

use super::guard::Guard;

/// The store's clock is read this often.
pub(super) const READ_EVERY: Duration = Duration::from_secs(10);
/// If two clocks differ by more than this, the observer is told: one of them is wrong.
const APART: Duration = Duration::from_secs(60);

/// Returns the store's time. The store's clock is read now and then; between readings `elapsed`
/// continues it. Due times and leases are in the store's time.
pub(crate) struct StoreClock {
    local: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    guard: Arc<Guard>,
    lease: Duration,
    carry: Mutex<Carry>,
    /// The right to read the store's clock.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Carry {
    base: Timestamp,
    at: Duration,
    uptime: Option<Uptime>,
    read: bool,
    /// How far this process's wall clock was ahead of the store's time, in microseconds.
    ahead: i64,
    /// The sum of all moves of the store's time.
    moved: Shift,
    /// Nothing expires before this: one of two clocks is wrong, and it is unknown which.
    trusted_from: Duration,
}

/// A moment of the store's time, and the moves before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// The sum of the moves of the store's time until then. A time that was written or read at an
    /// earlier sum is shifted by the difference.
    pub(crate) moved: Shift,
}

/// This process's monotonic clocks, as they were before the store's clock was read.
struct Asked {
    elapsed: Duration,
    uptime: Option<Uptime>,
}

impl StoreClock {
    /// `local` is this machine's clock; a claim's lease has the length `lease`.
    pub(super) fn new(
        local: Arc<dyn Clock>,
        store: Arc<dyn Store>,
        guard: Arc<Guard>,
        lease: Duration,
    ) -> Self {
        let carry = Carry {
            base: local.now(),
            at: local.elapsed(),
            uptime: None,
            read: false,
            ahead: 0,
            moved: Shift::default(),
            trusted_from: Duration::ZERO,
        };
        Self { local, store, guard, lease, carry: Mutex::new(carry), reading: tokio::sync::Mutex::default() }
    }

    /// The store's time. Reads the store's clock if that was not read lately, or if this process's
    /// wall clock disagrees with it.
    pub(crate) async fn read(&self) -> Result<Timestamp, StoreError> {
        self.in_time(READ_EVERY).await?;
        Ok(self.now())
    }

    /// Reads the store's clock unless it was read within `age`.
    ///
    /// While this process's wall clock disagrees, any reading may move the store's time to it. In
    /// that case this reads the clock now and returns the right to read it. The caller keeps that
    /// right until what it has dated is written, so that no other reading of this process moves the
    /// time meanwhile. The time moves only while the clocks of all processes disagree with it, so no
    /// process continues in the old time.
    pub(super) async fn in_time(
        &self,
        age: Duration,
    ) -> Result<Option<tokio::sync::MutexGuard<'_, ()>>, StoreError> {
        if self.now_if_sure(age).is_some() {
            return Ok(None);
        }
        let turn = self.reading.lock().await;
        // The previous holder of the lock may have read the clock.
        if self.now_if_sure(age).is_some() {
            return Ok(None);
        }
        let asked = self.asked();
        let reading = self.store.now().await?;
        let unconfirmed = if self.was_read() { None } else { self.store.unconfirmed().await? };
        if let Some(by) = self.take(reading, &asked, unconfirmed) {
            self.guard.notice(&Notice::ClockJumped { by });
        }
        Ok(self.now_if_sure(age).is_none().then_some(turn))
    }

    /// The same claim request, dated now, with the sum of the moves of the store's time.
    pub(super) fn dated(&self, request: &ClaimRequest) -> (ClaimRequest, Shift) {
        let Moment { now, moved } = self.moment();
        (ClaimRequest { now, lease_until: now + self.lease, ..request.clone() }, moved)
    }

    fn asked(&self) -> Asked {
        Asked { elapsed: self.local.elapsed(), uptime: self.local.uptime() }
    }

    /// The store's time, as far as this process knows it.
    pub(crate) fn now(&self) -> Timestamp {
        self.moment().now
    }

    /// The store's time, with the sum of its moves.
    pub(crate) fn moment(&self) -> Moment {
        let elapsed = self.local.elapsed();
        let carry = self.carry();
        Moment { now: carry.base + elapsed.saturating_sub(carry.at), moved: carry.moved }
    }

    /// The present moment in the store's time as it was when its moves had that sum.
    pub(crate) fn now_as_of(&self, moved: Shift) -> Timestamp {
        let moment = self.moment();
        moved.since(moment.moved).carry(moment.now)
    }

    /// This machine's monotonic clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.local.elapsed()
    }

    /// The store's time, if its clock was read within `age` and this process's wall clock agrees.
    /// If that disagrees, the store's clock has to be read: its time may have moved to the wall
    /// clock.
    fn now_if_sure(&self, age: Duration) -> Option<Timestamp> {
        let (wall, elapsed) = (self.local.now(), self.local.elapsed());
        let carry = self.carry();
        let since = elapsed.saturating_sub(carry.at);
        let now = carry.base + since;
        (carry.read && since < age && wall.distance(now) <= AGREES_WITHIN).then_some(now)
    }

    /// Whether the store's clock was not read within `age`.
    pub(crate) fn is_stale(&self, age: Duration) -> bool {
        let elapsed = self.local.elapsed();
        let carry = self.carry();
        !carry.read || elapsed.saturating_sub(carry.at) >= age
    }

    /// Whether the store's clock was read at all.
    fn was_read(&self) -> bool {
        self.carry().read
    }

    /// Stores a reading of the store's clock, which was made after `asked`. `unconfirmed` is the
    /// last moment that the store had seen before its time began, if that time is doubtful.
    ///
    /// Returns a difference between two clocks that is too large to be right and was not reported
    /// yet: the store's time against its expected value, this process's wall clock against the
    /// store's time, or the store's time against the last moment seen. After such a difference
    /// nothing expires for as long as a store needs to be sure of its time, and at least for the
    /// length of a lease.
    fn take(&self, reading: Timestamp, asked: &Asked, unconfirmed: Option<Timestamp>) -> Option<Duration> {
        let (wall, elapsed, uptime) = (self.local.now(), self.local.elapsed(), self.local.uptime());
        let mut carry = self.carry();
        let earliest = carry.after(asked.elapsed, asked.uptime.as_ref());
        let latest = carry.after(elapsed, uptime.as_ref());
        // The store answered between these two moments, so a slow answer does not move the time.
        let expected = reading.clamp(earliest, latest.max(earliest));
        let moves = carry.read && reading.distance(expected) > AGREES_WITHIN;
        let step = if moves { Shift::between(expected, reading) } else { Shift::default() };
        let now = if moves || !carry.read {
            reading
        } else {
            latest.clamp(reading, reading + elapsed.saturating_sub(asked.elapsed))
        };
        let ahead = wall.as_micros().saturating_sub(now.as_micros());
        let parted = micros(ahead.saturating_sub(carry.ahead));
        let gap = unconfirmed.filter(|_| !carry.read).map(|seen| seen.distance(reading));
        let apart =
            [moves.then(|| reading.distance(expected)), Some(micros(ahead)).filter(|_| parted > APART), gap];
        let strange = apart.into_iter().flatten().max().filter(|by| *by > APART);
        let trusted_from = match strange {
            Some(_) => elapsed.saturating_add(CONFIRMED_AFTER.max(self.lease)),
            None => carry.trusted_from,
        };
        let sum = carry.moved.then(step);
        *carry = Carry { base: now, at: elapsed, uptime, read: true, ahead, moved: sum, trusted_from };
        strange
    }

    /// Whether nothing may expire now.
    pub(crate) fn is_distrusted(&self) -> bool {
        let elapsed = self.local.elapsed();
        let carry = self.carry();
        !carry.read || elapsed < carry.trusted_from
    }

    fn carry(&self) -> MutexGuard<'_, Carry> {
        self.carry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carry {
    /// The store's time for these readings of the clocks, if nothing has moved it. `elapsed` may
    /// stop while the machine sleeps; the uptime does not.
    fn after(&self, elapsed: Duration, uptime: Option<&Uptime>) -> Timestamp {
        let passed = match (&self.uptime, uptime) {
            (Some(then), Some(now)) if then.boot == now.boot => now.elapsed.saturating_sub(then.elapsed),
            _ => elapsed.saturating_sub(self.at),
        };
        self.base + passed
    }
}

const fn micros(difference: i64) -> Duration {
    Duration::from_micros(difference.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::memory::MemoryStore;
    use std::sync::atomic::{AtomicU64, Ordering};

    const LEASE: Duration = Duration::from_secs(30);

    /// A monotonic clock, a wall clock and an uptime, in seconds.
    #[derive(Default)]
    struct Hand {
        elapsed: AtomicU64,
        wall: AtomicU64,
        slept: AtomicU64,
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            at(self.wall.load(Ordering::Relaxed))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.elapsed.load(Ordering::Relaxed))
        }

        fn uptime(&self) -> Option<Uptime> {
            let slept = Duration::from_secs(self.slept.load(Ordering::Relaxed));
            Some(Uptime { boot: String::new(), elapsed: self.elapsed() + slept })
        }
    }

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds.cast_signed())
    }

    /// The results of readings: what is reported, and whether anything expires.
    struct Moments {
        hand: Arc<Hand>,
        clock: StoreClock,
    }

    impl Moments {
        fn new() -> Self {
            let hand = Arc::new(Hand::default());
            // These tests do not read the store's clock: each passes the reading itself.
            let store = Arc::new(MemoryStore::with_clock(hand.clone()));
            let guard = Arc::new(Guard::new(Arc::new(|_: &Notice<'_>| {})));
            Self { clock: StoreClock::new(hand.clone(), store, guard, LEASE), hand }
        }

        fn set(&self, elapsed: u64, wall: u64) {
            self.hand.elapsed.store(elapsed, Ordering::Relaxed);
            self.hand.wall.store(wall, Ordering::Relaxed);
        }

        fn at(&self, elapsed: u64, wall: u64, store: u64) -> (Option<u64>, bool) {
            self.set(elapsed, wall);
            let told = self.clock.take(at(store), &self.clock.asked(), None);
            (told.map(|by| by.as_secs()), !self.clock.is_distrusted())
        }

        fn moved(&self) -> i64 {
            self.clock.moment().moved.as_micros() / 1_000_000
        }
    }

    #[test]
    fn time_is_carried_between_readings() {
        let moments = Moments::new();
        assert!(moments.clock.is_stale(Duration::from_secs(10)) && !moments.clock.was_read());
        assert!(moments.clock.is_distrusted(), "nothing was read yet");
        assert_eq!(moments.at(0, 1000, 1000), (None, true));
        moments.set(7, 1007);
        assert_eq!(moments.clock.now_if_sure(Duration::from_secs(10)), Some(at(1007)));
        assert_eq!(moments.clock.now_if_sure(Duration::from_secs(7)), None, "too old");
        moments.set(7, 1010);
        assert_eq!(moments.clock.now_if_sure(Duration::from_secs(10)), None, "the wall clock disagrees");
        assert_eq!(moments.at(7, 1067, 1067), (None, true), "so much is no reason to distrust it");
        assert_eq!(moments.moved(), 60);
    }

    #[test]
    fn a_slow_answer_moves_nothing() {
        let moments = Moments::new();
        moments.at(0, 1000, 1000);
        let asked = moments.clock.asked();
        moments.set(8, 1008);
        assert_eq!(moments.clock.take(at(1003), &asked, None), None);
        assert_eq!((moments.moved(), moments.clock.now()), (0, at(1008)));
        let asked = moments.clock.asked();
        moments.set(18, 1018);
        assert_eq!(moments.clock.take(at(1003), &asked, None), None);
        assert_eq!((moments.moved(), moments.clock.now()), (-5, at(1003)), "5 seconds before it was asked");
    }

    #[test]
    fn a_machine_that_slept_moves_nothing() {
        let moments = Moments::new();
        moments.at(0, 1000, 1000);
        moments.hand.slept.store(3600, Ordering::Relaxed);
        assert_eq!(moments.at(5, 4605, 4605), (None, true));
        assert_eq!(moments.moved(), 0);
    }

    #[test]
    fn a_store_whose_time_moves_expires_nothing_for_ten_minutes() {
        let moments = Moments::new();
        assert_eq!(moments.at(0, 1000, 1000), (None, true));
        assert_eq!(moments.at(10, 173_810, 173_810), (Some(172_800), false));
        assert_eq!(moments.clock.now_as_of(Shift::default()), at(1010), "in the time before");
        assert_eq!(moments.at(609, 174_409, 174_409), (None, false));
        assert_eq!(moments.at(610, 174_410, 174_410), (None, true));
    }

    #[test]
    fn a_wall_clock_that_parts_from_the_store_is_told_once_and_expires_nothing_for_ten_minutes() {
        let moments = Moments::new();
        assert_eq!(moments.at(0, 173_800, 1000), (Some(172_800), false), "at the first reading too");
        assert_eq!(moments.at(10, 173_810, 1010), (None, false));
        assert_eq!(moments.at(300, 1300, 1300), (None, false), "set right");
        assert_eq!(moments.at(600, 1600, 1600), (None, true));
        assert_eq!(moments.at(610, 1510, 1610), (Some(100), false));
        assert_eq!(moments.at(620, 1420, 1620), (Some(200), false), "further apart");
    }

    #[test]
    fn a_time_that_began_in_doubt_is_told_once_and_expires_nothing_for_ten_minutes() {
        let moments = Moments::new();
        moments.set(0, 9000);
        let take = |store| moments.clock.take(at(store), &moments.clock.asked(), Some(at(1000)));
        assert_eq!(take(9000), Some(Duration::from_secs(8000)));
        moments.set(10, 9010);
        assert_eq!(take(9010), None);
        assert!(moments.clock.is_distrusted());
    }
}
