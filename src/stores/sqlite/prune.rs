//! Removes what retention no longer keeps.

use rusqlite::params;

use crate::history::Class;
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes};
use super::row::{self, RawText};
use super::sql;

/// One call of `Store::prune`. The lane of a removed endpoint goes with its last delivery. Expired
/// holds are removed too.
pub(super) fn prune(db: &Db<'_>, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, Failure> {
    let mut left = limit;
    for (class, before) in before {
        // One more than may be removed is read, to know whether more remain.
        let found = match class {
            Class::Delivered => deliveries(db, 1, *before, left),
            Class::Failed => deliveries(db, 2, *before, left),
            Class::Cancelled => deliveries(db, 3, *before, left),
            Class::Unmatched => unmatched(db, *before, left),
        }?;
        if found > left {
            return Ok(true);
        }
        left -= found;
    }
    // Expired holds are few and harmless, so they do not count for whether more remains.
    if let Some(ended) = before.iter().map(|(_, before)| *before).max() {
        gates(db, ended, limit)?;
    }
    Ok(false)
}

/// Removes at most `limit` deliveries. Returns how many there were to remove, at most one more than
/// the limit.
fn deliveries(db: &Db<'_>, state: i64, before: Timestamp, limit: usize) -> Result<usize, Failure> {
    let mut statement = db.statement(sql::PRUNE_DELIVERIES)?;
    let wanted = params![state, before.as_micros(), row::limit(limit.saturating_add(1))];
    let found = statement
        .query_map(wanted, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(i64, EventKey, LaneKey)>, _>>()?;
    let mut lanes = Lanes::of(db);
    for (delivery, event, lane) in found.iter().take(limit) {
        db.statement(sql::PRUNE_ATTEMPTS)?.execute([delivery])?;
        db.statement(sql::PRUNE_SILENT_LEASES)?.execute([delivery])?;
        db.statement(sql::PRUNE_DELIVERY)?.execute([delivery])?;
        db.statement(sql::PRUNE_EVENT)?.execute([event])?;
        lanes.count(*lane, -1)?;
    }
    lanes.save()?;
    lanes.forget_unneeded()?;
    Ok(found.len())
}

/// Removes expired holds, except those that ended lately.
fn gates(db: &Db<'_>, before: Timestamp, limit: usize) -> Result<(), Failure> {
    let mut statement = db.statement(sql::PRUNE_GATES)?;
    let wanted = params![before.as_micros(), row::limit(limit)];
    let found = statement
        .query_and_then(wanted, |row| Ok((RawText::read(row, 0)?, RawText::read(row, 1)?)))?
        .collect::<Result<Vec<(RawText, RawText)>, Failure>>()?;
    for gate in found {
        db.statement(sql::PRUNE_GATE)?.execute(gate)?;
    }
    Ok(())
}

fn unmatched(db: &Db<'_>, before: Timestamp, limit: usize) -> Result<usize, Failure> {
    let mut statement = db.statement(sql::PRUNE_UNMATCHED)?;
    let wanted = params![before.as_micros(), row::limit(limit.saturating_add(1))];
    let found = statement.query_map(wanted, |row| row.get(0))?.collect::<Result<Vec<EventKey>, _>>()?;
    for event in found.iter().take(limit) {
        db.statement(sql::PRUNE_UNMATCHED_MARK)?.execute([event])?;
        db.statement(sql::PRUNE_EVENT)?.execute([event])?;
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::Connection;

    use crate::delivery::{Gate, GateChange};
    use crate::id::{HostName, TenantId};

    use super::super::{gate, schema};
    use super::*;

    #[test]
    fn a_hold_that_has_ended_makes_nobody_look_at_gates_and_its_row_goes() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let db = Db::own(&connection, Arc::default());
        let at = Timestamp::from_unix_seconds;
        let (host, tenant) = (HostName::new("h.example").unwrap(), TenantId::new("acme").unwrap());
        let hold = GateChange::Hold(at(5));
        gate::gate(&db, &[(Gate::Host(host), hold), (Gate::Tenant(tenant), hold)], at(1)).unwrap();
        let any = |now: Timestamp| -> bool {
            let mut statement = db.statement(sql::GATE_ANY).unwrap();
            statement.query_row([now.as_micros()], |row| row.get(0)).unwrap()
        };
        assert!(any(at(4)) && !any(at(5)));
        let left = || -> i64 {
            connection.query_row("SELECT count(*) FROM hookpost_gate", [], |row| row.get(0)).unwrap()
        };
        for (limit, remain) in [(1, 1), (1, 0)] {
            assert!(!prune(&db, &[(Class::Failed, at(6))], limit).unwrap());
            assert_eq!(left(), remain);
        }
    }
}
