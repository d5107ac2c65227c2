//! Rate limits that all processes share.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::policy::rate::{Ask, Grant};
use crate::time::Timestamp;

/// Grants request starts: for each limit, in any window of its length, at most its number of
/// starts, over all processes. It is called on the engine's task and must not block its
/// thread. A panic counts as a store error. It must end by itself, like every call of the
/// store, because everything that is sent waits for it.
///
/// **It divides the starts of a limit that several endpoints share**, as [`Limit`] states. To
/// do so it remembers, over all processes, who was refused: the tenants that wait take turns,
/// and the endpoints of a tenant take turns with the tenant's starts, in whatever order they
/// ask. A start for an endpoint that was told to ask again is reserved for it for a moment.
/// The engine holds the lane of a refused endpoint until the refusal's `until`, then asks
/// again.
///
/// [`Limit`]: crate::policy::rate::Limit
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Requests starts for all `asks` together. The result does not depend on their order,
    /// except that the first ask of an endpoint is served before its others. A granted start
    /// is taken from every limit of its ask; otherwise it is taken from none. A granted
    /// request may begin until `start_by`.
    async fn take(&self, asks: &[Ask], now: Timestamp, start_by: Timestamp)
    -> Result<Vec<Grant>, StoreError>;
}
