//! Reads the history, and repeats or cancels deliveries.

use std::sync::Arc;

use crate::delivery::CancelReason;
use crate::error::StoreError;
use crate::event::Event;
use crate::history::{
    AttemptLog, DeliveryPage, DeliveryQuery, PageAfter, Replay, Replayed, Selection, Stats,
};
use crate::id::{DeliveryId, EventId, ReplayId, TenantId};

use super::Webhooks;

impl Webhooks {
    /// Looks up one event, as it was published.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.parts.history.event(tenant, id).await
    }

    /// Lists a page of a tenant's deliveries, in the order of their ids. That is the order in
    /// which their events were created, to the millisecond. Deliveries of the same event are
    /// in no particular order, so a replay may come before the delivery that it repeats.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<DeliveryPage, StoreError> {
        let query = DeliveryQuery { tenant: tenant.clone(), selection };
        self.parts.history.deliveries(&query, page).await
    }

    /// Lists the attempts and silent leases of one delivery.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn attempts(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<AttemptLog>, StoreError> {
        self.parts.history.attempts(tenant, id).await
    }

    /// Sends a page of past deliveries again: creates new deliveries of the same events, due
    /// now, whose age and retries count from now. You choose the replay's id: calling twice
    /// under the same id sends once.
    ///
    /// # Errors
    /// If the store fails. Calling again under the same id is safe.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        id: ReplayId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.parts.clock.read().await?;
        let replay = Replay { id, tenant: tenant.clone(), selection, due_at: now, now };
        let _changed = self.nudge_at_the_end();
        self.parts.history.replay(&replay, page).await
    }

    /// Makes a page of pending deliveries due now and ends the engine's hold on their lanes.
    /// It does not end a pause, and it does not extend the retry window or the maximum age.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.parts.clock.read().await?;
        let _changed = self.nudge_at_the_end();
        self.parts.history.expedite(tenant, selection, now, page).await
    }

    /// Cancels a page of pending deliveries. A request in flight is not stopped.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.parts.clock.read().await?;
        // What was next in line behind them can be claimed then.
        let _changed = self.nudge_at_the_end();
        self.parts.history.cancel(tenant, selection, CancelReason::ByHost, now, page).await
    }

    /// Counts events and deliveries, of one tenant or of all.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.parts.history.stats(tenant).await
    }
}
