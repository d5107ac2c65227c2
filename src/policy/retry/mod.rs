//! When a failed delivery is tried again, and when it is given up.

mod schedule;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::time::Timestamp;

use self::schedule::check_span;

pub use self::schedule::Schedule;

/// The longest gap, window or age in a policy: 366 days.
pub const SPAN_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long and how often a delivery is tried.
///
/// Two limits end it: the **window**, from the start of its first attempt, and the **maximum
/// age**, from its birth. If the next attempt would come after either end, the delivery fails
/// at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredPolicy")]
pub struct RetryPolicy {
    schedule: Schedule,
    jitter_percent: u8,
    window: Option<Duration>,
    age_max: Option<Duration>,
    attempts_max: Option<NonZeroU32>,
    retry_after_max: Duration,
}

impl RetryPolicy {
    /// A policy with this schedule, and without jitter, window or maximum age. A `Retry-After`
    /// counts up to one hour.
    #[must_use]
    pub const fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            jitter_percent: 0,
            window: None,
            age_max: None,
            attempts_max: None,
            retry_after_max: Duration::from_secs(3600),
        }
    }

    /// The policy of a built-in profile. A test holds it against the rules below.
    pub(crate) fn preset(
        schedule: Schedule,
        jitter_percent: u8,
        window: Option<Duration>,
        age_max: Option<Duration>,
    ) -> Self {
        Self { jitter_percent, window, age_max, ..Self::new(schedule) }
    }

    /// Spreads each gap by up to that many percent in either direction. The gaps of an
    /// exponential schedule stay between its first gap and its cap.
    ///
    /// # Errors
    /// If it is above 100.
    pub fn jitter_percent(mut self, percent: u8) -> Result<Self, Invalid> {
        if percent > 100 {
            return Err(Invalid { field: "jitter_percent", rule: "must be at most 100" });
        }
        self.jitter_percent = percent;
        Ok(self)
    }

    /// Allows no attempt later than this after the start of the first.
    ///
    /// # Errors
    /// If it is zero or longer than [`SPAN_MAX`].
    pub fn window(mut self, window: Duration) -> Result<Self, Invalid> {
        check_span("window", window)?;
        self.window = Some(window);
        Ok(self)
    }

    /// Allows no attempt later than this after the delivery's birth.
    ///
    /// # Errors
    /// If it is zero or longer than [`SPAN_MAX`].
    pub fn age_max(mut self, age: Duration) -> Result<Self, Invalid> {
        check_span("age_max", age)?;
        self.age_max = Some(age);
        Ok(self)
    }

    /// Allows at most this many attempts in all.
    #[must_use]
    pub const fn attempts_max(mut self, attempts: NonZeroU32) -> Self {
        self.attempts_max = Some(attempts);
        self
    }

    /// Limits a receiver's `Retry-After` to this.
    ///
    /// # Errors
    /// If it is zero or longer than [`SPAN_MAX`].
    pub fn retry_after_max(mut self, max: Duration) -> Result<Self, Invalid> {
        check_span("retry_after_max", max)?;
        self.retry_after_max = max;
        Ok(self)
    }

    /// The gaps between attempts.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The longest `Retry-After` of a receiver that counts.
    #[must_use]
    pub const fn retry_after_limit(&self) -> Duration {
        self.retry_after_max
    }

    /// The same policy without its two ends, for use while the clock that decides them may be
    /// wrong.
    #[must_use]
    pub fn without_end(&self) -> Self {
        Self { window: None, age_max: None, ..self.clone() }
    }

    /// When the delivery ends at the latest, and why; `None` if there is no limit.
    #[must_use]
    pub fn end(&self, life: &Life) -> Option<(Timestamp, GiveUp)> {
        let window =
            self.window.zip(life.first_attempt_at).map(|(w, first)| (first + w, GiveUp::RetryWindow));
        let age = self.age_max.map(|age| (life.born_at + age, GiveUp::Expired));
        let stated = life.expires_at.map(|end| (end, GiveUp::Expired));
        [window, age, stated].into_iter().flatten().min_by_key(|(end, _)| *end)
    }

    /// What follows after a failed attempt that ended at `ended_at`. `roll` is a uniform
    /// random number.
    #[must_use]
    pub fn after_failure(
        &self,
        life: &Life,
        ended_at: Timestamp,
        retry_after: Option<Duration>,
        roll: u64,
    ) -> NextTry {
        if self.attempts_max.is_some_and(|max| life.attempts >= max.get()) {
            return NextTry::GiveUp(GiveUp::Exhausted);
        }
        let Some(gap) = self.schedule.gap(life.attempts.saturating_sub(1)) else {
            return NextTry::GiveUp(GiveUp::Exhausted);
        };
        let scheduled = self.jittered(gap, roll);
        let asked = retry_after.unwrap_or(Duration::ZERO).min(self.retry_after_max);
        let at = ended_at + scheduled.max(asked);
        match self.end(life) {
            Some((end, reason)) if at > end => NextTry::GiveUp(reason),
            _ => NextTry::At(at),
        }
    }

    fn jittered(&self, gap: Duration, roll: u64) -> Duration {
        if self.jitter_percent == 0 {
            return gap;
        }
        let micros = gap.as_micros();
        let reach = micros * u128::from(self.jitter_percent) / 100;
        // 0 ..= 2 * reach, by multiplying instead of dividing: no bias worth a loop.
        let offset = ((2 * reach + 1) * u128::from(roll)) >> 64;
        let spread = u64::try_from(micros - reach + offset).unwrap_or(u64::MAX);
        self.schedule.clamp(Duration::from_micros(spread))
    }
}

