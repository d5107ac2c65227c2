//! Looking after lanes, some at a time: a row that another program changed may have put one
//! to sleep over what waits in it, or have taken it away. Nobody else would ever look.

use crate::delivery::UnreadableRow;
use crate::time::Timestamp;

use super::damage::broken;
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes, bring_forward};
use super::lane_line::bring_line_forward;
use super::row;
use super::sql;

/// One look is at so many lanes.
const LANES_AT_ONCE: usize = 200;
/// Of a lane that is not there, so many deliveries are named.
const NAMED_AT_ONCE: i64 = 20;
/// Before every lease: all that are there count.
const EVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// Looks at the next lanes in which something waits, after that one; answers the last, and
/// `None` where there are no more.
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

/// A lane is ready no later than the first moment at which something of it may be sent, and
/// its line no later than the lane. A full one waits for its leases.
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

/// Names what waits in a lane that is not there or cannot be read.
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
