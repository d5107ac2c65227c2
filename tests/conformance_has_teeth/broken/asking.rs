//! The history, with its faults.

use super::*;

#[async_trait]
impl History for Broken {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        let found = self.store.event(tenant, id).await?.filter(|_| !self.is(Fault::ReadsNoEvents));
        Ok(found.map(|event| self.unmask(&event)))
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        let mut page = self.store.deliveries(query, page).await?;
        for delivery in &mut page.deliveries {
            if self.past().revived.contains(&delivery.id) {
                delivery.state = State::Pending;
            }
            if self.is(Fault::ForgetsWhenItEnded) {
                delivery.settled_at = None;
            }
        }
        if self.is(Fault::ForgetsTheLastOfAPage) && page.more_after.is_some() {
            page.deliveries.pop();
        }
        Ok(page)
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        let mut log = self.store.attempts(&self.tenant_of(tenant, id).await, id).await?;
        let of_it = Selection { ids: Some(vec![*id]), ..Selection::default() };
        let query = DeliveryQuery { tenant: tenant.clone(), selection: of_it };
        let shown = self.store.deliveries(&query, PageAfter::first(1)).await?.deliveries;
        let is_over = shown.iter().any(|delivery| delivery.state.is_terminal());
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::ForgetsSilentLeases) && is_over) {
            log.silent.clear();
        }
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::CutsTimesToMilliseconds)) {
            for recorded in &mut log.attempts {
                recorded.attempt.began_at = cut(recorded.attempt.began_at);
            }
        }
        if let Some(log) = log.as_mut().filter(|_| self.is(Fault::NumbersEveryAttemptOne)) {
            for recorded in &mut log.attempts {
                recorded.number = 1;
            }
        }
        Ok(log)
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        let mut replay = replay.clone();
        if self.is(Fault::RepeatsReplays) {
            self.past().replays += 1;
            replay.id = ReplayId::new(format!("{}-{}", replay.id, self.past().replays)).unwrap();
        }
        self.store.replay(&replay, page).await
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        if self.is(Fault::ExpeditesNothing) {
            return Ok(Replayed::default());
        }
        let expedited = self.store.expedite(tenant, selection, now, page).await?;
        if self.is(Fault::EndsPausesByExpediting) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            for delivery in self.store.deliveries(&query, page).await?.deliveries {
                self.store.gate(&[(Gate::Lane(delivery.endpoint), GateChange::Resume)], now).await?;
            }
        }
        Ok(expedited)
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let mut selection = selection.clone();
        if self.is(Fault::CancelsWhateverItsPlace) {
            selection.born_before = None;
        }
        let selection = &selection;
        let reason = if self.is(Fault::CancelsWhatIsUnderWay) { CancelReason::ByHost } else { reason };
        if self.is(Fault::CancelsOnlyWhatWaits) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            let shown = self.store.deliveries(&query, page).await?.deliveries;
            let leased = |id: &DeliveryId, due| {
                self.past().claims.get(id).is_some_and(|claim| Some(claim.lease_until) == due)
            };
            let waiting = shown.iter().filter(|shown| !leased(&shown.id, shown.due_at)).map(|shown| shown.id);
            let waiting = Selection { ids: Some(waiting.collect()), ..selection.clone() };
            return self.store.cancel(tenant, &waiting, reason, now, page).await;
        }
        if self.is(Fault::SaysItCancelledEverything) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: selection.clone() };
            let shown = self.store.deliveries(&query, page).await?;
            self.store.cancel(tenant, selection, reason, now, page).await?;
            let deliveries = shown.deliveries.iter().map(|delivery| delivery.id).collect();
            return Ok(Replayed { deliveries, more_after: shown.more_after });
        }
        self.store.cancel(tenant, selection, reason, now, page).await
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.store.stats(tenant.filter(|_| !self.is(Fault::CountsAllForEach))).await
    }

    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<LaneStatus>, StoreError> {
        let mut queue = self.store.queue(tenant, endpoint, now).await?;
        let others = self.past().tenants.clone();
        for other in others.iter().filter(|_| self.is(Fault::ReadsOtherTenants)) {
            queue = queue.or(self.store.queue(other, endpoint, now).await?);
        }
        if self.is(Fault::ShowsEveryQueueAsNew) {
            return Ok(queue.map(|_| LaneStatus::default()));
        }
        if let Some(queue) = queue.as_mut().filter(|_| self.is(Fault::ForgetsWhyItDisabled)) {
            queue.disabled = queue.disabled.take().map(|_| Disabled::ByHost);
        }
        Ok(queue)
    }

    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError> {
        let now = if self.is(Fault::ListsGatesThatHaveOpened) { Timestamp::EPOCH } else { now };
        self.store.gates(now, after, limit).await
    }
}
