//! The store's time. It is stored in one row for all processes on the file, so that a process whose
//! wall clock is wrong uses the time of the others.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::backend::Clock;
use crate::delivery::ClaimRequest;
use crate::error::StoreError;
use crate::os::SystemClock;
use crate::policy::timeline::{
    Carried, Doubt, Gap, Moved, Reading, Step, Timeline, Uptime, read, read_alone,
};
use crate::time::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::failure::Failure;
use super::row;
use super::sql::{self, Sql};

const READING: &str = "reading the time";
const KEEPING: &str = "keeping the time";

/// The statements that move the times of every table with the store's time.
const SHIFTS: [Sql; 8] = [
    sql::TIMELINE_SHIFT_DELIVERIES,
    sql::TIMELINE_SHIFT_GATES,
    sql::TIMELINE_SHIFT_LANES,
    sql::TIMELINE_SHIFT_LINES,
    sql::TIMELINE_SHIFT_ROUTING,
    sql::TIMELINE_SHIFT_STARTS,
    sql::TIMELINE_SHIFT_WAITERS,
    sql::TIMELINE_TURN_STARTS,
];

/// What one handle knows about the time, besides the file.
#[derive(Debug, Default)]
pub(super) struct OwnTime {
    /// The time as this handle continues it, if its clock has nothing that processes share.
    carried: tokio::sync::Mutex<Option<Carried>>,
    last: Mutex<Last>,
}

/// The result of the last reading.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    unconfirmed: Option<Timestamp>,
    joining: bool,
}

impl OwnTime {
    /// The last moment seen before the time began, if the time is doubtful.
    pub(super) fn unconfirmed(&self) -> Option<Timestamp> {
        self.last().unconfirmed
    }

