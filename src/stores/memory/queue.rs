//! The order in which lanes are served: tenants take turns, and of one tenant the lane that has
//! waited longest goes first.

use std::collections::{BTreeSet, HashMap, btree_set};
use std::iter::Peekable;

use crate::id::{EndpointId, TenantId};
use crate::time::Timestamp;

use super::lanes::LaneNo;

/// A lane's place in its line. Of lanes that are ready at the same moment, the one that was served
/// longest ago goes first. So each lane is served even while a clock does not advance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) ready_at: Timestamp,
    pub(super) turn: u64,
    pub(super) endpoint: EndpointId,
    pub(super) lane: LaneNo,
}

/// The proven lanes of a tenant, or its doubtful ones. They share their limits and their turns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub(super) tenant: TenantId,
    pub(super) doubtful: bool,
}

/// A line's place among those of its kind: since when its first lane has been ready, but not
/// earlier than the line was last served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    ready_at: Timestamp,
    /// Of lines with the same `ready_at`, the one that was served longest ago goes first.
    served: u64,
    tenant: TenantId,
}

/// The lanes of a line, and when it was last served.
#[derive(Default)]
struct Standing {
    places: BTreeSet<Place>,
    served: Option<(Timestamp, u64)>,
}

impl Standing {
    /// Adds a lane. If it is ready earlier than its line was last served, a clock was set back.
    /// Then the line does not wait until the clock has reached the earlier time again.
    fn enter(&mut self, place: Place) {
        if let Some((at, _)) = &mut self.served {
            *at = place.ready_at.min(*at);
        }
        self.places.insert(place);
    }

    fn turn(&self, tenant: &TenantId) -> Option<Turn> {
        let first = self.places.first()?.ready_at;
        let (ready_at, served) = self.served.map_or((first, 0), |(at, turn)| (first.max(at), turn));
        Some(Turn { ready_at, served, tenant: tenant.clone() })
    }
}

#[derive(Default)]
pub(super) struct Queue {
    lines: HashMap<Line, Standing>,
    proven: BTreeSet<Turn>,
    doubtful: BTreeSet<Turn>,
}

impl Queue {
    /// Moves a lane from one place to another; `None` is no place. A line keeps its turn while one
    /// of its lanes moves.
    pub(super) fn shift(&mut self, before: Option<(Line, Place)>, after: Option<(Line, Place)>) {
        match (before, after) {
            (Some((line, before)), Some((same, after))) if line == same => self.change(&line, |standing| {
                standing.places.remove(&before);
                standing.enter(after);
            }),
            (before, after) => {
                if let Some((line, place)) = before {
                    self.change(&line, |standing| {
                        standing.places.remove(&place);
                    });
                }
                if let Some((line, place)) = after {
                    self.change(&line, |standing| standing.enter(place));
                }
            }
        }
    }

    /// Notes that a line was served: it goes behind the lines that are ready at `now`.
    pub(super) fn send_back(&mut self, line: &Line, now: Timestamp, turn: u64) {
        self.change(line, |standing| standing.served = Some((now, turn)));
    }

    /// When the first of all lanes is ready.
    pub(super) fn first_ready(&self) -> Option<Timestamp> {
        let first = |turns: &BTreeSet<Turn>| turns.first().map(|turn| turn.ready_at);
        first(&self.proven).into_iter().chain(first(&self.doubtful)).min()
    }

    /// Whether a doubtful lane is ready at `now`.
    pub(super) fn doubtful_waits(&self, now: Timestamp) -> bool {
        self.doubtful.first().is_some_and(|turn| turn.ready_at <= now)
    }

    /// The lines that are ready at `now`.
    pub(super) fn ready(&self, now: Timestamp) -> ReadyLines<'_> {
        ReadyLines { now, proven: self.proven.iter().peekable(), doubtful: self.doubtful.iter().peekable() }
    }

    /// The ready lanes of a line, the longest waiting first.
    pub(super) fn lanes<'a>(&'a self, line: &Line, now: Timestamp) -> impl Iterator<Item = LaneNo> + use<'a> {
        let places = self.lines.get(line).map(|standing| standing.places.iter());
        let ready = places.into_iter().flatten().take_while(move |place| place.ready_at <= now);
        ready.map(|place| place.lane)
    }

    /// The only function that changes a line. It updates the line's turn.
    fn change(&mut self, line: &Line, change: impl FnOnce(&mut Standing)) {
        let turns = if line.doubtful { &mut self.doubtful } else { &mut self.proven };
        let standing = self.lines.entry(line.clone()).or_default();
        let before = standing.turn(&line.tenant);
        change(standing);
        let after = standing.turn(&line.tenant);
        if after.is_none() {
            self.lines.remove(line);
        }
        if before != after {
            before.map(|turn| turns.remove(&turn));
            turns.extend(after);
        }
    }
}