#[derive(Deserialize)]
struct StoredPolicy {
    schedule: Schedule,
    jitter_percent: u8,
    window: Option<Duration>,
    age_max: Option<Duration>,
    attempts_max: Option<NonZeroU32>,
    retry_after_max: Duration,
}

impl TryFrom<StoredPolicy> for RetryPolicy {
    type Error = Invalid;
    fn try_from(stored: StoredPolicy) -> Result<Self, Invalid> {
        let mut policy = Self::new(stored.schedule)
            .jitter_percent(stored.jitter_percent)?
            .retry_after_max(stored.retry_after_max)?;
        if let Some(window) = stored.window {
            policy = policy.window(window)?;
        }
        if let Some(age) = stored.age_max {
            policy = policy.age_max(age)?;
        }
        policy.attempts_max = stored.attempts_max;
        Ok(policy)
    }
}

/// The life of a delivery so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The birth of the delivery: the later of the event's creation and `not_before`, or the
    /// time of the replay call.
    pub born_at: Timestamp,
    /// The event's `expires_at`, if it has one.
    pub expires_at: Option<Timestamp>,
    /// When the first attempt began; `None` if there was none.
    pub first_attempt_at: Option<Timestamp>,
    /// The number of attempts made, including the one that just failed.
    pub attempts: u32,
}

/// What follows after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextTry {
    /// The delivery is tried again at this time.
    At(Timestamp),
    /// The delivery is not tried again.
    GiveUp(GiveUp),
}

