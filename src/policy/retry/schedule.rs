//! The gaps between attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

use super::SPAN_MAX;

/// The gaps between attempts, each counted from the end of the previous attempt.
///
/// ```
/// use hookpost::policy::retry::Schedule;
/// use std::time::Duration;
///
/// let minutes = |n: u64| Duration::from_secs(60 * n);
/// let schedule = Schedule::exponential(minutes(1), 2, minutes(10))?;
/// assert_eq!(schedule.gap(0), Some(minutes(1)));
/// assert_eq!(schedule.gap(4), Some(minutes(10)));
/// # Ok::<(), hookpost::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredSchedule", into = "StoredSchedule")]
pub struct Schedule(Gaps);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Gaps {
    List(Vec<Duration>),
    Exponential { first: Duration, factor: u32, cap: Duration },
}

impl Schedule {
    /// Uses these gaps in turn; after the last one the delivery is exhausted. An empty list
    /// means a single attempt.
    ///
    /// # Errors
    /// If a gap is zero or longer than [`SPAN_MAX`], or if there are more than 1000.
    pub fn list(gaps: impl Into<Vec<Duration>>) -> Result<Self, Invalid> {
        let gaps = gaps.into();
        if gaps.len() > 1000 {
            return Err(Invalid { field: "schedule", rule: "must hold at most 1000 gaps" });
        }
        for gap in &gaps {
            check_span("schedule", *gap)?;
        }
        Ok(Self(Gaps::List(gaps)))
    }

    /// Begins with `first` and multiplies the gap by `factor` for each attempt, up to `cap`.
    ///
    /// # Errors
    /// If a gap is zero or longer than [`SPAN_MAX`], if the cap is less than the first gap, or
    /// if the factor is zero.
    pub fn exponential(first: Duration, factor: u32, cap: Duration) -> Result<Self, Invalid> {
        check_span("schedule.first", first)?;
        check_span("schedule.cap", cap)?;
        if cap < first {
            return Err(Invalid { field: "schedule.cap", rule: "must not be below schedule.first" });
        }
        if factor == 0 {
            return Err(Invalid { field: "schedule.factor", rule: "must be at least 1" });
        }
        Ok(Self(Gaps::Exponential { first, factor, cap }))
    }

    /// The gaps of a built-in profile. A test holds them against the rules above.
    pub(crate) const fn preset_list(gaps: Vec<Duration>) -> Self {
        Self(Gaps::List(gaps))
    }

    /// Begins with a gap of `first` seconds and doubles it for each attempt, up to `cap`
    /// seconds. Zero counts as one second, and a cap below `first` as `first`.
    #[must_use]
    pub const fn doubling(first: u16, cap: u16) -> Self {
        let first = if first == 0 { 1 } else { first as u64 };
        let cap = if (cap as u64) < first { first } else { cap as u64 };
        Self(Gaps::Exponential {
            first: Duration::from_secs(first),
            factor: 2,
            cap: Duration::from_secs(cap),
        })
    }

    /// The gap after attempt number `done + 1`; `None` if there is no further attempt.
    #[must_use]
    pub fn gap(&self, done: u32) -> Option<Duration> {
        match &self.0 {
            Gaps::List(gaps) => gaps.get(usize::try_from(done).unwrap_or(usize::MAX)).copied(),
            Gaps::Exponential { first, factor, cap } => {
                let grown = factor.checked_pow(done).and_then(|times| first.checked_mul(times));
                Some(grown.map_or(*cap, |gap| gap.min(*cap)))
            }
        }
    }

    /// The gap for back-off step `step`, which never ends: after the end of the list, the last
    /// gap repeats. A lane uses it to back off while its endpoint is sick.
    #[must_use]
    pub fn back_off(&self, step: u32) -> Duration {
        const ONE_ATTEMPT_ONLY: Duration = Duration::from_secs(60);
        self.gap(step).unwrap_or_else(|| match &self.0 {
            Gaps::List(gaps) => gaps.last().copied().unwrap_or(ONE_ATTEMPT_ONLY),
            Gaps::Exponential { cap, .. } => *cap,
        })
    }

    /// A jittered gap stays inside what the schedule promises.
    pub(super) fn clamp(&self, gap: Duration) -> Duration {
        match &self.0 {
            Gaps::List(_) => gap,
            Gaps::Exponential { first, cap, .. } => gap.clamp(*first, *cap),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSchedule {
    List { gaps_us: Vec<u64> },
    Exponential { first_us: u64, factor: u32, cap_us: u64 },
}

impl From<Schedule> for StoredSchedule {
    fn from(schedule: Schedule) -> Self {
        let micros = |gap: Duration| u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
        match schedule.0 {
            Gaps::List(gaps) => Self::List { gaps_us: gaps.into_iter().map(micros).collect() },
            Gaps::Exponential { first, factor, cap } => {
                Self::Exponential { first_us: micros(first), factor, cap_us: micros(cap) }
            }
        }
    }
}

impl TryFrom<StoredSchedule> for Schedule {
    type Error = Invalid;
    fn try_from(stored: StoredSchedule) -> Result<Self, Invalid> {
        match stored {
            StoredSchedule::List { gaps_us } => {
                Self::list(gaps_us.into_iter().map(Duration::from_micros).collect::<Vec<_>>())
            }
            StoredSchedule::Exponential { first_us, factor, cap_us } => {
                Self::exponential(Duration::from_micros(first_us), factor, Duration::from_micros(cap_us))
            }
        }
    }
}

pub(super) fn check_span(field: &'static str, span: Duration) -> Result<(), Invalid> {
    if span < Duration::from_micros(1) || span > SPAN_MAX {
        return Err(Invalid { field, rule: "must be between 1 microsecond and 366 days" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn any_number_of_attempts_gives_a_gap_within_the_cap() {
        let schedule = Schedule::exponential(minutes(1), 2, minutes(10)).unwrap();
        for done in [0, 3, 4, 31, 32, 64, u32::MAX] {
            assert!(schedule.gap(done).unwrap() <= minutes(10));
        }
    }

    #[test]
    fn a_schedule_refuses_nonsense_with_its_field() {
        assert_eq!(Schedule::exponential(Duration::ZERO, 2, minutes(1)).unwrap_err().field, "schedule.first");
        assert_eq!(Schedule::exponential(minutes(2), 2, minutes(1)).unwrap_err().field, "schedule.cap");
        assert_eq!(Schedule::exponential(minutes(1), 0, minutes(1)).unwrap_err().field, "schedule.factor");
        assert_eq!(Schedule::list([Duration::MAX]).unwrap_err().field, "schedule");
    }
}
