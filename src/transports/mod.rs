//! Implementations of the [`Transport`](crate::backend::Transport) trait.

#[cfg(feature = "reqwest")]
pub mod reqwest;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder, TransportError};
