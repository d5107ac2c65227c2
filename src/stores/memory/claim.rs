//! Claiming: which work is due, of open lanes, within every cap: the tenants in turn, and
//! of each the lanes that wait longest.

use std::collections::VecDeque;
use std::iter::once_with;

use crate::delivery::{Allowance, ClaimRequest, Claims};
use crate::time::Timestamp;

use super::deliveries::Lease;
use super::due::Due;
use super::lanes::{LaneNo, Lanes};
use super::queue::Line;
use super::state::State;

/// What a claim takes: decided on the tables as they stand, before any is changed.
#[derive(Default)]
struct Picked {
    /// The deliveries, with the due times that their leases replace.
    work: Vec<Due>,
    /// The lanes that they are of.
    served: Vec<LaneNo>,
    /// Lanes that were ready too early: a gate is shut, they are full, or nothing is
    /// due.
    vain: Vec<LaneNo>,
    /// The lines that had a turn.
    lines: Vec<Line>,
    /// Whether a due suspect was passed over.
    suspects: bool,
}

/// A line that takes its turns in a claim.
struct Turns<'a> {
    line: Line,
    /// Its ready lanes that had no turn yet.
    lanes: Box<dyn Iterator<Item = LaneNo> + 'a>,
    /// What else is due in those that gave something.
    going_on: VecDeque<Box<dyn Iterator<Item = Due> + 'a>>,
}

impl<'a> Turns<'a> {
    fn of(line: Line, lanes: &'a Lanes, now: Timestamp) -> Self {
        let ready = Box::new(lanes.queue().lanes(&line, now));
        Self { line, lanes: ready, going_on: VecDeque::new() }
    }
}

impl State {
    /// Whether that claim would give something.
    #[cfg(feature = "testing")]
    pub(super) fn could_claim(&self, request: &ClaimRequest) -> bool {
        let suspect = self.first_suspect(request).is_some();
        suspect || !self.pick(request).work.is_empty() || self.unrouted.is_due(request.now)
    }

    /// Leases due work.
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Claims {
        let mut claims = if let Some((lane, suspect)) = self.first_suspect(request) {
            self.take(Picked { work: vec![suspect], served: vec![lane], ..Picked::default() }, request, true)
        } else {
            let picked = self.pick(request);
            let mut claims = self.take(picked, request, false);
            claims.events = self.unrouted.claim(request);
            claims
        };
        claims.next_due = self.next_due();
        claims
    }

    /// The suspect that a caller who is alone gets by itself.
    fn first_suspect(&self, request: &ClaimRequest) -> Option<(LaneNo, Due)> {
        if !request.alone {
            return None;
        }
        let (now, left) = (request.now, Allowance::of(request));
        let open = self.lanes.with_suspects().filter(|(_, row)| {
            self.lanes.gates.let_through(&row.lane, now)
                && row.room(now) > 0
                && left.allows(&row.lane.tenant, row.lane.is_doubtful())
        });
        let due =
            open.filter_map(|(lane, row)| row.first_suspect(now).map(|due| (row.place(lane), lane, due)));
        due.min_by(|(a, ..), (b, ..)| a.cmp(b)).map(|(_, lane, due)| (lane, due))
    }

    /// Goes along the ready lines, each of which gives one delivery in a turn: of its
    /// lanes the one that waits longest, and of every lane one before any gives a second.
    /// It goes round until nothing is left of the request or of them. A tenant thereby
    /// waits for one turn of each other tenant, however many lanes those have, and a
    /// receiver gets no more at once than its part.
    fn pick(&self, request: &ClaimRequest) -> Picked {
        let (mut picked, mut left) = (Picked::default(), Allowance::of(request));
        let mut ready = self.lanes.queue().ready(request.now);
        let mut round = VecDeque::new();
        while left.deliveries() > 0
            && let Some(line) = ready.next(left.takes_doubtful())
        {
            if left.allows(&line.tenant, line.doubtful) {
                picked.lines.push(line.clone());
                let mut turns = Turns::of(line, &self.lanes, request.now);
                if self.take_turn(&mut turns, request, &mut picked, &mut left) {
                    round.push_back(turns);
                }
            }
        }
        while let Some(mut turns) = round.pop_front() {
            if left.allows(&turns.line.tenant, turns.line.doubtful)
                && self.take_turn(&mut turns, request, &mut picked, &mut left)
            {
                round.push_back(turns);
            }
        }
        picked
    }

    /// One turn of a line: a lane that had none yet, or one more of those that have more.
    /// Says whether the line may have something left for another turn.
    fn take_turn<'a>(
        &'a self,
        turns: &mut Turns<'a>,
        request: &ClaimRequest,
        picked: &mut Picked,
        left: &mut Allowance<'_>,
    ) -> bool {
        let now = request.now;
        if let Some(lane) = turns.lanes.next() {
            let row = self.lanes.row(lane);
            let room = if self.lanes.gates.let_through(&row.lane, now) { row.room(now) } else { 0 };
            let early = once_with(move || row.early(now)).flatten();
            let mut due = row.due_and_sound(now).chain(early).take(room);
            let passes_suspects = room > 0 && row.first_suspect(now).is_some();
            picked.suspects |= passes_suspects && !request.alone;
            if let Some(first) = due.next() {
                left.take(&turns.line.tenant, turns.line.doubtful);
                picked.work.push(first);
                picked.served.push(lane);
                turns.going_on.push_back(Box::new(due));
            } else if !passes_suspects {
                picked.vain.push(lane);
            }
            return true;
        }
        while let Some(mut due) = turns.going_on.pop_front() {
            if let Some(next) = due.next() {
                left.take(&turns.line.tenant, turns.line.doubtful);
                picked.work.push(next);
                turns.going_on.push_back(due);
                return true;
            }
        }
        false
    }

    fn take(&mut self, picked: Picked, request: &ClaimRequest, alone: bool) -> Claims {
        let mut claims = Claims { suspects: picked.suspects, ..Claims::default() };
        for (due_at, _, id) in picked.work {
            let lease = Lease {
                token: request.token,
                until: request.lease_until,
                replaced: due_at,
                claimed_at: request.now,
                alone,
            };
            claims.work.extend(self.lease(id, lease));
        }
        for lane in picked.served {
            self.lanes.send_back(lane, request.now);
            claims.lanes.push(self.lanes.row(lane).lane.clone());
        }
        for lane in picked.vain {
            self.lanes.send_back(lane, request.now);
        }
        for line in picked.lines {
            self.lanes.send_line_back(&line, request.now);
        }
        claims
    }
}
