//! The store's time, and when it follows a wall clock: (stored timeline, wall clock, monotonic
//! clock) → time, and what to store.
//!
//! Due times, leases, limits and ages are compared with this time. A monotonic clock that all
//! processes of the store share advances it. A wall clock that disagrees moves it only after
//! no process has contradicted that clock for [`CONFIRMED_AFTER`]: a clock that is wrong for a
//! few minutes, or in one process only, moves nothing.
#![doc = include_str!("../../../docs/clocks.md")]

mod alone;

use std::time::Duration;

use crate::error::{StoreError, StoreErrorKind};
use crate::time::Timestamp;

pub use alone::{Carried, read_alone};

/// The largest difference of two clocks that count as showing the same time.
pub const AGREES_WITHIN: Duration = Duration::from_secs(1);
/// How long a wall clock must disagree with the store's time in the same way, without another
/// process whose wall clock agrees with the store's time, before the store's time follows.
pub const CONFIRMED_AFTER: Duration = Duration::from_secs(600);
/// How often a process whose wall clock disagrees records that: each note costs a write.
const DOUBTS_EVERY: Duration = Duration::from_secs(10);
/// How long a call may be on its way after it was dated. A process may be stopped meanwhile.
const ON_ITS_WAY: Duration = Duration::from_secs(600);
/// How often the last time seen is written, for the process that begins the time again.
const NOTES_EVERY: Duration = Duration::from_secs(600);
/// A clock that begins the time again is trusted if it is behind the last time seen by no more
/// than this,
const MAY_BE_BEHIND: Duration = Duration::from_secs(60);
/// or ahead of it by no more than this: the machine was off, and the note is old.
const MAY_BE_AHEAD: Duration = Duration::from_secs(3600);

/// The time of a monotonic clock that all processes of a machine share, such as
/// `CLOCK_BOOTTIME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// The name of the machine's start that it counts from; different after each restart.
    pub boot: String,
    /// The time since that start.
    pub elapsed: Duration,
}

/// The store's time, as a store keeps it for all its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The start of the machine that `zero` belongs to.
    pub boot: String,
    /// The store's time at that start.
    pub zero: Timestamp,
    /// The uptime at which this was written.
    pub written: Duration,
    /// The wall clock that disagrees, if one does.
    pub doubt: Option<Doubt>,
    /// Why the beginning of this time is doubtful; `None` if it is not.
    pub gap: Option<Gap>,
    /// The move that began this time; `None` if it began otherwise.
    pub moved: Option<Moved>,
}

/// A wall clock that disagrees with the store's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The time at the machine's start by that wall clock.
    pub zero: Timestamp,
    /// The uptime since which the clock has disagreed without being contradicted.
    pub since: Duration,
    /// The uptime at which this was last written.
    pub noted: Duration,
}

/// A time that began far from where the one before it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last time seen before the present time began.
    pub seen: Timestamp,
    /// The uptime at which the present time began.
    pub began: Duration,
}

/// The end of the time before, from which the present time moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The last moment of the time before.
    pub from: Timestamp,
    /// The uptime at which the present time began.
    pub at: Duration,
}

/// The amount by which the store's time has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shift {
    micros: i64,
}

/// A move of the store's time, with which everything written in the old time moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The last moment of the old time.
    pub from: Timestamp,
    /// The difference between the new time and the old one.
    pub by: Shift,
    /// The first moment that belongs to the old time.
    pub first: Timestamp,
    /// The last moment that belongs to the old time. Times outside were written before the old
    /// time began, far from it, and do not change.
    pub last: Timestamp,
}

/// The store's time, and what follows from reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The store's time.
    pub now: Timestamp,
    /// The timeline to store from now on; `None` if it did not change.
    pub keep: Option<Timeline>,
    /// How the store's time moved; `None` if it did not.
    pub step: Option<Step>,
    /// The last moment that was seen before the present time began, as long as it is not known
    /// which of the two is wrong.
    pub unconfirmed: Option<Timestamp>,
}

