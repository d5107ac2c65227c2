//! Creates deliveries, for a publish, a routing or a replay.

use rusqlite::params;

use crate::delivery::Route;
use crate::id::{OrderingKey, TenantId, Token};
use crate::time::Timestamp;

use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes, bring_forward};
use super::row::{self, RawText};
use super::sql;

/// An event's row number, which is its place in the order of publishing.
pub(super) type EventKey = i64;

/// The values that the deliveries of one event share.
pub(super) struct Origin<'a> {
    pub(super) event: EventKey,
    pub(super) tenant: &'a TenantId,
    pub(super) ordering_key: Option<&'a OrderingKey>,
    /// The place of the replay that makes them; `None` if they take their event's place.
    pub(super) replayed: Option<i64>,
}

/// A lease that a delivery has from its creation.
#[derive(Clone, Copy)]
pub(super) struct BornLease {
    pub(super) token: Token,
    pub(super) until: Timestamp,
}

/// Takes the next place in the order of events, for something that is not an event.
pub(super) fn next_place(db: &Db<'_>) -> Result<i64, Failure> {
    Ok(db.statement(sql::SEQUENCE_NEXT)?.query_row([], |row| row.get(0))?)
}

/// Whether a route's delivery must wait for an earlier one of its ordering key.
pub(super) fn is_parked(
    db: &Db<'_>,
    lane: LaneKey,
    origin: &Origin<'_>,
    route: &Route,
) -> Result<bool, Failure> {
    match origin.ordering_key {
        Some(key) if !route.test => Ok(db
            .statement(sql::DELIVERY_KEY_IS_BUSY)?
            .query_row(params![lane, key.as_str()], |row| row.get(0))?),
        _ => Ok(false),
    }
}

/// Inserts a route's delivery and makes its lane ready for it. Returns its row; `None` if it
/// existed already.
pub(super) fn arrive(
    lanes: &mut Lanes<'_, '_>,
    db: &Db<'_>,
    lane: LaneKey,
    origin: &Origin<'_>,
    route: &Route,
    lease: Option<BornLease>,
    now: Timestamp,
) -> Result<Option<i64>, Failure> {
    let due_at = match lease {
        Some(lease) => Some(lease.until),
        None if is_parked(db, lane, origin, route)? => None,
        None => Some(route.due_at),
    };
    let added = db.statement(sql::DELIVERY_ADD)?.execute(params![
        route.delivery.as_bytes(),
        origin.tenant.as_str(),
        origin.event,
        lane,
        route.round.as_str(),
        route.test,
        row::micros(due_at),
        lease.map(|lease| *lease.token.as_bytes()),
        route.due_at.as_micros(),
        lease.map(|_| now.as_micros()),
        route.born_at.as_micros(),
        origin.ordering_key.filter(|_| !route.test).map(OrderingKey::as_str),
        origin.replayed,
    ])?;
    if added == 0 {
        return Ok(None);
    }
    let delivery = db.last_insert_rowid();
    lanes.count(lane, 1)?;
    if let Some(due_at) = due_at {
        bring_forward(lanes.get(lane)?, due_at.max(now));
    }
    // A delivery that waited alone in a sick lane may be its probe now.
    if lanes.get(lane)?.is_sick() {
        lanes.wake(lane, now)?;
    }
    Ok(Some(delivery))
}

/// Marks an event as unmatched, if routing created no delivery for it.
pub(super) fn note_unmatched(db: &Db<'_>, event: EventKey) -> Result<(), Failure> {
    db.statement(sql::UNMATCHED_ADD)?.execute([event])?;
    Ok(())
}

/// Makes the next delivery of an ordering key due, after one of them has ended.
pub(super) fn unpark_next(db: &Db<'_>, lane: LaneKey, ordering_key: Option<&RawText>) -> Result<(), Failure> {
    if let Some(key) = ordering_key {
        db.statement(sql::DELIVERY_NEXT_OF_KEY)?.execute(params![lane, key])?;
    }
    Ok(())
}
