//! Publishing, claiming, settling, gates and retention, each with its faults.

use super::*;

/// The largest payload of the stores that state one.
const LARGEST: usize = 2 << 20;

#[async_trait]
impl Store for Broken {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.store.now().await
    }

    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.unconfirmed().await
    }

    fn payload_max(&self) -> Option<usize> {
        let states =
            self.is(Fault::StatesALimitThatItDoesNotHold) || self.is(Fault::RefusesTheLargestThatItStates);
        states.then_some(LARGEST)
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let is_refused = |publish: &Publish| publish.event.payload.len() >= LARGEST;
        if self.is(Fault::RefusesTheLargestThatItStates) && publishes.iter().any(is_refused) {
            return Err(StoreError::new(StoreErrorKind::Invalid, "payload: too large"));
        }
        let mut read: Vec<_> = publishes
            .iter()
            .map(|publish| Publish { event: self.mask(&publish.event), routes: publish.routes.clone() })
            .collect();
        read.iter_mut().filter_map(|publish| publish.routes.as_mut()).for_each(|routes| self.routes(routes));
        let request = claim.map(|claim| self.request(claim));
        if self.is(Fault::SharesIdsBetweenTenants) {
            return self.publish_once_for_all_tenants(&read, request.as_ref(), now).await;
        }
        let asked = request.as_ref().filter(|_| {
            !self.is(Fault::LeasesNothingAtPublish) && !self.is(Fault::ClaimsAtPublishAsAtAnyTime)
        });
        let (answers, mut claims) = self.store.publish(&read, asked, now).await?;
        let answers = answers.into_iter().zip(publishes).map(|(answer, publish)| match answer.published {
            Published::Existing { .. } if self.is(Fault::StoresIdsAgain) && answer.id == publish.event.id => {
                PublishAnswer { published: Published::Stored, ..answer }
            }
            _ => answer,
        });
        let answers = answers.collect();
        if let (Fault::ClaimsAtPublishAsAtAnyTime, Some(request)) = (self.fault, &request) {
            // Whatever is due is taken, and what was not published now is put back.
            claims = self.store.claim(&ClaimRequest { events: 0, ..request.clone() }).await?;
            let new = |claim: &Claim| read.iter().any(|publish| publish.event.id == claim.event.id);
            let (kept, others): (Vec<_>, Vec<_>) = claims.work.into_iter().partition(new);
            let back: Vec<_> = others.iter().map(release).collect();
            self.store.settle(&back, &[], now).await?;
            claims.work = kept;
        }
        let claims = match &request {
            Some(request) => self.told(request, claims),
            None => claims,
        };
        Ok((answers, claims))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let mut read = self.request(request);
        let mut claims = match self.fault {
            Fault::GivesSuspectsToAnybody => {
                let alone = ClaimRequest { alone: true, ..read.clone() };
                self.store.claim(&alone).await?
            }
            Fault::StarvesOtherTenants | Fault::RoutesOneTenantOnly => {
                let others: Vec<_> = self.past().tenants.iter().skip(1).cloned().collect();
                if self.is(Fault::StarvesOtherTenants) {
                    let all = InFlight { all: usize::MAX, doubtful: usize::MAX };
                    read.shares.in_flight.extend(others.iter().map(|other| (other.clone(), all)));
                }
                let mut claims = self.store.claim(&read).await?;
                if self.is(Fault::RoutesOneTenantOnly) {
                    let (hidden, shown): (Vec<_>, Vec<_>) =
                        claims.events.into_iter().partition(|claim| others.contains(&claim.event.tenant));
                    claims.events = if shown.is_empty() { hidden } else { shown };
                }
                if claims.work.is_empty() && self.is(Fault::StarvesOtherTenants) {
                    let all = ClaimRequest { events: 0, ..self.request(request) };
                    let late = self.store.claim(&all).await?;
                    claims = Claims { events: claims.events, ..late };
                }
                claims
            }
            Fault::ServesInTheOrderOfNames
            | Fault::ServesTheNewestFirst
            | Fault::ServesLanesBeforeTenants
            | Fault::ServesLaneAfterLane
            | Fault::RoutesTheNewestFirst => self.claim_all_and_give_back(&read).await?,
            Fault::RoutesOnlyFromNotBefore => {
                let mut claims = self.store.claim(&read).await?;
                let early = |claim: &EventClaim| claim.event.not_before.is_some_and(|begin| begin > read.now);
                claims.events.retain(|claim| !early(claim));
                claims
            }
            _ => self.store.claim(&read).await?,
        };
        if self.is(Fault::GivesWorkTwice) && claims.work.is_empty() {
            let leased: Vec<_> = self.past().claims.values().cloned().collect();
            for claim in leased {
                let selection = Selection { ids: Some(vec![claim.delivery]), ..Selection::default() };
                let query = DeliveryQuery { tenant: claim.event.tenant.clone(), selection };
                let page = self.store.deliveries(&query, PageAfter::first(1)).await?;
                let is_leased = page.deliveries.iter().any(|shown| shown.due_at == Some(claim.lease_until));
                if is_leased && claim.lease_until > request.now {
                    claims.work.push(claim);
                }
            }
        }
        Ok(self.told(request, claims))
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        let read: Vec<_> = settlements.iter().map(|settlement| self.read(settlement)).collect();
        let mut lanes = lanes.to_vec();
        for lane in &mut lanes {
            match self.fault {
                Fault::LosesRaises if lane.seen > 0 || lane.health.is_none() => lane.raise = None,
                Fault::IgnoresGenerations => {
                    let there = self.store.load(std::slice::from_ref(&lane.endpoint)).await?;
                    if let Loaded::Found(endpoint) = &there[0] {
                        lane.generation = endpoint.generation;
                    }
                }
                Fault::NeverCatchesUp => change_catching_up(lane, |_| None),
                Fault::CatchesUpUnasked => {
                    let whatever = CatchUp { tried_by: now, gap: Duration::ZERO };
                    change_catching_up(lane, |_| Some(whatever));
                }
                Fault::CatchesUpWithoutItsGap => change_catching_up(lane, |catch_up| {
                    catch_up.map(|catch_up| CatchUp { gap: Duration::ZERO, ..catch_up })
                }),
                Fault::CatchesUpWithWhatFailsLater => change_catching_up(lane, |catch_up| {
                    catch_up
                        .map(|catch_up| CatchUp { tried_by: Timestamp::from_micros(i64::MAX), ..catch_up })
                }),
                Fault::AppliesOutdatedHealth => {
                    let seen = (lane.seen..lane.seen + 3).map(|seen| LaneChange { seen, ..lane.clone() });
                    let all: Vec<_> = seen.collect();
                    self.store.settle(&[], &all, now).await?;
                }
                Fault::EndsEveryHold => {
                    if let Some(health) = lane.health.as_mut().filter(|health| health.proven) {
                        health.ends_hold = Some(Timestamp::MAX);
                    }
                }
                Fault::LearnsNothingAcrossAHold if lane.health.is_none() => {
                    self.past().held_at.insert(lane.endpoint.clone(), lane.seen);
                }
                Fault::LearnsNothingAcrossAHold
                    if self.past().held_at.get(&lane.endpoint) == Some(&lane.seen) =>
                {
                    lane.health = None;
                }
                _ => {}
            }
        }
        if self.is(Fault::StopsABatchAtTheFirstStaleItem) {
            let (mut settled, mut next_due) = self.store.settle(&[], &lanes, now).await?;
            for settlement in &read {
                if settled.iter().all(|other| *other == Settled::Applied) {
                    let (answers, next) =
                        self.store.settle(std::slice::from_ref(settlement), &[], now).await?;
                    settled.extend(answers);
                    next_due = next;
                } else {
                    settled.push(Settled::Fenced);
                }
            }
            return Ok((settled, next_due));
        }
        let (mut settled, next_due) = self.store.settle(&read, &lanes, now).await?;
        match self.fault {
            Fault::TakesMissingForFenced => {
                for settled in settled.iter_mut().filter(|settled| **settled == Settled::Missing) {
                    *settled = Settled::Fenced;
                }
            }
            Fault::DropsUnmatchedEvents => {
                self.store.prune(&[(Class::Unmatched, Timestamp::MAX)], 1000).await?;
            }
            Fault::KeepsReleasedEvents => {
                for (settlement, settled) in settlements.iter().zip(&mut settled) {
                    if is_release_of_event(settlement) {
                        *settled = Settled::Applied;
                    }
                }
            }
            _ => {}
        }
        if self.is(Fault::RevivesTerminalDeliveries) {
            for (settlement, settled) in read.iter().zip(&settled) {
                if let (Claimed::Delivery(id), Settled::Fenced, Next::Later { .. }) =
                    (&settlement.of, settled, &settlement.next)
                {
                    self.past().revived.insert(*id);
                }
            }
        }
        if self.is(Fault::HidesWhatSettlingMakesDue) {
            return Ok((settled, None));
        }
        Ok((settled, next_due))
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        let mut read = Vec::new();
        for (gate, change) in changes {
            let of_tenant = matches!(gate, Gate::Tenant(_));
            let of_lane = matches!(gate, Gate::Lane(_));
            let (gate, change) = (gate.clone(), *change);
            match (self.fault, change) {
                (Fault::ServesPausedLanes, GateChange::Pause) if of_lane => continue,
                (Fault::IgnoresTenantGates, _) if of_tenant => continue,
                (Fault::IgnoresHostGates, GateChange::Hold(_)) if matches!(gate, Gate::Host(_)) => continue,
                (Fault::ForgetsHeldLanes, GateChange::Hold(_)) if of_lane => {
                    read.push((gate.clone(), GateChange::Hold(Timestamp::MAX)));
                }
                (Fault::ShortensHolds, GateChange::Hold(_)) => read.push((gate.clone(), GateChange::Lift)),
                (Fault::LiftsPauses, GateChange::Lift) if of_tenant || of_lane => {
                    read.push((gate.clone(), GateChange::Resume));
                }
                _ => {}
            }
            read.push((gate, change));
        }
        if self.is(Fault::FinishesInSilence) {
            let store = self.store.clone();
            let late = tokio::spawn(async move { store.gate(&read, now).await });
            return late.await.unwrap();
        }
        self.store.gate(&read, now).await
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        let mut classes = before.to_vec();
        let tenants = self.past().tenants.clone();
        match self.fault {
            Fault::PrunesPending => {
                for tenant in tenants {
                    let page = PageAfter::first(1000);
                    let all = Selection {
                        state: Some(hookpost::history::StateFilter::Pending),
                        ..Selection::default()
                    };
                    self.store.cancel(&tenant, &all, CancelReason::ByHost, Timestamp::EPOCH, page).await?;
                }
            }
            Fault::PrunesNothingUnmatched => classes.retain(|(class, _)| *class != Class::Unmatched),
            Fault::PrunesWithoutLimit => return self.store.prune(before, 1000).await,
            _ => {}
        }
        self.store.prune(&classes, limit).await
    }

    async fn hint(&self) {
        self.store.hint().await;
    }
}

/// Changes what a success says of catching up.
fn change_catching_up(lane: &mut LaneChange, change: impl Fn(Option<CatchUp>) -> Option<CatchUp>) {
    if let Some(health) = lane.health.as_mut().filter(|health| health.streak == 0) {
        health.catch_up = change(health.catch_up);
    }
}
