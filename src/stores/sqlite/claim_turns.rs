//! The order in which a claim serves lines and their lanes: those that have waited longest first.

use std::collections::VecDeque;

use rusqlite::params;

use crate::time::Timestamp;

use super::claim::Serving;
use super::damage::{broken, readable};
use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::lane_line::LaneLine;
use super::row::{self, RawText};
use super::sql;

/// Rows that are read page by page, only as far as they are needed.
struct Pages<T> {
    read: VecDeque<T>,
    /// How many rows were read, including those that were taken.
    count: i64,
    complete: bool,
}

impl<T> Pages<T> {
    const fn none_read() -> Self {
        Self { read: VecDeque::new(), count: 0, complete: false }
    }

    /// Reads a page if no row is left. `page` gets the number of rows to read and the number of rows
    /// to skip. A page has at least `at_least` rows, and at least as many as were read before.
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

/// A ready line's place: since when it has waited, and its turn.
type Place = (i64, i64);

/// A ready line; `None` if its tenant cannot be read.
type PlacedLine = (Place, Option<LaneLine>);

/// The ready lines that have had no turn yet.
pub(super) struct ReadyLines {
    now: Timestamp,
    proven: Pages<PlacedLine>,
    doubtful: Pages<PlacedLine>,
}

impl ReadyLines {
    pub(super) const fn at(now: Timestamp) -> Self {
        Self { now, proven: Pages::none_read(), doubtful: Pages::none_read() }
    }

    /// The next line; a doubtful one only if those are wanted. If lines have to be read, at least
    /// `at_least` are.
    pub(super) fn next(
        &mut self,
        db: &Db<'_>,
        with_doubtful: bool,
        at_least: usize,
    ) -> Result<Option<LaneLine>, Failure> {
        let now = self.now;
        loop {
            let page = |doubtful| move |count, passed| ready_lines(db, doubtful, now, count, passed);
            self.proven.fill(at_least, page(false))?;
            if with_doubtful {
                self.doubtful.fill(at_least, page(true))?;
            }
            let place = |lines: &Pages<PlacedLine>| lines.read.front().map(|(place, _)| *place);
            let (proven, doubtful) = (place(&self.proven), place(&self.doubtful).filter(|_| with_doubtful));
            let doubtful_first = match (proven, doubtful) {
                (Some(proven), Some(doubtful)) => doubtful < proven,
                (_, doubtful) => doubtful.is_some(),
            };
            let lines = if doubtful_first { &mut self.doubtful } else { &mut self.proven };
            match lines.read.pop_front() {
                Some((_, None)) => {}
                next => return Ok(next.and_then(|(_, line)| line)),
            }
        }
    }
}

/// Reads a page of ready lines. If a line's tenant cannot be read, it is unknown which line it was.
/// It is removed, and all lines are rebuilt from the lanes.
fn ready_lines(
    db: &Db<'_>,
    doubtful: bool,
    now: Timestamp,
    count: i64,
    passed: i64,
) -> Result<Vec<PlacedLine>, Failure> {
    let mut statement = db.statement(sql::CLAIM_READY_LINES)?;
    let mut lines = Vec::new();
    let mut rows = statement.query(params![doubtful, now.as_micros(), count, passed])?;
    let mut unreadable = Vec::new();
    while let Some(row) = rows.next()? {
        let tenant = readable(row::name(row, 0))?;
        if let Err(field) = &tenant {
            let name = RawText::read(row, 0)?;
            db.note(broken("hookpost_line", &name.shown(), field.clone()));
            unreadable.push(name);
        }
        let line = tenant.ok().map(|tenant| LaneLine { tenant, doubtful });
        lines.push(((row.get(1)?, row.get(2)?), line));
    }
    drop(rows);
    for name in &unreadable {
        db.statement(sql::LINE_FORGET)?.execute(params![name, doubtful])?;
    }
    if !unreadable.is_empty() {
        db.statement(sql::LINE_REBUILD)?.execute([])?;
    }
    Ok(lines)
}

/// A line that takes its turns in a claim.
pub(super) struct Turns {
    pub(super) line: LaneLine,
    /// Whether the line has had a turn.
    pub(super) had_one: bool,
    /// The ready lanes that have had no turn yet.
    lanes: Pages<LaneKey>,
    /// Lanes that gave a delivery and may have more.
    pub(super) going_on: VecDeque<Serving>,
}

impl Turns {
    pub(super) const fn of(line: LaneLine) -> Self {
        Self { line, had_one: false, lanes: Pages::none_read(), going_on: VecDeque::new() }
    }

    /// The next ready lane that has had no turn yet. If lanes have to be read, at least `at_least`
    /// are.
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

    /// How many lanes share the line's next deliveries, as far as is known.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.read.len() + self.going_on.len()
    }
}
