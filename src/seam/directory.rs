//! Which endpoints there are, as routing and sending read them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::EventMeta;
use crate::endpoint::Endpoint;
use crate::error::StoreError;
use crate::id::EndpointId;

/// Reads endpoints. A host with its own table brings only this.
///
/// It is called on the engine's task and must not block its thread. A panic counts as an
/// error of the store.
#[async_trait]
pub trait Directory: Send + Sync {
    /// A page of the tenant's enabled endpoints in the order of their ids, after
    /// that id: all that may want the event. More than that is no harm, since each
    /// one's own subscription decides.
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Subscribers, StoreError>;

    /// These endpoints as they stand now, in order; `None` where there is none.
    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Option<Arc<Endpoint>>>, StoreError>;

    /// Disables an endpoint if it is still at the version seen; says whether it did.
    async fn disable(&self, id: &EndpointId, seen_version: u64, why: &str) -> Result<bool, StoreError>;
}

/// A page of endpoints.
#[derive(Debug, Clone, Default)]
pub struct Subscribers {
    /// The endpoints.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Where the next page begins; `None` when this was the last.
    pub more_after: Option<EndpointId>,
}
