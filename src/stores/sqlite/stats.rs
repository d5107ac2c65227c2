//! Counts deliveries and events.

use rusqlite::params;

use crate::history::Stats;
use crate::id::TenantId;
use crate::time::Timestamp;

use super::db::Db;
use super::failure::Failure;
use super::row;
use super::sql;

/// The most deliveries that one step of a count reads.
const STEP: usize = 2_000;

/// One step of counting a tenant's deliveries.
pub(super) struct Step {
    pub(super) counted: Stats,
    /// Where the next step begins; `None` when this was the last.
    pub(super) more_after: Option<Vec<u8>>,
}

/// Counts the next part of a tenant's deliveries.
pub(super) fn step(db: &Db<'_>, tenant: &TenantId, after: Option<Vec<u8>>) -> Result<Step, Failure> {
    let after = after.unwrap_or_default();
    let mut step = Step { counted: Stats::default(), more_after: None };
    let mut looked = 0;
    let mut statement = db.statement(sql::STATS_BY_STATE)?;
    let mut rows = statement.query(params![tenant.as_str(), after, row::limit(STEP)])?;
    while let Some(row) = rows.next()? {
        let count = number(row.get(1)?)?;
        looked += count;
        *of_state(&mut step.counted, row.get(0)?) = count;
        step.more_after = step.more_after.max(Some(row.get(2)?));
    }
    if looked < STEP as u64 {
        step.more_after = None;
    }
    Ok(step)
}

/// Counts what belongs to a tenant besides its deliveries.
pub(super) fn of_tenant(db: &Db<'_>, tenant: &TenantId) -> Result<Stats, Failure> {
    outline(db, Some(tenant))
}

/// Counts everything, for all tenants together.
pub(super) fn of_all(db: &Db<'_>) -> Result<Stats, Failure> {
    let mut stats = outline(db, None)?;
    let mut statement = db.statement(sql::STATS_BY_STATE_OF_ALL)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        *of_state(&mut stats, row.get(0)?) = number(row.get(1)?)?;
    }
    let all: i64 = db.statement(sql::STATS_DELIVERIES_OF_ALL)?.query_row([], |row| row.get(0))?;
    let terminal = stats.delivered + stats.failed + stats.cancelled;
    stats.pending = number(all)?.saturating_sub(terminal);
    Ok(stats)
}

fn outline(db: &Db<'_>, tenant: Option<&TenantId>) -> Result<Stats, Failure> {
    let tenant = tenant.map(TenantId::as_str);
    let one = |statement| -> Result<Option<i64>, Failure> {
        Ok(db.statement(statement)?.query_row([tenant], |row| row.get(0))?)
    };
    Ok(Stats {
        unrouted: number(one(sql::STATS_UNROUTED)?.unwrap_or(0))?,
        oldest_due: one(sql::STATS_OLDEST_DUE)?.map(Timestamp::from_micros),
        ..Stats::default()
    })
}

const fn of_state(counts: &mut Stats, state: i64) -> &mut u64 {
    match state {
        0 => &mut counts.pending,
        1 => &mut counts.delivered,
        2 => &mut counts.failed,
        _ => &mut counts.cancelled,
    }
}

fn number(count: i64) -> Result<u64, Failure> {
    u64::try_from(count).map_err(|_| Failure::stored("count"))
}
