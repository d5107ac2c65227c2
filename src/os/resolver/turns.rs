//! Decides which name is looked up next, as a function of values.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::delivery::leaves_enough;
use crate::id::{HostName, TenantId};

/// A tenant may hold this many times the number of turns that it leaves free. A tenant that is alone
/// can hold half of all turns.
const SHARE: usize = 1;

/// The tenant that a name is looked up for; `None` if the tenant is not known.
pub(super) type Asker = Option<TenantId>;

/// The number of a caller, in order of arrival.
pub(super) type Ticket = u64;

/// The limits of look-ups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most look-ups that may run at once.
    pub(super) turns: usize,
    /// If a look-up takes longer than this, its name is silent.
    pub(super) patience: Duration,
    /// How long after the beginning of its last look-up a silent name may be looked up again.
    pub(super) silence: Duration,
}

/// The look-ups that are running, the names that gave no answer lately, and the callers that wait
/// for a turn.
///
/// A look-up holds its turn until it ends, because a look-up that hangs cannot be stopped. Turns
/// are therefore shared among tenants in the same way as the engine's slots.
#[derive(Debug)]
pub(super) struct Turns {
    limits: Limits,
    started: u64,
    under_way: usize,
    /// How many turns each tenant holds, including hanging look-ups.
    held: BTreeMap<Asker, usize>,
    /// The last look-up of each name that is being looked up or silent. The look-up of a silent
    /// name has taken longer than `patience` and began within `silence`, so the number of turns
    /// limits how many silent names there are.
    names: BTreeMap<HostName, LookUp>,
    waiting: BTreeMap<Ticket, (Asker, HostName)>,
}

#[derive(Debug)]
struct LookUp {
    number: u64,
    began: Duration,
    is_under_way: bool,
}

/// A look-up to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    number: u64,
    asker: Asker,
    pub(super) host: HostName,
}

/// The state of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is known.
    Unknown,
    /// The name is being looked up. After `silent_at` it is silent.
    UnderWay {
        /// When it becomes silent.
        silent_at: Duration,
    },
    /// The last look-up of the name has not answered in time.
    Silent,
}

impl Turns {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            started: 0,
            under_way: 0,
            held: BTreeMap::new(),
            names: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// Adds a caller for a name. Unless the name is silent or being looked up already, the caller
    /// waits for one of its own tenant's turns, and never for another tenant's.
    pub(super) fn ask(&mut self, ticket: Ticket, asker: Asker, host: &HostName, now: Duration) -> Phase {
        let phase = self.phase(host, now);
        if phase == Phase::Unknown {
            self.waiting.insert(ticket, (asker, host.clone()));
        }
        phase
    }

    /// Removes a caller that waits no longer.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// The state of a name.
    pub(super) fn phase(&self, host: &HostName, now: Duration) -> Phase {
        let Some(last) = self.names.get(host) else { return Phase::Unknown };
        let silent_at = last.began.saturating_add(self.limits.patience);
        if last.is_under_way && now < silent_at {
            Phase::UnderWay { silent_at }
        } else if is_within(self.limits.silence, last, now) {
            Phase::Silent
        } else {
            Phase::Unknown
        }
    }

    /// The look-up to start now, if there is one. Of the tenants that may have another turn, selects
    /// the one that holds the fewest, and of its callers the one that came first.
    pub(super) fn start_next(&mut self, now: Duration) -> Option<Start> {
        let free = self.limits.turns.saturating_sub(self.under_way);
        let allowed = self.waiting.iter().filter_map(|(ticket, (asker, _))| {
            let held = self.held.get(asker).copied().unwrap_or_default();
            leaves_enough(held, free, SHARE).then_some((held, *ticket))
        });
        let (_, ticket) = allowed.min()?;
        let (asker, host) = self.waiting.remove(&ticket)?;
        // All other callers for the name wait for this look-up from now on.
        self.waiting.retain(|_, (_, wanted)| *wanted != host);
        self.started += 1;
        self.under_way += 1;
        *self.held.entry(asker.clone()).or_default() += 1;
        self.names.insert(host.clone(), LookUp { number: self.started, began: now, is_under_way: true });
        Some(Start { number: self.started, asker, host })
    }

