//! The exact log of the starts that a limit has granted.

use std::collections::VecDeque;
use std::time::Duration;

use crate::policy::timeline::{CONFIRMED_AFTER, Shift};
use crate::time::Timestamp;

use super::Limit;

/// A grant that ends later than a grant made now could, by at least this, was made by a clock
/// that was ahead. A call that waited for less than this does not count as an old one, which
/// would end the grants of others too soon.
pub(crate) const AHEAD: Duration = CONFIRMED_AFTER;

/// The exact log of one limit: every grant, until it no longer counts.
///
/// A granted request may start until its `start_by`, so a grant counts until then plus the
/// window. Therefore no window, wherever it begins, has more starts than the limit.
#[derive(Debug, Clone, Default)]
pub struct StartLog {
    grants: VecDeque<Granted>,
    starts: u64,
}

#[derive(Debug, Clone, Copy)]
struct Granted {
    counts_until: Timestamp,
    starts: u32,
}

impl StartLog {
    /// A log of these grants, given as (counts until, starts), in any order.
    #[must_use]
    pub fn from_grants(grants: impl IntoIterator<Item = (Timestamp, u32)>) -> Self {
        let mut grants: Vec<_> =
            grants.into_iter().map(|(counts_until, starts)| Granted { counts_until, starts }).collect();
        grants.sort_by_key(|grant| grant.counts_until);
        let starts = grants.iter().map(|grant| u64::from(grant.starts)).sum();
        Self { grants: grants.into(), starts }
    }

    /// The number of the `wanted` starts that fit under `limit` at `now`.
    pub fn room(&mut self, limit: &Limit, now: Timestamp, wanted: u32) -> u32 {
        while let Some(oldest) = self.grants.front().filter(|grant| grant.counts_until <= now) {
            self.starts -= u64::from(oldest.starts);
            self.grants.pop_front();
        }
        let free = u64::from(limit.starts()).saturating_sub(self.starts);
        wanted.min(u32::try_from(free).unwrap_or(u32::MAX))
    }

    /// Counts grants of a clock that was ahead as if they were granted now: they began before
    /// now, and would otherwise count longer by as much as the clock was ahead. A grant made
    /// now ends by `start_by`.
    pub fn forget_future(&mut self, limit: &Limit, start_by: Timestamp) {
        let last_of_now = start_by + limit.window() + AHEAD;
        let mut starts = 0_u32;
        while let Some(last) = self.grants.back().copied().filter(|last| last.counts_until > last_of_now) {
            starts = starts.saturating_add(last.starts);
            self.starts -= u64::from(last.starts);
            self.grants.pop_back();
        }
        if starts > 0 {
            self.grant(limit, start_by, starts);
        }
    }

    /// Converts the times of its grants after the store's time moved by `by`.
    pub fn shift(&mut self, by: Shift) {
        for grant in &mut self.grants {
            grant.counts_until = by.carry(grant.counts_until);
        }
    }

    /// Records that `starts` requests may begin until `start_by`. Returns the time until which
    /// they count.
    pub fn grant(&mut self, limit: &Limit, start_by: Timestamp, starts: u32) -> Timestamp {
        let counts_until = start_by + limit.window();
        let at = self.grants.partition_point(|grant| grant.counts_until <= counts_until);
        self.grants.insert(at, Granted { counts_until, starts });
        self.starts += u64::from(starts);
        counts_until
    }

    /// When at least one more start fits; `None` if it fits now.
    #[must_use]
    pub fn opens_at(&self, limit: &Limit) -> Option<Timestamp> {
        self.opens_for(limit, 1)
    }

    /// When `more` further starts fit; `None` if they fit now, or if that needs starts that
    /// were never granted.
    pub(crate) fn opens_for(&self, limit: &Limit, more: u64) -> Option<Timestamp> {
        let all = self.starts.saturating_add(more);
        let mut over = all.checked_sub(u64::from(limit.starts())).filter(|over| *over > 0)?;
        for grant in &self.grants {
            over = over.saturating_sub(u64::from(grant.starts));
            if over == 0 {
                return Some(grant.counts_until);
            }
        }
        None
    }

    /// Whether no grant counts any more at `now`.
    #[must_use]
    pub fn is_spent(&self, now: Timestamp) -> bool {
        self.grants.back().is_none_or(|grant| grant.counts_until <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::LimitScope;
    use super::*;

    fn limit(starts: u32, seconds: u64) -> Limit {
        Limit::new(LimitScope::Tenant, NonZeroU32::new(starts).unwrap(), Duration::from_secs(seconds))
            .unwrap()
    }

    proptest::proptest! {
        #[test]
        fn no_window_ever_holds_more_starts_than_the_limit(
            seed in proptest::prelude::any::<u64>(), starts in 1_u32..20,
        ) {
            let (limit, mut rng) = (limit(starts, 60), fastrand::Rng::with_seed(seed));
            let (mut log, mut now, mut began) = (StartLog::default(), Timestamp::EPOCH, Vec::new());
            for _ in 0..300 {
                now = now + Duration::from_millis(rng.u64(0..20_000));
                let granted = log.room(&limit, now, rng.u32(1..10));
                if granted > 0 {
                    let start_by = now + Duration::from_secs(1);
                    log.grant(&limit, start_by, granted);
                    for _ in 0..granted {
                        began.push(now + Duration::from_micros(rng.u64(0..=1_000_000)));
                    }
                } else {
                    proptest::prop_assert!(log.opens_at(&limit).unwrap() > now);
                }
            }
            began.sort();
            for (i, first) in began.iter().enumerate() {
                let inside = began[i..].iter().filter(|at| at.since(*first) < limit.window()).count();
                proptest::prop_assert!(inside <= starts as usize, "{inside} starts in one window");
            }
        }
    }

    #[test]
    fn a_refusal_says_when_there_is_room_again() {
        let limit = limit(3, 60);
        let at = Timestamp::from_unix_seconds;
        let mut log = StartLog::from_grants([(at(70), 2), (at(65), 1)]);
        assert_eq!(log.room(&limit, at(10), 5), 0);
        assert_eq!(log.opens_at(&limit), Some(at(65)));
        assert_eq!(log.room(&limit, at(65), 5), 1);
        assert_eq!(log.opens_at(&limit), None);
    }

    #[test]
    fn grants_of_a_clock_that_was_ahead_count_as_made_now() {
        let (limit, at) = (limit(5, 60), Timestamp::from_unix_seconds);
        let mut log = StartLog::default();
        log.grant(&limit, at(11), 1);
        log.grant(&limit, at(86_401), 2);
        log.grant(&limit, at(86_410), 2);
        log.forget_future(&limit, at(36));
        assert_eq!(log.room(&limit, at(35), 9), 0);
        assert_eq!(log.opens_at(&limit), Some(at(71)));
        assert_eq!(log.room(&limit, at(95), 9), 1);
        assert_eq!(log.room(&limit, at(96), 9), 5);
        log.grant(&limit, at(98), 5);
        log.forget_future(&limit, at(68));
        assert_eq!(log.room(&limit, at(157), 9), 0, "what a late call finds is not of the future");
    }
}
