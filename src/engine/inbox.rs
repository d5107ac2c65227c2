//! Where publishers hand their events to a running engine, and where these wait to be stored.
//! Tenants take turns, and one call stores a bounded number of bytes, so that what one tenant
//! publishes, however much, delays the events of another by little more than one call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::delivery::PublishAnswer;
use crate::error::StoreError;
use crate::event::Event;
use crate::id::TenantId;

/// One call stores at most so many events.
const EVENTS_PER_CALL: usize = 512;
/// One call stores no further event after so many bytes of payloads.
const BYTES_PER_CALL: usize = 4 * 1024 * 1024;
/// Up to here a tenant's events wait whether their publishers do or not.
const WAITING_MAX: usize = 1024;

/// What is handed over: an event to store, and where to say what became of it.
pub(super) struct WaitingPublish {
    pub(super) event: Arc<Event>,
    reply: oneshot::Sender<Result<PublishAnswer, StoreError>>,
}

impl WaitingPublish {
    /// With where its publisher waits for the answer.
    fn of(event: Arc<Event>) -> (Self, oneshot::Receiver<Result<PublishAnswer, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { event, reply }, answer)
    }

    /// Whether its publisher still waits for the answer.
    fn is_waited_for(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Answers the publisher. One that no longer listens has its event all the same.
    pub(super) fn answer(self, done: Result<PublishAnswer, StoreError>) {
        drop(self.reply.send(done));
    }
}

/// Open while an engine runs in this process. A publisher that drops its future
/// meanwhile loses nothing: the engine's task makes the call.
#[derive(Default)]
pub(crate) struct Inbox {
    counter: Mutex<Counter>,
    came: Notify,
    nudged: Notify,
    /// A publisher waited in vain, and the engine's task has not come by since.
    stuck: AtomicBool,
}

#[derive(Default)]
struct Counter {
    line: Line,
    is_open: bool,
    /// Whether an engine runs.
    is_served: bool,
    /// How many calls that stored something have ended.
    calls: u64,
}

impl Inbox {
    /// Opens the inbox for an engine. Says whether it did: not if one runs already.
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

    /// Closes the inbox: publishers store their events themselves again. What was handed
    /// over is still to be stored.
    pub(super) fn close(&self) {
        self.counter().is_open = false;
    }

    /// The engine is gone: publishers that it has not answered store their events themselves.
    pub(super) fn leave(&self) {
        let left = std::mem::take(&mut *self.counter());
        drop(left);
    }

    /// Hands an event over, at `now`; `None` when no engine takes it. The answer fails when the
    /// engine ends before it has answered.
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

    /// Waits until something was handed over since this last returned.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// Which tenant's event is to be stored next, and since when one has waited.
    pub(super) fn next_turn(&self) -> Option<(TenantId, Duration)> {
        self.counter().line.next_turn().map(|(tenant, since)| (tenant.clone(), since))
    }

    /// What the next call stores, of at most so many.
    pub(super) fn next(&self, max: usize) -> Vec<WaitingPublish> {
        self.counter().line.next(max)
    }

    /// A call that stores what was handed over has ended, well or not.
    pub(super) fn call_ended(&self) {
        self.counter().calls += 1;
    }

    /// How many such calls have ended: publishers whose turn is still to come see that
    /// nothing is stuck.
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

    /// Tells the engine that there may be new work. One that does not wait for it at this
    /// moment learns of it when it does: a nudge is never lost.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits until the engine was nudged since this last returned.
    pub(super) async fn nudged(&self) {
        self.nudged.notified().await;
    }

    /// A publisher has waited in vain. Says whether it is the first one.
    pub(super) fn found_stuck(&self) -> bool {
        !self.stuck.swap(true, Ordering::Relaxed)
    }

    /// Whether the engine's task does not answer publishers.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// The engine's task goes on.
    pub(super) fn goes_on(&self) {
        self.stuck.store(false, Ordering::Relaxed);
    }

    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits, each tenant's in the order in which it came.
#[derive(Default)]
struct Line {
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

    /// Whose turn it is, and how long something has waited.
    fn next_turn(&self) -> Option<(&TenantId, Duration)> {
        Some((self.turns.front()?, self.since))
    }

    /// The next call's worth, of at most so many.
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
