//! Gathers what follows from claims, and writes it in batches.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::conclude::Disable;
use crate::delivery::{Claim, Claimed, Next, Settled, Settlement};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::id::EndpointId;
use crate::policy::lane::LaneChange;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

/// So many settlements go into one call at most.
const BATCH: usize = 1000;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// A settlement, with what an observer is told of it.
#[derive(Debug)]
pub(crate) struct PendingSettlement {
    pub(crate) settlement: Settlement,
    pub(crate) event: Arc<Event>,
    pub(crate) endpoint: Option<EndpointId>,
    /// The endpoint as it was sent to, if the answer is a reason to disable it.
    pub(crate) disable: Option<(Arc<Endpoint>, Disable)>,
}

impl PendingSettlement {
    pub(crate) fn of(claim: &Claim, settlement: Settlement) -> Self {
        let (event, endpoint) = (Arc::clone(&claim.event), Some(claim.endpoint.clone()));
        Self { settlement, event, endpoint, disable: None }
    }

    /// Settles a claim without an attempt.
    pub(crate) fn without_attempt(claim: &Claim, next: Next, at: Timestamp) -> Self {
        let of = Claimed::Delivery(claim.delivery);
        Self::of(claim, Settlement { token: claim.token, of, at, next, attempt: None })
    }
}

/// Whom a settlement is about: what an observer is told of it, and what follows once it
/// is applied.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) event: Arc<Event>,
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) disable: Option<(Arc<Endpoint>, Disable)>,
}

/// One call's worth.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) settlements: Vec<Settlement>,
    /// One for each settlement.
    pub(crate) about: Vec<About>,
    pub(crate) lanes: Vec<LaneChange>,
    /// By how much the store's time had moved when that was decided.
    pub(crate) moved: Shift,
}

impl Batch {
    /// Writes its moments in the time that the store has now.
    pub(crate) fn move_to(&mut self, moved: Shift) {
        let by = moved.since(self.moved);
        if by.is_none() {
            return;
        }
        self.settlements.iter_mut().for_each(|settlement| settlement.shift(by));
        self.lanes.iter_mut().for_each(|change| change.shift(by));
        self.moved = moved;
    }

    /// The endpoints that are to be disabled, once the batch is answered. An answer whose
    /// lease had been lost disables nothing: another attempt stands for its delivery.
    pub(crate) fn disabling(&mut self, answers: &[Settled]) -> Vec<(Arc<Endpoint>, Disable)> {
        let asked = self.about.iter_mut().zip(answers);
        let applied = asked.filter(|(_, answer)| **answer == Settled::Applied);
        applied.filter_map(|(about, _)| about.disable.take()).collect()
    }
}

/// What waits to be written. One call is under way at a time: what comes meanwhile
/// makes the next batch, so the batch grows with the load and no timer is needed.
#[derive(Debug, Default)]
pub(crate) struct Settler {
    settlements: Vec<Settlement>,
    about: Vec<About>,
    lanes: BTreeMap<EndpointId, LaneChange>,
    /// The time that all of it is written in: by how much the store's had moved.
    moved: Shift,
    writing: bool,
    failures: u32,
    retry_at: Duration,
}

impl Settler {
    /// Takes what was decided when the store's time had moved by so much.
    pub(crate) fn add(&mut self, due: PendingSettlement, moved: Shift) {
        let PendingSettlement { mut settlement, event, endpoint, disable } = due;
        settlement.shift(self.moved.since(moved));
        self.settlements.push(settlement);
        self.about.push(About { event, endpoint, disable });
    }

    /// Merges a change, decided when the store's time had moved by so much, into what waits
    /// for its lane: the longest hold, and the health that was decided on the newest version.
    pub(crate) fn change(&mut self, mut change: LaneChange, moved: Shift) {
        change.shift(self.moved.since(moved));
        let Some(waiting) = self.lanes.get_mut(&change.endpoint) else {
            self.lanes.insert(change.endpoint.clone(), change);
            return;
        };
        // What was learned of an older generation is over.
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

    /// The next batch to write, if there is one and nothing is being written.
    pub(crate) fn next(&mut self, now: Duration) -> Option<Batch> {
        if self.writing || self.is_empty() || now < self.retry_at {
            return None;
        }
        self.writing = true;
        Some(Batch {
            settlements: first_of(&mut self.settlements),
            about: first_of(&mut self.about),
            lanes: std::mem::take(&mut self.lanes).into_values().collect(),
            moved: self.moved,
        })
    }

    /// The batch is written.
    pub(crate) const fn written(&mut self) {
        self.writing = false;
        self.failures = 0;
        self.retry_at = Duration::ZERO;
    }

    /// The batch is not, or perhaps not, written: it goes first next time, after a
    /// pause. Settling twice is settling once.
    pub(crate) fn failed(&mut self, mut batch: Batch, now: Duration) {
        self.writing = false;
        batch.move_to(self.moved);
        self.settlements.splice(..0, batch.settlements);
        self.about.splice(..0, batch.about);
        for change in batch.lanes {
            self.change(change, self.moved);
        }
        self.retry_at = now.saturating_add((RETRY_FIRST * (1 << self.failures.min(7))).min(RETRY_MAX));
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether the last write failed: nothing may be sent that could not be recorded.
    pub(crate) const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When a failed write is repeated; `None` while nothing failed, or the repetition
    /// is under way.
    pub(crate) fn retry_at(&self) -> Option<Duration> {
        (self.failures > 0 && !self.writing).then_some(self.retry_at)
    }

    /// Whether everything is written.
    pub(crate) fn is_done(&self) -> bool {
        !self.writing && self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.lanes.is_empty()
    }
}

/// Takes a batch's worth off the front of a line. The next is likely to be as long.
fn first_of<T>(line: &mut Vec<T>) -> Vec<T> {
    let count = line.len().min(BATCH);
    let mut rest = Vec::with_capacity(line.len());
    rest.extend(line.drain(count..));
    std::mem::replace(line, rest)
}
