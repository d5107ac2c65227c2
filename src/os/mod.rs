//! This machine's clock, random numbers and name resolution: the defaults of an engine and its
//! transport.

mod new_secret;
mod resolver;
mod tenant;
mod uptime;

use std::time::{Duration, Instant, SystemTime};

use crate::backend::{Clock, Entropy, EntropyError};
use crate::policy::timeline::Uptime;
use crate::time::Timestamp;

use uptime::Boot;

pub use resolver::SystemResolver;
pub use tenant::current_tenant;
pub(crate) use tenant::on_behalf_of;

/// The operating system's wall clock, and a monotonic clock that starts when this value is made.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
    boot: Option<Boot>,
}

impl SystemClock {
    /// Creates a clock whose `elapsed` counts from this moment.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), boot: Boot::read() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The time since the machine was started (`CLOCK_BOOTTIME`) on Linux; `None` elsewhere.
    fn uptime(&self) -> Option<Uptime> {
        self.boot.and_then(Boot::uptime)
    }
}

/// The operating system's random number generator, suitable for tokens and ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(buffer).map_err(|_| EntropyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let clock = SystemClock::new();
        let mut last = clock.elapsed();
        for _ in 0..1000 {
            let next = clock.elapsed();
            assert!(next >= last);
            last = next;
        }
    }

    #[test]
    fn two_draws_differ_and_fill_the_whole_buffer() {
        let (mut first, mut second) = ([0_u8; 64], [0_u8; 64]);
        OsEntropy.fill(&mut first).unwrap();
        OsEntropy.fill(&mut second).unwrap();
        assert_ne!(first, second);
        assert_ne!(first[32..], [0; 32]);
    }
}
