//! Reads the history of deliveries.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, Rows, params};

use crate::delivery::{Attempt, Delivery, RecordedAttempt, SilentLease, State, UnreadableRow};
use crate::history::{AttemptLog, PageAfter, Selection, StateFilter};
use crate::id::{DeliveryId, EndpointId, EventId, Round, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::damage::{broken, broken_delivery, readable};
use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::row::{self, RawText};
use super::sql;

/// The most deliveries that one page examines, whatever its limit: about 5 ms, after which another
/// tenant has its turn. If few are selected, a page examines more than it returns.
const LOOKS_MAX: usize = 1_000;

/// A selected delivery with its rows.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) sequence: EventKey,
    pub(super) created_at: Timestamp,
    /// Its place in the order of events: that of its event, or of the replay that made it.
    pub(super) born: Sequence,
    pub(super) delivery: Delivery,
}

/// A selected delivery that cannot be read.
pub(super) struct Unread {
    /// Its place; `None` if its id cannot be read, since it can be found only by its id.
    pub(super) place: Option<Place>,
    pub(super) row: UnreadableRow,
}

/// The keys and the phase of a delivery, without the rest of its row.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) key: i64,
    pub(super) lane: LaneKey,
    pub(super) id: DeliveryId,
    pub(super) is_terminal: bool,
    /// Whether it is leased, until its due time.
    pub(super) leased: bool,
    pub(super) due_at: Option<Timestamp>,
}

/// A page of a selection.
pub(super) struct Page {
    pub(super) found: Vec<Found>,
    pub(super) unread: Vec<Unread>,
    pub(super) more_after: Option<DeliveryId>,
}

/// A page of a tenant's deliveries in the order of their ids.
pub(super) fn search(
    db: &Db<'_>,
    tenant: &TenantId,
    selection: &Selection,
    page: PageAfter,
) -> Result<Page, Failure> {
    let mut search = Search {
        db,
        tenant,
        selection,
        limit: page.limit.clamp(1, LOOKS_MAX),
        looks: 0,
        page: Page { found: Vec::new(), unread: Vec::new(), more_after: None },
        last: None,
    };
    let Selection { ids, event, endpoint, state, since, until, born_before: _ } = selection;
    // An id begins with the milliseconds of its event's creation.
    let after: Vec<u8> = page.after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let after = after.max(since.map_or_else(Vec::new, |since| DeliveryId::first_bytes(since).to_vec()));
    let before = until
        .map_or_else(|| vec![0xff; 17], |until| [&DeliveryId::first_bytes(until)[..], &[0xff; 11]].concat());
    let tenant = tenant.as_str();
    if let Some(ids) = ids {
        let mut ids: Vec<_> = ids.iter().filter(|id| id.as_bytes()[..] > after[..]).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut statement = db.statement(sql::HISTORY_OF_ID)?;
        for id in ids {
            // An id that does not exist counts as examined too.
            if !search.go_on() {
                break;
            }
            search.last = Some(*id);
            let mut rows = statement.query(params![id.as_bytes(), tenant])?;
            if let Some(row) = rows.next()? {
                search.look(row)?;
            }
        }
    } else if let Some(event) = event {
        let mut statement = db.statement(sql::HISTORY_OF_EVENT)?;
        search.all(statement.query(params![tenant, event.as_str(), after, before])?)?;
    } else if let Some(state) = state.and_then(unsuccessful) {
        let mut statement = db.statement(sql::HISTORY_OF_UNSUCCESSFUL)?;
        search.all(statement.query(params![tenant, state, after, before])?)?;
    } else if let (Some(endpoint), Some(StateFilter::Pending)) = (endpoint, state) {
        let mut statement = db.statement(sql::HISTORY_OF_PENDING)?;
        search.all(statement.query(params![tenant, endpoint.as_str(), after, before])?)?;
    } else {
        let mut statement = db.statement(sql::HISTORY_OF_TENANT)?;
        search.all(statement.query(params![tenant, after, before])?)?;
    }
    Ok(search.page)
}

