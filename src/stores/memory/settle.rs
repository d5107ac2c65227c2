//! Settling: writes the results of claims, if their tokens are current.

use std::sync::Arc;

use crate::delivery::{
    Attempt, CancelReason, Claimed, End, Next, Progress, RecordedAttempt, Route, Settled, Settlement,
    State as Standing,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId};
use crate::policy::lane::LaneChange;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::deliveries::{Phase, Row};
use super::events::EventName;
use super::state::State;

impl State {
    /// Writes settlements, and then the changes of lanes. Also returns when something is due next.
    pub(super) fn settle(
        &mut self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        settlements.iter().try_for_each(check)?;
        let settled = settlements.iter().map(|settlement| match &settlement.of {
            Claimed::Delivery(id) => self.settle_delivery(*id, settlement, now),
            Claimed::Event(tenant, id) => self.settle_event(&(tenant.clone(), id.clone()), settlement, now),
        });
        let settled = settled.collect();
        for change in lanes {
            self.lanes.apply(change, now);
        }
        Ok((settled, self.next_due()))
    }

    fn settle_delivery(&mut self, id: DeliveryId, settlement: &Settlement, now: Timestamp) -> Settled {
        let Some(row) = self.deliveries.get_mut(&id) else { return Settled::Missing };
        if let Some(attempt) = &settlement.attempt {
            record(row, attempt);
        }
        if !row.is_held_by(settlement.token) {
            if let Next::Done { state: state @ Standing::Delivered { .. }, progress } = &settlement.next
                && row.is_pending()
            {
                row.attempts = row.attempts.max(progress.attempts);
                row.first_attempt_at = row.first_attempt_at.or(progress.first_attempt_at);
                self.end(id, *state, settlement.at, now);
            }
            return Settled::Fenced;
        }
        let was_tried = settlement.attempt.is_some();
        if row.is_orphaned && settlement.next.end().is_none() {
            if let Next::Later { progress, .. } = &settlement.next {
                make_progress(row, *progress);
            }
            self.end(id, Standing::Cancelled(CancelReason::EndpointRemoved), settlement.at, now);
            return Settled::Applied;
        }
        match &settlement.next {
            Next::Done { .. } | Next::Failed { .. } => {
                if let Some(End { state, progress, why }) = settlement.next.end() {
                    make_progress(row, progress);
                    row.why = why.map(Into::into);
                    self.end(id, state, settlement.at, now);
                }
            }
            Next::Later { due_at, progress } => {
                make_progress(row, *progress);
                row.tried_at = was_tried.then_some(settlement.at);
                self.wait(id, Some(*due_at), was_tried, now);
            }
            Next::Release | Next::RouteLater { .. } | Next::Routed { .. } => {
                self.wait(id, None, was_tried, now);
            }
        }
        Settled::Applied
    }

    /// Ends a lease. The delivery is due at `due_at`, or when it was due before. Only an attempt
    /// ends a series of silent leases.
    fn wait(&mut self, id: DeliveryId, due_at: Option<Timestamp>, was_tried: bool, now: Timestamp) {
        let waiting = self.update(id, |row| {
            if was_tried {
                (row.silent, row.silent_alone) = (0, 0);
            }
            if let Some(lease) = row.lease() {
                row.phase = Phase::Waiting { due_at: due_at.unwrap_or(lease.replaced) };
            }
        });
        if let Some(lane) = waiting.map(|(row, _)| row.lane) {
            self.lanes.refresh(lane, now);
        }
    }

    fn settle_event(&mut self, name: &EventName, settlement: &Settlement, now: Timestamp) -> Settled {
        let Some((event, sequence)) = self.events.get(name) else { return Settled::Missing };
        if !self.unrouted.holds(sequence, settlement.token) {
            return Settled::Fenced;
        }
        match &settlement.next {
            Next::Routed { routes, more_after } => {
                let event = Arc::clone(event);
                self.route(&event, sequence, routes, more_after.as_ref(), now);
            }
            Next::RouteLater { due_at } => self.unrouted.wait(sequence, *due_at, now),
            _ => self.unrouted.release(sequence, now),
        }
        Settled::Applied
    }

    fn route(
        &mut self,
        event: &Arc<Event>,
        sequence: u64,
        routes: &[Route],
        more_after: Option<&EndpointId>,
        now: Timestamp,
    ) {
        let mut added = 0;
        for route in routes {
            let lane = self.lanes.lane_of(&event.tenant, route);
            added += usize::from(self.add_delivery(
                event,
                sequence,
                Sequence::from_number(sequence),
                lane,
                route,
                now,
            ));
        }
        self.events.gained(event, added, more_after.is_none());
        if let Some(after) = more_after {
            self.unrouted.go_on(sequence, after.clone(), now);
        } else {
            self.unrouted.done(sequence, now);
        }
    }
}

/// Rejects a result that does not fit what was claimed, before anything is written.
fn check(settlement: &Settlement) -> Result<(), StoreError> {
    let fits = match (&settlement.of, &settlement.next) {
        (Claimed::Delivery(_), Next::Done { state, .. }) => state.is_terminal(),
        (Claimed::Delivery(_), Next::Failed { .. } | Next::Later { .. } | Next::Release)
        | (Claimed::Event(..), Next::Routed { .. } | Next::RouteLater { .. } | Next::Release) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(StoreError::new(StoreErrorKind::Invalid, "settle: what follows does not fit what was claimed"))
}

/// Records an attempt, at most once per lease.
fn record(row: &mut Row, attempt: &Attempt) {
    let attempts = &mut row.log_mut().attempts;
    if attempts.is_empty() {
        // Most deliveries have only one attempt.
        attempts.reserve_exact(1);
    }
    if attempts.iter().all(|recorded| recorded.attempt.token != attempt.token) {
        let number = u32::try_from(attempts.len() + 1).unwrap_or(u32::MAX);
        attempts.push(RecordedAttempt { number, attempt: attempt.clone() });
    }
}

const fn make_progress(row: &mut Row, progress: Progress) {
    row.attempts = progress.attempts;
    row.first_attempt_at = progress.first_attempt_at;
}
