//! Names to addresses.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::error::BoxError;
use crate::id::HostName;

/// Finds the addresses of a name. It is asked once for every new connection, and
/// answers with what it found, all of it: whether a request may go there is judged
/// by whoever asked.
///
/// Names that never answer can take all of a resolver's threads or queries. A resolver whose
/// number of look-ups is bounded shares them by tenant, which `os::current_tenant` tells,
/// and answers [`ResolveError::Busy`] to a tenant whose share is spent.
/// `os::SystemResolver` does so for any function that blocks.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of that name, the one to try first in front.
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError>;
}

/// A name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no such name, or it has no address: a definite answer, which shows that
    /// names can be looked up.
    #[error("the name has no address")]
    NoAddress,
    /// No answer came in time.
    #[error("no answer came in time")]
    Timeout,
    /// The name was not looked up, since the resolver has no room for another look-up of
    /// this tenant. It says nothing of the name: the request counts for nothing, and is
    /// made again a second later.
    #[error("too many look-ups are under way")]
    Busy,
    /// The lookup failed.
    #[error("the lookup failed")]
    Failed(#[source] BoxError),
}
