//! Stores events: through the engine's task if one runs in this process. If none runs, or the
//! task is stuck, the publisher stores its event itself.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use crate::backend::Store;
use crate::delivery::{ClaimRequest, Claims, Publish, PublishAnswer, Published};
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::notice::{Notice, StoreCall};
use crate::policy::timeline::Shift;

use super::guard::{Guard, passed};
use super::inbox::Inbox;
use super::routing::Router;
use super::store_clock::{Moment, StoreClock};
use super::{Engine, STORE_TIMEOUT};

/// How long a publisher waits for the engine's task while that stores nothing for others either.
/// The task may be waiting for the store.
const STUCK_AFTER: Duration = STORE_TIMEOUT;
/// How often a call is repeated when its answer was lost.
const REPEATS: usize = 3;
/// How long a publisher's event waits at most for a slot that is likely to become free.
const SLOT_WAIT: Duration = Duration::from_millis(3);
/// If a slot became free within this time, another one is likely to become free soon.
const LATELY: Duration = Duration::from_millis(1);

/// Stores events.
pub(crate) struct Publisher {
    pub(crate) inbox: Inbox,
    pub(super) router: Arc<Router>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
}

/// The result of a call that stored events.
pub(crate) struct Stored {
    /// One answer for each event.
    pub(crate) answers: Vec<PublishAnswer>,
    /// Claimed deliveries of these events.
    pub(crate) claims: Claims,
    /// The sum of the moves of the store's time at that call.
    pub(crate) moved: Shift,
}

impl Publisher {
    /// Stores one event, through the engine's task if one runs in this process. `None` if the
    /// store's answer is missing.
    pub(crate) async fn publish_one(&self, event: &Arc<Event>) -> Result<Option<PublishAnswer>, StoreError> {
        if let Some(mut answer) = self.inbox.push(event, self.clock.elapsed()) {
            match select(&mut answer, pin!(self.patience())).await {
                Either::Left((Ok(answer), _)) => return answer.map(Some),
                // The engine ended before it answered.
                Either::Left((Err(_), _)) => {}
                Either::Right(((), _)) => return self.store_beside(event, answer).await,
            }
        }
        let mut stored = self.publish(std::slice::from_ref(event), None).await?;
        Ok(stored.answers.pop())
    }

    /// Ends when a publisher has waited long enough for the engine's task, and the task has stored
    /// nothing for others meanwhile.
    async fn patience(&self) {
        let mut goes_on = !self.inbox.is_stuck();
        while goes_on {
            let calls = self.inbox.calls_ended();
            passed(STUCK_AFTER).await;
            goes_on = self.inbox.calls_ended() > calls;
        }
    }

    /// Stores an event without the engine's task, which a part of the host blocks. Only the store
    /// is called, because any other part may be the one that blocks. The task may store the event
    /// too: storing one id twice has the same effect as storing it once.
    async fn store_beside(
        &self,
        event: &Arc<Event>,
        answer: oneshot::Receiver<Result<PublishAnswer, StoreError>>,
    ) -> Result<Option<PublishAnswer>, StoreError> {
        if self.inbox.found_stuck() {
            self.guard.notice_if_free(&Notice::EngineStuck { waited: STUCK_AFTER });
        }
        let publish = [Publish { event: Arc::clone(event), routes: None }];
        let stored = match select(answer, pin!(self.store_all(&publish, None))).await {
            Either::Left((Ok(Ok(answer)), _)) => return Ok(Some(answer)),
            Either::Left((_, storing)) => storing.await,
            Either::Right((stored, _)) => stored,
        };
        match stored {
            Ok(mut stored) => Ok(stored.answers.pop()),
            Err(error) => {
                let what = "the engine's task may store it later";
                Err(StoreError::new(StoreErrorKind::InDoubt, what).with_source(error))
            }
        }
    }

    /// Stores events in one call, and returns one answer for each. With a claim request, their
    /// deliveries are returned claimed.
    pub(crate) async fn publish(
        &self,
        events: &[Arc<Event>],
        claim: Option<&ClaimRequest>,
    ) -> Result<Stored, StoreError> {
        let publishes = self.router.route_few(events).await;
        let stored = self.store_all(&publishes, claim).await?;
        for (event, answer) in events.iter().zip(&stored.answers) {
            if answer.published == Published::Stored {
                self.guard.published(event);
            }
        }
        Ok(stored)
    }