/// Why a delivery is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUp {
    /// The next attempt would be after the end of the retry window.
    RetryWindow,
    /// The next attempt would be after the maximum age or the event's `expires_at`.
    Expired,
    /// The schedule or the number of attempts is used up.
    Exhausted,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    fn live_session() -> RetryPolicy {
        RetryPolicy::new(Schedule::exponential(minutes(1), 2, minutes(10)).unwrap())
            .window(minutes(8 * 60))
            .and_then(|policy| policy.age_max(minutes(24 * 60)))
            .unwrap()
    }

    fn life(attempts: u32, first_attempt_at: Timestamp) -> Life {
        Life {
            born_at: Timestamp::EPOCH,
            expires_at: None,
            first_attempt_at: Some(first_attempt_at),
            attempts,
        }
    }

    #[test]
    fn without_its_ends_a_policy_goes_on_by_its_schedule_alone() {
        let old = life(1, Timestamp::EPOCH);
        let now = Timestamp::EPOCH + Duration::from_secs(48 * 3600);
        let after = |policy: &RetryPolicy| policy.after_failure(&old, now, None, 0);
        assert_eq!(after(&live_session()), NextTry::GiveUp(GiveUp::RetryWindow));
        assert_eq!(after(&live_session().without_end()), NextTry::At(now + Duration::from_secs(60)));
    }

    #[test]
    fn one_minute_doubling_to_ten_for_eight_hours_is_51_attempts_the_last_at_475_minutes() {
        let policy = live_session();
        let (mut at, mut starts) = (Timestamp::EPOCH, vec![0]);
        let reason = loop {
            match policy.after_failure(
                &life(u32::try_from(starts.len()).unwrap(), Timestamp::EPOCH),
                at,
                None,
                7,
            ) {
                NextTry::At(next) => {
                    at = next;
                    starts.push(at.unix_seconds() / 60);
                }
                NextTry::GiveUp(reason) => break reason,
            }
        };
        assert_eq!(&starts[..8], [0, 1, 3, 7, 15, 25, 35, 45]);
        assert_eq!((starts.len(), starts.last(), reason), (51, Some(&475), GiveUp::RetryWindow));
    }

    #[test]
    fn a_first_attempt_at_20_hours_ends_with_the_age_and_not_with_the_window() {
        let first = Timestamp::EPOCH + minutes(20 * 60);
        let end = live_session().end(&life(1, first));
        assert_eq!(end, Some((Timestamp::EPOCH + minutes(24 * 60), GiveUp::Expired)));
    }

    #[test]
    fn ten_thousand_jittered_gaps_stay_between_one_and_ten_minutes() {
        let policy = live_session().jitter_percent(50).unwrap();
        let mut rolls = fastrand::Rng::with_seed(1);
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..10_000_u32 {
            let roll = match n {
                0 => 0,
                1 => u64::MAX,
                _ => rolls.u64(..),
            };
            let NextTry::At(at) =
                policy.after_failure(&life(1 + n % 20, Timestamp::EPOCH), Timestamp::EPOCH, None, roll)
            else {
                panic!("gave up")
            };
            let gap = at.since(Timestamp::EPOCH);
            assert!(gap >= minutes(1) && gap <= minutes(10), "{gap:?}");
            seen.insert(gap);
        }
        assert!(seen.len() > 5_000, "jitter spreads");
    }

    #[test]
    fn retry_after_only_lengthens_and_only_to_its_maximum() {
        let policy = live_session();
        for (asked, expected) in [
            (None, minutes(1)),
            (Some(Duration::ZERO), minutes(1)),
            (Some(Duration::from_secs(120)), minutes(2)),
            (Some(Duration::from_secs(1_000_000_000)), minutes(60)),
            (Some(Duration::MAX), minutes(60)),
        ] {
            let next = policy.after_failure(&life(1, Timestamp::EPOCH), Timestamp::EPOCH, asked, 0);
            assert_eq!(next, NextTry::At(Timestamp::EPOCH + expected), "{asked:?}");
        }
    }

    #[test]
    fn a_list_is_exhausted_after_its_last_gap_and_attempts_are_bounded() {
        let twice = RetryPolicy::new(Schedule::list([minutes(1), minutes(1)]).unwrap());
        let after = |policy: &RetryPolicy, attempts| {
            policy.after_failure(&life(attempts, Timestamp::EPOCH), Timestamp::EPOCH, None, 0)
        };
        assert_eq!(after(&twice, 2), NextTry::At(Timestamp::EPOCH + minutes(1)));
        assert_eq!(after(&twice, 3), NextTry::GiveUp(GiveUp::Exhausted));
        let bounded = live_session().attempts_max(NonZeroU32::MIN);
        assert_eq!(after(&bounded, 1), NextTry::GiveUp(GiveUp::Exhausted));
    }

    #[test]
    fn what_is_stored_comes_back_and_nonsense_does_not() {
        let policy = live_session().jitter_percent(10).unwrap().attempts_max(NonZeroU32::MIN);
        let stored = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<RetryPolicy>(&stored).unwrap(), policy);
        for (good, bad) in
            [("\"jitter_percent\":10", "\"jitter_percent\":101"), ("\"factor\":2", "\"factor\":0")]
        {
            assert!(stored.contains(good), "{stored}");
            assert!(serde_json::from_str::<RetryPolicy>(&stored.replace(good, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_field() {
        assert_eq!(live_session().window(Duration::ZERO).unwrap_err().field, "window");
        assert_eq!(live_session().age_max(Duration::MAX).unwrap_err().field, "age_max");
        assert_eq!(live_session().jitter_percent(101).unwrap_err().field, "jitter_percent");
        assert_eq!(live_session().retry_after_max(Duration::ZERO).unwrap_err().field, "retry_after_max");
    }
}
