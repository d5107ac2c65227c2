//! How long an endpoint has answered only with failures, and when that is long enough to
//! disable it.
//!
//! A few failures prove little, however far apart they are. The clock starts only once two
//! failures within [`SILENCE`] are at least [`APART`] apart. A longer silence starts it again.

use std::time::Duration;

use crate::time::Timestamp;

use super::timeline::Shift;

/// How far apart two failures must be for the clock to start.
pub const APART: Duration = Duration::from_secs(12 * 3600);
/// The time without an answer after which earlier failures no longer count.
pub const SILENCE: Duration = Duration::from_secs(24 * 3600);

/// The failures of an endpoint since its last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// When the first of them ended.
    pub since: Timestamp,
    /// When the last of them ended.
    pub last: Timestamp,
    /// The time from which the time until disabling counts, if `counts`; otherwise the first
    /// failure since the last silence.
    pub from: Timestamp,
    /// Whether the clock has started.
    pub counts: bool,
}

impl Failing {
    /// The record after the first failure.
    #[must_use]
    pub const fn first(at: Timestamp) -> Self {
        Self { since: at, last: at, from: at, counts: false }
    }

    /// The record after one more failure.
    #[must_use]
    pub fn again(self, at: Timestamp) -> Self {
        if at.since(self.last) > SILENCE {
            return Self { since: self.since, ..Self::first(at) };
        }
        let last = self.last.max(at);
        // Between two failures that follow each other lie at most 24 hours. So once the
        // first and the last lie 12 hours apart, two of them do so within 24 hours.
        let starts = !self.counts && at.since(self.from) >= APART;
        let from = if starts { at } else { self.from };
        Self { since: self.since, last, from, counts: self.counts || starts }
    }

    /// The same failures after the store's time moved by `by`.
    #[must_use]
    pub const fn shifted(self, by: Shift) -> Self {
        let Self { since, last, from, counts } = self;
        Self { since: by.carry(since), last: by.carry(last), from: by.carry(from), counts }
    }

    /// Whether the clock had run for at least `limit` at the last failure.
    #[must_use]
    pub fn lasts(&self, limit: Duration) -> bool {
        self.counts && self.last.since(self.from) >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_DAYS: Duration = Duration::from_secs(5 * 24 * 3600);

    const fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix_seconds(3600 * hours)
    }

    fn after(hours: &[i64]) -> Failing {
        let mut failing = Failing::first(at(hours[0]));
        for hour in &hours[1..] {
            failing = failing.again(at(*hour));
        }
        failing
    }

    fn every(step: i64, end: i64) -> Vec<i64> {
        (0..=end / step).map(|n| n * step).collect()
    }

    #[test]
    fn an_endpoint_is_disabled_after_five_days_of_failures_that_no_silence_interrupts() {
        for (hours, disabled, why) in [
            (vec![0, 200], false, "two failures days apart"),
            (vec![0, 13], false, "the clock has just started"),
            (every(11, 11), false, "the clock has not started"),
            (every(1, 131), false, "12 hours until it starts, and less than five days"),
            (every(1, 132), true, "12 hours until it starts, and five days"),
            (every(24, 6 * 24), true, "24 hours are no silence"),
            (every(25, 20 * 25), false, "each silence of more than 24 hours starts it anew"),
            ([every(1, 131), vec![156]].concat(), false, "a silence right before the end"),
            ([every(1, 100), vec![124]].concat(), false, "no silence, and not long enough"),
            ([every(1, 100), vec![124, 148]].concat(), true, "no silence, and long enough"),
            (vec![0, 11, 34, 57, 80, 103, 126, 149, 154], true, "12 hours apart from each other only"),
        ] {
            assert_eq!(after(&hours).lasts(FIVE_DAYS), disabled, "{why}");
        }
    }

    #[test]
    fn every_answer_since_the_first_one_was_a_failure_whatever_the_silences() {
        let failing = after(&[1, 100, 300]);
        assert_eq!((failing.since, failing.last, failing.from), (at(1), at(300), at(300)));
    }

    #[test]
    fn a_failure_that_is_recorded_late_changes_no_earlier_moment() {
        let failing = after(&[0, 20, 10]);
        assert_eq!((failing.last, failing.from, failing.counts), (at(20), at(20), true));
    }

    /// The rule as it is stated, over all pairs of failures.
    fn by_pairs(hours: &[i64]) -> bool {
        let series = (1..hours.len()).rev().find(|n| hours[*n] - hours[n - 1] > 24).unwrap_or(0);
        let hours = &hours[series..];
        let start = hours.iter().find(|late| hours.iter().any(|early| (12..=24).contains(&(**late - early))));
        start.is_some_and(|start| hours[hours.len() - 1] - start >= 120)
    }

    #[test]
    fn the_short_rule_is_the_stated_one_over_any_failures() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut disabled = 0;
        for _ in 0..5_000 {
            let (mut hours, mut hour) = (vec![0], 0);
            for _ in 0..random.usize(1..30) {
                hour += if random.u8(0..20) == 0 { random.i64(25..40) } else { random.i64(0..25) };
                hours.push(hour);
            }
            let expected = by_pairs(&hours);
            assert_eq!(after(&hours).lasts(FIVE_DAYS), expected, "{hours:?}");
            disabled += usize::from(expected);
        }
        assert!((500..4_500).contains(&disabled), "{disabled}");
    }
}
