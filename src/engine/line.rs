//! The events that publishers have handed over and that are not stored yet. Their tenants
//! take turns, and one call stores a bounded number of bytes, so that what one tenant
//! publishes, however much, delays the events of another by little more than one call.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::TenantId;

use super::inbox::WaitingPublish;

/// One call stores at most so many events.
const EVENTS_PER_CALL: usize = 512;
/// One call stores no further event after so many bytes of payloads.
const BYTES_PER_CALL: usize = 4 * 1024 * 1024;
/// Up to here a tenant's events wait whether their publishers do or not.
const WAITING_MAX: usize = 1024;

/// What waits, each tenant's in the order in which it came.
#[derive(Default)]
pub(super) struct Line {
    tenants: BTreeMap<TenantId, Waiting>,
    /// The tenants that have something waiting, the next one first.
    turns: VecDeque<TenantId>,
    /// When the first of those that wait came.
    since: Duration,
}

struct Waiting {
    orders: VecDeque<WaitingPublish>,
    /// With so many, those are looked for whose publishers wait no more.
    check_at: usize,
}

impl Line {
    pub(super) fn push(&mut self, order: WaitingPublish, now: Duration) {
        if self.turns.is_empty() {
            self.since = now;
        }
        let tenant = &order.event.tenant;
        if let Some(waiting) = self.tenants.get_mut(tenant) {
            waiting.push(order);
            return;
        }
        self.turns.push_back(tenant.clone());
        let orders = VecDeque::from([order]);
        let new = Waiting { orders, check_at: WAITING_MAX };
        if let Some(tenant) = self.turns.back() {
            self.tenants.insert(tenant.clone(), new);
        }
    }

    /// Whose turn it is, and how long something has waited.
    pub(super) fn next_turn(&self) -> Option<(&TenantId, Duration)> {
        Some((self.turns.front()?, self.since))
    }

    /// The next call's worth, of at most so many.
    pub(super) fn next(&mut self, max: usize) -> Vec<WaitingPublish> {
        let (mut orders, mut bytes) = (Vec::new(), 0);
        while orders.len() < max.min(EVENTS_PER_CALL)
            && bytes < BYTES_PER_CALL
            && let Some(order) = self.take()
        {
            bytes += order.event.payload.len();
            orders.push(order);
        }
        orders
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn take(&mut self) -> Option<WaitingPublish> {
        let tenant = self.turns.pop_front()?;
        let waiting = self.tenants.get_mut(&tenant)?;
        let order = waiting.orders.pop_front();
        if waiting.orders.is_empty() {
            self.tenants.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        order
    }
}

impl Waiting {
    /// Publishers that give up and come again must not fill the memory.
    fn push(&mut self, order: WaitingPublish) {
        if self.orders.len() >= self.check_at {
            self.orders.retain(WaitingPublish::is_waited_for);
            self.check_at = (2 * self.orders.len()).max(WAITING_MAX);
        }
        self.orders.push_back(order);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;

    use crate::delivery::PublishAnswer;
    use crate::error::StoreError;
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::time::Timestamp;

    use super::*;

    type Answer = oneshot::Receiver<Result<PublishAnswer, StoreError>>;

    fn order(tenant: &str, number: usize, bytes: usize) -> (WaitingPublish, Answer) {
        let event = NewEvent::json(tenant, "k", format!("\"{}\"", "a".repeat(bytes - 2))).unwrap();
        let event =
            event.into_event(EventId::new(number.to_string()).unwrap(), Timestamp::EPOCH, bytes).unwrap();
        WaitingPublish::of(Arc::new(event))
    }

    /// What the next call stores, each event as its tenant and its number.
    fn call(line: &mut Line) -> Vec<String> {
        let name = |order: &WaitingPublish| format!("{}{}", order.event.tenant, order.event.id);
        line.next(usize::MAX).iter().map(name).collect()
    }

    #[test]
    fn tenants_take_turns_and_each_ones_events_keep_their_order() {
        let mut line = Line::default();
        for (tenant, number) in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("b", 2)] {
            line.push(order(tenant, number, 2).0, Duration::from_secs(number as u64));
        }
        assert_eq!(line.next_turn().unwrap(), (&"a".parse().unwrap(), Duration::from_secs(1)));
        let first: Vec<_> = line.next(2).into_iter().map(|order| order.event.tenant.to_string()).collect();
        assert_eq!(first, ["a", "b"]);
        assert_eq!(call(&mut line), ["c1", "a2", "b2", "a3"]);
        assert!(line.is_empty() && call(&mut line).is_empty());
    }

    #[test]
    fn a_call_stores_a_bounded_number_of_bytes_and_of_events() {
        let mut line = Line::default();
        let mebibyte = 1024 * 1024;
        for number in 0..600 {
            line.push(order("large", number, mebibyte).0, Duration::ZERO);
        }
        line.push(order("other", 0, 2).0, Duration::ZERO);
        assert_eq!(call(&mut line), ["large0", "other0", "large1", "large2", "large3"]);
        line.push(order("other", 1, 2).0, Duration::ZERO);
        assert_eq!(call(&mut line), ["large4", "other1", "large5", "large6", "large7"]);
        assert_eq!(call(&mut line).len(), 4);
        let mut line = Line::default();
        line.push(order("large", 0, 8 * mebibyte).0, Duration::ZERO);
        for number in 0..600 {
            line.push(order("small", number, 2).0, Duration::ZERO);
        }
        assert_eq!(call(&mut line), ["large0"], "one event at least");
        assert_eq!(call(&mut line).len(), EVENTS_PER_CALL);
    }

    #[test]
    fn what_publishers_gave_up_does_not_pile_up() {
        let mut line = Line::default();
        let waited_for: Vec<_> = (0..10)
            .map(|number| {
                let (order, answer) = order("a", number, 2);
                line.push(order, Duration::ZERO);
                answer
            })
            .collect();
        for number in 10..100_000 {
            line.push(order("a", number, 2).0, Duration::ZERO);
        }
        assert!(line.tenants.values().all(|waiting| waiting.orders.len() <= WAITING_MAX));
        let first = line.next(10);
        assert!(first.iter().all(WaitingPublish::is_waited_for));
        drop(waited_for);
    }
}
