//! Leasing due work: of the ready lanes, the tenants in turn and of each the longest
//! waiting first, what is due and fits; and events to route, tenant by tenant.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rusqlite::{Row, params};

use crate::delivery::{Allowance, Claim, ClaimRequest, Claims, SUSPECT_AFTER, SilentLease};
use crate::event::Event;
use crate::id::{DeliveryId, Round, TenantId};
use crate::policy::lane::CATCH_UP_LOOKS;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::claim_events::claim_events;
use super::claim_turns::{ReadyLines, Turns};
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes};
use super::lane_line::{LaneLine, first_ready};
use super::row;
use super::sql;

/// A claim looks into at most so many lanes, so that ten thousand that turn out to
/// be held are moved in several short transactions.
const VISITS_MAX: usize = 1024;

/// Whose turn it is, from one claim of this process to the next.
#[derive(Default)]
pub(super) struct LastTurns {
    /// Whose event was claimed last: the next claim begins after that tenant.
    pub(super) event_tenant: Option<TenantId>,
    /// The last turn that a lane or a line was given. Turns order those that are ready at
    /// the very same moment, so they need not outlive the process.
    lane: i64,
}

/// One call of `Store::claim`.
pub(super) fn claim(db: &Db<'_>, request: &ClaimRequest, last: &mut LastTurns) -> Result<Claims, Failure> {
    let mut claiming = Claiming {
        db,
        request,
        lanes: Lanes::of(db),
        turn: last.lane,
        left: Allowance::of(request),
        events: BTreeMap::new(),
        served: Vec::new(),
        lines: Vec::new(),
        visits: 0,
        claims: Claims::default(),
    };
    let suspect_alone = request.alone && claiming.take_suspect()?;
    if !suspect_alone {
        claiming.serve_ready_lines()?;
        claiming.claims.events = claim_events(db, request, &mut last.event_tenant)?;
    }
    let claims = claiming.finish(&mut last.lane)?;
    Ok(Claims { next_due: next_due(db)?, ..claims })
}

/// The event that a row number stands for.
pub(super) fn event(db: &Db<'_>, sequence: EventKey) -> Result<Arc<Event>, Failure> {
    db.statement(sql::EVENT_BY_SEQUENCE)?.query_row([sequence], |row| Ok(row::event(row)))?
}

/// When the first lane is ready or the first event is to be routed.
pub(super) fn next_due(db: &Db<'_>) -> Result<Option<Timestamp>, Failure> {
    let event: Option<i64> = db.statement(sql::CLAIM_NEXT_DUE_EVENT)?.query_row([], |row| row.get(0))?;
    let lanes = [first_ready(db, false)?, first_ready(db, true)?];
    Ok(lanes.into_iter().flatten().chain(event.map(Timestamp::from_micros)).min())
}

struct Claiming<'a, 'c> {
    db: &'a Db<'c>,
    request: &'a ClaimRequest,
    lanes: Lanes<'a, 'c>,
    /// The last turn that was given to a lane.
    turn: i64,
    left: Allowance<'a>,
    events: BTreeMap<EventKey, Arc<Event>>,
    /// Lanes that gave something, and all that they had.
    served: Vec<Serving>,
    /// Lines that had a turn.
    lines: Vec<LaneLine>,
    /// How many lanes were looked into.
    visits: usize,
    claims: Claims,
}

/// A lane that this claim takes from.
pub(super) struct Serving {
    key: LaneKey,
    /// How many more leases fit into it.
    free: usize,
    read: Read,
}

/// What is due in a lane, as far as it was read.
struct Read {
    due: VecDeque<Due>,
    /// Whether there is more.
    more: bool,
    /// Whether something that comes before was passed over.
    passed_over: bool,
}

impl Read {
    const NOTHING: Self = Self { due: VecDeque::new(), more: true, passed_over: false };

    /// Whether something is due beside what was taken.
    fn leaves_some(&self) -> bool {
        self.more || self.passed_over || !self.due.is_empty()
    }
}

/// A due delivery as its row stands, with the lease counted that has just lapsed.
struct Due {
    row: i64,
    id: DeliveryId,
    event: EventKey,
    round: Round,
    test: bool,
    since: Timestamp,
    lapsed: Option<SilentLease>,
    silent: u32,
    silent_alone: u32,
    attempts: u32,
    first_attempt_at: Option<Timestamp>,
    born_at: Timestamp,
    born: Sequence,
}

