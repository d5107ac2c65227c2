//! Concludes each request, collects the settlements, writes them in batches, and tells the
//! observer once they are written.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Entropy, History, Store};
use crate::decide::conclude::{Conclusion, Disable, Fault, Sent, conclude};
use crate::delivery::{Claim, Claimed, End, Gate, GateChange, Next, Settled, Settlement, State};
use crate::endpoint::Endpoint;
use crate::error::StoreError;
use crate::event::Event;
use crate::id::EndpointId;
use crate::notice::{Notice, StoreCall};
use crate::policy::lane::LaneChange;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

use super::Engine;
use super::directory::Endpoints;
use super::guard::Guard;
use super::in_flight::Finished;
use super::store_clock::{Moment, StoreClock};

/// The most settlements in one call.
const BATCH: usize = 1000;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Settlements and lane changes that are written together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    settlements: Vec<Settlement>,
    /// One for each settlement.
    subjects: Vec<Subject>,
    lanes: BTreeMap<EndpointId, LaneChange>,
    /// The sum of the moves of the store's time that all moments in the batch refer to.
    moved: Shift,
}

/// The event and endpoint of a settlement: for the observer's notices, and for what follows once
/// the settlement is applied.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) event: Arc<Event>,
    pub(crate) endpoint: Option<EndpointId>,
    /// The endpoint as it was sent to, if the response is a reason to disable it.
    pub(crate) disable: Option<(Arc<Endpoint>, Disable)>,
}

impl Subject {
    fn of(claim: &Claim) -> Self {
        Self { event: Arc::clone(&claim.event), endpoint: Some(claim.endpoint.clone()), disable: None }
    }
}

impl Batch {
    /// An empty batch. Its moments refer to the store's time after moves of that sum.
    pub(super) fn in_time_of(moved: Shift) -> Self {
        Self { moved, ..Self::default() }
    }

    pub(super) const fn moved(&self) -> Shift {
        self.moved
    }

    /// Adds a settlement that was decided when the store's time had moved by `moved`.
    pub(super) fn add(&mut self, mut settlement: Settlement, subject: Subject, moved: Shift) {
        settlement.shift(self.moved.since(moved));
        self.settlements.push(settlement);
        self.subjects.push(subject);
    }

    /// Settles a claim without an attempt. The decision was made at `at`, when the store's time had
    /// moved by `moved`.
    pub(super) fn settle(&mut self, claim: &Claim, next: Next, at: Timestamp, moved: Shift) {
        let of = Claimed::Delivery(claim.delivery);
        let settlement = Settlement { token: claim.token, of, at, next, attempt: None };
        self.add(settlement, Subject::of(claim), moved);
    }

    /// Merges a lane change into the one that waits for its lane. The longest hold wins, and the
    /// health that was decided on the newest version. The change was decided when the store's time
    /// had moved by `moved`.
    pub(super) fn change(&mut self, mut change: LaneChange, moved: Shift) {
        change.shift(self.moved.since(moved));
        let Some(waiting) = self.lanes.get_mut(&change.endpoint) else {
            self.lanes.insert(change.endpoint.clone(), change);
            return;
        };
        // A change for an older generation no longer applies.
        match change.generation.cmp(&waiting.generation) {
            Ordering::Less => return,
            Ordering::Greater => {
                *waiting = change;
                return;
            }
            Ordering::Equal => {}
        }
        waiting.raise = waiting.raise.max(change.raise);
        if change.health.is_some() && (change.seen >= waiting.seen || waiting.health.is_none()) {
            waiting.health = change.health;
            waiting.seen = change.seen;
        }
    }

    /// Adds everything from another batch.
    pub(super) fn append(&mut self, other: Self) {
        let Self { settlements, subjects, lanes, moved } = other;
        for (settlement, subject) in settlements.into_iter().zip(subjects) {
            self.add(settlement, subject, moved);
        }
        for change in lanes.into_values() {
            self.change(change, moved);
        }
    }

    /// How many of its attempts succeeded.
    pub(super) fn successes(&self) -> usize {
        let attempts = self.settlements.iter().filter_map(|settlement| settlement.attempt.as_ref());
        attempts.filter(|attempt| attempt.success).count()
    }

    fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.lanes.is_empty()
    }

    /// Converts all moments to the store's present time.
    fn move_to(&mut self, moved: Shift) {
        let by = moved.since(self.moved);
        if by.is_none() {
            return;
        }
        self.settlements.iter_mut().for_each(|settlement| settlement.shift(by));
        self.lanes.values_mut().for_each(|change| change.shift(by));
        self.moved = moved;
    }

    /// The endpoints to disable, once the store has answered. A response whose lease was lost
    /// disables nothing: the delivery's result is that of another attempt.
    fn disabling(&mut self, answers: &[Settled]) -> Vec<(Arc<Endpoint>, Disable)> {
        let asked = self.subjects.iter_mut().zip(answers);
        let applied = asked.filter(|(_, answer)| **answer == Settled::Applied);
        applied.filter_map(|(subject, _)| subject.disable.take()).collect()
    }
}