impl Timeline {
    /// The time that a wall clock begins, when the one before it was last seen at `seen`.
    fn beginning(wall: Timestamp, uptime: &Uptime, seen: Option<Timestamp>) -> Self {
        let far = |seen: &Timestamp| wall + MAY_BE_BEHIND < *seen || *seen + MAY_BE_AHEAD < wall;
        Self {
            boot: uptime.boot.clone(),
            zero: wall - uptime.elapsed,
            written: uptime.elapsed,
            doubt: None,
            gap: seen.filter(far).map(|seen| Gap { seen, began: uptime.elapsed }),
            moved: None,
        }
    }

    /// The time that a wall clock begins when it moves the time away from `from`.
    fn moved(wall: Timestamp, uptime: &Uptime, from: Timestamp) -> Self {
        let moved = Some(Moved { from, at: uptime.elapsed });
        Self { moved, ..Self::beginning(wall, uptime, None) }
    }

    /// Checks that a claim was not dated before the time moved. A process can be stopped after
    /// it dated a claim. In the present time such a claim would take what others have leased,
    /// or get a lease that has already ended.
    ///
    /// `uptime` is that of the calling process, if it has one.
    ///
    /// # Errors
    /// [`Contended`](StoreErrorKind::Contended): the caller must read the time again.
    pub fn check_date(&self, date: Timestamp, uptime: Option<&Uptime>) -> Result<(), StoreError> {
        if self.has_left(date, uptime) {
            let what = "claiming: the store's time moved after the claim was dated";
            return Err(StoreError::new(StoreErrorKind::Contended, what));
        }
        Ok(())
    }

    /// Whether a date is one of the time before, and could not be one of the present time.
    fn has_left(&self, date: Timestamp, uptime: Option<&Uptime>) -> bool {
        let Some(Moved { from, at }) = self.moved else { return false };
        let now = match uptime.filter(|uptime| uptime.boot == self.boot) {
            Some(uptime) => self.zero + uptime.elapsed,
            // Somebody who uses this time has written within so long.
            None => self.seen() + alone::JOINS_WITHIN,
        };
        let is_of_present = (self.zero + at..=now + AGREES_WITHIN).contains(&date);
        !is_of_present && (from - ON_ITS_WAY..=from).contains(&date)
    }

    /// The last moment of the timeline that is known to have been seen.
    #[must_use]
    pub fn seen(&self) -> Timestamp {
        self.zero + self.written
    }

    /// The same timeline with this doubt; `None` if the doubt need not be written.
    fn noting(&self, doubt: Option<Doubt>, uptime: &Uptime) -> Option<Self> {
        let grown_old = |noted: Duration, age: Duration| uptime.elapsed.saturating_sub(noted) >= age;
        let is_news = match (self.doubt, doubt) {
            (None, None) => false,
            (Some(there), Some(doubt)) => there.since != doubt.since || grown_old(there.noted, DOUBTS_EVERY),
            _ => true,
        };
        let noted = Self { written: uptime.elapsed, doubt, ..self.clone() };
        (is_news || grown_old(self.written, NOTES_EVERY)).then_some(noted)
    }

    /// Which moments were written in this time: all, unless it began far from the one before.
    fn moments(&self) -> (Timestamp, Timestamp) {
        let (least, most) = (Timestamp::from_micros(i64::MIN), Timestamp::MAX);
        let Some(Gap { seen, began }) = self.gap else { return (least, most) };
        let began = self.zero + began;
        let apart = seen.distance(began) / 2;
        if began > seen { (seen + apart, most) } else { (least, began + apart) }
    }

    fn unconfirmed(&self, now: Duration) -> Option<Timestamp> {
        let gap = self.gap.filter(|gap| now.saturating_sub(gap.began) < CONFIRMED_AFTER);
        gap.map(|gap| gap.seen)
    }
}

