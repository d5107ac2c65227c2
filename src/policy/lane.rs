//! Lanes, and how the results of deliveries change a lane's health: (lane, outcome, now) →
//! change.
//!
//! A healthy lane sends at its endpoint's full width. After three failures in a row it is
//! sick: it is held by the profile's schedule, but never longer than the profile's
//! `probe_gap_max`, then probed with one request. The schedule is for a delivery, the probe
//! for the endpoint: if nothing is due, a delivery that waits for a retry is the probe. Each
//! success after that doubles the width, up to the endpoint's.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::Duration;

use crate::id::{EndpointId, Generation, HostName, TenantId};
use crate::time::Timestamp;

use super::failing::Failing;
use super::retry::RetryPolicy;
use super::timeline::Shift;

/// The number of failures in a row from which on a lane is held before the next attempt.
pub const SICK_STREAK: u32 = 3;

/// The most deliveries to catch up that one claim sorts by their due times.
pub(crate) const CATCH_UP_LOOKS: usize = 1024;

/// The queue of one endpoint, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The endpoint that the lane is for.
    pub endpoint: EndpointId,
    /// The endpoint's tenant.
    pub tenant: TenantId,
    /// The host that the endpoint's requests are sent to.
    pub host: HostName,
    /// Whether the operator has paused the lane. Only a resume ends that.
    pub paused: bool,
    /// The end of the engine's hold. Before it nothing is claimed.
    pub held_until: Option<Timestamp>,
    /// A time no later than the first moment at which a claim could take something.
    pub ready_at: Option<Timestamp>,
    /// The most deliveries that may be leased at once now.
    pub width: u32,
    /// Whether the last answer was a success; false for a new lane.
    pub proven: bool,
    /// The number of failures since the last success.
    pub streak: u32,
    /// The failures since the last success; `None` if the last answer was not a failure.
    pub failing: Option<Failing>,
    /// The deliveries that may be sent before their due time: the probes of a sick lane, and
    /// those that wait after the endpoint has recovered or begun anew. It ends by itself once
    /// no delivery waits that was tried before. [`Lane::early`] returns whether it applies.
    pub catch_up: Option<CatchUp>,
    /// The generation of the endpoint that this state was learned from.
    pub generation: Generation,
    /// A number that changes when the health changes or a hold ends early, but not when a hold
    /// is raised or `ready_at` changes.
    pub version: u64,
}

/// The deliveries that may be sent before their due time: those that wait for a retry and were
/// last tried no later than the endpoint recovered or, while it is sick, last failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatchUp {
    /// When the endpoint recovered or, while it is sick, last failed. A delivery that was
    /// tried later keeps its due time.
    pub tried_by: Timestamp,
    /// How long ago the last attempt must be: the first gap of the schedule.
    pub gap: Duration,
}

impl CatchUp {
    /// The time from which a delivery that was last tried at `tried_at` may be sent; `None` if
    /// it keeps its due time.
    #[must_use]
    pub fn sendable_at(&self, tried_at: Timestamp) -> Option<Timestamp> {
        (tried_at <= self.tried_by).then(|| tried_at + self.gap)
    }

    /// The same after the store's time moved by `by`.
    #[must_use]
    pub const fn shifted(self, by: Shift) -> Self {
        Self { tried_by: by.carry(self.tried_by), gap: self.gap }
    }

    /// Deliveries that were last tried at this time or before may be sent at `now`.
    #[must_use]
    pub fn sendable_if_tried_by(&self, now: Timestamp) -> Timestamp {
        self.tried_by.min(now - self.gap)
    }
}

/// The change that a settlement makes to a lane, in absolute values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneChange {
    /// The endpoint of the lane.
    pub endpoint: EndpointId,
    /// The generation of the endpoint that it was learned from. If it is older than the
    /// lane's, nothing changes.
    pub generation: Generation,
    /// The version of the lane that the claim saw.
    pub seen: u64,
    /// The time until which to hold the lane, unless it is held longer. It applies whatever
    /// the version.
    pub raise: Option<Timestamp>,
    /// The new health of the lane. It is ignored if the version is outdated.
    pub health: Option<Health>,
}

