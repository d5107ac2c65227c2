//! Reads the due deliveries of a lane, row by row. A row that cannot be read is put off, and the
//! claim continues with the next. So only that delivery is affected. It is read again an hour later,
//! when the row may have been repaired.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::{CancelReason, SilentLease, UnreadableRow};
use crate::event::Event;
use crate::id::{DeliveryId, OrderingKey, Round};
use crate::policy::lane::{CATCH_UP_LOOKS, CatchUp};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::{EventKey, unpark_next};
use super::damage::{broken, broken_delivery, readable};
use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::row::{self, RawText};
use super::sql;

/// How long a row that cannot be read is put off.
pub(super) const PUT_OFF_FOR: Duration = Duration::from_secs(3600);
/// The most rows that one claim puts off; the next claim continues.
const PUT_OFF_MAX: usize = 256;

/// A due delivery as its row has it. A lease that has just expired is counted in it.
pub(super) struct Due {
    pub(super) row: i64,
    pub(super) id: DeliveryId,
    pub(super) event: EventKey,
    pub(super) round: Round,
    pub(super) test: bool,
    pub(super) since: Timestamp,
    pub(super) lapsed: Option<SilentLease>,
    pub(super) silent: u32,
    pub(super) silent_alone: u32,
    pub(super) attempts: u32,
    pub(super) first_attempt_at: Option<Timestamp>,
    pub(super) born_at: Timestamp,
    pub(super) born: Sequence,
    ordering_key: Option<OrderingKey>,
    /// Whether its endpoint was removed while it was leased.
    is_orphaned: bool,
}

/// The due deliveries of a lane, as far as they were read.
pub(super) struct Read {
    pub(super) due: VecDeque<Due>,
    /// Whether there is more.
    pub(super) more: bool,
    /// Whether an earlier due delivery was skipped.
    pub(super) passed_over: bool,
}

impl Read {
    pub(super) const NOTHING: Self = Self { due: VecDeque::new(), more: true, passed_over: false };

    /// Whether something is due besides what was taken.
    pub(super) fn leaves_some(&self) -> bool {
        self.more || self.passed_over || !self.due.is_empty()
    }
}

/// Reads deliveries and events for one claim.
pub(super) struct DueRows<'a, 'c> {
    db: &'a Db<'c>,
    now: Timestamp,
    /// The events that were read.
    events: BTreeMap<EventKey, StoredEvent>,
    /// How many more rows may be put off.
    left: usize,
}

impl<'a, 'c> DueRows<'a, 'c> {
    pub(super) const fn at(db: &'a Db<'c>, now: Timestamp) -> Self {
        Self { db, now, events: BTreeMap::new(), left: PUT_OFF_MAX }
    }

    /// The first `room` due deliveries of a lane that `wanted` accepts.
    pub(super) fn of_lane(
        &mut self,
        key: LaneKey,
        wanted: impl Fn(&Due) -> bool,
        room: usize,
    ) -> Result<Read, Failure> {
        let mut read = Read { due: VecDeque::new(), more: false, passed_over: false };
        let (mut unreadable, mut orphans) = (Vec::new(), Vec::new());
        let mut statement = self.db.statement(sql::CLAIM_DUE)?;
        let mut rows = statement.query(params![key, self.now.as_micros()])?;
        while let Some(row) = rows.next()? {
            if read.due.len() == room {
                read.more = true;
                break;
            }
            match readable(Due::read(row))? {
                Ok(due) if due.is_orphaned => orphans.push(due),
                Ok(due) if wanted(&due) => read.due.push_back(due),
                Ok(_) => read.passed_over = true,
                Err(_) if unreadable.len() == self.left => {
                    read.more = true;
                    break;
                }
                Err(field) => {
                    let number = row.get(0)?;
                    self.db.note(broken_delivery(row, number, 1, field));
                    unreadable.push(number);
                }
            }
        }
        // Putting rows off changes the index that was being read, so the reading ends first.
        drop(rows);
        unreadable.into_iter().try_for_each(|number| self.put_off(number))?;
        orphans.iter().try_for_each(|orphan| self.end(key, orphan))?;
        Ok(read)
    }