/// Computes the store's time from the stored timeline and the clocks of the calling process.
///
/// The first process after a start of the machine begins the time with its wall clock.
#[must_use]
pub fn read(kept: Option<&Timeline>, wall: Timestamp, uptime: &Uptime) -> Reading {
    let Some(kept) = kept.filter(|kept| kept.boot == uptime.boot) else {
        let begun = Timeline::beginning(wall, uptime, kept.map(Timeline::seen));
        let unconfirmed = begun.unconfirmed(uptime.elapsed);
        return Reading { now: wall, keep: Some(begun), step: None, unconfirmed };
    };
    let (now, unconfirmed) = (kept.zero + uptime.elapsed, kept.unconfirmed(uptime.elapsed));
    if wall.distance(now) <= AGREES_WITHIN {
        return Reading { now, keep: kept.noting(None, uptime), step: None, unconfirmed };
    }
    let doubt = doubt(kept.doubt, wall - uptime.elapsed, uptime.elapsed);
    if uptime.elapsed.saturating_sub(doubt.since) < CONFIRMED_AFTER {
        return Reading { now, keep: kept.noting(Some(doubt), uptime), step: None, unconfirmed };
    }
    let (first, last) = kept.moments();
    let step = Some(Step { from: now, by: Shift::between(now, wall), first, last });
    Reading { now: wall, keep: Some(Timeline::moved(wall, uptime, now)), step, unconfirmed: None }
}

/// The doubt of a wall clock that shows `zero` for the machine's start: the one that is
/// there, if that is the same, else a new one.
fn doubt(there: Option<Doubt>, zero: Timestamp, now: Duration) -> Doubt {
    let same = there.filter(|there| there.zero.distance(zero) <= AGREES_WITHIN);
    same.unwrap_or(Doubt { zero, since: now, noted: now }).at(now)
}

impl Doubt {
    const fn at(self, now: Duration) -> Self {
        Self { noted: now, ..self }
    }
}

impl Shift {
    /// No move.
    pub const ZERO: Self = Self { micros: 0 };

    /// The shift that moves `from` to `to`.
    #[must_use]
    pub const fn between(from: Timestamp, to: Timestamp) -> Self {
        Self { micros: to.as_micros().saturating_sub(from.as_micros()) }
    }

    /// The moment of the new time that corresponds to `moment` of the old one.
    #[must_use]
    pub const fn carry(self, moment: Timestamp) -> Timestamp {
        Timestamp::from_micros(moment.as_micros().saturating_add(self.micros))
    }

    /// Both shifts, one after the other.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        Self { micros: self.micros.saturating_add(next.micros) }
    }

    /// The part of this sum that was added since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self { micros: self.micros.saturating_sub(earlier.micros) }
    }

    /// Whether nothing moves.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.micros == 0
    }

    /// The shift in microseconds; negative if the time moves back.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.micros
    }
}

impl Step {
    /// The moment of the new time that corresponds to `moment` of the old one.
    #[must_use]
    pub fn carry(self, moment: Timestamp) -> Timestamp {
        if (self.first..=self.last).contains(&moment) { self.by.carry(moment) } else { moment }
    }

