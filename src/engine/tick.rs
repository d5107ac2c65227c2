//! One round of the loop, for hosts that schedule rounds themselves.

use std::sync::PoisonError;

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;

use crate::decide::slots::Slots;
use crate::error::{StoreError, StoreErrorKind};
use crate::notice::StoreCall;
use crate::time::Timestamp;

use super::Parts;
use super::claiming::{Acquired, EVENTS_PER_CLAIM};
use super::guard::About;
use super::settling::{Answer, Unsettled};

/// The result of one round, and when to run the next.
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

impl Parts {
    /// Runs each stage once, from the claim to the settlements, and prunes one step. It waits for as long
    /// as the transport takes. It does not need a runtime.
    pub(crate) async fn tick(&self) -> Result<Tick, StoreError> {
        self.clock.read().await?;
        let mut acquired = self.acquire(false).await?;
        if acquired.claimed == 0 && acquired.suspects {
            acquired = self.acquire(true).await?;
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
        // The round itself is complete. A failed pruning step is repeated in the next round.
        match self.pruner.prune_step().await {
            Ok(_) => {
                self.guard.news.is_over(|| About::Store(StoreCall::Prune));
            }
            Err(error) => self.guard.store_failed(error.kind(), StoreCall::Prune),
        }
        Ok(tick)
    }

    async fn acquire(&self, alone: bool) -> Result<Acquired, StoreError> {
        let room = Slots::new(self.settings.concurrency).room();
        let request = self.claimer.request(room, EVENTS_PER_CLAIM, alone).map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "no token could be drawn").with_source(error)
        })?;
        self.claimer.acquire(&request).await
    }

    /// Sends, concludes and settles the claimed work.
    ///
    /// Failures are judged together with those of earlier rounds: in a single round, all requests may
    /// be those of one tenant.
    pub(crate) async fn finish(&self, acquired: Acquired) -> Result<Tick, StoreError> {
        let mut tick = Tick { claimed: acquired.claimed, next_due: acquired.next_due, ..Tick::default() };
        let mut unsettled = Unsettled::default();
        unsettled.batch.append(acquired.batch);
        let mut sending: FuturesUnordered<_> =
            acquired.ready.into_iter().map(|ready| self.sender.send(ready.flight, ready.request)).collect();
        while let Some(finished) = sending.next().await {
            tick.sent += 1;
            let moved = finished.flight.moved;
            let fault = {
                let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
                finished.judge(&mut faults, &self.clock)
            };
            let holds = self.settler.conclude(finished, fault, &mut unsettled.batch);
            if !holds.is_empty() {
                self.settler.hold(holds, moved).await;
            }
        }
        while let Some(mut batch) = unsettled.next(self.clock.elapsed()) {
            tick.succeeded += batch.successes();
            let Answer { next_due, disable } = self.settler.settle(&mut batch).await?;
            unsettled.written();
            for (endpoint, why) in disable {
                self.settler.disable(&endpoint, why).await;
            }
            // The settle call's answer is newer than the claim's, and includes what happened since.
            tick.next_due = next_due;
        }
        match acquired.fault {
            Some(error) => Err(error),
            None => Ok(tick),
        }
    }
}
