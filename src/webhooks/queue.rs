//! Why an endpoint gets nothing, and how an operator ends that.

use crate::delivery::{Gate, GateChange};
use crate::endpoint::Loaded;
use crate::error::StoreError;
use crate::history::{ClosedGate, Disabled, LaneStatus};
use crate::id::{EndpointId, HostName, TenantId};

use super::{RegisterError, Webhooks};

impl Webhooks {
    /// What holds back an endpoint's deliveries, if anything does: a pause, a hold and its
    /// end, how long it has been failing, or why it was disabled. `None` if the tenant has no
    /// endpoint with that id, or if the endpoint is in a host's own directory and nothing was
    /// ever routed to it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn queue(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<LaneStatus>, StoreError> {
        // One that cannot be read has a queue too: it is what an operator asks about.
        let enabled = match self.load(tenant, id).await? {
            Loaded::Found(endpoint) => endpoint.enabled,
            Loaded::Missing => return Ok(None),
            Loaded::Unreadable(_) => true,
        };
        let now = self.parts.clock.read().await?;
        let mut queue = self.parts.history.queue(tenant, id, now).await?;
        // A host's own directory knows what the store cannot.
        if let Some(queue) = queue.as_mut().filter(|_| !enabled) {
            queue.disabled.get_or_insert(Disabled::ByHost);
        }
        Ok(queue)
    }

    /// Lists the tenants and hosts that are held back now, by a pause or by the engine: first
    /// tenants, then hosts, at most `limit`, beginning after the given gate. For a single
    /// endpoint use [`queue`](Self::queue). The list covers all tenants: it is meant for the
    /// operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn gates(&self, after: Option<&Gate>, limit: usize) -> Result<Vec<ClosedGate>, StoreError> {
        let now = self.parts.clock.read().await?;
        self.parts.history.gates(now, after, limit).await
    }

    /// Ends the engine's hold on an endpoint, but never a pause. Due deliveries are sent now
    /// and, under a profile that catches up ([`OnRecovery`](crate::profile::OnRecovery)),
    /// those that wait for a retry too. If the receiver still fails or asks for a delay, its
    /// next answer holds the endpoint again.
    ///
    /// # Errors
    /// If there is no such endpoint, or if the store fails.
    pub async fn lift(&self, tenant: &TenantId, id: &EndpointId) -> Result<(), RegisterError> {
        self.gate_endpoint(tenant, id, GateChange::Lift).await
    }

    /// Ends the engine's hold on a tenant as a whole, as listed by [`gates`](Self::gates), but
    /// never a pause. The holds of its endpoints remain: [`lift`](Self::lift) ends each of
    /// them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lift_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.gate(Gate::Tenant(tenant.clone()), GateChange::Lift).await
    }

    /// Ends the engine's hold on a host as a whole, as listed by [`gates`](Self::gates), for
    /// every tenant. The holds of its endpoints remain.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lift_host(&self, host: &HostName) -> Result<(), StoreError> {
        self.gate(Gate::Host(host.clone()), GateChange::Lift).await
    }
}
