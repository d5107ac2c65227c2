//! The queue through which publishers hand events to a running engine. Tenants take turns, and
//! one call stores a bounded number of bytes. So however much one tenant publishes, it delays
//! the events of another tenant by little more than one call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::delivery::PublishAnswer;
use crate::error::StoreError;
use crate::event::Event;
use crate::id::TenantId;

/// The most events that one call stores.
const EVENTS_PER_CALL: usize = 512;
/// Once a call has this many bytes of payloads, it stores no further event.
const BYTES_PER_CALL: usize = 4 * 1024 * 1024;
/// A tenant's queue is first checked for publishers that gave up when it has this many events.
const WAITING_MAX: usize = 1024;

/// An event to store, and the channel for its publisher's answer.
pub(super) struct WaitingPublish {
    pub(super) event: Arc<Event>,
    reply: oneshot::Sender<Result<PublishAnswer, StoreError>>,
}

impl WaitingPublish {
    /// Wraps an event, and returns the channel on which its publisher waits for the answer.
    fn of(event: Arc<Event>) -> (Self, oneshot::Receiver<Result<PublishAnswer, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { event, reply }, answer)
    }

    /// Whether its publisher still waits for the answer.
    fn is_waited_for(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Answers the publisher. If it no longer waits, its event is stored anyway.
    pub(super) fn answer(self, done: Result<PublishAnswer, StoreError>) {
        drop(self.reply.send(done));
    }
}

/// Accepts events while an engine runs in this process. If a publisher drops its future
/// meanwhile, its event is not lost: the engine's task makes the call.
#[derive(Default)]
pub(crate) struct Inbox {
    counter: Mutex<Counter>,
    came: Notify,
    nudged: Notify,
    /// Whether a publisher waited in vain, and the engine's task has not run since.
    stuck: AtomicBool,
}

#[derive(Default)]
struct Counter {
    line: Line,
    is_open: bool,
    /// Whether an engine runs.
    is_served: bool,
    /// How many calls that store events have ended.
    calls: u64,
}

impl Inbox {
    /// Opens the inbox for an engine. Returns `false` if an engine runs already.
    pub(super) fn open(&self) -> bool {
        let mut counter = self.counter();
        let opens = !std::mem::replace(&mut counter.is_served, true);
        counter.is_open |= opens;
        drop(counter);
        if opens {
            self.goes_on();
        }
        opens
    }

    /// Closes the inbox: from now on publishers store their events themselves. The engine still
    /// stores what was handed over before.
    pub(super) fn close(&self) {
        self.counter().is_open = false;
    }

    /// Notes that the engine has ended. Publishers without an answer store their events themselves.
    pub(super) fn leave(&self) {
        let left = std::mem::take(&mut *self.counter());
        drop(left);
    }

    /// Hands an event over at `now`; `None` if no engine accepts it. The answer is an error if the
    /// engine ends first.
    pub(super) fn push(
        &self,
        event: &Arc<Event>,
        now: Duration,
    ) -> Option<oneshot::Receiver<Result<PublishAnswer, StoreError>>> {
        let (order, answer) = WaitingPublish::of(Arc::clone(event));
        {
            let mut counter = self.counter();
            if !counter.is_open {
                return None;
            }
            counter.line.push(order, now);
        }
        self.came.notify_one();
        Some(answer)
    }

    /// Waits until an event was handed over since this last returned.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// The tenant whose event is stored next, and since when an event has waited.
    pub(super) fn next_turn(&self) -> Option<(TenantId, Duration)> {
        self.counter().line.next_turn().map(|(tenant, since)| (tenant.clone(), since))
    }

    /// Takes the events that the next call stores, at most `max`.
    pub(super) fn next(&self, max: usize) -> Vec<WaitingPublish> {
        self.counter().line.next(max)
    }

    /// Notes that a call that stores events has ended, whether it succeeded or not.
    pub(super) fn call_ended(&self) {
        self.counter().calls += 1;
    }

    /// How many such calls have ended. By this number, publishers whose turn has not come yet see
    /// that the engine is not stuck.
    pub(super) fn calls_ended(&self) -> u64 {
        self.counter().calls
    }

