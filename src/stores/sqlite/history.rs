//! Reading what happened, and asking for it again.

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::{Attempt, CancelReason, Delivery, RecordedAttempt, SilentLease, State};
use crate::delivery::{GateChange, Route};
use crate::id::{DeliveryId, OrderingKey, Round, TenantId};
use crate::seam::{AttemptLog, PageAfter, Replay, Replayed, Selection, StateFilter, Stats};
use crate::time::Timestamp;

use super::arrive::{Origin, Sequence, arrive, unpark_next};
use super::db::Db;
use super::failure::Failure;
use super::gate::change_lane;
use super::lane::{LaneKey, Lanes};
use super::row;
use super::sql;

/// A page looks at more deliveries than it gives where few are selected, but not at
/// more than so many: replays and cancellations hold the file's one write lock.
const LOOKS_MAX: usize = 10_000;

/// A selected delivery with its rows.
pub(super) struct Found {
    key: i64,
    lane: LaneKey,
    sequence: Sequence,
    leased: bool,
    created_at: Timestamp,
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
        limit: page.limit.max(1),
        looks: 0,
        page: Page { found: Vec::new(), more_after: None },
        last: None,
    };
    let after = page.after.as_ref().map_or(&[][..], |id| &id.as_bytes()[..]);
    if let Some(ids) = &selection.ids {
        let mut ids: Vec<_> = ids.iter().filter(|id| &id.as_bytes()[..] > after).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut statement = db.statement(sql::HISTORY_OF_ID)?;
        for id in ids {
            let mut rows = statement.query(params![id.as_bytes(), tenant.as_str()])?;
            if let Some(row) = rows.next()?
                && !search.look(row)?
            {
                break;
            }
        }
    } else if let Some(event) = &selection.event {
        let mut statement = db.statement(sql::HISTORY_OF_EVENT)?;
        let mut rows = statement.query(params![tenant.as_str(), event.as_str(), after])?;
        while let Some(row) = rows.next()?
            && search.look(row)?
        {}
    } else {
        let mut statement = db.statement(sql::HISTORY_OF_TENANT)?;
        let mut rows = statement.query(params![tenant.as_str(), after])?;
        while let Some(row) = rows.next()?
            && search.look(row)?
        {}
    }
    Ok(search.page)
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
    /// Looks at one more delivery; `false` when the page ends before it.
    fn look(&mut self, row: &Row<'_>) -> Result<bool, Failure> {
        if self.page.found.len() == self.limit || self.looks == LOOKS_MAX.max(self.limit) {
            self.page.more_after = self.last;
            return Ok(false);
        }
        self.looks += 1;
        self.last = Some(row::delivery_id(row, 3)?);
        let state = row::state(row.get(4)?, row::text_maybe(row, 5)?)?;
        let created_at = row::time(row, 17)?;
        if self.selects(state, created_at, row::text(row, 14)?, row::text(row, 15)?) {
            self.page.found.push(read(row, self.tenant, state, created_at)?);
        }
        Ok(true)
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

/// One call of `History::replay`.
pub(super) fn replay(db: &Db<'_>, replay: &Replay, page: PageAfter) -> Result<Replayed, Failure> {
    let round = Round::Replay(replay.id.clone());
    let Page { found, more_after } = search(db, &replay.tenant, &replay.selection, page)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { lane, sequence, created_at, delivery: old, .. } in found {
        if old.test || old.round == round {
            continue;
        }
        let (host, width) = {
            let lane = lanes.get(lane)?;
            (lane.host.clone(), lane.width)
        };
        let id = DeliveryId::derive(&old.tenant, &old.event, created_at, &old.endpoint, &round);
        let ordering_key = ordering_key(db, sequence)?;
        let origin = Origin { event: sequence, tenant: &old.tenant, ordering_key: ordering_key.as_ref() };
        let route = Route {
            delivery: id,
            endpoint: old.endpoint,
            host,
            width,
            round: round.clone(),
            due_at: replay.due_at,
            born_at: replay.now,
            test: false,
        };
        if arrive(&mut lanes, db, lane, &origin, &route, None, replay.now)?.is_some() {
            deliveries.push(id);
        }
    }
    lanes.save()?;
    Ok(Replayed { deliveries, more_after })
}

fn ordering_key(db: &Db<'_>, event: Sequence) -> Result<Option<OrderingKey>, Failure> {
    db.statement(sql::HISTORY_ORDERING_KEY)?.query_row([event], |row| Ok(row::name_maybe(row, 0)))?
}

/// One call of `History::expedite`.
pub(super) fn expedite(
    db: &Db<'_>,
    tenant: &TenantId,
    selection: &Selection,
    now: Timestamp,
    page: PageAfter,
) -> Result<Replayed, Failure> {
    let Page { found, more_after } = search(db, tenant, selection, page)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { key, lane, leased, delivery, .. } in found {
        let Some(due_at) = delivery.due_at else {
            continue;
        };
        if leased && due_at > now {
            continue;
        }
        if due_at > now {
            db.statement(sql::HISTORY_EXPEDITE)?.execute(params![key, now.as_micros()])?;
        }
        change_lane(&mut lanes, lane, GateChange::Lift, now)?;
        deliveries.push(delivery.id);
    }
    lanes.save()?;
    Ok(Replayed { deliveries, more_after })
}

/// One call of `History::cancel`.
pub(super) fn cancel(
    db: &Db<'_>,
    tenant: &TenantId,
    selection: &Selection,
    reason: CancelReason,
    now: Timestamp,
    page: PageAfter,
) -> Result<Replayed, Failure> {
    let Page { found, more_after } = search(db, tenant, selection, page)?;
    let mut lanes = Lanes::of(db);
    let mut deliveries = Vec::new();
    for Found { key, lane, delivery, .. } in found {
        if delivery.state.is_terminal() {
            continue;
        }
        let ordering_key: Option<String> = db
            .statement(sql::HISTORY_CANCEL)?
            .query_row(params![key, reason.as_str(), now.as_micros()], |row| row.get(0))?;
        unpark_next(db, lane, ordering_key.as_deref())?;
        lanes.wake(lane, now)?;
        deliveries.push(delivery.id);
    }
    lanes.save()?;
    Ok(Replayed { deliveries, more_after })
}

/// One call of `History::stats`.
pub(super) fn stats(db: &Db<'_>, tenant: Option<&TenantId>) -> Result<Stats, Failure> {
    let tenant = tenant.map(TenantId::as_str);
    let number = |count: i64| u64::try_from(count).map_err(|_| Failure::Stored("count"));
    let of_tenant = |statement| -> Result<Option<i64>, Failure> {
        Ok(db.statement(statement)?.query_row([tenant], |row| row.get(0))?)
    };
    let mut stats = Stats {
        unrouted: number(of_tenant(sql::STATS_UNROUTED)?.unwrap_or(0))?,
        oldest_due: of_tenant(sql::STATS_OLDEST_DUE)?.map(Timestamp::from_micros),
        ..Stats::default()
    };
    for (state, count) in by_state(db, tenant)? {
        let count = number(count)?;
        match state {
            0 => stats.pending = count,
            1 => stats.delivered = count,
            2 => stats.failed = count,
            _ => stats.cancelled = count,
        }
    }
    if tenant.is_none() {
        let all: i64 = db.statement(sql::STATS_DELIVERIES_OF_ALL)?.query_row([], |row| row.get(0))?;
        let terminal = stats.delivered + stats.failed + stats.cancelled;
        stats.pending = number(all)?.saturating_sub(terminal);
    }
    Ok(stats)
}

fn by_state(db: &Db<'_>, tenant: Option<&str>) -> Result<Vec<(i64, i64)>, Failure> {
    let counts = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found = match tenant {
        Some(tenant) => {
            db.statement(sql::STATS_BY_STATE)?.query_map([tenant], counts)?.collect::<Result<_, _>>()
        }
        None => db.statement(sql::STATS_BY_STATE_OF_ALL)?.query_map([], counts)?.collect::<Result<_, _>>(),
    };
    Ok(found?)
}
