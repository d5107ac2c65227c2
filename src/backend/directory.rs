//! Which endpoints there are, as routing and sending read them.

use async_trait::async_trait;

use crate::delivery::EventMeta;
use crate::endpoint::{Endpoint, EndpointPage, Loaded};
use crate::error::StoreError;
use crate::id::EndpointId;

/// Reads endpoints. A host with its own table brings only this.
///
/// An endpoint that cannot be read is told apart from the others and never fails a call:
/// an error is for calls of which nothing can be answered.
///
/// It is called on the engine's task and must not block its thread. A panic counts as an
/// error of the store.
///
/// A call that takes longer than 5 s is dropped and counts as an error, and the engine drops
/// one sooner whose answer comes too late to be used, so each must be cancel safe: whatever
/// `.await` it has come to, nothing may be left half done. The work of other tenants waits for
/// an answer for 250 ms; what comes later costs the tenants concerned alone, which are asked
/// for apart from then on. Several calls may be under way at once.
#[async_trait]
pub trait Directory: Send + Sync {
    /// A page of the tenant's enabled endpoints in the order of their ids, after
    /// that id: all that may want the event. More than that is no harm, since each
    /// one's own subscription decides. Endpoints that cannot be read are told beside them,
    /// unless it can be read that they are disabled or do not want the event.
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError>;

    /// These endpoints as they stand now: one answer for each id, in order.
    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError>;

    /// Disables an endpoint if it still is the one that was seen: the same registration at
    /// the same version. Says whether it did.
    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError>;
}
