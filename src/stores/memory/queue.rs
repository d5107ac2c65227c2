//! The order in which lanes are served: longest waiting first, found without
//! looking at the lanes of a tenant that has had its share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, btree_map};
use std::iter::Peekable;
use std::ops::Bound::{Excluded, Unbounded};

use crate::id::{EndpointId, TenantId};
use crate::time::Timestamp;

use super::lanes::LaneNo;

/// A lane's place. Of lanes that are ready at the same moment the one that was
/// served longer ago goes first, so that a clock that stands still starves nobody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) ready_at: Timestamp,
    pub(super) turn: u64,
    pub(super) endpoint: EndpointId,
    pub(super) lane: LaneNo,
}

/// Lanes that share their caps stand in one line: when the cap is reached, one step
/// passes over all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub(super) tenant: TenantId,
    pub(super) doubtful: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    lines: HashMap<Line, BTreeSet<Place>>,
    /// The first of each line.
    heads: BTreeMap<Place, Line>,
}

impl Queue {
    pub(super) fn insert(&mut self, line: Line, place: Place) {
        let places = self.lines.entry(line.clone()).or_default();
        if let Some(head) = places.first() {
            if place > *head {
                places.insert(place);
                return;
            }
            self.heads.remove(head);
        }
        places.insert(place.clone());
        self.heads.insert(place, line);
    }

    pub(super) fn remove(&mut self, line: &Line, place: &Place) {
        let Some(places) = self.lines.get_mut(line) else { return };
        places.remove(place);
        if self.heads.remove(place).is_none() {
            return;
        }
        match places.first() {
            Some(head) => {
                self.heads.insert(head.clone(), line.clone());
            }
            None => {
                self.lines.remove(line);
            }
        }
    }

    /// When the first of all is ready.
    pub(super) fn first_ready(&self) -> Option<Timestamp> {
        self.heads.first_key_value().map(|(place, _)| place.ready_at)
    }

    /// Walks the lanes that are ready at `now`.
    pub(super) fn walk(&self, now: Timestamp) -> Walk<'_> {
        Walk { queue: self, now, heads: self.heads.iter().peekable(), opened: BinaryHeap::new() }
    }
}

/// A walk over the ready lanes in the order of their places. A line goes on only
/// when its last visited lane is followed.
pub(super) struct Walk<'a> {
    queue: &'a Queue,
    now: Timestamp,
    heads: Peekable<btree_map::Iter<'a, Place, Line>>,
    opened: BinaryHeap<Reverse<(&'a Place, &'a Line)>>,
}

impl<'a> Walk<'a> {
    /// The next lane.
    pub(super) fn step(&mut self) -> Option<(&'a Place, &'a Line)> {
        let opened_first = match (self.opened.peek(), self.heads.peek()) {
            (Some(Reverse((opened, _))), Some((head, _))) => opened < head,
            (opened, _) => opened.is_some(),
        };
        let next = if opened_first { self.opened.pop().map(|Reverse(next)| next) } else { self.heads.next() };
        next.filter(|(place, _)| place.ready_at <= self.now)
    }

    /// Lets the line of that lane go on.
    pub(super) fn follow(&mut self, place: &Place, line: &'a Line) {
        let places = self.queue.lines.get(line);
        let next = places.and_then(|places| places.range((Excluded(place), Unbounded)).next());
        if let Some(next) = next {
            self.opened.push(Reverse((next, line)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(ready_at: i64, turn: u64, number: u32) -> Place {
        let endpoint = EndpointId::new(format!("e{number:03}")).unwrap();
        Place { ready_at: Timestamp::from_unix_seconds(ready_at), turn, endpoint, lane: number }
    }

    fn line(tenant: u8, doubtful: bool) -> Line {
        Line { tenant: TenantId::new(format!("t{tenant}")).unwrap(), doubtful }
    }

    fn visited(queue: &Queue, now: i64, follows: impl Fn(&Line) -> bool) -> Vec<LaneNo> {
        let mut walk = queue.walk(Timestamp::from_unix_seconds(now));
        let mut lanes = Vec::new();
        while let Some((place, line)) = walk.step() {
            lanes.push(place.lane);
            if follows(line) {
                walk.follow(place, line);
            }
        }
        lanes
    }

    #[test]
    fn a_walk_meets_every_ready_lane_in_the_order_of_places() {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut queue, mut standing) = (Queue::default(), Vec::new());
        for number in 0..300 {
            let line = line(random.u8(0..9), random.bool());
            let place = place(random.i64(0..20), random.u64(0..3), number);
            queue.insert(line.clone(), place.clone());
            standing.push((place, line));
            if random.bool() {
                let (place, line) = standing.swap_remove(random.usize(0..standing.len()));
                queue.remove(&line, &place);
            }
            standing.sort();
            let ready = standing.iter().filter(|(place, _)| place.ready_at.unix_seconds() <= 10);
            let expected: Vec<_> = ready.map(|(place, _)| place.lane).collect();
            assert_eq!(visited(&queue, 10, |_| true), expected);
            assert_eq!(queue.first_ready(), standing.first().map(|(place, _)| place.ready_at));
        }
    }

    #[test]
    fn a_line_that_is_not_followed_costs_one_step() {
        let mut queue = Queue::default();
        for number in 0..100 {
            queue.insert(line(1, true), place(1, 0, number));
        }
        queue.insert(line(2, true), place(2, 0, 100));
        queue.insert(line(1, false), place(3, 0, 101));
        assert_eq!(visited(&queue, 9, |_| false), [0, 100, 101]);
    }
}
