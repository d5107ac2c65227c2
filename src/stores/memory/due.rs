//! When the deliveries of a lane are due, and how many of them are leased.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::from_fn;
use std::ops::Bound::{Excluded, Unbounded};

use crate::id::DeliveryId;
use crate::time::Timestamp;

/// A delivery in its lane's order: earliest due time first, then earliest published first.
pub(super) type Due = (Timestamp, u64, DeliveryId);

/// A lane's pending deliveries, without parked ones. Leased deliveries are kept separately, so
/// that the cost of a lease does not grow with the number of waiting deliveries.
#[derive(Default)]
pub(super) struct Dues {
    /// The waiting deliveries, by due time.
    waiting: BTreeSet<Due>,
    /// The leased deliveries, by the end of the lease.
    leased: BTreeSet<Due>,
}

impl Dues {
    pub(super) fn insert(&mut self, due: Due, is_leased: bool) {
        self.side(is_leased).insert(due);
    }

    pub(super) fn remove(&mut self, due: &Due, is_leased: bool) {
        self.side(is_leased).remove(due);
    }

    /// How many deliveries these are.
    pub(super) fn count(&self) -> usize {
        self.waiting.len() + self.leased.len()
    }

    /// The earliest due time or lease end.
    pub(super) fn first(&self) -> Option<Timestamp> {
        let sides = [self.waiting.first(), self.leased.first()];
        sides.into_iter().flatten().map(|(due_at, ..)| *due_at).min()
    }

    /// The deliveries due at `now`, in order; of the leased ones, those whose leases have expired.
    pub(super) fn up_to(&self, now: Timestamp) -> impl Iterator<Item = &Due> {
        let (mut waiting, mut leased) = (self.waiting.iter().peekable(), self.leased.iter().peekable());
        let in_order = from_fn(move || match (waiting.peek(), leased.peek()) {
            (Some(waits), Some(lapses)) if lapses < waits => leased.next(),
            (None, _) => leased.next(),
            (Some(_), _) => waiting.next(),
        });
        in_order.take_while(move |(due_at, ..)| *due_at <= now)
    }

    const fn side(&mut self, is_leased: bool) -> &mut BTreeSet<Due> {
        if is_leased { &mut self.leased } else { &mut self.waiting }
    }
}

/// The leases that count against a lane's width, counted by their ends: leases of one claim end
/// together.
#[derive(Default)]
pub(super) struct Leases {
    ends: BTreeMap<Timestamp, usize>,
    count: usize,
}

impl Leases {
    pub(super) fn insert(&mut self, until: Timestamp) {
        *self.ends.entry(until).or_default() += 1;
        self.count += 1;
    }

    pub(super) fn remove(&mut self, until: Timestamp) {
        if let Entry::Occupied(mut there) = self.ends.entry(until) {
            *there.get_mut() -= 1;
            if *there.get() == 0 {
                there.remove();
            }
            self.count -= 1;
        }
    }

    /// How many leases have not expired. Few have: the next claim takes those deliveries.
    pub(super) fn in_force(&self, now: Timestamp) -> usize {
        let ended = self.ends.iter().take_while(|(until, _)| **until <= now).map(|(_, count)| *count);
        self.count - ended.sum::<usize>()
    }

    /// When the first running lease ends.
    pub(super) fn first_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.ends.range((Excluded(now), Unbounded)).next().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn what_waits_and_what_has_lapsed_come_in_one_order() {
        let mut random = fastrand::Rng::with_seed(2);
        let (mut dues, mut expected) = (Dues::default(), BTreeSet::new());
        for sequence in 0..200 {
            let due = (at(random.i64(0..20)), sequence, DeliveryId::from_bytes([0; 16]));
            dues.insert(due, random.bool());
            expected.insert(due);
        }
        assert_eq!(dues.first(), expected.first().map(|(due_at, ..)| *due_at));
        let due: Vec<_> = expected.iter().filter(|(due_at, ..)| *due_at <= at(10)).collect();
        assert_eq!(dues.up_to(at(10)).collect::<Vec<_>>(), due);
    }

    #[test]
    fn leases_are_counted_until_they_end() {
        let mut leases = Leases::default();
        for end in [5, 5, 9, 12] {
            leases.insert(at(end));
        }
        leases.remove(at(9));
        assert_eq!([0, 4, 5, 11, 12].map(|now| leases.in_force(at(now))), [3, 3, 1, 1, 0]);
        assert_eq!([4, 5, 12].map(|now| leases.first_end(at(now))), [Some(at(5)), Some(at(12)), None]);
    }
}
