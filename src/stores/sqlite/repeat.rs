//! Asking for what happened again: replays, expedites and cancellations. What a page of
//! them is about is searched beside the writer, which then looks at a few rows by id.

use rusqlite::params;

use crate::delivery::{CancelReason, GateChange, Route};
use crate::id::{DeliveryId, OrderingKey, Round, TenantId};
use crate::seam::{PageAfter, Replay, Selection};
use crate::time::Timestamp;

use super::arrive::{EventKey, Origin, arrive, next_place, unpark_next};
use super::db::Db;
use super::failure::Failure;
use super::gate::change_lane;
use super::history::{Found, Page, search};
use super::lane::Lanes;
use super::row;
use super::sql;

/// A call writes for no more deliveries than this: whoever publishes or settles
/// meanwhile waits for one such step.
const WRITES_MAX: usize = 100;

/// The deliveries that a page is about, as a reader found them.
#[derive(Clone)]
pub(super) struct Candidates {
    selection: Selection,
    pub(super) more_after: Option<DeliveryId>,
}

impl Candidates {
    /// Searches for a page of them.
    pub(super) fn find(
        db: &Db<'_>,
        tenant: &TenantId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<Self, Failure> {
        let page = PageAfter { limit: page.limit.min(WRITES_MAX), ..page };
        let Page { found, more_after } = search(db, tenant, &selection, page)?;
        let ids = found.into_iter().map(|found| found.delivery.id).collect();
        Ok(Self { selection: Selection { ids: Some(ids), ..selection }, more_after })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.selection.ids.as_ref().is_none_or(Vec::is_empty)
    }

    /// Those that still are as the selection wants them.
    fn as_they_stand(&self, db: &Db<'_>, tenant: &TenantId) -> Result<Vec<Found>, Failure> {
        Ok(search(db, tenant, &self.selection, PageAfter::first(WRITES_MAX))?.found)
    }
}

/// Writes for a page of `History::replay`.
pub(super) fn replay(db: &Db<'_>, replay: &Replay, of: &Candidates) -> Result<Vec<DeliveryId>, Failure> {
    let round = Round::Replay(replay.id.clone());
    let found = of.as_they_stand(db, &replay.tenant)?;
    let replayed = Some(next_place(db)?);
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { lane, sequence, created_at, delivery: old, .. } in found {
        if old.test || old.round == round {
            continue;
        }
        let (host, width) = {
            let lane = lanes.get(lane)?;
            (lane.host.clone(), lane.width)
        };
        let id = DeliveryId::derive(&old.tenant, &old.event, created_at, &old.endpoint, &round);
        let ordering_key = ordering_key(db, sequence)?;
        let origin =
            Origin { event: sequence, tenant: &old.tenant, ordering_key: ordering_key.as_ref(), replayed };
        let route = Route {
            delivery: id,
            endpoint: old.endpoint,
            host,
            width,
            round: round.clone(),
            due_at: replay.due_at,
            born_at: replay.now,
            test: false,
        };
        if arrive(&mut lanes, db, lane, &origin, &route, None, replay.now)?.is_some() {
            deliveries.push(id);
        }
    }
    lanes.save()?;
    Ok(deliveries)
}

fn ordering_key(db: &Db<'_>, event: EventKey) -> Result<Option<OrderingKey>, Failure> {
    db.statement(sql::HISTORY_ORDERING_KEY)?.query_row([event], |row| Ok(row::name_maybe(row, 0)))?
}

/// Writes for a page of `History::expedite`.
pub(super) fn expedite(
    db: &Db<'_>,
    tenant: &TenantId,
    of: &Candidates,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, Failure> {
    let found = of.as_they_stand(db, tenant)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { key, lane, leased, delivery, .. } in found {
        let Some(due_at) = delivery.due_at else {
            continue;
        };
        if leased && due_at > now {
            continue;
        }
        if due_at > now {
            db.statement(sql::HISTORY_EXPEDITE)?.execute(params![key, now.as_micros()])?;
        }
        change_lane(&mut lanes, lane, GateChange::Lift, now)?;
        deliveries.push(delivery.id);
    }
    lanes.save()?;
    Ok(deliveries)
}

/// Writes for a page of `History::cancel`.
pub(super) fn cancel(
    db: &Db<'_>,
    tenant: &TenantId,
    of: &Candidates,
    reason: CancelReason,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, Failure> {
    let found = of.as_they_stand(db, tenant)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { key, lane, leased, delivery, .. } in found {
        let is_under_way = leased && delivery.due_at.is_some_and(|lease_end| lease_end > now);
        let left_to_its_answer = is_under_way && reason == CancelReason::EndpointRemoved;
        if delivery.state.is_terminal() || left_to_its_answer {
            continue;
        }
        let ordering_key: Option<String> = db
            .statement(sql::HISTORY_CANCEL)?
            .query_row(params![key, reason.as_str(), now.as_micros()], |row| row.get(0))?;
        unpark_next(db, lane, ordering_key.as_deref())?;
        lanes.wake(lane, now)?;
        deliveries.push(delivery.id);
    }
    lanes.save()?;
    Ok(deliveries)
}
