//! Replays, expedites and cancellations. A reader finds the deliveries of a page. The writer then
//! only reads a few rows by id.

use rusqlite::params;

use crate::delivery::{CancelReason, Route};
use crate::history::{PageAfter, Replay, Selection};
use crate::id::{DeliveryId, OrderingKey, Round, TenantId};
use crate::time::Timestamp;

use super::arrive::{EventKey, Origin, arrive, next_place, unpark_next};
use super::damage::readable;
use super::db::Db;
use super::failure::Failure;
use super::gate::end_hold;
use super::history::{Found, Page, Place, search};
use super::lane::Lanes;
use super::row::{self, RawText};
use super::sql;

/// The most deliveries that one call writes: publishers and settlements wait for such a step.
const WRITES_MAX: usize = 100;

/// The deliveries of a page, as a reader found them.
#[derive(Clone)]
pub(super) struct Candidates {
    selection: Selection,
    pub(super) more_after: Option<DeliveryId>,
}

impl Candidates {
    /// Finds the deliveries of a page.
    pub(super) fn find(
        db: &Db<'_>,
        tenant: &TenantId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<Self, Failure> {
        let page = PageAfter { limit: page.limit.min(WRITES_MAX), ..page };
        let Page { found, unread, more_after } = search(db, tenant, &selection, page)?;
        let unread = unread.into_iter().filter_map(|unread| unread.place);
        let ids = found.into_iter().map(|found| found.place).chain(unread).map(|place| place.id).collect();
        Ok(Self { selection: Selection { ids: Some(ids), ..selection }, more_after })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.selection.ids.as_ref().is_none_or(Vec::is_empty)
    }

    /// Those deliveries that still match the selection.
    fn as_they_stand(&self, db: &Db<'_>, tenant: &TenantId) -> Result<Page, Failure> {
        search(db, tenant, &self.selection, PageAfter::first(WRITES_MAX))
    }
}

/// Writes a page of `History::replay`.
pub(super) fn replay(db: &Db<'_>, replay: &Replay, of: &Candidates) -> Result<Vec<DeliveryId>, Failure> {
    let round = Round::Replay(replay.id.clone());
    let Page { found, .. } = of.as_they_stand(db, &replay.tenant)?;
    let replayed = Some(next_place(db)?);
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { place: Place { lane, .. }, sequence, created_at, delivery: old, born: _ } in found {
        if old.test || old.round == round || !lanes.is_readable(lane)? {
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
            registration: 0,
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

/// An event's ordering key. A key that cannot be read is noticed when the event is sent.
fn ordering_key(db: &Db<'_>, event: EventKey) -> Result<Option<OrderingKey>, Failure> {
    let key =
        db.statement(sql::HISTORY_ORDERING_KEY)?.query_row([event], |row| Ok(row::name_maybe(row, 0)))?;
    Ok(readable(key)?.unwrap_or_default())
}

/// Writes a page of `History::expedite`.
pub(super) fn expedite(
    db: &Db<'_>,
    tenant: &TenantId,
    of: &Candidates,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, Failure> {
    let Page { found, .. } = of.as_they_stand(db, tenant)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Place { key, lane, leased, due_at, id, .. } in found.into_iter().map(|found| found.place) {
        let Some(due_at) = due_at else {
            continue;
        };
        if leased && due_at > now {
            continue;
        }
        if due_at > now {
            db.statement(sql::HISTORY_EXPEDITE)?.execute(params![key, now.as_micros()])?;
        }
        end_hold(&mut lanes, lane, now)?;
        deliveries.push(id);
    }
    lanes.save()?;
    Ok(deliveries)
}

/// Writes a page of `History::cancel`. It can also end a delivery that cannot be read.
pub(super) fn cancel(
    db: &Db<'_>,
    tenant: &TenantId,
    of: &Candidates,
    reason: CancelReason,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, Failure> {
    let Page { found, unread, .. } = of.as_they_stand(db, tenant)?;
    let unread = unread.into_iter().filter_map(|unread| unread.place);
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for place in found.into_iter().map(|found| found.place).chain(unread) {
        let is_under_way = place.leased && place.due_at.is_some_and(|lease_end| lease_end > now);
        let left_to_its_answer = is_under_way && reason == CancelReason::EndpointRemoved;
        if left_to_its_answer {
            db.statement(sql::HISTORY_ORPHAN)?.execute([place.key])?;
        }
        if place.is_terminal || left_to_its_answer {
            continue;
        }
        let ordering_key = db
            .statement(sql::HISTORY_CANCEL)?
            .query_row(params![place.key, reason.as_str(), now.as_micros()], |row| {
                Ok(RawText::read_maybe(row, 0))
            })??;
        unpark_next(db, place.lane, ordering_key.as_ref())?;
        lanes.wake(place.lane, now)?;
        deliveries.push(place.id);
    }
    lanes.save()?;
    Ok(deliveries)
}
