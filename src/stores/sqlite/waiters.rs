//! The endpoints that wait for a start under a shared limit: one row each, so that all processes on
//! the file know whose turn it is.

use rusqlite::{Row, params};

use crate::policy::rate::{Asker, Limit, LimitKey, Slot, Waiter, WaitingLine};

use super::damage::{broken, readable};
use super::db::Db;
use super::failure::Failure;
use super::limiter::word;
use super::row::{self, RawText};
use super::sql;

/// Reads the endpoints that wait under a limit. One that cannot be read counts as a new one.
pub(super) fn read(db: &Db<'_>, key: &LimitKey, limit: &Limit) -> Result<WaitingLine, Failure> {
    let of = params![word(key.scope), key.of, row::span_column(limit.window())];
    let mut statement = db.statement(sql::WAITER_READ)?;
    let mut rows = statement.query(of)?;
    let (mut waiters, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        match readable(waiter(row))? {
            Ok(waiter) => waiters.push(waiter),
            Err(field) => unreadable.push((RawText::read(row, 1)?, field)),
        }
    }
    drop(rows);
    for (endpoint, field) in unreadable {
        let name = format_args!("{} {} {}", word(key.scope), key.of, endpoint.shown()).to_string();
        db.note(broken("hookpost_waiter", &name, field));
        let of = params![word(key.scope), key.of, row::span_column(limit.window()), endpoint];
        db.statement(sql::WAITER_REMOVE)?.execute(of)?;
    }
    Ok(WaitingLine::from_waiters(waiters))
}

fn waiter(row: &Row<'_>) -> Result<(Asker, Waiter), Failure> {
    let asker = Asker { tenant: row::name(row, 0)?, endpoint: row::name(row, 1)? };
    let waiter = Waiter {
        wanted: row::count(row, 2)?,
        since: row::time(row, 3)?,
        served_at: row::time_maybe(row, 4)?,
        comes_at: row::time(row, 5)?,
        kept: row::span(row, 6)?,
    };
    Ok((asker, waiter))
}

/// Writes the changes of a queue.
pub(super) fn save(
    db: &Db<'_>,
    (key, window): &Slot,
    before: &WaitingLine,
    after: &WaitingLine,
) -> Result<(), Failure> {
    let (scope, window) = (word(key.scope), row::span_column(*window));
    for asker in before.waiters().keys().filter(|asker| !after.waiters().contains_key(asker)) {
        let of = params![scope, key.of, window, asker.endpoint.as_str()];
        db.statement(sql::WAITER_REMOVE)?.execute(of)?;
    }
    for (asker, waiter) in after.waiters() {
        if before.waiters().get(asker) != Some(waiter) {
            db.statement(sql::WAITER_PUT)?.execute(params![
                scope,
                key.of,
                window,
                asker.tenant.as_str(),
                asker.endpoint.as_str(),
                waiter.wanted,
                waiter.since.as_micros(),
                row::micros(waiter.served_at),
                waiter.comes_at.as_micros(),
                row::span_column(waiter.kept),
            ])?;
        }
    }
    Ok(())
}
