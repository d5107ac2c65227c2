//! Telling our own faults from an endpoint's, and pausing for them.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::id::HostName;
use crate::policy::outcome::{NotSent, Outcome};
use crate::step::conclude::Fault;

const WINDOW: Duration = Duration::from_secs(10);
const HOSTS: usize = 3;
const REMEMBERED: usize = 256;
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What the last requests say of our own way out, and how long claiming pauses.
#[derive(Debug, Default)]
pub(crate) struct OwnFaults {
    recent: VecDeque<Seen>,
    streak: u32,
    paused_until: Duration,
}

#[derive(Debug)]
struct Seen {
    at: Duration,
    host: HostName,
    reached: bool,
}

impl OwnFaults {
    /// Whose fault this outcome is. No way to a network, or to a name, is ours only
    /// if in ten seconds at least three hosts failed so and none was reached.
    pub(crate) fn judge(
        &mut self,
        host: &HostName,
        outcome: &Outcome,
        now: impl FnOnce() -> Duration,
    ) -> Fault {
        match outcome {
            Outcome::NotSent(NotSent::Ours) => Fault::Ours,
            Outcome::NotSent(NotSent::Name | NotSent::Unreachable) => {
                self.note(host, false, now());
                if self.cut_off() { Fault::Ours } else { Fault::Endpoint }
            }
            Outcome::NotSent(NotSent::Blocked | NotSent::BlockedLiteral | NotSent::Proxy) => Fault::Endpoint,
            Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::Response(_) => {
                // Only failures need their contradiction remembered.
                if !self.recent.is_empty() {
                    self.note(host, true, now());
                }
                Fault::Endpoint
            }
        }
    }

    /// Pauses claiming: 1, 2, 4 … 30 s with each fault in a row.
    pub(crate) fn pause(&mut self, now: Duration) -> Duration {
        if self.is_paused(now) {
            return self.paused_until.saturating_sub(now);
        }
        let pause = Duration::from_secs(1_u64 << self.streak.min(5)).min(PAUSE_MAX);
        self.streak = self.streak.saturating_add(1);
        self.paused_until = now.saturating_add(pause);
        pause
    }

    /// Something worked: the next fault begins at one second again.
    pub(crate) const fn clear(&mut self) {
        self.streak = 0;
    }

    pub(crate) fn is_paused(&self, now: Duration) -> bool {
        now < self.paused_until
    }

    pub(crate) const fn paused_until(&self) -> Duration {
        self.paused_until
    }

    fn note(&mut self, host: &HostName, reached: bool, now: Duration) {
        while self.recent.len() >= REMEMBERED
            || self.recent.front().is_some_and(|seen| now.saturating_sub(seen.at) > WINDOW)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(Seen { at: now, host: host.clone(), reached });
    }

    fn cut_off(&self) -> bool {
        let none_reached = self.recent.iter().all(|seen| !seen.reached);
        let hosts: BTreeSet<_> = self.recent.iter().map(|seen| &seen.host).collect();
        none_reached && hosts.len() >= HOSTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::outcome::Unknown;

    fn host(n: usize) -> HostName {
        HostName::new(format!("h{n}.example")).unwrap()
    }

    const NO_NAME: Outcome = Outcome::NotSent(NotSent::Name);

    #[test]
    fn three_unreachable_hosts_in_ten_seconds_and_none_reached_are_our_own_fault() {
        let at = Duration::from_secs;
        let mut faults = OwnFaults::default();
        assert_eq!(faults.judge(&host(1), &NO_NAME, || at(1)), Fault::Endpoint);
        assert_eq!(faults.judge(&host(1), &NO_NAME, || at(2)), Fault::Endpoint);
        assert_eq!(faults.judge(&host(2), &NO_NAME, || at(3)), Fault::Endpoint);
        assert_eq!(faults.judge(&host(3), &NO_NAME, || at(4)), Fault::Ours);
        assert_eq!(faults.judge(&host(4), &Outcome::Unknown(Unknown::Reset), || at(5)), Fault::Endpoint);
        assert_eq!(faults.judge(&host(3), &NO_NAME, || at(6)), Fault::Endpoint, "one host was reached");
        assert_eq!(faults.judge(&host(3), &NO_NAME, || at(60)), Fault::Endpoint, "the others are long ago");
    }

    #[test]
    fn pauses_double_to_thirty_seconds_and_begin_anew_after_something_worked() {
        let mut faults = OwnFaults::default();
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let pause = faults.pause(now);
            assert_eq!(faults.pause(now), pause, "a second fault within the pause does not lengthen it");
            now += pause;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        faults.clear();
        assert_eq!(faults.pause(now), Duration::from_secs(1));
    }
}
