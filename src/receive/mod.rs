//! What stands between a web framework and a [`Verifier`](crate::Verifier), and between a
//! verified event and its effect.
//!
//! * `tower` (feature `tower`): a layer in front of any HTTP service. It limits the body,
//!   verifies the bytes that came, and passes those very bytes on.
//! * `axum` (feature `axum`): the same as an extractor around another.
//!
//! A request that is refused gets a status and nothing else: why it was refused is for the
//! receiver's own log.

#[cfg(feature = "tower")]
mod body;
#[cfg(feature = "tower")]
mod refused;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use refused::Refused;
