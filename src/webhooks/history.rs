//! Looking back, and doing it again.

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
    /// One event, as it was published.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.shared.history.event(tenant, id).await
    }

    /// A page of a tenant's deliveries, in the order of their ids: that of their events'
    /// creation, to the millisecond. Deliveries of one event stand in no order of time, so
    /// that a replay may come before what it repeats.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<DeliveryPage, StoreError> {
        let query = DeliveryQuery { tenant: tenant.clone(), selection };
        self.shared.history.deliveries(&query, page).await
    }

    /// What is recorded of one delivery.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn attempts(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<AttemptLog>, StoreError> {
        self.shared.history.attempts(tenant, id).await
    }

    /// Sends a page of past deliveries again, as new deliveries of the same events
    /// with clocks of their own, due now. The replay's id is the caller's: asking
    /// twice under one id sends once.
    ///
    /// # Errors
    /// When the store fails; asking again under the same id is safe.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        id: ReplayId,
        selection: Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.shared.read_clock().await?;
        let replay = Replay { id, tenant: tenant.clone(), selection, due_at: now, now };
        let _changed = self.nudge_at_the_end();
        self.shared.history.replay(&replay, page).await
    }

    /// Makes a page of pending deliveries due now and lifts the engine's hold from
    /// their lanes. It does not end a pause and does not lengthen a life.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.shared.read_clock().await?;
        let _changed = self.nudge_at_the_end();
        self.shared.history.expedite(tenant, selection, now, page).await
    }

    /// Cancels a page of pending deliveries. A request in flight is not recalled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let now = self.shared.read_clock().await?;
        // What was next in line behind them can be claimed then.
        let _changed = self.nudge_at_the_end();
        self.shared.history.cancel(tenant, selection, CancelReason::ByHost, now, page).await
    }

    /// Counts, of one tenant or of all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        self.shared.history.stats(tenant).await
    }
}