impl Claiming<'_, '_> {
    /// Takes the first due suspect by itself; says whether there was one.
    fn take_suspect(&mut self) -> Result<bool, Failure> {
        let mut statement = self.db.statement(sql::CLAIM_SUSPECTS)?;
        let mut rows = statement.query(params![self.request.now.as_micros(), SUSPECT_AFTER])?;
        while let Some(row) = rows.next()? {
            let (delivery, key): (i64, LaneKey) = (row.get(0)?, row.get(1)?);
            let free = self.lanes.free(key, self.request.now)?;
            if self.shut(key)?.is_some() || free == 0 || !self.allows(key)? {
                continue;
            }
            let mut read = self.due_in(key, |due| due.row == delivery, 1)?;
            if let Some(suspect) = read.due.pop_front() {
                self.lease(key, suspect, true)?;
                self.served.push(Serving { key, free: free - 1, read });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes along the ready lines, each of which gives one delivery in a turn, and goes
    /// round until nothing is left of the request or of them.
    fn serve_ready_lines(&mut self) -> Result<(), Failure> {
        let mut ready = ReadyLines::at(self.request.now);
        // How many lines are ready tells what part of the request falls to each, and that
        // is read of a line at once.
        let at_least = self.left.deliveries().min(VISITS_MAX);
        let mut first = VecDeque::new();
        while first.len() < at_least
            && let Some(turns) = self.next_line(&mut ready, at_least)?
        {
            first.push_back(turns);
        }
        let mut round = VecDeque::new();
        loop {
            let next = match first.pop_front() {
                Some(turns) => Some(turns),
                None => self.next_line(&mut ready, at_least)?.or_else(|| round.pop_front()),
            };
            let Some(mut turns) = next else { break };
            let part = self.left.deliveries().div_ceil(1 + first.len() + round.len());
            if part > 0 && self.visits < VISITS_MAX && self.take_turn(&mut turns, part)? {
                round.push_back(turns);
            } else {
                self.served.extend(turns.going_on);
            }
        }
        Ok(())
    }

    /// The next ready line that the request allows something of.
    fn next_line(&mut self, ready: &mut ReadyLines, at_least: usize) -> Result<Option<Turns>, Failure> {
        if self.left.deliveries() == 0 || self.visits == VISITS_MAX {
            return Ok(None);
        }
        while let Some(line) = ready.next(self.db, self.left.takes_doubtful(), at_least)? {
            if self.left.allows(&line.tenant, line.doubtful) {
                return Ok(Some(Turns::of(line)));
            }
        }
        Ok(None)
    }

    /// One turn of a line: of its lanes the longest waiting one that had no turn yet, or
    /// one more of those that have more. Says whether the line may have something left.
    fn take_turn(&mut self, turns: &mut Turns, part: usize) -> Result<bool, Failure> {
        if !self.left.allows(&turns.line.tenant, turns.line.doubtful) {
            return Ok(false);
        }
        if !turns.had_one {
            turns.had_one = true;
            self.lines.push(turns.line.clone());
        }
        if let Some(key) = turns.next_lane(self.db, self.request.now, part)? {
            self.visits += 1;
            let of_lane = part.div_ceil(1 + turns.lanes());
            turns.going_on.extend(self.visit(key, of_lane)?);
            return Ok(true);
        }
        while let Some(mut lane) = turns.going_on.pop_front() {
            let of_lane = part.div_ceil(1 + turns.lanes());
            if self.take_next(&mut lane, of_lane)? {
                turns.going_on.push_back(lane);
                return Ok(true);
            }
            self.served.push(lane);
        }
        Ok(false)
    }

    /// Takes the first delivery of a lane. One that has none gets its new place.
    fn visit(&mut self, key: LaneKey, part: usize) -> Result<Option<Serving>, Failure> {
        if let Some(shut) = self.shut(key)? {
            self.lanes.get(key)?.ready_at = shut.until;
            return Ok(None);
        }
        let free = self.lanes.free(key, self.request.now)?;
        let mut lane = Serving { key, free, read: Read::NOTHING };
        if self.take_next(&mut lane, part)? {
            return Ok(Some(lane));
        }
        if !lane.read.passed_over {
            self.send_to_the_back(&lane)?;
        }
        Ok(None)
    }

    /// Takes a lane's next delivery, if it has one and the request allows it. What has to
    /// be read for that is read for the lane's whole part.
    fn take_next(&mut self, lane: &mut Serving, part: usize) -> Result<bool, Failure> {
        if lane.free == 0 {
            return Ok(false);
        }
        if lane.read.due.is_empty() && lane.read.more {
            let room = part.min(lane.free);
            lane.read = self.due_in(lane.key, |due| due.silent < SUSPECT_AFTER, room)?;
            self.catch_up_in(lane.key, &mut lane.read, room)?;
            self.claims.suspects |= lane.read.passed_over && !self.request.alone;
        }
        let Some(due) = lane.read.due.pop_front() else { return Ok(false) };
        self.lease(lane.key, due, false)?;
        lane.free -= 1;
        Ok(true)
    }

    /// A served lane, or one that had nothing to give, is ready when it next has
    /// something: now at the earliest, which is behind all that wait already. A full
    /// one is ready at the end of its first lease, unless a settlement wakes it before.
    fn send_to_the_back(&mut self, lane: &Serving) -> Result<(), Failure> {
        let now = self.request.now;
        let lease_end = if lane.free == 0 { self.lanes.first_lease_end(lane.key, now)? } else { None };
        let ready_at = match lease_end {
            Some(end) => Some(end),
            None if lane.read.leaves_some() => Some(now),
            None => self.lanes.first_sendable(lane.key)?.map(|first| first.max(now)),
        };
        self.turn = self.turn.saturating_add(1);
        self.lanes.send_back(lane.key, ready_at, self.turn)
    }

    /// Whether the lane's own hold or its tenant's or host's keeps it shut now.
    fn shut(&mut self, key: LaneKey) -> Result<Option<Shut>, Failure> {
        let gates = self.lanes.gates(key, self.request.now)?;
        if gates.tenant_paused {
            return Ok(Some(Shut { until: None }));
        }
        let until = self.lanes.get(key)?.held_until.max(gates.held_until);
        Ok(until.filter(|until| *until > self.request.now).map(|until| Shut { until: Some(until) }))
    }

    fn allows(&mut self, key: LaneKey) -> Result<bool, Failure> {
        let lane = self.lanes.get(key)?;
        Ok(self.left.allows(&lane.tenant, lane.is_doubtful()))
    }

    /// The first `room` due deliveries of a lane that `wanted` lets pass.
    fn due_in(&self, key: LaneKey, wanted: impl Fn(&Due) -> bool, room: usize) -> Result<Read, Failure> {
        let mut read = Read { due: VecDeque::new(), more: false, passed_over: false };
        let mut statement = self.db.statement(sql::CLAIM_DUE)?;
        let mut rows = statement.query(params![key, self.request.now.as_micros()])?;
        while let Some(row) = rows.next()? {
            if read.due.len() == room {
                read.more = true;
                break;
            }
            let due = Due::read(row)?;
            if wanted(&due) {
                read.due.push_back(due);
            } else {
                read.passed_over = true;
            }
        }
        Ok(read)
    }

    /// After what is due in a lane that catches up, what waits for a retry there, in the
    /// order of its due times. Of very many it is those that were tried longest ago.
    fn catch_up_in(&mut self, key: LaneKey, read: &mut Read, room: usize) -> Result<(), Failure> {
        let Some(catch_up) = self.lanes.get(key)?.catch_up else { return Ok(()) };
        if read.more || read.due.len() == room {
            read.more = true;
            return Ok(());
        }
        let now = self.request.now;
        let mut waiting = self.db.statement(sql::CLAIM_CATCH_UP)?;
        let by = catch_up.tried_by(now);
        let looks = i64::try_from(CATCH_UP_LOOKS).unwrap_or(i64::MAX);
        let places = waiting.query_map(params![key, by.as_micros(), now.as_micros(), looks], |row| {
            Ok::<(i64, EventKey, Vec<u8>, i64), _>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let mut places = places.collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        let mut one = self.db.statement(sql::CLAIM_OF_KEY)?;
        let left = room - read.due.len();
        read.more = places.len() > left;
        for (.., row) in places.into_iter().take(left) {
            read.due.push_back(one.query_row([row], |row| Ok(Due::read(row)))??);
        }
        Ok(())
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
        self.left.take(&lane.tenant, lane.is_doubtful());
        let endpoint = lane.endpoint.clone();
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
            born: due.born,
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
    fn event(&mut self, sequence: EventKey) -> Result<Arc<Event>, Failure> {
        if let Some(event) = self.events.get(&sequence) {
            return Ok(Arc::clone(event));
        }
        let event = event(self.db, sequence)?;
        self.events.insert(sequence, Arc::clone(&event));
        Ok(event)
    }

    fn finish(mut self, last_turn: &mut i64) -> Result<Claims, Failure> {
        let served = std::mem::take(&mut self.served);
        for lane in &served {
            self.send_to_the_back(lane)?;
        }
        self.lanes.save()?;
        for line in std::mem::take(&mut self.lines) {
            self.turn = self.turn.saturating_add(1);
            line.send_back(self.db, self.request.now, self.turn)?;
        }
        *last_turn = self.turn;
        for lane in served {
            self.claims.lanes.push(self.lanes.get(lane.key)?.clone());
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
            born: row::sequence(row, 14)?,
        })
    }
}
