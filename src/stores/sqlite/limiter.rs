//! Grants request starts under limits that all processes on the file share.

use std::borrow::Cow;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;

use rusqlite::params;

use crate::policy::rate::line::FORGOTTEN_AFTER;
use crate::policy::rate::log::AHEAD;
use crate::policy::rate::{
    Ask, Counted, Grant, Limit, LimitKey, LimitScope, Refusal, StartLog, WaitingLine, divide, slots,
};
use crate::time::Timestamp;

use super::damage::{broken, readable};
use super::db::Db;
use super::failure::Failure;
use super::row;
use super::sql;
use super::waiters;

/// How long an asker that was granted nothing waits before it asks again.
const TO_ASK_AGAIN: Duration = Duration::from_secs(1);

/// One call of `Limiter::take`.
pub(super) fn take(
    db: &Db<'_>,
    asks: &[Ask],
    now: Timestamp,
    start_by: Timestamp,
) -> Result<Vec<Grant>, Failure> {
    db.statement(sql::LIMITER_FORGET)?.execute([now.as_micros()])?;
    db.statement(sql::WAITER_FORGET)?.execute([(now - FORGOTTEN_AFTER).as_micros()])?;
    let mut limits = BTreeMap::new();
    for (slot, limit) in asks.iter().flat_map(slots) {
        if let Entry::Vacant(place) = limits.entry(slot) {
            let counted = read(db, &place.key().0, limit, now, start_by)?;
            place.insert(counted);
        }
    }
    let before: Vec<_> = limits.values().map(|counted| counted.line.clone()).collect();
    let grants = divide(asks, &mut limits, now, start_by);
    for (ask, grant) in asks.iter().zip(&grants).filter(|(_, grant)| grant.starts > 0) {
        note(db, &ask.limits, grant.starts, start_by)?;
    }
    for ((slot, counted), before) in limits.iter().zip(&before) {
        waiters::save(db, slot, before, &counted.line)?;
    }
    Ok(grants)
}

/// Grants nothing to asks with limits for a moment, while the store's time is unknown.
pub(super) fn grant_nothing(asks: &[Ask], now: Timestamp) -> Vec<Grant> {
    let refused = |ask: &Ask| {
        let until = now + TO_ASK_AGAIN;
        let refusal = ask.limits.first().map(|(limit, _)| Refusal { limit: limit.clone(), until });
        Grant { starts: if refusal.is_some() { 0 } else { ask.starts }, refusal }
    };
    asks.iter().map(refused).collect()
}

fn read(
    db: &Db<'_>,
    key: &LimitKey,
    limit: &Limit,
    now: Timestamp,
    start_by: Timestamp,
) -> Result<Counted, Failure> {
    forget_future(db, key, start_by)?;
    let log = read_log(db, key, limit, now)?;
    let line = if limit.is_shared() { waiters::read(db, key, limit)? } else { WaitingLine::default() };
    Ok(Counted { log, line })
}

/// Counts starts that were granted by a clock that was ahead as if they were granted now.
fn forget_future(db: &Db<'_>, key: &LimitKey, start_by: Timestamp) -> Result<(), Failure> {
    let of = (word(key.scope), &key.of, (start_by + AHEAD).as_micros());
    let (starts, counts_for, grants): (u32, i64, i64) = db
        .statement(sql::LIMITER_FUTURE)?
        .query_row(of, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if grants > 0 {
        db.statement(sql::LIMITER_FORGET_FUTURE)?.execute(of)?;
    }
    if starts > 0 {
        let at = start_by.as_micros();
        let granted = params![word(key.scope), key.of, at, starts, at.saturating_add(counts_for)];
        db.statement(sql::LIMITER_GRANT)?.execute(granted)?;
    }
    Ok(())
}

/// The log of a key as this limit sees it: each limit looks back over its own window.
fn read_log(db: &Db<'_>, key: &LimitKey, limit: &Limit, now: Timestamp) -> Result<StartLog, Failure> {
    let mut statement = db.statement(sql::LIMITER_STARTS)?;
    let reach = (now - limit.window()).as_micros();
    let mut rows = statement.query(params![word(key.scope), key.of, reach])?;
    let (mut grants, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let start_by = row.get(0)?;
        match readable(row::count(row, 1))? {
            Ok(starts) => grants.push((Timestamp::from_micros(start_by) + limit.window(), starts)),
            Err(field) => unreadable.push((start_by, field)),
        }
    }
    drop(rows);
    for (start_by, field) in unreadable {
        forget_unreadable(db, key, start_by, field)?;
    }
    Ok(StartLog::from_grants(grants))
}

/// Removes grants that cannot be read. They count as nothing, because it is unknown until when they
/// should count.
fn forget_unreadable(
    db: &Db<'_>,
    key: &LimitKey,
    start_by: i64,
    field: Cow<'static, str>,
) -> Result<(), Failure> {
    let scope = word(key.scope);
    db.note(broken("hookpost_start", &format_args!("{scope} {} {start_by}", key.of), field));
    db.statement(sql::LIMITER_FORGET_ONE)?.execute(params![scope, key.of, start_by])?;
    Ok(())
}

/// Records a grant once per key, for as long as the longest window counts it.
fn note(db: &Db<'_>, limits: &[(LimitKey, Limit)], starts: u32, start_by: Timestamp) -> Result<(), Failure> {
    let mut windows = BTreeMap::new();
    for (key, limit) in limits {
        let window = windows.entry(key).or_insert(Duration::ZERO);
        *window = limit.window().max(*window);
    }
    for (key, window) in windows {
        db.statement(sql::LIMITER_GRANT)?.execute(params![
            word(key.scope),
            key.of,
            start_by.as_micros(),
            starts,
            (start_by + window).as_micros(),
        ])?;
    }
    Ok(())
}

pub(super) const fn word(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Endpoint => "endpoint",
        LimitScope::Tenant => "tenant",
        LimitScope::Host => "host",
        LimitScope::Global => "global",
    }
}
