//! Development on one machine.

use std::sync::Arc;

use crate::backend::Backend;
use crate::webhooks::{Builder, Webhooks};

use super::{ReqwestTransport, TransportError};

impl Webhooks {
    /// [`builder`](Self::builder) with a transport, for development: it sends to this machine and
    /// to private networks, such as a receiver in Docker Compose, over http too. Endpoints of
    /// every profile may have URLs such as `http://localhost:3000/hooks` or
    /// `http://receiver:8080/hooks`.
    ///
    /// Never use it where somebody else can register an endpoint: it lets them reach what
    /// listens inside of your network.
    ///
    /// ```no_run
    /// use hookpost::{Webhooks, stores::memory::MemoryStore, os::SystemClock};
    /// use std::sync::Arc;
    ///
    /// let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    /// let webhooks = Webhooks::danger_local(store)?.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn danger_local(backend: Arc<dyn Backend>) -> Result<Builder, TransportError> {
        let transport = ReqwestTransport::builder().danger_allow_local().build()?;
        Ok(Self::builder(backend, Arc::new(transport)).danger_allow_local())
    }
}
