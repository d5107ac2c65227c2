//! Publishing: stores each event once, and leases the deliveries that a claim would return.

use std::collections::{BTreeMap, BTreeSet};

use crate::delivery::{Allowance, Claim, ClaimRequest, Claims, Publish, PublishAnswer, Published, Route};
use crate::id::DeliveryId;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::deliveries::{Lease, Phase, Row};
use super::events::Admission;
use super::lanes::LaneNo;
use super::state::State;

/// The results of one publish call.
#[derive(Default)]
struct Born {
    deliveries: Vec<DeliveryId>,
    /// The lanes of the new deliveries, each with whether nothing else was due in it before: older
    /// work goes first.
    idle: BTreeMap<LaneNo, bool>,
    /// The lanes of the leased deliveries.
    leased: BTreeSet<LaneNo>,
    /// Whether a doubtful lane was ready before. Its turn comes first: otherwise constant
    /// publishing would use every slot that doubtful lanes may have.
    doubtful_waited: bool,
    /// When the first delivery that is not leased is due.
    next_due: Option<Timestamp>,
}

impl Born {
    fn wait(&mut self, due_at: Option<Timestamp>) {
        self.next_due = self.next_due.into_iter().chain(due_at).min();
    }
}

impl State {
    /// Stores events, and leases those of their deliveries that a claim would return.
    pub(super) fn publish(
        &mut self,
        publishes: &[Publish],
        request: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> (Vec<PublishAnswer>, Claims) {
        let doubtful_waited = self.lanes.queue().doubtful_waits(now);
        let mut born = Born { doubtful_waited, ..Born::default() };
        let answers = publishes.iter().map(|publish| self.store(publish, &mut born, now)).collect();
        let mut claims = Claims::default();
        let mut left = request.map(Allowance::of);
        for id in std::mem::take(&mut born.deliveries) {
            let leased = request.zip(left.as_mut());
            match leased.and_then(|(request, left)| self.lease_newborn(id, request, left, &mut born)) {
                Some(claim) => claims.work.push(claim),
                None => born.wait(self.deliveries.get(&id).and_then(Row::due_at)),
            }
        }
        for (&lane, &idle) in &born.idle {
            if idle {
                self.lanes.settle_in(lane, now);
            }
        }
        // A delivery that waited alone in a sick lane may be its probe now.
        let touched = born.idle.keys().map(|lane| &self.lanes.row(*lane).lane);
        let sick = touched.filter(|lane| lane.is_sick()).filter_map(|lane| lane.ready_at).min();
        born.wait(sick);
        claims.lanes = born.leased.iter().map(|lane| self.lanes.row(*lane).lane.clone()).collect();
        claims.next_due = born.next_due;
        (answers, claims)
    }

    fn store(&mut self, publish: &Publish, born: &mut Born, now: Timestamp) -> PublishAnswer {
        let event = &publish.event;
        let holds = |routes: &&[Route]| !self.unrouted.blocks(event) && !self.is_outdated(routes);
        let routes = publish.routes.as_deref().filter(holds);
        let has_room = !self.is_full_for(routes.map_or(1, <[_]>::len));
        let sequence = match self.events.admit(event, has_room) {
            Admission::New(sequence) => sequence,
            Admission::Existing(existing) => {
                let same_content = existing.same_content(event);
                let published = Published::Existing { same_content };
                return PublishAnswer { id: existing.id.clone(), published };
            }
            Admission::Refused => {
                let published = Published::Full { limit: self.capacity as u64 };
                return PublishAnswer { id: event.id.clone(), published };
            }
        };
        if let Some(routes) = routes {
            let born_before = born.deliveries.len();
            for route in routes {
                let lane = self.lanes.lane_of(&event.tenant, route);
                let ready_at = self.lanes.row(lane).lane.ready_at;
                born.idle.entry(lane).or_insert(ready_at.is_none_or(|ready_at| ready_at > now));
                if self.add_delivery(event, sequence, Sequence::from_number(sequence), lane, route, now) {
                    born.deliveries.push(route.delivery);
                }
            }
            self.events.gained(event, born.deliveries.len() - born_before, true);
        } else if self.unrouted.add(event.clone(), sequence, now) {
            born.wait(Some(now));
        }
        PublishAnswer { id: event.id.clone(), published: Published::Stored }
    }

    /// Whether an endpoint's id was registered again after an event was routed to it.
    fn is_outdated(&self, routes: &[Route]) -> bool {
        let of_now = |route: &Route| Some(self.endpoints.get(&route.endpoint)?.generation.registration);
        routes.iter().any(|route| route.is_outdated_by(of_now(route)))
    }

    /// Leases a new delivery if a claim would. A test ping is leased only by its own publish call,
    /// whatever the state of its lane.
    fn lease_newborn(
        &mut self,
        id: DeliveryId,
        request: &ClaimRequest,
        left: &mut Allowance<'_>,
        born: &mut Born,
    ) -> Option<Claim> {
        let now = request.now;
        let row = self.deliveries.get(&id)?;
        let Phase::Waiting { due_at } = row.phase else { return None };
        let lane = self.lanes.row(row.lane);
        if row.test {
            if left.deliveries() == 0 {
                return None;
            }
            left.take_test();
        } else {
            let (tenant, doubtful) = (&lane.lane.tenant, lane.lane.is_doubtful());
            let waits = doubtful && born.doubtful_waited;
            let first_in_line = !waits && born.idle.get(&row.lane).copied().unwrap_or(false);
            let open = self.lanes.gates.let_through(&lane.lane, now) && lane.room(now) > 0;
            if due_at > now || !first_in_line || !open || !left.allows(tenant, doubtful) {
                return None;
            }
            left.take(tenant, doubtful);
        }
        born.leased.insert(row.lane);
        let lease = Lease {
            token: request.token,
            until: request.lease_until,
            replaced: due_at,
            claimed_at: now,
            alone: false,
        };
        self.lease(id, lease)
    }
}
