//! One round of the loop, awaited: for hosts that schedule themselves.

use std::sync::{Arc, PoisonError};

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;

use crate::decide::conclude::Fault;
use crate::decide::slots::Slots;
use crate::error::{StoreError, StoreErrorKind};
use crate::time::Timestamp;

use super::EVENTS_PER_CLAIM;
use super::claiming::Acquired;
use super::news::About;
use super::sending::Finished;
use super::settler::Settler;
use super::shared::Shared;

/// What one round did, and when to come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tick {
    /// Deliveries and events claimed.
    pub claimed: usize,
    /// Requests sent.
    pub sent: usize,
    /// Requests that the profile counts as success.
    pub succeeded: usize,
    /// When something is due next, as far as this store knows; `None` if nothing is.
    pub next_due: Option<Timestamp>,
}

impl Shared {
    /// One claim … settle, and one step of retention. A transport that never answers keeps it waiting; nothing
    /// here needs a runtime.
    pub(crate) async fn tick(self: &Arc<Self>) -> Result<Tick, StoreError> {
        self.read_clock().await?;
        let room = Slots::new(self.settings.concurrency).room();
        let request = self.claim_request(room, EVENTS_PER_CLAIM, false).map_err(no_randomness)?;
        let mut acquired = self.acquire(&request).await?;
        if acquired.claimed == 0 && acquired.suspects {
            let room = Slots::new(self.settings.concurrency).room();
            let request = self.claim_request(room, EVENTS_PER_CLAIM, true).map_err(no_randomness)?;
            acquired = self.acquire(&request).await?;
        }
        let apart = std::mem::take(&mut acquired.apart);
        let (finished, apart) = join(self.finish(acquired), join_all(apart)).await;
        let mut tick = finished?;
        for acquired in apart {
            let more = self.finish(acquired).await?;
            tick.sent += more.sent;
            tick.succeeded += more.succeeded;
            tick.next_due = tick.next_due.into_iter().chain(more.next_due).min();
        }
        // The round itself is done: what could not be pruned is tried in the next.
        match self.prune_step().await {
            Ok(_) => {
                self.news.is_over(|| About::Store("prune"));
            }
            Err(error) => self.tell_store_failed(error.kind(), "prune"),
        }
        Ok(tick)
    }

    /// Sends, concludes and settles what was acquired.
    pub(crate) async fn finish(&self, acquired: Acquired) -> Result<Tick, StoreError> {
        let mut tick = Tick { claimed: acquired.claimed, next_due: acquired.next_due, ..Tick::default() };
        let mut settler = Settler::default();
        acquired.dues.into_iter().for_each(|due| settler.add(due, acquired.moved));
        acquired.lanes.into_iter().for_each(|change| settler.change(change, acquired.moved));
        let mut sending: FuturesUnordered<_> =
            acquired.ready.into_iter().map(|ready| self.send(ready.flight, ready.request)).collect();
        while let Some(landed) = sending.next().await {
            let (fault, moved) = (self.whose_fault(&landed), landed.flight.moved);
            let written = self.conclude(landed, fault);
            tick.sent += 1;
            tick.succeeded +=
                usize::from(written.due.settlement.attempt.as_ref().is_some_and(|attempt| attempt.success));
            settler.add(written.due, moved);
            written.lane.into_iter().for_each(|change| settler.change(change, moved));
            if !written.gates.is_empty() {
                self.hold(&written.gates, moved).await;
            }
        }
        while let Some(batch) = settler.next(self.clock.elapsed()) {
            let (mut batch, answers) = self.settle(batch).await;
            let (answers, next_due) = answers?;
            self.tell_settled(&batch, &answers);
            settler.written();
            for (endpoint, why) in batch.disabling(&answers) {
                self.disable(&endpoint, why).await;
            }
            // It knows all that the claim's answer knew, and what became of that since.
            tick.next_due = next_due;
        }
        match acquired.fault {
            Some(error) => Err(error),
            None => Ok(tick),
        }
    }
}

impl Shared {
    /// What one round shows is judged by what those before have shown: in one alone, all that
    /// is known may be of a single tenant.
    fn whose_fault(&self, landed: &Finished) -> Fault {
        let flight = &landed.flight;
        let (tenant, host) = (&flight.claim.event.tenant, flight.resolved.endpoint.url.host());
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.judge(tenant, host, &landed.outcome, || self.clock.elapsed())
    }
}

fn no_randomness(error: crate::backend::EntropyError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "no token could be drawn").with_source(error)
}
