//! Selects the calls for the writer's next transaction.
//!
//! Publishers' calls wait in a queue of their own, in which tenants take turns, and a transaction
//! takes a limited number of bytes of them. So however much one tenant publishes, no claim, no
//! settlement and no other tenant's event waits long for it.

use std::collections::VecDeque;

use super::line::{Line, Order, Party};

/// The most calls of a kind in one transaction: the first call has to wait for the last.
const GROUP_MAX: usize = 512;
/// Once a transaction has this many bytes of payloads, it takes no further publisher's call.
const PUBLISHED_BYTES: usize = 4 * 1024 * 1024;
/// The most calls over a tenant's history in one transaction, each for another tenant.
const OVER_HISTORY_MAX: usize = 2;

/// What a call waits for.
pub(super) enum Way {
    /// The next transaction.
    AtOnce,
    /// The next transaction, after which the store hints.
    AtOnceWithHint,
    /// Its tenant's turn among publishers. The number is that of its bytes.
    Publishing(Party, usize),
    /// Its tenant's turn among calls over a history, after which the store hints.
    OverHistory(Party),
}

/// The calls that wait for the next transactions.
pub(super) struct Waiting<T> {
    at_once: VecDeque<T>,
    publishing: Line<(usize, T)>,
    over_history: Line<T>,
    /// The number of calls in `at_once` up to the last one with a hint.
    hinting: usize,
}

/// The calls of one transaction.
pub(super) struct Group<T> {
    pub(super) calls: Vec<T>,
    pub(super) served: Served,
    /// Whether the store hints after the transaction.
    pub(super) hints: bool,
}

/// The parties whose turns a transaction used.
#[derive(Default)]
pub(super) struct Served {
    publishing: Vec<Party>,
    over_history: Vec<Party>,
}

impl<T> Waiting<T> {
    pub(super) fn new() -> Self {
        Self {
            at_once: VecDeque::new(),
            // An engine's call is for several tenants, and only one of them waits at a time.
            publishing: Line::of(usize::MAX, Order::SharedFirst),
            over_history: Line::of(1, Order::InTurn),
            hinting: 0,
        }
    }

    pub(super) fn add(&mut self, way: Way, call: T) {
        match way {
            Way::AtOnce => self.at_once.push_back(call),
            Way::AtOnceWithHint => {
                self.at_once.push_back(call);
                self.hinting = self.at_once.len();
            }
            Way::Publishing(party, bytes) => self.publishing.push(party, (bytes, call)),
            Way::OverHistory(party) => self.over_history.push(party, call),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at_once.is_empty() && self.publishing.is_empty() && self.over_history.is_empty()
    }

    /// Takes the calls for the next transaction.
    pub(super) fn group(&mut self) -> Group<T> {
        let first = self.at_once.len().min(GROUP_MAX);
        let mut calls: Vec<_> = self.at_once.drain(..first).collect();
        let hinted = self.hinting > 0;
        self.hinting = self.hinting.saturating_sub(first);
        let (mut served, mut bytes) = (Served::default(), 0);
        while served.publishing.len() < GROUP_MAX
            && bytes < PUBLISHED_BYTES
            && let Some((party, (size, call))) = self.publishing.take()
        {
            bytes += size;
            calls.push(call);
            served.publishing.push(party);
        }
        while served.over_history.len() < OVER_HISTORY_MAX
            && let Some((party, call)) = self.over_history.take()
        {
            calls.push(call);
            served.over_history.push(party);
        }
        Group { hints: hinted || !served.over_history.is_empty(), calls, served }
    }

    /// Notes that the transaction of these parties has ended.
    pub(super) fn done(&mut self, served: &Served) {
        for party in &served.publishing {
            self.publishing.done(party);
        }
        for party in &served.over_history {
            self.over_history.done(party);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tenant's publish call with that many bytes.
    fn publishing(tenant: &str, bytes: usize) -> Way {
        Way::Publishing(Some(tenant.parse().unwrap()), bytes)
    }

    fn over_history(tenant: &str) -> Way {
        Way::OverHistory(Some(tenant.parse().unwrap()))
    }

    /// The calls of the next transaction.
    fn next(waiting: &mut Waiting<String>) -> Vec<String> {
        let group = waiting.group();
        waiting.done(&group.served);
        group.calls
    }

    #[test]
    fn a_transaction_takes_a_bounded_number_of_published_bytes_and_tenants_in_turn() {
        let mut waiting = Waiting::new();
        for number in 0..600 {
            waiting.add(publishing("large", 1024 * 1024), format!("large {number}"));
        }
        waiting.add(publishing("other", 2), "other".to_owned());
        waiting.add(Way::AtOnce, "claim".to_owned());
        assert_eq!(next(&mut waiting), ["claim", "large 0", "other", "large 1", "large 2", "large 3"]);
        waiting.add(publishing("other", 2), "other".to_owned());
        waiting.add(Way::Publishing(None, 2), "engine".to_owned());
        assert_eq!(next(&mut waiting), ["engine", "large 4", "other", "large 5", "large 6", "large 7"]);
        for number in 2..150 {
            assert_eq!(next(&mut waiting).len(), 4, "{number}");
        }
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_transaction_takes_a_bounded_number_of_calls_of_each_kind() {
        let mut waiting = Waiting::new();
        for number in 0..600 {
            waiting.add(Way::AtOnce, format!("at once {number}"));
            waiting.add(publishing("a", 2), format!("published {number}"));
            waiting.add(over_history("a"), format!("a's history {number}"));
            waiting.add(over_history("b"), format!("b's history {number}"));
            waiting.add(over_history("c"), format!("c's history {number}"));
        }
        let first = next(&mut waiting);
        assert_eq!(first.len(), 512 + 512 + 2);
        assert_eq!(first[1024..], ["a's history 0", "b's history 0"]);
    }

    #[test]
    fn the_store_hints_after_the_transaction_in_which_a_call_with_a_hint_is() {
        let mut waiting = Waiting::new();
        for _ in 0..512 {
            waiting.add(Way::AtOnce, ());
        }
        waiting.add(Way::AtOnceWithHint, ());
        waiting.add(Way::AtOnce, ());
        assert!(waiting.group().hints, "early does no harm");
        assert!(waiting.group().hints);
        waiting.add(Way::AtOnce, ());
        waiting.add(Way::Publishing(None, 2), ());
        assert!(!waiting.group().hints);
        waiting.add(over_history("a"), ());
        assert!(waiting.group().hints);
    }
}