/// The ready lines, in the order in which they have waited.
pub(super) struct ReadyLines<'a> {
    now: Timestamp,
    proven: Peekable<btree_set::Iter<'a, Turn>>,
    doubtful: Peekable<btree_set::Iter<'a, Turn>>,
}

impl ReadyLines<'_> {
    /// The next line; a doubtful one only if `with_doubtful`.
    pub(super) fn next(&mut self, with_doubtful: bool) -> Option<Line> {
        let proven = self.proven.peek();
        let doubtful = self.doubtful.peek().filter(|_| with_doubtful);
        let doubtful_first = match (proven, doubtful) {
            (Some(proven), Some(doubtful)) => doubtful < proven,
            (_, doubtful) => doubtful.is_some(),
        };
        let turn = if doubtful_first { self.doubtful.next() } else { self.proven.next() }?;
        (turn.ready_at <= self.now).then(|| Line { tenant: turn.tenant.clone(), doubtful: doubtful_first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(ready_at: i64, turn: u64, number: u32) -> Place {
        let endpoint = EndpointId::new(format!("e{number:03}")).unwrap();
        Place { ready_at: at(ready_at), turn, endpoint, lane: number }
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn line(tenant: u8, doubtful: bool) -> Line {
        Line { tenant: TenantId::new(format!("t{tenant}")).unwrap(), doubtful }
    }

    fn ready(queue: &Queue, now: i64, with_doubtful: bool) -> Vec<Line> {
        let mut ready = queue.ready(at(now));
        std::iter::from_fn(|| ready.next(with_doubtful)).collect()
    }

    #[test]
    fn lines_are_ready_with_their_first_lane_and_in_the_order_of_their_waiting() {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut queue, mut standing) = (Queue::default(), Vec::new());
        for number in 0..300 {
            let (of, at_place) =
                (line(random.u8(0..9), random.bool()), place(random.i64(0..20), random.u64(0..3), number));
            queue.shift(None, Some((of.clone(), at_place.clone())));
            standing.push((at_place, of));
            if random.bool() {
                let (place, line) = standing.swap_remove(random.usize(0..standing.len()));
                queue.shift(Some((line, place)), None);
            }
            standing.sort();
            assert_eq!(queue.first_ready(), standing.first().map(|(place, _)| place.ready_at));
            let waits = |line: &Line| {
                let mut of_line = standing.iter().filter(|(_, of)| of == line);
                of_line.next().map(|(place, _)| place.ready_at)
            };
            let mut expected: Vec<_> = (0..9)
                .flat_map(|tenant| [line(tenant, false), line(tenant, true)])
                .filter(|line| waits(line).is_some_and(|ready_at| ready_at <= at(10)))
                .collect();
            expected.sort_by_key(|line| (waits(line), line.clone()));
            let mut found = ready(&queue, 10, true);
            assert!(found.is_sorted_by_key(&waits));
            found.sort_by_key(|line| (waits(line), line.clone()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_line_that_was_served_goes_behind_those_that_wait() {
        let mut queue = Queue::default();
        for number in 0..100 {
            queue.shift(None, Some((line(1, true), place(1, 0, number))));
        }
        queue.shift(None, Some((line(2, true), place(2, 0, 100))));
        queue.shift(None, Some((line(1, false), place(3, 0, 101))));
        assert_eq!(ready(&queue, 9, true), [line(1, true), line(2, true), line(1, false)]);
        assert_eq!(ready(&queue, 9, false), [line(1, false)]);
        assert_eq!(queue.lanes(&line(1, true), at(9)).count(), 100);
        queue.send_back(&line(1, true), at(9), 1);
        assert_eq!(ready(&queue, 9, true), [line(2, true), line(1, false), line(1, true)]);
        queue.shift(None, Some((line(1, true), place(9, 0, 102))));
        assert_eq!(ready(&queue, 9, true).last(), Some(&line(1, true)), "one lane more changes no turn");
    }

    #[test]
    fn a_lane_that_enters_after_the_clock_stepped_back_is_ready_then() {
        let mut queue = Queue::default();
        queue.shift(None, Some((line(1, true), place(1, 0, 1))));
        queue.send_back(&line(1, true), at(9), 1);
        assert_eq!(ready(&queue, 5, true), []);
        queue.shift(None, Some((line(1, true), place(5, 0, 2))));
        assert_eq!(ready(&queue, 5, true), [line(1, true)]);
    }
}
