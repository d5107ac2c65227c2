//! Why an endpoint gets nothing, and how an operator ends it.

use crate::delivery::{Gate, GateChange};
use crate::endpoint::Loaded;
use crate::error::StoreError;
use crate::history::{ClosedGate, Disabled, Queue};
use crate::id::{EndpointId, HostName, TenantId};

use super::{RegisterError, Webhooks};

impl Webhooks {
    /// What holds an endpoint's deliveries back, if anything does: a pause, a hold and
    /// its end, how long it has been failing, or why it was disabled. `None` if the
    /// tenant has none of that id, or has it in a directory of the host's own and nothing
    /// was ever routed to it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn queue(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Queue>, StoreError> {
        // One that cannot be read has a queue too: it is what an operator asks about.
        let enabled = match self.load(tenant, id).await? {
            Loaded::Found(endpoint) => endpoint.enabled,
            Loaded::Missing => return Ok(None),
            Loaded::Unreadable(_) => true,
        };
        let now = self.shared.read_clock().await?;
        let mut queue = self.shared.history.queue(tenant, id, now).await?;
        // A host's own directory knows what the store cannot.
        if let Some(queue) = queue.as_mut().filter(|_| !enabled) {
            queue.disabled.get_or_insert(Disabled::ByHost);
        }
        Ok(queue)
    }

    /// The tenants and hosts that are held back now, by a pause or by the engine: tenants
    /// first, then hosts, at most `limit` after that gate. What holds one endpoint,
    /// [`queue`](Self::queue) says. This tells of all tenants: it is for the operator.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gates(&self, after: Option<&Gate>, limit: usize) -> Result<Vec<ClosedGate>, StoreError> {
        let now = self.shared.read_clock().await?;
        self.shared.history.gates(now, after, limit).await
    }

    /// Ends the engine's hold on an endpoint, never a pause: what is due is sent now, and
    /// under a profile that catches up ([`OnRecovery`](crate::profile::OnRecovery)) what
    /// waits for a retry too. A receiver that still fails or asks for a wait holds it again
    /// with its next answer.
    ///
    /// # Errors
    /// When there is no such endpoint, or the store fails.
    pub async fn lift(&self, tenant: &TenantId, id: &EndpointId) -> Result<(), RegisterError> {
        self.gate_endpoint(tenant, id, GateChange::Lift).await
    }

    /// Ends the engine's hold on a tenant as a whole, as [`gates`](Self::gates) lists it, never a
    /// pause. The holds of its endpoints stay: [`lift`](Self::lift) ends each of these.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lift_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.gate(Gate::Tenant(tenant.clone()), GateChange::Lift).await
    }

    /// Ends the engine's hold on a host as a whole, as [`gates`](Self::gates) lists it, for every
    /// tenant. The holds of endpoints at it stay.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lift_host(&self, host: &HostName) -> Result<(), StoreError> {
        self.gate(Gate::Host(host.clone()), GateChange::Lift).await
    }
}
