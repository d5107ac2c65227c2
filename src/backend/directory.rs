//! The endpoints, as routing and sending read them.

use async_trait::async_trait;

use crate::delivery::EventMeta;
use crate::endpoint::{Endpoint, EndpointPage, Loaded};
use crate::error::StoreError;
use crate::id::EndpointId;

/// Reads endpoints. A host that keeps endpoints in its own table implements only this trait.
///
/// An endpoint that cannot be read is returned as such beside the others and never fails a
/// call. An error means that nothing can be returned.
///
/// It is called on the engine's task and must not block its thread. A panic counts as a store
/// error.
///
/// A call that takes longer than 5 s is dropped and counts as an error. The engine also drops
/// a call earlier if its answer would come too late to be used. Each method must therefore be
/// cancel safe: nothing may be left half done at any `.await`. Other tenants wait for an
/// answer for at most 250 ms; a later answer delays only the tenants concerned, whose
/// endpoints are from then on requested separately. Several calls may be in progress at once.
#[async_trait]
pub trait Directory: Send + Sync {
    /// A page of the tenant's enabled endpoints that may want the event, in the order of their
    /// ids, after the given id. It must contain all of them and may contain more, since each
    /// endpoint's subscription decides. Endpoints that cannot be read are returned beside
    /// them, unless it is still known that they are disabled or do not want the event.
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError>;

    /// Loads these endpoints in their present state: one answer for each id, in order.
    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError>;

    /// Disables an endpoint if it has not changed since it was `seen`: it has the same
    /// registration and version. Returns whether it was disabled.
    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError>;
}
