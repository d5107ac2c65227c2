//! The store's time for a process without a clock that others share. It advances the time by
//! its own monotonic clock, and stays in step with other processes through the stored time:
//! each process writes every few seconds what time it is.

use std::time::Duration;

use crate::time::Timestamp;

use super::{AGREES_WITHIN, Reading, Timeline, Uptime, read};

/// The prefix of the name that stands in for a start of the machine; a number counts the moves
/// of the time.
const ALONE: &str = "alone ";
/// How often the last time seen is written while a process uses the store.
const SEEN_EVERY: Duration = Duration::from_secs(10);
/// A wall clock that is ahead of the last time seen by more than this is not trusted as long
/// as another process may use the store. A process that has not written for this long counts
/// as gone.
pub(super) const JOINS_WITHIN: Duration = Duration::from_secs(25);

/// The store's time as one process advances it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    boot: String,
    time: Timestamp,
    /// When it was `time`, by this process's own monotonic clock.
    at: Duration,
    joining: Option<Joining>,
}

/// The process found a time far from its wall clock's, and waits to see whether others use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Joining {
    since: Duration,
    seen: Timestamp,
}

impl Carried {
    /// Whether it is not yet known if other processes use this time: it may be behind theirs.
    #[must_use]
    pub const fn is_joining(&self) -> bool {
        self.joining.is_some()
    }

    fn beginning(number: u64, wall: Timestamp, elapsed: Duration) -> Self {
        Self { boot: format!("{ALONE}{number}"), time: wall, at: elapsed, joining: None }
    }

    /// The time of a process that finds a timeline written by others.
    fn joining(kept: &Timeline, wall: Timestamp, elapsed: Duration) -> Self {
        let seen = kept.seen();
        let near = wall + AGREES_WITHIN >= seen && wall <= seen + JOINS_WITHIN;
        let time = if near { wall.max(seen) } else { seen };
        let joining = (!near).then_some(Joining { since: elapsed, seen });
        Self { boot: kept.boot.clone(), time, at: elapsed, joining }
    }

    /// Advances the time until now, or to where other processes have advanced it.
    fn go_on(&self, kept: &Timeline, elapsed: Duration) -> Self {
        let seen = kept.seen();
        let time = if kept.boot == self.boot {
            (self.time + elapsed.saturating_sub(self.at)).max(seen)
        } else {
            seen
        };
        let joining = self.joining.filter(|joining| kept.boot == self.boot && joining.seen == seen);
        Self { boot: kept.boot.clone(), time, at: elapsed, joining }
    }

    fn uptime(&self) -> Uptime {
        Uptime { boot: self.boot.clone(), elapsed: self.time.since(Timestamp::EPOCH) }
    }
}

/// Reads the store's time like [`read`], by the process's own monotonic clock.
#[must_use]
pub fn read_alone(
    own: Option<&Carried>,
    kept: Option<&Timeline>,
    wall: Timestamp,
    elapsed: Duration,
) -> (Reading, Carried) {
    let Some((there, number)) = kept.and_then(|kept| Some((kept, number_of(kept)?))) else {
        return begin(0, wall, elapsed, kept);
    };
    let own = match own {
        Some(own) => own.go_on(there, elapsed),
        None => Carried::joining(there, wall, elapsed),
    };
    if let Some(Joining { since, .. }) = own.joining {
        if elapsed.saturating_sub(since) >= JOINS_WITHIN {
            return begin(number + 1, wall, elapsed, kept);
        }
        return (Reading { now: own.time, keep: None, step: None, unconfirmed: None }, own);
    }
    let mut reading = read(kept, wall, &own.uptime());
    if let Some(step) = reading.step {
        let own = Carried::beginning(number + 1, wall, elapsed);
        reading.keep = Some(Timeline::moved(wall, &own.uptime(), step.from));
        return (reading, own);
    }
    let is_old = own.time.since(there.seen()) >= SEEN_EVERY;
    let noted = || Timeline { written: own.uptime().elapsed, ..there.clone() };
    reading.keep = reading.keep.or_else(|| is_old.then(noted));
    (reading, own)
}

/// Begins a time with a wall clock. It counts from 1970, as every time here.
fn begin(number: u64, wall: Timestamp, elapsed: Duration, before: Option<&Timeline>) -> (Reading, Carried) {
    let own = Carried::beginning(number, wall, elapsed);
    let begun = Timeline::beginning(wall, &own.uptime(), before.map(Timeline::seen));
    let unconfirmed = begun.unconfirmed(begun.written);
    (Reading { now: wall, keep: Some(begun), step: None, unconfirmed }, own)
}