/// The states that have an index of their own.
const fn unsuccessful(filter: StateFilter) -> Option<i64> {
    match filter {
        StateFilter::Failed(_) => Some(2),
        StateFilter::Cancelled(_) => Some(3),
        StateFilter::Pending | StateFilter::Delivered => None,
    }
}

struct Search<'a, 'c> {
    db: &'a Db<'c>,
    tenant: &'a TenantId,
    selection: &'a Selection,
    limit: usize,
    looks: usize,
    last: Option<DeliveryId>,
    page: Page,
}

impl Search<'_, '_> {
    /// Examines one delivery after another until the page ends.
    fn all(&mut self, mut rows: Rows<'_>) -> Result<(), Failure> {
        while let Some(row) = rows.next()?
            && self.go_on()
        {
            self.look(row)?;
        }
        Ok(())
    }

    /// Counts a delivery as examined. `false` if the page has ended and there is more.
    fn go_on(&mut self) -> bool {
        if self.page.found.len() + self.page.unread.len() == self.limit || self.looks == LOOKS_MAX {
            self.page.more_after = self.last;
            return false;
        }
        self.looks += 1;
        true
    }

    fn look(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        // A delivery whose id cannot be read has no place in this order.
        self.last = readable(row::delivery_id(row, 3))?.ok().or(self.last);
        match readable(read(row, self.tenant))? {
            Ok(found) if self.selects(&found) => self.page.found.push(found),
            Err(field) if self.may_select(row)? => {
                let broken = broken_delivery(row, row::get(row, 0)?, 3, field);
                self.db.note(broken.clone());
                self.page.unread.push(Unread { place: readable(place(row))?.ok(), row: broken });
            }
            _ => {}
        }
        Ok(())
    }

    fn selects(&self, found: &Found) -> bool {
        let Selection { event, endpoint, state, since, until, born_before, ids: _ } = self.selection;
        event.as_ref().is_none_or(|wanted| *wanted == found.delivery.event)
            && endpoint.as_ref().is_none_or(|wanted| *wanted == found.delivery.endpoint)
            && state.is_none_or(|filter| passes(filter, found.delivery.state))
            && since.is_none_or(|since| found.created_at >= since)
            && until.is_none_or(|until| found.created_at < until)
            && born_before.is_none_or(|place| found.born < place)
    }

    /// Whether an unreadable row may belong to the selection, judging by its readable fields. A row
    /// with an unknown state counts as pending, because nothing shows that it has ended.
    fn may_select(&self, row: &Row<'_>) -> Result<bool, Failure> {
        let Selection { event, endpoint, state, born_before, since: _, until: _, ids: _ } = self.selection;
        let holds = |column, wanted: Option<&str>| -> Result<bool, Failure> {
            let text = RawText::read_maybe(row, column)?;
            Ok(wanted.is_none() || text == wanted.map(RawText::from))
        };
        let number: i64 = row::get(row, 4)?;
        let in_state = match state {
            None => true,
            Some(StateFilter::Pending) => !(1..=3).contains(&number),
            Some(StateFilter::Delivered) => number == 1,
            Some(StateFilter::Failed(_)) => number == 2,
            Some(StateFilter::Cancelled(_)) => number == 3,
        };
        let born = row::get::<i64>(row, 19)?;
        Ok(in_state
            && born_before.is_none_or(|place| born < i64::try_from(place.number()).unwrap_or(i64::MAX))
            && holds(14, endpoint.as_ref().map(EndpointId::as_str))?
            && holds(15, event.as_ref().map(EventId::as_str))?)
    }
}

fn passes(filter: StateFilter, state: State) -> bool {
    match (filter, state) {
        (StateFilter::Pending, State::Pending) | (StateFilter::Delivered, State::Delivered { .. }) => true,
        (StateFilter::Failed(wanted), State::Failed(reason)) => wanted.is_none_or(|wanted| wanted == reason),
        (StateFilter::Cancelled(wanted), State::Cancelled(reason)) => {
            wanted.is_none_or(|wanted| wanted == reason)
        }
        _ => false,
    }
}

