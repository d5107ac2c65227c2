//! Leasing due work: ready lanes in the order of their waiting, from each what is due
//! and fits; and events to route, tenant by tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Row, params};

use crate::delivery::{Claim, ClaimRequest, Claims, SUSPECT_AFTER, SilentLease};
use crate::event::Event;
use crate::id::{DeliveryId, Round, TenantId};
use crate::time::Timestamp;

use super::arrive::Sequence;
use super::claim_events::claim_events;
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes};
use super::publish::Share;
use super::row;
use super::sql;

/// A claim looks into at most so many lanes, so that ten thousand that turn out to
/// be held are moved in several short transactions.
const VISITS_MAX: usize = 1024;

/// One call of `Store::claim`; `last_tenant` is whose event was claimed last.
pub(super) fn claim(
    db: &Db<'_>,
    request: &ClaimRequest,
    last_tenant: &mut Option<TenantId>,
) -> Result<Claims, Failure> {
    let mut claiming = Claiming {
        db,
        request,
        lanes: Lanes::of(db),
        turn: last_turn(db, request.now)?,
        share: Share::of(request),
        events: BTreeMap::new(),
        served: Vec::new(),
        claims: Claims::default(),
    };
    let suspect_alone = request.alone && claiming.take_suspect()?;
    if !suspect_alone {
        claiming.visit_ready_lanes()?;
        claiming.claims.events = claim_events(db, request, last_tenant)?;
    }
    let claims = claiming.finish()?;
    Ok(Claims { next_due: next_due(db)?, ..claims })
}

/// The event that a row number stands for.
pub(super) fn event(db: &Db<'_>, sequence: Sequence) -> Result<Arc<Event>, Failure> {
    db.statement(sql::EVENT_BY_SEQUENCE)?.query_row([sequence], |row| Ok(row::event(row)))?
}

fn next_due(db: &Db<'_>) -> Result<Option<Timestamp>, Failure> {
    let first = |statement| -> Result<Option<i64>, Failure> {
        Ok(db.statement(statement)?.query_row([], |row| row.get(0))?)
    };
    let (lane, event) = (first(sql::CLAIM_NEXT_DUE_LANE)?, first(sql::CLAIM_NEXT_DUE_EVENT)?);
    Ok(lane.into_iter().chain(event).min().map(Timestamp::from_micros))
}

fn last_turn(db: &Db<'_>, now: Timestamp) -> Result<i64, Failure> {
    Ok(db.statement(sql::CLAIM_LAST_TURN)?.query_row([now.as_micros()], |row| row.get(0))?)
}

struct Claiming<'a, 'c> {
    db: &'a Db<'c>,
    request: &'a ClaimRequest,
    lanes: Lanes<'a, 'c>,
    /// The last turn that was given to a lane.
    turn: i64,
    share: Share<'a>,
    events: BTreeMap<Sequence, Arc<Event>>,
    served: Vec<LaneKey>,
    claims: Claims,
}

/// A due delivery as its row stands, with the lease counted that has just lapsed.
struct Due {
    row: i64,
    id: DeliveryId,
    event: Sequence,
    round: Round,
    test: bool,
    since: Timestamp,
    lapsed: Option<SilentLease>,
    silent: u32,
    silent_alone: u32,
    attempts: u32,
    first_attempt_at: Option<Timestamp>,
    born_at: Timestamp,
}

