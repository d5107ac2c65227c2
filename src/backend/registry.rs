//! Endpoints as a host manages them.

use async_trait::async_trait;

use crate::endpoint::{EndpointPage, Put, Write};
use crate::error::StoreError;
use crate::id::{EndpointId, TenantId};
use crate::sequence::Sequence;

/// Writes endpoints. Every call names the tenant: another tenant's endpoint is not
/// found, never forbidden.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Writes an endpoint if `write.expected` holds. The stored version is one more
    /// than before, whatever `endpoint.version` says. The lane's width follows.
    ///
    /// A write of a new endpoint, and one that enables a disabled endpoint, takes the next
    /// number of the store's order for `endpoint.began`: what was published or replayed
    /// before has a lower one, what follows a higher one. Any other write keeps the number
    /// that is there, whatever `endpoint.began` says. A new endpoint's
    /// `generation.registration` is a place in that order too, no later than where it begins,
    /// and no later write changes it.
    ///
    /// An id stays its first tenant's: while a lane of that id is there, another tenant's
    /// write answers `Conflict`, also after the endpoint was removed. What waits in the
    /// lane would go to that tenant's URL.
    async fn put(&self, write: &Write) -> Result<Put, StoreError>;

    /// Removes an endpoint and takes the next number of the store's order for that: what was
    /// published or replayed before has a lower one, and a later registration of the same id
    /// a higher one. Answers that number, or `None` where the endpoint was not there. Its
    /// lane's pause ends with it, so that what waits is claimed and cancelled.
    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError>;

    /// Disables the tenant's endpoint, also one that cannot be read; says whether it was
    /// there. Its version rises as with every write. It counts as disabled by the host,
    /// unless the engine had disabled it before.
    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError>;

    /// A page of the tenant's endpoints in the order of their ids, after that id, with
    /// those that cannot be read beside the others: at most `limit` of both.
    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError>;
}
