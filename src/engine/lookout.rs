//! When it is worth asking the store for work.

use std::time::Duration;

use crate::time::Timestamp;

use super::earlier;

/// How long to leave a claim alone that gave nothing although something was due:
/// it waits for a slot, a share or another process.
const STALL: Duration = Duration::from_millis(100);

/// What is known of the work that waits in the store.
#[derive(Debug)]
pub(super) struct Lookout {
    claiming: bool,
    claimed_at: Duration,
    next_due: Option<Timestamp>,
    stalled_until: Duration,
    limited_until: Option<Timestamp>,
    suspect: Suspect,
}

/// A delivery that seems to kill processes is sent with nothing else under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspect {
    None,
    /// One waits for the engine to be empty.
    Waits,
    /// One has the engine to itself.
    InFlight,
}

impl Lookout {
    pub(super) const fn new(store_now: Timestamp, now: Duration) -> Self {
        Self {
            claiming: false,
            claimed_at: now,
            next_due: Some(store_now),
            stalled_until: Duration::ZERO,
            limited_until: None,
            suspect: Suspect::None,
        }
    }

    /// Something is due then.
    pub(super) fn due(&mut self, at: Option<Timestamp>) {
        self.next_due = earlier(self.next_due, at);
    }

    /// There may be something now.
    pub(super) fn look_at_once(&mut self, store_now: Timestamp) {
        self.due(Some(store_now));
        self.stalled_until = Duration::ZERO;
    }

    /// Something ended: what gave nothing before may give something now.
    pub(super) const fn stir(&mut self) {
        self.stalled_until = Duration::ZERO;
    }

    /// A global limit has no room before.
    pub(super) fn limit(&mut self, until: Option<Timestamp>) {
        self.limited_until = self.limited_until.max(until);
    }

    pub(super) const fn suspect_started(&mut self) {
        self.suspect = Suspect::InFlight;
    }

    pub(super) fn suspect_ended(&mut self) {
        if self.suspect == Suspect::InFlight {
            self.suspect = Suspect::None;
        }
    }

    /// Takes nothing more.
    pub(super) const fn close(&mut self) {
        self.suspect = Suspect::Waits;
    }

    /// A claim is under way.
    pub(super) fn ask(&mut self, now: Duration) {
        self.claiming = true;
        self.claimed_at = now;
        self.suspect = Suspect::None;
    }

    pub(super) fn claimed(
        &mut self,
        next_due: Option<Timestamp>,
        suspects: bool,
        count: usize,
        store_now: Timestamp,
        now: Duration,
    ) {
        self.claiming = false;
        self.next_due = next_due;
        if suspects && self.suspect == Suspect::None {
            self.suspect = Suspect::Waits;
        }
        let nothing = count == 0 && self.is_due(store_now);
        self.stalled_until = if nothing { now.saturating_add(STALL) } else { Duration::ZERO };
    }

    pub(super) const fn claim_failed(&mut self) {
        self.claiming = false;
    }

    pub(super) const fn is_claiming(&self) -> bool {
        self.claiming
    }

    /// Whether a suspect waits for the engine to be empty.
    pub(super) fn suspect_waits(&self) -> bool {
        self.suspect == Suspect::Waits
    }

    /// Whether nothing but its own forbids new work.
    pub(super) fn is_open(&self, store_now: Timestamp) -> bool {
        self.suspect == Suspect::None && self.limited_until.is_none_or(|until| until <= store_now)
    }

    /// When its own allows new work, of the monotonic clock; `None` where something
    /// has to end first. `idle` says that nothing is under way.
    pub(super) fn opens_at(&self, idle: bool, store_now: Timestamp, now: Duration) -> Option<Duration> {
        let blocked = match self.suspect {
            Suspect::None => false,
            Suspect::Waits => !idle,
            Suspect::InFlight => true,
        };
        let limited = self.limited_until.map_or(Duration::ZERO, |until| until.since(store_now));
        (!blocked).then(|| now.saturating_add(limited))
    }

    /// Whether a claim is worth it: something is due, or nobody has looked for `poll`.
    pub(super) fn is_worth_it(&self, poll: Duration, store_now: Timestamp, now: Duration) -> bool {
        let polled = now.saturating_sub(self.claimed_at) >= poll;
        polled || (self.is_due(store_now) && now >= self.stalled_until)
    }

    /// When a claim will be worth it, of the monotonic clock.
    pub(super) fn worth_it_at(&self, poll: Duration, store_now: Timestamp, now: Duration) -> Duration {
        let poll = self.claimed_at.saturating_add(poll);
        let due = self.next_due.map(|due| now.saturating_add(due.since(store_now)).max(self.stalled_until));
        due.map_or(poll, |due| due.min(poll))
    }

    /// Whether something in the store is due, as far as is known.
    pub(super) fn is_due(&self, store_now: Timestamp) -> bool {
        self.next_due.is_some_and(|due| due <= store_now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    const POLL: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_engine_sleeps_until_something_is_due_or_the_poll() {
        let mut lookout = Lookout::new(at(100), Duration::ZERO);
        assert!(lookout.is_worth_it(POLL, at(100), Duration::ZERO), "it looks at once when it begins");
        lookout.ask(Duration::ZERO);
        lookout.claimed(None, false, 0, at(100), Duration::ZERO);
        assert_eq!(lookout.worth_it_at(POLL, at(100), Duration::ZERO), POLL);
        lookout.due(Some(at(100) + Duration::from_millis(300)));
        assert_eq!(lookout.worth_it_at(POLL, at(100), Duration::ZERO), Duration::from_millis(300));
    }

    #[test]
    fn a_claim_that_gave_nothing_of_what_was_due_is_not_repeated_at_once() {
        let mut lookout = Lookout::new(at(100), Duration::ZERO);
        lookout.ask(Duration::ZERO);
        lookout.claimed(Some(at(99)), false, 0, at(100), Duration::ZERO);
        assert!(!lookout.is_worth_it(POLL, at(100), Duration::ZERO));
        lookout.stir();
        assert!(lookout.is_worth_it(POLL, at(100), Duration::ZERO));
    }

    #[test]
    fn a_suspect_closes_the_lookout_until_it_has_ended() {
        let mut lookout = Lookout::new(at(100), Duration::ZERO);
        lookout.claimed(Some(at(99)), true, 0, at(100), Duration::ZERO);
        assert!(lookout.suspect_waits() && !lookout.is_open(at(100)));
        lookout.ask(Duration::ZERO);
        lookout.suspect_started();
        assert!(!lookout.is_open(at(100)));
        lookout.suspect_ended();
        assert!(lookout.is_open(at(100)));
    }
}
