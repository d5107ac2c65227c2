//! Writes the results of claims: each item if its token is current, then the changes of lanes.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::{Attempt, CancelReason, Claimed, End, Next, Progress, Settled, Settlement, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{DeliveryId, EndpointId, EventId, OrderingKey, TenantId, Token};
use crate::policy::lane::LaneChange;
use crate::time::Timestamp;

use super::arrive::{EventKey, Origin, arrive, note_unmatched, unpark_next};
use super::claim::next_due;
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes, push_back};
use super::row::{self, RawText};
use super::sql;

/// One call of `Store::settle`: returns each item's result, and when something is due next.
pub(super) fn settle(
    db: &Db<'_>,
    settlements: &[Settlement],
    changes: &[LaneChange],
    now: Timestamp,
) -> Result<(Vec<Settled>, Option<Timestamp>), Failure> {
    let mut batch = Batch { db, now, lanes: Lanes::of(db), touched: BTreeSet::new() };
    let settled = settlements.iter().map(|item| batch.settle(item)).collect::<Result<_, _>>()?;
    for key in &batch.touched {
        batch.lanes.wake(*key, now)?;
    }
    for change in changes {
        change_lane(&mut batch.lanes, change, now)?;
    }
    batch.lanes.save()?;
    Ok((settled, next_due(db)?))
}

fn change_lane(lanes: &mut Lanes<'_, '_>, change: &LaneChange, now: Timestamp) -> Result<(), Failure> {
    let Some(key) = lanes.find(&change.endpoint)? else {
        return Ok(());
    };
    let lane = lanes.get(key)?;
    if lane.apply(change) {
        push_back(lane);
        // After the end of a hold, or with a larger width, work may be sent earlier.
        lanes.wake(key, now)?;
    }
    Ok(())
}

struct Batch<'a, 'c> {
    db: &'a Db<'c>,
    now: Timestamp,
    lanes: Lanes<'a, 'c>,
    /// Lanes that may be ready earlier than they were.
    touched: BTreeSet<LaneKey>,
}

/// A delivery's row, as read for its settlement.
struct Found {
    key: i64,
    lane: LaneKey,
    state: i64,
    token: Option<Token>,
    prior_due: i64,
    progress: Progress,
    silent: u32,
    silent_alone: u32,
    ordering_key: Option<RawText>,
    tried_at: Option<Timestamp>,
    /// Whether its endpoint was removed since it was claimed.
    is_orphaned: bool,
}

/// The values that a settlement writes to a delivery.
struct After<'a> {
    state: State,
    /// Why it failed, if its state does not say enough.
    why: Option<&'a str>,
    due_at: Option<i64>,
    settled_at: Option<Timestamp>,
    progress: Progress,
    /// The end of its last attempt, if it waits for a retry.
    tried_at: Option<Timestamp>,
}

impl Batch<'_, '_> {
    fn settle(&mut self, item: &Settlement) -> Result<Settled, Failure> {
        match (&item.of, &item.next) {
            (Claimed::Delivery(id), Next::Done { state, .. }) if state.is_terminal() => {
                self.delivery(id, item)
            }
            (Claimed::Delivery(id), Next::Failed { .. } | Next::Later { .. } | Next::Release) => {
                self.delivery(id, item)
            }
            (Claimed::Event(tenant, id), Next::Routed { .. } | Next::RouteLater { .. } | Next::Release) => {
                self.event(tenant, id, item)
            }
            _ => Err(StoreError::new(
                StoreErrorKind::Invalid,
                "settlement: must be one of those that what was claimed can have",
            )
            .into()),
        }
    }

    fn delivery(&mut self, id: &DeliveryId, item: &Settlement) -> Result<Settled, Failure> {
        let found = self
            .db
            .statement(sql::SETTLE_FIND)?
            .query_row([id.as_bytes()], |row| Ok(Found::read(row)))
            .optional()?
            .transpose()?;
        let Some(found) = found else {
            return Ok(Settled::Missing);
        };
        if let Some(attempt) = &item.attempt {
            self.record(found.key, attempt)?;
        }
        let pending = found.state == 0;
        if pending && found.token == Some(item.token) {
            self.write(&found, item, &after(&found, item))?;
            return Ok(Settled::Applied);
        }
        if let Next::Done { state: state @ State::Delivered { .. }, progress } = item.next
            && pending
        {
            let progress = Progress {
                attempts: progress.attempts.max(found.progress.attempts),
                first_attempt_at: found.progress.first_attempt_at.or(progress.first_attempt_at),
            };
            let after = After::ended(End { state, progress, why: None }, item.at);
            self.write(&found, item, &after)?;
        }
        Ok(Settled::Fenced)
    }

    fn record(&self, delivery: i64, attempt: &Attempt) -> Result<(), Failure> {
        let (status, fault) = row::result_columns(attempt.result);
        self.db.statement(sql::SETTLE_ATTEMPT)?.execute(params![
            delivery,
            attempt.token.as_bytes(),
            attempt.began_at.as_micros(),
            row::span_column(attempt.took),
            status,
            fault,
            attempt.success,
            &*attempt.body,
        ])?;
        Ok(())
    }

