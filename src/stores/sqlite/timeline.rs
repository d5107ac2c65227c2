//! The store's time: kept in one row for all processes on the file, so that one whose
//! wall clock is wrong lives in the time of the others.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::error::StoreError;
use crate::policy::timeline::{Doubt, Gap, Reading, Step, Timeline, Uptime, read};
use crate::time::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::failure::Failure;
use super::row;
use super::sql::{self, Sql};

const READING: &str = "reading the time";
const KEEPING: &str = "keeping the time";

/// Stands in the row for a start of the machine, where a process has no clock that others
/// share.
const ALONE: &str = "";
/// The row of processes that share a clock was written so lately, if any of them lives.
const LIVELY: Duration = Duration::from_secs(3600);

/// What follows in every table when the store's time moves.
const SHIFTS: [Sql; 7] = [
    sql::TIMELINE_SHIFT_DELIVERIES,
    sql::TIMELINE_SHIFT_GATES,
    sql::TIMELINE_SHIFT_LANES,
    sql::TIMELINE_SHIFT_LINES,
    sql::TIMELINE_SHIFT_ROUTING,
    sql::TIMELINE_SHIFT_STARTS,
    sql::TIMELINE_TURN_STARTS,
];

/// What one handle knows of the time apart from the file.
#[derive(Debug, Default)]
pub(super) struct OwnTime {
    /// The time of this handle alone, where its clock has nothing that processes share.
    alone: tokio::sync::Mutex<Option<Timeline>>,
    unconfirmed: Mutex<Option<Timestamp>>,
}

impl OwnTime {
    /// What the last reading said of it.
    pub(super) fn unconfirmed(&self) -> Option<Timestamp> {
        *self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, reading: &Reading) {
        *self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner) = reading.unconfirmed;
    }
}

impl SqliteStore {
    /// The store's time, with what follows from having asked written down.
    pub(super) async fn read_time(&self) -> Result<Timestamp, StoreError> {
        // The clocks are the caller's: they are read on its thread.
        let wall = self.clock.now();
        let reading = match self.clock.uptime() {
            Some(uptime) => self.read_shared_time(wall, uptime).await?,
            None => self.read_own_time(wall).await?,
        };
        self.time.note(&reading);
        Ok(reading.now)
    }

    async fn read_shared_time(&self, wall: Timestamp, uptime: Uptime) -> Result<Reading, StoreError> {
        let kept = self.readers.call(None, READING, kept).await?;
        let reading = read(kept.as_ref(), wall, &uptime);
        if reading.step.is_some() {
            return self.writer.call(KEEPING, move |db| keep(db, wall, &uptime)).await;
        }
        if reading.keep.is_some() {
            // The file may be locked for long. Nobody needs to wait for this.
            self.writer.note(KEEPING, move |db| keep(db, wall, &uptime).map(drop));
        }
        Ok(reading)
    }

    /// By this handle's own monotonic clock: it decides alone.
    async fn read_own_time(&self, wall: Timestamp) -> Result<Reading, StoreError> {
        let mut alone = self.time.alone.lock().await;
        let before = match &*alone {
            Some(line) => Some(line.clone()),
            None => self.readers.call(None, READING, kept).await?.map(|line| of_another(&line)),
        };
        let uptime = Uptime { boot: ALONE.to_owned(), elapsed: self.clock.elapsed() };
        let reading = read(before.as_ref(), wall, &uptime);
        let (now, step) = (reading.now, reading.step);
        if step.is_some() {
            self.writer.call(KEEPING, move |db| keep_own(db, now, step)).await?;
        } else if reading.keep.is_some() {
            self.writer.note(KEEPING, move |db| keep_own(db, now, None));
        }
        if let Some(line) = &reading.keep {
            *alone = Some(line.clone());
        }
        Ok(reading)
    }
}

/// Its monotonic clock is not the reader's.
fn of_another(line: &Timeline) -> Timeline {
    Timeline { boot: "another".to_owned(), ..line.clone() }
}

/// Reads the time, and writes what is to be kept.
fn keep(db: &Db<'_>, wall: Timestamp, uptime: &Uptime) -> Result<Reading, Failure> {
    let reading = read(kept(db)?.as_ref(), wall, uptime);
    if let Some(line) = &reading.keep {
        write(db, line)?;
    }
    if let Some(step) = reading.step {
        shift(db, step)?;
    }
    Ok(reading)
}

/// Writes down what time it is by one handle's own clocks. The time of processes that share
/// a clock stays theirs. Of two handles whose time moves alike, the first one moves what is
/// written.
fn keep_own(db: &Db<'_>, now: Timestamp, step: Option<Step>) -> Result<(), Failure> {
    let there = kept(db)?;
    if there.as_ref().is_some_and(|line| line.boot != ALONE && line.seen().distance(now) <= LIVELY) {
        return Ok(());
    }
    if let Some(step) = step
        && there.is_some_and(|line| line.seen().distance(step.from) <= line.seen().distance(step.to()))
    {
        shift(db, step)?;
    }
    let line =
        Timeline { boot: ALONE.to_owned(), zero: now, written: Duration::ZERO, doubt: None, gap: None };
    write(db, &line)
}

/// Moves what is written in the old time into the new one: what waits for a retry, the end
/// of a lease or of a hold waits as long as before, and is as old as before.
fn shift(db: &Db<'_>, step: Step) -> Result<(), Failure> {
    for statement in SHIFTS {
        db.statement(statement)?.execute([step.by.as_micros(), step.from.as_micros()])?;
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
    ])?;
    Ok(())
}

fn kept(db: &Db<'_>) -> Result<Option<Timeline>, Failure> {
    let found = db.statement(sql::TIMELINE)?.query_row([], |row| Ok(timeline(row))).optional()?;
    match found.transpose() {
        // A row that cannot be read is written anew, with the time of a wall clock.
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
    let boot = row::text(row, 0)?.to_owned();
    Ok(Timeline { boot, zero: row::time(row, 1)?, written: row::span(row, 2)?, doubt, gap })
}
