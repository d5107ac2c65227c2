//! A builder for development on one machine.

use crate::backend::{Backend, IntoShared};
use crate::webhooks::{Builder, Webhooks};

use super::{ReqwestTransport, TransportError};

impl Webhooks {
    /// [`builder`](Self::builder) with a transport, for development: it also sends over http,
    /// to this machine and to private networks, such as a receiver in Docker Compose.
    /// Endpoints of every profile may have URLs such as `http://localhost:3000/hooks` or
    /// `http://receiver:8080/hooks`.
    ///
    /// Never use it if others can register an endpoint: they could then reach every service
    /// inside your network.
    ///
    /// ```no_run
    /// use hookpost::{Webhooks, stores::memory::MemoryStore};
    ///
    /// let webhooks = Webhooks::danger_local(MemoryStore::new())?.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn danger_local<How>(backend: impl IntoShared<dyn Backend, How>) -> Result<Builder, TransportError> {
        let transport = ReqwestTransport::builder().danger_allow_local().build()?;
        Ok(Self::builder(backend, transport).danger_allow_local())
    }
}