/// Settlements that wait to be written. One call runs at a time, and what arrives meanwhile
/// makes the next batch. So batches grow with the load, and no timer is needed.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    pub(super) batch: Batch,
    writing: bool,
    failures: u32,
    retry_at: Duration,
}

impl Unsettled {
    /// The next batch to write, if there is one and nothing is being written.
    pub(super) fn next(&mut self, now: Duration) -> Option<Batch> {
        if self.writing || self.batch.is_empty() || now < self.retry_at {
            return None;
        }
        self.writing = true;
        Some(Batch {
            settlements: first_of(&mut self.batch.settlements),
            subjects: first_of(&mut self.batch.subjects),
            lanes: std::mem::take(&mut self.batch.lanes),
            moved: self.batch.moved,
        })
    }

    /// Notes that the batch was written.
    pub(super) const fn written(&mut self) {
        self.writing = false;
        self.failures = 0;
        self.retry_at = Duration::ZERO;
    }

    /// Takes back a batch that was not written, or perhaps not. It is written first next time,
    /// after a pause. Settling twice has the same effect as settling once.
    fn failed(&mut self, mut batch: Batch, now: Duration) {
        self.writing = false;
        batch.move_to(self.batch.moved);
        let Batch { settlements, subjects, lanes, moved } = batch;
        self.batch.settlements.splice(..0, settlements);
        self.batch.subjects.splice(..0, subjects);
        for change in lanes.into_values() {
            self.batch.change(change, moved);
        }
        self.retry_at = now.saturating_add((RETRY_FIRST * (1 << self.failures.min(7))).min(RETRY_MAX));
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether the last write failed. Then nothing is sent, because it could not be recorded.
    pub(super) const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When a failed write is repeated; `None` if no write failed, or while the write is being
    /// repeated.
    pub(super) fn retry_at(&self) -> Option<Duration> {
        (self.failures > 0 && !self.writing).then_some(self.retry_at)
    }

    /// Whether everything is written.
    pub(super) fn is_done(&self) -> bool {
        !self.writing && self.batch.is_empty()
    }
}

/// Takes one batch from the front of a queue. The next one is likely to be as long.
fn first_of<T>(line: &mut Vec<T>) -> Vec<T> {
    let count = line.len().min(BATCH);
    let mut rest = Vec::with_capacity(line.len());
    rest.extend(line.drain(count..));
    std::mem::replace(line, rest)
}

/// Concludes requests, and writes the results.
pub(crate) struct Settler {
    pub(super) store: Arc<dyn Store>,
    pub(super) history: Arc<dyn History>,
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) guard: Arc<Guard>,
}

/// A store's answer to a batch.
pub(super) struct Answer {
    /// When something is due next.
    pub(super) next_due: Option<Timestamp>,
    /// The endpoints that are to be disabled.
    pub(super) disable: Vec<(Arc<Endpoint>, Disable)>,
}

impl Settler {
    /// Concludes a request that has ended: tells the observer, and adds the settlement to the
    /// batch. Returns the holds that go beyond the delivery's lane.
    pub(super) fn conclude(
        &self,
        finished: Finished,
        fault: Fault,
        batch: &mut Batch,
    ) -> Vec<(Gate, GateChange)> {
        let Finished { flight, outcome, began_at, took } = finished;
        let (claim, moved) = (&flight.claim, flight.moved);
        let Ok(sendable) = flight.resolved.sendable() else {
            batch.settle(claim, Next::Release, self.clock.now_as_of(moved), moved);
            return Vec::new();
        };
        let sent = Sent { outcome, began_at, took, fault, expiry_suspended: self.clock.is_distrusted() };
        // A response from the previous URL says nothing about the endpoint as it is now.
        let generation = flight.resolved.endpoint.generation;
        let lane = flight.lane.as_deref().and_then(|lane| lane.for_generation(generation, sendable.width));
        let Conclusion { settlement, lane, gates, disable } =
            conclude(claim, sendable, lane.as_deref(), &sent, || self.roll());
        if let Some(attempt) = &settlement.attempt {
            let next_at = match settlement.next {
                Next::Later { due_at, .. } => Some(due_at),
                _ => None,
            };
            self.guard.notice(&Notice::Attempted {
                tenant: &claim.event.tenant,
                kind: &claim.event.kind,
                delivery: claim.delivery,
                event: &claim.event.id,
                endpoint: &claim.endpoint,
                number: claim.attempts.saturating_add(1),
                result: attempt.result,
                success: attempt.success,
                took,
                next_at,
            });
        }
        let disable = disable.map(|why| (Arc::clone(&flight.resolved.endpoint), why));
        batch.add(settlement, Subject { disable, ..Subject::of(claim) }, moved);
        if let Some(change) = lane {
            batch.change(change, moved);
        }
        gates
    }

