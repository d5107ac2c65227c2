//! Lines of lanes: the proven lanes of a tenant, or its doubtful ones. They share their turns.

use rusqlite::params;

use crate::id::TenantId;
use crate::policy::lane::Lane;
use crate::time::Timestamp;

use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::sql;

/// The proven lanes of one tenant, or the doubtful ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LaneLine {
    pub(super) tenant: TenantId,
    pub(super) doubtful: bool,
}

impl LaneLine {
    /// The ready lanes, the longest waiting first: at most `count`, after skipping `passed`.
    pub(super) fn ready_lanes(
        &self,
        db: &Db<'_>,
        now: Timestamp,
        count: i64,
        passed: i64,
    ) -> Result<Vec<LaneKey>, Failure> {
        let mut statement = db.statement(sql::CLAIM_READY_LANES)?;
        let of = params![self.tenant.as_str(), !self.doubtful, now.as_micros(), count, passed];
        let lanes = statement.query_map(of, |row| row.get(0))?;
        Ok(lanes.collect::<Result<_, _>>()?)
    }

    /// Sends the line behind those that are ready at `now` with an earlier turn. Its lanes must be
    /// saved.
    pub(super) fn send_back(&self, db: &Db<'_>, now: Timestamp, turn: i64) -> Result<(), Failure> {
        let tenant = self.tenant.as_str();
        let first: Option<i64> = db
            .statement(sql::LINE_FIRST_READY)?
            .query_row(params![tenant, !self.doubtful], |row| row.get(0))?;
        match first {
            Some(first) => {
                let ready_at = first.max(now.as_micros());
                db.statement(sql::LINE_SEND_BACK)?.execute(params![tenant, self.doubtful, ready_at, turn])?
            }
            None => db.statement(sql::LINE_FORGET)?.execute(params![tenant, self.doubtful])?,
        };
        Ok(())
    }
}

/// Makes the line of a lane ready no later than the lane, after the lane became ready earlier or
/// moved to another line.
pub(super) fn bring_line_forward(db: &Db<'_>, lane: &Lane) -> Result<(), Failure> {
    if let Some(ready_at) = lane.ready_at {
        db.statement(sql::LINE_BRING_FORWARD)?.execute(params![
            lane.tenant.as_str(),
            lane.is_doubtful(),
            ready_at.as_micros()
        ])?;
    }
    Ok(())
}

/// When the first line of that kind is ready.
pub(super) fn first_ready(db: &Db<'_>, doubtful: bool) -> Result<Option<Timestamp>, Failure> {
    let first: Option<i64> =
        db.statement(sql::CLAIM_NEXT_DUE_LINE)?.query_row([doubtful], |row| row.get(0))?;
    Ok(first.map(Timestamp::from_micros))
}