    /// Whether this handle's time may be behind that of others. Then it grants no start of a request:
    /// the log of starts that another handle wrote may be ahead of it.
    pub(super) fn is_joining(&self) -> bool {
        self.last().joining
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteStore {
    /// Reads the store's time, and writes what the reading changes.
    pub(super) async fn read_time(&self) -> Result<Timestamp, StoreError> {
        // The clocks are the caller's, so they are read on its thread.
        let wall = self.clock.now();
        let Some(uptime) = self.clock.uptime() else {
            return self.read_own_time(wall).await;
        };
        let reading = self.read_shared_time(wall, uptime).await?;
        *self.time.last() = Last { unconfirmed: reading.unconfirmed, joining: false };
        Ok(reading.now)
    }

    async fn read_shared_time(&self, wall: Timestamp, uptime: Uptime) -> Result<Reading, StoreError> {
        let kept = self.readers.call(None, READING, kept).await?;
        let reading = read(kept.as_ref(), wall, &uptime);
        if reading.step.is_some() {
            return self.writer.call(KEEPING, move |db| keep(db, wall, &uptime)).await;
        }
        if reading.keep.is_some() {
            // The file may be locked for long, and nothing has to wait for this write.
            self.writer.note(KEEPING, move |db| keep(db, wall, &uptime).map(drop));
        }
        Ok(reading)
    }

    /// Reads the time with a clock that has nothing that processes share: by the machine's uptime, if
    /// others on the file use that, or else by this handle's own clock.
    async fn read_own_time(&self, wall: Timestamp) -> Result<Timestamp, StoreError> {
        let mut carried = self.time.carried.lock().await;
        let kept = self.readers.call(None, READING, kept).await?;
        if let Some(uptime) = uptime_of(kept.as_ref()) {
            let reading = self.read_shared_time(wall, uptime).await?;
            *self.time.last() = Last { unconfirmed: reading.unconfirmed, joining: false };
            return Ok(reading.now);
        }
        let (own, elapsed) = (carried.clone(), self.clock.elapsed());
        let (mut reading, mut next) = read_alone(own.as_ref(), kept.as_ref(), wall, elapsed);
        if reading.step.is_some() {
            let moving = move |db: &Db<'_>| keep_alone(db, own.as_ref(), wall, elapsed);
            (reading, next) = self.writer.call(KEEPING, moving).await?;
        } else if reading.keep.is_some() {
            let noting = move |db: &Db<'_>| keep_alone(db, own.as_ref(), wall, elapsed).map(drop);
            self.writer.note(KEEPING, noting);
        }
        *self.time.last() = Last { unconfirmed: reading.unconfirmed, joining: next.is_joining() };
        *carried = Some(next);
        Ok(reading.now)
    }
}

/// Rejects a claim that was dated before the time moved.
pub(super) fn check_date(
    db: &Db<'_>,
    request: &ClaimRequest,
    uptime: Option<&Uptime>,
) -> Result<(), Failure> {
    let Some(kept) = kept(db)? else { return Ok(()) };
    let own = uptime.is_none().then(|| uptime_of(Some(&kept))).flatten();
    Ok(kept.check_date(request.now, uptime.or(own.as_ref()))?)
}

/// This machine's uptime, if the stored time is based on it.
fn uptime_of(kept: Option<&Timeline>) -> Option<Uptime> {
    let kept = kept?;
    SystemClock::new().uptime().filter(|uptime| uptime.boot == kept.boot)
}

/// Reads the time, and stores what has to be kept.
fn keep(db: &Db<'_>, wall: Timestamp, uptime: &Uptime) -> Result<Reading, Failure> {
    let reading = read(kept(db)?.as_ref(), wall, uptime);
    write_down(db, &reading)?;
    Ok(reading)
}

/// Like [`keep`], by one handle's own monotonic clock.
fn keep_alone(
    db: &Db<'_>,
    own: Option<&Carried>,
    wall: Timestamp,
    elapsed: Duration,
) -> Result<(Reading, Carried), Failure> {
    let (reading, next) = read_alone(own, kept(db)?.as_ref(), wall, elapsed);
    write_down(db, &reading)?;
    Ok((reading, next))
}

fn write_down(db: &Db<'_>, reading: &Reading) -> Result<(), Failure> {
    if let Some(line) = &reading.keep {
        write(db, line)?;
    }
    if let Some(step) = reading.step {
        shift(db, step)?;
    }
    Ok(())
}

/// Converts stored times from the old time to the new one: retries, ends of leases and ends of
/// holds are as far ahead as before, and everything is as old as before.
fn shift(db: &Db<'_>, step: Step) -> Result<(), Failure> {
    for statement in SHIFTS {
        let [from, first, last] = [step.from, step.first, step.last].map(Timestamp::as_micros);
        db.statement(statement)?.execute([step.by.as_micros(), from, first, last])?;
    }
    Ok(())
}

fn write(db: &Db<'_>, line: &Timeline) -> Result<(), Failure> {
    db.statement(sql::TIMELINE_KEEP)?.execute(params![
        line.boot,
        line.zero.as_micros(),
        row::span_column(line.written),
        line.doubt.map(|doubt| doubt.zero.as_micros()),
        line.doubt.map(|doubt| row::span_column(doubt.since)),
        line.doubt.map(|doubt| row::span_column(doubt.noted)),
        line.gap.map(|gap| gap.seen.as_micros()),
        line.gap.map(|gap| row::span_column(gap.began)),
        line.moved.map(|moved| moved.from.as_micros()),
        line.moved.map(|moved| row::span_column(moved.at)),
    ])?;
    Ok(())
}

fn kept(db: &Db<'_>) -> Result<Option<Timeline>, Failure> {
    let found = db.statement(sql::TIMELINE)?.query_row([], |row| Ok(timeline(row))).optional()?;
    match found.transpose() {
        // A row that cannot be read is replaced, with the time of a wall clock.
        Err(Failure::Stored(_)) => Ok(None),
        kept => kept,
    }
}

fn timeline(row: &Row<'_>) -> Result<Timeline, Failure> {
    let doubt = match row::time_maybe(row, 3)? {
        None => None,
        Some(zero) => Some(Doubt { zero, since: row::span(row, 4)?, noted: row::span(row, 5)? }),
    };
    let gap = match row::time_maybe(row, 6)? {
        None => None,
        Some(seen) => Some(Gap { seen, began: row::span(row, 7)? }),
    };
    let moved = match row::time_maybe(row, 8)? {
        None => None,
        Some(from) => Some(Moved { from, at: row::span(row, 9)? }),
    };
    let boot = row::text(row, 0)?.to_owned();
    Ok(Timeline { boot, zero: row::time(row, 1)?, written: row::span(row, 2)?, doubt, gap, moved })
}