impl Claiming<'_, '_> {
    /// Takes the first due suspect by itself; says whether there was one.
    fn take_suspect(&mut self) -> Result<bool, Failure> {
        let mut statement = self.db.statement(sql::CLAIM_SUSPECTS)?;
        let mut rows = statement.query(params![self.request.now.as_micros(), SUSPECT_AFTER])?;
        while let Some(row) = rows.next()? {
            let (delivery, key): (i64, LaneKey) = (row.get(0)?, row.get(1)?);
            let free = self.lanes.free(key, self.request.now)?;
            if self.shut(key)?.is_some() || free == 0 || self.share_of(key)? == 0 {
                continue;
            }
            let (found, _) = self.due_in(key, |due| due.row == delivery, 1)?;
            if let Some(suspect) = found.into_iter().next() {
                self.lease(key, suspect, true)?;
                self.send_to_the_back(key, free == 1)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn visit_ready_lanes(&mut self) -> Result<(), Failure> {
        let mut statement = self.db.statement(sql::CLAIM_READY_LANES)?;
        let mut ready = statement.query([self.request.now.as_micros()])?;
        let mut visits = 0;
        while let Some(row) = ready.next()? {
            if self.share.deliveries == 0 || visits == VISITS_MAX {
                break;
            }
            if self.share.of_tenant(&row::name(row, 1)?) > 0 {
                self.visit(row.get(0)?)?;
                visits += 1;
            }
        }
        Ok(())
    }

    /// Takes from a lane what is due and fits, and gives the lane its new place. One
    /// that may give nothing more to this request keeps its place.
    fn visit(&mut self, key: LaneKey) -> Result<(), Failure> {
        if let Some(shut) = self.shut(key)? {
            self.lanes.get(key)?.ready_at = shut.until;
            return Ok(());
        }
        let share = self.share_of(key)?;
        if share == 0 {
            return Ok(());
        }
        let free = self.lanes.free(key, self.request.now)?;
        let (found, suspects) = self.due_in(key, |due| due.silent < SUSPECT_AFTER, free.min(share))?;
        let (full, served) = (found.len() == free, !found.is_empty());
        for due in found {
            self.lease(key, due, false)?;
        }
        self.claims.suspects |= suspects && !self.request.alone;
        if served || !suspects { self.send_to_the_back(key, full) } else { Ok(()) }
    }

    /// A served lane, or one that had nothing to give, is ready when it next has
    /// something: now at the earliest, which is behind all that wait already. A full
    /// one is ready at the end of its first lease, unless a settlement wakes it before.
    fn send_to_the_back(&mut self, key: LaneKey, full: bool) -> Result<(), Failure> {
        let now = self.request.now;
        let lease_end = if full { self.lanes.first_lease_end(key, now)? } else { None };
        let ready_at = match lease_end {
            Some(end) => Some(end),
            None => self.lanes.earliest(key)?.map(|earliest| earliest.max(now)),
        };
        self.turn = self.turn.saturating_add(1);
        self.lanes.send_back(key, ready_at, self.turn)
    }

    /// Whether the lane's own hold or its tenant's or host's keeps it shut now.
    fn shut(&mut self, key: LaneKey) -> Result<Option<Shut>, Failure> {
        let gates = self.lanes.gates(key)?;
        if gates.tenant_paused {
            return Ok(Some(Shut { until: None }));
        }
        let until = self.lanes.get(key)?.held_until.max(gates.held_until);
        Ok(until.filter(|until| *until > self.request.now).map(|until| Shut { until: Some(until) }))
    }

    fn share_of(&mut self, key: LaneKey) -> Result<usize, Failure> {
        let lane = self.lanes.get(key)?;
        Ok(self.share.of_lane(&lane.tenant, lane.is_doubtful()))
    }

    /// The first `room` due deliveries of a lane that `wanted` lets pass, and whether it
    /// held one back.
    fn due_in(
        &self,
        key: LaneKey,
        wanted: impl Fn(&Due) -> bool,
        room: usize,
    ) -> Result<(Vec<Due>, bool), Failure> {
        let mut found = Vec::new();
        let mut held_back = false;
        if room == 0 {
            return Ok((found, held_back));
        }
        let mut statement = self.db.statement(sql::CLAIM_DUE)?;
        let mut rows = statement.query(params![key, self.request.now.as_micros()])?;
        while let Some(row) = rows.next()? {
            let due = Due::read(row)?;
            if !wanted(&due) {
                held_back = true;
                continue;
            }
            found.push(due);
            if found.len() == room {
                break;
            }
        }
        Ok((found, held_back))
    }

    fn lease(&mut self, key: LaneKey, due: Due, alone: bool) -> Result<(), Failure> {
        let request = self.request;
        if let Some(silent) = due.lapsed {
            self.db.statement(sql::CLAIM_SILENT_LEASE)?.execute(params![
                due.row,
                silent.claimed_at.as_micros(),
                silent.token.as_bytes()
            ])?;
        }
        self.db.statement(sql::CLAIM_LEASE)?.execute(params![
            due.row,
            request.token.as_bytes(),
            request.lease_until.as_micros(),
            due.since.as_micros(),
            request.now.as_micros(),
            alone,
            due.silent,
            due.silent_alone,
        ])?;
        let lane = self.lanes.get(key)?;
        self.share.take(&lane.tenant, lane.is_doubtful(), due.test);
        let endpoint = lane.endpoint.clone();
        if !self.served.contains(&key) {
            self.served.push(key);
        }
        let event = self.event(due.event)?;
        self.claims.work.push(Claim {
            delivery: due.id,
            event,
            endpoint,
            round: due.round,
            token: request.token,
            lease_until: request.lease_until,
            due_at: due.since,
            born_at: due.born_at,
            first_attempt_at: due.first_attempt_at,
            attempts: due.attempts,
            silent: due.silent,
            silent_alone: due.silent_alone,
            lapsed: due.lapsed.is_some(),
            test: due.test,
        });
        Ok(())
    }

    /// An event, read once however many of its deliveries are claimed.
    fn event(&mut self, sequence: Sequence) -> Result<Arc<Event>, Failure> {
        if let Some(event) = self.events.get(&sequence) {
            return Ok(Arc::clone(event));
        }
        let event = event(self.db, sequence)?;
        self.events.insert(sequence, Arc::clone(&event));
        Ok(event)
    }

    fn finish(mut self) -> Result<Claims, Failure> {
        self.lanes.save()?;
        for key in self.served {
            self.claims.lanes.push(self.lanes.get(key)?.clone());
        }
        Ok(self.claims)
    }
}

/// A lane yields nothing until then; `None`: until a resume.
struct Shut {
    until: Option<Timestamp>,
}

impl Due {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        let token = row::token_maybe(row, 6)?;
        let claimed_at = row::time_maybe(row, 7)?;
        let lapsed = token.zip(claimed_at).map(|(token, claimed_at)| SilentLease { token, claimed_at });
        let was_alone: bool = row.get(8)?;
        Ok(Self {
            row: row.get(0)?,
            id: row::delivery_id(row, 1)?,
            event: row.get(2)?,
            round: Round::from_stored(row::text(row, 3)?)?,
            test: row.get(4)?,
            since: row::time(row, 5)?,
            lapsed,
            silent: row::count(row, 9)?.saturating_add(u32::from(lapsed.is_some())),
            silent_alone: row::count(row, 10)?.saturating_add(u32::from(lapsed.is_some() && was_alone)),
            attempts: row::count(row, 11)?,
            first_attempt_at: row::time_maybe(row, 12)?,
            born_at: row::time(row, 13)?,
        })
    }
}
