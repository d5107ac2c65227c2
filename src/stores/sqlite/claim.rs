//! Leases due work: tenants take turns, and the ready lanes of each come in the order in which they
//! have waited. Leases events to route too, tenant by tenant.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::params;

use crate::delivery::{Allowance, Claim, ClaimRequest, Claims, SUSPECT_AFTER};
use crate::event::Event;
use crate::id::TenantId;
use crate::time::Timestamp;

use super::claim_due::{Due, DueRows, PUT_OFF_FOR, Read};
use super::claim_events::claim_events;
use super::claim_turns::{ReadyLines, Turns};
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes};
use super::lane_line::{LaneLine, first_ready};
use super::sql;

/// The most lanes that one claim examines. Ten thousand lanes that prove to be held are moved in
/// several short transactions.
const VISITS_MAX: usize = 1024;

/// The turns that carry over from one claim of this process to the next.
#[derive(Default)]
pub(super) struct LastTurns {
    /// The tenant whose event was claimed last. The next claim begins after that tenant.
    pub(super) event_tenant: Option<TenantId>,
    /// The last turn that was given to a lane or a line. Turns order those that are ready at
    /// exactly the same moment, so they may restart with the process.
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
        rows: DueRows::at(db, request.now),
        served: Vec::new(),
        lines: Vec::new(),
        visits: 0,
        claims: Claims::default(),
    };
    let suspect_alone = request.alone && claiming.take_suspect()?;
    if !suspect_alone {
        claiming.serve_ready_lines()?;
        let leased = claim_events(db, request, &mut last.event_tenant)?;
        (claiming.claims.events, claiming.claims.found) = (leased.events, leased.found);
    }
    let claims = claiming.finish(&mut last.lane)?;
    Ok(Claims { next_due: next_due(db)?, ..claims })
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
    rows: DueRows<'a, 'c>,
    /// Lanes that gave a delivery, and lanes that had none.
    served: Vec<Serving>,
    /// Lines that had a turn.
    lines: Vec<LaneLine>,
    /// How many lanes were examined.
    visits: usize,
    claims: Claims,
}

/// A lane that this claim takes from.
pub(super) struct Serving {
    key: LaneKey,
    /// How many more leases the lane's width allows.
    free: usize,
    read: Read,
}

impl Claiming<'_, '_> {
    /// Takes only the first due suspect; returns whether there was one.
    fn take_suspect(&mut self) -> Result<bool, Failure> {
        let mut statement = self.db.statement(sql::CLAIM_SUSPECTS)?;
        let mut rows = statement.query(params![self.request.now.as_micros(), SUSPECT_AFTER])?;
        while let Some(row) = rows.next()? {
            let (delivery, key): (i64, LaneKey) = (row.get(0)?, row.get(1)?);
            if !self.lanes.is_readable(key)? {
                continue;
            }
            let free = self.lanes.free(key, self.request.now)?;
            if self.shut(key)?.is_some() || free == 0 || !self.allows(key)? {
                continue;
            }
            let mut read = self.rows.of_lane(key, |due| due.row == delivery, 1)?;
            if let Some(suspect) = read.due.pop_front()
                && let Some(event) = self.rows.event_of(&suspect)?
            {
                self.lease(key, suspect, event, true)?;
                self.served.push(Serving { key, free: free - 1, read });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Visits the ready lines in turn, and takes one delivery per turn. Repeats until the request
    /// is full or no line has more.
    fn serve_ready_lines(&mut self) -> Result<(), Failure> {
        let mut ready = ReadyLines::at(self.request.now);
        // The number of ready lines determines each line's part of the request. That many deliveries
        // of a line are read at once.
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

    /// The next ready line from which the request allows a delivery.
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

    /// Takes one turn of a line: one delivery of the longest waiting lane that has had no turn yet,
    /// or else another one of a lane that has more. Returns whether the line may have more.
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

    /// Takes the first delivery of a lane. A lane without one is moved to its new place.
    fn visit(&mut self, key: LaneKey, part: usize) -> Result<Option<Serving>, Failure> {
        if !self.lanes.is_readable(key)? {
            self.lanes.put_off(key, self.request.now + PUT_OFF_FOR)?;
            return Ok(None);
        }
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

    /// Takes a lane's next delivery, if it has one and the request allows it. If rows have to be
    /// read for that, they are read for the lane's whole part.
    fn take_next(&mut self, lane: &mut Serving, part: usize) -> Result<bool, Failure> {
        if lane.free == 0 {
            return Ok(false);
        }
        loop {
            if lane.read.due.is_empty() && lane.read.more {
                let room = part.min(lane.free);
                lane.read = self.read(lane.key, room)?;
                self.claims.suspects |= lane.read.passed_over && !self.request.alone;
            }
            let Some(due) = lane.read.due.pop_front() else { return Ok(false) };
            if let Some(event) = self.rows.event_of(&due)? {
                self.lease(lane.key, due, event, false)?;
                lane.free -= 1;
                return Ok(true);
            }
            if !self.rows.may_put_off() {
                lane.read.more = true;
                return Ok(false);
            }
        }
    }

    fn read(&mut self, key: LaneKey, room: usize) -> Result<Read, Failure> {
        let mut read = self.rows.of_lane(key, |due| due.silent < SUSPECT_AFTER, room)?;
        if let Some(catch_up) = self.lanes.early(key)? {
            let is_probe = self.lanes.get(key)?.is_sick();
            self.rows.early(key, catch_up, is_probe, &mut read, room)?;
        }
        Ok(read)
    }

    /// Moves a lane that was served, or that had nothing to give. It becomes ready when it next has
    /// a delivery; if that is now, it goes behind all lanes that wait already. A full lane is
    /// ready at the end of its first lease, unless a settlement makes it ready earlier.
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

    /// Whether a hold of the lane, its tenant or its host, or a pause, keeps it closed now.
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

    fn lease(&mut self, key: LaneKey, due: Due, event: Arc<Event>, alone: bool) -> Result<(), Failure> {
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

/// A closed lane. It gives nothing before `until`; `None` means before a resume.
struct Shut {
    until: Option<Timestamp>,
}
