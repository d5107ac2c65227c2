//! Endpoints as a host manages them.

use async_trait::async_trait;

use crate::endpoint::{EndpointPage, Put, Write};
use crate::error::StoreError;
use crate::id::{EndpointId, TenantId};
use crate::sequence::Sequence;

/// Writes endpoints. Every call names the tenant. Another tenant's endpoint counts as not
/// found.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Writes an endpoint if `write.expected` holds. The stored version is one more than
    /// before, whatever `endpoint.version` is. The lane's width is set too.
    ///
    /// Writing a new endpoint, or enabling a disabled one, takes the next number of the
    /// store's order for `endpoint.began`: what was published or replayed before has a lower
    /// number, what follows a higher one. Any other write keeps the stored number, whatever
    /// `endpoint.began` is. The `generation.registration` of a new endpoint is a place in that
    /// order too, no later than its `began`, and no later write changes it.
    ///
    /// An id always belongs to its first tenant: while a lane with that id exists, even after
    /// the endpoint was removed, the write of another tenant returns `Conflict`. Otherwise the
    /// deliveries that wait in the lane would be sent to that tenant's URL.
    async fn put(&self, write: &Write) -> Result<Put, StoreError>;

    /// Removes an endpoint and takes the next number of the store's order for the removal:
    /// what was published or replayed before has a lower number, a later registration of the
    /// same id a higher one. Returns that number, or `None` if the endpoint did not exist. A
    /// pause of its lane ends, so that waiting deliveries are claimed and cancelled.
    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError>;

    /// Disables the tenant's endpoint, even if it cannot be read. Returns whether it exists.
    /// The version rises as with every write. The endpoint counts as disabled by the host,
    /// unless the engine disabled it before.
    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError>;

    /// A page of the tenant's endpoints in the order of their ids, after the given id.
    /// Endpoints that cannot be read are returned beside the others. The page holds at most
    /// `limit` of both together.
    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError>;
}
