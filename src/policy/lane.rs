//! A lane, and how its health follows from what its deliveries got back:
//! (lane, outcome, now) → change.
//!
//! A healthy lane works at its endpoint's full width. From three failures in a row
//! it is sick: held by the profile's own schedule, then probed with one request;
//! each success after that doubles the width, up to the endpoint's.

use std::time::Duration;

use crate::id::{EndpointId, HostName, TenantId};
use crate::time::Timestamp;

use super::retry::Schedule;

/// From this many failures in a row on, a lane is held before the next try.
pub const SICK_STREAK: u32 = 3;

/// One endpoint's queue, as its row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Whose queue it is.
    pub endpoint: EndpointId,
    /// The endpoint's tenant.
    pub tenant: TenantId,
    /// The host it sends to.
    pub host: HostName,
    /// The operator's pause. Only a resume ends it.
    pub paused: bool,
    /// The engine's hold. It yields nothing before.
    pub held_until: Option<Timestamp>,
    /// Never later than the first moment at which a claim could take something.
    pub ready_at: Option<Timestamp>,
    /// How many may be leased at once, now.
    pub width: u32,
    /// Whether its last answer was a success; false for a new lane.
    pub proven: bool,
    /// Failures since the last success.
    pub streak: u32,
    /// Since when every answer has been a failure.
    pub failing_since: Option<Timestamp>,
    /// Changes with health and holds, not with `ready_at`.
    pub version: u64,
}

/// What a settlement does to a lane, in absolute values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneChange {
    /// Whose lane.
    pub endpoint: EndpointId,
    /// The lane's version as the claim saw it.
    pub seen: u64,
    /// Hold the lane until then, if it is not held longer. Applies whatever the version.
    pub raise: Option<Timestamp>,
    /// The lane's health. An outdated version changes nothing.
    pub health: Option<Health>,
}

/// The part of a lane that only the claim that saw it last may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The width in force.
    pub width: u32,
    /// Whether the last answer was a success.
    pub proven: bool,
    /// Failures in a row.
    pub streak: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// Ends the engine's hold. Only a success whose request began after it does.
    pub lower: bool,
}

impl Lane {
    /// The lane of an endpoint that had nothing to do so far.
    #[must_use]
    pub const fn new(endpoint: EndpointId, tenant: TenantId, host: HostName, width: u32) -> Self {
        Self {
            endpoint,
            tenant,
            host,
            paused: false,
            held_until: None,
            ready_at: None,
            width,
            proven: false,
            streak: 0,
            failing_since: None,
            version: 0,
        }
    }

