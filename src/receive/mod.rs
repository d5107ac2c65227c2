//! Connects a [`Verifier`](crate::Verifier) to a web framework, and ensures that an event is
//! handled once.
//!
//! * `tower` (feature `tower`): a layer in front of any HTTP service. It limits the body,
//!   verifies the received bytes, and passes exactly these bytes on.
//! * `axum` (feature `axum`): the same as an extractor around another extractor.
//! * [`Deduplicator`]: ensures that an event that is received twice is handled once.
//!
//! A rejected request gets only a status: the reason is for the receiver's own log.
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
