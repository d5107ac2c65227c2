//! The store's clock, carried on by this machine's monotonic one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::seam::Clock;
use crate::time::Timestamp;

/// A jump of the store's clock against ours by more than this is taken for a fault.
const JUMP: Duration = Duration::from_secs(60);

/// Says what time it is in the store: read there now and then, carried on by
/// `elapsed` between. Due times and leases are written in it.
pub(crate) struct StoreClock {
    local: Arc<dyn Clock>,
    carry: Mutex<Carry>,
}

#[derive(Clone, Copy)]
struct Carry {
    base: Timestamp,
    at: Duration,
    read: bool,
    /// Nothing expires before: one of the two clocks is wrong, and which is not known.
    trusted_from: Duration,
}

/// A jump of the store's clock against the carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jump {
    pub(crate) by: Duration,
    /// Whether it now shows an earlier time.
    pub(crate) back: bool,
}

impl StoreClock {
    pub(crate) fn new(local: Arc<dyn Clock>) -> Self {
        let carry =
            Carry { base: local.now(), at: local.elapsed(), read: false, trusted_from: Duration::ZERO };
        Self { local, carry: Mutex::new(carry) }
    }

    /// The store's time, as far as this process knows.
    pub(crate) fn now(&self) -> Timestamp {
        let carry = *self.carry();
        carry.base + self.local.elapsed().saturating_sub(carry.at)
    }

    /// This machine's monotonic clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.local.elapsed()
    }

    /// The store's time, if its clock was read within that long.
    pub(crate) fn now_if_read_within(&self, age: Duration) -> Option<Timestamp> {
        let carry = *self.carry();
        let since = self.local.elapsed().saturating_sub(carry.at);
        (carry.read && since < age).then(|| carry.base + since)
    }

    /// Whether the store's clock was never read, or not for that long.
    pub(crate) fn is_stale(&self, age: Duration) -> bool {
        self.now_if_read_within(age).is_none()
    }

    /// Takes a reading of the store's clock. Answers by how much it has moved against
    /// the carry, if that is a jump; nothing expires for `grace` then.
    pub(crate) fn take(&self, reading: Timestamp, grace: Duration) -> Option<Jump> {
        let (carried, elapsed) = (self.now(), self.local.elapsed());
        let mut carry = self.carry();
        let moved = reading.distance(carried);
        let jump = carry.read && moved > JUMP;
        let trusted_from = if jump { elapsed.saturating_add(grace) } else { carry.trusted_from };
        *carry = Carry { base: reading, at: elapsed, read: true, trusted_from };
        jump.then_some(Jump { by: moved, back: reading < carried })
    }

    /// Whether nothing may expire now.
    pub(crate) fn is_distrusted(&self) -> bool {
        self.local.elapsed() < self.carry().trusted_from
    }

    fn carry(&self) -> MutexGuard<'_, Carry> {
        self.carry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn time_is_carried_between_readings_and_a_jump_suspends_expiry_for_a_while() {
        let hand = Arc::new(Hand::default());
        let clock = StoreClock::new(hand.clone());
        let at = Timestamp::from_unix_seconds;
        assert!(clock.is_stale(Duration::from_secs(10)));
        assert_eq!(clock.take(at(1_000_000), Duration::from_secs(30)), None, "the first reading is no jump");
        hand.0.store(7, Ordering::Relaxed);
        assert_eq!(clock.now(), at(1_000_007));
        assert_eq!(clock.take(at(1_000_067), Duration::from_secs(30)), None);
        assert!(!clock.is_distrusted());
        let ahead = Jump { by: Duration::from_secs(172_800), back: false };
        assert_eq!(clock.take(at(1_172_867), Duration::from_secs(30)), Some(ahead));
        assert!(clock.is_distrusted());
        hand.0.store(37, Ordering::Relaxed);
        assert!(!clock.is_distrusted());
    }
}
