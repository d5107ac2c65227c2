//! Writing down what follows, and telling of it once it stands.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::conclude::Disable;
use crate::delivery::{Claimed, End, Gate, GateChange, Settled, State};
use crate::endpoint::Endpoint;
use crate::error::StoreError;
use crate::event::Event;
use crate::notice::Notice;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

use super::settler::{About, Batch};
use super::shared::Shared;
use super::store_clock::Moment;
use super::{Completion, Engine};

/// What a store answers to a batch: one answer per settlement, and when something is due
/// next.
pub(super) type Answers = (Vec<Settled>, Option<Timestamp>);

impl Engine {
    /// Writes what has gathered, if nothing is being written.
    pub(super) fn settle(&mut self) {
        let Some(batch) = self.settler.next(self.now()) else { return };
        let shared = Arc::clone(&self.shared);
        self.tasks.push(Box::pin(async move {
            let (batch, answers) = shared.settle(batch).await;
            Completion::Settled(batch, answers)
        }));
    }

    /// A batch is written: what was full may have room now, and the store says when
    /// something is due.
    pub(super) fn settled(&mut self, mut batch: Batch, answers: &[Settled], next_due: Option<Timestamp>) {
        self.settler.written();
        self.pacing.retry_soon();
        self.pacing.move_to(batch.moved);
        self.pacing.due(next_due);
        self.shared.tell_settled(&batch, answers);
        for (endpoint, why) in batch.disabling(answers) {
            self.disable(endpoint, why);
        }
    }

    fn disable(&mut self, endpoint: Arc<Endpoint>, why: Disable) {
        let shared = Arc::clone(&self.shared);
        self.disabling += 1;
        self.tasks.push(Box::pin(async move {
            shared.disable(&endpoint, why).await;
            Completion::Disabled
        }));
    }
}

impl Shared {
    pub(super) async fn settle(&self, mut batch: Batch) -> (Batch, Result<Answers, StoreError>) {
        let answers = self.try_settle(&mut batch).await;
        (batch, answers)
    }

    async fn try_settle(&self, batch: &mut Batch) -> Result<Answers, StoreError> {
        let turn = self.in_time(Duration::MAX).await?;
        let Moment { now, moved } = self.clock.moment();
        batch.move_to(moved);
        let answers = self.store.settle(&batch.settlements, &batch.lanes, now).await;
        drop(turn);
        answers
    }

    pub(super) fn tell_settled(&self, batch: &Batch, answers: &[Settled]) {
        let told = batch.settlements.iter().zip(&batch.about).zip(answers);
        for ((settlement, About { event, endpoint, .. }), answer) in told {
            let Event { tenant, kind, id: event, .. } = &**event;
            if *answer != Settled::Applied {
                let endpoint = endpoint.as_ref();
                self.notice(&Notice::Stale { tenant, kind, event, endpoint, settled: *answer });
                continue;
            }
            let (Some(End { state, why, .. }), Claimed::Delivery(delivery), Some(endpoint)) =
                (settlement.next.end(), &settlement.of, endpoint)
            else {
                continue;
            };
            let delivery = *delivery;
            self.notice(&Notice::Concluded { tenant, kind, delivery, event, endpoint, state });
            if let State::Failed(reason) = state {
                let dead = Notice::DeadLetter { tenant, kind, delivery, event, endpoint, reason, why };
                self.notice(&dead);
            }
        }
    }

    /// Holds what an answer asked to hold. What a failed store does not hold learns of
    /// it from its own next answer.
    ///
    /// The holds were decided when the store's time had `moved` by so much.
    pub(super) async fn hold(&self, gates: &[(Gate, GateChange)], moved: Shift) {
        if let Err(error) = self.try_hold(gates, moved).await {
            self.notice(&Notice::StoreFailed { kind: error.kind(), during: "gate" });
        }
    }

    async fn try_hold(&self, gates: &[(Gate, GateChange)], decided: Shift) -> Result<(), StoreError> {
        let turn = self.in_time(Duration::MAX).await?;
        let Moment { now, moved } = self.clock.moment();
        let by = moved.since(decided);
        let gates: Vec<_> = gates.iter().map(|(gate, change)| (gate.clone(), change.shifted(by))).collect();
        let held = self.store.gate(&gates, now).await;
        drop(turn);
        held
    }

    /// Disables an endpoint if it still is the version that was sent to and, where it was
    /// to be disabled for failing too long, nothing has succeeded meanwhile.
    pub(super) async fn disable(&self, endpoint: &Endpoint, disable: Disable) {
        match self.try_disable(endpoint, disable).await {
            Ok(true) => {
                self.endpoint_cache.forget(&endpoint.id);
                let Endpoint { tenant, id, .. } = endpoint;
                self.notice(&Notice::Disabled { tenant, endpoint: id, why: disable.why() });
            }
            Ok(false) => {}
            Err(error) => self.notice(&Notice::StoreFailed { kind: error.kind(), during: "disable" }),
        }
    }

    async fn try_disable(&self, endpoint: &Endpoint, disable: Disable) -> Result<bool, StoreError> {
        if let Disable::Failing { since } = disable {
            let queue = self.history.queue(&endpoint.tenant, &endpoint.id, self.clock.now()).await?;
            if queue.and_then(|queue| queue.failing_since) != Some(since) {
                return Ok(false);
            }
        }
        self.directory.disable(endpoint, disable.why()).await
    }
}
