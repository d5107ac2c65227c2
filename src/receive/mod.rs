//! What stands between a web framework and a [`Verifier`](crate::Verifier), and between a
//! verified event and its effect.
//!
//! * `tower` (feature `tower`): a layer in front of any HTTP service. It limits the body,
//!   verifies the bytes that came, and passes those very bytes on.
//! * `axum` (feature `axum`): the same as an extractor around another.
//! * [`Deduplicator`]: an event that comes twice is handled once.
//!
//! A request that is refused gets a status and nothing else: why it was refused is for the
//! receiver's own log.
#![cfg_attr(all(feature = "axum", feature = "sqlite"), doc = include_str!("../../docs/receiving.md"))]

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
#[cfg(feature = "tower")]
mod body;
mod dedup;
mod now;
#[cfg(feature = "tower")]
mod refused;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;

#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use dedup::SqliteDeduplicator;
pub use dedup::{Deduplicator, Full, Handling, MemoryDeduplicator, Sighting, WINDOW};
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use refused::{Cause, Refused};