    pub(super) fn is_open(&self) -> bool {
        self.counter().is_open
    }

    /// Whether nothing waits to be stored.
    pub(super) fn is_empty(&self) -> bool {
        self.counter().line.is_empty()
    }

    /// Tells the engine that there may be new work. If the engine does not wait at this moment,
    /// it gets the nudge when it next waits.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits until the engine was nudged since this last returned.
    pub(super) async fn nudged(&self) {
        self.nudged.notified().await;
    }

    /// Notes that a publisher has waited in vain. Returns whether it is the first one.
    pub(super) fn found_stuck(&self) -> bool {
        !self.stuck.swap(true, Ordering::Relaxed)
    }

    /// Whether the engine's task does not answer publishers.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Notes that the engine's task runs again.
    pub(super) fn goes_on(&self) {
        self.stuck.store(false, Ordering::Relaxed);
    }

    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events that wait, for each tenant in the order in which they came.
#[derive(Default)]
struct Line {
    tenants: BTreeMap<TenantId, Waiting>,
    /// The tenants that have waiting events, in the order of their turns.
    turns: VecDeque<TenantId>,
    /// When the first of those that wait came.
    since: Duration,
}

struct Waiting {
    orders: VecDeque<WaitingPublish>,
    /// At this length the queue is searched for events whose publishers no longer wait.
    check_at: usize,
}

impl Line {
    fn push(&mut self, order: WaitingPublish, now: Duration) {
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

    /// The tenant whose turn it is, and since when an event has waited.
    fn next_turn(&self) -> Option<(&TenantId, Duration)> {
        Some((self.turns.front()?, self.since))
    }

    /// Takes the events for the next call, at most `max`.
    fn next(&mut self, max: usize) -> Vec<WaitingPublish> {
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

    fn is_empty(&self) -> bool {
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
    /// Adds an event. Removes abandoned ones first if there are many, so that publishers which
    /// give up and retry do not fill the memory.
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
    use futures_util::FutureExt as _;

    use super::*;
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::time::Timestamp;

    fn event() -> Arc<Event> {
        let id = EventId::new("e").unwrap();
        Arc::new(NewEvent::json("t", "k", "{}").unwrap().into_event(id, Timestamp::EPOCH, 100).unwrap())
    }

    #[tokio::test]
    async fn a_nudge_is_heard_beside_a_full_line_and_by_an_engine_that_waits_for_it_later() {
        let inbox = Inbox::default();
        assert!(inbox.open());
        for _ in 0..10_000 {
            assert!(inbox.push(&event(), Duration::ZERO).is_some(), "it waits");
        }
        inbox.nudge();
        let heard = tokio::time::timeout(Duration::from_secs(5), inbox.nudged()).await;
        assert!(heard.is_ok());
    }

    #[tokio::test]
    async fn publishers_store_their_events_themselves_where_no_engine_runs_or_one_ends() {
        let inbox = Inbox::default();
        assert!(inbox.push(&event(), Duration::ZERO).is_none());
        assert!(inbox.open() && !inbox.open());
        let mut waiting = inbox.push(&event(), Duration::ZERO).unwrap();
        assert!((&mut waiting).now_or_never().is_none());
        inbox.close();
        assert!(inbox.push(&event(), Duration::ZERO).is_none());
        assert!((&mut waiting).now_or_never().is_none(), "a closed inbox still stores what it took");
        assert!(!inbox.open(), "its engine has not ended");
        inbox.leave();
        assert!(waiting.await.is_err());
        assert!(inbox.open());
    }

    fn order(
        tenant: &str,
        number: usize,
        bytes: usize,
    ) -> (WaitingPublish, oneshot::Receiver<Result<PublishAnswer, StoreError>>) {
        let event = NewEvent::json(tenant, "k", format!("\"{}\"", "a".repeat(bytes - 2))).unwrap();
        let event =
            event.into_event(EventId::new(number.to_string()).unwrap(), Timestamp::EPOCH, bytes).unwrap();
        WaitingPublish::of(Arc::new(event))
    }

    /// The events that the next call stores, each written as its tenant and its number.
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