fn place(row: &Row<'_>) -> Result<Place, Failure> {
    Ok(Place {
        key: row::get(row, 0)?,
        lane: row::get(row, 1)?,
        id: row::delivery_id(row, 3)?,
        is_terminal: (1..=3).contains(&row::get::<i64>(row, 4)?),
        leased: row::get::<Option<Vec<u8>>>(row, 7)?.is_some(),
        due_at: row::time_maybe(row, 6)?,
    })
}

fn read(row: &Row<'_>, tenant: &TenantId) -> Result<Found, Failure> {
    // The row that a reference names may be missing. Then the reference is the unreadable field.
    for (there, reference) in [(14, 1), (15, 2)] {
        if row.get_ref(there)? == ValueRef::Null {
            return Err(row::unfit(row, reference));
        }
    }
    row::token_maybe(row, 7)?;
    Ok(Found {
        place: place(row)?,
        sequence: row::get(row, 2)?,
        created_at: row::time(row, 17)?,
        born: row::place(row::get(row, 19)?)?,
        delivery: Delivery {
            id: row::delivery_id(row, 3)?,
            tenant: tenant.clone(),
            event: row::name(row, 15)?,
            kind: row::name(row, 16)?,
            endpoint: row::name(row, 14)?,
            round: Round::from_stored(row::text(row, 8)?).map_err(|_| row::unfit(row, 8))?,
            state: row::state(row::get(row, 4)?, row::text_maybe(row, 5)?)?,
            why: row::text_maybe(row, 18)?.map(str::to_owned),
            due_at: row::time_maybe(row, 6)?,
            born_at: row::time(row, 9)?,
            first_attempt_at: row::time_maybe(row, 10)?,
            attempts: row::count(row, 11)?,
            settled_at: row::time_maybe(row, 12)?,
            test: row::get(row, 13)?,
        },
    })
}

/// One call of `History::attempts`.
pub(super) fn attempts(
    db: &Db<'_>,
    tenant: &TenantId,
    id: &DeliveryId,
) -> Result<Option<AttemptLog>, Failure> {
    let key: Option<i64> = db
        .statement(sql::HISTORY_KEY_OF_ID)?
        .query_row(params![id.as_bytes(), tenant.as_str()], |row| row.get(0))
        .optional()?;
    let Some(key) = key else {
        return Ok(None);
    };
    let mut log = AttemptLog::default();
    let mut statement = db.statement(sql::HISTORY_ATTEMPTS)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        match readable(read_attempt(row))? {
            Ok(attempt) => log.attempts.push(attempt),
            Err(field) => leave_out(db, &mut log, "hookpost_attempt", key, field),
        }
    }
    let mut statement = db.statement(sql::HISTORY_SILENT_LEASES)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        match readable(row::token(row, 0))? {
            Ok(token) => log.silent.push(SilentLease { token, claimed_at: row::time(row, 1)? }),
            Err(field) => leave_out(db, &mut log, "hookpost_silent_lease", key, field),
        }
    }
    Ok(Some(log))
}

fn leave_out(
    db: &Db<'_>,
    log: &mut AttemptLog,
    table: &'static str,
    delivery: i64,
    field: Cow<'static, str>,
) {
    let row = broken(table, &format_args!("of delivery {delivery}"), field);
    db.note(row.clone());
    log.unreadable.push(row);
}

fn read_attempt(row: &Row<'_>) -> Result<RecordedAttempt, Failure> {
    Ok(RecordedAttempt {
        number: row::count(row, 0)?,
        attempt: Attempt {
            token: row::token(row, 1)?,
            began_at: row::time(row, 2)?,
            took: row::span(row, 3)?,
            result: row::result(row::get(row, 4)?, row::text_maybe(row, 5)?)?,
            success: row::get(row, 6)?,
            body: row::get::<Vec<u8>>(row, 7)?.into(),
        },
    })
}
