//! LiveChat: webhooks that are registered, listed, and enabled per license, with the secret
//! key in the body.

#[cfg(feature = "tokio")]
pub mod admin;
mod envelope;
#[cfg(feature = "tokio")]
pub mod http_api;
pub mod payload;
pub(crate) mod profile;
#[cfg(feature = "targets")]
pub(crate) mod wording;