    /// Stores events with the routes that were found for them.
    pub(crate) async fn store_all(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
    ) -> Result<Stored, StoreError> {
        let mut repeats = 0;
        loop {
            // Events are stored even if the store's time cannot be read. But nothing is claimed then:
            // this process's own clock is not enough for a claim.
            let turn = self.clock.in_time(Duration::MAX).await.ok();
            let dated = claim.filter(|_| turn.is_some()).map(|claim| self.clock.dated(claim).0);
            let Moment { now, moved } = self.clock.moment();
            match self.store.publish(publishes, dated.as_ref(), now).await {
                Err(error) if error.kind() == StoreErrorKind::InDoubt && repeats < REPEATS => repeats += 1,
                Err(error) => return Err(error),
                Ok((mut answers, claims)) => {
                    if repeats > 0 {
                        own_earlier_call(publishes, &mut answers);
                    }
                    return Ok(Stored { answers, claims, moved });
                }
            }
        }
    }
}

/// Reports an event as stored if a repeated call finds it under the same id: the first call wrote it.
fn own_earlier_call(publishes: &[Publish], answers: &mut [PublishAnswer]) {
    for (publish, answer) in publishes.iter().zip(answers) {
        if answer.id == publish.event.id && answer.published == (Published::Existing { same_content: true }) {
            answer.published = Published::Stored;
        }
    }
}

impl Engine {
    /// Stores the events that publishers have handed over, and claims their deliveries in the same
    /// call for the free slots.
    pub(super) fn publish(&mut self) {
        if self.storing {
            return;
        }
        let publisher = Arc::clone(&self.parts.publisher);
        let Some((tenant, since)) = publisher.inbox.next_turn() else { return };
        let max = if self.a_slot_is_near(since) { self.slots.room_for(&tenant) } else { usize::MAX };
        if max == 0 {
            return;
        }
        self.storing = true;
        let orders = publisher.inbox.next(max);
        let claimer = Arc::clone(&self.parts.claimer);
        let claim = if self.may_claim() && !self.slots.is_full() {
            claimer.request(self.slots.room(), 0, false).ok()
        } else {
            None
        };
        self.spawn(async move {
            let began = publisher.clock.elapsed();
            let events: Vec<_> = orders.iter().map(|order| Arc::clone(&order.event)).collect();
            let stored = publisher.publish(&events, claim.as_ref()).await;
            publisher.inbox.call_ended();
            let acquired = match stored {
                Ok(Stored { answers, claims, moved }) => {
                    for (order, done) in orders.into_iter().zip(answers) {
                        order.answer(Ok(done));
                    }
                    Ok(claimer.make_ready(claims, began, moved).await)
                }
                Err(error) => {
                    for order in orders {
                        order.answer(Err(error.clone()));
                    }
                    Err(error)
                }
            };
            move |engine: &mut Self| {
                engine.storing = false;
                match acquired {
                    Ok(acquired) => {
                        engine.store_worked(StoreCall::Publish);
                        engine.pacing.move_to(acquired.batch.moved());
                        engine.pacing.due(acquired.next_due);
                        engine.take_in(acquired);
                    }
                    Err(error) => {
                        // The store may have written them, although the call failed.
                        engine.pacing.look_at_once(engine.parts.clock.now());
                        engine.store_failed(&error, StoreCall::Publish);
                    }
                }
            }
        });
    }

    /// Whether an event that has waited since `since` should wait a little longer for a slot. A
    /// later claim would cost the store as much as storing the event. Not if older work is due,
    /// since that would take the slot.
    fn a_slot_is_near(&self, since: Duration) -> bool {
        let (now, store_now) = (self.now(), self.parts.clock.now());
        let lately = self.slots.freed_at().is_some_and(|freed_at| now < freed_at + LATELY);
        lately
            && now < since + SLOT_WAIT
            && self.parts.publisher.inbox.is_open()
            && !self.pacing.is_due(store_now)
    }

    /// The latest time until which events may wait for a slot before they are stored.
    pub(super) fn store_by(&self) -> Option<Duration> {
        let waiting = (!self.storing).then(|| self.parts.publisher.inbox.next_turn()).flatten();
        waiting.map(|(_, since)| since + SLOT_WAIT)
    }
}
