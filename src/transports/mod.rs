//! Ways out: adapters of the [`Transport`](crate::seam::Transport) seam, and of the
//! [`Resolver`](crate::seam::Resolver) seam that they use.

#[cfg(feature = "reqwest")]
pub mod reqwest;
mod system_resolver;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder, TransportError};
pub use self::system_resolver::SystemResolver;
