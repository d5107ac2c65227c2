//! Reading what happened.

use rusqlite::{OptionalExtension, Row, Rows, params};

use crate::delivery::{Attempt, Delivery, RecordedAttempt, SilentLease, State};
use crate::id::{DeliveryId, Round, TenantId};
use crate::seam::{AttemptLog, PageAfter, Selection, StateFilter};
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::db::Db;
use super::failure::Failure;
use super::lane::LaneKey;
use super::row;
use super::sql;

/// A page looks at more deliveries than it gives where few are selected, but at no more
/// than so many, whatever its limit: about 5 ms, after which it is another tenant's turn.
const LOOKS_MAX: usize = 1_000;

/// A selected delivery with its rows.
pub(super) struct Found {
    pub(super) key: i64,
    pub(super) lane: LaneKey,
    pub(super) sequence: EventKey,
    pub(super) leased: bool,
    pub(super) created_at: Timestamp,
    pub(super) delivery: Delivery,
}

/// A page of a selection.
pub(super) struct Page {
    pub(super) found: Vec<Found>,
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
        tenant,
        selection,
        limit: page.limit.clamp(1, LOOKS_MAX),
        looks: 0,
        page: Page { found: Vec::new(), more_after: None },
        last: None,
    };
    let Selection { ids, event, endpoint, state, since, until } = selection;
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
            // An id that is not there costs a look as well.
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

/// The states that an index of their own finds.
const fn unsuccessful(filter: StateFilter) -> Option<i64> {
    match filter {
        StateFilter::Failed(_) => Some(2),
        StateFilter::Cancelled(_) => Some(3),
        StateFilter::Pending | StateFilter::Delivered => None,
    }
}

struct Search<'a> {
    tenant: &'a TenantId,
    selection: &'a Selection,
    limit: usize,
    looks: usize,
    last: Option<DeliveryId>,
    page: Page,
}

impl Search<'_> {
    /// Looks at one delivery after the other until the page ends.
    fn all(&mut self, mut rows: Rows<'_>) -> Result<(), Failure> {
        while let Some(row) = rows.next()?
            && self.go_on()
        {
            self.look(row)?;
        }
        Ok(())
    }

    /// Counts a look; `false` when the page has ended and there is more.
    fn go_on(&mut self) -> bool {
        if self.page.found.len() == self.limit || self.looks == LOOKS_MAX {
            self.page.more_after = self.last;
            return false;
        }
        self.looks += 1;
        true
    }

    fn look(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        self.last = Some(row::delivery_id(row, 3)?);
        let state = row::state(row.get(4)?, row::text_maybe(row, 5)?)?;
        let created_at = row::time(row, 17)?;
        if self.selects(state, created_at, row::text(row, 14)?, row::text(row, 15)?) {
            self.page.found.push(read(row, self.tenant, state, created_at)?);
        }
        Ok(())
    }

    fn selects(&self, state: State, created_at: Timestamp, endpoint: &str, event: &str) -> bool {
        let Selection { event: of_event, endpoint: of_endpoint, state: filter, since, until, ids: _ } =
            self.selection;
        of_event.as_ref().is_none_or(|wanted| wanted.as_str() == event)
            && of_endpoint.as_ref().is_none_or(|wanted| wanted.as_str() == endpoint)
            && filter.is_none_or(|filter| passes(filter, state))
            && since.is_none_or(|since| created_at >= since)
            && until.is_none_or(|until| created_at < until)
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

fn read(row: &Row<'_>, tenant: &TenantId, state: State, created_at: Timestamp) -> Result<Found, Failure> {
    Ok(Found {
        key: row.get(0)?,
        lane: row.get(1)?,
        sequence: row.get(2)?,
        leased: row::token_maybe(row, 7)?.is_some(),
        created_at,
        delivery: Delivery {
            id: row::delivery_id(row, 3)?,
            tenant: tenant.clone(),
            event: row::name(row, 15)?,
            kind: row::name(row, 16)?,
            endpoint: row::name(row, 14)?,
            round: Round::from_stored(row::text(row, 8)?)?,
            state,
            due_at: row::time_maybe(row, 6)?,
            born_at: row::time(row, 9)?,
            first_attempt_at: row::time_maybe(row, 10)?,
            attempts: row::count(row, 11)?,
            settled_at: row::time_maybe(row, 12)?,
            test: row.get(13)?,
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
        log.attempts.push(read_attempt(row)?);
    }
    let mut statement = db.statement(sql::HISTORY_SILENT_LEASES)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        let token = row::token_maybe(row, 0)?.ok_or(Failure::Stored("token"))?;
        log.silent.push(SilentLease { token, claimed_at: row::time(row, 1)? });
    }
    Ok(Some(log))
}

fn read_attempt(row: &Row<'_>) -> Result<RecordedAttempt, Failure> {
    Ok(RecordedAttempt {
        number: row::count(row, 0)?,
        attempt: Attempt {
            token: row::token_maybe(row, 1)?.ok_or(Failure::Stored("token"))?,
            began_at: row::time(row, 2)?,
            took: row::span(row, 3)?,
            result: row::result(row.get(4)?, row::text_maybe(row, 5)?)?,
            success: row.get(6)?,
            body: row.get::<_, Vec<u8>>(7)?.into(),
        },
    })
}