    /// The first moment of the new time.
    #[must_use]
    pub const fn to(self) -> Timestamp {
        self.by.carry(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn up(elapsed: u64) -> Uptime {
        Uptime { boot: "b".to_owned(), elapsed: seconds(elapsed) }
    }

    fn after(micros: i64) -> Timestamp {
        Timestamp::from_micros(START.as_micros() + micros)
    }

    /// What a store does: it keeps what it is told to.
    #[derive(Default)]
    struct Kept {
        line: Option<Timeline>,
        written: usize,
    }

    impl Kept {
        /// Asks at that uptime, with a wall clock that is so many seconds ahead.
        fn ask(&mut self, elapsed: u64, ahead: i64) -> (i64, bool) {
            let straight = i64::try_from(elapsed).unwrap();
            let reading = self.read(after((straight + ahead) * 1_000_000), &up(elapsed));
            let now = reading.now.unix_seconds() - START.unix_seconds();
            (now - straight, reading.step.is_some())
        }

        fn read(&mut self, wall: Timestamp, uptime: &Uptime) -> Reading {
            let reading = read(self.line.as_ref(), wall, uptime);
            if let Some(keep) = reading.keep.clone() {
                self.line = Some(keep);
                self.written += 1;
            }
            reading
        }
    }

    #[test]
    fn a_wall_clock_that_steps_moves_the_time_after_ten_minutes_and_not_when_it_returns_before() {
        for ahead in [30, 48 * 3600, -15, -3600] {
            let mut kept = Kept::default();
            assert_eq!(kept.ask(100, 0), (0, false));
            for elapsed in (110..700).step_by(10) {
                assert_eq!(kept.ask(elapsed, ahead), (0, false), "{ahead} s ahead, at {elapsed}");
            }
            assert_eq!(kept.ask(700, 0), (0, false), "set right");
            for elapsed in (710..1310).step_by(10) {
                assert_eq!(kept.ask(elapsed, ahead), (0, false), "{ahead} s ahead, at {elapsed}");
            }
            assert_eq!(kept.ask(1310, ahead), (ahead, true));
            assert_eq!(kept.ask(1320, ahead), (ahead, false));
            assert_eq!(kept.ask(1330, 0), (ahead, false), "set right: a step like any other");
            assert_eq!(kept.ask(1340, ahead), (ahead, false));
            assert_eq!(kept.line.and_then(|line| line.doubt), None);
        }
    }

    #[test]
    fn a_process_whose_clock_agrees_contradicts_one_whose_clock_does_not_for_as_long_as_it_lives() {
        let mut kept = Kept::default();
        for elapsed in (0..10_000).step_by(10) {
            assert_eq!(kept.ask(elapsed, 0), (0, false));
            assert_eq!(kept.ask(elapsed + 3, 48 * 3600), (0, false));
        }
    }

    #[test]
    fn clocks_that_step_alike_confirm_each_other() {
        let mut kept = Kept::default();
        kept.ask(0, 0);
        for elapsed in (10..610).step_by(10) {
            assert_eq!(kept.ask(elapsed, 3600), (0, false));
            assert_eq!(kept.ask(elapsed + 5, 3600), (0, false));
        }
        assert_eq!(kept.ask(610, 3600), (3600, true));
        assert_eq!(kept.ask(615, 3600), (3600, false), "the other one is in the same time");
    }

    #[test]
    fn another_doubt_begins_its_ten_minutes_anew_and_rare_questions_confirm_too() {
        let mut kept = Kept::default();
        kept.ask(0, 0);
        kept.ask(10, 3600);
        assert_eq!(kept.ask(500, 7200), (0, false), "another doubt");
        assert_eq!(kept.ask(1000, 7200), (0, false));
        assert_eq!(kept.ask(1100, 7200), (7200, true));
    }

    #[test]
    fn who_asks_often_writes_seldom() {
        let mut kept = Kept::default();
        for elapsed in 0..600 {
            kept.ask(elapsed, 0);
        }
        assert_eq!(kept.written, 1, "all agree");
        for elapsed in 600..1200 {
            kept.ask(elapsed, 0);
        }
        assert_eq!(kept.written, 2, "the last time seen");
        for elapsed in 1200..1260 {
            kept.ask(elapsed, 30);
        }
        assert_eq!(kept.written, 2 + 6, "one that doubts says so every ten seconds");
    }

    #[test]
    fn after_a_restart_of_the_machine_the_wall_clock_begins_the_time() {
        let mut kept = Kept::default();
        kept.ask(100, 0);
        assert_eq!(kept.ask(99, 0), (0, false), "a question that another one overtook");
        let other = Uptime { boot: "c".to_owned(), elapsed: seconds(500) };
        assert_eq!(kept.read(START, &other).now, START);
    }

    #[test]
    fn a_time_that_begins_far_from_the_last_one_seen_is_unconfirmed_for_ten_minutes() {
        let other = |elapsed| Uptime { boot: "c".to_owned(), elapsed: seconds(elapsed) };
        for (wall, far) in
            [(100, false), (45, false), (30, true), (3600, false), (3701, true), (200_000, true)]
        {
            let mut kept = Kept::default();
            kept.ask(100, 0);
            let wall = |elapsed: u64| START + seconds(wall + elapsed);
            let seen = far.then_some(START + seconds(100));
            assert_eq!(kept.read(wall(0), &other(20)).unconfirmed, seen);
            assert_eq!(kept.read(wall(599), &other(619)).unconfirmed, seen);
            assert_eq!(kept.read(wall(600), &other(620)).unconfirmed, None);
        }
    }

    #[test]
    fn what_was_written_before_a_machine_started_with_a_wrong_clock_stays_where_it_is() {
        let before = START + seconds(100);
        for wrong in [START + seconds(172_800), Timestamp::EPOCH] {
            let mut kept = Kept::default();
            kept.ask(100, 0);
            let other = |elapsed| Uptime { boot: "c".to_owned(), elapsed: seconds(elapsed) };
            assert_eq!(kept.read(wrong, &other(20)).now, wrong);
            kept.read(START + seconds(300), &other(120));
            let step = kept.read(START + seconds(900), &other(720)).step.unwrap();
            assert_eq!(step.carry(before + seconds(600)), before + seconds(600));
            assert_eq!(step.carry(wrong + seconds(100)), START + seconds(300));
        }
    }

    #[test]
    fn a_date_from_before_a_move_is_told_from_one_of_the_present_time() {
        for ahead in [30, 172_800, -30, -900, -172_800] {
            let mut kept = Kept::default();
            kept.ask(0, 0);
            kept.ask(10, ahead);
            assert_eq!(kept.ask(610, ahead), (ahead, true));
            let has_left = |elapsed: u64, micros: i64| {
                kept.line.as_ref().unwrap().has_left(after(micros), Some(&up(elapsed)))
            };
            let old = |second: i64| second * 1_000_000;
            let new = |second: i64| (second + ahead) * 1_000_000;
            assert!(has_left(610, old(609)) && has_left(615, old(610)), "{ahead}: at the move");
            assert!(has_left(619, old(600)), "{ahead}: a call that took long");
            for second in 610..2000 {
                assert!(!has_left(second, new(second.cast_signed())), "{ahead}: at {second}");
                let slow = new(second.cast_signed() - 20).max(new(610));
                assert!(!has_left(second, slow), "{ahead}: a slow call at {second}");
            }
        }
    }

    #[test]
    fn no_date_is_left_where_the_time_never_moved_or_began_with_a_start_of_the_machine() {
        let mut kept = Kept::default();
        for boot in ["b", "c"] {
            let uptime = Uptime { boot: boot.to_owned(), elapsed: seconds(700) };
            kept.read(START + seconds(900), &uptime);
            let line = kept.line.as_ref().unwrap();
            for second in 0..2000 {
                assert!(!line.has_left(START + seconds(second), Some(&uptime)));
            }
        }
    }

    #[test]
    fn what_was_written_in_the_old_time_keeps_its_distance() {
        let ahead = Shift::between(START, START + seconds(60));
        assert_eq!(ahead.carry(START + seconds(5)), START + seconds(65));
        let back = Shift::between(START + seconds(60), START);
        assert_eq!(back.carry(START + seconds(65)), START + seconds(5));
        assert_eq!(ahead.carry(Timestamp::MAX), Timestamp::MAX);
        assert!(ahead.then(back).is_none());
        assert_eq!(ahead.then(back).since(ahead), back);
    }
}
