//! Claiming: which work is due, of open lanes, within every cap: the lanes that wait
//! longest first, in turn.

use std::collections::{BTreeMap, HashSet};
use std::iter::once_with;

use crate::delivery::{ClaimRequest, Claims};
use crate::id::TenantId;
use crate::policy::lane::Lane;

use super::deliveries::Lease;
use super::due::Due;
use super::lanes::LaneNo;
use super::state::State;

/// What a request still allows.
pub(super) struct Allowance<'a> {
    deliveries: usize,
    doubtful: usize,
    per_tenant: usize,
    taken: BTreeMap<TenantId, usize>,
    skip: HashSet<&'a TenantId>,
}

impl<'a> Allowance<'a> {
    pub(super) fn of(request: &'a ClaimRequest) -> Self {
        Self {
            deliveries: request.deliveries,
            doubtful: request.doubtful,
            per_tenant: request.per_tenant,
            taken: BTreeMap::new(),
            skip: request.skip_tenants.iter().collect(),
        }
    }

    /// How many deliveries more, of any lane.
    pub(super) const fn deliveries(&self) -> usize {
        self.deliveries
    }

    /// How many deliveries more of that lane.
    pub(super) fn room(&self, lane: &Lane) -> usize {
        if self.skip.contains(&lane.tenant) {
            return 0;
        }
        let taken = self.taken.get(&lane.tenant).copied().unwrap_or(0);
        let doubtful = if lane.is_doubtful() { self.doubtful } else { usize::MAX };
        self.deliveries.min(self.per_tenant.saturating_sub(taken)).min(doubtful)
    }

    /// One delivery of that lane is taken.
    pub(super) fn take(&mut self, lane: &Lane) {
        self.deliveries = self.deliveries.saturating_sub(1);
        if let Some(taken) = self.taken.get_mut(&lane.tenant) {
            *taken += 1;
        } else {
            self.taken.insert(lane.tenant.clone(), 1);
        }
        if lane.is_doubtful() {
            self.doubtful = self.doubtful.saturating_sub(1);
        }
    }

    /// A test ping counts against the whole and nothing else.
    pub(super) const fn take_test(&mut self) {
        self.deliveries = self.deliveries.saturating_sub(1);
    }
}

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
    /// Whether a due suspect was passed over.
    suspects: bool,
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
            self.lanes.gates.let_through(&row.lane, now) && row.room(now) > 0 && left.room(&row.lane) > 0
        });
        let due =
            open.filter_map(|(lane, row)| row.first_suspect(now).map(|due| (row.place(lane), lane, due)));
        due.min_by(|(a, ..), (b, ..)| a.cmp(b)).map(|(_, lane, due)| (lane, due))
    }

    /// Goes along the ready lanes and takes one delivery of each, then goes round those
    /// that have more, until nothing is left of the request or of them. A receiver
    /// thereby gets no more at once than its part, and a lane that is ready alone its
    /// whole width.
    fn pick(&self, request: &ClaimRequest) -> Picked {
        let now = request.now;
        let (mut picked, mut left) = (Picked::default(), Allowance::of(request));
        let mut going_on = Vec::new();
        let mut walk = self.lanes.walk(now);
        while left.deliveries() > 0
            && let Some((place, line)) = walk.step()
        {
            let row = self.lanes.row(place.lane);
            if left.room(&row.lane) == 0 {
                continue;
            }
            walk.follow(place, line);
            let room = if self.lanes.gates.let_through(&row.lane, now) { row.room(now) } else { 0 };
            let catching_up = once_with(move || row.catching_up(now)).flatten();
            let mut due = row.due_and_sound(now).chain(catching_up).take(room);
            let passes_suspects = room > 0 && row.first_suspect(now).is_some();
            picked.suspects |= passes_suspects && !request.alone;
            if let Some(first) = due.next() {
                left.take(&row.lane);
                picked.work.push(first);
                picked.served.push(place.lane);
                going_on.push((&row.lane, due));
            } else if !passes_suspects {
                picked.vain.push(place.lane);
            }
        }
        while !going_on.is_empty() {
            going_on.retain_mut(|(lane, due)| {
                let next = if left.room(lane) > 0 { due.next() } else { None };
                next.is_some_and(|next| {
                    left.take(lane);
                    picked.work.push(next);
                    true
                })
            });
        }
        picked
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
        claims
    }
}