    /// The deliveries of a lane that may be sent before they are due, after those that are due. As
    /// a probe, the one tried longest ago comes first; otherwise the order is that of the due times.
    /// If there are very many, only those tried longest ago are considered.
    pub(super) fn early(
        &mut self,
        key: LaneKey,
        catch_up: CatchUp,
        is_probe: bool,
        read: &mut Read,
        room: usize,
    ) -> Result<(), Failure> {
        if read.more || read.due.len() == room {
            read.more = true;
            return Ok(());
        }
        let now = self.now;
        let mut waiting = self.db.statement(sql::CLAIM_CATCH_UP)?;
        let by = catch_up.sendable_if_tried_by(now);
        let looks = i64::try_from(CATCH_UP_LOOKS).unwrap_or(i64::MAX);
        let places = waiting.query_map(params![key, by.as_micros(), now.as_micros(), looks], |row| {
            Ok::<(i64, EventKey, Vec<u8>, i64), _>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let mut places = places.collect::<Result<Vec<_>, _>>()?;
        if !is_probe {
            places.sort_unstable();
        }
        let mut one = self.db.statement(sql::CLAIM_OF_KEY)?;
        let left = room - read.due.len();
        read.more = places.len() > left;
        for (.., number) in places.into_iter().take(left) {
            let found = one.query_row([number], |row| {
                let due = readable(Due::read(row));
                Ok(due.map(|due| due.map_err(|field| broken_delivery(row, number, 1, field))))
            })??;
            match found {
                Ok(due) => read.due.push_back(due),
                Err(unreadable) if self.left > 0 => {
                    self.db.note(unreadable);
                    self.put_off(number)?;
                }
                Err(_) => read.more = true,
            }
        }
        Ok(())
    }

    /// The event of a delivery. It is read once for all of its deliveries in the claim. If it
    /// cannot be read, the delivery is put off.
    pub(super) fn event_of(&mut self, due: &Due) -> Result<Option<Arc<Event>>, Failure> {
        let event = match self.events.entry(due.event) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(event(self.db, due.event)?),
        };
        match event {
            StoredEvent::There(event) => return Ok(Some(Arc::clone(event))),
            StoredEvent::Missing => {
                let row = broken("hookpost_delivery", &due.row, "event".into());
                self.db.note(UnreadableRow { delivery: Some(due.id), ..row });
            }
            StoredEvent::Unreadable => {}
        }
        self.put_off(due.row)?;
        Ok(None)
    }

    /// Ends a delivery whose endpoint was removed and whose lease ended silently.
    fn end(&self, lane: LaneKey, orphan: &Due) -> Result<(), Failure> {
        let reason = CancelReason::EndpointRemoved.as_str();
        let ended = params![orphan.row, reason, self.now.as_micros()];
        self.db.statement(sql::HISTORY_CANCEL)?.query_row(ended, |_| Ok(()))?;
        let key = orphan.ordering_key.as_ref().map(|key| RawText::from(key.as_str()));
        unpark_next(self.db, lane, key.as_ref())
    }

    /// Whether another row may be put off.
    pub(super) const fn may_put_off(&self) -> bool {
        self.left > 0
    }

    fn put_off(&mut self, delivery: i64) -> Result<(), Failure> {
        let until = (self.now + PUT_OFF_FOR).as_micros();
        self.db.statement(sql::CLAIM_PUT_OFF)?.execute([delivery, until])?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }
}

/// The result of reading an event by its row number.
pub(super) enum StoredEvent {
    There(Arc<Event>),
    /// The event exists but cannot be read, and this was noted.
    Unreadable,
    Missing,
}

/// Reads the event with a row number.
pub(super) fn event(db: &Db<'_>, sequence: EventKey) -> Result<StoredEvent, Failure> {
    let found = db
        .statement(sql::EVENT_BY_SEQUENCE)?
        .query_row([sequence], |row| Ok(readable(row::event(row))))
        .optional()?
        .transpose()?;
    Ok(match found {
        Some(Ok(event)) => StoredEvent::There(event),
        Some(Err(field)) => {
            db.note(broken("hookpost_event", &sequence, field));
            StoredEvent::Unreadable
        }
        None => StoredEvent::Missing,
    })
}

impl Due {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        let token = row::token_maybe(row, 6)?;
        let claimed_at = row::time_maybe(row, 7)?;
        let lapsed = token.zip(claimed_at).map(|(token, claimed_at)| SilentLease { token, claimed_at });
        let was_alone: bool = row::get(row, 8)?;
        // A delivery that has ended is not due, whatever times its row has.
        if row::get::<i64>(row, 15)? != 0 {
            return Err(row::unfit(row, 15));
        }
        Ok(Self {
            row: row::get(row, 0)?,
            id: row::delivery_id(row, 1)?,
            event: row::get(row, 2)?,
            round: Round::from_stored(row::text(row, 3)?).map_err(|_| row::unfit(row, 3))?,
            test: row::get(row, 4)?,
            since: row::time(row, 5)?,
            lapsed,
            silent: row::count(row, 9)?.saturating_add(u32::from(lapsed.is_some())),
            silent_alone: row::count(row, 10)?.saturating_add(u32::from(lapsed.is_some() && was_alone)),
            attempts: row::count(row, 11)?,
            first_attempt_at: row::time_maybe(row, 12)?,
            born_at: row::time(row, 13)?,
            born: row::sequence(row, 14)?,
            ordering_key: row::name_maybe(row, 16)?,
            is_orphaned: row::get(row, 17)?,
        })
    }
}
