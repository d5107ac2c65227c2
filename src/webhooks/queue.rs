//! Why an endpoint gets nothing.

use crate::endpoint::Loaded;
use crate::error::StoreError;
use crate::id::{EndpointId, TenantId};
use crate::seam::{Disabled, Queue};

use super::Webhooks;

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
}
