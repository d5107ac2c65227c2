//! LiveSession: events of visitors' sessions, signed in base64, and alerts that route them to
//! endpoints.

#[cfg(feature = "tokio")]
pub mod admin;
mod envelope;
pub mod payload;
pub(crate) mod profile;
#[cfg(feature = "targets")]
pub(crate) mod wording;
