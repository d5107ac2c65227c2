//! Resolves host names to addresses.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::error::BoxError;
use crate::id::HostName;

/// Resolves a host name. It is called once for every new connection, and returns all addresses
/// that it finds: the caller decides whether a request may be sent there.
///
/// Names that never answer can use up all threads or queries of a resolver. A resolver with a
/// bounded number of look-ups shares them among tenants, using `os::current_tenant`, and
/// returns [`ResolveError::Busy`] to a tenant whose share is used up. `os::SystemResolver`
/// does so for any blocking function.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns the addresses of that name, the preferred one first.
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError>;
}

/// Why a name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The name does not exist or has no address. This is a definite answer, which shows that
    /// names can be looked up.
    #[error("the name has no address")]
    NoAddress,
    /// There was no answer in time.
    #[error("no answer came in time")]
    Timeout,
    /// The name was not looked up, because the resolver cannot start another look-up for this
    /// tenant. Nothing is known about the name: the request does not count, and is repeated a
    /// second later.
    #[error("too many look-ups are under way")]
    Busy,
    /// The look-up failed.
    #[error("the lookup failed")]
    Failed(#[source] BoxError),
}
