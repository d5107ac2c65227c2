//! A queue in which tenants take turns. How long a call waits depends on how many tenants wait, and
//! never on how many calls one of them makes.

use std::collections::{HashMap, VecDeque};

use crate::id::TenantId;

/// The tenant that a call is for; `None` if it is for several or for all.
pub(super) type Party = Option<TenantId>;

/// The calls that wait, for each party in the order in which they came.
pub(super) struct Line<T> {
    waiting: HashMap<Party, VecDeque<T>>,
    /// The parties that have a waiting call, in the order of their turns.
    turns: VecDeque<Party>,
    under_way: HashMap<Party, usize>,
    at_once: usize,
    order: Order,
}

/// The order of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// All parties take turns.
    InTurn,
    /// Calls for several tenants go before calls for one.
    SharedFirst,
}

impl<T> Line<T> {
    /// An empty queue that lets at most `at_once` calls of a party run at the same time.
    pub(super) fn of(at_once: usize, order: Order) -> Self {
        let (waiting, turns, under_way) = (HashMap::new(), VecDeque::new(), HashMap::new());
        Self { waiting, turns, under_way, at_once, order }
    }

    pub(super) fn push(&mut self, party: Party, call: T) {
        let calls = self.waiting.entry(party.clone()).or_default();
        let is_new = calls.is_empty();
        calls.push_back(call);
        if is_new {
            self.line_up(party);
        }
    }

    fn line_up(&mut self, party: Party) {
        if self.order == Order::SharedFirst && party.is_none() {
            self.turns.push_front(party);
        } else {
            self.turns.push_back(party);
        }
    }

    /// Takes the next call, which counts as running until [`done`](Self::done) is called. Examines at
    /// most one party more than there are parties with running calls.
    pub(super) fn take(&mut self) -> Option<(Party, T)> {
        let busy = |party: &Party| self.under_way.get(party).is_some_and(|calls| *calls >= self.at_once);
        let next = self.turns.iter().position(|party| !busy(party))?;
        let party = self.turns.remove(next)?;
        let calls = self.waiting.get_mut(&party)?;
        let call = calls.pop_front()?;
        if calls.is_empty() {
            self.waiting.remove(&party);
        } else {
            self.line_up(party.clone());
        }
        *self.under_way.entry(party.clone()).or_default() += 1;
        Some((party, call))
    }

    /// Notes that a call of that party has ended.
    pub(super) fn done(&mut self, party: &Party) {
        if let Some(calls) = self.under_way.get_mut(party) {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.under_way.remove(party);
            }
        }
    }

    /// Whether no call waits.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps, reason = "a party is an option")]
    fn party(name: &str) -> Party {
        Some(TenantId::new(name).unwrap())
    }

    fn taken(line: &mut Line<u32>) -> Option<(String, u32)> {
        let (party, call) = line.take()?;
        line.done(&party);
        Some((party.map_or_else(String::new, |tenant| tenant.as_str().to_owned()), call))
    }

    #[test]
    fn a_tenant_with_a_thousand_calls_delays_another_by_one() {
        let mut line = Line::of(1, Order::InTurn);
        (0..1000).for_each(|call| line.push(party("noisy"), call));
        line.push(party("quiet"), 1);
        line.push(None, 2);
        let first: Vec<_> = (0..4).filter_map(|_| taken(&mut line)).collect();
        let expected = [("noisy", 0), ("quiet", 1), ("", 2), ("noisy", 1)];
        assert_eq!(first, expected.map(|(name, call)| (name.to_owned(), call)));
    }

    #[test]
    fn a_party_has_no_more_calls_under_way_than_it_may() {
        let mut line = Line::of(2, Order::InTurn);
        (0..3).for_each(|call| line.push(party("noisy"), call));
        let (one, _) = line.take().unwrap();
        line.take().unwrap();
        assert!(line.take().is_none() && !line.is_empty());
        line.push(party("quiet"), 9);
        assert_eq!(line.take().unwrap().1, 9);
        line.done(&one);
        assert_eq!(line.take().unwrap().1, 2);
        assert!(line.is_empty());
    }

    #[test]
    fn what_is_for_several_tenants_goes_first_where_the_line_says_so() {
        let mut line = Line::of(1, Order::SharedFirst);
        (0..3).for_each(|call| line.push(party(&format!("t{call}")), call));
        line.push(None, 8);
        line.push(None, 9);
        let order: Vec<_> = std::iter::from_fn(|| taken(&mut line)).map(|(_, call)| call).collect();
        assert_eq!(order, [8, 9, 0, 1, 2]);
    }

    #[test]
    fn an_emptied_line_remembers_no_party() {
        let mut line = Line::of(1, Order::InTurn);
        for round in 0..10 {
            line.push(party(&format!("t{round}")), round);
            taken(&mut line);
        }
        assert!(line.waiting.is_empty() && line.turns.is_empty() && line.under_way.is_empty());
    }
}