    fn write(&mut self, found: &Found, item: &Settlement, after: &After<'_>) -> Result<(), Failure> {
        let (state, reason) = row::state_columns(after.state);
        // Only an attempt ends a series of silent leases.
        let spoke = item.attempt.is_some();
        self.db.statement(sql::SETTLE_WRITE)?.execute(params![
            found.key,
            state,
            reason,
            after.due_at,
            row::micros(after.settled_at),
            after.progress.attempts,
            row::micros(after.progress.first_attempt_at),
            if spoke { 0 } else { found.silent },
            if spoke { 0 } else { found.silent_alone },
            row::micros(after.tried_at),
            after.why,
        ])?;
        if after.state.is_terminal() {
            unpark_next(self.db, found.lane, found.ordering_key.as_ref())?;
        }
        self.touched.insert(found.lane);
        Ok(())
    }

    fn event(&mut self, tenant: &TenantId, id: &EventId, item: &Settlement) -> Result<Settled, Failure> {
        let found = self
            .db
            .statement(sql::SETTLE_FIND_EVENT)?
            .query_row([tenant.as_str(), id.as_str()], |row| Ok(Unrouted::read(row)))
            .optional()?
            .transpose()?;
        let Some(found) = found else {
            return Ok(Settled::Missing);
        };
        if found.token != Some(item.token) {
            return Ok(Settled::Fenced);
        }
        let (routes, more_after) = match &item.next {
            Next::Routed { routes, more_after } => (routes, more_after),
            Next::RouteLater { due_at } => {
                let later = [found.event, due_at.as_micros()];
                self.db.statement(sql::SETTLE_EVENT_LATER)?.execute(later)?;
                return Ok(Settled::Applied);
            }
            _ => {
                self.db.statement(sql::SETTLE_EVENT_RELEASE)?.execute([found.event])?;
                return Ok(Settled::Applied);
            }
        };
        let ordering_key = found.ordering_key.as_ref().and_then(RawText::name::<OrderingKey>);
        let ordering_key = ordering_key.as_ref();
        let origin = Origin { event: found.event, tenant, ordering_key, replayed: None };
        for route in routes {
            let lane = self.lanes.of_route(route, tenant)?;
            arrive(&mut self.lanes, self.db, lane, &origin, route, None, self.now)?;
        }
        self.advance(&found, tenant, more_after.as_ref())?;
        Ok(Settled::Applied)
    }

    fn advance(
        &self,
        found: &Unrouted,
        tenant: &TenantId,
        more_after: Option<&EndpointId>,
    ) -> Result<(), Failure> {
        if let Some(after) = more_after {
            let now = self.now.as_micros();
            let on = params![found.event, now, after.as_str()];
            self.db.statement(sql::SETTLE_EVENT_ON)?.execute(on)?;
            return Ok(());
        }
        self.db.statement(sql::SETTLE_EVENT_DONE)?.execute([found.event])?;
        note_unmatched(self.db, found.event)?;
        if let Some(key) = &found.ordering_key {
            self.db.statement(sql::SETTLE_EVENT_NEXT_OF_KEY)?.execute(params![tenant.as_str(), key])?;
        }
        Ok(())
    }
}

fn after<'a>(found: &Found, item: &'a Settlement) -> After<'a> {
    if let Some(end) = item.next.end() {
        return After::ended(end, item.at);
    }
    if found.is_orphaned {
        let progress = if let Next::Later { progress, .. } = item.next { progress } else { found.progress };
        let state = State::Cancelled(CancelReason::EndpointRemoved);
        return After::ended(End { state, progress, why: None }, item.at);
    }
    if let Next::Later { due_at, progress } = item.next {
        let tried_at = item.attempt.is_some().then_some(item.at);
        return After::pending(due_at.as_micros(), progress, tried_at);
    }
    After::pending(found.prior_due, found.progress, found.tried_at)
}

impl<'a> After<'a> {
    const fn ended(end: End<'a>, at: Timestamp) -> Self {
        let End { state, progress, why } = end;
        Self { state, why, due_at: None, settled_at: Some(at), progress, tried_at: None }
    }

    const fn pending(due_at: i64, progress: Progress, tried_at: Option<Timestamp>) -> Self {
        let (state, due_at) = (State::Pending, Some(due_at));
        Self { state, why: None, due_at, settled_at: None, progress, tried_at }
    }
}

impl Found {
    /// Reads the fields that a settlement needs. Invalid contents do not fail it: a claim checks
    /// those, and one row must not fail the settlements of others. A token that cannot be read
    /// matches no settlement, and an invalid count is replaced by the nearest valid one.
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        let count = |column| -> Result<u32, Failure> {
            Ok(u32::try_from(row::get::<i64>(row, column)?.max(0)).unwrap_or(u32::MAX))
        };
        Ok(Self {
            key: row::get(row, 0)?,
            lane: row::get(row, 1)?,
            state: row::get(row, 2)?,
            token: row::token(row, 3).ok(),
            prior_due: row::get(row, 4)?,
            progress: Progress { attempts: count(5)?, first_attempt_at: row::time_maybe(row, 6)? },
            silent: count(7)?,
            silent_alone: count(8)?,
            ordering_key: RawText::read_maybe(row, 9)?,
            tried_at: row::time_maybe(row, 10)?,
            is_orphaned: row::get(row, 11)?,
        })
    }
}

/// An event's row, as read for the settlement of its routing.
struct Unrouted {
    event: EventKey,
    token: Option<Token>,
    ordering_key: Option<RawText>,
}

impl Unrouted {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        Ok(Self {
            event: row::get(row, 0)?,
            token: row::token(row, 1).ok(),
            ordering_key: RawText::read_maybe(row, 2)?,
        })
    }
}