    /// Notes that a look-up has ended. Its name becomes silent only if it took too long and failed.
    /// Returns whether the callers for the name get the result. They do not if the look-up failed
    /// and a later one for the name has replaced it.
    pub(super) fn finish(&mut self, start: &Start, has_answered: bool, now: Duration) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(held) = self.held.get_mut(&start.asker) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&start.asker);
            }
        }
        let mut tells = has_answered;
        if let Some(last) = self.names.get_mut(&start.host) {
            let is_the_last = last.number == start.number;
            let in_time = is_within(self.limits.patience, last, now);
            last.is_under_way &= !is_the_last;
            tells |= is_the_last;
            // An answer of an earlier look-up, however late, ends the silence too.
            let is_settled = if is_the_last { has_answered || in_time } else { has_answered && !in_time };
            if is_settled {
                self.names.remove(&start.host);
            }
        }
        let silence = self.limits.silence;
        self.names.retain(|_, last| last.is_under_way || is_within(silence, last, now));
        tells
    }
}

/// Whether a look-up began within that span.
fn is_within(span: Duration, last: &LookUp, now: Duration) -> bool {
    now.saturating_sub(last.began) < span
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { turns: 8, patience: Duration::from_secs(5), silence: Duration::from_secs(30) };

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn host(name: &str) -> HostName {
        HostName::new(format!("{name}.example")).unwrap()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    /// Asks for a name for each (tenant, name) at that second; returns the look-ups that start then.
    fn asked(turns: &mut Turns, second: u64, callers: &[(&str, &str)]) -> Vec<Start> {
        for (of, name) in callers {
            let ticket = turns.waiting.last_key_value().map_or(1, |(last, _)| last + 1);
            turns.ask(ticket, Some(tenant(of)), &host(name), at(second));
        }
        started(turns, second)
    }

    fn started(turns: &mut Turns, second: u64) -> Vec<Start> {
        std::iter::from_fn(|| turns.start_next(at(second))).collect()
    }

    fn names(starts: &[Start]) -> Vec<&str> {
        starts.iter().map(|start| start.host.as_str().trim_end_matches(".example")).collect()
    }

    #[test]
    fn a_tenant_gets_at_most_half_of_the_turns_and_leaves_some_for_every_next_one() {
        let mut turns = Turns::new(LIMITS);
        let first = asked(&mut turns, 0, &[("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("a", "5")]);
        assert_eq!(names(&first), ["1", "2", "3", "4"]);
        let second = asked(&mut turns, 0, &[("b", "6"), ("b", "7"), ("b", "8")]);
        assert_eq!(names(&second), ["6", "7"]);
        assert_eq!(names(&asked(&mut turns, 0, &[("c", "9"), ("c", "10")])), ["9"]);
        assert_eq!(names(&asked(&mut turns, 0, &[("d", "11")])), ["11"]);
        assert!(asked(&mut turns, 0, &[("e", "12")]).is_empty(), "all turns are taken");
    }

    #[test]
    fn a_free_turn_goes_to_the_tenant_that_holds_the_fewest() {
        let mut turns = Turns::new(Limits { turns: 4, ..LIMITS });
        let first = asked(&mut turns, 0, &[("a", "1"), ("b", "2"), ("c", "3")]);
        let last = asked(&mut turns, 0, &[("d", "4")]);
        assert!(asked(&mut turns, 0, &[("a", "5"), ("b", "6"), ("e", "7"), ("e", "8")]).is_empty());
        turns.finish(&last[0], true, at(1));
        assert_eq!(names(&started(&mut turns, 1)), ["7"], "it holds none");
        turns.finish(&first[0], true, at(1));
        assert_eq!(names(&started(&mut turns, 1)), ["5"], "now this one holds none");
        turns.finish(&first[2], true, at(1));
        assert!(started(&mut turns, 1).is_empty(), "who holds one leaves the last to a newcomer");
        assert_eq!(names(&asked(&mut turns, 1, &[("f", "9")])), ["9"]);
    }

    #[test]
    fn a_name_is_looked_up_once_for_all_who_want_it_meanwhile() {
        let mut turns = Turns::new(LIMITS);
        let starts = asked(&mut turns, 0, &[("a", "1"), ("a", "1"), ("b", "1")]);
        assert_eq!(names(&starts), ["1"]);
        assert_eq!(turns.ask(9, Some(tenant("c")), &host("1"), at(4)), Phase::UnderWay { silent_at: at(5) });
        turns.finish(&starts[0], true, at(4));
        assert_eq!(names(&asked(&mut turns, 4, &[("c", "1")])), ["1"], "an answer is not remembered");
    }

    #[test]
    fn nobody_waits_for_another_tenants_turn() {
        let mut turns = Turns::new(LIMITS);
        let many = [("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("a", "shared")];
        assert_eq!(asked(&mut turns, 0, &many).len(), 4);
        assert_eq!(names(&asked(&mut turns, 0, &[("b", "shared")])), ["shared"]);
        assert!(turns.waiting.is_empty(), "the first who asked for it is answered too");
    }

    #[test]
    fn a_caller_who_left_starts_nothing() {
        let mut turns = Turns::new(LIMITS);
        turns.ask(1, Some(tenant("a")), &host("1"), at(0));
        turns.leave(1);
        assert_eq!(turns.start_next(at(0)), None);
    }

    #[test]
    fn a_name_without_an_answer_is_silent_for_everybody_and_takes_no_second_turn() {
        let mut turns = Turns::new(LIMITS);
        let starts = asked(&mut turns, 0, &[("a", "1")]);
        for (second, phase) in [
            (4, Phase::UnderWay { silent_at: at(5) }),
            (5, Phase::Silent),
            (29, Phase::Silent),
            (30, Phase::Unknown),
        ] {
            assert_eq!(turns.phase(&host("1"), at(second)), phase, "{second} s");
        }
        turns.finish(&starts[0], false, at(10));
        assert_eq!(turns.phase(&host("1"), at(29)), Phase::Silent);
        assert_eq!(turns.phase(&host("1"), at(30)), Phase::Unknown);
        assert_eq!(turns.phase(&host("2"), at(10)), Phase::Unknown);
    }

    #[test]
    fn what_ends_a_silence_is_an_answer_and_no_quick_failure_begins_one() {
        for (second, has_answered, phase) in [
            (1, false, Phase::Unknown),
            (1, true, Phase::Unknown),
            (6, false, Phase::Silent),
            (6, true, Phase::Unknown),
        ] {
            let mut turns = Turns::new(LIMITS);
            let starts = asked(&mut turns, 0, &[("a", "1")]);
            assert!(turns.finish(&starts[0], has_answered, at(second)));
            assert_eq!(turns.phase(&host("1"), at(second)), phase, "{second} s, answered: {has_answered}");
        }
    }

    #[test]
    fn a_look_up_that_hangs_for_ever_keeps_its_turn_and_not_its_name() {
        let mut turns = Turns::new(LIMITS);
        let hanging = asked(&mut turns, 0, &[("a", "1")]);
        let again = asked(&mut turns, 30, &[("b", "1")]);
        assert_eq!((names(&again), turns.under_way), (vec!["1"], 2));
        assert!(!turns.finish(&hanging[0], false, at(31)), "whoever waits for the second is not told");
        assert_eq!(turns.phase(&host("1"), at(31)), Phase::UnderWay { silent_at: at(35) });
        assert_eq!((turns.under_way, turns.held.len()), (1, 1));
        turns.finish(&again[0], true, at(32));
        assert!(turns.names.is_empty() && turns.held.is_empty());
    }

    #[test]
    fn names_that_were_silent_once_are_forgotten() {
        let mut turns = Turns::new(LIMITS);
        for second in 0..1_000 {
            let starts = asked(&mut turns, second, &[("a", &second.to_string())]);
            assert!(starts.iter().all(|start| turns.finish(start, false, at(second + 6))));
        }
        assert!(turns.names.len() <= 30, "{}", turns.names.len());
    }
}
