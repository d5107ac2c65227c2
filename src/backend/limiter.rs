//! Rate limits that all processes share.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::policy::rate::{Ask, Grant};
use crate::time::Timestamp;

/// Grants request starts: for each limit, in any window of its length, at most its
/// number of starts, over all processes. It is called on the engine's task and must not
/// block its thread; a panic counts as an error of the store. As each call of the store, it
/// must come to its end by itself: all that is sent waits for it.
///
/// **It divides the starts of a limit that several share**, as [`Limit`] states. It therefore
/// remembers who was refused, over all processes: the tenants among those who wait take
/// turns, and the endpoints of a tenant take turns with its starts, in whatever order they
/// ask. What falls to one that was told to ask again is kept for it for a moment. The engine
/// holds the lane of an endpoint that was refused until the refusal's `until`, then asks
/// again.
///
/// [`Limit`]: crate::policy::rate::Limit
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Asks for starts, together: what falls to one does not depend on the order, except
    /// that of the asks of one endpoint the first is served first. A granted start is taken
    /// from every limit of its ask or from none. It may begin until `start_by`.
    async fn take(&self, asks: &[Ask], now: Timestamp, start_by: Timestamp)
    -> Result<Vec<Grant>, StoreError>;
}