    /// Whether its last answer was no success, or it has had none: such lanes share
    /// a part of the slots, so that endpoints that never answer cannot take them all.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        !self.proven
    }

    /// The change after a success; `None` when the lane is already as it should be.
    #[must_use]
    pub fn after_success(&self, full_width: u32) -> Option<LaneChange> {
        let width = self.width.max(1).saturating_mul(2).min(full_width);
        let settled = self.proven && self.streak == 0 && self.failing_since.is_none() && self.width == width;
        if settled {
            return None;
        }
        let health = Health { width, proven: true, streak: 0, failing_since: None, lower: true };
        Some(self.change(None, Some(health)))
    }

    /// The change after a failure that ended at `ended_at`. A receiver that asked
    /// for a pause gets it for the whole lane, bounded by `retry_after_max`.
    #[must_use]
    pub fn after_failure(
        &self,
        schedule: &Schedule,
        ended_at: Timestamp,
        retry_after: Option<Duration>,
        retry_after_max: Duration,
    ) -> LaneChange {
        let streak = self.streak.saturating_add(1);
        let sick = streak >= SICK_STREAK;
        let backed_off = sick.then(|| ended_at + schedule.back_off(streak - SICK_STREAK));
        let asked = retry_after.map(|wait| ended_at + wait.min(retry_after_max));
        let health = Health {
            width: if sick { 1 } else { self.width },
            proven: false,
            streak,
            failing_since: Some(self.failing_since.unwrap_or(ended_at)),
            lower: false,
        };
        self.change(backed_off.max(asked), Some(health))
    }

    /// Holds the lane until `until` and leaves its health alone.
    #[must_use]
    pub fn hold(&self, until: Timestamp) -> LaneChange {
        self.change(Some(until), None)
    }

    /// How long every answer has been a failure.
    #[must_use]
    pub fn failing_for(&self, now: Timestamp) -> Duration {
        self.failing_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    fn change(&self, raise: Option<Timestamp>, health: Option<Health>) -> LaneChange {
        LaneChange { endpoint: self.endpoint.clone(), seen: self.version, raise, health }
    }

    /// What a store writes: raises hold whatever the version, health only at the
    /// version it was decided on. Answers whether anything changed.
    ///
    /// A raise changes the version too, so a success whose request began before the
    /// raise cannot end it.
    pub fn apply(&mut self, change: &LaneChange) -> bool {
        let current = change.seen == self.version;
        let before = (self.held_until, self.width, self.proven, self.streak, self.failing_since);
        if let Some(health) = change.health.filter(|_| current) {
            self.width = health.width;
            self.proven = health.proven;
            self.streak = health.streak;
            self.failing_since = health.failing_since;
            if health.lower {
                self.held_until = None;
            }
        }
        self.held_until = self.held_until.max(change.raise);
        let changed = before != (self.held_until, self.width, self.proven, self.streak, self.failing_since);
        self.version += u64::from(changed);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> Lane {
        Lane {
            endpoint: EndpointId::new("e").unwrap(),
            tenant: TenantId::new("t").unwrap(),
            host: HostName::new("h.example").unwrap(),
            paused: false,
            held_until: None,
            ready_at: None,
            width: 8,
            proven: true,
            streak: 0,
            failing_since: None,
            version: 1,
        }
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn fail(lane: &mut Lane, now: Timestamp) {
        let schedule = Schedule::exponential(Duration::from_secs(60), 2, Duration::from_secs(600)).unwrap();
        let change = lane.after_failure(&schedule, now, None, Duration::from_secs(3600));
        lane.apply(&change);
    }

    #[test]
    fn three_failures_make_a_lane_sick_and_successes_widen_it_again() {
        let mut lane = lane();
        fail(&mut lane, at(0));
        fail(&mut lane, at(1));
        assert_eq!((lane.streak, lane.width, lane.held_until), (2, 8, None));
        fail(&mut lane, at(2));
        assert_eq!((lane.width, lane.held_until, lane.failing_since), (1, Some(at(62)), Some(at(0))));
        fail(&mut lane, at(70));
        assert_eq!(lane.held_until, Some(at(190)));
        let mut widths = Vec::new();
        while let Some(change) = lane.after_success(8) {
            lane.apply(&change);
            widths.push(lane.width);
        }
        assert_eq!((widths, lane.streak, lane.held_until), (vec![2, 4, 8], 0, None));
    }

    #[test]
    fn a_burst_of_failures_of_one_claim_counts_once() {
        let mut lane = lane();
        let schedule = Schedule::list([Duration::from_secs(5)]).unwrap();
        let change = lane.after_failure(&schedule, at(0), None, Duration::from_secs(3600));
        for _ in 0..50 {
            lane.apply(&change);
        }
        assert_eq!(lane.streak, 1);
    }

    #[test]
    fn a_success_that_began_before_the_hold_does_not_end_it() {
        let mut lane = lane();
        lane.streak = 1;
        let early_success = lane.after_success(8).unwrap();
        lane.apply(&lane.hold(at(100)));
        lane.apply(&early_success);
        assert_eq!((lane.held_until, lane.streak), (Some(at(100)), 1));
    }

    #[test]
    fn a_raise_never_shortens_a_hold_and_an_equal_one_changes_nothing() {
        let mut lane = lane();
        assert!(lane.apply(&lane.hold(at(100))));
        assert!(!lane.apply(&lane.hold(at(50))));
        assert!(!lane.apply(&lane.hold(at(100))));
        assert_eq!(lane.held_until, Some(at(100)));
    }

    #[test]
    fn a_receiver_that_asks_for_a_pause_gets_it_for_the_lane_within_the_maximum() {
        let schedule = Schedule::list([Duration::from_secs(5)]).unwrap();
        let asked =
            |wait| lane().after_failure(&schedule, at(0), Some(wait), Duration::from_secs(3600)).raise;
        assert_eq!(asked(Duration::from_secs(7)), Some(at(7)));
        assert_eq!(asked(Duration::MAX), Some(at(3600)));
    }
}
