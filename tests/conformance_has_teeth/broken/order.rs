//! Serving in an order that is not the contract's.

use super::*;

impl Broken {
    /// Claims all that is due, keeps what this store likes best, and gives the rest
    /// back.
    pub(super) async fn claim_all_and_give_back(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let (deliveries, events) = if self.is(Fault::RoutesTheNewestFirst) {
            (request.deliveries, 1000)
        } else {
            (1000, request.events)
        };
        let mut claims = self.store.claim(&ClaimRequest { deliveries, events, ..request.clone() }).await?;
        match self.fault {
            Fault::ServesLaneAfterLane => self.sort_by_lane(&mut claims),
            Fault::ServesInTheOrderOfNames => claims.work.sort_by_key(|claim| claim.endpoint.clone()),
            Fault::ServesLanesBeforeTenants => {
                claims.work.sort_by_key(|claim| (claim.due_at, claim.endpoint.clone()));
            }
            Fault::ServesTheNewestFirst => {
                claims.work.sort_by_key(|claim| std::cmp::Reverse((claim.due_at, claim.event.id.clone())));
            }
            _ => claims.events.sort_by_key(|claim| std::cmp::Reverse(claim.event.id.clone())),
        }
        let work = claims.work.split_off(claims.work.len().min(request.deliveries));
        let events = claims.events.split_off(claims.events.len().min(request.events));
        let events = events.iter().map(|claim| Settlement {
            token: claim.token,
            of: Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone()),
            at: request.now,
            next: Next::Release,
            attempt: None,
        });
        let back: Vec<_> = work.iter().map(release).chain(events).collect();
        self.store.settle(&back, &[], request.now).await?;
        self.note_turns(&claims);
        let served = |lane: &Lane| claims.work.iter().any(|claim| claim.endpoint == lane.endpoint);
        claims.lanes.retain(served);
        if !back.is_empty() {
            claims.next_due = Some(request.now);
        }
        Ok(claims)
    }

    /// Puts what is of one lane together; the lane that was served longest ago goes first.
    fn sort_by_lane(&self, claims: &mut Claims) {
        let place = |claim: &Claim| claims.lanes.iter().position(|lane| lane.endpoint == claim.endpoint);
        let turns = &self.past().turns;
        claims.work.sort_by_key(|claim| (turns.get(&claim.endpoint), place(claim)));
    }

    fn note_turns(&self, claims: &Claims) {
        let turns = &mut self.past().turns;
        let turn = turns.values().max().map_or(0, |last| last + 1);
        turns.extend(claims.work.iter().map(|claim| (claim.endpoint.clone(), turn)));
    }
}