    /// A random number for jitter. If the entropy source fails, the middle of the range.
    fn roll(&self) -> u64 {
        let mut bytes = [0; 8];
        match self.entropy.fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => u64::MAX / 2,
        }
    }

    /// Writes a batch, and tells the observer which deliveries ended. A batch that was not written,
    /// or perhaps not, keeps its contents.
    pub(super) async fn settle(&self, batch: &mut Batch) -> Result<Answer, StoreError> {
        let turn = self.clock.in_time(Duration::MAX).await?;
        let Moment { now, moved } = self.clock.moment();
        batch.move_to(moved);
        let lanes: Vec<_> = std::mem::take(&mut batch.lanes).into_values().collect();
        let settled = self.store.settle(&batch.settlements, &lanes, now).await;
        drop(turn);
        match settled {
            Ok((answers, next_due)) => {
                self.tell(batch, &answers);
                Ok(Answer { next_due, disable: batch.disabling(&answers) })
            }
            Err(error) => {
                for change in lanes {
                    batch.change(change, moved);
                }
                Err(error)
            }
        }
    }

    fn tell(&self, batch: &Batch, answers: &[Settled]) {
        let told = batch.settlements.iter().zip(&batch.subjects).zip(answers);
        for ((settlement, Subject { event, endpoint, .. }), answer) in told {
            let Event { tenant, kind, id: event, .. } = &**event;
            if *answer != Settled::Applied {
                let endpoint = endpoint.as_ref();
                self.guard.notice(&Notice::Stale { tenant, kind, event, endpoint, settled: *answer });
                continue;
            }
            let (Some(End { state, why, .. }), Claimed::Delivery(delivery), Some(endpoint)) =
                (settlement.next.end(), &settlement.of, endpoint)
            else {
                continue;
            };
            let delivery = *delivery;
            self.guard.notice(&Notice::Concluded { tenant, kind, delivery, event, endpoint, state });
            if let State::Failed(reason) = state {
                let dead = Notice::DeadLetter { tenant, kind, delivery, event, endpoint, reason, why };
                self.guard.notice(&dead);
            }
        }
    }

    /// Sets the holds that a response asked for, decided when the store's time had moved by
    /// `decided`. If the store fails, the hold is lost; the next response may ask for it again.
    pub(super) async fn hold(&self, gates: Vec<(Gate, GateChange)>, decided: Shift) {
        let held = async {
            let turn = self.clock.in_time(Duration::MAX).await?;
            let Moment { now, moved } = self.clock.moment();
            let by = moved.since(decided);
            let gates: Vec<_> = gates.into_iter().map(|(gate, change)| (gate, change.shifted(by))).collect();
            let held = self.store.gate(&gates, now).await;
            drop(turn);
            held
        };
        if let Err(error) = held.await {
            self.guard.notice(&Notice::StoreFailed { kind: error.kind(), during: StoreCall::Gate });
        }
    }

    /// Disables an endpoint if it still is the version that was sent to. If the reason is that it
    /// has failed for too long, it stays enabled when an attempt has succeeded meanwhile.
    pub(super) async fn disable(&self, endpoint: &Endpoint, disable: Disable) {
        let Endpoint { tenant, id, .. } = endpoint;
        let disabled = async {
            if let Disable::Failing { since } = disable {
                let queue = self.history.queue(tenant, id, self.clock.now()).await?;
                if queue.and_then(|queue| queue.failing_since) != Some(since) {
                    return Ok(false);
                }
            }
            self.endpoints.directory.disable(endpoint, disable.why().as_str()).await
        };
        match disabled.await {
            Ok(true) => {
                self.endpoints.cache.forget(id);
                self.guard.notice(&Notice::Disabled { tenant, endpoint: id, why: disable.why() });
            }
            Ok(false) => {}
            Err::<_, StoreError>(error) => {
                self.guard.notice(&Notice::StoreFailed { kind: error.kind(), during: StoreCall::Disable });
            }
        }
    }
}

impl Engine {
    /// Writes the batch, if no batch is being written.
    pub(super) fn settle(&mut self) {
        let Some(mut batch) = self.unsettled.next(self.now()) else { return };
        let settler = Arc::clone(&self.parts.settler);
        self.spawn(async move {
            let answer = settler.settle(&mut batch).await;
            move |engine: &mut Self| match answer {
                Ok(Answer { next_due, disable }) => {
                    engine.store_worked(StoreCall::Settle);
                    engine.unsettled.written();
                    // What was full, such as a lane, may have room now.
                    engine.pacing.retry_soon();
                    engine.pacing.move_to(batch.moved);
                    engine.pacing.due(next_due);
                    for (endpoint, why) in disable {
                        let settler = Arc::clone(&settler);
                        engine.spawn_counted(async move {
                            settler.disable(&endpoint, why).await;
                            |_: &mut Self| {}
                        });
                    }
                }
                Err(error) => {
                    engine.unsettled.failed(batch, engine.now());
                    engine.store_failed(&error, StoreCall::Settle);
                }
            }
        });
    }
}