/// The part of a lane that only the claim that saw it last may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The width in force.
    pub width: u32,
    /// Whether the last answer was a success.
    pub proven: bool,
    /// The number of failures in a row.
    pub streak: u32,
    /// The failures since the last success.
    pub failing: Option<Failing>,
    /// The deliveries that may be sent before their due time.
    pub catch_up: Option<CatchUp>,
    /// The end of the hold that the claim saw: the engine's hold ends now if it would end by
    /// then. `None` ends no hold. A hold that was raised later stays, since the request began
    /// before it. The rest of the health applies in either case.
    pub ends_hold: Option<Timestamp>,
}

impl LaneChange {
    /// Converts its times after the store's time moved by `by`.
    pub fn shift(&mut self, by: Shift) {
        self.raise = self.raise.map(|until| by.carry(until));
        if let Some(health) = &mut self.health {
            health.failing = health.failing.map(|failing| failing.shifted(by));
            health.catch_up = health.catch_up.map(|catch_up| catch_up.shifted(by));
            health.ends_hold = health.ends_hold.map(|until| by.carry(until));
        }
    }
}

impl Lane {
    /// A lane of an endpoint to which nothing was sent so far.
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
            failing: None,
            catch_up: None,
            generation: Generation::UNKNOWN,
            version: 0,
        }
    }

    /// Whether its last answer was not a success, or there was none. Such lanes share a part
    /// of the slots, so that endpoints that never answer cannot take them all.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        !self.proven
    }

    /// Whether its last answers were [`SICK_STREAK`] failures or more.
    #[must_use]
    pub const fn is_sick(&self) -> bool {
        self.streak >= SICK_STREAK
    }

    /// The deliveries that may be sent before their due time now, if any. A lane that catches
    /// up sends them in the order of their due times; a sick lane probes with the one that was
    /// tried longest ago.
    ///
    /// `several_wait` is whether more than one delivery waits in the lane, for any reason. A
    /// delivery that waits alone is tried when it is due: no other delivery needs a probe.
    #[must_use]
    pub fn early(&self, several_wait: bool) -> Option<CatchUp> {
        self.catch_up.filter(|_| several_wait || !self.is_sick())
    }

    /// Holds the lane until then, unless it is held longer.
    pub(crate) fn hold_until(&mut self, until: Timestamp) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// Ends the engine's hold.
    pub(crate) fn end_hold(&mut self) {
        self.version = self.version.saturating_add(u64::from(self.held_until.is_some()));
        self.held_until = None;
    }

    /// Ends the engine's hold because the caller says that the endpoint works: waiting
    /// deliveries catch up, and one more failure makes a sick lane sick again.
    pub(crate) fn lift(&mut self) {
        self.version = self.version.saturating_add(u64::from(self.held_until.is_some() || self.is_sick()));
        self.held_until = None;
        self.streak = self.streak.min(SICK_STREAK - 1);
    }

    /// The change after a success that ended at `ended_at`; `None` if the lane needs no
    /// change. With a `catch_up` gap, a success that ends a sick streak allows waiting
    /// deliveries to be sent that long after their last attempt, whatever their due time.
    #[must_use]
    pub fn after_success(
        &self,
        full_width: u32,
        ended_at: Timestamp,
        catch_up: Option<Duration>,
    ) -> Option<LaneChange> {
        let catch_up = match catch_up {
            Some(gap) if self.is_sick() => Some(CatchUp { tried_by: ended_at, gap }),
            Some(_) => self.catch_up,
            None => None,
        };
        let width = self.width.max(1).saturating_mul(2).min(full_width);
        let is_well = self.proven && self.streak == 0 && self.failing.is_none();
        let settled = is_well && self.width == width && self.catch_up == catch_up;
        if settled {
            return None;
        }
        let ends_hold = self.held_until;
        let health = Health { width, proven: true, streak: 0, failing: None, catch_up, ends_hold };
        Some(self.change(None, Some(health)))
    }

    /// The change after a failure that ended at `ended_at`. A sick lane is held for the gap of
    /// the schedule that matches its streak, at most for `probe_gap_max`. A pause that the
    /// receiver asked for holds the whole lane, at most for the policy's
    /// [`retry_after_limit`](RetryPolicy::retry_after_limit). With a `catch_up` gap, a
    /// delivery that was tried that long ago may be the next probe of a sick lane, whatever
    /// its due time.
    #[must_use]
    pub fn after_failure(
        &self,
        retry: &RetryPolicy,
        probe_gap_max: Duration,
        ended_at: Timestamp,
        retry_after: Option<Duration>,
        catch_up: Option<Duration>,
    ) -> LaneChange {
        let streak = self.streak.saturating_add(1);
        let sick = streak >= SICK_STREAK;
        let probe_gap = || retry.schedule().back_off(streak - SICK_STREAK).min(probe_gap_max);
        let backed_off = sick.then(|| ended_at + probe_gap());
        let asked = retry_after.map(|wait| ended_at + wait.min(retry.retry_after_limit()));
        let health = Health {
            width: if sick { 1 } else { self.width },
            proven: false,
            streak,
            failing: Some(self.failing.map_or(Failing::first(ended_at), |failing| failing.again(ended_at))),
            catch_up: match catch_up {
                Some(gap) if sick => Some(CatchUp { tried_by: ended_at, gap }),
                Some(_) => self.catch_up,
                None => None,
            },
            ends_hold: None,
        };
        self.change(backed_off.max(asked), Some(health))
    }

    /// Holds the lane until `until` and does not change its health.
    #[must_use]
    pub fn hold(&self, until: Timestamp) -> LaneChange {
        self.change(Some(until), None)
    }

    /// The lane as it applies to an endpoint of that generation: with a clean record if
    /// nothing was learned of that generation yet; `None` if the lane is of a later
    /// generation.
    #[must_use]
    pub fn for_generation(&self, generation: Generation, full_width: u32) -> Option<Cow<'_, Self>> {
        match generation.cmp(&self.generation) {
            Ordering::Less => None,
            Ordering::Equal => Some(Cow::Borrowed(self)),
            Ordering::Greater => {
                let mut lane = self.clone();
                lane.begin_anew(generation);
                lane.width = full_width;
                Some(Cow::Owned(lane))
            }
        }
    }

    /// Applies a write of its endpoint. A new generation begins with a clean record; otherwise
    /// a sick lane never becomes wider.
    pub(crate) fn refit(&mut self, generation: Generation, host: &HostName, width: u32) {
        if generation > self.generation {
            self.begin_anew(generation);
        }
        self.width = if self.streak == 0 { width } else { self.width.min(width) };
        self.host = host.clone();
        self.version = self.version.saturating_add(1);
    }

    /// Lets everything that waits since a sick streak catch up: enabling or changing the
    /// endpoint means that it should work now.
    fn begin_anew(&mut self, generation: Generation) {
        self.generation = generation;
        self.held_until = None;
        self.proven = false;
        self.streak = 0;
        self.failing = None;
    }

    /// Converts the times of its hold and its health after the store's time moved by `by`.
    pub fn shift(&mut self, by: Shift) {
        self.held_until = self.held_until.map(|until| by.carry(until));
        self.failing = self.failing.map(|failing| failing.shifted(by));
        self.catch_up = self.catch_up.map(|catch_up| catch_up.shifted(by));
    }

    fn change(&self, raise: Option<Timestamp>, health: Option<Health>) -> LaneChange {
        let (endpoint, generation) = (self.endpoint.clone(), self.generation);
        LaneChange { endpoint, generation, seen: self.version, raise, health }
    }

    /// Also lets what failed by then catch up, if anything does. Returns whether that changed
    /// anything.
    fn catch_up_with(&mut self, failed_by: Option<Timestamp>) -> bool {
        let Some((mine, failed_by)) = self.catch_up.as_mut().zip(failed_by) else { return false };
        let later = failed_by > mine.tried_by;
        mine.tried_by = mine.tried_by.max(failed_by);
        later
    }

    /// Applies what a store writes: raises hold whatever the version, health only if the
    /// version is the one that it was decided on. Returns whether anything changed.
    ///
    /// A raise alone does not change the version: what a request that began before it shows of
    /// the endpoint's health remains true, although it cannot end that hold.
    pub fn apply(&mut self, change: &LaneChange) -> bool {
        let failed_by = change.health.and_then(|health| health.catch_up).map(|early| early.tried_by);
        if change.generation < self.generation {
            // What was under way to the URL of before waits for this one as what failed earlier.
            return self.catch_up_with(failed_by);
        }
        let current = change.seen == self.version;
        let learned = |lane: &Self| {
            (lane.generation, lane.width, lane.proven, lane.streak, lane.failing, lane.catch_up)
        };
        let (before, held_before) = (learned(self), self.held_until);
        if change.generation > self.generation {
            self.begin_anew(change.generation);
        }
        if self.is_sick() {
            // Of several requests that failed at once, the first one's change alone is current.
            self.catch_up_with(failed_by);
        }
        if let Some(health) = change.health.filter(|_| current) {
            self.width = health.width;
            self.proven = health.proven;
            self.streak = health.streak;
            self.failing = health.failing;
            let failed_by = self.catch_up.map(|early| early.tried_by);
            self.catch_up = health.catch_up;
            self.catch_up_with(failed_by);
            if self.held_until <= health.ends_hold {
                self.held_until = None;
            }
        }
        let ended = self.held_until != held_before;
        self.held_until = self.held_until.max(change.raise);
        let anew = ended || before != learned(self);
        self.version = self.version.saturating_add(u64::from(anew));
        anew || self.held_until != held_before
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::retry::Schedule;

    use super::*;

    const PROBE_GAP_MAX: Duration = Duration::from_secs(600);

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
            failing: None,
            catch_up: None,
            generation: Generation::UNKNOWN,
            version: 1,
        }
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn fail(lane: &mut Lane, now: Timestamp) {
        let schedule = Schedule::exponential(Duration::from_secs(60), 2, Duration::from_secs(6000)).unwrap();
        let change = lane.after_failure(&RetryPolicy::new(schedule), PROBE_GAP_MAX, now, None, None);
        lane.apply(&change);
    }

    #[test]
    fn three_failures_make_a_lane_sick_and_successes_widen_it_again() {
        let mut lane = lane();
        fail(&mut lane, at(0));
        fail(&mut lane, at(1));
        assert_eq!((lane.streak, lane.width, lane.held_until), (2, 8, None));
        fail(&mut lane, at(2));
        assert_eq!(
            (lane.width, lane.held_until, lane.failing.map(|failing| failing.since)),
            (1, Some(at(62)), Some(at(0)))
        );
        fail(&mut lane, at(70));
        assert_eq!(lane.held_until, Some(at(190)));
        let mut widths = Vec::new();
        while let Some(change) = lane.after_success(8, at(100), None) {
            lane.apply(&change);
            widths.push(lane.width);
        }
        assert_eq!((widths, lane.streak, lane.held_until), (vec![2, 4, 8], 0, None));
    }

    #[test]
    fn the_gap_between_two_probes_never_passes_the_longest_one() {
        let hours = |n: u64| Duration::from_secs(3600 * n);
        let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(5), hours(1), hours(10)]).unwrap());
        let held_for = |streak| {
            let sick = Lane { streak, ..lane() };
            sick.after_failure(&retry, PROBE_GAP_MAX, at(0), None, None).raise.map(|until| until.since(at(0)))
        };
        assert_eq!(held_for(1), None);
        assert_eq!(held_for(2), Some(Duration::from_secs(5)));
        assert_eq!([3, 4, 90, u32::MAX].map(held_for), [Some(PROBE_GAP_MAX); 4]);
        let asks = lane().after_failure(&retry, PROBE_GAP_MAX, at(0), Some(hours(9)), None);
        assert_eq!(asks.raise, Some(at(3600)), "what a receiver asks for is bounded by its own limit");
    }

    #[test]
    fn a_success_lets_what_waits_catch_up_only_after_a_sick_streak() {
        let gap = Duration::from_secs(5);
        let after = |streak, catch_up| {
            let lane = Lane { streak, ..lane() };
            lane.after_success(8, at(100), catch_up).and_then(|change| change.health?.catch_up)
        };
        let recovered = CatchUp { tried_by: at(100), gap };
        assert_eq!(after(2, Some(gap)), None, "it was not sick");
        assert_eq!(after(3, Some(gap)), Some(recovered));
        assert_eq!(after(3, None), None, "its profile promises its gaps");
        assert_eq!(recovered.sendable_at(at(100)), Some(at(105)));
        assert_eq!(recovered.sendable_at(at(101)), None, "tried after the recovery");
        assert_eq!(
            (recovered.sendable_if_tried_by(at(102)), recovered.sendable_if_tried_by(at(999))),
            (at(97), at(100))
        );

        let mut lane = Lane { streak: 3, ..lane() };
        lane.apply(&lane.after_success(8, at(100), Some(gap)).unwrap());
        assert_eq!(lane.after_success(8, at(200), Some(gap)), None, "a later success changes nothing");
        lane.apply(&lane.after_success(8, at(200), None).unwrap());
        assert_eq!(lane.catch_up, None, "its profile was changed");
    }

    #[test]
    fn what_waits_in_a_sick_lane_may_be_its_probe_unless_it_waits_alone() {
        let gap = Duration::from_secs(5);
        let retry = RetryPolicy::new(Schedule::list([gap]).unwrap());
        let after = |streak, catch_up| {
            let mut lane = Lane { streak, ..lane() };
            lane.apply(&lane.after_failure(&retry, PROBE_GAP_MAX, at(100), None, catch_up));
            lane
        };
        let probe = CatchUp { tried_by: at(100), gap };
        assert_eq!(after(1, Some(gap)).early(true), None, "it is not sick");
        assert_eq!([true, false].map(|several| after(2, Some(gap)).early(several)), [Some(probe), None]);
        assert_eq!(after(2, None).early(true), None, "its profile promises its gaps");

        for told in
            [Lane::lift, |lane: &mut Lane| lane.begin_anew(Generation { registration: 1, renewal: 0 })]
        {
            let mut lane = after(9, Some(gap));
            told(&mut lane);
            assert_eq!((lane.early(false), lane.held_until), (Some(probe), None), "somebody says it is well");
        }
    }

    #[test]
    fn all_that_failed_at_once_may_be_the_next_probe() {
        let gap = Duration::from_secs(5);
        let retry = RetryPolicy::new(Schedule::list([gap]).unwrap());
        let mut lane = Lane { streak: 2, ..lane() };
        let failure =
            |lane: &Lane, ended_at| lane.after_failure(&retry, PROBE_GAP_MAX, ended_at, None, Some(gap));
        let at_once = [100, 103, 101].map(|ended_at| failure(&lane, at(ended_at)));
        for change in &at_once {
            lane.apply(change);
        }
        assert_eq!((lane.streak, lane.early(true).map(|early| early.tried_by)), (3, Some(at(103))));

        let stale = failure(&lane, at(110));
        lane.apply(&lane.after_success(8, at(105), Some(gap)).unwrap());
        lane.apply(&stale);
        assert_eq!(lane.early(true).map(|early| early.tried_by), Some(at(105)), "what failed since waits");
    }

    #[test]
    fn a_probe_that_fails_after_its_endpoint_was_moved_catches_up_as_what_failed_before() {
        let gap = Duration::from_secs(5);
        let retry = RetryPolicy::new(Schedule::list([gap]).unwrap());
        let mut lane = Lane { streak: 5, catch_up: Some(CatchUp { tried_by: at(100), gap }), ..lane() };
        let failure = |lane: &Lane| lane.after_failure(&retry, PROBE_GAP_MAX, at(130), None, Some(gap));
        let (probe, seen) = (failure(&lane), lane.clone());
        lane.begin_anew(Generation { registration: 1, renewal: 1 });
        let success = Lane { generation: lane.generation, ..seen }.after_success(8, at(120), Some(gap));
        assert!(lane.apply(&probe));
        lane.apply(&success.unwrap());
        let early = lane.early(false).map(|early| early.tried_by);
        assert_eq!((lane.streak, lane.proven, early), (0, true, Some(at(130))));
    }

    #[test]
    fn what_was_learned_of_an_older_generation_changes_nothing() {
        let generation = |registration, renewal| Generation { registration, renewal };
        let mut lane = Lane { streak: 4, held_until: Some(at(500)), width: 1, ..lane() };
        lane.generation = generation(3, 1);
        let old = lane.hold(at(900));
        let host = lane.host.clone();
        lane.refit(generation(3, 2), &host, 8);
        assert_eq!((lane.streak, lane.held_until, lane.failing, lane.width), (0, None, None, 8));
        assert!(!lane.apply(&old));
        assert_eq!((lane.held_until, lane.catch_up), (None, None));
        for older in [generation(3, 1), generation(2, 9)] {
            assert_eq!(lane.for_generation(older, 8), None, "{older:?}");
        }
        lane.refit(generation(3, 2), &host, 4);
        assert_eq!((lane.width, lane.generation), (4, generation(3, 2)), "nothing began anew");
    }

    #[test]
    fn a_later_generation_than_the_lanes_begins_with_a_clean_record() {
        // Of a host's own directory the store hears by the first answer alone.
        let sick = Lane { streak: 4, held_until: Some(at(500)), width: 1, ..lane() };
        let later = Generation { registration: 1, renewal: 0 };
        let clean = sick.for_generation(later, 8).unwrap().into_owned();
        let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(5)]).unwrap());
        let mut lane = sick;
        assert!(lane.apply(&clean.after_failure(&retry, PROBE_GAP_MAX, at(9), None, None)));
        assert_eq!((lane.streak, lane.held_until, lane.width, lane.generation), (1, None, 8, later));
    }

    #[test]
    fn a_burst_of_failures_of_one_claim_counts_once() {
        let mut lane = lane();
        let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(5)]).unwrap());
        let change = lane.after_failure(&retry, PROBE_GAP_MAX, at(0), None, None);
        for _ in 0..50 {
            lane.apply(&change);
        }
        assert_eq!(lane.streak, 1);
    }

    #[test]
    fn a_success_that_began_before_the_hold_ends_the_streak_and_not_the_hold() {
        for seen in [None, Some(at(50))] {
            let mut lane = Lane { streak: 3, width: 1, held_until: seen, ..lane() };
            let early_success = lane.after_success(8, at(60), None).unwrap();
            lane.apply(&lane.hold(at(100)));
            lane.apply(&early_success);
            assert_eq!((lane.held_until, lane.streak, lane.width), (Some(at(100)), 0, 2), "{seen:?}");
        }
    }

    #[test]
    fn failures_of_before_a_hold_count_although_it_came_between() {
        let mut lane = lane();
        for n in 0..3 {
            let seen = lane.clone();
            lane.apply(&lane.hold(at(100 + n)));
            let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(5)]).unwrap());
            lane.apply(&seen.after_failure(&retry, PROBE_GAP_MAX, at(n), None, None));
        }
        assert_eq!((lane.streak, lane.held_until), (3, Some(at(102))));
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
        let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(5)]).unwrap());
        let asked = |wait| lane().after_failure(&retry, PROBE_GAP_MAX, at(0), Some(wait), None).raise;
        assert_eq!(asked(Duration::from_secs(7)), Some(at(7)));
        assert_eq!(asked(Duration::MAX), Some(at(3600)));
    }
}
