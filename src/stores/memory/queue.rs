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