/// How often the time had moved; `None` where processes share a clock.
fn number_of(kept: &Timeline) -> Option<u64> {
    kept.boot.strip_prefix(ALONE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

    /// Processes on one file: each with its own monotonic clock and a wall clock that is so
    /// many seconds ahead.
    #[derive(Default)]
    struct File {
        line: Option<Timeline>,
    }

    #[derive(Default)]
    struct Process {
        own: Option<Carried>,
        ahead: i64,
    }

    impl Process {
        fn ahead(ahead: i64) -> Self {
            Self { own: None, ahead }
        }

        /// Asks at that second; answers by how much the time is off.
        fn ask(&mut self, file: &mut File, second: u64) -> i64 {
            let straight = START + Duration::from_secs(second);
            let wall = Timestamp::from_micros(straight.as_micros() + self.ahead * 1_000_000);
            let elapsed = Duration::from_secs(second + 77);
            let (reading, own) = read_alone(self.own.as_ref(), file.line.as_ref(), wall, elapsed);
            file.line = reading.keep.or(file.line.take());
            self.own = Some(own);
            reading.now.unix_seconds() - straight.unix_seconds()
        }
    }

    #[test]
    fn a_wall_clock_that_steps_is_followed_after_ten_minutes() {
        for ahead in [30, 172_800, -3600] {
            let (mut file, mut process) = (File::default(), Process::default());
            assert_eq!(process.ask(&mut file, 0), 0);
            process.ahead = ahead;
            for second in (10..610).step_by(10) {
                assert_eq!(process.ask(&mut file, second), 0);
            }
            assert_eq!(process.ask(&mut file, 610), ahead);
            assert_eq!(process.ask(&mut file, 700), ahead);
        }
    }

    #[test]
    fn a_date_from_before_a_move_is_told_from_one_of_the_present_time_by_what_others_have_written() {
        for ahead in [60, 172_800, -60, -3600] {
            let (mut file, mut process) = (File::default(), Process::default());
            process.ask(&mut file, 0);
            process.ahead = ahead;
            for second in (10..=610).step_by(10) {
                process.ask(&mut file, second);
            }
            let at = |second: i64| Timestamp::from_micros(START.as_micros() + second * 1_000_000);
            let has_left = |date| file.line.as_ref().unwrap().has_left(date, None);
            assert!(has_left(at(600)), "{ahead}: a date of the time before");
            for second in 610..630 {
                assert!(!has_left(at(second + ahead)), "{ahead}: at {second}");
            }
        }
    }

    #[test]
    fn a_process_that_joins_with_a_wrong_clock_lives_in_the_time_of_the_others() {
        for ahead in [30, 172_800, -3600] {
            let (mut file, mut right, mut wrong) =
                (File::default(), Process::default(), Process::ahead(ahead));
            for second in 0..2000 {
                if second % 10 == 0 {
                    assert_eq!(right.ask(&mut file, second), 0, "at {second}");
                }
                if second > 14 {
                    let off = wrong.ask(&mut file, second);
                    let behind = if second < 20 { -5 } else { -1 };
                    assert!((behind..=0).contains(&off), "{ahead} ahead: {off} at {second}");
                }
            }
        }
    }

    #[test]
    fn a_process_that_finds_nobody_believes_its_clock_after_a_while_and_one_that_starts_anew_at_once() {
        let mut file = File::default();
        Process::default().ask(&mut file, 0);
        assert_eq!(Process::default().ask(&mut file, 20), 0, "at once");
        let mut late = Process::default();
        assert_eq!(late.ask(&mut file, 90_000), -90_000 + 20);
        assert!(late.own.as_ref().is_some_and(Carried::is_joining));
        assert_eq!(late.ask(&mut file, 90_024), -90_000 + 20);
        assert_eq!(late.ask(&mut file, 90_025), 0);
        assert_eq!(late.ask(&mut file, 90_060), 0);
    }

    #[test]
    fn all_follow_when_one_of_them_moves_the_time() {
        let (mut file, mut first, mut second) = (File::default(), Process::default(), Process::default());
        first.ask(&mut file, 0);
        second.ask(&mut file, 1);
        (first.ahead, second.ahead) = (-3600, -3600);
        for moment in (10..610).step_by(10) {
            assert_eq!((first.ask(&mut file, moment), second.ask(&mut file, moment + 1)), (0, 0));
        }
        assert_eq!((first.ask(&mut file, 610), second.ask(&mut file, 611)), (-3600, -3600 - 1));
        assert_eq!((first.ask(&mut file, 630), second.ask(&mut file, 630)), (-3600, -3600));
    }
}
