//! The order in which a claim serves lines and their lanes: the longest waiting first.

use std::collections::VecDeque;

use rusqlite::params;

use crate::time::Timestamp;

use super::claim::Serving;
use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::lane_line::LaneLine;
use super::row;
use super::sql;

/// Rows that are read page by page, as far as they are needed.
struct Pages<T> {
    read: VecDeque<T>,
    /// How many were read, those that were taken included.
    count: i64,
    complete: bool,
}

impl<T> Pages<T> {
    const fn none_read() -> Self {
        Self { read: VecDeque::new(), count: 0, complete: false }
    }

    /// Has the next row at hand, if there is one. `page` reads so many rows after so many
    /// others; it is asked for `at_least`, and for as many as were read before.
    fn fill(
        &mut self,
        at_least: usize,
        page: impl FnOnce(i64, i64) -> Result<Vec<T>, Failure>,
    ) -> Result<(), Failure> {
        if self.read.is_empty() && !self.complete {
            let wanted = row::limit(at_least).max(self.count).max(1);
            self.read = page(wanted, self.count)?.into();
            let found = row::limit(self.read.len());
            self.complete = found < wanted;
            self.count += found;
        }
        Ok(())
    }
}

/// A ready line's place: since when it waits, and its turn.
type Place = (i64, i64);

/// The ready lines that had no turn yet.
pub(super) struct ReadyLines {
    now: Timestamp,
    proven: Pages<(Place, LaneLine)>,
    doubtful: Pages<(Place, LaneLine)>,
}

impl ReadyLines {
    pub(super) const fn at(now: Timestamp) -> Self {
        Self { now, proven: Pages::none_read(), doubtful: Pages::none_read() }
    }

    /// The next line; a doubtful one only if those are wanted. So many are read at least,
    /// where they have to be read.
    pub(super) fn next(
        &mut self,
        db: &Db<'_>,
        with_doubtful: bool,
        at_least: usize,
    ) -> Result<Option<LaneLine>, Failure> {
        let now = self.now;
        let page = |doubtful| move |count, passed| ready_lines(db, doubtful, now, count, passed);
        self.proven.fill(at_least, page(false))?;
        if with_doubtful {
            self.doubtful.fill(at_least, page(true))?;
        }
        let place = |lines: &Pages<(Place, LaneLine)>| lines.read.front().map(|(place, _)| *place);
        let (proven, doubtful) = (place(&self.proven), place(&self.doubtful).filter(|_| with_doubtful));
        let doubtful_first = match (proven, doubtful) {
            (Some(proven), Some(doubtful)) => doubtful < proven,
            (_, doubtful) => doubtful.is_some(),
        };
        let lines = if doubtful_first { &mut self.doubtful } else { &mut self.proven };
        Ok(lines.read.pop_front().map(|(_, line)| line))
    }
}

fn ready_lines(
    db: &Db<'_>,
    doubtful: bool,
    now: Timestamp,
    count: i64,
    passed: i64,
) -> Result<Vec<(Place, LaneLine)>, Failure> {
    let mut statement = db.statement(sql::CLAIM_READY_LINES)?;
    let of = params![doubtful, now.as_micros(), count, passed];
    let lines = statement.query_and_then(of, |row| {
        Ok(((row.get(1)?, row.get(2)?), LaneLine { tenant: row::name(row, 0)?, doubtful }))
    })?;
    lines.collect()
}

/// A line that takes its turns in a claim.
pub(super) struct Turns {
    pub(super) line: LaneLine,
    /// Whether it had one.
    pub(super) had_one: bool,
    /// The ready lanes that had no turn yet.
    lanes: Pages<LaneKey>,
    /// Lanes that gave something and may give more.
    pub(super) going_on: VecDeque<Serving>,
}

impl Turns {
    pub(super) const fn of(line: LaneLine) -> Self {
        Self { line, had_one: false, lanes: Pages::none_read(), going_on: VecDeque::new() }
    }

    /// The next ready lane that had no turn yet. So many are read at least, where they
    /// have to be read.
    pub(super) fn next_lane(
        &mut self,
        db: &Db<'_>,
        now: Timestamp,
        at_least: usize,
    ) -> Result<Option<LaneKey>, Failure> {
        let line = &self.line;
        self.lanes.fill(at_least, |count, passed| line.ready_lanes(db, now, count, passed))?;
        Ok(self.lanes.read.pop_front())
    }

    /// Among how many lanes what the line gives next is shared, as far as is known.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.read.len() + self.going_on.len()
    }
}
