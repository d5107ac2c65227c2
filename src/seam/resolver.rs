//! Names to addresses.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::error::BoxError;
use crate::id::HostName;

/// Finds the addresses of a name. It is asked once for every new connection, and
/// answers with what it found, all of it: whether a request may go there is judged
/// by whoever asked.
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
    /// The lookup failed.
    #[error("the lookup failed")]
    Failed(#[source] BoxError),
}
