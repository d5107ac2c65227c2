//! Claims due work from lanes that are open, within all limits. Tenants take turns; of one
//! tenant, the lanes that have waited longest come first.

use std::collections::VecDeque;
use std::iter::once_with;

use crate::delivery::{Allowance, ClaimRequest, Claims};
use crate::time::Timestamp;

use super::deliveries::Lease;
use super::due::Due;
use super::lanes::{LaneNo, Lanes};
use super::queue::Line;
use super::state::State;

/// What a claim takes. It is decided before any table changes.
#[derive(Default)]
struct Picked {
    /// The deliveries, with the due times that their leases replace.
    work: Vec<Due>,
    /// The lanes of these deliveries.
    served: Vec<LaneNo>,
    /// Lanes that were ready too early: a gate is closed, they are full, or nothing in them is
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
    /// Its ready lanes that have had no turn yet.
    lanes: Box<dyn Iterator<Item = LaneNo> + 'a>,
    /// For each lane that gave a delivery, what else is due in it.
    going_on: VecDeque<Box<dyn Iterator<Item = Due> + 'a>>,
}

impl<'a> Turns<'a> {
    fn of(line: Line, lanes: &'a Lanes, now: Timestamp) -> Self {
        let ready = Box::new(lanes.queue().lanes(&line, now));
        Self { line, lanes: ready, going_on: VecDeque::new() }
    }
}

impl State {
    /// Whether this claim would return work.
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

    /// The suspect to return alone, for a caller that has nothing else in flight.
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

    /// Visits the ready lines in turn, and takes one delivery per turn. Within a line, the lane
    /// that has waited longest comes first, and each lane gives one delivery before any gives a
    /// second. This repeats until the request is full or no line has more. So a tenant waits for
    /// one turn of each other tenant, however many lanes those have, and no receiver gets more
    /// than its share at once.
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

    /// Takes one turn of a line: one delivery of a lane that has had no turn yet, or else another
    /// one of a lane that has more. Returns whether the line may have more for another turn.
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
