//! Ways out: adapters of the [`Transport`](crate::seam::Transport) seam.

#[cfg(feature = "reqwest")]
pub mod reqwest;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder, TransportError};
