//! Checks lanes, some at a time. If another program changed a row, a lane may never become ready
//! although deliveries wait in it, or may be missing. Nothing else would notice that.

use crate::delivery::UnreadableRow;
use crate::time::Timestamp;

use super::damage::broken;
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes, bring_forward};
use super::lane_line::bring_line_forward;
use super::row;
use super::sql;

/// The number of lanes that are checked at once.
const LANES_AT_ONCE: usize = 200;
/// The most deliveries that are reported for a missing lane.
const NAMED_AT_ONCE: i64 = 20;
/// A moment before every lease, so that all existing leases count.
const EVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// Checks the next lanes after `after` in which deliveries wait. Returns the last one checked;
/// `None` if there are no more.
pub(super) fn check_lanes(db: &Db<'_>, after: Option<LaneKey>) -> Result<Option<LaneKey>, Failure> {
    let mut lanes = Lanes::of(db);
    let mut last = after;
    for _ in 0..LANES_AT_ONCE {
        let from = last.map_or(LaneKey::MIN, |last| last.saturating_add(1));
        last = db.statement(sql::LANE_NEXT_PENDING)?.query_row([from], |row| row.get(0))?;
        let Some(key) = last else { break };
        if lanes.is_readable(key)? {
            check_lane(db, &mut lanes, key)?;
        } else {
            name_deliveries(db, key)?;
        }
    }
    lanes.save()?;
    Ok(last)
}

/// Makes a lane ready no later than the first moment at which one of its deliveries may be sent, and
/// its line no later than the lane. A full lane waits for its leases.
fn check_lane(db: &Db<'_>, lanes: &mut Lanes<'_, '_>, key: LaneKey) -> Result<(), Failure> {
    let gates = lanes.gates(key, EVER)?;
    if gates.tenant_paused || lanes.free(key, EVER)? == 0 {
        return Ok(());
    }
    if let Some(first) = lanes.first_sendable(key)? {
        let moment = gates.held_until.map_or(first, |held| held.max(first));
        bring_forward(lanes.get(key)?, moment);
    }
    bring_line_forward(db, lanes.get(key)?)
}

/// Reports the deliveries that wait in a lane that is missing or cannot be read.
fn name_deliveries(db: &Db<'_>, lane: LaneKey) -> Result<(), Failure> {
    let mut statement = db.statement(sql::LANE_PENDING)?;
    let mut rows = statement.query([lane, NAMED_AT_ONCE])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let delivery = row::delivery_id(row, 1).ok();
        db.note(UnreadableRow { delivery, ..broken("hookpost_delivery", &number, "lane".into()) });
    }
    Ok(())
}
